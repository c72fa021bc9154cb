// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /developer: what a stream key opens. The key is in the memory of
// this page, and nowhere else.

import { followEvents, getJson } from './api.js';
import { byId, h } from './dom.js';
import { formatAgo, formatDate, formatDuration, t } from './i18n.js';
import { obsSettings, obsWays } from './obs.js';
import { OpenBroadcast } from './openbroadcast.js';
import { Entry, errorText } from './panel.js';
import { canBeWatched, isExpired } from './recordings.js';
import { repeat } from './repeat.js';
import { startShell } from './shell.js';
import { Table } from './table.js';

// Besides the events: of rehearsals and of viewers there are none.
const ASK_EVERY = 5;

const isOpen = ({ state }) => state !== 'ended';

// s
const lengthOf = ({ startedAt, endedAt }) =>
  startedAt ? (Date.parse(endedAt) - Date.parse(startedAt)) / 1000 : 0;

const reasonOf = ({ endReason }) => t(`developer.end-${endReason}`);

// How long recordings are kept, in ms, as it was with the last one; null: there
// was none yet.
function keptOf(broadcasts) {
  const last = broadcasts.find(({ recordingExpires }) => recordingExpires);
  return last ?
    Date.parse(last.recordingExpires) - Date.parse(last.endedAt) : null;
}

function recordingCell(past) {
  const { recordingExpires, watch } = past;
  if (isExpired(past))
    return t('developer.recordingGone');
  if (!canBeWatched(past))
    return '–';
  return h('span', null, h('a', { href: watch }, t('developer.recording')),
      ` ${t('developer.until', { date: formatDate(recordingExpires) })}`);
}

const pastTable = () => new Table({
  caption: t('developer.past'),
  sorted: 'started',
  columns: [
    { key: 'started', label: t('developer.pastStarted'), falls: true,
      value: (past) => Date.parse(past.createdAt),
      cell: (past) => formatDate(past.startedAt ?? past.createdAt) },
    { key: 'title', label: t('developer.pastTitle'),
      value: (past) => past.title,
      cell: (past) => h('bdi', null, past.title || t('developer.untitled')) },
    { key: 'length', label: t('developer.pastLength'), isNumber: true,
      value: lengthOf, cell: (past) => formatDuration(lengthOf(past)) },
    { key: 'end', label: t('developer.pastEnd'),
      value: reasonOf, cell: reasonOf },
    { key: 'recording', label: t('developer.pastRecording'), falls: true,
      value: (past) => Date.parse(past.recordingExpires),
      cell: recordingCell },
  ],
});

// What one key opens, until it is forgotten.
class Session {
  #key;
  #onLost;
  #broadcasts = new Map(); // that are not over, by link
  #past;
  #undo = [];
  #isLoading = false;
  #isOutdated = false;
  #isOver = false;

  // `onLost(error)`: the key opens nothing any more.
  constructor(key, developer, onLost) {
    this.#key = key;
    this.#onLost = onLost;
    this.#past = pastTable();
    byId('past').replaceChildren(this.#past.element);
    byId('obs').replaceChildren(...obsWays(developer.ingest, key));
    this.#show(developer);
    const ticking = setInterval(() => this.#broadcasts.forEach(
        (broadcast) => broadcast.tick()), 1000);
    this.#undo.push(() => clearInterval(ticking),
        repeat(ASK_EVERY, (signal) => Promise.all(
            [this.#reload(), this.#countViewers(signal)])));
    const events = followEvents({
      game: developer.game.id,
      onEvent: () => this.#reload(),
      onConnection: (isUp) => {
        byId('stale').hidden = isUp;
        // What happened before it was up was not told.
        if (isUp)
          this.#reload();
      },
    });
    this.#undo.push(() => events.stop());
  }

  stop() {
    this.#isOver = true;
    this.#undo.forEach((undo) => undo());
    this.#broadcasts.forEach((broadcast) => broadcast.stop());
    for (const id of ['obs', 'past', 'open'])
      byId(id).replaceChildren();
    byId('stale').hidden = byId('failure').hidden = true;
  }

  // One request at a time, however many events come.
  async #reload() {
    this.#isOutdated = true;
    if (this.#isLoading)
      return;
    this.#isLoading = true;
    while (this.#isOutdated && !this.#isOver) {
      this.#isOutdated = false;
      try {
        const developer = await getJson('/api/v1/developer',
            { token: this.#key, fresh: true });
        if (!this.#isOver)
          this.#show(developer);
        byId('failure').hidden = true;
      } catch (error) {
        this.#onFailure(error);
      }
    }
    this.#isLoading = false;
  }

  #onFailure(error) {
    if (this.#isOver)
      return;
    if (error.status === 401) {
      this.#onLost(error);
      return;
    }
    byId('failure').textContent = errorText(error);
    byId('failure').hidden = false;
  }

  #show({ game, broadcaster, keyExpiresAt, broadcasts }) {
    byId('game').textContent = game.title;
    byId('who').textContent = t('developer.who', { name: broadcaster });
    byId('key-expires').hidden = keyExpiresAt === null;
    if (keyExpiresAt)
      byId('key-expires').textContent = t('developer.keyExpires', {
        date: formatDate(keyExpiresAt), ago: formatAgo(keyExpiresAt),
      });
    const past = broadcasts.filter((broadcast) => !isOpen(broadcast));
    this.#showOpen(broadcasts.filter(isOpen), keptOf(past));
    this.#past.update(past.map((one) => ({ ...one, id: one.link })));
    byId('past').hidden = past.length === 0;
    byId('past-none').hidden = past.length > 0;
  }

  #showOpen(open, kept) {
    const links = open.map(({ link }) => link);
    for (const [link, broadcast] of this.#broadcasts) {
      if (!links.includes(link)) {
        broadcast.stop();
        broadcast.element.remove();
        this.#broadcasts.delete(link);
      }
    }
    for (const one of open) {
      let broadcast = this.#broadcasts.get(one.link);
      if (!broadcast) {
        broadcast = new OpenBroadcast(one, this.#key);
        broadcast.addEventListener('ended', () => this.#reload());
        this.#broadcasts.set(one.link, broadcast);
        byId('open').append(broadcast.element);
      }
      broadcast.update(one, kept);
    }
    byId('open').hidden = open.length === 0;
    byId('idle').hidden = open.length > 0;
  }

  async #countViewers(signal) {
    if (this.#broadcasts.size === 0)
      return;
    try {
      const { viewers } = await getJson('/api/v1/viewers', { signal });
      for (const [link, broadcast] of this.#broadcasts)
        broadcast.setViewers(viewers[link] ?? 0);
    } catch {
      // The figure stays; the events say that there is no connection.
    }
  }
}

let session = null;

function forget(mistake) {
  session?.stop();
  session = null;
  byId('dashboard').hidden = true;
  document.title = `${t('developer.title')} · Wishcast`;
  entry.reopen(mistake);
}

const entry = new Entry(async (key) => {
  const developer = await getJson('/api/v1/developer',
      { token: key, fresh: true });
  session?.stop();
  byId('dashboard').hidden = false;
  session = new Session(key, developer, (error) => forget(errorText(error)));
  document.title = `${developer.game.title} · Wishcast`;
  byId('game').focus();
});

await startShell({ page: 'developer' });
document.title = `${t('developer.title')} · Wishcast`;
byId('settings').append(...obsSettings());
byId('forget').addEventListener('click', () => forget());
entry.start();
