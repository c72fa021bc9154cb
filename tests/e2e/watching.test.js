// SPDX-License-Identifier: LGPL-2.1-or-later

// A viewer, in Chromium, of a broadcast that goes through all that can happen to
// one. Each run of a publisher has a colour of its own, so the picture says
// which run it is of, and the page's words must never say anything else.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { followPlaylist } from '../lib/follow.js';
import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { pause, until } from '../lib/until.js';

const COLORS = {
  red: [255, 0, 0], lime: [0, 255, 0], blue: [0, 0, 255],
  yellow: [255, 255, 0], white: [255, 255, 255], magenta: [255, 0, 255],
  cyan: [0, 255, 255],
};
const place = new Place();
let chromium;
let follow;
let key;
let link;
let node;
let publisher;
let service;
let viewer;

const GONE = /^Within \d:\d\d, or the broadcast is over\.$/;
const state = (page = viewer.page) => page.getAttribute('#stage', 'data-state');
const untilState = (expected, page = viewer.page) =>
  until(`the page is ${expected}`, async () => {
    const now = await state(page);
    if (now !== expected)
      throw new Error(now);
    return true;
  }, 60);
const notice = () => viewer.page.textContent('.notice');

const rows = () => query(place, privateDatabase(node),
    `SELECT link, state, coalesce (end_reason, '-') FROM wishcast.broadcast
     ORDER BY created_at`);
const untilRows = (...expected) => until(`rows are ${expected}`, async () => {
  const now = (await rows()).map(([, ...row]) => row.join(' '));
  if (now.join() !== expected.join())
    throw new Error(`${now}\n${service.output}`);
  return true;
}, 60);

const start = (protocol, color, retry = 500) => {
  publisher = startPublisher(
      place, node[protocol](key), { retry, picture: `color=${color}` });
};

// The middle of the picture that is shown.
const look = () => viewer.page.evaluate(() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.drawImage(document.querySelector('video'), 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
});
const isColor = (pixel, color) => pixel.every(
    (value, i) => Math.abs(value - COLORS[color][i]) <= 40);

// Plays `color`, and has gone on by `seconds` since.
const untilPlays = async (color, seconds = 2) => {
  const shown = await until(`${color} is shown`, async () => {
    const pixel = await look();
    if (!isColor(pixel, color))
      throw new Error(`${pixel}, ${JSON.stringify(
          [await videoFacts(viewer.page), viewer.complaints])}`);
    return videoFacts(viewer.page);
  }, 60);
  await until('it plays on', async () =>
    (await videoFacts(viewer.page)).time >= shown.time + seconds);
  assert.ok(isColor(await look(), color));
  const facts = await videoFacts(viewer.page);
  assert.equal(facts.error, null);
  return facts.time;
};

const discontinuities = () =>
  follow.follower.last.segments.filter((s) => s.discontinuity).length;

// A new page, and one who watches the playlist.
async function watch() {
  link = (await rows()).at(-1)[0];
  follow = followPlaylist(
      `${node.url}/live/${link}/video_0/index.m3u8`, { patient: true });
  viewer = await openPage(chromium, `${node.url}/watch/${link}`);
}

// It is played to its very end, and the page says so.
async function assertPlaysToItsEnd() {
  await follow.done;
  assert.ok(follow.follower.last.endlist);
  await until('it has been played', async () => {
    const facts = await videoFacts(viewer.page);
    if (facts.duration - facts.time >= 0.5)
      throw new Error(JSON.stringify([facts, viewer.complaints]));
    return true;
  }, 60);
  await untilState('over');
  assert.match(await notice(), /The broadcast is over/);
  assert.match(await notice(), /The recording can be watched until/);
  // Longer than it takes for a stall to be told.
  await pause(5000);
  assert.equal(await state(), 'over');
  assert.equal(await viewer.page.textContent('#tag'), 'Recording');
}

