// SPDX-License-Identifier: LGPL-2.1-or-later

// A receiver of webhooks that does nothing with them but count their bytes. GET
// answers with what has come since the last GET: when the first request began to
// come, in s since 1970, and how many there were.

import http from 'node:http';

let first = 0;
let requests = 0;
let bytes = 0;

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ first, requests, bytes }));
    first = requests = bytes = 0;
    return;
  }
  first ||= Date.now() / 1000;
  requests += 1;
  request.on('data', (chunk) => {
    bytes += chunk.length;
  });
  request.on('end', () => response.writeHead(204).end());
});
server.listen(process.argv[2], '127.0.0.1');
