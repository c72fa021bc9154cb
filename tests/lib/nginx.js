// SPDX-License-Identifier: LGPL-2.1-or-later

// Private nginx instances: the relay that publishers reach, and the front that
// players reach.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { freePort, isListening, ROOT } from './place.js';
import { until } from './until.js';

const NGINX = '/usr/sbin/nginx';
const USER = process.getuid() === 0 ? 'user root;' : '';

async function start(place, name, port, config) {
  const prefix = place.path(name);
  mkdirSync(prefix);
  writeFileSync(path.join(prefix, 'nginx.conf'), config);
  const launched = place.launch(NGINX,
      ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log']);
  await until(`nginx listens on ${port}`, async () => {
    if (!launched.isAlive)
      throw new Error(launched.output);
    return isListening(port);
  });
  return {
    port,
    process: launched,
    accessLog: () => readFileSync(path.join(prefix, 'access.log'), 'utf8'),
  };
}

// rtmp://127.0.0.1:<port>/live/<key>
export async function startRelay(place) {
  const port = await freePort();
  return start(place, 'relay', port, `
    load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
    ${USER}
    daemon off;
    worker_processes 1;
    pid nginx.pid;
    events { worker_connections 256; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        application live {
          live on;
          drop_idle_publisher 10s;
          # A reader that comes between two key frames gets nothing before the
          # next. With sound alone for so long, flvdemux gives up the picture.
          wait_key on;
          wait_video on;
        }
      }
    }`);
}

// data/nginx/node.conf.in without the sections named in `without`.
export function fillNode(values, without) {
  let config = readFileSync(`${ROOT}data/nginx/node.conf.in`, 'utf8');
  for (const section of without) {
    config = config.replace(
        new RegExp(`^ *# @begin ${section}@\n[^]*?# @end ${section}@\n`, 'gm'),
        '');
  }
  return config.replace(/^ *# @(begin|end) [A-Z]+@\n/gm, '')
      .replace(/@([A-Z_]+)@/g, (_, name) => values[name]);
}

// What stands in front of an origin: pages and media.
export async function startFront(place, originPort, www = `${ROOT}data/www`) {
  const port = await freePort();
  const values = {
    USER,
    LISTEN: `127.0.0.1:${port}`,
    ORIGIN: `127.0.0.1:${originPort}`,
    ACCESS_LOG: 'access.log',
    CLOUD: '',
    MEDIA_LOG: 'access.log',
    WWW: www,
  };
  const front = await start(
      place, 'front', port, fillNode(values, ['API', 'RTMP']));
  return { ...front, url: `http://127.0.0.1:${port}` };
}

// A whole node. `addresses` has those of ORIGIN, API and HOOK; `rtmp` is what
// stands behind `listen`.
export async function startNode(place, name, addresses, rtmp,
    edit = (text) => text) {
  const port = await freePort();
  return start(place, name, port, edit(fillNode({
    USER,
    LISTEN: `127.0.0.1:${port}`,
    ACCESS_LOG: 'off',
    CLOUD: '',
    MEDIA_LOG: 'off',
    WWW: `${ROOT}data/www`,
    RTMP_LISTEN: rtmp,
    CONTROL_PORT: await freePort(),
    ...addresses,
  }, [])));
}

// data/nginx/balancer.conf for two nodes, each { rtmp, rtsp, http }, with its
// own ports in the places of the files' ones.
export async function startBalancer(place, name, nodes, edit = (text) => text) {
  const own = {
    rtmp: await freePort(), rtsp: await freePort(), http: await freePort(),
  };
  const known = { rtmp: 1935, rtsp: 8554, http: 8080 };
  let config = readFileSync(`${ROOT}data/nginx/balancer.conf`, 'utf8')
      .replace('user www-data;', `${USER}\ndaemon off;`)
      .replace('pid /run/nginx.pid;', 'pid nginx.pid;')
      .replace('/var/log/nginx/error.log', 'error.log');
  for (const [protocol, port] of Object.entries(known)) {
    nodes.forEach((node, i) => {
      config = config.replaceAll(`node${i + 1}.internal:${port}`,
          `127.0.0.1:${node[protocol]}`);
    });
    config = config.replace(`listen ${port}`,
        `listen 127.0.0.1:${own[protocol]}`);
  }
  const balancer = await start(place, name, own.rtmp, edit(config));
  return { ...own, process: balancer.process };
}
