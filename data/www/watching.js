// SPDX-License-Identifier: LGPL-2.1-or-later

// The beacon: tells that somebody watches, and is told how many do. Who it is
// nobody learns: the name is random, and kept only while the page is open.

import { postJson } from './api.js';

const INTERVAL = 20000;

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Event: viewers, detail: how many watch.
class Beacon extends EventTarget {
  #path;
  #name = randomName();
  #toldAt = -Infinity;
  #listening = new AbortController();

  constructor(link, video) {
    super();
    this.#path = `/api/v1/broadcasts/${link}/watching`;
    const { signal } = this.#listening;
    // Comes for as long as the picture moves, and not beyond.
    video.addEventListener('timeupdate', () => {
      if (!video.paused && performance.now() - this.#toldAt >= INTERVAL)
        this.#tell();
    }, { signal });
    window.addEventListener('pagehide', () => this.#leave(), { signal });
  }

  stop() {
    this.#listening.abort();
    this.#leave();
  }

  async #tell() {
    this.#toldAt = performance.now();
    try {
      const { viewers } =
          await postJson(this.#path, { query: { viewer: this.#name } });
      if (!this.#listening.signal.aborted)
        this.dispatchEvent(new CustomEvent('viewers', { detail: viewers }));
    } catch (error) {
      // Nobody counts here. Of other errors the next time knows more.
      if (error.status === 404)
        this.#listening.abort();
    }
  }

  #leave() {
    if (this.#toldAt === -Infinity)
      return;
    this.#toldAt = -Infinity;
    navigator.sendBeacon(`${this.#path}?viewer=${this.#name}&left=true`);
  }
}

export const startWatching = (link, video) => new Beacon(link, video);
