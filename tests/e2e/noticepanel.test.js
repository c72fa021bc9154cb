// SPDX-License-Identifier: LGPL-2.1-or-later

// Jobs of notices on the operator's page, with a receiver of webhooks that
// fails for a while: what the page shows is what has come.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startBrowser, startChromium } from '../lib/chromium.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { PHONE, visit } from '../lib/pages.js';
import { Place } from '../lib/place.js';
import { makeSecret, Receiver } from '../lib/receiver.js';
import { until } from '../lib/until.js';

const TOKEN = 'token-of-the-operator';
const USERS = 300;
const RATE = 10;
const place = new Place();
let operator;
let node;
let receiver;
let service;

const textOf = (selector) => operator.page.locator(selector).innerText();
const untilText = (selector, pattern) => until(`${selector}: ${pattern}`,
    async () => {
      const text = await operator.page.locator(selector)
          .innerText({ timeout: 1000 }).catch(() => '');
      if (!pattern.test(text))
        throw new Error(`${text}\n${service.output}`);
      return text;
    }, 180);

async function publish(game, title) {
  const key = await addDeveloper(node, game, title, 'Gordon');
  await query(place, privateDatabase(node), `INSERT INTO wishcast.wishlist
      SELECT '${game}', 'user-' || n, 'Player ' || n
      FROM generate_series (1, ${USERS}) n`);
  return startPublisher(place, node.rtmp(key));
}

// The line of the only job of a game.
const line = (game) => `.notice-job:has(bdi:text-is("${game}"))`;

const toldOf = (game) => receiver.events.filter(
    ({ data }) => data.game.id === game).length;

// The page as it is now, on a phone in Russian and on a desktop.
async function assertForAll() {
  const browser = await startBrowser(place);
  for (const options of [{ size: PHONE, language: 'ru' }, { scheme: 'light' }]) {
    const view = await visit(browser, `${node.url}/operator#${TOKEN}`,
        { name: 'notice-jobs', ...options });
    await view.page.waitForSelector('.notice-job');
    await view.assertAccessible();
    await view.assertFits();
    await view.assertRtl();
    view.assertQuiet();
    await view.screenshot();
    await view.close();
  }
  await browser.close();
}

before(async () => {
  const secret = makeSecret();
  receiver = await Receiver.start(place, secret);
  writeFileSync(place.path('secret'), secret, { mode: 0o600 });
  writeFileSync(place.path('token'), TOKEN, { mode: 0o600 });
  node = await makeNode(place, 'one', {
    api: { 'operator-token-file': place.path('token') },
    notify: {
      'webhook-url': receiver.url,
      'webhook-secret-file': place.path('secret'),
      'webhook-batch': 10,
      'max-rate': RATE,
    },
  });
  service = await startNode(node);
  const chromium = await startChromium(place, { locale: 'en' });
  operator = await openPage(chromium, `${node.url}/operator#${TOKEN}`);
});

after(() => place.leave());

test('nobody was told yet, and the page says so', async () => {
  await untilText('#notices-none', /^Nobody was told of a broadcast yet\.$/);
  assert.equal(await operator.page.locator('.notice-job').count(), 0);
});

test('progress moves, with its rate and the time left', async () => {
  const publisher = await publish('half-life', 'Half-Life');
  await untilText(line('half-life'),
      /Being told.* of 300 told.* left.*\d a second.*done in \d+:\d\d/s);
  const progress = async () => Number(await operator.page.locator(
      `${line('half-life')} [role="progressbar"]`)
      .getAttribute('aria-valuenow'));
  const first = await progress();
  await until('it moves', async () => await progress() > first);
  assert.ok(await progress() <= toldOf('half-life'));
  await untilText(line('half-life'), /All told.*300 of 300 told/s);
  assert.equal(await progress(), USERS);
  assert.equal(toldOf('half-life'), USERS);
  assert.doesNotMatch(await textOf(line('half-life')),
      /a second|left|refused|problem/);
  assert.equal(await operator.page.locator(`${line('half-life')} a`)
      .getAttribute('href'), `/watch/${await operator.page
      .locator('.notice-job').getAttribute('data-link')}`);
  await publisher.stop();
});

test('a receiver that fails is told, in the line and above all', async () => {
  receiver.failure = 500;
  const publisher = await publish('portal', 'Portal');
  const text = await untilText(line('portal'), /Fails/);
  assert.match(text, /It failed.*; tried again at \d+:\d\d:\d\d/);
  assert.match(text, /Last problem: the receiver answers with status 500/);
  assert.match(text, /The webhook http:\S+ answers with status 500/);
  await untilText('#banner',
      /The wishlist of portal cannot be told: the receiver answers with status 500/);
  assert.equal(toldOf('portal'), 0);

  await assertForAll();

  receiver.failure = null;
  await untilText(line('portal'), /All told.*300 of 300 told/s);
  await until('nothing above tells of it', async () =>
    !/portal/.test(await operator.page.locator('#banner').textContent()));
  assert.equal(toldOf('portal'), USERS);
  assert.match(await textOf('.notice-job >> nth=0'), /^portal/);
  await publisher.stop();
});

test('a receiver that wants no more stops it', async () => {
  receiver.failure = 410;
  await publish('ricochet', 'Ricochet');
  await untilText(line('ricochet'),
      /Stopped by the receiver.*The receiver wants no more notices/s);
  await untilText('#banner', /wants no more: the wishlist of ricochet/);
  assert.equal(toldOf('ricochet'), 0);
});

test('nothing was wrong inside', async () => {
  assert.deepEqual(operator.complaints, []);
  assert.deepEqual(receiver.problems, []);
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
