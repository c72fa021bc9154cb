// SPDX-License-Identifier: LGPL-2.1-or-later

// A folder over HTTP, with Range, in place of an origin. What is requested is
// kept.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

const TYPES = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mp4': 'video/mp4',
  '.m4s': 'video/mp4',
  '.html': 'text/html',
};

// `bytes=a-b`, `bytes=a-`, `bytes=-n`; null for anything else.
function parseRange(value, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(value ?? '');
  if (!match || (match[1] === '' && match[2] === ''))
    return null;
  if (match[1] === '')
    return [Math.max(0, size - Number(match[2])), size - 1];
  return [Number(match[1]),
    match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)];
}

// Serves `dir` under /live/. `requests` is a list of { url, range, status }.
export async function serveFiles(place, dir) {
  const requests = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const file = path.join(dir, decodeURIComponent(pathname)
        .replace(/^\/live\//, '/'));
    const entry = { url: request.url, range: request.headers.range };
    requests.push(entry);
    let size;
    try {
      size = statSync(file).size;
    } catch {
      entry.status = 404;
      response.writeHead(404).end();
      return;
    }
    const range = parseRange(entry.range, size);
    const [first, last] = range ?? [0, size - 1];
    entry.status = range ? 206 : 200;
    response.writeHead(entry.status, {
      'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'Content-Length': last - first + 1,
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'no-store',
      ...(range && { 'Content-Range': `bytes ${first}-${last}/${size}` }),
    });
    const body = createReadStream(file, { start: first, end: last });
    body.pipe(response);
    response.on('close', () => body.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  place.defer(() => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  }));
  const { port } = server.address();
  return { port, url: `http://127.0.0.1:${port}`, requests };
}
