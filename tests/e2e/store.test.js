// SPDX-License-Identifier: LGPL-2.1-or-later

// The pages of the store, open while broadcasts of two games start, drop,
// return and end: each shows the truth, and is never loaded again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openPage, startBrowser } from '../lib/chromium.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const PATHS = {
  home: '/', first: '/game/half-life', other: '/game/portal',
  community: '/community',
};
const place = new Place();
const pages = {};
const keys = {};
const publishers = {};
const links = {};
let browser;
let node;
let service;

// What a page shows: cards by their place, as link and state.
const look = (name) => pages[name].page.evaluate(() => {
  const isShown = (element) => element?.checkVisibility() ?? false;
  const cards = (id) => Array.from(
      document.querySelectorAll(`#${id} .card`),
      ({ dataset: { link, state } }) => `${link} ${state}`);
  return {
    hero: cards('hero').join(),
    live: cards('live'),
    ended: cards('ended'),
    isNothing: isShown(document.getElementById('nothing')),
    feed: Array.from(document.querySelectorAll('#feed .event'),
        ({ dataset }) => dataset.kind),
    onAir: Array.from(document.querySelectorAll('.tile, .chip[data-game]'))
        .filter((one) => isShown(one.querySelector('.tag, .number')))
        .map(({ dataset }) => dataset.game).filter(Boolean).sort(),
  };
});

// Waits until page `name` shows what is `expected` of it.
const untilShows = (name, expected) =>
  until(`${name} shows ${JSON.stringify(expected)}`, async () => {
    const shown = await look(name);
    for (const key of Object.keys(expected))
      assert.deepEqual(shown[key], expected[key], JSON.stringify(shown));
    return true;
  }, 60);

const untilState = (game, state) =>
  until(`${game} is ${state}`, async () => {
    const answer = await fetch(
        `${node.url}/api/v1/broadcasts?game=${game}&limit=1`);
    const { broadcasts: [broadcast] } = await answer.json();
    links[game] = broadcast?.link;
    return broadcast?.state === state;
  }, 60);

async function publish(game) {
  publishers[game] = startPublisher(place, node.rtmp(keys[game]));
  await untilState(game, 'live');
}

async function end(game) {
  publishers[game].stopped = true;
  const answer = await fetch(
      `${node.url}/api/v1/broadcasts/${links[game]}/end`,
      { method: 'POST', headers: { Authorization: `Bearer ${keys[game]}` } });
  assert.ok(answer.ok, `${answer.status}`);
  await untilState(game, 'ended');
}

// Each as somebody else's: of one browser, all pages that are in sight share six
// connections to the node.
async function open(name, path) {
  const context = await browser.newContext(
      { locale: 'en', viewport: { width: 1280, height: 800 } });
  pages[name] = await openPage(context, `${node.url}${path}`);
  await pages[name].page.evaluate(() => { window.isTheSame = true; });
}

const a = (state) => `${links['half-life']} ${state}`;
const b = (state) => `${links.portal} ${state}`;

before(async () => {
  node = await makeNode(
      place, 'a', { broadcast: { 'resume-window': '600 s' } });
  service = await startNode(node);
  keys['half-life'] =
    await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
  keys.portal = await addDeveloper(node, 'portal', 'Portal <b>2</b>', 'Chell');
  browser = await startBrowser(place);
  for (const [name, path] of Object.entries(PATHS))
    await open(name, path);
});

after(() => place.leave());

test('nothing is on air', async () => {
  for (const name of Object.keys(PATHS))
    await untilShows(name, { isNothing: true, live: [], ended: [] });
  await untilShows('home', { hero: '', onAir: [] });
  assert.equal(await pages.other.page.title(), 'Portal <b>2</b> – Wishcast');
  assert.equal(await pages.other.page.textContent('h1'), 'Portal <b>2</b>');
});

test('where there is no poster, pages get an empty one', async () => {
  const poster = `${node.url}/live/never/poster.jpg`;
  assert.equal((await fetch(poster)).status, 404);
  const answer = await fetch(`${poster}?v=1`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('Content-Type'), 'image/svg+xml');
  assert.equal(answer.headers.get('Cache-Control'), 'public, max-age=2');
});

test('a broadcast starts', async () => {
  await publish('half-life');
  await untilShows('home',
      { hero: a('live'), live: [], isNothing: false, onAir: ['half-life'] });
  await untilShows('first', { hero: a('live'), isNothing: false });
  await untilShows('other', { hero: '', isNothing: true });
  await untilShows('community',
      { live: [a('live')], feed: ['began'], onAir: ['half-life'] });
});

test('its picture is shown, and moves', async () => {
  const { page } = pages.home;
  await until('there is a poster', () => page.evaluate(() =>
    document.querySelector('#hero .poster img').naturalWidth > 16), 60);
  const time = () => page.evaluate(() =>
    document.querySelector('#hero .preview.shown').currentTime);
  const before = await until('the preview plays', time, 60);
  await until('it goes on', async () => await time() > before + 1);
  assert.ok(await page.evaluate(() =>
    document.querySelector('#hero .preview').muted));
  await page.click('.preview-pause');
  await until('it has stopped', () => page.evaluate(() =>
    !document.querySelector('#hero .preview').matches('.shown')));
});

