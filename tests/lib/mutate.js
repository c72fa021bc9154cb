// SPDX-License-Identifier: LGPL-2.1-or-later

// Proxies between a publisher and the ingest that damage its media on the way,
// and nothing else: messages keep their lengths, so that the damage arrives.

import net from 'node:net';

// Of 32 bits, from a seed: the same damage each time (mulberry32).
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Flips, blanks, cuts (moves the rest up) or duplicates bytes of @bytes.
export function damage(bytes, random) {
  if (bytes.length === 0)
    return;
  const pick = (n) => Math.floor(random() * n);
  for (let n = 1 + pick(4); n > 0; n -= 1) {
    // Headers are at the front: that is where it hurts.
    const at = random() < 0.5 ? pick(Math.min(16, bytes.length)) :
      pick(bytes.length);
    const length = 1 + pick(Math.min(64, bytes.length - at));
    switch (pick(4)) {
      case 0:
        bytes[at] ^= 1 << pick(8);
        break;
      case 1:
        bytes.fill(random() < 0.5 ? 0 : 0xff, at, at + length);
        break;
      case 2:
        bytes.copyWithin(at, at + length);
        break;
      default:
        bytes.copyWithin(Math.min(at + length, bytes.length), at, at + length);
    }
  }
}

// Reads the publisher's side of RTMP and gives each piece of audio and video
// messages to `media`, which may change it in place.
export class RtmpReader {
  #buffer = Buffer.alloc(0);
  #handshake = 1 + 2 * 1536;
  #chunkSize = 128;
  #streams = new Map();

  constructor(media) {
    this.media = media;
  }

  // What may go on.
  push(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    let at = Math.min(this.#handshake, this.#buffer.length);
    this.#handshake -= at;
    for (let end = at; end !== null; end = this.#readChunk(at))
      at = end;
    const out = this.#buffer.subarray(0, at);
    this.#buffer = this.#buffer.subarray(at);
    return out;
  }

  // Where the chunk at `at` ends; null if it is not whole.
  #readChunk(at) {
    const b = this.#buffer;
    if (this.#handshake > 0 || at + 3 > b.length)
      return null;
    const format = b[at] >> 6;
    const id = b[at] & 63;
    let body = at + (id === 0 ? 2 : id === 1 ? 3 : 1);
    const name = b.toString('latin1', at + (id < 2 ? 1 : 0), body) + id % 64;
    const key = id < 2 ? name : String(id);
    const stream = this.#streams.get(key) ?? { left: 0, first: true };
    const size = [11, 7, 3, 0][format];
    if (body + size + 4 > b.length)
      return null;
    const next = { ...stream };
    if (format < 3)
      next.isLong = b.readUIntBE(body, 3) === 0xffffff;
    if (format < 2) {
      next.length = b.readUIntBE(body + 3, 3);
      next.type = b[body + 6];
    }
    if (stream.left === 0)
      Object.assign(next, { left: next.length, offset: 0 });
    body += size + (next.isLong ? 4 : 0);
    const end = body + Math.min(next.left, this.#chunkSize);
    if (end > b.length)
      return null;
    const piece = b.subarray(body, end);
    if (next.type === 1 && piece.length >= 4)
      this.#chunkSize = piece.readUInt32BE(0) & 0x7fffffff;
    else if (next.type === 8 || next.type === 9)
      this.media(piece);
    next.left -= piece.length;
    this.#streams.set(key, next);
    return end;
  }
}

// The same for RTSP over TCP: packets of RTP and RTCP.
export class RtspReader {
  #buffer = Buffer.alloc(0);

  constructor(media) {
    this.media = media;
  }

  push(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    let at = 0;
    for (let end = 0; end !== null; end = this.#readMessage(at))
      at = end;
    const out = this.#buffer.subarray(0, at);
    this.#buffer = this.#buffer.subarray(at);
    return out;
  }

  #readMessage(at) {
    const b = this.#buffer;
    if (at + 4 > b.length)
      return null;
    if (b[at] === 0x24) {
      const end = at + 4 + b.readUInt16BE(at + 2);
      if (end > b.length)
        return null;
      this.media(b.subarray(at + 4, end));
      return end;
    }
    const head = b.indexOf('\r\n\r\n', at);
    if (head < 0)
      return null;
    const length = /content-length: *(\d+)/i.exec(
        b.toString('latin1', at, head))?.[1] ?? 0;
    const end = head + 4 + Number(length);
    return end > b.length ? null : end;
  }
}

// Listens in front of `port`. Connection n damages with seed `seeds[n]`, every
// other one also the very first messages, and closes after `most` damaged
// pieces; those beyond the last seed are refused.
export async function startMutator(place, Reader, port, seeds, most) {
  const proxy = { connections: 0, damaged: 0, ended: 0, port: 0 };
  const sockets = new Set();

  function join(client, seed, sparing) {
    const server = net.connect(port, '127.0.0.1');
    const random = makeRandom(seed);
    let pieces = 0;
    let hurt = 0;
    const reader = new Reader((piece) => {
      pieces += 1;
      if (pieces > sparing && random() < 0.3) {
        damage(piece, random);
        hurt += 1;
        proxy.damaged += 1;
      }
    });
    const close = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', close);
      socket.on('close', () => {
        sockets.delete(socket);
        close();
      });
    }
    client.on('close', () => {
      proxy.ended += 1;
    });
    client.on('data', (data) => {
      server.write(Buffer.from(reader.push(data)));
      if (hurt >= most)
        close();
    });
    server.pipe(client);
  }

  const listener = net.createServer((client) => {
    const n = proxy.connections;
    if (n >= seeds.length) {
      client.destroy();
      return;
    }
    proxy.connections += 1;
    join(client, seeds[n], n % 2 === 0 ? 60 : 0);
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  proxy.port = listener.address().port;
  place.defer(() => new Promise((resolve) => {
    for (const socket of sockets)
      socket.destroy();
    listener.close(resolve);
  }));
  return proxy;
}
