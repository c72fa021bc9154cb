// SPDX-License-Identifier: LGPL-2.1-or-later

// How many watch: pages that tell so, and players that nginx has seen. Of
// neither is anything left behind.

import assert from 'node:assert/strict';
import http from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { OpenApi, request } from '../lib/openapi.js';
import { Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';
import { startWishcast } from '../lib/wishcast.js';

const api = new OpenApi(
    JSON.parse(readFileSync(`${ROOT}data/openapi.json`, 'utf8')));
const place = new Place();
// Another address than that of all else on this machine.
const ADDRESS = '127.0.57.91';
const names = ['anna', 'boris', 'chell'].map((name) => `viewer-${name}-xxxxxx`);
const agents = ['alpha', 'beta (X11; "quoted" \\ text)', 'gamma']
    .map((name) => `Unmistakable-Agent/${name}`);
let link;
let node;
let service;

// One request as a stranger's player makes it.
const get = (where, agent, method = 'GET') => new Promise((resolve, reject) => {
  const sent = http.request(new URL(where, node.url), {
    method, localAddress: ADDRESS, headers: { 'User-Agent': agent },
    agent: false,
  }, async (answer) => {
    const pieces = await answer.toArray().catch(reject);
    resolve({ status: answer.statusCode, body: Buffer.concat(pieces) });
  });
  sent.on('error', reject);
  sent.end();
});

async function call(method, where) {
  const answer = await request(node.ports.nginx, method, where);
  assert.equal(answer.status, 200, answer.text);
  api.checkAnswer(method, where, answer);
  return JSON.parse(answer.text);
}

const tell = async (name, more = '') => (await call('POST',
    `/api/v1/broadcasts/${link}/watching?viewer=${name}${more}`)).viewers;

// A figure of /metrics, or undefined.
async function metric(name) {
  const { text } = await request(node.ports.api, 'GET', '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line && Number(line.split(' ').at(-1));
}
const count = (source) =>
  metric(`wishcast_viewers{link="${link}",source="${source}"}`);
const sent = () => metric('wishcast_media_sent_bytes_total');

before(async () => {
  node = await makeNode(place, 'a');
  service = await startNode(node);
  const key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
  startPublisher(place, node.rtmp(key));
  link = await until('it is live', async () => (await query(place,
      privateDatabase(node), `SELECT link FROM wishcast.broadcast
      WHERE state = 'live'`))[0]?.[0], 60);
  await until('nginx has media of it', async () =>
    (await get(`/live/${link}/video_0/index.m3u8`, agents[0])).body
        .includes('.m4s'));
});

after(() => place.leave());

test('pages tell so', async () => {
  await until('all are counted', async () => {
    // They tell again as they are asked for again, so that none is too old.
    const seen = [];
    for (const name of names)
      seen.push(await tell(name));
    return seen.at(-1) === 3;
  });
  const viewers = await until('an answer with them', async () => {
    const answer = await call('GET', '/api/v1/viewers');
    return answer.viewers[link] === 3 && answer;
  });
  assert.equal(viewers.total, 3);
  assert.equal(await count('pages'), 3);
});

test('one leaves', async () => {
  assert.equal(await tell(names[0], '&left=true'), 2);
  assert.equal((await call('GET', '/api/v1/viewers')).viewers[link], 2);
});

test('players are seen, and nobody else', async () => {
  const before = await sent();
  let bytes = 0;
  const others = [
    ['GET', 'poster.jpg'], ['GET', 'master.m3u8'],
    ['HEAD', 'video_0/index.m3u8'], ['GET', 'video_0/9-9.m4s'],
    ['GET', '../none/video_0/index.m3u8'],
  ];
  for (const [method, file] of others)
    await get(`/live/${link}/${file}`, `${agents[0]} ${file}`, method);
  await until('all are counted', async () => {
    const track = `/live/${link}/video_0`;
    for (const agent of agents) {
      const playlist = await get(`${track}/index.m3u8`, agent);
      const [part] = playlist.body.toString().match(/\d+-\d+(\.\d+)?\.m4s/);
      const { status, body } = await get(`${track}/${part}`, agent);
      assert.equal(status, 200);
      bytes += playlist.body.length + body.length;
    }
    const n = await count('players');
    if (n !== agents.length)
      throw new Error(`${n} players`);
    // More than the pages.
    return (await call('GET', '/api/v1/viewers')).viewers[link] === n;
  });
  await until('what was sent is counted', async () => {
    const now = await sent();
    // Headers are sent, too.
    if (now - before <= bytes)
      throw new Error(`${now} - ${before}: ${bytes}`);
    return true;
  });
});

test('who invents viewers does not get far', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    request(node.ports.nginx, 'POST', `/api/v1/broadcasts/${link}/watching` +
        `?viewer=invented-viewer-${i}`)));
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
  // Those behind another address are not held back for it.
  const other = await get(`/api/v1/broadcasts/${link}/watching` +
      `?viewer=${names[0]}`, agents[0], 'POST');
  assert.equal(other.status, 200);
});

test('nothing of them is left in a file or told', async () => {
  const folders = [place.path('a')];
  let n = 0;
  while (folders.length) {
    const folder = folders.pop();
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory())
        folders.push(file);
      if (!entry.isFile())
        continue;
      let content;
      try {
        content = readFileSync(file);
      } catch (error) {
        // A segment that was cleared away, a temporary file.
        assert.equal(error.code, 'ENOENT');
        continue;
      }
      n += 1;
      for (const secret of [ADDRESS, 'Unmistakable-Agent', ...names])
        assert.ok(!content.includes(secret), `${secret} is in ${file}`);
    }
  }
  assert.ok(n > 100, `${n} files`);
  for (const secret of [ADDRESS, 'Unmistakable-Agent', ...names])
    assert.ok(!service.output.includes(secret), secret);
});

test('a port that is taken is told by its key', async () => {
  const second = await makeNode(place, 'b',
      { api: { 'log-port': node.ports.log } });
  const launched = startWishcast(place, ['run', '-c', second.config]);
  assert.notEqual(await launched.exited, 0);
  assert.match(launched.output, new RegExp('b\\.conf:\\d+: \\[api\\] ' +
      `log-port: UDP port ${node.ports.log} of 127\\.0\\.0\\.1: `));
});

test('nothing was wrong inside', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
