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

// What `bootstrap demo` puts in front of an origin.
export async function startFront(place, originPort, www = `${ROOT}data/www`) {
  const port = await freePort();
  const values = {
    USER,
    LISTEN: `127.0.0.1:${port}`,
    ORIGIN: `127.0.0.1:${originPort}`,
    WWW: www,
    HOME: 'return 302 $scheme://$http_host/watch/testpattern',
  };
  const front = await start(
      place, 'front', port, fillNode(values, ['API', 'RTMP']));
  return { ...front, url: `http://127.0.0.1:${port}` };
}
