// SPDX-License-Identifier: LGPL-2.1-or-later

// Our client of Google Cloud Storage, against the fake that is strict and
// against an emulator that is not ours.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';

import { printCrc, updateCrc } from '../lib/fakegcs/crc32c.js';
import { FakeGcs } from '../lib/fakegcs.js';
import { callGcs } from '../lib/gcscall.js';
import { startEmulator } from '../lib/gcsemulator.js';
import { Place } from '../lib/place.js';

const NAME = 'games/half life & more/é+%/x.mp4';
const HEAD = randomBytes(1000);
const BODY = randomBytes(100000);
const WHOLE = Buffer.concat([HEAD, BODY]);
const CRC = printCrc(updateCrc(0, WHOLE));
const place = new Place();
const clouds = {};
let fake;
let key;

before(async () => {
  fake = await FakeGcs.start(place, { auth: true });
  key = place.path('key.json');
  fake.addAccount(key);
  clouds.fake = { url: fake.url, key,
    put: (name, bytes) => fake.objects.makeOfBytes('bucket', name, {},
        new URLSearchParams(), bytes),
    read: (name) => fake.read(name), names: () => fake.names() };
  const emulator = await startEmulator(place);
  clouds.emulator = { url: emulator.url, key: null,
    put: (name, bytes) => fetch(`${emulator.url}/upload/storage/v1/b/bucket/` +
        `o?uploadType=media&name=${encodeURIComponent(name)}`,
    { method: 'POST', body: bytes }),
    read: emulator.read, names: emulator.names };
});

after(() => place.leave());

for (const cloud of ['fake', 'emulator']) {
  test(`compose, stat, list, sign and delete (${cloud})`,
      async () => {
        const { url, key: file, put, read, names } = clouds[cloud];
        const call = (...args) => callGcs(place, url, file, ...args);
        await put('head', HEAD);
        await put('body', BODY);
        const [made] = await call('compose', NAME, '0', 'head', 'body');
        assert.equal(made, `${WHOLE.length} ${CRC}`);
        assert.deepEqual(await read(NAME), WHOLE);
        assert.deepEqual(await call('stat', NAME), [made]);
        assert.deepEqual(await call('list', 'games/'), [NAME]);
        await call('delete', 'head');
        await call('delete', 'body');
        await call('delete', 'body'); // it is not there any more
        assert.deepEqual(await names(), [NAME]);
        await assert.rejects(call('stat', 'body'));
        // The emulator does not look at the generation of what it composes.
        if (cloud === 'fake')
          await assert.rejects(call('compose', NAME, '0', NAME));
        const [address] = await call('sign', NAME, '60',
            'attachment; filename="x.mp4"');
        const answer = await fetch(address);
        assert.equal(answer.status, 200);
        assert.deepEqual(Buffer.from(await answer.arrayBuffer()), WHOLE);
      });
}

test('the fake has nothing to complain of', async () => {
  const object = fake.objects.get('bucket', NAME);
  assert.equal(object.contentType, 'video/mp4');
  assert.equal(object.cacheControl, 'private');
  assert.equal(object.customTime, '2026-01-02T03:04:05Z');
  assert.deepEqual(object.metadata, { link: 'x' });
  assert.equal(object.components, 2);
  assert.deepEqual(fake.violations, []);
});

test('a signed address is good until its time is over', async () => {
  const [address] = await callGcs(place, fake.url, key, 'sign', NAME, '60',
      "attachment; filename*=UTF-8''H%C3%A4lf%20Life.mp4");
  const answer = await fetch(address, { headers: { range: 'bytes=10-19' } });
  assert.equal(answer.status, 206);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()),
      WHOLE.subarray(10, 20));
  assert.equal(answer.headers.get('content-disposition'),
      "attachment; filename*=UTF-8''H%C3%A4lf%20Life.mp4");
  assert.deepEqual(fake.violations, []);
  fake.now = () => Date.now() + 59000;
  assert.equal((await fetch(address)).status, 200);
  fake.now = () => Date.now() + 61000;
  assert.equal((await fetch(address)).status, 400);
  fake.now = Date.now;
});

test('permissions that are lacking are named', async () => {
  assert.deepEqual(await callGcs(place, fake.url, key, 'check'), ['']);
  fake.permissions.delete('storage.objects.delete');
  assert.deepEqual(await callGcs(place, fake.url, key, 'check'),
      ['storage.objects.delete']);
});

test('lists are read to their last page', async () => {
  fake.pageSize = 3;
  const names = Array.from({ length: 10 }, (_, i) => `many/${i}`);
  for (const name of names)
    clouds.fake.put(name, HEAD);
  assert.deepEqual(await callGcs(place, fake.url, key, 'list', 'many/'), names);
});

test('the account of the machine', async () => {
  const tokens = () => fake.of('metadata')
      .filter(({ path }) => path.endsWith('/token')).length;
  const call = (...args) => callGcs(place, fake.url, 'machine', ...args);
  assert.deepEqual(await call('list', 'games/'), [NAME]);
  assert.equal(tokens(), 1);
  fake.inject({ at: 'stat', what: 'revoke' });
  const [told] = await call('stat', NAME);
  assert.equal(told, `${WHOLE.length} ${CRC}`);
  assert.equal(tokens(), 3);
  // It has no key: the service of IAM signs for it.
  const [address] = await call('sign', NAME, '60', 'inline');
  assert.equal(fake.of('sign').length, 1);
  assert.ok(address.includes(
      `X-Goog-Credential=${encodeURIComponent(fake.machine)}`), address);
  const answer = await fetch(address);
  assert.equal(answer.status, 200);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), WHOLE);
  assert.deepEqual(fake.violations, []);
});
