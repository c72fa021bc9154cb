// SPDX-License-Identifier: LGPL-2.1-or-later

// Two nodes on one database, and one of them dies: its broadcast is refused
// elsewhere as long as it could come back, then it is over, and begins anew
// anywhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';

const place = new Place();
let database;
let a;
let b;
let serviceA;
let serviceB;
let key;

const untilRows = (expected) => until(`rows are ${expected}`, async () => {
  const now = (await query(place, database,
      `SELECT node, state, coalesce (end_reason, '-') FROM wishcast.broadcast
       ORDER BY created_at`)).map((row) => row.join(' ')).join(', ');
  if (now !== expected)
    throw new Error(`${now}\n${serviceB.output}`);
  return true;
}, 120);

const untilRefused = (why) => until(`refused: ${why}`, () =>
  serviceB.output.includes(why), 60);

before(async () => {
  // A node that only has the database of both.
  const shared = await makeNode(place, 'shared', {
    services: { ingest: false, api: false, sweeper: false },
    nginx: { private: false },
  });
  await startNode(shared);
  database = privateDatabase(shared);
  const settings = {
    database: { url: database },
    broadcast: { 'resume-window': '20 s' },
  };
  a = await makeNode(place, 'a', settings);
  b = await makeNode(place, 'b', settings);
  serviceA = await startNode(a);
  serviceB = await startNode(b);
  key = await addDeveloper(a, 'half-life', 'Half-Life', 'Gordon');
});

after(() => place.leave());

test('who is on air on one node is refused by the other', async () => {
  startPublisher(place, a.rtmp(key), { retry: -1 });
  await untilRows('a live -');
  const second = startPublisher(place, b.rtsp(key), { retry: -1 });
  assert.notEqual(await second.process.exited, 0);
  await untilRefused(
      'is refused: You are publishing on the node "a" already');
});

test('its node dies: it can only go on there', async () => {
  serviceA.kill('SIGKILL');
  await serviceA.exited;
  await untilRows('a interrupted -');
  const publisher = startPublisher(place, b.rtmp(key), { retry: -1 });
  assert.notEqual(await publisher.process.exited, 0);
  await untilRefused('is refused: Your broadcast was interrupted on the node ' +
      '"a": it goes on only there');
});

test('its window passes: it is over, and begins anew elsewhere', async () => {
  await untilRows('a ended node-lost');
  startPublisher(place, b.rtmp(key), { retry: 500 });
  await untilRows('a ended node-lost, b live -');
});

test('nothing was wrong inside', async () => {
  assert.equal(await serviceB.end('SIGTERM', 30), 0);
  checkService(serviceB);
});
