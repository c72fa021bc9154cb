// SPDX-License-Identifier: LGPL-2.1-or-later

// The fake of Google Cloud Storage is not lax: it refuses what Google refuses,
// and what a fault is said to do, it does.

import assert from 'node:assert/strict';
import { createHash, createSign, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, beforeEach, test } from 'node:test';

import { combineCrc, printCrc, updateCrc } from '../lib/fakegcs/crc32c.js';
import { QUANTUM } from '../lib/fakegcs/uploads.js';
import { FakeGcs } from '../lib/fakegcs.js';
import { Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';

const place = new Place();
const BYTES = randomBytes(3 * QUANTUM + 17);
let fake;

beforeEach(async () => { fake = await FakeGcs.start(place); });
after(() => place.leave());

async function ask(method, path, { headers, body, on = fake } = {}) {
  const answer = await fetch(new URL(path, on.url),
      { method, headers, body, redirect: 'manual' });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const isJson = /json/.test(answer.headers.get('content-type'));
  return { status: answer.status, headers: answer.headers, bytes,
    body: isJson ? JSON.parse(bytes) : bytes.toString() };
}

async function start(metadata = {}, query = '', headers = {}) {
  const answer = await ask('POST', '/upload/storage/v1/b/bucket/o' +
      `?uploadType=resumable&name=a%2Fb${query}`, {
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(metadata) });
  return answer.headers.get('location') ?? answer;
}

const put = (session, range, body = '', headers = {}) =>
  ask('PUT', session, { body,
    headers: { 'content-range': `bytes ${range}`, ...headers } });
const chunk = (session, first, end, total = '*') =>
  put(session, `${first}-${end - 1}/${total}`, BYTES.subarray(first, end));
const whole = (session, headers) => put(session,
    `0-${BYTES.length - 1}/${BYTES.length}`, BYTES, headers);
const crcOf = (bytes) => printCrc(updateCrc(0, bytes));

test('an upload in chunks is what was sent', async () => {
  const session = await start({ contentType: 'video/mp4',
    customTime: '2026-01-02T03:04:05Z', cacheControl: 'no-store',
    metadata: { link: 'x' } }, '&ifGenerationMatch=0');
  const none = await put(session, '*/*');
  assert.equal(none.status, 308);
  assert.equal(none.headers.get('range'), null);
  assert.equal(none.headers.get('location'), null);
  const first = await chunk(session, 0, 2 * QUANTUM);
  assert.equal(first.status, 308);
  assert.equal(first.headers.get('range'), `bytes=0-${2 * QUANTUM - 1}`);
  assert.deepEqual(fake.names(), []);
  // What is there is not taken again.
  const last = await chunk(session, QUANTUM, BYTES.length, BYTES.length);
  assert.equal(last.status, 200);
  assert.equal(last.body.crc32c, crcOf(BYTES));
  assert.equal(last.body.customTime, '2026-01-02T03:04:05Z');
  assert.equal((await put(session, '*/*')).body.generation,
      last.body.generation);
  assert.deepEqual(fake.read('a/b'), BYTES);
  assert.equal(fake.requests.at(-2).known, QUANTUM);
  assert.deepEqual(fake.violations, []);

  const range = await ask('GET', '/storage/v1/b/bucket/o/a%2Fb?alt=media',
      { headers: { range: 'bytes=5-9' } });
  assert.equal(range.status, 206);
  assert.deepEqual(range.bytes, BYTES.subarray(5, 10));
  assert.equal(range.headers.get('content-range'),
      `bytes 5-9/${BYTES.length}`);
});

test('chunks that cannot be are refused, and told of', async () => {
  const session = await start();
  const refused = [
    await chunk(session, 0, QUANTUM + 1),
    await chunk(session, QUANTUM, 2 * QUANTUM),
    await put(session, '0-9/20', 'too short'),
    await put(session, '9-0/*', BYTES.subarray(0, QUANTUM)),
    await put(session, '*/*', 'a body'),
    await ask('PUT', session,
        { body: 'x', headers: { 'content-range': 'all' } }),
  ];
  assert.deepEqual(refused.map(({ status }) => status),
      refused.map(() => 400));
  assert.equal(fake.violations.length, refused.length,
      fake.violations.join('\n'));
  await chunk(session, 0, QUANTUM, BYTES.length);
  assert.equal((await put(session, `*/${BYTES.length + 1}`)).status, 400);
});

test('what is misspelt, and no upload, is refused', async () => {
  const refused = [
    await start({}, '&ifGenerationMatches=0'), await start({ customtime: '' }),
    await start({ customTime: 'tomorrow' }), await start({ crc32c: 'x' }),
    await start({}, '', { 'content-type': 'text/plain' }),
    await ask('GET', '/storage/v1/b/bucket/o/a/b'),
  ];
  for (const { status } of refused)
    assert.ok(status === 400 || status === 404, `${status}`);
  assert.equal(fake.violations.length, refused.length,
      fake.violations.join('\n'));
  assert.equal((await put(`${fake.url}/upload/storage/v1/b/bucket/o` +
      '?upload_id=no', '*/*')).status, 404);
  const session = await start();
  assert.equal((await ask('DELETE', session)).status, 499);
  assert.equal((await put(session, '*/*')).status, 410);
});

test('preconditions hold at the start and at the end', async () => {
  const first = await start({}, '&ifGenerationMatch=0');
  const second = await start({}, '&ifGenerationMatch=0');
  assert.equal((await whole(first)).status, 200);
  assert.equal((await whole(second)).status, 412);
  assert.equal((await start({}, '&ifGenerationMatch=0')).status, 412);
  const { generation } = (await ask('GET', '/storage/v1/b/bucket/o/a%2Fb'))
      .body;
  assert.equal((await ask('DELETE', '/storage/v1/b/bucket/o/a%2Fb' +
      '?ifGenerationMatch=1')).status, 412);
  assert.equal((await ask('DELETE', '/storage/v1/b/bucket/o/a%2Fb' +
      `?ifGenerationMatch=${generation}`)).status, 204);
  assert.equal((await ask('DELETE', '/storage/v1/b/bucket/o/a%2Fb')).status,
      404);
  assert.equal(fake.objects.made.length, 1);
});

test('a checksum is checked', async () => {
  const wrong = crcOf('another');
  assert.equal((await whole(await start({ crc32c: wrong }))).status, 400);
  assert.equal((await whole(await start(),
      { 'x-goog-hash': `crc32c=${wrong}` })).status, 400);
  assert.deepEqual(fake.names(), []);
  assert.equal((await whole(await start(),
      { 'x-goog-hash': `crc32c=${crcOf(BYTES)}` })).status, 200);
  fake.inject({ at: 'final', what: 'corrupt' });
  assert.equal((await whole(await start({ crc32c: crcOf(BYTES) }))).status,
      400);
  fake.inject({ at: 'final', what: 'wrong-crc' });
  assert.notEqual((await whole(await start())).body.crc32c, crcOf(BYTES));
});

test('compose, list and the other calls', async () => {
  const names = ['c/1', 'c/2', 'd'];
  for (const [i, name] of names.entries())
    assert.equal((await ask('POST', '/upload/storage/v1/b/bucket/o' +
        `?uploadType=media&name=${encodeURIComponent(name)}`,
    { body: BYTES.subarray(i, 100 * (i + 1)) })).status, 200);
  const compose = (body, query = '') => ask('POST',
      `/storage/v1/b/bucket/o/c%2Fall/compose${query}`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body) });
  const sourceObjects = names.map((name) => ({ name }));
  const destination = { contentType: 'video/mp4' };
  const { status, body } = await compose({ sourceObjects, destination },
      '?ifGenerationMatch=0');
  const all = Buffer.concat(names.map((_, i) =>
    BYTES.subarray(i, 100 * (i + 1))));
  assert.equal(status, 200);
  assert.equal(body.componentCount, 3);
  assert.equal(body.crc32c, crcOf(all));
  assert.deepEqual(fake.read('c/all'), all);
  assert.equal((await compose({ sourceObjects }, '?ifGenerationMatch=0'))
      .status, 412);
  assert.equal((await compose({ sourceObjects: [{ name: 'e' }] })).status, 404);
  assert.equal((await compose({ sourceObjects: [] })).status, 400);
  const range = await ask('GET', '/storage/v1/b/bucket/o/c%2Fall?alt=media',
      { headers: { range: 'bytes=90-310' } });
  assert.deepEqual(range.bytes, all.subarray(90, 311));

  fake.pageSize = 2;
  const page = (await ask('GET', '/storage/v1/b/bucket/o?prefix=c%2F')).body;
  assert.deepEqual(page.items.map(({ name }) => name), ['c/1', 'c/2']);
  const rest = (await ask('GET', '/storage/v1/b/bucket/o?prefix=c%2F' +
      `&pageToken=${page.nextPageToken}`)).body;
  assert.deepEqual(rest.items.map(({ name }) => name), ['c/all']);
  assert.equal(rest.nextPageToken, undefined);

  fake.permissions.delete('storage.objects.delete');
  const held = await ask('GET', '/storage/v1/b/bucket/iam/testPermissions?' +
      'permissions=storage.objects.get&permissions=storage.objects.delete');
  assert.deepEqual(held.body.permissions, ['storage.objects.get']);
  assert.equal((await ask('GET', '/storage/v1/b/other/o')).status, 404);

  const multipart = await ask('POST', '/upload/storage/v1/b/bucket/o' +
      '?uploadType=multipart', {
    headers: { 'content-type': 'multipart/related; boundary=x' },
    body: '--x\r\ncontent-type: application/json\r\n\r\n{"name":"m"}\r\n' +
        '--x\r\ncontent-type: text/plain\r\n\r\nhello\r\n--x--' });
  assert.equal(multipart.status, 200);
  assert.equal(fake.read('m').toString(), 'hello');
  assert.equal(multipart.body.contentType, 'text/plain');
});

