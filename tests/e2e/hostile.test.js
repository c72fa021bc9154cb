// SPDX-License-Identifier: LGPL-2.1-or-later

// Publishers whose media is damaged, by RTMP (FLV tags with NAL units) and by
// RTSP (RTP and RTCP), while another broadcast of the same process plays on.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { followPlaylist } from '../lib/follow.js';
import { RtmpReader, RtspReader, startMutator } from '../lib/mutate.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const SEEDS = Array.from({ length: 12 }, (_, i) => 1001 + i);
const DAMAGED = 60; // pieces a connection
// What ASan keeps of what was freed is 256 MB.
const MOST_GROWTH = (256 + 128) << 10; // kB

const place = new Place();
const follows = [];
const proxies = {};
let node;
let service;
let begun;

function usage() {
  const status = readFileSync(`/proc/${service.pid}/status`, 'utf8');
  const field = (name) => Number(status.match(`${name}:\\s*(\\d+)`)[1]);
  return {
    memory: field('VmRSS'),
    threads: field('Threads'),
    files: readdirSync(`/proc/${service.pid}/fd`).length,
  };
}

const states = (games) => query(place, privateDatabase(node),
    `SELECT game, state FROM wishcast.broadcast WHERE game LIKE '${games}'
     ORDER BY game`);

before(async () => {
  node = await makeNode(place, 'a');
  // GStreamer's depayloaders report some damage as criticals, and go on.
  service = await startNode(node, { G_DEBUG: '' });
  for (const protocol of ['rtmp', 'rtsp']) {
    const key = await addDeveloper(node, `good-${protocol}`, 'Good', 'A');
    startPublisher(place, node[protocol](key), { retry: -1 });
  }
  await until('the good ones are on air', async () =>
    (await states('good%')).filter(([, state]) => state === 'live').length ===
      2, 60);
  for (const [link] of await query(place, privateDatabase(node),
      'SELECT link FROM wishcast.broadcast')) {
    for (const track of ['video_0', 'audio_0']) {
      const url = `${node.url}/live/${link}/${track}/index.m3u8`;
      await until(`${url} is there`, async () => (await fetch(url)).ok);
      follows.push(followPlaylist(url));
    }
  }
  await until('all playlists are there', () =>
    follows.every(({ follower }) => follower.last));
  begun = usage();
});

after(() => place.leave());

for (const [protocol, Reader] of
  [['rtmp', RtmpReader], ['rtsp', RtspReader]]) {
  test(`damage by ${protocol}, seeds ${SEEDS[0]} to ${SEEDS.at(-1)}`,
      { timeout: 200_000 }, async () => {
        const key = await addDeveloper(node, `bad-${protocol}`, 'Bad', 'B');
        const proxy = await startMutator(place, Reader, node.ports[protocol],
            SEEDS, DAMAGED);
        proxies[protocol] = proxy;
        const url = node[protocol](key)
            .replace(`:${node.ports[protocol]}`, `:${proxy.port}`);
        const publisher = startPublisher(place, url, { retry: 100 });
        await until('every seed has had its turn', () =>
          !service.isAlive || proxy.ended >= SEEDS.length, 120);
        assert.ok(service.isAlive, service.output);
        await publisher.stop();
        console.log(`# ${protocol}: ${proxy.damaged} damaged pieces`);
        assert.ok(proxy.damaged > 2 * SEEDS.length);
      });
}

test('it leaves no threads, files or memory behind', async () => {
  await until('the damaged ones are interrupted', async () =>
    (await states('bad%')).every(([, state]) =>
      ['interrupted', 'ended'].includes(state)), 60);
  await until('threads and files are as before', () => {
    const now = usage();
    if (now.threads > begun.threads + 4 || now.files > begun.files + 16)
      throw new Error(JSON.stringify([begun, now]));
    return true;
  }, 60);
  assert.ok(usage().memory < begun.memory + MOST_GROWTH,
      JSON.stringify([begun, usage()]));
});

test('the others have not noticed', async () => {
  const counts = follows.map(({ follower }) =>
    wholeSegments(follower.last).length);
  await until('they go on', () => follows.every(({ follower }, i) =>
    wholeSegments(follower.last).length > counts[i]));
  for (const follow of follows) {
    follow.stop();
    const { last } = await follow.done;
    assert.deepEqual(last.segments.filter((s) => s.discontinuity), []);
    const numbers = wholeSegments(last)
        .map(({ mediaSequenceNumber }) => mediaSequenceNumber);
    assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i));
    for (const { uri } of wholeSegments(last))
      assert.match(uri, /(^|\/)0-\d+\.m4s$/);
  }
  assert.deepEqual((await states('good%')).map(([, state]) => state),
      ['live', 'live']);
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
