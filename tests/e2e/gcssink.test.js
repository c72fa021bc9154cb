// SPDX-License-Identifier: LGPL-2.1-or-later

// gcssink by gst-launch-1.0 against a cloud that fails at every stage of the
// protocol, and killed at each: the object is what was to be stored, byte for
// byte, there is one, and nothing that the cloud has is sent again.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { QUANTUM } from '../lib/fakegcs/uploads.js';
import { FakeGcs } from '../lib/fakegcs.js';
import { checkOutput, runPipeline, startPipeline } from '../lib/pipeline.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const NAME = 'games/half-life/a b.mp4';
const CHUNKS = 6;
const BYTES = randomBytes(CHUNKS * QUANTUM + 1017);
const LINK = 'stored';
const place = new Place();
const cache = place.path('cache');
const input = place.path('input');
let count = 0;
let body;

// How what is stored comes to be there, and what it is.
const upstreams = {
  filesrc: { line: `filesrc location="${input}"`, bytes: () => BYTES },
  cachesrc: {
    line: `cachesrc cache-dir="${cache}" link=${LINK} piece=body`,
    bytes: () => body,
  },
  live: {
    line: `cachesrc cache-dir="${cache}" link=live piece=body follow=true`,
    bytes: () => null,
  },
};

before(async () => {
  writeFileSync(input, BYTES);
  await runPipeline(place, `
    videotestsrc num-buffers=600 pattern=snow
      ! video/x-raw,width=320,height=180,framerate=30/1
      ! x264enc speed-preset=ultrafast key-int-max=60 bitrate=800 ! h264parse
      ! cmafpackager ! cachesink link=${LINK} cache-dir="${cache}"`);
  const file = place.path('body');
  await runPipeline(place,
      `${upstreams.cachesrc.line} ! filesink location="${file}"`);
  body = readFileSync(file);
  assert.ok(body.length > CHUNKS * QUANTUM, `${body.length}`);
});

after(() => place.leave());

// An upload of one object into a cloud of its own.
async function makeUpload(upstream, { options = {}, more = '', env } = {}) {
  const fake = await FakeGcs.start(place, options);
  count += 1;
  const state = place.path(`state-${count}`);
  const { line, bytes } = upstreams[upstream];
  const description = `${line} ! gcssink bucket=bucket object="${NAME}"
      endpoint=${fake.url} chunk-size=${QUANTUM} if-generation-match=0
      state-file="${state}" ${more}`;
  return {
    fake, state, bytes: bytes(),
    start: () => startPipeline(place, description, env),
    async run() {
      try {
        return await runPipeline(place, description, env);
      } catch (error) {
        throw new Error(`${error.message}\n${tell(fake)}`);
      }
    },
  };
}

const tell = (fake) => [...fake.violations, ...fake.requests.map((request) =>
  JSON.stringify({ ...request, headers: request.headers['content-range'] }))]
    .join('\n');

// Bytes of chunks that the cloud had already.
const again = ({ requests }) =>
  requests.reduce((sum, { known = 0 }) => sum + known, 0);

function assertStored({ fake, bytes, state }, { made = 1 } = {}) {
  assert.deepEqual(fake.violations, [], tell(fake));
  assert.deepEqual(fake.names(), [NAME], tell(fake));
  assert.ok(fake.read(NAME).equals(bytes), tell(fake));
  assert.equal(fake.objects.made.length, made, tell(fake));
  assert.equal(existsSync(state), false, 'the state of an upload that is over');
}

// Kills it when `fault` happens, and lets the cloud go on as it would.
async function killAt(upload, fault) {
  const stall = upload.fake.inject({ what: 'stall', ...fault });
  const launched = upload.start();
  const ended = launched.exited.then(() => {
    throw new Error(`it never came\n${launched.output}\n${tell(upload.fake)}`);
  });
  const record = await Promise.race([stall.hit, ended]);
  ended.catch(() => {});
  assert.deepEqual(upload.fake.names(),
      fault.at === 'final' && fault.when === 'after' ? [NAME] : []);
  await launched.end('SIGKILL');
  await until('the cloud has noticed', () => record.status !== undefined);
  stall.release();
}

const STAGES = [
  ['before the session is made', { at: 'start' }],
  ['before the session is known', { at: 'start', when: 'after' }],
  ['before the first chunk', { at: 'put' }],
  ['in the first chunk', { at: 'put', when: 'middle', bytes: 1000 }],
  ['after the first chunk, unanswered', { at: 'put', when: 'after' }],
  ['between two chunks', { at: 'put', skip: 2 }],
  ['in a chunk', { at: 'put', when: 'middle', bytes: 1000, skip: 2 }],
  ['after a chunk, unanswered', { at: 'put', when: 'after', skip: 2 }],
  ['before the last chunk', { at: 'final' }],
  ['in the last chunk', { at: 'final', when: 'middle', bytes: 1000 }],
  ['after the last chunk, unanswered', { at: 'final', when: 'after' }],
];

