// SPDX-License-Identifier: LGPL-2.1-or-later

// The contract of the store's endpoint. That wishcast keeps to it shows
// tests/check/test-wishlist.c.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Validator } from '@seriousme/openapi-schema-validator';

import { OpenApi } from '../lib/openapi.js';

const document = JSON.parse(readFileSync(
    new URL('../../data/store-openapi.json', import.meta.url), 'utf8'));
const api = new OpenApi(document);

test('the document is one of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
});

test('its page is one', () => {
  const { content } = document.paths['/wishlist'].get.responses[200];
  api.checkSchema('Page', content['application/json'].example, 'the example');
});

test('what is no page is none', () => {
  for (const body of [
    {}, { users: [] }, { users: {}, next: null }, { users: [], next: '' },
    { users: [{ id: 7, username: 'x' }], next: null },
    { users: [], next: null, total: -1 },
  ])
    assert.throws(() => api.checkSchema('Page', body, 'it'), /it: /);
});
