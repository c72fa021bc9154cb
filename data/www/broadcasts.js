// SPDX-License-Identifier: LGPL-2.1-or-later

// What is on air and what can be watched again, kept up to date. Knows nothing
// of the page that shows it.
//
// Events:
//   loaded    it was read anew
//   change    something of it is not as it was
//   happened  CustomEvent, detail { name, broadcast }: one change, by the name
//             of the event of the API

import { followEvents, getJson } from './api.js';
import { canBeWatched } from './recordings.js';

const PAGE = 100;
const VIEWERS_EVERY = 10000;
const RETRY_FIRST = 2000;
const RETRY_LONGEST = 30000;
// A connection that comes back at once was never lost.
const STALE_AFTER = 3000;

const byNewest = (a, b) => b.createdAt.localeCompare(a.createdAt);
const byRank = (a, b) =>
  (a.rank ?? Infinity) - (b.rank ?? Infinity) || byNewest(a, b);

export class BroadcastList extends EventTarget {
  #game;
  #endedLimit;
  #endedGame = null;
  #endedNext = null;
  #live = new Map();
  #ended = new Map();
  #viewers = {};
  #isLoaded = false;
  #isReached = true;
  #isConnected = true;
  #events = null;
  #load = null;
  #retry = RETRY_FIRST;
  #loadTimer = 0;
  #staleTimer = 0;
  #viewersTimer = 0;
  #changeTimer = 0;

  // `game`: of this one only. `ended`: how many recordings a page of them has,
  // 0 for none at all; `endedGame`: as showEnded().
  constructor({ game = null, ended = 0, endedGame = null } = {}) {
    super();
    this.#game = game;
    this.#endedLimit = ended;
    this.#endedGame = endedGame;
  }

  start() {
    document.addEventListener('visibilitychange', this.#askViewers);
    this.#viewersTimer = setInterval(this.#askViewers, VIEWERS_EVERY);
    this.#askViewers();
    this.#reload();
  }

  stop() {
    document.removeEventListener('visibilitychange', this.#askViewers);
    for (const timer of [this.#viewersTimer, this.#loadTimer, this.#staleTimer,
      this.#changeTimer])
      clearTimeout(timer);
    this.#load?.abort();
    this.#events?.stop();
  }

  // Once it is, lists are true, and empty ones mean that there is nothing.
  get isLoaded() {
    return this.#isLoaded;
  }

  // What is told may not be so any more.
  get isStale() {
    return !this.#isReached || !this.#isConnected;
  }

  // All that is not over: by rank, then the newest first.
  get live() {
    return [...this.#live.values()].sort(byRank);
  }

  // Recordings that can be watched now, the newest first.
  get ended() {
    return [...this.#ended.values()].filter(canBeWatched).sort(byNewest);
  }

  get hasMoreEnded() {
    return this.#endedNext !== null;
  }

  viewers(link) {
    return this.#viewers[link] ?? 0;
  }

  // Recordings of this game only; null: of all again.
  async showEnded(game) {
    this.#endedGame = game;
    this.#setEnded(await this.#ask('ended'), game);
  }

  // One more page of recordings.
  async moreEnded() {
    const game = this.#endedGame;
    const page = await this.#ask('ended', { before: this.#endedNext });
    this.#setEnded(page, game, this.#ended);
  }

  // `game` is what was asked for: since then another may be wanted.
  #setEnded({ broadcasts, next }, game, before = []) {
    if (game !== this.#endedGame)
      return;
    this.#ended = new Map(before);
    for (const broadcast of broadcasts)
      this.#ended.set(broadcast.link, broadcast);
    // Where all of a page has expired, so has what is older.
    this.#endedNext = broadcasts.some(canBeWatched) ? next : null;
    this.#changed();
  }

  #ask(state, { before, signal } = {}) {
    const isLive = state === 'live';
    const game = isLive ? this.#game : this.#endedGame ?? this.#game;
    const query = new URLSearchParams({
      state, limit: isLive ? PAGE : this.#endedLimit,
    });
    if (game)
      query.set('game', game);
    if (before)
      query.set('before', before);
    return getJson(`/api/v1/broadcasts?${query}`, { signal, fresh: true });
  }

  // Lists first, then what came after them: so nothing is missed. What was
  // shown stays until all of the new is there.
  #reload = async () => {
    this.#load?.abort();
    this.#load = new AbortController();
    this.#events?.stop();
    clearTimeout(this.#loadTimer);
    const { signal } = this.#load;
    const game = this.#endedGame;
    try {
      const live = new Map();
      let lastEventId = null;
      let before = null;
      do {
        const page = await this.#ask('live', { before, signal });
        for (const broadcast of page.broadcasts)
          live.set(broadcast.link, broadcast);
        lastEventId ??= page.lastEventId;
        before = page.next;
      } while (before !== null);
      if (this.#endedLimit > 0)
        this.#setEnded(await this.#ask('ended', { signal }), game);
      this.#live = live;
      this.#isLoaded = true;
      this.#isReached = true;
      this.#retry = RETRY_FIRST;
      this.dispatchEvent(new Event('loaded'));
      this.#follow(lastEventId);
    } catch {
      if (signal.aborted)
        return;
      this.#isReached = false;
      // Many pages have lost the same server: they do not all ask at once.
      this.#loadTimer = setTimeout(
          this.#reload, this.#retry * (0.75 + Math.random() / 2));
      this.#retry = Math.min(this.#retry * 2, RETRY_LONGEST);
    }
    this.#changed();
  };

  #follow(lastEventId) {
    this.#events = followEvents({
      game: this.#game,
      lastEventId,
      onEvent: (name, data) => this.#apply(name, data),
      onConnection: (isUp) => this.#setConnected(isUp),
    });
  }

  #setConnected(isUp) {
    clearTimeout(this.#staleTimer);
    this.#staleTimer = setTimeout(() => {
      this.#isConnected = isUp;
      this.#changed();
    }, isUp ? 0 : STALE_AFTER);
  }

  #apply(name, data) {
    if (name === 'catalogue.reset') {
      this.#reload();
      return;
    }
    const { link } = data;
    this.#live.delete(link);
    this.#ended.delete(link);
    if (name !== 'broadcast.hidden') {
      if (data.state !== 'ended')
        this.#live.set(link, data);
      else if (!this.#endedGame || data.game.id === this.#endedGame)
        this.#ended.set(link, data);
      this.dispatchEvent(new CustomEvent('happened',
          { detail: { name, broadcast: data } }));
    }
    this.#changed();
  }

  #askViewers = async () => {
    if (document.hidden)
      return;
    try {
      ({ viewers: this.#viewers } = await getJson('/api/v1/viewers'));
    } catch {
      // The last figures stand; whether the server is there, others tell.
    }
    this.#changed();
  };

  // Several in one moment are one change.
  #changed() {
    clearTimeout(this.#changeTimer);
    this.#changeTimer = setTimeout(
        () => this.dispatchEvent(new Event('change')));
  }
}
