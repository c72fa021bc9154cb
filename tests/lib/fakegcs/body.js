// SPDX-License-Identifier: LGPL-2.1-or-later

// The body of a request, with what a fault does to it on its way.

import { violation } from './errors.js';

// The connection was cut, by us or by them: there is nobody to answer.
export class Cut extends Error {}

const MAX_SIZE = 1 << 24; // of what is read as a whole
const MAX_AHEAD = 1 << 20; // of what is read before it is asked for

// Reads ahead of who asks. While all else is stalled it goes on reading: only
// so is a client noticed that has gone.
export class Body {
  isFlowing = false; // without a bound: while stalled, and to throw away

  #ahead = 0;
  #isOver = false;
  #pieces = [];
  #record;
  #request;
  #wake = () => {};

  constructor(request, record) {
    this.#request = request;
    this.#record = record;
    request.on('data', (piece) => this.#take(piece));
    for (const event of ['end', 'close', 'error'])
      request.on(event, () => {
        this.#isOver = true;
        this.#wake();
      });
  }

  #take(piece) {
    this.#record.received += piece.length;
    this.#pieces.push(piece);
    this.#ahead += piece.length;
    if (this.#ahead > MAX_AHEAD && !this.isFlowing)
      this.#request.pause();
    this.#wake();
  }

  flow() {
    this.isFlowing = true;
    this.#request.resume();
  }

  // null at its end.
  async #next() {
    while (this.#pieces.length === 0 && !this.#isOver)
      await new Promise((resolve) => { this.#wake = resolve; });
    const piece = this.#pieces.shift();
    if (piece) {
      this.#ahead -= piece.length;
      if (this.#request.isPaused())
        this.#request.resume();
      return piece;
    }
    if (!this.#request.complete)
      throw new Cut();
    return null;
  }

  // Gives it piece by piece, and calls `hold` after `middle` bytes of it.
  async* read(middle, hold) {
    let left = middle;
    for (;;) {
      const piece = await this.#next();
      if (piece === null)
        return;
      if (piece.length >= left) {
        yield piece.subarray(0, left);
        await hold();
        yield piece.subarray(left);
        left = Infinity;
      } else {
        yield piece;
        left -= piece.length;
      }
    }
  }
}

export function readBody({ body, fault, hold, record }) {
  const isHeld = fault?.when === 'middle' && !record.isStruck;
  return body.read(isHeld ? fault.bytes ?? 0 : Infinity, () => {
    record.isStruck = true;
    return hold(fault);
  });
}

export async function readWhole(context) {
  const pieces = [];
  let size = 0;
  for await (const piece of readBody(context)) {
    size += piece.length;
    if (size > MAX_SIZE)
      throw violation('the body is too large for one request', 413);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

// An empty body is an empty object.
export async function readJson(context) {
  const bytes = await readWhole(context);
  if (bytes.length === 0)
    return {};
  const type = context.request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type))
    throw violation(`the metadata is of type ${type}`, 400, 'badContent');
  return parseJson(bytes);
}

export function parseJson(bytes) {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw violation('the metadata is no JSON', 400, 'parseError');
  }
}
