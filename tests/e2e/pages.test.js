// SPDX-License-Identifier: LGPL-2.1-or-later

// Every page in front of a node that has something of everything: on a phone
// and on desktops, dark and light, in both languages and from right to left, by
// keyboard, and while the API is away.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import en from '../../data/www/texts/en.js';
import ru from '../../data/www/texts/ru.js';
import { startBrowser } from '../lib/chromium.js';
import { startNode as startNginx } from '../lib/nginx.js';
import { checkService } from '../lib/node.js';
import { DESKTOP, PHONE, visit, WIDE } from '../lib/pages.js';
import { freePort, Place } from '../lib/place.js';
import { openShop, OPERATOR_TOKEN } from '../lib/shop.js';
import { until } from '../lib/until.js';

const PATIENCE = { timeout: 60000 };
const NOT_FOUND = /status of 404/;
const place = new Place();
let browser;
let shop;

const stage = (...states) => (view) => view.page.waitForSelector(
    states.map((state) => `.stage[data-state="${state}"]`).join(), PATIENCE);

// It plays what was left, and then says that there is no more.
const interrupts = async (view) => {
  await view.page.waitForFunction(() => {
    const video = document.querySelector('video');
    return video?.currentTime > 0 &&
        video.readyState <= HTMLMediaElement.HAVE_CURRENT_DATA;
  }, null, PATIENCE);
  await stage('interrupted')(view);
};

const shows = (selector) => (view) =>
  view.page.waitForSelector(`${selector} >> visible=true`, PATIENCE);

// The titles of games that are on a page.
const tells = (...games) => (view) => until(`it tells of ${games}`,
    async () => {
      const texts = (await view.texts()).join('\n');
      return games.every((game) => texts.includes(shop[game].title));
    });

const opens = (secret) => async (view) => {
  await view.page.fill('#secret', secret());
  await view.page.press('#secret', 'Enter');
  await shows('#dashboard')(view);
};

// Everything is wrong at once, with broadcasts and files of the longest names.
const fails = async (view) => {
  await view.page.route('**/operator/overview', async (route) => {
    const answer = await route.fetch();
    const overview = await answer.json();
    const [{ report }] = overview.nodes;
    report.databaseConnected = false;
    report.diskFree = report.diskSize / 100;
    report.cache = { size: 9e11, budget: 1e12, unarchived: 9e11, cleared: 0 };
    Object.assign(report.archive,
        { failing: 3, left: 5e12, problem: 'x'.repeat(120) });
    report.retention = { deleted: 0, onHold: true,
      problem: `/srv/${'y'.repeat(120)}: Permission denied` };
    report.messages.unshift(
        { at: overview.at, text: `/srv/${'z'.repeat(200)}: No space` });
    for (const broadcast of report.broadcasts) {
      broadcast.errors = ['recording-incomplete', 'parts-not-stored',
        'frames-dropped', 'chunks-refused'];
      broadcast.partLatency = { median: 3, p99: 12 };
      broadcast.queuedBytes = 5e12;
    }
    await route.fulfill({ response: answer, json: overview });
  });
  await opens(() => OPERATOR_TOKEN)(view);
  await view.page.click('#more summary');
};

// `comes`: waits until what there is to see is seen. `expected`: what the
// browser complains about by itself. `alone`: it says the same while the API is
// away.
const PAGES = [
  { name: 'home', path: () => '/', comes: tells('live', 'interrupted', 'ended',
    'empty') },
  { name: 'game', path: () => `/game/${shop.live.id}`, comes: tells('live') },
  { name: 'game-ended', path: () => `/game/${shop.ended.id}`,
    comes: tells('ended') },
  { name: 'game-empty', path: () => `/game/${shop.empty.id}`,
    comes: tells('empty') },
  { name: 'game-unknown', path: () => '/game/none', comes: shows('#unknown'),
    expected: [NOT_FOUND] },
  { name: 'community', path: () => '/community',
    comes: tells('live', 'interrupted', 'ended') },
  { name: 'watch', path: () => `/watch/${shop.live.link}`,
    comes: stage('playing'), alone: true },
  { name: 'watch-interrupted', path: () => `/watch/${shop.interrupted.link}`,
    comes: interrupts },
  { name: 'watch-ended', path: () => `/watch/${shop.ended.link}`,
    comes: stage('ended', 'over'), alone: true },
  { name: 'watch-unknown', path: () => '/watch/none', comes: stage('missing'),
    expected: [NOT_FOUND] },
  { name: 'embed', path: () => `/embed/${shop.live.link}`,
    comes: stage('playing'), alone: true },
  { name: 'embed-unknown', path: () => '/embed/none', comes: stage('missing'),
    expected: [NOT_FOUND] },
  { name: 'developer', path: () => '/developer', comes: shows('#secret'),
    alone: true },
  { name: 'developer-live', path: () => '/developer',
    comes: opens(() => shop.live.key) },
  { name: 'developer-empty', path: () => '/developer',
    comes: opens(() => shop.empty.key) },
  { name: 'operator', path: () => '/operator', comes: shows('#secret'),
    alone: true },
  { name: 'operator-overview', path: () => '/operator',
    comes: opens(() => OPERATOR_TOKEN) },
  { name: 'operator-troubled', path: () => '/operator', comes: fails },
  { name: 'missing', path: () => '/none', comes: shows('h1'), alone: true,
    expected: [NOT_FOUND] },
];

