// SPDX-License-Identifier: LGPL-2.1-or-later

// Where one broadcast is watched: player, controls, notices and beacon in one
// element. What it says is of two witnesses, the picture and the API; where the
// picture moves, the picture is right.
//
// data-state of the element, and event `state` (detail: the same):
//   loading      asked, nothing known yet
//   missing      no broadcast under this link, none on air
//   waiting      one, but there is nothing to see yet, or again
//   starting     its developer is about to begin
//   playing      on air
//   interrupted  its publisher has gone and may return
//   stalled      on air, but nothing arrives
//   ended        over; the recording plays
//   preparing    over; its recording will be there soon
//   over         over, and played to its end
//   gone         over, and there is nothing to play
//   expired      over, and the time of its recording as well
//   failed       this browser cannot play it
// Other events: `broadcast` (detail: what the API says), `viewers` (how many).

import { followEvents, getJson } from './api.js';
import { Controls } from './controls.js';
import { h } from './dom.js';
import { formatDate, formatDuration, ready, t } from './i18n.js';
import { Player } from './player.js';
import { filesOf, isComing, isExpired, isReady } from './recordings.js';
import { startWatching } from './watching.js';

// As many letters as a link may have.
const LINK = /^[A-Za-z0-9_-]{1,64}$/;
// The picture plays on for a moment out of the buffer; a stop of this many
// seconds is the interruption that the API tells of.
const STOPS_AFTER = 1;
const UPDATE_EVERY = 500;
// What is not public has no events.
const ASK_EVERY = 5000;
const RETRY_FIRST = 2000;
const RETRY_LONGEST = 30000;

const WITH_NOTICE = ['missing', 'waiting', 'starting', 'interrupted', 'stalled',
  'over', 'preparing', 'gone', 'expired', 'failed'];

export class Stage extends EventTarget {
  #element;
  #link;
  #options;
  #video;
  #still = h('canvas', { class: 'still', hidden: true, 'aria-hidden': 'true' });
  #title = h('p', { class: 'title' });
  #text = h('p', { class: 'text' });
  // Read when asked for, and not with every second that goes by.
  #countdown = h('p', { class: 'countdown', role: 'timer', hidden: true });
  #replay = h('button', { type: 'button', class: 'button primary replay',
    hidden: true, onclick: () => this.#replayAll() });
  #notice;
  #player;
  #controls = null;
  #beacon = null;
  #events = null;
  #broadcast = null;
  #isUnknown = false;
  #isRefused = false;
  #isStopped = false;
  // Whether the recording plays from files, or may not.
  #hasFiles = false;
  #isWithoutFiles = false;
  #wasExpired = false;
  #isReady = false;
  #wasShown = '';
  #askTimer = 0;
  #updateTimer = 0;
  #retry = RETRY_FIRST;

