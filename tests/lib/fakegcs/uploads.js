// SPDX-License-Identifier: LGPL-2.1-or-later

// Resumable uploads: sessions that take an object in chunks.

import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync }
  from 'node:fs';

import { readBody, readJson } from './body.js';
import { parseCrc, printCrc, readHashHeader, updateCrc } from './crc32c.js';
import { Refusal, violation } from './errors.js';
import { describe } from './objects.js';

export const QUANTUM = 256 * 1024; // bytes

const floor = (size) => size - size % QUANTUM;

// Content-Range: { first, last, total }, null where there is a `*`.
export function parseContentRange(text) {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(text);
  if (!match)
    throw violation(`no Content-Range: ${text}`);
  const number = (digits) => digits === undefined || digits === '*' ? null :
    Number(digits);
  const range = { first: number(match[1]), last: number(match[2]),
    total: number(match[3]) };
  if (range.first !== null && (range.last < range.first ||
      (range.total !== null && range.last >= range.total)))
    throw violation(`a Content-Range that cannot be: ${text}`);
  return range;
}

// The checksum that the client gave, in the metadata or in a header.
function readExpected(...texts) {
  for (const text of texts) {
    if (text === undefined)
      continue;
    const crc = parseCrc(text);
    if (crc === null)
      throw violation(`no crc32c: ${text}`);
    return crc;
  }
  return null;
}

export class Uploads {
  #objects;
  #sessions = new Map();
  #secrets;

  constructor(objects, secrets) {
    this.#objects = objects;
    this.#secrets = secrets;
  }

