// SPDX-License-Identifier: LGPL-2.1-or-later

// Publishers by RTSP in the real service, and what its log says of them.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode } from '../lib/node.js';

// All that the service itself can tell, and what the library tells of requests.
process.env.GST_DEBUG = ['rtspingest', 'publishersrc', 'broadcastregister',
  'cachesink', 'cdnoriginsink', 'cmafpackager', 'rtspclient',
  'rtspmediafactory'].map((name) => `${name}:7`).join();
process.env.GST_DEBUG_NO_COLOR = '1';

const place = new Place();
let node;
let service;
let key;

const untilRow = (expected) => until(`the broadcast is ${expected}`,
    async () => (await query(place, privateDatabase(node),
        'SELECT state FROM wishcast.broadcast')).flat().join() === expected,
    60);

// Resolves when the service has closed.
function send(bytes) {
  return new Promise((resolve) => {
    const socket = net.connect(node.ports.rtsp, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.resume();
    socket.end(bytes, 'latin1');
  });
}

before(async () => {
  node = await makeNode(place, 'a', { broadcast: { 'resume-window': '30 s' } });
  service = await startNode(node);
  key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
});

after(() => place.leave());

test('a publisher of a picture alone leaves, and all is stored', async () => {
  const publisher = place.launch('ffmpeg', ['-nostdin', '-v', 'error', '-re',
    '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-c:v', 'libx264',
    '-preset', 'ultrafast', '-g', '30', '-pix_fmt', 'yuv420p', '-f', 'rtsp',
    '-rtsp_transport', 'tcp', node.rtsp(key)]);
  await untilRow('live');
  // So that it sends TEARDOWN.
  await publisher.end('SIGINT');
  await untilRow('interrupted');
  assert.match(service.output, /is interrupted for at most (29|30) s/);
  assert.doesNotMatch(service.output, /did not come to an end/);
});

test('what a stranger sends is not obeyed by a terminal', async () => {
  const url = `rtsp://127.0.0.1:${node.ports.rtsp}/live/${key}`;
  const odd = '\x1b[2J\x1b]0;title\x07\x00\r\xff\x9b31m';
  for (const bytes of [
    `OPTIONS ${url}${odd} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
    `OPTIONS ${url} RTSP/1.0\r\nCSeq: ${odd}\r\n\r\n`,
    `OPTIONS ${url} RTSP/1.0\r\nCSeq: 1\r\n${odd}: ${odd}\r\n\r\n`,
    `ANNOUNCE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Length: ${odd}\r\n\r\n`,
    `ANNOUNCE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: ${odd}\r\n\r\n`,
    `SETUP ${url}/${odd} RTSP/1.0\r\nCSeq: 1\r\nTransport: ${odd}\r\n` +
        `Session: ${odd}\r\nRange: ${odd}\r\nAuthorization: ${odd}\r\n\r\n`,
    `SET_PARAMETER ${url} RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest ` +
        `username="${odd}", nonce=${odd}, ${odd}="${odd}\r\n\r\n`,
    `${odd} ${url} RTSP/1.0\r\n\r\n`,
  ])
    await send(bytes);
  for (const line of service.output.split('\n')) {
    assert.doesNotMatch(line, /[\0-\x08\x0b-\x1f\x7f-\x9f]/);
    // That of libraries comes through the same log.
    assert.ok(line.length < 1100, line);
  }
});

test('no log has a key', async () => {
  assert.equal(await service.end('SIGINT', 30), 0);
  checkService(service);
  assert.match(service.output, /publishersrc/);
  assert.ok(!service.output.includes(key));
  // Its first part is its name; the secret is behind it.
  assert.ok(!service.output.includes(key.split('-')[1]));
});