for (const upstream of ['filesrc', 'cachesrc']) {
  for (const [name, fault] of STAGES) {
    test(`kill -9 ${name} (${upstream})`, async () => {
      const upload = await makeUpload(upstream);
      await killAt(upload, fault);
      await upload.run();
      assertStored(upload);
      // What was under way when it was killed is all that can be sent twice.
      assert.equal(again(upload.fake), 0, tell(upload.fake));
      assert.ok(upload.fake.sent <= upload.bytes.length + QUANTUM,
          tell(upload.fake));
    });
  }
}

test('kill -9 after the last answer', async () => {
  const upload = await makeUpload('filesrc');
  const launched = upload.start();
  await until('it is answered',
      () => upload.fake.of('final').at(-1)?.status === 200);
  await launched.end('SIGKILL');
  await upload.run();
  assertStored(upload);
});

test('killed at each stage, one after the other', async () => {
  const upload = await makeUpload('filesrc');
  for (const [, { skip, ...fault }] of STAGES.slice(2))
    await killAt(upload, fault);
  await upload.run();
  assertStored(upload);
  assert.equal(again(upload.fake), 0, tell(upload.fake));
});

test('kill -9, and the session is over before it returns', async () => {
  const upload = await makeUpload('cachesrc');
  await killAt(upload, { at: 'put', skip: 3 });
  upload.fake.inject({ at: 'query', what: 'gone' });
  await upload.run();
  assertStored(upload);
  assert.equal(upload.fake.of('start').length, 2);
});

const away = (status, headers = {}) => ({ what: 'answer', status, headers });
const FAULTS = [
  ['the connection is cut before the session is made',
    { at: 'start', what: 'reset' }],
  ['the address of the session is lost',
    { at: 'start', what: 'reset', when: 'after' }],
  ['503 in the place of a session', { at: 'start', ...away(503), times: 2 }],
  ['a session without an address', { at: 'start', ...away(200) }],
  ['the connection is cut before a chunk',
    { at: 'put', what: 'reset', skip: 1, times: 2 }],
  ['the connection is cut in a chunk', { at: 'put', what: 'reset',
    when: 'middle', bytes: 100000, skip: 1, times: 2 }],
  ['the answer to a chunk is lost',
    { at: 'put', what: 'reset', when: 'after', times: 2 }],
  ['503 to a chunk', { at: 'put', ...away(503), skip: 2, times: 2 }],
  ['503 to a chunk that was kept',
    { at: 'put', ...away(503), when: 'after', skip: 2 }],
  ['503 with a time', { at: 'put', ...away(503, { 'retry-after': '1' }) }],
  ['429 to a chunk', { at: 'put', ...away(429), skip: 1 }],
  ['408 to a chunk', { at: 'put', ...away(408), skip: 1 }],
  ['less is kept than was sent',
    { at: 'put', what: 'truncate', bytes: 0, skip: 2, times: 2 }],
  ['nothing of the first chunk is kept', { at: 'put', what: 'lose' }],
  ['all is lost in the middle', { at: 'put', what: 'lose', skip: 3 }],
  ['410 to a chunk', { at: 'put', what: 'gone', skip: 2 }],
  ['404 to a chunk', { at: 'put', what: 'gone', status: 404, skip: 2 }],
  ['410 to the last chunk', { at: 'final', what: 'gone' }],
  ['nonsense with 200 to a chunk', { at: 'put', skip: 1, what: 'answer',
    body: '<html>Please log in</html>',
    headers: { 'content-type': 'text/html' } }],
  ['a 308 with a Range that is none', { at: 'put', skip: 1,
    ...away(308, { range: 'bytes=5-1' }) }],
  ['a 308 with more than was sent', { at: 'put', skip: 1,
    ...away(308, { range: 'bytes=0-99999999' }) }],
  ['the connection is cut before the last chunk',
    { at: 'final', what: 'reset', times: 2 }],
  ['the last answer is lost', { at: 'final', what: 'reset', when: 'after' }],
  ['503 in the place of the last answer',
    { at: 'final', ...away(503), when: 'after' }],
  ['nonsense in the place of the last answer',
    { at: 'final', ...away(200), when: 'after', body: '{"kind": 7' }],
  ['less of the last chunk is kept',
    { at: 'final', what: 'truncate', bytes: 0 }],
  ['a bit of a chunk is wrong', { at: 'put', what: 'corrupt', skip: 2 }],
  ['slow answers', { what: 'delay', when: 'after', ms: 200, times: 100 }],
];

for (const [name, fault] of FAULTS) {
  test(name, async () => {
    const upload = await makeUpload('filesrc');
    const injected = upload.fake.inject(fault);
    await upload.run();
    assertStored(upload);
    assert.ok(injected.hits > 0, 'it never happened');
  });
}

