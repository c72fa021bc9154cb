// SPDX-License-Identifier: LGPL-2.1-or-later

// Buckets of objects. The bytes are in files of a folder, those of a composed
// object in several: composing copies nothing.

import { closeSync, createReadStream, linkSync, openSync, readSync, rmSync,
  writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';

import { combineCrc, printCrc, updateCrc } from './crc32c.js';
import { Refusal, violation } from './errors.js';

const MAX_NAME = 1024; // bytes
// What a client may say of an object.
const ATTRIBUTES = ['cacheControl', 'contentDisposition', 'contentEncoding',
  'contentLanguage', 'contentType', 'crc32c', 'customTime', 'md5Hash',
  'metadata', 'name', 'storageClass', 'bucket', 'kind'];
const RFC3339 =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

function checkName(name) {
  const size = Buffer.byteLength(name ?? '');
  if (size < 1 || size > MAX_NAME || /[\r\n]/.test(name) ||
      ['.', '..'].includes(name) || name.startsWith('.well-known/'))
    throw violation(`no name of an object: ${JSON.stringify(name)}`);
}

export function checkAttributes(attributes) {
  if (attributes === null || typeof attributes !== 'object' ||
      Array.isArray(attributes))
    throw violation('the metadata is no JSON object', 400, 'parseError');
  for (const [key, value] of Object.entries(attributes)) {
    if (!ATTRIBUTES.includes(key))
      throw violation(`no attribute of an object: ${key}`);
    const isText = key === 'metadata' ?
      value && Object.values(value).every((text) => typeof text === 'string') :
      typeof value === 'string';
    if (!isText)
      throw violation(`not a text: ${key}`);
  }
  const { customTime } = attributes;
  if (customTime !== undefined &&
      !(RFC3339.test(customTime) && Date.parse(customTime)))
    throw violation(`customTime is not of RFC 3339: ${customTime}`);
}

// ifGenerationMatch and ifGenerationNotMatch.
export function checkPreconditions(query, object) {
  const now = object?.generation ?? '0';
  for (const [key, isMet] of [
    ['ifGenerationMatch', (value) => value === now],
    ['ifGenerationNotMatch', (value) => value !== now]]) {
    const value = query.get(key);
    if (value === null)
      continue;
    if (!/^\d+$/.test(value))
      throw violation(`${key} is no number: ${value}`);
    if (!isMet(value))
      throw new Refusal(412, 'conditionNotMet', 'At least one of the ' +
          'pre-conditions you specified did not hold.');
  }
}

export class Objects {
  // Of every object that was ever made: { bucket, name, generation, size }.
  made = [];

  #folder;
  #buckets = new Map();
  #files = 0;
  #generation = BigInt(Date.now()) * 1000n;

  constructor(folder, buckets) {
    this.#folder = folder;
    for (const bucket of buckets)
      this.#buckets.set(bucket, new Map());
  }

  newFile() {
    this.#files += 1;
    return `${this.#folder}/${this.#files}`;
  }

  bucket(name) {
    const bucket = this.#buckets.get(name);
    if (!bucket)
      throw new Refusal(404, 'notFound',
          'The specified bucket does not exist.');
    return bucket;
  }

  find(bucket, name) {
    return this.bucket(bucket).get(name);
  }

  get(bucket, name, query) {
    const object = this.find(bucket, name);
    const wanted = query?.get('generation');
    if (!object || (wanted && wanted !== object.generation))
      throw new Refusal(404, 'notFound', `No such object: ${bucket}/${name}`);
    if (query)
      checkPreconditions(query, object);
    return object;
  }

  // In the order of their names, as bytes.
  list(bucket, prefix = '') {
    return Array.from(this.bucket(bucket).values())
        .filter(({ name }) => name.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a.name),
            Buffer.from(b.name)));
  }

  // Whether an object could be made so, before its bytes are sent.
  check(bucket, name, attributes, query) {
    checkName(name);
    checkAttributes(attributes);
    checkPreconditions(query, this.find(bucket, name));
  }

  // Takes the files of `parts`, { file, size }, in the place of what was there.
  make(bucket, name, attributes, query, { parts, crc, components }) {
    this.check(bucket, name, attributes, query);
    const before = this.find(bucket, name);
    const { crc32c, md5Hash, kind, bucket: _, ...rest } = attributes;
    this.#generation += 1n;
    const object = {
      contentType: 'application/octet-stream',
      ...rest,
      name,
      bucket,
      generation: `${this.#generation}`,
      timeCreated: new Date().toISOString(),
      size: parts.reduce((sum, { size }) => sum + size, 0),
      crc,
      components,
      parts,
    };
    this.bucket(bucket).set(name, object);
    this.made.push({ bucket, name, generation: object.generation,
      size: object.size });
    this.#drop(before);
    return object;
  }

  makeOfBytes(bucket, name, attributes, query, bytes) {
    const file = this.newFile();
    writeFileSync(file, bytes);
    return this.make(bucket, name, attributes, query, {
      parts: [{ file, size: bytes.length }], crc: updateCrc(0, bytes) });
  }

  compose(bucket, name, attributes, query, sources) {
    this.check(bucket, name, attributes, query);
    const parts = [];
    let crc = 0;
    let components = 0;
    for (const source of sources) {
      for (const { file, size } of source.parts) {
        const linked = this.newFile();
        linkSync(file, linked);
        parts.push({ file: linked, size });
      }
      crc = combineCrc(crc, source.crc, source.size);
      components += source.components ?? 1;
    }
    return this.make(bucket, name, attributes, query,
        { parts, crc, components });
  }

  delete(bucket, name, query) {
    const object = this.get(bucket, name, query);
    this.bucket(bucket).delete(name);
    this.#drop(object);
  }

  #drop(object) {
    for (const { file } of object?.parts ?? [])
      rmSync(file, { force: true });
  }
}

// As the JSON API tells it.
export function describe(object, url) {
  const { bucket, name, generation, size, crc, components, parts, ...rest } =
    object;
  const path = `${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${url}/storage/v1/b/${path}`,
    mediaLink: `${url}/download/storage/v1/b/${path}` +
        `?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration: '1',
    storageClass: 'STANDARD',
    size: `${size}`,
    crc32c: printCrc(crc),
    etag: `${generation}/1`,
    ...(components && { componentCount: components }),
    ...rest,
    updated: rest.timeCreated,
  };
}

// `first` to `last`, both included. The files are open at once, so that it goes
// on when the object is deleted.
export function streamObject(object, first, last) {
  const pieces = [];
  let at = 0;
  for (const { file, size } of object.parts) {
    const start = Math.max(first - at, 0);
    const end = Math.min(last - at, size - 1);
    if (start <= end)
      pieces.push(createReadStream(null,
          { fd: openSync(file), start, end, highWaterMark: 1 << 18 }));
    at += size;
  }
  async function* read() {
    try {
      for (const piece of pieces)
        yield* piece;
    } finally {
      for (const piece of pieces)
        piece.destroy();
    }
  }
  return Readable.from(read(), { objectMode: false });
}

export function readObject(object) {
  const bytes = Buffer.alloc(object.size);
  let at = 0;
  for (const { file, size } of object.parts) {
    const fd = openSync(file);
    try {
      at += readSync(fd, bytes, at, size, 0);
    } finally {
      closeSync(fd);
    }
  }
  return bytes;
}
