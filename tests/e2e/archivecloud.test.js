// SPDX-License-Identifier: LGPL-2.1-or-later

// A recording goes into the cloud while it is broadcast: one object, whatever
// happens to publisher, launcher and cloud meanwhile. The cloud is a strict fake
// that asks for tokens.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { FakeGcs } from '../lib/fakegcs.js';
import { checkService, command, makeNode, startNode } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { ask, drop, probe, readWhole, startBroadcast, untilState }
  from '../lib/recordings.js';
import { until } from '../lib/until.js';

const place = new Place();
let fake;
let node;
let service;

const untilSent = async (bytes = 300000) => {
  const { sent } = fake;
  await until('the upload goes on', () => fake.sent >= sent + bytes, 90);
};

async function kill() {
  service.kill('SIGKILL');
  await service.exited;
  checkService(service);
}

async function finish({ publisher, link }) {
  await publisher.stop();
  await command(node, 'end', link);
}

async function checkRecording(link) {
  const name = `wishcast/${link}/0.mp4`;
  const row = await untilState(node, link, 'ready');
  const { bytes, path } = await readWhole(node, link);
  const object = Buffer.from(fake.read(name));
  assert.ok(object.equals(bytes), 'the object is piece=whole');
  assert.deepEqual(fake.names(`wishcast/${link}/`), [name]);
  assert.deepEqual([row.size, row.bucket, row.object, row.incomplete],
      [bytes.length, 'bucket', name, false]);
  const [[expires]] = await ask(node, `SELECT (extract (epoch FROM
      recording_expires) * 1000)::bigint FROM wishcast.broadcast
      WHERE link = '${link}'`);
  const { customTime } = fake.objects.get('bucket', name);
  assert.ok(Date.parse(customTime) >= Number(expires), 'not before its time');
  assert.ok(Date.parse(customTime) < Number(expires) + 120000, customTime);
  writeFileSync(path, object);
  const { streams, format } = await probe(place, path);
  assert.deepEqual(streams.map((stream) => stream.codec_name),
      ['h264', 'aac']);
  assert.ok(Math.abs(format.duration - row.duration) < 1);
  assert.deepEqual(fake.violations, []);
  checkService(service);
  for (const secret of fake.secrets)
    assert.ok(!service.output.includes(secret), 'a secret in the log');
}

before(async () => {
  fake = await FakeGcs.start(place, { auth: true });
  fake.addAccount(place.path('key.json'));
  node = await makeNode(place, 'node', {
    broadcast: { 'resume-window': '60 s' },
    cloud: {
      'bucket': 'bucket', 'prefix': 'wishcast/', 'endpoint': fake.url,
      'credentials-file': place.path('key.json'),
    },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('a publisher that drops and returns: one object', async () => {
  const broadcast = await startBroadcast(node, 'half-life');
  await untilSent();
  await untilState(node, broadcast.link, 'uploading');
  await drop(node, broadcast);
  await untilSent();
  await finish(broadcast);
  await checkRecording(broadcast.link);
});

test('kill -9 of the launcher in the middle: nothing is sent twice',
    async () => {
      const broadcast = await startBroadcast(node, 'portal');
      await untilSent();
      await kill();
      service = await startNode(node);
      await untilSent();
      await finish(broadcast);
      await checkRecording(broadcast.link);
    });

test('a cloud that is away costs time, and the operator is told', async () => {
  const broadcast = await startBroadcast(node, 'doom');
  await untilSent();
  await fake.down();
  await until('the operator is told', async () => {
    const [report] = await ask(node, `SELECT report->'archive'->>'failing',
        report->'archive'->>'problem' FROM wishcast.node`);
    return report[0] === '1' && report[1].includes(broadcast.link);
  }, 90);
  await finish(broadcast);
  await until('it has ended', async () => (await ask(node, `SELECT state
      FROM wishcast.broadcast WHERE link = '${broadcast.link}'`))[0][0] ===
    'ended');
  await untilState(node, broadcast.link, 'uploading');
  await kill();
  service = await startNode(node);
  await fake.up();
  await checkRecording(broadcast.link);
  await until('nothing fails', async () => {
    const [report] = await ask(node, `SELECT report->'archive'->>'failing',
        report->'archive'->>'problem' IS NULL FROM wishcast.node`);
    assert.deepEqual(report, ['0', 't']);
    return true;
  });
});

test('a cloud that does not answer does not keep the launcher from ending',
    async () => {
      const broadcast = await startBroadcast(node, 'quake');
      await untilSent();
      const stall = fake.inject({ at: 'put', what: 'stall' });
      await stall.hit;
      service.kill('SIGTERM');
      assert.equal(await service.exited, 0);
      stall.release();
      service = await startNode(node);
      await untilSent();
      await finish(broadcast);
      await checkRecording(broadcast.link);
    });

// While it is broadcast, at each request of an upload. The answer never comes.
for (const [at, when] of [
  ['start', 'before'], ['start', 'after'], ['put', 'middle'], ['put', 'after']])
  test(`killed ${when} ${at}`, async () => {
    const fault = fake.inject({ at, what: 'stall', when });
    const broadcast = await startBroadcast(node, `game-${at}-${when}`);
    await fault.hit;
    await kill();
    fault.release();
    service = await startNode(node);
    await untilSent();
    await finish(broadcast);
    await checkRecording(broadcast.link);
  });

// After its end: the rest of the body, the head, and both into one. The last
// request of an upload comes twice, of the body and of the head.
for (const [at, when, skip] of [
  ['final', 'before', 0], ['final', 'middle', 0], ['final', 'after', 0],
  ['start', 'after', 0], ['final', 'after', 1],
  ['compose', 'before', 0], ['compose', 'after', 0],
  ['delete', 'before', 0], ['delete', 'after', 0], ['delete', 'after', 1]])
  test(`killed ${when} ${at} ${skip} of the end`, async () => {
    const broadcast =
        await startBroadcast(node, `end-${at}-${when}-${skip}`);
    await untilSent();
    const fault = fake.inject({ at, what: 'stall', when, skip });
    await finish(broadcast);
    await fault.hit;
    await kill();
    fault.release();
    service = await startNode(node);
    await checkRecording(broadcast.link);
  });
