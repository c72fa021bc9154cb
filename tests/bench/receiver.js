// SPDX-License-Identifier: LGPL-2.1-or-later

// A receiver of webhooks that does nothing with them. GET answers with when the
// first one since the last GET has come, in s since 1970.

import http from 'node:http';

let first = 0;

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ first }));
    first = 0;
    return;
  }
  request.resume();
  request.on('end', () => {
    first ||= Date.now() / 1000;
    response.writeHead(204).end();
  });
});
server.listen(process.argv[2], '127.0.0.1');