test('two checksums make that of both', () => {
  for (const size of [0, 1, 255, 256, 100000]) {
    const at = BYTES.length - size;
    assert.equal(combineCrc(updateCrc(0, BYTES.subarray(0, at)),
        updateCrc(0, BYTES.subarray(at)), size), updateCrc(0, BYTES));
  }
});

test('faults do what they are said to', async () => {
  const lost = (promise) => assert.rejects(promise, TypeError);
  const until = async (session) =>
    (await put(session, '*/*')).headers.get('range');
  const session = await start();
  const two = () => chunk(session, 0, 2 * QUANTUM);

  fake.inject({ at: 'put', what: 'reset' });
  await lost(two());
  assert.equal(await until(session), null);
  fake.inject({ at: 'put', what: 'reset', when: 'middle',
    bytes: QUANTUM + 100 });
  await lost(two());
  assert.equal(await until(session), `bytes=0-${QUANTUM - 1}`);
  fake.inject({ at: 'put', what: 'lose' });
  assert.equal((await two()).headers.get('range'), null);
  fake.inject({ at: 'put', what: 'truncate', bytes: QUANTUM });
  assert.equal((await two()).headers.get('range'), `bytes=0-${QUANTUM - 1}`);
  fake.inject({ at: 'put', what: 'answer', status: 503,
    headers: { 'retry-after': '1' } });
  assert.equal((await two()).status, 503);
  assert.equal(await until(session), `bytes=0-${QUANTUM - 1}`);
  fake.inject({ at: 'put', what: 'reset', when: 'after' });
  await lost(two());
  assert.equal(await until(session), `bytes=0-${2 * QUANTUM - 1}`);

  const stall = fake.inject({ at: 'query', what: 'stall', skip: 1 });
  await until(session);
  const stalled = until(session);
  assert.equal((await stall.hit).stage, 'query');
  stall.release();
  assert.equal(await stalled, `bytes=0-${2 * QUANTUM - 1}`);
  fake.inject({ at: 'put', what: 'gone' });
  assert.equal((await two()).status, 410);
  assert.equal((await two()).status, 410);
  assert.deepEqual(fake.violations, []);
});

