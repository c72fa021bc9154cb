// SPDX-License-Identifier: LGPL-2.1-or-later

// The service is killed again and again while on air, with its PostgreSQL and
// its nginx; and it starts and serves while its database is away. What players
// have seen stays, byte for byte.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { listedParts, parsePlaylist, wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const KILLS = 5;
const place = new Place();
const seen = new Map(); // address -> SHA-256
let shared;
let sharedService;
let database;
let node;
let service;
let key;
let link;

const playlistUrl = () => `${node.url}/live/${link}/video_0/index.m3u8`;

async function get(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url.toString());
  return Buffer.from(await answer.arrayBuffer());
}

// Looks at all that is listed, and remembers what it was.
async function look() {
  const playlist = parsePlaylist((await get(playlistUrl())).toString());
  for (const { uri } of [...wholeSegments(playlist), ...listedParts(playlist)]) {
    const sum = createHash('sha256')
        .update(await get(new URL(uri, playlistUrl()))).digest('hex');
    assert.equal(seen.get(uri) ?? sum, sum, `${uri} changed`);
    seen.set(uri, sum);
  }
  return playlist;
}

async function checkSeen() {
  for (const [uri, sum] of seen) {
    const bytes = await get(new URL(uri, playlistUrl()));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sum, uri);
  }
}

const untilRow = (expected) => until(`the row is ${expected}`, async () => {
  const now = (await query(place, database,
      'SELECT link, state FROM wishcast.broadcast')).map((row) => row.join(' '));
  assert.deepEqual(now, [`${link} ${expected}`]);
  return true;
}, 60);

const untilNew = (n) => until(`${n} segments`, async () =>
  wholeSegments(await look()).length >= n, 60);

before(async () => {
  shared = await makeNode(place, 'shared', {
    services: { ingest: false, api: false, sweeper: false },
    nginx: { private: false },
  });
  sharedService = await startNode(shared);
  database = privateDatabase(shared);
  node = await makeNode(place, 'a', {
    database: { url: database },
    broadcast: { 'resume-window': '60 s' },
  });
  service = await startNode(node);
  key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
});

after(() => place.leave());

test('killed on air, again and again', async () => {
  startPublisher(place, node.rtmp(key), { retry: 200 });
  link = await until('on air', async () =>
    (await query(place, database,
        `SELECT link FROM wishcast.broadcast WHERE state = 'live'`))[0][0], 60);
  for (let i = 0; i < KILLS; i += 1) {
    const segments = (await until('a playlist', look, 60)).segments.length;
    await untilNew(segments + 1);
    service.kill('SIGKILL');
    await service.exited;
    service = await startNode(node);
    await checkSeen();
    await untilRow('live');
  }
  assert.ok(seen.size >= 4 * KILLS, `${seen.size} segments and parts`);
});

test('the database goes, and the service with it: it goes on air', async () => {
  await sharedService.end('SIGTERM', 30);
  service.kill('SIGKILL');
  await service.exited;
  service = await startNode(node);
  assert.ok(service.output.includes('The database is away'));
  await checkSeen();
  const before = wholeSegments(await until('a playlist', look, 60)).length;
  await untilNew(before + 3);
  // And is told when it is back: that of before was the last lease.
  sharedService = await startNode(shared);
  const lease = 'SELECT max (lease_until) FROM wishcast.broadcast';
  const old = (await query(place, database, lease))[0][0];
  await until('the lease is renewed', async () =>
    (await query(place, database, lease))[0][0] > old, 60);
  await untilRow('live');
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
  await untilRow('interrupted');
});