test('an answer with another crc32c is not believed', async () => {
  const upload = await makeUpload('filesrc');
  upload.fake.inject({ at: 'final', what: 'wrong-crc' });
  await upload.run();
  assertStored(upload, { made: 2 });
});

test('a chunk is never answered', async () => {
  const upload = await makeUpload('filesrc');
  const stall = upload.fake.inject({ at: 'put', what: 'stall', skip: 2 });
  await upload.run();
  assertStored(upload);
  assert.equal(stall.hits, 1);
});

test('the cloud is away for a while', async () => {
  const upload = await makeUpload('cachesrc');
  const { fake } = upload;
  const stall = fake.inject({ at: 'put', what: 'stall', skip: 1 });
  const launched = upload.start();
  await stall.hit;
  await fake.down();
  await until('it has noticed', () => launched.isAlive &&
    existsSync(upload.state));
  await fake.up();
  assert.equal(await launched.exited, 0, launched.output);
  checkOutput(launched);
  assertStored(upload);
  assert.equal(again(fake), 0);
});

test('kill -9 while the broadcast goes on', async () => {
  const live = startPipeline(place, `
    videotestsrc is-live=true num-buffers=300 pattern=snow
      ! video/x-raw,width=320,height=180,framerate=30/1
      ! x264enc speed-preset=ultrafast key-int-max=30 bitrate=2000 ! h264parse
      ! cmafpackager segment-duration=1000000000
      ! cachesink link=live cache-dir="${cache}"`);
  await until('it has begun', () => existsSync(`${cache}/live/index`));
  const upload = await makeUpload('live');
  const { fake } = upload;
  for (const n of [1, 3]) {
    const launched = upload.start();
    await until(`${n} chunks are there`, () => {
      if (!launched.isAlive)
        throw new Error(launched.output);
      return fake.of('put').filter(({ status }) => status === 308).length >= n;
    });
    assert.ok(live.isAlive, 'the broadcast was over before');
    assert.deepEqual(fake.names(), []);
    await launched.end('SIGKILL');
  }
  await upload.run();
  assert.equal(await live.exited, 0, live.output);
  const file = place.path('live');
  await runPipeline(place, `cachesrc cache-dir="${cache}" link=live piece=body
      ! filesink location="${file}"`);
  assertStored({ ...upload, bytes: readFileSync(file) });
  assert.equal(again(fake), 0, tell(fake));
});

test('what is there already is not replaced', async () => {
  const upload = await makeUpload('filesrc');
  upload.fake.objects.makeOfBytes('bucket', NAME, {}, new URLSearchParams(),
      Buffer.from('another'));
  await assert.rejects(upload.run());
  assert.equal(upload.fake.read(NAME).toString(), 'another');
  assert.deepEqual(upload.fake.violations, []);
});

test('an empty stream is an empty object', async () => {
  const upload = await makeUpload('filesrc');
  writeFileSync(input, '');
  try {
    await upload.run();
  } finally {
    writeFileSync(input, BYTES);
  }
  assertStored({ ...upload, bytes: Buffer.alloc(0) });
});

test('the object is what the properties say', async () => {
  const upload = await makeUpload('filesrc', { more: `content-type=video/mp4
      cache-control=private custom-time=2026-01-02T03:04:05Z` });
  await upload.run();
  assertStored(upload);
  const object = upload.fake.objects.get('bucket', NAME);
  assert.equal(object.contentType, 'video/mp4');
  assert.equal(object.cacheControl, 'private');
  assert.equal(object.customTime, '2026-01-02T03:04:05Z');
});

test('a key file, tokens that end during the upload, and no secret is told',
    async () => {
      const key = place.path('key.json');
      const upload = await makeUpload('filesrc', {
        options: { auth: true, tokenLife: 600 },
        more: `credentials="${key}"`,
        env: { GST_DEBUG: '*:4,gcssink:9,basesink:9', GST_DEBUG_NO_COLOR: '1' },
      });
      const { fake } = upload;
      fake.addAccount(key);
      // The session ends with the token, so both are needed anew.
      const stall = fake.inject({ at: 'put', what: 'stall', skip: 3 });
      const launched = upload.start();
      await stall.hit;
      assert.equal(statSync(upload.state).mode & 0o777, 0o600);
      fake.now = () => Date.now() + 601000;
      fake.inject({ at: 'put', what: 'gone' });
      fake.inject({ at: 'query', what: 'gone' });
      stall.release();
      assert.equal(await launched.exited, 0, launched.output);
      checkOutput(launched);
      assertStored(upload);
      assert.equal(fake.of('token').length, 2, tell(fake));
      assert.ok(fake.of('start').some(({ status }) => status === 401),
          tell(fake));
      assert.match(launched.output, /WARN +gcssink /);
      assert.ok(fake.secrets.size >= 4);
      for (const secret of fake.secrets)
        assert.ok(!launched.output.includes(secret), 'a secret in the log');
    });
