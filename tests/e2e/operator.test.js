// SPDX-License-Identifier: LGPL-2.1-or-later

// What an operator is told by one of two nodes: of a broadcast on the other one,
// and of the other one's death.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, makeNode, privateDatabase, startNode,
  startPublisher } from '../lib/node.js';
import { OpenApi, request } from '../lib/openapi.js';
import { Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';

const PATH = '/api/v1/operator/overview';
const TOKEN = 'not to be guessed';
const api = new OpenApi(
    JSON.parse(readFileSync(`${ROOT}data/openapi.json`, 'utf8')));
const place = new Place();
let a;
let b;
let serviceA;
let serviceB;

async function look(node, token = TOKEN) {
  const answer = await request(node.ports.nginx, 'GET', PATH,
      { headers: { Authorization: `Bearer ${token}` } });
  api.checkAnswer('GET', PATH, answer);
  return { status: answer.status, overview: JSON.parse(answer.text) };
}

// The overview of `node` once it says what is asked for.
const untilSays = (what, node, ask) => until(what, async () => {
  const { overview } = await look(node);
  if (!ask(overview))
    throw new Error(JSON.stringify(overview));
  return overview;
}, 90);

const find = (overview, name) =>
  overview.nodes.find(({ report }) => report.name === name);

before(async () => {
  // A node that only has the database of both.
  const shared = await makeNode(place, 'shared', {
    services: { ingest: false, api: false, sweeper: false, notifier: false,
      archiver: false, retention: false },
    nginx: { private: false },
  });
  const token = place.path('token');
  writeFileSync(token, `${TOKEN}\n`);
  await startNode(shared);
  const settings = {
    database: { url: privateDatabase(shared) },
    api: { 'operator-token-file': token },
  };
  a = await makeNode(place, 'a', settings);
  b = await makeNode(place, 'b', settings);
  serviceA = await startNode(a);
  serviceB = await startNode(b);
});

after(() => place.leave());

test('only an operator is told', async () => {
  assert.equal((await look(b, 'a guess')).status, 401);
  assert.equal((await look(b)).status, 200);
});

test('a broadcast is seen from the other node', async () => {
  const key = await addDeveloper(a, 'half-life', 'Half-Life', 'Gordon');
  startPublisher(place, a.rtmp(key));
  // 400 kbit/s of picture and 64 kbit/s of sound, and what bursts make of it.
  const overview = await untilSays('it is on air, and how much', b,
      ({ nodes }) => nodes.some(({ report }) => report.name === 'a' &&
        report.broadcasts.some(({ state, bitRate }) =>
          state === 'live' && bitRate > 200_000 && bitRate < 1_500_000)));
  assert.equal(overview.node, 'b');
  assert.equal(overview.staleSince, null);
  const [broadcast] = find(overview, 'a').report.broadcasts;
  assert.equal(broadcast.game, 'half-life');
  assert.equal(broadcast.protocol, 'rtmp');
  await untilSays('how long its parts take', b, (now) => {
    const { partLatency } = find(now, 'a').report.broadcasts[0];
    return partLatency && partLatency.median > 0 &&
      partLatency.p99 >= partLatency.median;
  });
  for (const name of ['a', 'b']) {
    const { alive, report } = find(overview, name);
    assert.equal(alive, true);
    assert.deepEqual(report.services, ['ingest', 'api', 'sweeper', 'notifier',
      'archiver', 'retention']);
    assert.equal(report.cache.cleared, 0);
    assert.deepEqual(report.retention,
        { deleted: 0, onHold: false, problem: null });
    assert.ok(report.messages.some(({ text }) => text.includes('is ready')));
    assert.ok(!JSON.stringify(report).includes(key));
  }
  // A node that has neither tells of itself all the same.
  assert.deepEqual(find(overview, 'shared').report.services, []);
});

test('who watches by one node is told by the other', async () => {
  const { overview } = await look(b);
  const [{ link }] = find(overview, 'a').report.broadcasts;
  await until('it is told', async () => {
    const { status } = await request(a.ports.nginx, 'POST',
        `/api/v1/broadcasts/${link}/watching?viewer=viewer-anna-0000`);
    assert.equal(status, 200);
    return (await look(b)).overview.viewers.viewers[link] === 1;
  }, 60);
});

test('it becomes part of the history', async () => {
  await untilSays('a sample has it', b, ({ history }) =>
    history.some(({ live, ingest }) => live === 1 && ingest > 200_000));
});

test('a node dies', async () => {
  serviceA.kill('SIGKILL');
  await serviceA.exited;
  const overview = await untilSays('it is not alive', b,
      (now) => !find(now, 'a').alive);
  assert.equal(find(overview, 'b').alive, true);
  assert.equal(find(overview, 'a').report.broadcasts.length, 1);
  await untilSays('its broadcast does not count', b,
      ({ history }) => history.at(-1).live === 0);
});

test('nothing was wrong inside', async () => {
  assert.equal(await serviceB.end('SIGTERM', 30), 0);
  checkService(serviceB);
});
