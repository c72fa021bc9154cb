// SPDX-License-Identifier: LGPL-2.1-or-later

// `wishcast demo` as a person uses it, and what it leaves behind.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';

import { openPage, startBrowser, startChromium, videoFacts }
  from '../lib/chromium.js';
import { checkService, privateDatabase, query, startPublisher }
  from '../lib/node.js';
import { PHONE, visit } from '../lib/pages.js';
import { freePort, isListening, Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';
import { startWishcast } from '../lib/wishcast.js';

const place = new Place();
let chromium;
let count = 0;
let tmp;

before(async () => {
  // If we are root, nginx and PostgreSQL are others, who must get there.
  chmodSync(place.dir, 0o711);
  chromium = await startChromium(place);
});

after(() => place.leave());

beforeEach(() => {
  count += 1;
  tmp = place.path(`tmp${count}`);
  mkdirSync(tmp, { mode: 0o711 });
});

// rtspclientsink, which publishes one of its games, complains in GStreamer's own
// words when it still sends while the other side hangs up; so that is not fatal.
const launchDemo = (port) => startWishcast(
    place, ['demo', `127.0.0.1:${port}`], { TMPDIR: tmp, G_DEBUG: '' });

// Once everything is on air: the demo and what it has printed, by label.
async function startDemo(launch = launchDemo) {
  const port = await freePort();
  const demo = launch(port);
  await until('it is on air', () => {
    if (!demo.isAlive)
      throw new Error(demo.output);
    return /^Ctrl-C ends it/m.test(demo.output);
  }, 240);
  const printed = (label) => Array.from(
      demo.output.matchAll(new RegExp(`^  ${label} +(\\S+)$`, 'gm')),
      ([, value]) => value);
  return { demo, port, printed };
}

// Processes whose command line names our temporary folder.
function processes() {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter(
      (pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(tmp);
        } catch {
          return false;
        }
      });
}