// As Google's documents have it, by hand.
function signedPath({ pem, email }, time, seconds, extra = '') {
  const date = new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
  const query = 'X-Goog-Algorithm=GOOG4-RSA-SHA256' +
      `&X-Goog-Credential=${encodeURIComponent(`${email}/${scope}`)}` +
      `&X-Goog-Date=${date}&X-Goog-Expires=${seconds}` +
      `&X-Goog-SignedHeaders=host${extra}`;
  const canonical = ['GET', '/bucket/a/b', query,
    `host:${new URL(fake.url).host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const signature = createSign('RSA-SHA256').update(
      ['GOOG4-RSA-SHA256', date, scope,
        createHash('sha256').update(canonical).digest('hex')].join('\n'))
      .sign(pem, 'hex');
  return `/bucket/a/b?${query}&X-Goog-Signature=${signature}`;
}

test('signatures are verified', async () => {
  fake = await FakeGcs.start(place, { auth: true });
  const account = fake.addAccount(place.path('key.json'));
  fake.objects.makeOfBytes('bucket', 'a/b', {}, new URLSearchParams(),
      Buffer.from('hello'));
  const now = Date.now();
  const sign = (...rest) => signedPath(account, ...rest);
  const good = await ask('GET', sign(now, 60,
      '&response-content-disposition=attachment%3B%20filename%3D%22a%22'));
  assert.equal(good.status, 200);
  assert.equal(good.body, 'hello');
  assert.equal(good.headers.get('content-disposition'),
      'attachment; filename="a"');
  assert.deepEqual(fake.violations, []);

  const late = await ask('GET', sign(now - 61000, 60));
  assert.equal(late.status, 400);
  assert.match(late.body, /<Code>ExpiredToken</);
  assert.deepEqual(fake.violations, []);
  for (const [status, path] of [
    [403, `${sign(now, 60)}&response-content-type=text%2Fhtml`],
    [403, sign(now, 60).replace('Expires=60', 'Expires=99')],
    [403, sign(now + 3600000, 60)],
    [403, '/bucket/a/b'],
    [400, sign(now, 604801)],
    [400, sign(now, 60).replace('SignedHeaders=host', 'SignedHeaders=date')],
  ])
    assert.equal((await ask('GET', path)).status, status, path);
});

test('tokens are asked for, and end', async () => {
  fake = await FakeGcs.start(place, { auth: true, tokenLife: 10 });
  const { pem } = fake.addAccount(place.path('key2.json'));
  const key = JSON.parse(readFileSync(place.path('key2.json'), 'utf8'));
  const base64 = (value) =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const exchange = (claims) => {
    const iat = Math.floor(Date.now() / 1000);
    const text = `${base64({ alg: 'RS256', typ: 'JWT' })}.${base64({
      iss: key.client_email, aud: key.token_uri, iat, exp: iat + 3600,
      scope: 'https://www.googleapis.com/auth/devstorage.read_write',
      ...claims })}`;
    const signature = createSign('RSA-SHA256').update(text).sign(pem,
        'base64url');
    return ask('POST', '/token', { body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: `${text}.${signature}` }) });
  };
  const list = (token) => ask('GET', '/storage/v1/b/bucket/o',
      { headers: token ? { authorization: `Bearer ${token}` } : {} });
  for (const claims of [{ aud: 'https://else.example/token' }, { iss: 'me' },
    { exp: 2 ** 31 }, { scope: '' }, { exp: 1 }])
    assert.equal((await exchange(claims)).body.error, 'invalid_grant');
  assert.equal((await list()).status, 401);
  assert.equal(fake.violations.length, 6);
  const { access_token: token } = (await exchange()).body;
  assert.equal((await list(token)).status, 200);
  fake.now = () => Date.now() + 11000;
  assert.equal((await list(token)).status, 401);

  const path = '/computeMetadata/v1/instance/service-accounts/default/token';
  assert.equal((await ask('GET', path)).status, 403);
  const { access_token: other } = (await ask('GET', path,
      { headers: { 'metadata-flavor': 'Google' } })).body;
  assert.equal((await list(other)).status, 200);
  fake.inject({ at: 'list', what: 'revoke' });
  assert.equal((await list(other)).status, 401);
  assert.equal((await list(other)).status, 401);
  for (const secret of [token, other])
    assert.ok(fake.secrets.has(secret));
});

test('it is a program, too', async () => {
  const key = place.path('program.json');
  const launched = place.launch('node', [`${ROOT}tests/lib/fakegcs.js`,
    '--auth', '--key-file', key, '--bucket', 'other']);
  const url = await until('it tells its address', () =>
    /^http:\/\/127\.0\.0\.1:\d+$/m.exec(launched.output)?.[0]);
  const on = { url };
  assert.equal(JSON.parse(readFileSync(key, 'utf8')).token_uri,
      `${url}/token`);
  await ask('POST', '/_fake/faults', { on,
    body: JSON.stringify({ at: 'list', what: 'answer', status: 503 }) });
  assert.equal((await ask('GET', '/storage/v1/b/other/o', { on })).status, 503);
  assert.equal((await ask('GET', '/storage/v1/b/other/o', { on })).status, 401);
  assert.equal((await ask('GET', '/_fake/violations', { on })).body.length, 1);
  assert.deepEqual((await ask('GET', '/_fake/requests', { on })).body
      .map(({ stage, status }) => [stage, status]),
  [['list', 503], ['list', 401]]);
  assert.equal(await launched.end(), 0);
  const wrong = place.launch('node', [`${ROOT}tests/lib/fakegcs.js`, '--no']);
  assert.equal(await wrong.exited, 64);
});
