// SPDX-License-Identifier: LGPL-2.1-or-later

// A receiver of webhooks as a store would write one, from the text of Standard
// Webhooks alone: it verifies, and remembers whom it was told of. It lives in the
// test; receiverprocess.js has one that can be killed.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import http from 'node:http';

import { freePort } from './place.js';

// Seconds that a timestamp may be off.
const TOLERANCE = 300;

export const makeSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

function isSigned(secret, { headers }, body) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key)
      .update(`${id}.${timestamp}.`).update(body).digest();
  const given = (headers['webhook-signature'] ?? '').split(' ')
      .filter((text) => text.startsWith('v1,'))
      .map((text) => Buffer.from(text.slice(3), 'base64'));
  return Math.abs(Date.now() / 1000 - Number(timestamp)) < TOLERANCE &&
      given.some((signature) => signature.length === expected.length &&
          timingSafeEqual(signature, expected));
}

export class Receiver {
  // Of all requests that it has taken: { id, size, events }.
  requests = [];
  // What was wrong with others.
  problems = [];
  // The status that all requests get while it is one; nothing is taken.
  failure = null;

  #port;
  #secret;
  #server;

  static async start(place, secret) {
    const receiver = new Receiver(await freePort(), secret);
    await receiver.up();
    place.defer(() => receiver.down());
    return receiver;
  }

  constructor(port, secret) {
    this.#port = port;
    this.#secret = secret;
    this.url = `http://127.0.0.1:${port}/notices`;
  }

  // What becomes of a request that is taken, before it is answered, and of what
  // is wrong with another.
  take(request) {
    this.requests.push(request);
  }

  complain(problem) {
    this.problems.push(problem);
  }

  get events() {
    return this.requests.flatMap(({ events }) => events);
  }

  async up() {
    this.#server = http.createServer((request, response) =>
      this.#answer(request, response));
    await new Promise((resolve) =>
      this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  // At once: who waits for an answer gets none.
  async down() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request)
        chunks.push(chunk);
    } catch {
      return; // the sender has gone
    }
    const body = Buffer.concat(chunks);
    const type = request.headers['content-type'];
    if (!isSigned(this.#secret, request, body)) {
      this.complain('a signature is wrong');
      response.writeHead(401).end();
    } else if (request.method !== 'POST' ||
        !/^application\/cloudevents-batch\+json\b/.test(type)) {
      this.complain(`${request.method} of ${type}`);
      response.writeHead(415).end();
    } else if (this.failure !== null) {
      response.writeHead(this.failure).end();
    } else {
      this.take({ id: request.headers['webhook-id'], size: body.length,
        events: JSON.parse(body) });
      response.writeHead(204).end();
    }
  }
}
