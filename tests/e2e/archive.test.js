// SPDX-License-Identifier: LGPL-2.1-or-later

// A recording is archived while it is broadcast, into a folder where there is no
// cloud: one file, whatever happens to publisher and launcher meanwhile.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { checkService, command, makeNode, startNode } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { ask, drop, probe, readWhole, startBroadcast, untilState }
  from '../lib/recordings.js';
import { until } from '../lib/until.js';

const place = new Place();
let node;
let service;

const recordings = (...names) => place.path('node', 'recordings', ...names);
const sizeOf = (path) => existsSync(path) ? statSync(path).size : 0;
const bodyOf = (link) => sizeOf(recordings(link, '0.body'));

const untilGrown = async (link, bytes = 100000) => {
  const size = bodyOf(link);
  await until(`${link} grows`, () => bodyOf(link) > size + bytes, 60);
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
  const { duration, ...row } = await untilState(node, link, 'ready');
  const path = recordings(link, '0.mp4');
  const { bytes } = await readWhole(node, link);
  assert.ok(readFileSync(path).equals(bytes), 'the file is piece=whole');
  assert.deepEqual(readdirSync(recordings(link)), ['0.mp4']);
  assert.deepEqual(row, { part: 0, state: 'ready', size: bytes.length,
    incomplete: false, bucket: '-', object: `${link}/0.mp4` });
  const { streams, format } = await probe(place, path);
  assert.deepEqual(streams.map((stream) => stream.codec_name),
      ['h264', 'aac']);
  assert.ok(streams.every((stream) => stream.nb_read_frames > 30));
  assert.ok(Math.abs(format.duration - duration) < 1,
      `${format.duration} and ${duration}`);
  checkService(service);
}

before(async () => {
  node = await makeNode(place, 'node', {
    broadcast: { 'resume-window': '60 s' },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('a publisher that drops and returns: one recording', async () => {
  const broadcast = await startBroadcast(node, 'half-life');
  const { link } = broadcast;
  await untilState(node, link, 'uploading');
  await untilGrown(link);
  await drop(node, broadcast);
  await untilGrown(link);
  await finish(broadcast);
  await checkRecording(link);
});

test('kill -9 of the launcher in the middle: one recording', async () => {
  const broadcast = await startBroadcast(node, 'portal');
  const { link } = broadcast;
  await untilGrown(link);
  const size = bodyOf(link);
  await kill();
  service = await startNode(node);
  assert.ok(bodyOf(link) >= size, 'it goes on');
  await untilGrown(link);
  await finish(broadcast);
  await checkRecording(link);
});

test('kill -9 at the end, and again: one recording', async () => {
  const broadcast = await startBroadcast(node, 'doom');
  await untilGrown(broadcast.link);
  await finish(broadcast);
  for (let n = 0; n < 2; n += 1) {
    await kill();
    service = await startNode(node);
  }
  await checkRecording(broadcast.link);
});

test('what was archived is in the report and in the metrics', async () => {
  const metrics = await until('nothing is left', async () => {
    const text = await (await fetch(
        `http://127.0.0.1:${node.ports.api}/metrics`)).text();
    return /^wishcast_archive_links\{failing="false"\} 0$/m.test(text) && text;
  });
  assert.match(metrics, /^wishcast_archive_links\{failing="true"\} 0$/m);
  assert.match(metrics, /^wishcast_archive_left_bytes 0$/m);
  await until('the report has it', async () => {
    const [report] = await ask(node, `SELECT report->'archive'->>'open',
        report->'archive'->>'problem' IS NULL, report->'services' ? 'archiver'
      FROM wishcast.node`);
    assert.deepEqual(report, ['0', 't', 't']);
    return true;
  });
});
