// SPDX-License-Identifier: LGPL-2.1-or-later

// Nodes, that is `wishcast run` of the sanitized build with ports and folders
// of its own, their databases, and publishers for them.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

import { freePort } from './place.js';
import { until } from './until.js';
import { runWishcast, startWishcast } from './wishcast.js';

// A node with ports and folders of its own; not started. `settings`: group ->
// key -> value, beside or instead of those.
export async function makeNode(place, name, settings = {}) {
  const ports = {};
  for (const what of ['nginx', 'control', 'rtsp', 'rtmp', 'hook', 'origin',
    'api', 'log'])
    ports[what] = await freePort();
  const all = {
    node: { name, 'data-dir': place.path(name) },
    nginx: { address: '127.0.0.1', port: ports.nginx,
      'control-port': ports.control },
    ingest: {
      'rtsp-address': '127.0.0.1', 'rtsp-port': ports.rtsp,
      'rtmp-address': '127.0.0.1', 'rtmp-port': ports.rtmp,
      'hook-port': ports.hook,
    },
    origin: { port: ports.origin },
    api: { port: ports.api, 'log-port': ports.log },
  };
  for (const [group, keys] of Object.entries(settings))
    all[group] = { ...all[group], ...keys };
  const config = place.path(`${name}.conf`);
  writeFileSync(config, Object.entries(all).map(([group, keys]) =>
    `[${group}]\n${Object.entries(keys).map(([key, value]) =>
      `${key}=${value}\n`).join('')}`).join('\n'));
  // If we are root, a private PostgreSQL is somebody else, who must get there.
  chmodSync(place.dir, 0o711);
  return {
    name, place, config, ports,
    url: `http://127.0.0.1:${ports.nginx}`,
    rtmp: (key) => `rtmp://127.0.0.1:${ports.rtmp}/live/${key}`,
    rtsp: (key) => `rtsp://127.0.0.1:${ports.rtsp}/live/${key}`,
  };
}

// Resolves when the node says that it is ready.
export async function startNode(node, env = {}) {
  const service = startWishcast(node.place, ['run', '-c', node.config],
      env);
  await until(`node ${node.name} is ready`, () => {
    if (!service.isAlive)
      throw new Error(`it has ended: ${service.output}`);
    return service.output.includes('is ready');
  }, 60);
  return service;
}

// Throws what a sanitizer or a critical has complained about.
export function checkService(service) {
  if (/AddressSanitizer|runtime error:|CRITICAL/.test(service.output))
    throw new Error(service.output);
}

// A command of the program, to its end; what it printed.
export const command = (node, name, ...args) =>
  runWishcast(node.place, [name, '-c', node.config, ...args]);

// A game with a developer who may broadcast for it: the stream key.
export async function addDeveloper(node, game, title, name) {
  await command(node, 'game', 'add', game, title);
  const text = await command(node, 'key', 'add', game, name);
  return text.match(/^[a-z2-7]{8}-[a-z2-7]{26}$/m)[0];
}

// Where the private PostgreSQL of a node is, as libpq has it.
export function privateDatabase(node) {
  const pid = readFileSync(
      node.place.path(node.name, 'postgres', 'data', 'postmaster.pid'), 'utf8');
  return `host='${pid.split('\n')[4]}' user=wishcast dbname=postgres`;
}

// Rows of a query, as arrays of texts.
export async function query(place, database, text) {
  const out = await place.run('psql', ['-X', '-q', '-A', '-t', '-F', '\t',
    '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', text]);
  return out.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

// As OBS would, with a key frame each second. Comes back by itself, after
// `retry` ms, unless it is negative; `stop` ends it for good. `picture` is a
// source of ffmpeg, `video` more options of the encoder.
export function startPublisher(place, url,
    { retry = 500, picture = 'testsrc2', video = [] } = {}) {
  const format = url.startsWith('rtsp') ?
    ['-rtsp_transport', 'tcp', '-f', 'rtsp'] : ['-f', 'flv'];
  const args = ['-nostdin', '-v', 'error',
    '-re', '-f', 'lavfi', '-i',
    `${picture}${picture.includes('=') ? ':' : '='}size=320x180:rate=30`,
    '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency',
    '-g', '30', '-pix_fmt', 'yuv420p', '-b:v', '400k',
    ...video, '-c:a', 'aac', '-ac', '2', '-b:a', '64k', ...format, url];
  const publisher = { stopped: false, attempts: 0, process: null };

  function start() {
    if (publisher.stopped)
      return;
    publisher.attempts += 1;
    publisher.process = place.launch('ffmpeg', args);
    publisher.process.exited.then(() => {
      if (retry >= 0)
        setTimeout(start, retry);
    });
  }

  start();
  publisher.drop = () => publisher.process.end('SIGKILL');
  publisher.stop = async () => {
    publisher.stopped = true;
    await publisher.process.end('SIGTERM');
  };
  place.defer(publisher.stop);
  return publisher;
}
