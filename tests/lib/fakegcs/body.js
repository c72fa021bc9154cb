// SPDX-License-Identifier: LGPL-2.1-or-later

// The body of a request, with what a fault does to it on its way.

import { violation } from './errors.js';

// The connection was cut, by us or by them: there is nobody to answer.
export class Cut extends Error {}

const MAX_SIZE = 1 << 24; // of what is read as a whole

// Gives it piece by piece. What was sent until it ends is in `record.received`.
export async function* readBody({ request, fault, record, hold }) {
  const middle = fault?.when === 'middle' ? fault : null;
  try {
    for await (let piece of request) {
      const left = middle ? (middle.bytes ?? 0) - record.received : Infinity;
      if (piece.length >= left && !record.isStruck) {
        record.isStruck = true;
        const first = piece.subarray(0, Math.max(left, 0));
        record.received += first.length;
        yield first;
        piece = piece.subarray(first.length);
        await hold(middle);
      }
      record.received += piece.length;
      yield piece;
    }
  } catch (error) {
    throw error.code === 'ECONNRESET' || error.code === 'ABORT_ERR' ?
      new Cut() : error;
  }
  if (!request.complete)
    throw new Cut();
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
