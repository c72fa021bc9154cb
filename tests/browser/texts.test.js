// SPDX-License-Identifier: LGPL-2.1-or-later

// The texts of the pages: every language says all that English does, and the
// pages say nothing that is not there.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ROOT } from '../lib/place.js';

const WWW = `${ROOT}data/www/`;
const codes = readdirSync(`${WWW}texts`).map((file) => file.slice(0, -3));
const languages = Object.fromEntries(await Promise.all(codes.map(
    async (code) => [code, (await import(`${WWW}texts/${code}.js`)).default])));

// Map of 'section.name' -> text, or { form: text }.
const flatten = ({ texts }) => new Map(Object.entries(texts).flatMap(
    ([section, all]) => Object.entries(all).map(
        ([name, text]) => [`${section}.${name}`, text])));
const english = flatten(languages.en);

const forms = (text) => typeof text === 'string' ? [text] : Object.values(text);
const placeholders = (text) =>
  [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
const allPlaceholders = (text) => placeholders(forms(text).join());

// Source of all pages, without the texts.
const sources = readdirSync(WWW).filter((file) => /\.(js|html)$/.test(file))
    .map((file) => [file, readFileSync(WWW + file, 'utf8')]);

test('each can be chosen', () => {
  const [, i18n] = sources.find(([file]) => file === 'i18n.js');
  assert.deepEqual([...i18n.matchAll(/code: '(\w+)'/g)].map(([, code]) => code)
      .sort(), [...codes].sort());
});

for (const code of codes.filter((other) => other !== 'en')) {
  test(`${code} says all that English does`, () => {
    const texts = flatten(languages[code]);
    assert.deepEqual([...texts.keys()].sort(), [...english.keys()].sort());
    for (const [key, text] of english) {
      assert.equal(typeof texts.get(key), typeof text, key);
      assert.deepEqual(allPlaceholders(texts.get(key)), allPlaceholders(text),
          key);
    }
  });
}

for (const code of codes) {
  test(`${code} is whole`, () => {
    assert.match(languages[code].dir, /^(ltr|rtl)$/);
    const { pluralCategories } = new Intl.PluralRules(code).resolvedOptions();
    for (const [key, text] of flatten(languages[code])) {
      for (const form of forms(text))
        assert.match(form, /^\S(.*\S)?$/, key);
      if (typeof text === 'string')
        continue;
      assert.deepEqual(Object.keys(text).sort(), [...pluralCategories].sort(),
          key);
      // A form may name its number in words; all else is in every form.
      for (const form of forms(text))
        assert.deepEqual(placeholders(form).filter((p) => p !== '{n}'),
            allPlaceholders(text).filter((p) => p !== '{n}'), key);
    }
  });
}

test('the pages say what is there, and all of it', () => {
  const sections = Object.keys(languages.en.texts).join('|');
  const missing = [];
  const used = new Set();
  const patterns = [];
  for (const [file, source] of sources) {
    for (const [, key] of source.matchAll(
        new RegExp(`['"\`]((?:${sections})\\.[\\w-]+)['"\`]`, 'g'))) {
      used.add(key);
      if (!english.has(key))
        missing.push(`${file}: ${key}`);
    }
    // Of `section.begin${value}end` something must be there.
    for (const [, key] of source.matchAll(
        new RegExp(`\`((?:${sections})\\.[^\`]*\\$\\{[^\`]*)\``, 'g'))) {
      const pattern = new RegExp(`^${key.replaceAll('.', '\\.')
          .replace(/\$\{[^}]*\}/g, '[\\w-]+')}$`);
      patterns.push(pattern);
      if (![...english.keys()].some((known) => pattern.test(known)))
        missing.push(`${file}: ${key}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.deepEqual([...english.keys()].filter((key) => !used.has(key) &&
      !patterns.some((pattern) => pattern.test(key))), [], 'never said');
});