// In Russian, whole texts of the English that are said in another way.
const untranslated = new Set(Object.entries(en.texts).flatMap(
    ([section, texts]) => Object.entries(texts)
        .filter(([name, text]) => typeof text === 'string' &&
            ru.texts[section][name] !== text)
        .map(([, text]) => text)));
const sections = Object.keys(en.texts).join('|');

// No name of a text in the place of the text, nothing that code says.
async function assertTranslated(view, language) {
  const texts = await view.texts();
  const unsaid = new RegExp(`^(${sections})\\.[\\w-]+$|\\{\\w+\\}|` +
      '\\b(undefined|NaN|null)\\b|\\[object');
  assert.deepEqual(texts.filter((text) => unsaid.test(text)), []);
  assert.equal(await view.page.getAttribute('html', 'lang'), language);
  if (language !== 'en')
    assert.deepEqual(texts.filter((text) => untranslated.has(text)), []);
}

// `look(view)` at a page once there is what there is to see.
async function see({ name, path, comes, expected = [] }, options, look) {
  const { origin = shop.node.url, ...others } = options;
  const view = await visit(browser, origin + path(), { name, ...others });
  try {
    await comes(view);
    await look(view);
    view.assertQuiet(...expected);
  } finally {
    await view.close();
  }
}

async function checkSight(view, language) {
  await view.assertAccessible();
  await view.assertFits();
  await view.assertRtl();
  await assertTranslated(view, language);
  await view.screenshot();
}

async function checkScheme(view, scheme) {
  await view.setScheme(scheme);
  await view.assertContrast();
  await view.screenshot();
}

before(async () => {
  browser = await startBrowser(place);
  shop = await openShop(place);
});

after(() => place.leave());

describe('pages', { concurrency: 2 }, () => {
  for (const page of PAGES) {
    test(`${page.name}, on a phone, in Russian`, () =>
      see(page, { size: PHONE, language: 'ru' }, async (view) => {
        await checkSight(view, 'ru');
        await checkScheme(view, 'light');
      }));

    test(`${page.name}, on desktops, in English`, () =>
      see(page, { scheme: 'light' }, async (view) => {
        await checkSight(view, 'en');
        await checkScheme(view, 'dark');
        await view.setSize(WIDE);
        await view.assertFits();
        await view.assertKeyboard();
        await view.screenshot();
      }));
  }
});

test('nothing is inline, and nothing may come from elsewhere', async () => {
  for (const { name, path } of PAGES) {
    const { headers, text } = await fetch(`${shop.node.url}${path()}`)
        .then(async (answer) => ({
          headers: answer.headers, text: await answer.text(),
        }));
    const policy = headers.get('content-security-policy');
    assert.match(policy, /^default-src 'none'; script-src 'self'; /, name);
    assert.doesNotMatch(policy, /unsafe|https?:|data:/, name);
    assert.match(policy, name.startsWith('embed') ? /frame-ancestors \*$/ :
      /frame-ancestors 'none'$/, name);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.doesNotMatch(text,
        /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/, name);
    assert.doesNotMatch(text, /(src|href)="(?!\/|#)/, name);
  }
});

describe('while the API is away', { concurrency: 2 }, () => {
  let front;

  before(async () => {
    front = await startNginx(place, 'away', {
      ORIGIN: `127.0.0.1:${shop.node.ports.origin}`,
      API: `127.0.0.1:${await freePort()}`,
      HOOK: `127.0.0.1:${await freePort()}`,
    }, `127.0.0.1:${await freePort()}`);
  });

  for (const page of PAGES.filter(({ name }) =>
    !/-(live|overview|troubled|empty|unknown)$/.test(name))) {
    test(page.name, () => see({
      ...page,
      name: `${page.name}-away`,
      comes: page.alone ? page.comes : shows('main'),
      expected: [NOT_FOUND, /status of 502/],
    }, { origin: `http://127.0.0.1:${front.port}`, size: PHONE },
    async (view) => {
      await until('it says something', async () =>
        (await view.page.innerText('body')).trim().length > 0);
      await checkSight(view, 'en');
    }));
  }
});

test('nothing was wrong inside', async () => {
  assert.equal(await shop.service.end('SIGTERM', 30), 0);
  checkService(shop.service);
});
