// SPDX-License-Identifier: LGPL-2.1-or-later

// data/nginx/balancer.conf in front of two nodes: real nginx on all sides,
// ffmpeg as publisher; hook, RTSP, API and origin are stand-ins that say which
// node they are of.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { startBalancer, startNode } from '../lib/nginx.js';
import { freePort, Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const KEY = 'aaaaaaaa-bcdefghijklmnopqrstuvwxyz2';
const place = new Place();
let nodes;
let balancer;

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

// What the launcher answers, as far as nginx sees it.
async function startHook(calls) {
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request)
      body += piece;
    const form = new URLSearchParams(body);
    calls.push(form);
    if (request.url !== '/publish')
      response.end();
    else if (form.get('name') === KEY)
      response.writeHead(302, { Location: `ticket${calls.length}` }).end();
    else
      response.writeHead(403).end();
  });
  place.defer(() => server.close());
  return listen(server);
}

// Has the link that is named as the node, and an API.
async function startWeb(name) {
  const server = http.createServer((request, response) => {
    const here = request.url.startsWith(`/live/${name}/`) ||
        request.url.startsWith('/api/');
    response.writeHead(here ? 200 : 404,
        { 'Seen-Address': request.headers['x-forwarded-for'] ?? '' }).end(name);
  });
  place.defer(() => server.close());
  return listen(server);
}

async function startRtsp(name) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write(`${name}\n`);
  });
  const port = await listen(server);
  const stop = () => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  };
  place.defer(stop);
  return { port, stop };
}

async function startAll(name, rtmp = (port) => `127.0.0.1:${port}`, edit) {
  const calls = [];
  const hook = await startHook(calls);
  const web = await startWeb(name);
  const rtsp = await startRtsp(name);
  const port = await freePort();
  const nginx = await startNode(place, name, {
    ORIGIN: `127.0.0.1:${web}`,
    API: `127.0.0.1:${web}`,
    HOOK: `127.0.0.1:${hook}`,
  }, rtmp(port), edit);
  return { name, calls, nginx, rtmp: port, rtsp: rtsp.port, http: nginx.port,
    stopRtsp: rtsp.stop };
}

function publish(port, key = KEY) {
  return place.launch('ffmpeg', ['-nostdin', '-loglevel', 'error', '-re',
    '-f', 'lavfi', '-i', 'testsrc=size=160x90:rate=30', '-c:v', 'libx264',
    '-preset', 'ultrafast', '-g', '30', '-threads', '1', '-f', 'flv',
    `rtmp://127.0.0.1:${port}/live/${key}`]);
}

const published = (node) =>
  node.calls.filter((form) => form.get('call') === 'publish');
const isOnAir = (node) => node.calls.some(
    (form) => form.get('call') === 'update_publish' &&
        Number(form.get('timestamp')) > 0);

// The first line from there, or '' if it was closed without one.
function greeting(port, localAddress) {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    socket.on('data', (data) => {
      text += data;
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text.trim()));
  });
}

async function get(url) {
  const response = await fetch(url);
  return [response.status, await response.text()];
}

before(async () => {
  nodes = [await startAll('one'), await startAll('two')];
  balancer = await startBalancer(place, 'balancer', nodes);
});

after(() => place.leave());

test('media come from the node that has it, the API from any', async () => {
  const url = `http://127.0.0.1:${balancer.http}`;
  for (let i = 0; i < 4; i++) {
    for (const { name } of nodes)
      assert.deepEqual(await get(`${url}/live/${name}/x`), [200, name]);
    assert.equal((await get(`${url}/api/v1/broadcasts`))[0], 200);
  }
  assert.equal((await get(`${url}/live/nobody/x`))[0], 404);
  assert.equal((await get(`${url}/`))[0], 200);
});

