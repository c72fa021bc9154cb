// SPDX-License-Identifier: LGPL-2.1-or-later

// What just happened, the newest first.

import { titleOf } from './cards.js';
import { h } from './dom.js';
import { formatAgo, t } from './i18n.js';

// More than anybody reads; what is older is in the lists.
const MOST = 30;
const KINDS = {
  'broadcast.live': 'began',
  'broadcast.interrupted': 'interrupted',
  'broadcast.ended': 'ended',
};

export class Feed {
  #list;
  #status;
  #entries = [];
  #states = new Map();

  // `list` is an <ol>; `status`, a live region, is told what is new.
  constructor(list, status) {
    this.#list = list;
    this.#status = status;
  }

  // What can be known of before the page was opened.
  begin({ live, ended }) {
    this.#entries = [];
    this.#states.clear();
    for (const one of live) {
      this.#states.set(one.link, one.state);
      if (one.startedAt)
        this.#add('began', one, one.startedAt);
    }
    for (const one of ended)
      this.#add('ended', one, one.endedAt);
    this.#entries.sort((a, b) => b.at.localeCompare(a.at));
    this.#entries.length = Math.min(this.#entries.length, MOST);
  }

  // One change: `name` is of the API. Only of the state is told.
  tell(name, broadcast) {
    const { link, state } = broadcast;
    const before = this.#states.get(link);
    this.#states.set(link, state);
    if (state === 'ended')
      this.#states.delete(link);
    if (!KINDS[name] || before === state)
      return;
    const kind = before === 'interrupted' && state === 'live' ? 'back' :
      KINDS[name];
    this.#add(kind, broadcast, new Date().toISOString());
    this.#entries.length = Math.min(this.#entries.length, MOST);
    this.#status.textContent =
      `${titleOf(broadcast)}: ${t(`community.${kind}`)}`;
  }

  // Shows those of `game`; null: all.
  show(game) {
    const shown = this.#entries.filter(({ broadcast }) =>
      !game || broadcast.game.id === game);
    const rows = shown.map((entry) => {
      entry.row ??= this.#row(entry);
      entry.row.querySelector('time').textContent = formatAgo(entry.at);
      return entry.row;
    });
    if (rows.length !== this.#list.children.length ||
        rows.some((row, i) => row !== this.#list.children[i]))
      this.#list.replaceChildren(...rows);
  }

  #add(kind, broadcast, at) {
    this.#entries.unshift({ kind, broadcast, at });
  }

  #row({ kind, broadcast, at }) {
    const title = titleOf(broadcast);
    const game = broadcast.game.title;
    return h('li', { class: 'event', 'data-kind': kind },
        h('p', { class: 'clamp' },
            h('a', { href: broadcast.watch, dir: 'auto' }, title)),
        h('p', { class: 'quiet' },
            t(`community.${kind}`), ' · ', h('time', { datetime: at })),
        title !== game && h('p', { class: 'quiet' }, h('bdi', null, game)));
  }
}
