// SPDX-License-Identifier: LGPL-2.1-or-later

// A recording is deleted when its time is over, and the cache is cleared of what
// is archived; whatever was killed in between.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const KEPT = 40;
const place = new Place();
let node;
let service;

const file = (link) => place.path('node', 'recordings', link, '0.mp4');
const cached = (link) => existsSync(place.path('node', 'cache', link));
const ask = (text) => query(place, privateDatabase(node), text);

async function rowOf(link) {
  const rows = await ask(`SELECT r.state, r.deleted_at >= b.recording_expires
      FROM wishcast.recording r JOIN wishcast.broadcast b ON b.link = r.link
      WHERE r.link = '${link}'`);
  return rows.map((row) => row.join(' ')).join();
}

const untilRow = (link, what) => until(`the row is ${what}`, async () => {
  const row = await rowOf(link);
  if (!row.startsWith(what))
    throw new Error(`${row}\n${service.output.slice(-3000)}`);
  return true;
}, 90);

async function restart() {
  service.kill('SIGKILL');
  await service.exited;
  checkService(service);
  service = await startNode(node);
}

// A short broadcast, with its recording in the archive.
async function broadcast(game, kept) {
  const key = await addDeveloper(node, game, game, 'Gordon');
  await command(node, 'game', 'set', game, '--recording-kept', `${kept} s`);
  const publisher = startPublisher(place, node.rtmp(key));
  const link = await until(`${game} is live`, async () => (await ask(
      `SELECT link FROM wishcast.broadcast
       WHERE game = '${game}' AND state = 'live'`))[0]?.[0], 60);
  await until('it is stored', () => cached(link), 60);
  await publisher.stop();
  await command(node, 'end', link);
  return link;
}

const statusOf = async (path) => (await fetch(`${node.url}${path}`)).status;

before(async () => {
  node = await makeNode(place, 'node', {
    broadcast: { 'resume-window': '60 s' },
    origin: { 'dvr-window': '10 s' },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('the cache is cleared, then the recording deleted', async () => {
  const link = await broadcast('half-life', KEPT);
  await untilRow(link, 'ready');
  assert.ok(existsSync(file(link)));
  // Ended a moment ago, it is still on the air of the origin.
  assert.ok(cached(link));
  await restart();
  await until('the cache is cleared', () => !cached(link), 60);
  assert.equal(await statusOf(`/live/${link}/master.m3u8`), 404);
  assert.equal(await statusOf(`/api/v1/broadcasts/${link}/recording`), 200);
  await untilRow(link, 'deleted');
  assert.equal(await rowOf(link), 'deleted t');
  assert.ok(!existsSync(file(link)));
  const { recording } =
      await (await fetch(`${node.url}/api/v1/broadcasts/${link}`)).json();
  assert.equal(recording.state, 'expired');
  assert.deepEqual(recording.parts, []);
  assert.equal(await statusOf(`/api/v1/broadcasts/${link}/recording`), 410);
  const metrics = await (await fetch(
      `http://127.0.0.1:${node.ports.api}/metrics`)).text();
  for (const line of ['wishcast_recordings_deleted_total 1',
    'wishcast_cache_cleared_total 1', 'wishcast_retention_on_hold 0',
    'wishcast_retention_failing 0', 'wishcast_cache_size_bytes 0',
    'wishcast_cache_unarchived_bytes 0'])
    assert.ok(metrics.includes(`\n${line}\n`), `${line} in ${metrics}`);
  checkService(service);
});

test('its time is over while the node is down', async () => {
  const link = await broadcast('portal', KEPT);
  await untilRow(link, 'ready');
  const [[expires]] = await ask(`SELECT extract (epoch FROM recording_expires)
      FROM wishcast.broadcast WHERE link = '${link}'`);
  service.kill('SIGKILL');
  await service.exited;
  checkService(service);
  assert.ok(existsSync(file(link)));
  await until('its time is over', () => Date.now() > expires * 1000, KEPT);
  service = await startNode(node);
  await untilRow(link, 'deleted');
  assert.ok(!existsSync(file(link)));
  await until('the cache is cleared', () => !cached(link), 60);
});

test('a recording that is not kept', async () => {
  const link = await broadcast('doom', 0);
  await untilRow(link, 'deleted');
  assert.ok(!existsSync(file(link)));
});