test('publishers are spread, and come back to the same node', async () => {
  const seen = new Set();
  for (let i = 1; i <= 32; i++) {
    const address = `127.0.0.${i}`;
    const name = await greeting(balancer.rtsp, address);
    assert.equal(await greeting(balancer.rtsp, address), name);
    seen.add(name);
  }
  assert.deepEqual([...seen].sort(), ['one', 'two']);
});

test('one address has only so many connections', async () => {
  const localAddress = '127.0.0.99';
  const open = [];
  for (let i = 0; i < 8; i++) {
    const socket = net.connect(
        { port: balancer.rtsp, host: '127.0.0.1', localAddress });
    await new Promise((resolve) => socket.once('data', resolve));
    open.push(socket);
  }
  assert.equal(await greeting(balancer.rtsp, localAddress), '');
  assert.notEqual(await greeting(balancer.rtsp, '127.0.0.98'), '');
  open.forEach((socket) => socket.destroy());
  await until('it may come again',
      async () => await greeting(balancer.rtsp, localAddress) !== '');
});

test('a key works on either node, and a dead one is skipped', async () => {
  const first = publish(balancer.rtmp);
  const used = await until('it is on air', () => nodes.find(isOnAir));
  const other = nodes.find((node) => node !== used);
  assert.equal(published(other).length, 0);

  const wrong = publish(balancer.rtmp, 'wrong');
  assert.notEqual(await wrong.exited, 0);
  assert.ok(first.isAlive);

  used.nginx.process.kill('SIGTERM');
  await used.nginx.process.exited;
  used.stopRtsp();
  assert.notEqual(await first.exited, 0);
  const second = publish(balancer.rtmp);
  await until('the other has it', () => isOnAir(other));
  assert.equal(published(other).length, 1);
  assert.ok(second.isAlive);
  for (let i = 1; i <= 8; i++) {
    assert.equal(await greeting(balancer.rtsp, `127.0.0.${i}`), other.name);
    assert.equal((await get(
        `http://127.0.0.1:${balancer.http}/live/${other.name}/x`))[0], 200);
  }
  await second.end();
});

test('with the PROXY protocol a node learns the address', async () => {
  const pull = await freePort();
  const node = await startAll('three', (port) =>
    `127.0.0.1:${port} proxy_protocol; listen 127.0.0.1:${pull}`);
  const front = await startBalancer(place, 'proxy', [node, node],
      (text) => text.replace('#proxy_protocol on;', 'proxy_protocol on;'));
  const relay = net.createServer((near) => {
    const far = net.connect({ port: front.rtmp, host: '127.0.0.1',
      localAddress: '127.0.0.77' });
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).pipe(near);
  });
  place.defer(() => relay.close());
  const publisher = publish(await listen(relay));
  await until('it is on air', () => isOnAir(node));
  assert.equal(published(node)[0].get('addr'), '127.0.0.77');

  // The pull comes without.
  const ticket = `ticket${node.calls.indexOf(published(node)[0]) + 1}`;
  const player = await place.launch('ffmpeg', ['-nostdin', '-loglevel', 'error',
    '-rtmp_live', 'live', '-i', `rtmp://127.0.0.1:${pull}/live/${ticket}`,
    '-frames:v', '1', '-f', 'null', '-']).exited;
  assert.equal(player, 0);
  await publisher.end();
});

test('told to believe it, a node learns the viewer\'s address', async () => {
  const believing = await startAll('four', undefined, (text) => text.replace(
      /^    root .*/m, '$&\n    set_real_ip_from 127.0.0.1;\n' +
      '    real_ip_header X-Forwarded-For;'));
  const front = await startBalancer(
      place, 'front', [believing, believing]);
  const answer = await new Promise((resolve, reject) => {
    http.get({ port: front.http, path: '/api/v1/broadcasts',
      localAddress: '127.0.0.57', headers: { 'X-Forwarded-For': '192.0.2.1' },
    }, (response) => resolve(response.resume())).on('error', reject);
  });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['seen-address'], '127.0.0.57');
});