// What nobody has asked for is nothing to complain of, and the beacon is told
// so where nobody counts.
const complaints = () =>
  viewer.complaints.filter((text) => !/status of 404/.test(text));

before(async () => {
  node = await makeNode(place, 'a', { broadcast: { 'resume-window': '60 s' } });
  service = await startNode(node);
  key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
  chromium = await startChromium(place);
});

after(() => place.leave());

test('a publisher by RTMP is seen', async () => {
  start('rtmp', 'red');
  await untilRows('live -');
  await watch();
  await untilPlays('red');
  assert.equal(discontinuities(), 0);
  const { page } = viewer;
  assert.equal(await state(), 'playing');
  assert.equal(await page.isVisible('.notice.shown'), false);
  await until('the page is filled', async () =>
    await page.title() === '● Half-Life · Half-Life' &&
        /^by .Gordon.$/.test(await page.textContent('#broadcaster')) &&
        await page.textContent('#tag') === 'Live');
  assert.equal(await page.getAttribute('#game', 'href'), '/game/half-life');
});

test('it can be passed on', async () => {
  const { page } = viewer;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  for (const [label, expected] of [
    ['Copy the link', `${node.url}/watch/${link}`],
    ['Copy the player for another page', `<iframe src="${node.url}/embed/`],
  ]) {
    await page.getByLabel(label).click();
    await until('it is told', async () =>
      await page.textContent('#copied') === 'Copied');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.startsWith(expected), copied);
  }
});

test('it plays in a page of another site', async () => {
  const snippet = await viewer.page.inputValue('#snippet');
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html>${snippet}`);
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  place.defer(() => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  }));
  const page = await chromium.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  // As a browser does that gives other sites no storage.
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get: () => { throw new DOMException('no', 'SecurityError'); },
    });
  });
  await page.goto(`http://localhost:${server.address().port}/`);
  const frame = page.frameLocator('iframe');
  const time = () => frame.locator('video').evaluate((video) =>
    video.currentTime);
  const first = await until('it plays', async () => await time() > 0 && time());
  await until('it plays on', async () => await time() > first + 2);
  const open = frame.locator('#open');
  assert.equal(await open.getAttribute('href'), `/watch/${link}`);
  assert.equal(await open.getAttribute('rel'), 'noopener');
  assert.deepEqual(errors, []);
  await page.close();

  const answer = await fetch(`${node.url}/watch/${link}`);
  assert.match(answer.headers.get('content-security-policy'),
      /frame-ancestors 'none'/);
});

test('the player of the browser plays it', async (t) => {
  const page = await chromium.newPage();
  await page.goto(`${node.url}/embed/${link}?player=native`);
  if (await state(page) === 'failed') {
    t.skip('this Chromium has none');
    return;
  }
  const { time } = await until('it plays', async () => {
    const now = await videoFacts(page);
    return now.time > 0 && now.frames > 0 && now;
  }, 60);
  await until('it plays on', async () =>
    (await videoFacts(page)).time > time + 2);
  await untilState('playing', page);
  await page.close();
});

for (const { name, protocol, color, n } of [
  { name: 'drops and returns', protocol: 'rtmp', color: 'lime', n: 1 },
  { name: 'returns by RTSP', protocol: 'rtsp', color: 'blue', n: 2 },
  { name: 'and by RTMP again', protocol: 'rtmp', color: 'yellow', n: 3 },
]) {
  test(`it ${name}`, async () => {
    const { time } = await videoFacts(viewer.page);
    publisher.stopped = true;
    await publisher.drop();
    await untilRows('interrupted -');
    await untilState('interrupted');
    assert.match(await notice(), /The developer will be right back/);
    const countdown = await viewer.page.textContent('.countdown');
    assert.match(countdown, GONE);
    await until('the time goes by', async () => {
      const now = await viewer.page.textContent('.countdown');
      return GONE.test(now) && now !== countdown;
    });
    start(protocol, color);
    await untilRows('live -');
    assert.ok(await untilPlays(color) > time);
    assert.equal(discontinuities(), n);
    await untilState('playing');
    await until('the tag says so', async () =>
      await viewer.page.textContent('#tag') === 'Live');
  });
}