  // Those that are under way.
  get open() {
    return Array.from(this.#sessions.values())
        .filter(({ object }) => !object).length;
  }

  async start(context, bucket) {
    const { query, request, url } = context;
    const attributes = await readJson(context);
    const name = query.get('name') ?? attributes.name;
    if (query.has('name') && attributes.name !== undefined &&
        attributes.name !== name)
      throw violation('two names for one object');
    const type = request.headers['x-upload-content-type'];
    if (type && !attributes.contentType)
      attributes.contentType = type;
    const length = request.headers['x-upload-content-length'];
    if (length !== undefined && !/^\d+$/.test(length))
      throw violation(`X-Upload-Content-Length is no number: ${length}`);
    this.#objects.check(bucket, name, attributes, query);
    readExpected(attributes.crc32c);

    const id = randomBytes(24).toString('base64url');
    const file = this.#objects.newFile();
    const fd = openSync(file, 'w');
    this.#secrets.add(id);
    this.#sessions.set(id, { id, bucket, name, attributes, query, file, fd,
      size: 0, crc: 0, total: length === undefined ? null : Number(length) });
    return { status: 200, headers: {
      'location': `${url}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o` +
          `?uploadType=resumable&name=${encodeURIComponent(name)}` +
          `&upload_id=${id}`,
      'x-guploader-uploadid': id,
    } };
  }

  #find(id, bucket) {
    const session = this.#sessions.get(id);
    if (!session || session.bucket !== bucket)
      throw new Refusal(404, 'notFound', 'There is no such upload.');
    if (session.dead)
      throw new Refusal(session.dead, 'gone', 'The upload is over.');
    return session;
  }

  #kill(session, status) {
    session.dead = status;
    closeSync(session.fd);
    rmSync(session.file, { force: true });
  }

  cancel({ uploadId }, bucket) {
    this.#kill(this.#find(uploadId, bucket), 410);
    return { status: 499 };
  }

  // 'put', 'final' (the last of it) or 'query'.
  classify({ uploadId, request: { headers } }) {
    const text = headers['content-range'];
    const match = /^bytes (?:\d+-(\d+)|\*)\/(\d+|\*)$/.exec(text ?? '');
    const session = this.#sessions.get(uploadId);
    if (!match)
      return text === undefined ? 'final' : 'put';
    const [, last, total] = match;
    if (last === undefined)
      return session && !session.object && total === `${session.size}` ?
        'final' : 'query';
    return Number(last) + 1 === Number(total) ? 'final' : 'put';
  }

  async put(context, bucket) {
    const session = this.#find(context.uploadId, bucket);
    const { fault, record } = context;
    if (fault?.what === 'gone') {
      const status = fault.status ?? 410;
      fault.strike(record);
      this.#kill(session, status);
      throw new Refusal(status, 'gone', 'The upload is over.');
    }
    const { headers } = context.request;
    const length = headers['content-length'];
    if (length === undefined)
      throw violation('no Content-Length', 411, 'required');
    const size = Number(length);
    const range = headers['content-range'] === undefined ?
      { first: size ? 0 : null, last: size - 1, total: size } :
      parseContentRange(headers['content-range']);
    this.#check(session, range, size);
    if (session.object)
      return this.#answerDone(context, session);
    if (session.isBusy)
      throw violation('two requests at a time for one upload');
    session.isBusy = true;
    record.before = session.size;
    try {
      if (range.first !== null)
        await this.#take(context, session, range);
    } finally {
      session.isBusy = false;
      record.after = session.size;
    }
    if (session.total !== null && session.size === session.total &&
        !context.isTruncated)
      return this.#finish(context, session);
    return this.#answerMore(session);
  }

  #check(session, { first, last, total }, size) {
    if (session.total !== null && total !== null && total !== session.total)
      throw violation(`${total} bytes, ${session.total} before`);
    if (first === null) {
      if (size !== 0)
        throw violation('a body without an offset');
    } else if (last - first + 1 !== size) {
      throw violation(`${size} bytes as ${first} to ${last}`);
    } else if (first > session.size) {
      throw violation(`the upload offset is ${first}, which exceeds already ` +
          `uploaded size of ${session.size}`);
    } else if (last + 1 !== total && size % QUANTUM !== 0) {
      throw violation(`${size} bytes are no multiple of ${QUANTUM}`);
    }
    const all = total ?? session.total;
    if (all !== null && (last ?? -1) + 1 > all)
      throw violation(`byte ${last} of ${all}`);
    if (total !== null) {
      if (session.size > total)
        throw violation(`${total} bytes in all, of which ${session.size} ` +
            'are here');
      session.total = total;
    }
  }

  // What there is already is not taken again. If the connection is cut, whole
  // quanta are kept.
  async #take(context, session, { first }) {
    const { fault, record } = context;
    let position = first;
    let { size, crc } = session;
    const limit = fault?.what === 'truncate' ?
      Math.max(session.size, floor(first + (fault.bytes ?? 0))) : Infinity;
    if (limit !== Infinity) {
      context.isTruncated = true;
      fault.strike(record);
    }
    const isCorrupt = fault?.what === 'corrupt';
    record.offset = first;
    for await (const piece of readBody(context)) {
      const known = Math.min(Math.max(size - position, 0), piece.length);
      record.known = (record.known ?? 0) + known;
      position += piece.length;
      let fresh = piece.subarray(known, piece.length -
          Math.min(Math.max(position - limit, 0), piece.length - known));
      if (isCorrupt && fresh.length > 0 && fault.hits === 0) {
        fault.strike(record);
        fresh = Buffer.from(fresh);
        fresh[0] ^= 1;
      }
      while (fresh.length > 0) {
        const part = fresh.subarray(0, QUANTUM - size % QUANTUM);
        writeSync(session.fd, part, 0, part.length, size);
        crc = updateCrc(crc, part);
        size += part.length;
        fresh = fresh.subarray(part.length);
        if (size % QUANTUM === 0)
          Object.assign(session, { size, crc });
      }
    }
    Object.assign(session, { size, crc });
    if (fault?.what === 'lose') {
      fault.strike(record);
      context.isTruncated = true;
      ftruncateSync(session.fd, 0);
      Object.assign(session, { size: 0, crc: 0 });
    }
  }

  #answerMore(session) {
    return {
      status: 308,
      headers: {
        'content-length': '0',
        'x-guploader-uploadid': session.id,
        ...(session.size > 0 && { range: `bytes=0-${session.size - 1}` }),
      },
    };
  }

  #finish(context, session) {
    const { bucket, name, attributes, query, file, size, crc } = session;
    const expected = readExpected(readHashHeader(context.request.headers),
        attributes.crc32c);
    try {
      if (expected !== null && expected !== crc)
        throw new Refusal(400, 'invalid', `Provided CRC32C ` +
            `"${printCrc(expected)}" doesn't match calculated CRC32C ` +
            `"${printCrc(crc)}".`);
      session.object = this.#objects.make(bucket, name, attributes, query,
          { parts: [{ file, size }], crc });
    } catch (error) {
      this.#kill(session, 410);
      throw error;
    }
    closeSync(session.fd);
    return this.#answerDone(context, session);
  }

  #answerDone({ fault, record, url }, { object }) {
    const isWrong = fault?.what === 'wrong-crc';
    if (isWrong)
      fault.strike(record);
    const told = describe(object, url);
    return { status: 200, json: {
      ...told, ...(isWrong && { crc32c: printCrc(~object.crc >>> 0) }) } };
  }
}
