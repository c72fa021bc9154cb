// SPDX-License-Identifier: LGPL-2.1-or-later

// Two nodes on one database, and data/nginx/balancer.conf in front of them: to a
// publisher they are one, but for a broadcast that goes on only where it is.
// The tests of the balancer alone are in balancer.test.js.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { followPlaylist } from '../lib/follow.js';
import { startBalancer } from '../lib/nginx.js';
import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const GAME = 'half-life';
const place = new Place();
const services = {};
let balancer;
let database;
let here; // where it is on air
let key;
let link;
let nodes;
let publisher;
let there; // the other node

const balanced = {
  rtmp: (stream) => `rtmp://127.0.0.1:${balancer.rtmp}/live/${stream}`,
  rtsp: (stream) => `rtsp://127.0.0.1:${balancer.rtsp}/live/${stream}`,
};

const untilRows = (...expected) => until(`rows are ${expected}`, async () => {
  const now = (await query(place, database,
      `SELECT game, node, state FROM wishcast.broadcast ORDER BY created_at`))
      .map((row) => row.join(' '));
  if (now.join() !== expected.join())
    throw new Error(`${now}\n${Object.values(services)
        .map(({ output }) => output).join('\n')}`);
  return true;
}, 60);

const field = async (name, game) => (await query(place, database,
    `SELECT ${name} FROM wishcast.broadcast WHERE game = '${game}'`))[0][0];

const untilSays = (node, text, from = 0) =>
  until(`${node.name} says "${text}"`, () => {
    const said = services[node.name].output.slice(from);
    if (!said.includes(text))
      throw new Error(said);
    return true;
  }, 60);

// Seen through the balancer, whichever node has it.
async function untilSegments(link, n) {
  const follow = followPlaylist(
      `http://127.0.0.1:${balancer.http}/live/${link}/video_0/index.m3u8`,
      { patient: true });
  await Promise.race([follow.done, until(`${n} segments`, () =>
    follow.follower.last && wholeSegments(follow.follower.last).length >= n,
  60)]);
  follow.stop();
  return (await follow.done).last;
}

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
    broadcast: { 'resume-window': '60 s' },
  };
  nodes = [await makeNode(place, 'a', settings),
    await makeNode(place, 'b', settings)];
  for (const node of nodes)
    services[node.name] = await startNode(node);
  balancer = await startBalancer(place, 'balancer', nodes.map(({ ports }) =>
    ({ rtmp: ports.rtmp, rtsp: ports.rtsp, http: ports.nginx })));
  key = await addDeveloper(nodes[0], GAME, 'Half-Life', 'Gordon');
});

after(() => place.leave());

test('a key works on either node, by either protocol', async () => {
  const expected = [];
  for (const node of nodes) {
    for (const protocol of ['rtmp', 'rtsp']) {
      const game = `${protocol}-${node.name}`;
      const own = await addDeveloper(nodes[0], game, game, 'Alyx');
      const publisher = startPublisher(place, node[protocol](own));
      expected.push(`${game} ${node.name} live`);
      await untilRows(...expected);
      const link = await field('link', game);
      await untilSegments(link, 1);
      publisher.stopped = true;
      await command(nodes[0], 'end', link);
      expected.splice(-1, 1, `${game} ${node.name} ended`);
      await untilRows(...expected);
    }
  }
  await query(place, database, 'TRUNCATE wishcast.broadcast');
});

test('the balancer chooses one, and leaves it out when it is dead', async () => {
  publisher = startPublisher(place, balanced.rtmp(key));
  const where = await until('it is on air', () => field('node', GAME), 60);
  [here, there] = nodes[0].name === where ? nodes : [...nodes].reverse();
  await untilRows(`${GAME} ${here.name} live`);
  link = await field('link', GAME);
  await untilSegments(link, 2);

  services[here.name].kill('SIGKILL');
  await services[here.name].exited;
  const other = await addDeveloper(there, 'portal', 'Portal', 'Chell');
  const second = startPublisher(place, balanced.rtsp(other));
  await untilRows(
      `${GAME} ${here.name} interrupted`, `portal ${there.name} live`);
  second.stopped = true;
  await command(there, 'end', await field('link', 'portal'));
  await untilRows(
      `${GAME} ${here.name} interrupted`, `portal ${there.name} ended`);
});

test('who comes to the wrong node is told which is the right one', async () => {
  const why = `Your broadcast was interrupted on the node "${here.name}": it ` +
    'goes on only there';
  await untilSays(there, `by rtmp from 127.0.0.1 with key ${key.slice(0, 8)} ` +
    `is refused: ${why}`);
  publisher.stopped = true;
  await publisher.process.exited;
  const refused = startPublisher(place, balanced.rtsp(key), { retry: -1 });
  assert.notEqual(await refused.process.exited, 0);
  assert.ok(refused.process.output.includes(why), refused.process.output);
});

test('it tries until the node is back, and goes on there', async () => {
  publisher = startPublisher(place, balanced.rtmp(key));
  services[here.name] = await startNode(here);
  await untilRows(`${GAME} ${here.name} live`, `portal ${there.name} ended`);
  assert.equal(await field('link', GAME), link);
  const n = wholeSegments(await untilSegments(link, 2)).length;
  const { segments } = await untilSegments(link, n + 2);
  assert.equal(segments.filter((s) => s.discontinuity).length, 1);
});

test('its key is replaced: the old one is good for a while', async () => {
  const text = await command(there, 'key', 'rotate', GAME, 'Gordon',
      '--overlap', '1h');
  const [, next] = text.match(/^([a-z2-7]{8}-[a-z2-7]{26})$/m);
  assert.notEqual(next, key);
  // Wherever a publisher with the new one comes, somebody is on air already.
  for (const [node, why] of [[here, 'You are publishing already'],
    [there, `You are publishing on the node "${here.name}" already`]]) {
    const second = startPublisher(place, node.rtsp(next), { retry: -1 });
    assert.notEqual(await second.process.exited, 0);
    assert.ok(second.process.output.includes(why), second.process.output);
  }
  const { length } = services[here.name].output;
  await publisher.drop();
  await untilSays(here, 'is on air', length);
  assert.equal(await field('link', GAME), link);

  await command(there, 'key', 'revoke', key.slice(0, 8));
  await untilSays(here, 'is dropped: Its stream key was replaced or revoked');
  await untilSays(
      here, 'is refused: This stream key was replaced or revoked');
  await publisher.stop();
  await untilRows(
      `${GAME} ${here.name} interrupted`, `portal ${there.name} ended`);

  // The first is over: its key may have been in the wrong hands.
  startPublisher(place, balanced.rtmp(next));
  await untilRows(`${GAME} ${here.name} ended`, `portal ${there.name} ended`,
      `${GAME} ${here.name} live`);
});

test('nothing was wrong inside', async () => {
  for (const node of nodes) {
    const service = services[node.name];
    assert.equal(await service.end('SIGTERM', 30), 0);
    checkService(service);
    assert.ok(!service.output.includes(key.slice(9)), 'a stream key was told');
  }
});