const urlPort = (url) => Number(/:(\d+)\//.exec(url)[1]);

const portsOf = ({ port, printed }) =>
  [port, ...['Server', 'or RTSP', 'Notices'].map(
      (label) => urlPort(printed(label)[0]))];

async function assertNothingLeft(started) {
  await until('all processes are gone', () => processes().length === 0);
  // A worker of nginx has no folder in its command line.
  await until('the ports are free', async () =>
    !(await Promise.all(portsOf(started).map(isListening))).some(Boolean));
}

async function broadcasts(port, state) {
  const answer = await fetch(
      `http://127.0.0.1:${port}/api/v1/broadcasts?state=${state}`);
  return (await answer.json()).broadcasts;
}

const titles = (list) => list.map((one) => one.game.title).sort();

async function play(url, width) {
  const { page } = await openPage(chromium, url);
  await until(`the picture of ${url} moves`, async () => {
    const facts = await videoFacts(page);
    return facts.time > 1 && facts.frames > 20 && facts.width === width;
  }, 180);
  await page.close();
}

// As the page of `panel` does, whose address has the secret in it.
async function endBroadcast(watch, panel) {
  const { origin, hash } = new URL(panel);
  const answer = await fetch(
      `${origin}/api/v1/broadcasts/${watch.split('/').at(-1)}/end`,
      { method: 'POST', headers: { Authorization: `Bearer ${hash.slice(1)}` } });
  assert.ok(answer.ok, `${answer.status}`);
}

test('two are on air, one was, and with the printed key a third', async () => {
  const started = await startDemo();
  const { demo, port, printed } = started;
  const url = `http://127.0.0.1:${port}`;
  assert.deepEqual(printed('Store'), [`${url}/`]);

  await until('one has ended', async () =>
    (await broadcasts(port, 'ended')).length === 1);
  const [ended] = await broadcasts(port, 'ended');
  assert.equal(ended.game.title, 'Moss & Magnets');
  assert.equal(ended.endReason, 'developer');
  await until('two are live', async () => String(titles(
      await broadcasts(port, 'live'))) === 'Paper Comets,Tin Lighthouse');
  const playlist = await until('its recording is whole', async () => {
    const answer = await fetch(`${url}${ended.playlist}`);
    assert.equal(answer.status, 200);
    const [media] = (await answer.text()).match(/^[^#].*m3u8$/m);
    const text = await (await fetch(
        new URL(media, `${url}${ended.playlist}`))).text();
    return text.includes('#EXT-X-ENDLIST') && text;
  });
  const seconds = Array.from(playlist.matchAll(/^#EXTINF:([\d.]+)/gm),
      ([, duration]) => Number(duration)).reduce((a, b) => a + b);
  assert.ok(seconds > 5, `${seconds} s`);

  const [lighthouse, comets] = printed('Watch');
  await play(lighthouse, 1280);
  await play(comets, 640);
  assert.deepEqual(printed('Recording'), [`${url}${ended.watch}`]);
  await play(printed('Recording')[0], 640);
  const { parts: [part] } = await until('its recording is archived', async () =>
    (await broadcasts(port, 'ended'))
        .map(({ recording }) => recording).find(({ state }) =>
          state === 'ready'), 60);
  const file = await fetch(url + part.download);
  assert.equal(file.status, 200);
  assert.match(file.headers.get('content-disposition'),
      /^attachment; filename="Moss & Magnets - [^"]*\.mp4"/);
  assert.equal((await file.arrayBuffer()).byteLength, part.size);

  assert.equal(printed('Game')[0], `${url}/game/copper-tides`);
  const [key] = printed('Stream Key');
  const publisher = startPublisher(place, `${printed('Server')[0]}/${key}`);
  await until('the waiting game is on air', async () =>
    titles(await broadcasts(port, 'live')).includes('Copper Tides'));
  await publisher.stop();

  // The publishers stay away once they were dropped.
  await endBroadcast(lighthouse, printed('Developer')[0]);
  await until('it is told', () =>
    /^Tin Lighthouse is off the air/m.test(demo.output));
  await until('it has ended', async () => titles(
      await broadcasts(port, 'ended')).includes('Tin Lighthouse'));
  await endBroadcast(comets, printed('Operator')[0]);
  await until('that too, which is by RTSP', () =>
    /^Paper Comets is off the air/m.test(demo.output));
  await until('it has ended as well', async () => titles(
      await broadcasts(port, 'ended')).includes('Paper Comets'));

  assert.ok(processes().length >= 2);
  assert.equal(await demo.end('SIGINT', 60), 0);
  checkService(demo);
  await assertNothingLeft(started);
  assert.deepEqual(readdirSync(tmp), []);
});

// Game -> players who wish for it, as the database has it.
async function readWishlists() {
  const [folder] = readdirSync(tmp);
  const database = privateDatabase({ place, name: `tmp${count}/${folder}` });
  return Object.fromEntries((await query(place, database,
      `SELECT game, count (*) FROM wishcast.wishlist GROUP BY game`))
      .map(([game, n]) => [game, Number(n)]));
}

async function readNotices(printed) {
  const answer = await fetch(`${printed('Notices')[0]}notices.json`);
  return answer.json();
}

// Of each language one text, as the page has it.
async function assertTexts(page) {
  const text = async (language) => {
    const found = page.locator(`.notice-text[lang="${language}"]`).first();
    return [await found.innerText(),
      await found.evaluate((element) => getComputedStyle(element).direction)];
  };
  for (const [language, pattern, direction] of [
    ['en', /^Game .+ started the broadcast\. Dear .+, join us via link /,
      'ltr'],
    ['de', / ist auf Sendung\. /, 'ltr'],
    ['ru', /^Началась трансляция игры /, 'ltr'],
    ['ar', /^بدأ بث لعبة /, 'rtl'],
  ]) {
    const [said, way] = await text(language);
    assert.match(said, pattern);
    assert.match(said, /http:\/\/127\.0\.0\.1:\d+\/watch\/[a-z2-7]+/);
    assert.equal(way, direction, language);
  }
  const names = (await page.locator('.notice-from bdi').allInnerTexts()).join();
  assert.match(names, /O'Neil/);
  assert.match(names, /\p{Extended_Pictographic}/u);
}

// On a phone in Russian, and by keyboard.
async function assertForAll(url) {
  const browser = await startBrowser(place);
  for (const options of [{ size: PHONE, language: 'ru' }, {}]) {
    const view = await visit(browser, url, { name: 'notices', ...options });
    await view.page.waitForSelector('.notice');
    await view.assertAccessible();
    await view.assertFits();
    await view.assertRtl();
    if (!options.size)
      await view.assertKeyboard();
    await view.setScheme('light');
    await view.assertContrast();
    view.assertQuiet();
    await view.close();
  }
  await browser.close();
}

test('notices arrive on a page, at every player once', async () => {
  const started = await startDemo();
  const { demo, printed } = started;
  const url = printed('Notices')[0];
  const wishlists = await readWishlists();
  assert.equal(Object.keys(wishlists).length, 4);
  const onAir = ['paper-comets', 'tin-lighthouse'];

  const { page, complaints } = await openPage(chromium, `${url}?lang=en`);
  const shown = (title) => page.locator(`#games > li:has-text("${title}")`);
  for (const title of ['Paper Comets', 'Tin Lighthouse'])
    await until(`${title} is told`, async () =>
      await shown(title).getAttribute('data-told', { timeout: 1000 })
          .catch(() => null) === '2000', 120);
  const told = (await readNotices(printed)).games;
  for (const game of onAir)
    assert.equal(told.find(({ id }) => id === game).told, wishlists[game]);
  assert.deepEqual(told.filter(({ id }) => onAir.includes(id))
      .map((one) => one.url).sort(), printed('Watch').sort());
  await assertTexts(page);
  assert.equal(await page.locator('.notice').count(), 200);
  const { repeats } = await readNotices(printed);
  assert.equal(repeats, 0);
  assert.ok(await page.isHidden('#repeats'));
  assert.deepEqual(complaints, []);
  await assertForAll(url);

  assert.equal(await demo.end('SIGINT', 60), 0);
  await until('the page says that it is over', () => page.isVisible('#away'));
  await page.close();
  checkService(demo);
  await assertNothingLeft(started);
  assert.deepEqual(readdirSync(tmp), []);
});

test('the page of the notices takes and gives nothing else', async () => {
  const started = await startDemo();
  const url = started.printed('Notices')[0];
  const before = await readNotices(started.printed);
  const forged = JSON.stringify([{ id: '1', data: { url: 'x', username: 'x',
    message: 'x', game: { id: 'forged', title: 'x' } } }]);
  const post = (headers) => fetch(`${url}webhook`,
      { method: 'POST', headers, body: forged });
  assert.equal((await post({})).status, 401);
  assert.equal((await post({
    'webhook-id': 'msg_1', 'webhook-signature': 'v1,bm9uZQ==',
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
  })).status, 401);
  assert.ok(!(await readNotices(started.printed)).games.some(
      ({ id }) => id === 'forged'));
  assert.equal(before.wishing, 2000);
  for (const path of ['operator.html', 'texts/', 'index.html',
    '..%2fopenapi.json', '%2e%2e%2fopenapi.json'])
    assert.ok(!(await fetch(url + path)).ok, path);
  const page = await fetch(url);
  assert.match(page.headers.get('content-security-policy'),
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(await started.demo.end('SIGINT', 60), 0);
});

for (const signal of ['SIGTERM', 'SIGHUP']) {
  test(`${signal} leaves nothing`, async () => {
    const started = await startDemo();
    assert.equal(await started.demo.end(signal, 60), 0);
    await assertNothingLeft(started);
    assert.deepEqual(readdirSync(tmp), []);
  });
}

test('a signal while it starts leaves nothing', async () => {
  const demo = launchDemo(await freePort());
  await until('it makes a database', () => {
    if (!demo.isAlive)
      throw new Error(demo.output);
    return /Making a database/.test(demo.output);
  });
  assert.equal(await demo.end('SIGINT', 60), 0);
  await until('all processes are gone', () => processes().length === 0);
  assert.deepEqual(readdirSync(tmp), []);
});

test('two signals at once are one', async () => {
  const { demo } = await startDemo();
  demo.kill('SIGINT');
  demo.kill('SIGTERM');
  assert.equal(await demo.end('SIGINT', 60), 0);
  assert.deepEqual(readdirSync(tmp), []);
});

test('however often it is signalled, no process stays', async () => {
  const started = await startDemo();
  const { demo } = started;
  demo.kill('SIGINT');
  await until('the first is heard', () => /^Ending/m.test(demo.output));
  await until('it is gone', () => {
    demo.kill('SIGTERM');
    return !demo.isAlive;
  });
  await assertNothingLeft(started);
});

test('killed, it leaves no process and no port', async () => {
  const started = await startDemo();
  started.demo.kill('SIGKILL');
  await started.demo.exited;
  await assertNothingLeft(started);
});

test('a port that is taken is told; beside it another one starts', async () => {
  const first = await startDemo();
  const second = launchDemo(first.port);
  assert.equal(await second.exited, 69);
  assert.match(second.output,
      new RegExp(`^wishcast: Port ${first.port} of 127.0.0.1: .*in use`, 'm'));
  const third = await startDemo();
  assert.equal(new Set([...portsOf(first), ...portsOf(third)]).size, 8);
  assert.equal((await broadcasts(third.port, 'any')).length, 3);
  assert.equal(await third.demo.end('SIGINT', 60), 0);
  assert.equal(await first.demo.end('SIGINT', 60), 0);
  assert.deepEqual(readdirSync(tmp), []);
});

test('./bootstrap demo is the same', async () => {
  const started = await startDemo((port) => place.launch(
      `${ROOT}bootstrap`, ['demo', `127.0.0.1:${port}`],
      { env: { TMPDIR: tmp } }));
  const answer = await fetch(started.printed('Store')[0]);
  assert.equal(answer.status, 200);
  assert.equal(await started.demo.end('SIGINT', 60), 0);
  await assertNothingLeft(started);
  assert.deepEqual(readdirSync(tmp), []);
});
