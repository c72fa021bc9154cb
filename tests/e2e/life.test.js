// SPDX-License-Identifier: LGPL-2.1-or-later

// The life of a broadcast in the real service: `wishcast run` with its own
// PostgreSQL and nginx, ffmpeg as publisher by RTMP and RTSP, and a player that
// follows the playlist through everything. Rows are compared after each event.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { followPlaylist } from '../lib/follow.js';
import { Place } from '../lib/place.js';
import { listedParts, wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';
import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';

const place = new Place();
let node;
let service;
let key;
let link;
let follow;

const rows = () => query(place, privateDatabase(node),
    `SELECT state, coalesce (end_reason, '-') FROM wishcast.broadcast
     ORDER BY created_at`);
const events = async (of) => (await query(place, privateDatabase(node),
    `SELECT substr (event, 11) FROM wishcast.outbox WHERE link = '${of}'
     AND event <> 'broadcast.updated' ORDER BY id`)).flat();
const untilRows = (expected) => until(`rows are ${expected}`, async () => {
  const now = (await rows()).map((row) => row.join(' ')).join(', ');
  if (now !== expected)
    throw new Error(`${now}\n${service.output}`);
  return true;
}, 60);

const playlistUrl = (of) => `${node.url}/live/${of}/video_0/index.m3u8`;

async function onlyLink() {
  const found = await query(place, privateDatabase(node),
      `SELECT link FROM wishcast.broadcast WHERE state <> 'ended'`);
  assert.equal(found.length, 1);
  return found[0][0];
}

const untilSegments = (n) => until(`${n} segments`, () => {
  const { last } = follow.follower;
  return last && wholeSegments(last).length >= n;
}, 60);
const countSegments = () => wholeSegments(follow.follower.last).length;
const discontinuities = () =>
  follow.follower.last.segments.filter((s) => s.discontinuity).length;

// Address -> bytes of all that the playlist lists.
async function download(of) {
  const media = new Map();
  const { last } = follow.follower;
  for (const { uri } of [...wholeSegments(last), ...listedParts(last)]) {
    const answer = await fetch(new URL(uri, playlistUrl(of)));
    assert.equal(answer.status, 200, uri);
    media.set(uri, Buffer.from(await answer.arrayBuffer()));
  }
  return media;
}

before(async () => {
  node = await makeNode(place, 'a', { broadcast: { 'resume-window': '30 s' } });
  service = await startNode(node);
  key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
});

after(() => place.leave());

test('a developer starts, by RTMP', async () => {
  const publisher = startPublisher(place, node.rtmp(key), { retry: -1 });
  await untilRows('live -');
  link = await onlyLink();
  follow = followPlaylist(playlistUrl(link), { patient: true });
  await untilSegments(3);
  assert.equal(discontinuities(), 0);
  await publisher.drop();
  await untilRows('interrupted -');
});

test('and returns, by RTSP: one link, one row, one discontinuity', async () => {
  const n = countSegments();
  const publisher = startPublisher(place, node.rtsp(key), { retry: -1 });
  await untilRows('live -');
  assert.equal(await onlyLink(), link);
  await untilSegments(n + 3);
  assert.equal(discontinuities(), 1);
  assert.equal(follow.follower.last.mediaSequenceBase, 0);
  await publisher.drop();
  await untilRows('interrupted -');
  assert.deepEqual(await events(link),
      ['starting', 'live', 'interrupted', 'live', 'interrupted']);
});

test('the service is killed on air, and goes on', async () => {
  const publisher = startPublisher(place, node.rtmp(key));
  const n = countSegments();
  await untilRows('live -');
  await untilSegments(n + 2);
  const media = await download(link);
  assert.ok(media.size > 10);
  service.kill('SIGKILL');
  await service.exited;
  publisher.stopped = true;

  service = await startNode(node);
  // On air again before any publisher is back.
  const answer = await fetch(playlistUrl(link));
  assert.equal(answer.status, 200);
  await untilRows('interrupted -');
  for (const [uri, bytes] of media) {
    const again = await fetch(new URL(uri, playlistUrl(link)));
    assert.equal(again.status, 200, uri);
    assert.ok(bytes.equals(Buffer.from(await again.arrayBuffer())), uri);
  }

  const second = startPublisher(place, node.rtmp(key), { retry: -1 });
  await untilRows('live -');
  assert.equal(await onlyLink(), link);
  const m = countSegments();
  await untilSegments(m + 2);
  assert.equal(discontinuities(), 3);
  await second.drop();
  await untilRows('interrupted -');
});

test('Ctrl-C stores what is under way; the next start goes on', async () => {
  const publisher = startPublisher(place, node.rtmp(key), { retry: -1 });
  const n = countSegments();
  await untilRows('live -');
  await untilSegments(n + 2);
  assert.equal(await service.end('SIGINT', 30), 0);
  checkService(service);
  await publisher.stop();
  service = await startNode(node);
  await untilRows('interrupted -');
  assert.equal(await onlyLink(), link);
});

test('an operator ends it; OBS is refused, then begins anew', async () => {
  const publisher = startPublisher(place, node.rtmp(key), { retry: 1000 });
  await untilRows('live -');
  await command(node, 'end', link);
  await untilRows('ended operator');
  await follow.done;
  assert.ok(follow.follower.last.endlist);
  await until('the publisher is told', () =>
    service.output.includes('is refused: Your broadcast was ended a moment'));
  // It tries until it may, and gets a new one.
  await untilRows('ended operator, live -');
  assert.notEqual(await onlyLink(), link);
  await publisher.stop();
  await untilRows('ended operator, interrupted -');
});

test('a window that passes ends it', async () => {
  const second = await onlyLink();
  follow = followPlaylist(playlistUrl(second), { patient: true });
  await untilRows('ended operator, ended window-passed');
  await follow.done;
  assert.ok(follow.follower.last.endlist);
  assert.deepEqual(await events(second),
      ['starting', 'live', 'interrupted', 'ended']);
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
  assert.ok(!service.output.includes(key.slice(9)), 'a stream key was told');
});