test('another one starts', async () => {
  await publish('portal');
  await untilShows('home',
      { hero: a('live'), live: [b('live')], onAir: ['half-life', 'portal'] });
  await untilShows('first', { hero: a('live'), live: [] });
  await untilShows('other', { hero: b('live'), live: [], isNothing: false });
  await untilShows('community', { feed: ['began', 'began'] });
  assert.equal((await look('community')).live.length, 2);
});

test('the one that is watched most comes first', async () => {
  for (const i of '12345') {
    const answer = await fetch(`${node.url}/api/v1/broadcasts/${links.portal}` +
      `/watching?viewer=${i.repeat(16)}`, { method: 'POST' });
    assert.ok(answer.ok, `${answer.status}`);
  }
  await untilShows('community', { live: [b('live'), a('live')] });
  await until('they are counted', async () => /^[5-9] viewers$/.test(
      await pages.other.page.textContent('#hero [data-part=viewers]')));
});

test('one game can be chosen', async () => {
  const { page } = pages.community;
  await page.click('.chip[data-game=half-life]');
  await untilShows('community', { live: [a('live')], feed: ['began'] });
  assert.match(page.url(), /\/community\?game=half-life$/);
  await page.click('.chip[data-game=""]');
  await untilShows('community', { live: [b('live'), a('live')] });
});

test('the first one drops', async () => {
  publishers['half-life'].stopped = true;
  await publishers['half-life'].drop();
  await untilState('half-life', 'interrupted');
  await untilShows('home', { hero: a('interrupted'), live: [b('live')] });
  await untilShows('first', { hero: a('interrupted'), isNothing: false });
  await untilShows('community', { feed: ['interrupted', 'began', 'began'] });
});

test('it returns', async () => {
  await publish('half-life');
  await untilShows('home', { hero: a('live') });
  await untilShows('first', { hero: a('live') });
  await untilShows('community',
      { feed: ['back', 'interrupted', 'began', 'began'] });
});

test('it ends, and can be watched again', async () => {
  await end('half-life');
  await untilShows('home', {
    hero: b('live'), live: [], ended: [a('ended')], onAir: ['portal'],
  });
  await untilShows('first', { hero: '', isNothing: true, ended: [a('ended')] });
  await untilShows('other', { hero: b('live'), ended: [] });
  await untilShows('community', {
    live: [b('live')], ended: [a('ended')],
    feed: ['ended', 'back', 'interrupted', 'began', 'began'],
  });
  assert.match(await pages.first.page.textContent('#ended .card-time'),
      /^Watch until /);
});

test('a game that there is not', async () => {
  await open('none', '/game/none');
  await until('it says so', () => pages.none.page.isVisible('#unknown'));
});

test('nothing was complained about', async () => {
  for (const name of Object.keys(PATHS))
    assert.deepEqual(pages[name].complaints, [], name);
});

test('what can be watched is told page by page, and no more', async () => {
  // 32 a minute apart, of which two have no recording and the last 10 have
  // expired.
  await query(place, privateDatabase(node),
      `INSERT INTO wishcast.recording (link, part, node, object, state, size)
       SELECT 'old' || i, 0, 'a', 'old' || i || '/0.mp4', 'ready', 1
       FROM generate_series (1, 32) i WHERE i NOT IN (3, 4)`);
  await query(place, privateDatabase(node),
      `INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,
         started_at, changed_at, ended_at, end_reason, recording_expires)
       SELECT gen_random_uuid (), 'old' || i, 'portal', 'ended', 'a',
         at, at, at, at, 'developer',
         now () + CASE WHEN i > 22 THEN interval '-1 s' ELSE '1 day' END
       FROM generate_series (1, 32) i,
         LATERAL (SELECT now () - interval '1 h' - i * interval '1 min') t(at)`);
  await until('the API knows them', async () => {
    const answer = await fetch(`${node.url}/api/v1/games/portal/broadcasts` +
        '?state=ended&limit=100');
    return (await answer.json()).broadcasts.some(
        ({ link }) => link === 'old32');
  });
  await pages.other.page.reload();
  const count = async () => (await look('other')).ended.length;
  await until('the first page', async () => await count() === 10);
  await pages.other.page.click('#more');
  await until('the second page', async () => await count() === 20);
});

test('while the server is away, what was shown stays; then it goes on',
    async () => {
      const note = (name) => pages[name].page.textContent('#stale');
      assert.equal(await service.end('SIGTERM', 30), 0);
      checkService(service);
      for (const name of ['home', 'community'])
        await until(`${name} says so`, () => note(name), 60);
      assert.equal((await look('home')).hero, b('live'));
      service = await startNode(node);
      await untilState('portal', 'live');
      for (const name of ['home', 'community']) {
        await until(`${name} takes it back`,
            async () => await note(name) === '', 60);
      }
      await end('portal');
      await untilShows('home', { hero: '', isNothing: true });
      for (const name of ['home', 'community'])
        assert.ok(await pages[name].page.evaluate(() => window.isTheSame));
    });

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
