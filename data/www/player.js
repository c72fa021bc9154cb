// SPDX-License-Identifier: LGPL-2.1-or-later

// Plays one live playlist in a <video>: waits until there is one, recovers from
// what can be recovered from, and says what it is doing. Knows nothing of the
// page around it.
//
// Events (CustomEvent):
//   state  detail: 'waiting'  nothing under this address, asked again soon
//                  'playing'  on air, the picture moves
//                  'stalled'  on air, but no new picture arrives
//                  'ended'    complete: what is played is the recording
//                  'failed'   this browser cannot play it

import Hls from './vendor/hls.min.mjs';

const RETRY_FIRST = 1000;
const RETRY_LONGEST = 8000;
// A player that stands still this long tells the viewer.
const STALL_AFTER = 4000;
// One that has shown nothing so long begins anew: the library sometimes waits
// for ever when it joins right after a discontinuity.
const GIVE_UP_AFTER = 10000;
// Two in this time mean that recovering does not help: begin anew.
const RECOVER_APART = 10000;
// This close to the live edge counts as live.
const LIVE_TOLERANCE = 3;
// Picture and sound never end in the same moment, and the library does not
// always tell the <video> that nothing more comes.
const END_TOLERANCE = 0.5;

export class Player extends EventTarget {
  #video;
  #url;
  #hls = null;
  #state = null;
  #retry = RETRY_FIRST;
  #retryTimer = 0;
  #watchTimer = 0;
  #lastTime = -1;
  #movedAt = 0;
  #recoveredAt = 0;
  #ended = false;

  constructor(video, url) {
    super();
    this.#video = video;
    this.#url = url;
  }

  start() {
    this.#setState('waiting');
    this.#watchTimer = setInterval(() => this.#watch(), 500);
    this.#ask();
  }

  stop() {
    clearInterval(this.#watchTimer);
    clearTimeout(this.#retryTimer);
    this.#detach();
  }

  get state() {
    return this.#state;
  }

  // Seconds between what is shown and now, or null where that has no meaning.
  get latency() {
    if (this.#ended || this.#video.readyState === 0)
      return null;
    if (this.#hls)
      return this.#hls.latency || null;
    const edge = this.#edge();
    return edge === null ? null : Math.max(0, edge - this.#video.currentTime);
  }

  get isLive() {
    const target = this.#liveTime();
    return target !== null && !this.#video.paused &&
        this.#video.currentTime > target - LIVE_TOLERANCE;
  }

  // To the newest picture that can be played without a stop.
  goLive() {
    const target = this.#liveTime();
    if (target !== null)
      this.#video.currentTime = target;
    this.#video.play().catch(() => {});
  }

  #setState(state) {
    if (state === this.#state)
      return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }

  #isOver() {
    const { currentTime, duration, ended } = this.#video;
    return ended || (this.#ended && duration - currentTime < END_TOLERANCE);
  }

  #edge() {
    const { seekable } = this.#video;
    return seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
  }

  #liveTime() {
    if (this.#ended)
      return null;
    return this.#hls?.liveSyncPosition ?? this.#edge();
  }

  // One request tells "not on air" from "cannot play" for every kind of player.
  async #ask() {
    try {
      const answer = await fetch(this.#url, { cache: 'no-store' });
      if (answer.ok) {
        this.#attach();
        return;
      }
    } catch {
      // No network is no broadcast: ask again.
    }
    this.#askLater();
  }

  #askLater() {
    this.#setState('waiting');
    clearTimeout(this.#retryTimer);
    // Many pages wait for the same broadcast: they do not all ask at once.
    const delay = this.#retry * (0.75 + Math.random() / 2);
    this.#retryTimer = setTimeout(() => this.#ask(), delay);
    this.#retry = Math.min(this.#retry * 1.5, RETRY_LONGEST);
  }

  #attach() {
    this.#ended = false;
    this.#lastTime = -1;
    this.#movedAt = performance.now();
    if (Hls.isSupported())
      this.#attachHls();
    else if (this.#video.canPlayType('application/vnd.apple.mpegurl'))
      this.#attachNative();
    else
      this.#setState('failed');
  }

  #attachHls() {
    const hls = new Hls({
      workerPath: new URL('./vendor/hls.worker.js', import.meta.url).href,
      backBufferLength: 60,
      // Catches up after a hiccup, too little for an ear to notice.
      maxLiveSyncPlaybackRate: 1.05,
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      if (!details.live)
        this.#ended = true;
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal)
        return;
      if (data.details === Hls.ErrorDetails.LEVEL_EMPTY_ERROR) {
        // On air for less than a segment: as good as not yet.
        this.#detach();
        this.#askLater();
        return;
      }
      console.warn(`player: ${data.type} ${data.details}`);
      this.#recover(data.type === Hls.ErrorTypes.MEDIA_ERROR);
    });
    this.#hls = hls;
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
    this.#video.play().catch(() => {});
  }

  #attachNative() {
    this.#video.onerror = () => this.#recover(false);
    this.#video.src = this.#url;
    this.#video.play().catch(() => {});
  }

  #recover(isMedia) {
    const now = performance.now();
    const again = now - this.#recoveredAt < RECOVER_APART;
    this.#recoveredAt = now;
    if (isMedia && !again) {
      this.#hls.recoverMediaError();
      return;
    }
    this.#detach();
    this.#askLater();
  }

  #detach() {
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.onerror = null;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  // Looks at the picture rather than at events: they differ between browsers,
  // and none of them says that nothing arrives.
  #watch() {
    if (this.#state === 'waiting' && !this.#hls && !this.#video.src)
      return;
    const video = this.#video;
    if (!this.#hls && Number.isFinite(video.duration))
      this.#ended = true;
    const now = performance.now();
    if (video.currentTime !== this.#lastTime || video.paused) {
      this.#lastTime = video.currentTime;
      this.#movedAt = now;
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        this.#retry = RETRY_FIRST;
        this.#setState(this.#ended ? 'ended' : 'playing');
      }
    } else if (now - this.#movedAt > GIVE_UP_AFTER && this.#hls &&
        video.readyState === HTMLMediaElement.HAVE_NOTHING) {
      this.#detach();
      this.#askLater();
    } else if (now - this.#movedAt > STALL_AFTER && !this.#isOver()) {
      this.#setState('stalled');
    }
  }
}