test('it flaps', async () => {
  const { time } = await videoFacts(viewer.page);
  publisher.stopped = true;
  await publisher.drop();
  for (let i = 0; i < 8; i += 1) {
    start(i % 2 ? 'rtsp' : 'rtmp', 'white', -1);
    await pause(150 * i);
    await publisher.drop();
  }
  start('rtmp', 'magenta');
  await untilRows('live -');
  assert.ok(await untilPlays('magenta') > time);
  const n = discontinuities();
  assert.ok(n >= 4 && n <= 12, `${n} discontinuities`);
});

test('Ctrl-C, and the next start', async () => {
  const [{ time }, n] = [await videoFacts(viewer.page), discontinuities()];
  publisher.stopped = true;
  assert.equal(await service.end('SIGINT', 30), 0);
  checkService(service);
  await publisher.process.exited;
  service = await startNode(node);
  await untilRows('interrupted -');
  start('rtmp', 'cyan');
  await untilRows('live -');
  assert.ok(await untilPlays('cyan') > time);
  assert.equal(discontinuities(), n + 1);
});

test('the developer ends it by the API', async () => {
  publisher.stopped = true;
  const answer = await fetch(`${node.url}/api/v1/broadcasts/${link}/end`, {
    method: 'POST', headers: { Authorization: `Bearer ${key}` },
  });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  await untilRows('ended developer');
  await publisher.process.exited;
  await assertPlaysToItsEnd();
});

test('the recording plays from its beginning', async () => {
  const { page } = viewer;
  await page.click('.replay');
  await untilState('ended');
  await untilPlays('red');
  assert.ok((await videoFacts(page)).time < 30);
  assert.equal(await page.textContent('.latency'), 'Recording');

  // And for whoever comes only now.
  await page.reload();
  await untilState('ended');
  await untilPlays('red');
  assert.ok((await videoFacts(page)).time < 30);
  assert.match(await page.textContent('#when'), /^Ended /);
  assert.equal(await page.title(), 'Half-Life · Half-Life');
});

test('when its time is over, that is said', async () => {
  const { page } = viewer;
  await page.route(`**/api/v1/broadcasts/${link}`, async (route) => {
    const answer = await route.fetch();
    route.fulfill({ json: { ...await answer.json(),
      recordingExpires: new Date(Date.now() - 1000).toISOString() } });
  });
  await page.reload();
  await untilState('expired');
  assert.match(await notice(), /The time of its recording is over/);
  assert.equal((await videoFacts(page)).readyState, 0);
  await page.unroute(`**/api/v1/broadcasts/${link}`);
});

test('who comes too early is told so', async () => {
  const early = await openPage(chromium, `${node.url}/watch/nothing-yet`);
  await untilState('missing', early.page);
  await early.page.route('**/api/v1/broadcasts/nothing-yet', async (route) => {
    const answer = await fetch(`${node.url}/api/v1/broadcasts/${link}`);
    route.fulfill({ json: { ...await answer.json(), link: 'nothing-yet',
      state: 'starting', endedAt: null, recordingExpires: null } });
  });
  await untilState('starting', early.page);
  assert.match(await early.page.textContent('.notice'), /About to begin/);
  await early.page.close();
});

test('another begins; an operator ends it by command', async () => {
  start('rtsp', 'lime', 1000);
  await untilRows('ended developer', 'live -');
  await viewer.page.close();
  await watch();
  await untilPlays('lime', 4);
  publisher.stopped = true;
  await command(node, 'end', link);
  await untilRows('ended developer', 'ended operator');
  await publisher.process.exited;
  await assertPlaysToItsEnd();
  assert.equal(discontinuities(), 0);
  assert.deepEqual(complaints(), []);
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
