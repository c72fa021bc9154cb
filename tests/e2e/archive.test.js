// SPDX-License-Identifier: LGPL-2.1-or-later

// A recording is archived while it is broadcast, into a folder where there is no
// cloud: one file, whatever happens to publisher and launcher meanwhile.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { runPipeline } from '../lib/pipeline.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const place = new Place();
let node;
let service;

const recordings = (...names) => place.path('node', 'recordings', ...names);
const sizeOf = (path) => existsSync(path) ? statSync(path).size : 0;
const bodyOf = (link) => sizeOf(recordings(link, '0.body'));
const ask = (text) => query(place, privateDatabase(node), text);

async function startOne(game) {
  const key = await addDeveloper(node, game, game, 'Gordon');
  const publisher = startPublisher(place, node.rtmp(key));
  const link = await until(`${game} is live`, async () => (await ask(
      `SELECT link FROM wishcast.broadcast
       WHERE game = '${game}' AND state = 'live'`))[0]?.[0], 60);
  await until('it is being archived', () => bodyOf(link) > 0, 60);
  return { publisher, link };
}

async function untilGrown(link, bytes = 100000) {
  const size = bodyOf(link);
  await until(`${link} grows`, () => bodyOf(link) > size + bytes, 60);
}

const rowOf = async (link) => (await ask(
    `SELECT state, part, coalesce (size, 0), coalesce (duration, 0), incomplete,
            coalesce (bucket, '-'), object
     FROM wishcast.recording WHERE link = '${link}'`))
    .map((row) => row.join(' ')).join();

async function untilReady(link) {
  await until('the row is ready', async () => {
    const row = await rowOf(link);
    if (!row.startsWith('ready'))
      throw new Error(`${row}\n${service.output.slice(-3000)}`);
    return true;
  }, 90);
}

// The whole as cachesrc has it, to compare.
async function readWhole(link) {
  const path = place.path(`${link}.mp4`);
  await runPipeline(place, `cachesrc link=${link}
      cache-dir="${place.path('node', 'cache')}" ! filesink location="${path}"`);
  return readFileSync(path);
}

async function probe(path) {
  const text = await place.run('ffprobe', ['-v', 'error', '-count_frames',
    '-show_entries', 'stream=codec_name,nb_read_frames:format=duration',
    '-of', 'json', path]);
  return JSON.parse(text);
}

async function checkRecording(link) {
  await untilReady(link);
  const path = recordings(link, '0.mp4');
  const whole = await readWhole(link);
  assert.ok(readFileSync(path).equals(whole), 'the file is piece=whole');
  assert.deepEqual(readdirSync(recordings(link)), ['0.mp4']);
  const [state, part, size, duration, incomplete, bucket, object] =
      (await rowOf(link)).split(' ');
  assert.deepEqual([state, part, size, incomplete, bucket, object],
      ['ready', '0', String(whole.length), 'f', '-', `${link}/0.mp4`]);
  const { streams, format } = await probe(path);
  assert.deepEqual(streams.map((stream) => stream.codec_name),
      ['h264', 'aac']);
  assert.ok(streams.every((stream) => stream.nb_read_frames > 30));
  assert.ok(Math.abs(format.duration - duration) < 1,
      `${format.duration} and ${duration}`);
}

before(async () => {
  node = await makeNode(place, 'node', {
    broadcast: { 'resume-window': '60 s' },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('a publisher that drops and returns: one recording', async () => {
  const { publisher, link } = await startOne('half-life');
  await until('the row says that it is under way', async () =>
    (await rowOf(link)).startsWith('uploading 0'), 60);
  await untilGrown(link);
  publisher.drop();
  await until('it is interrupted', async () => Number((await ask(
      `SELECT count (*) FROM wishcast.outbox WHERE link = '${link}'
       AND event = 'broadcast.interrupted'`))[0][0]) > 0, 60);
  await untilGrown(link);
  await publisher.stop();
  await command(node, 'end', link);
  await checkRecording(link);
  checkService(service);
});

test('kill -9 of the launcher in the middle: one recording', async () => {
  const { publisher, link } = await startOne('portal');
  await untilGrown(link);
  const before = bodyOf(link);
  service.kill('SIGKILL');
  await service.exited;
  checkService(service);
  assert.ok(bodyOf(link) >= before);
  service = await startNode(node);
  await untilGrown(link);
  await publisher.stop();
  await command(node, 'end', link);
  await checkRecording(link);
  checkService(service);
});

test('kill -9 at the end, and again: one recording', async () => {
  const { publisher, link } = await startOne('doom');
  await untilGrown(link);
  await publisher.stop();
  await command(node, 'end', link);
  for (let n = 0; n < 2; n += 1) {
    service.kill('SIGKILL');
    await service.exited;
    checkService(service);
    service = await startNode(node);
  }
  await checkRecording(link);
  checkService(service);
});

test('what was archived is in the report and in the metrics', async () => {
  const metrics = await until('nothing is left', async () => {
    const text = await (await fetch(
        `http://127.0.0.1:${node.ports.api}/metrics`)).text();
    return /^wishcast_archive_links\{failing="false"\} 0$/m.test(text) && text;
  });
  assert.match(metrics, /^wishcast_archive_links\{failing="true"\} 0$/m);
  assert.match(metrics, /^wishcast_archive_left_bytes 0$/m);
  const report = await until('the report has it', async () => (await ask(
      `SELECT report->'archive'->>'open', report->'archive'->>'problem' IS NULL,
              report->'services' ? 'archiver' FROM wishcast.node`))[0]);
  assert.deepEqual(report, ['0', 't', 't']);
});
