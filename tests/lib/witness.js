// SPDX-License-Identifier: LGPL-2.1-or-later

// Who remembers the bytes of every part and segment that a playlist has listed,
// so that none can be lost, changed or used twice unnoticed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { followPlaylist } from './follow.js';
import { listedParts, wholeSegments } from './playlists.js';
import { pause } from './until.js';

const AT_ONCE = 8;

export const digest = (bytes) =>
  createHash('sha256').update(bytes).digest('hex');

// { epoch, msn, part } of an address; `part` is undefined for a segment.
export function parseName(uri) {
  const [, epoch, msn, part] = uri.match(/(\d+)-(\d+)(?:\.(\d+))?\.m4s$/);
  return {
    epoch: Number(epoch),
    msn: Number(msn),
    part: part === undefined ? undefined : Number(part),
  };
}

// Of one playlist. Servers may go away; what was listed must be there again.
export class Witness {
  #known = new Map();
  #open = new Set();
  #epochs = new Map();
  #failure = null;
  n = 0;

  constructor(url) {
    this.url = url;
    this.follow = followPlaylist(url, {
      patient: true,
      seen: (playlist) => this.#see(playlist),
    });
    this.follow.done.catch((error) => this.#fail(error));
  }

  // The newest epoch of which a part was listed.
  get epoch() {
    return Math.max(...this.#epochs.values());
  }

  get discontinuities() {
    return this.follow.follower.last.segments
        .filter(({ discontinuity }) => discontinuity).length;
  }

  // Address -> digest.
  get known() {
    return this.#known;
  }

  #fail(error) {
    this.#failure ??= error;
  }

  check() {
    if (this.#failure)
      throw this.#failure;
    return this;
  }

  #see(playlist) {
    for (const { uri } of [...listedParts(playlist),
      ...wholeSegments(playlist)]) {
      if (this.#known.has(uri))
        continue;
      this.#known.set(uri, null);
      this.n += 1;
      const { epoch, msn } = parseName(uri);
      assert.equal(this.#epochs.get(msn) ?? epoch, epoch,
          `segment ${msn} has two epochs`);
      this.#epochs.set(msn, epoch);
      const job = this.#fetch(uri).then((hash) => this.#known.set(uri, hash))
          .catch((error) => this.#fail(error))
          .finally(() => this.#open.delete(job));
      this.#open.add(job);
    }
  }

  // Waits for servers, but not for what they say is not there.
  async #fetch(uri) {
    for (;;) {
      let answer;
      let bytes;
      try {
        answer = await fetch(new URL(uri, this.url));
        bytes = Buffer.from(await answer.arrayBuffer());
      } catch {
        answer = null;
      }
      if (answer && answer.status < 500) {
        assert.equal(answer.status, 200, `${this.url}: ${uri}`);
        return digest(bytes);
      }
      await pause(50);
    }
  }

  // Resolves once all that was listed is known.
  async settle() {
    while (this.#open.size > 0)
      await Promise.all(this.#open);
    this.check();
  }

  // Fetches all again.
  async verify() {
    const uris = [...this.#known].filter(([, hash]) => hash);
    const work = async () => {
      for (let next = uris.pop(); next; next = uris.pop())
        assert.equal(await this.#fetch(next[0]), next[1], next[0]);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.check();
  }

  async stop() {
    this.follow.stop();
    await this.follow.done;
    await this.settle();
  }
}
