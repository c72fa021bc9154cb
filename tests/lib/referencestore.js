// SPDX-License-Identifier: LGPL-2.1-or-later

// A store as data/store-openapi.json has it, over lists in memory.

import http from 'node:http';

import { freePort } from './place.js';

export class ReferenceStore {
  // game -> users { id, username, language }, in order of id.
  wishlists = new Map();
  token;

  #server;

  static async start(place, token) {
    const store = new ReferenceStore();
    const port = await freePort();
    store.token = token;
    store.url = `http://127.0.0.1:${port}/v1/wishlist`;
    store.#server = http.createServer((request, response) => {
      const { status, body } = store.#answer(request);
      response.writeHead(status, { 'content-type': 'application/json' })
          .end(JSON.stringify(body));
    });
    await new Promise((resolve) =>
      store.#server.listen(port, '127.0.0.1', resolve));
    place.defer(() => {
      store.#server.closeAllConnections();
      store.#server.close();
    });
    return store;
  }

  #answer({ url, headers }) {
    const { pathname, searchParams } = new URL(url, this.url);
    const all = this.wishlists.get(searchParams.get('game'));
    if (headers.authorization !== `Bearer ${this.token}`)
      return { status: 401, body: {} };
    if (pathname !== new URL(this.url).pathname || !all)
      return { status: 404, body: {} };
    const cursor = searchParams.get('cursor');
    const left = all.filter(({ id }) => cursor === null || id > cursor);
    const users = left.slice(0, Number(searchParams.get('limit')));
    const next = users.length < left.length ? users.at(-1).id : null;
    return { status: 200, body: { users, next, total: all.length } };
  }
}
