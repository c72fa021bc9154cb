// SPDX-License-Identifier: LGPL-2.1-or-later

// The API, answer for answer, against its own document.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Validator } from '@seriousme/openapi-schema-validator';

import { OpenApi, request } from '../lib/openapi.js';
import { Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';

const document = JSON.parse(readFileSync(`${ROOT}data/openapi.json`, 'utf8'));
const api = new OpenApi(document);
const place = new Place();
let server;
let facts;

const read = async (path) =>
  JSON.parse((await request(facts.port, 'GET', path)).text);

// Makes a request, and checks the answer against the document.
async function call(method, path, status, options) {
  const answer = await request(facts.port, method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  api.checkAnswer(method, path, answer);
  return answer;
}

const end = (link, status, token) =>
  call('POST', `/api/v1/broadcasts/${link}/end`, status,
      { headers: token ? { Authorization: `Bearer ${token}` } : {} });

// Headers that let into an operation, if it takes any.
function letIn({ security = [] }) {
  const tokens = { streamKey: facts.key, operatorToken: facts.token };
  return security.length === 0 ? {} :
    { Authorization: `Bearer ${tokens[Object.keys(security[0])[0]]}` };
}

const sql = (text) => place.run('psql',
    ['-q', '-v', 'ON_ERROR_STOP=1', '-d', facts.conninfo, '-c', text]);

const state = (link, game, now) => `DO $$ BEGIN PERFORM wishcast.set_state (
  md5 ('${link}')::uuid, '${link}', '${game}',
  (SELECT id FROM wishcast.broadcaster LIMIT 1), 'A "title" \\ of it',
  'public', 'node-a', NULL, '${now}', clock_timestamp (), '15 s',
  clock_timestamp () + interval '90 s',
  CASE WHEN '${now}' = 'ended' THEN 'developer' END); END $$`;

// A path of each operation with something behind it.
const example = (path) => path
    .replace('{link}', path.endsWith('/recording') ? 'c' : 'a')
    .replace('{game}', 'portal');

before(async () => {
  server = place.launch(`${ROOT}build-test/tests/check/api-server`, [], {
    env: {
      OPENAPI: `${ROOT}data/openapi.json`,
      SQL_DIR: `${ROOT}data/sql`,
      LSAN_OPTIONS: `suppressions="${ROOT}tests/check/lsan.supp"`,
    },
  });
  facts = await until('the server tells its addresses', () => {
    if (!server.isAlive)
      throw new Error(server.output);
    return JSON.parse(server.output.split('\n')[0]);
  });
  await sql(`INSERT INTO wishcast.broadcaster (game, name, rank)
    VALUES ('portal', 'The developer', 7)`);
  for (const [link, now] of [['a', 'live'], ['b', 'interrupted'],
    ['c', 'ended'], ['here', 'live']])
    await sql(state(link, 'portal', now));
  await sql(`UPDATE wishcast.broadcast SET health = '[{"code": "no-audio",
    "severity": "warning", "text": "t", "advice": "a", "value": null}]'
    WHERE link = 'a'`);
  await sql(`INSERT INTO wishcast.recording (link, part, node, object, state,
    size, crc32c) VALUES ('c', 0, 'node-a', 'c.mp4', 'ready', 5, 'AAAAAA=='),
    ('c', 1, 'node-a', 'c-1.mp4', 'uploading', NULL, NULL),
    ('c', 2, 'node-b', 'c-2.mp4', 'ready', 5, NULL)`);
  writeFileSync(`${facts.archive}/c.mp4`, 'bytes');
  await until('the API knows them', async () =>
    (await read('/api/v1/broadcasts/here')).state === 'live');
});

after(() => place.leave());

test('the document is one of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
});

test('its examples are examples', () => {
  for (const { path, status, response, at } of api.responses()) {
    for (const [type, { example: body }] of
      Object.entries(response.content ?? {})) {
      if (body !== undefined)
        api.check(`${at}/content/${type.replace('/', '~1')}/schema`, body,
            `${path} ${status}`);
    }
  }
});

test('it is what the API says of itself', async () => {
  const answer = await call('GET', '/api/v1/openapi.json', 200);
  assert.deepEqual(JSON.parse(answer.text), document);
});

test('what there is', async () => {
  for (const [path, { get }] of Object.entries(document.paths)) {
    if (!get)
      continue;
    const own = letIn(get);
    const { headers } = await call('GET', example(path), 200,
        path === '/api/v1/events' ? { enough: () => true } : { headers: own });
    if (path !== '/api/v1/events')
      await call('HEAD', example(path), 200, { headers: own });
    if (headers.etag)
      await call('GET', example(path), 304,
          { headers: { ...own, 'If-None-Match': headers.etag } });
  }
  for (const query of ['state=live', 'state=ended', 'game=portal', 'limit=1'])
    await call('GET', `/api/v1/broadcasts?${query}`, 200);
  const { next } = await read('/api/v1/broadcasts?limit=1');
  await call('GET', `/api/v1/broadcasts?before=${next}`, 200);
});

test('what there is not, and what is no request', async () => {
  for (const path of ['broadcasts/none', 'broadcasts/none/health',
    'games/none', 'games/none/broadcasts'])
    await call('GET', `/api/v1/${path}`, 404);
  for (const [path, methods] of Object.entries(document.paths)) {
    const method = methods.get ? 'GET' : 'POST';
    const at = example(path);
    const { headers } = await call('PATCH', at, 405);
    const options = await request(facts.port, 'OPTIONS', at);
    assert.equal(options.status, 204);
    assert.equal(options.headers.allow, headers.allow);
    await call(method, `${at}?nonsense=1`, 400);
    await call(method, `${at}?${'x'.repeat(3000)}`, 414);
    await call(method, at, 413, {
      headers: { 'Content-Length': 20000 },
      body: 'x'.repeat(20000),
    });
  }
});

test('the recording', async () => {
  const path = '/api/v1/broadcasts/c/recording';
  const why = async (at, status) =>
    JSON.parse((await call('GET', at, status)).text).reason;
  const ranged = (range, status) => call('GET', path, status,
      { headers: { Range: `bytes=${range}` } });

  const { recording } = await read('/api/v1/broadcasts/c');
  assert.equal(recording.state, 'uploading');
  assert.deepEqual(recording.parts.map(({ download }) => download),
      [path, `${path}?part=2`]);
  assert.equal((await call('GET', path, 200)).text, 'bytes');
  assert.equal((await ranged('1-2', 206)).text, 'yt');
  await ranged('5-', 416);
  assert.equal(await why(`${path}?part=1`, 404), 'uploading');
  assert.equal(await why(`${path}?part=2`, 404), 'elsewhere');
  assert.equal(await why(`${path}?part=3&inline=true`, 404), 'none');
  assert.equal(await why('/api/v1/broadcasts/b/recording', 404), 'live');
  assert.equal(await why('/api/v1/broadcasts/none/recording', 404), undefined);
  await sql(`UPDATE wishcast.broadcast SET recording_expires = now ()
    WHERE link = 'c'`);
  assert.equal(await why(path, 410), 'expired');
});

test('who watches', async () => {
  const watching = (link) =>
    `/api/v1/broadcasts/${link}/watching?viewer=viewer-anna-0000`;

  const { text } = await call('POST', watching('a'), 200);
  assert.deepEqual(JSON.parse(text), { viewers: 1 });
  await call('POST', watching('none'), 404);
  await call('POST', '/api/v1/broadcasts/a/watching', 400);
  assert.deepEqual(await read('/api/v1/viewers'),
      { total: 1, viewers: { a: 1 } });
  await call('POST', `${watching('a')}&left=true`, 200);
});

test('events', async () => {
  const { lastEventId } = await read('/api/v1/broadcasts');
  await sql(state('e', 'portal', 'live'));
  await sql(`UPDATE wishcast.broadcast SET visibility = 'hidden'
    WHERE link = 'e'`);
  const { text } = await call('GET', '/api/v1/events?lastEventId=0', 200,
      { enough: (events) => events.includes('broadcast.hidden') });
  const late = await call('GET', `/api/v1/events?lastEventId=${lastEventId}`,
      200, { enough: (events) => events.includes('broadcast.hidden') });
  assert.ok(text.endsWith(late.text.slice(late.text.indexOf('\n\n') + 2)));
  const names = new Set();
  for (const [, name, data] of text.matchAll(/event: (.*)\ndata: (.*)\n/g)) {
    names.add(name);
    api.checkSchema(name === 'broadcast.hidden' ? 'HiddenBroadcast' :
      'Broadcast', JSON.parse(data), name);
  }
  assert.deepEqual([...names].sort(), ['broadcast.ended', 'broadcast.hidden',
    'broadcast.interrupted', 'broadcast.live', 'broadcast.updated']);
});

test('the end', async () => {
  await sql(state('other', 'half-life', 'live'));
  await until('the API knows it', async () =>
    (await read('/api/v1/broadcasts/other')).state === 'live');
  await end('a', 401);
  await end('a', 401, 'wrong');
  await end('other', 403, facts.key);
  await end('none', 404, facts.key);
  await end('c', 409, facts.key);
  await end('a', 202, facts.token);
  await end('here', 200, facts.key);
  const wrong = Array.from({ length: 12 }, () =>
    request(facts.port, 'POST', '/api/v1/broadcasts/b/end',
        { headers: { Authorization: 'Bearer wrong' } }));
  const answers = await Promise.all(wrong);
  for (const answer of answers)
    api.checkAnswer('POST', '/api/v1/broadcasts/b/end', answer);
  assert.ok(answers.some(({ status }) => status === 429));
});

test('what is not for everybody', async () => {
  for (const path of ['/api/v1/developer', '/api/v1/operator/overview',
    '/api/v1/operator/notifications']) {
    await call('GET', path, 401);
    const answers = await Promise.all(Array.from({ length: 12 }, () =>
      request(facts.port, 'GET', path, { headers: {
        'Authorization': 'Bearer wrong', 'X-Forwarded-For': '192.0.2.9' } })));
    for (const answer of answers)
      api.checkAnswer('GET', path, answer);
    assert.ok(answers.some(({ status }) => status === 429));
  }
});

test('how far the wishlists are told', async () => {
  const path = '/api/v1/operator/notifications';
  const get = (token, status) => call('GET', path, status,
      { headers: { Authorization: `Bearer ${token}` } });
  for (const [link, minutes] of [['b', 2], ['a', 1]])
    await sql(`DO $$ BEGIN PERFORM wishcast.file_notification (
      md5 ('${link}')::uuid, '${link}', 'portal',
      now () - interval '${minutes} minutes', '0 s'); END $$`);
  await sql(`DO $$ BEGIN PERFORM wishcast.cancel_notification ('b'); END $$`);
  const { notifications } = JSON.parse((await get(facts.token, 200)).text);
  assert.deepEqual(
      notifications.map(({ link, state, reason }) => [link, state, reason]),
      [['a', 'pending', null], ['b', 'cancelled', 'operator']]);
  await get(facts.key, 401);
});

test('while the database is away', async () => {
  await sql(`INSERT INTO wishcast.broadcast (id, link, game, state, node,
    created_at, changed_at) SELECT md5 (n::text)::uuid, 'old' || n, 'portal',
    'ended', 'node-a', now () - n * interval '1 s', now ()
    FROM generate_series (1, 1100) n`);
  await until('the API knows them', async () =>
    (await request(facts.port, 'GET', '/metrics')).text
        .match(/last_event (\d+)/)[1] > 1100);
  server.kill('SIGUSR1');
  await until('it is noticed', async () =>
    (await request(facts.port, 'GET', '/readyz')).status === 503);
  await call('GET', '/readyz', 503);
  const { text } = await call('GET', '/api/v1/broadcasts', 200);
  assert.notEqual(JSON.parse(text).staleSince, null);
  for (const path of ['broadcasts/old1099', 'broadcasts/a/health', 'games',
    'games/portal', 'games/half-life/broadcasts?limit=100',
    'broadcasts?game=half-life', 'broadcasts/c/recording'])
    await call('GET', `/api/v1/${path}`, 503);
  await end('none', 503, facts.token);
  await call('GET', '/api/v1/operator/notifications', 503,
      { headers: { Authorization: `Bearer ${facts.token}` } });
  await call('POST',
      '/api/v1/broadcasts/none/watching?viewer=viewer-anna-0000', 503);
  server.kill('SIGUSR2');
  await until('it is back', async () =>
    (await request(facts.port, 'GET', '/readyz')).status === 200);
});

test('every answer of the document was seen', () => {
  // Neither a start without the database nor so many clients nor a cloud here:
  // they are in test-apideveloper.c, test-apievents.c and test-apirecording.c.
  assert.deepEqual(api.unseen(), ['get /api/v1/broadcasts/{link}/recording 302',
    'get /api/v1/developer 503', 'get /api/v1/events 503']);
});

test('it ends well', async () => {
  assert.equal(await server.end(), 0, server.output);
  assert.doesNotMatch(server.output, /AddressSanitizer|runtime error|CRITICAL/);
});
