// SPDX-License-Identifier: LGPL-2.1-or-later

// A viewer, in Chromium, of a broadcast that goes through all that can happen to
// one. Each run of a publisher has a colour of its own, so the picture says
// which run it is of.

import assert from 'node:assert/strict';
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
  // Longer than it takes for a stall to be told.
  await pause(5000);
  assert.equal(await viewer.page.getAttribute('#stage', 'data-state'), 'ended');
}

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
    start(protocol, color);
    await untilRows('live -');
    assert.ok(await untilPlays(color) > time);
    assert.equal(discontinuities(), n);
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
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