  // Options:
  //   muted, autoplay  of the <video> [true]
  //   beacon           tell that somebody watches [true]
  //   native           the browser's own player [false]
  //   keys             whose keys are the player's [element]
  constructor(element, link, options = {}) {
    super();
    this.#element = element;
    this.#link = link;
    this.#options = { muted: true, autoplay: true, beacon: true, native: false,
      keys: null, ...options };
    this.#video = h('video', { playsinline: true,
      autoplay: this.#options.autoplay });
    this.#video.muted = this.#options.muted;
    // Always there: what is said in something new is not read out.
    this.#notice = h('div', { class: 'notice' },
        h('div', { role: 'status' }, this.#title, this.#text),
        this.#countdown, this.#replay);
    this.#player = new Player(this.#video, `/live/${link}/master.m3u8`,
        { native: this.#options.native });
    element.classList.add('stage');
    element.replaceChildren(this.#video, this.#still, this.#notice);
    element.dataset.state = 'loading';
  }

  get broadcast() {
    return this.#broadcast;
  }

  get state() {
    return this.#element.dataset.state;
  }

  get video() {
    return this.#video;
  }

  // The picture is asked for first; texts may come later.
  async start() {
    if (LINK.test(this.#link)) {
      this.#player.addEventListener('state', () => this.#onPlayer());
      this.#player.addEventListener('leave', () => this.#keepStill());
      this.#player.start();
      this.#ask();
    } else {
      this.#isUnknown = true;
    }
    this.#updateTimer = setInterval(() => this.#update(), UPDATE_EVERY);
    this.#update();
    await ready;
    if (this.#isStopped)
      return;
    this.#isReady = true;
    this.#video.setAttribute('aria-label', t('watch.picture'));
    this.#replay.textContent = t('watch.replay');
    if (LINK.test(this.#link)) {
      this.#controls =
          new Controls(this.#element, this.#video, this.#player);
      this.#options.keys?.addEventListener('keydown', this.#onKey);
    }
    this.#update();
  }

  stop() {
    this.#isStopped = true;
    clearInterval(this.#updateTimer);
    clearTimeout(this.#askTimer);
    this.#options.keys?.removeEventListener('keydown', this.#onKey);
    this.#events?.stop();
    this.#beacon?.stop();
    this.#controls?.stop();
    this.#player.stop();
  }

  #onKey = (event) => this.#controls.handleKey(event);

  // The last picture stays while the player begins anew.
  #keepStill() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0)
      return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext('2d').drawImage(this.#video, 0, 0);
    this.#still.hidden = false;
  }

  #onPlayer() {
    const { state, refusal } = this.#player;
    if (state === 'playing' || state === 'ended')
      this.#still.hidden = true;
    if (state === 'refused' && refusal === 410) {
      this.#refuse();
    } else if (state === 'refused') {
      // Another node has it: what the playlist has, if anything, is here.
      this.#isWithoutFiles = true;
      this.#hasFiles = false;
      this.#player.setFiles(null);
    }
    this.#update();
  }

  #refuse() {
    this.#isRefused = true;
    this.#player.stop();
  }

  // The recording as it can be downloaded: the playlist is of the cache, which
  // is cleared sooner or later. What plays already goes on.
  #useFiles() {
    if (this.#hasFiles || this.#isWithoutFiles || this.#isRefused ||
        !this.#broadcast || !isReady(this.#broadcast))
      return;
    this.#hasFiles = true;
    this.#player.setFiles(filesOf(this.#broadcast));
  }

  #replayAll() {
    this.#useFiles();
    this.#player.replay();
  }

  // The API is asked when the page opens and again when events come anew; where
  // there are none, from time to time.
  async #ask() {
    clearTimeout(this.#askTimer);
    const before = this.#broadcast;
    try {
      const broadcast = await getJson(`/api/v1/broadcasts/${this.#link}`,
          { fresh: true });
      // An event that has overtaken the answer is newer.
      if (this.#broadcast === before)
        this.#setBroadcast(broadcast);
      this.#retry = RETRY_FIRST;
    } catch (error) {
      this.#isUnknown = error.status === 404;
      this.#update();
      this.#askLater(this.#retry);
      this.#retry = Math.min(this.#retry * 2, RETRY_LONGEST);
    }
  }

  #askLater(delay) {
    clearTimeout(this.#askTimer);
    if (!this.#isStopped) {
      this.#askTimer =
          setTimeout(() => this.#ask(), delay * (0.75 + Math.random() / 2));
    }
  }

  #setBroadcast(broadcast) {
    if (this.#isStopped)
      return;
    const isFirst = this.#broadcast === null;
    this.#broadcast = broadcast;
    this.#isUnknown = false;
    const isOver = broadcast.state === 'ended';
    // Who has begun to watch may watch it to its end.
    if (isFirst && isExpired(broadcast))
      this.#refuse();
    if (isFirst && !isOver)
      this.#follow(broadcast);
    if (isOver) {
      this.#beacon?.stop();
      this.#beacon = null;
      if (isComing(broadcast) && !this.#events)
        this.#askLater(ASK_EVERY);
    } else if (broadcast.visibility !== 'public') {
      this.#askLater(ASK_EVERY);
    }
    this.dispatchEvent(new CustomEvent('broadcast', { detail: broadcast }));
    this.#update();
  }

  #follow({ game, visibility }) {
    if (this.#options.beacon) {
      this.#beacon = startWatching(this.#link, this.#video);
      this.#beacon.addEventListener('viewers', ({ detail }) =>
        this.dispatchEvent(new CustomEvent('viewers', { detail })));
    }
    if (visibility !== 'public')
      return;
    this.#events = followEvents({
      game: game.id,
      onEvent: (name, data) => {
        if (name === 'catalogue.reset')
          this.#ask();
        else if (data.link === this.#link && name !== 'broadcast.hidden')
          this.#setBroadcast(data);
        else if (data.link === this.#link)
          this.#askLater(0);
      },
      // What has changed before it was there, it does not tell.
      onConnection: (isUp) => isUp && this.#ask(),
    });
  }

  get #isExpired() {
    return this.#broadcast !== null && isExpired(this.#broadcast);
  }

  #judge() {
    const told = this.#broadcast?.state ?? null;
    const { state, standsStill, isComplete } = this.#player;
    if (this.#isRefused)
      return 'expired';
    if (state === 'over')
      return this.#isExpired ? 'expired' : 'over';
    if (state === 'failed' || state === 'ended')
      return state;
    if (state === 'playing') {
      return told === 'interrupted' && standsStill > STOPS_AFTER ?
        'interrupted' : 'playing';
    }
    if (this.#isExpired)
      return 'expired';
    if (told === 'starting' || told === 'interrupted')
      return told;
    if (state === 'stalled')
      return told === 'ended' && !isComplete ? 'over' : 'stalled';
    if (state === 'waiting' && told === 'ended') {
      if (this.#hasFiles)
        return 'stalled';
      return isComing(this.#broadcast) ? 'preparing' : 'gone';
    }
    if (state !== 'loading' && this.#isUnknown)
      return 'missing';
    return state ?? 'missing';
  }

  #update() {
    if (['loading', 'waiting', 'failed'].includes(this.#player.state))
      this.#useFiles();
    const state = this.#judge();
    const element = this.#element;
    const isNew = state !== element.dataset.state;
    element.dataset.state = state;
    this.#updateNotice(state);
    if (this.#isExpired !== this.#wasExpired) {
      this.#wasExpired = this.#isExpired;
      this.dispatchEvent(
          new CustomEvent('broadcast', { detail: this.#broadcast }));
    }
    if (isNew)
      this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }

  #updateNotice(state) {
    const { recordingExpires, resumeUntil } = this.#broadcast ?? {};
    const isShown = WITH_NOTICE.includes(state);
    this.#notice.classList.toggle('shown', isShown);
    if (!this.#isReady)
      return;
    const left = state === 'interrupted' && resumeUntil !== null ?
      (new Date(resumeUntil) - Date.now()) / 1000 : 0;
    this.#countdown.hidden = left <= 0;
    this.#countdown.textContent =
        t('watch.backWithin', { time: formatDuration(left) });
    this.#replay.hidden = state !== 'over';
    // Said once: a text that is set again is read again.
    const until = state === 'over' && recordingExpires ?
      t('watch.recordingUntil', { date: formatDate(recordingExpires) }) : null;
    const shown = `${state} ${until}`;
    if (shown === this.#wasShown)
      return;
    this.#wasShown = shown;
    this.#title.textContent = isShown ? t(`watch.${state}Title`) : '';
    this.#text.textContent = isShown ? until ?? t(`watch.${state}Text`) : '';
  }
}
