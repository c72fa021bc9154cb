// SPDX-License-Identifier: LGPL-2.1-or-later

// Plays one playlist in a <video>, or files one after the other: waits until
// there is one, recovers from what can be recovered from, and says what it is
// doing. Knows nothing of the page around it. The library plays playlists where
// it can, else the browser's own player; that plays files.
//
// Events (CustomEvent):
//   state   detail: 'loading'  asked for the first time
//                   'waiting'  nothing under this address, asked again soon
//                   'playing'  on air, the picture moves
//                   'stalled'  on air, but no new picture arrives
//                   'ended'    complete: what is played is the recording
//                   'over'     and it has been played to its end
//                   'failed'   this browser cannot play it
//                   'refused'  a file is not there, or not any more (`refusal`)
//   levels  there are other qualities to choose from than before
//   leave   the <video> is about to lose the picture that it shows

import Hls from './vendor/hls.min.mjs';

const HLS_TYPE = 'application/vnd.apple.mpegurl';
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

export const AUTO = -1;

export class Player extends EventTarget {
  #video;
  #url;
  #isNative;
  #hls = null;
  #state = null;
  #level = AUTO;
  #retry = RETRY_FIRST;
  #retryTimer = 0;
  #watchTimer = 0;
  #lastTime = -1;
  #movedAt = 0;
  #recoveredAt = 0;
  #ended = false;
  // Addresses, instead of the playlist; and which of them.
  #files = null;
  #part = 0;
  // Where to go on in it, in seconds.
  #resumeAt = 0;
  // Whether it was there, after it could not be played.
  #isChecked = false;
  #refusal = 0;
  // Whether it shall play when there is something to play.
  #plays;
  #listening = new AbortController();

  // `native`: the browser's own player, even where the library would do.
  constructor(video, url, { native = false } = {}) {
    super();
    this.#video = video;
    this.#url = url;
    this.#isNative = native || !Hls.isSupported();
    this.#plays = video.autoplay;
    // Else it would also start one that the viewer has stopped.
    video.autoplay = false;
  }

  start() {
    this.#setState('loading');
    this.#watchTimer = setInterval(() => this.#watch(), 500);
    // The first picture, and each that comes after a stop, is told at once.
    for (const name of ['loadeddata', 'timeupdate', 'ended']) {
      this.#video.addEventListener(name, () => this.#watch(),
          { signal: this.#listening.signal });
    }
    this.#begin();
  }

  stop() {
    clearInterval(this.#watchTimer);
    clearTimeout(this.#retryTimer);
    this.#listening.abort();
    this.#detach();
  }

  get state() {
    return this.#state;
  }

  // Status of the answer that refused a file.
  get refusal() {
    return this.#refusal;
  }

  // What to play instead of the playlist; null: the playlist again. Of a
  // recording that has been played so far, one file goes on from there.
  setFiles(files) {
    this.#resumeAt = this.#ended && files?.length === 1 ?
      Math.max(this.#lastTime, 0) : 0;
    clearTimeout(this.#retryTimer);
    this.#detach();
    this.#files = files;
    this.#part = 0;
    this.#isChecked = false;
    this.#retry = RETRY_FIRST;
    this.#setState('loading');
    this.#begin();
  }

  // Whether all of it is known: it is a recording now.
  get isComplete() {
    return this.#ended;
  }

  // Seconds since the picture has moved; 0 if the viewer has stopped it.
  get standsStill() {
    return this.#isAttached ? (performance.now() - this.#movedAt) / 1000 : 0;
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

  // { start, end } in seconds of what can be played, or null.
  get range() {
    const { seekable, duration } = this.#video;
    if (seekable.length === 0)
      return null;
    const start = seekable.start(0);
    const end = this.#ended ? duration : this.#liveTime();
    return end > start ? { start, end } : null;
  }

  // The qualities, the best first: [{ id, height, bitrate }]. A player of the
  // browser's own does not tell them.
  get levels() {
    const levels = (this.#hls?.levels ?? []).map(({ height, bitrate }, id) =>
      ({ id, height, bitrate }));
    return levels.sort((a, b) => b.bitrate - a.bitrate);
  }

  // The `id` of the one that was chosen, or AUTO.
  get level() {
    return this.#level;
  }

  set level(id) {
    this.#level = id;
    if (this.#hls)
      this.#hls.nextLevel = id;
  }

  // Where in what can be played `time` is, or the end of that nearest to it.
  seek(time) {
    const { range } = this;
    if (range) {
      this.#video.currentTime =
          Math.min(Math.max(time, range.start), range.end);
    }
  }

  // To the newest picture that can be played without a stop.
  goLive() {
    const target = this.#liveTime();
    if (target !== null)
      this.#video.currentTime = target;
    this.#play();
  }

  // A recording, all of it, from its first picture.
  replay() {
    this.#detach();
    this.#part = 0;
    this.#resumeAt = 0;
    this.#plays = true;
    this.#setState('loading');
    this.#begin();
  }

  #play() {
    // Refused where sound was not asked for by hand: the viewer has a button.
    this.#video.play().catch(() => {});
  }

  #setState(state) {
    if (state === this.#state)
      return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }

  get #isAttached() {
    return this.#hls !== null || this.#video.hasAttribute('src');
  }

  #isOver() {
    const { currentTime, duration, ended } = this.#video;
    return ended || (this.#part + 1 >= (this.#files?.length ?? 0) &&
        duration - currentTime < END_TOLERANCE);
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

  #begin() {
    if (this.#files)
      this.#attachNative();
    else if (!this.#isNative)
      this.#attachHls();
    else if (this.#video.canPlayType(HLS_TYPE))
      this.#ask();
    else
      this.#setState('failed');
  }

  // The browser's own player does not tell "not on air" from "cannot play".
  async #ask() {
    try {
      const answer = await fetch(this.#url, { cache: 'no-store' });
      if (answer.ok && !this.#listening.signal.aborted) {
        this.#attachNative();
        return;
      }
    } catch {
      // No network is no broadcast: ask again.
    }
    this.#beginLater();
  }

  // Nor does it tell "not there any more" from "the network is away". Where the
  // answer leads is not asked: that may be another site.
  async #askFile() {
    const files = this.#files;
    try {
      const { ok, status, type } = await fetch(files[this.#part],
          { method: 'HEAD', cache: 'no-store', redirect: 'manual' });
      if (this.#listening.signal.aborted || files !== this.#files)
        return;
      if (ok || type === 'opaqueredirect') {
        this.#isChecked = true;
        this.#attachNative();
        return;
      }
      if (status === 404 || status === 410) {
        this.#refusal = status;
        this.#setState('refused');
        return;
      }
    } catch {
      // No network: ask again.
    }
    if (files === this.#files)
      this.#beginLater();
  }

  #beginLater() {
    if (this.#listening.signal.aborted)
      return;
    this.#setState('waiting');
    clearTimeout(this.#retryTimer);
    // Many pages wait for the same broadcast: they do not all ask at once.
    const delay = this.#retry * (0.75 + Math.random() / 2);
    this.#retryTimer = setTimeout(
        () => this.#files ? this.#askFile() : this.#begin(), delay);
    this.#retry = Math.min(this.#retry * 1.5, RETRY_LONGEST);
  }

  #attach() {
    this.#ended = false;
    this.#lastTime = -1;
    this.#movedAt = performance.now();
  }

  #attachHls() {
    this.#attach();
    const hls = new Hls({
      // Our segments are what the browser takes: nothing is made of them that
      // would be worth the start of a thread.
      enableWorker: false,
      backBufferLength: 60,
      // The first picture does not wait for a segment that only measures.
      testBandwidth: false,
      // Catches up after a hiccup, too little for an ear to notice.
      maxLiveSyncPlaybackRate: 1.05,
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      if (this.#level >= hls.levels.length)
        this.#level = AUTO;
      hls.startLevel = this.#level;
      if (this.#level !== AUTO)
        hls.nextLevel = this.#level;
      this.dispatchEvent(new CustomEvent('levels'));
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      if (!details.live)
        this.#ended = true;
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal)
        this.#onFatal(data);
    });
    this.#hls = hls;
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
    if (this.#plays)
      this.#play();
  }

  #onFatal({ details, type }) {
    const { ErrorDetails, ErrorTypes } = Hls;
    // Not on air, or for less than a segment: as good as not yet.
    if (details === ErrorDetails.MANIFEST_LOAD_ERROR ||
        details === ErrorDetails.LEVEL_EMPTY_ERROR) {
      this.#detach();
      this.#beginLater();
      return;
    }
    console.warn(`player: ${type} ${details}`);
    this.#recover(type === ErrorTypes.MEDIA_ERROR);
  }

  #attachNative() {
    this.#attach();
    this.#ended = this.#files !== null;
    this.#video.onerror = () =>
      this.#files ? this.#onFileError() : this.#recover(false);
    this.#video.src = this.#files ? this.#files[this.#part] : this.#url;
    // What was said to one that had not begun holds for the next one, too.
    if (this.#files)
      this.#video.currentTime = this.#resumeAt;
    if (this.#plays)
      this.#play();
  }

  #onFileError() {
    const { code } = this.#video.error;
    this.#resumeAt = Math.max(this.#lastTime, this.#resumeAt);
    this.#detach();
    if (this.#isChecked && code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED)
      this.#setState('failed');
    else
      this.#askFile();
  }

  #playNextPart() {
    this.#detach();
    this.#part += 1;
    this.#resumeAt = 0;
    this.#plays = true;
    this.#attachNative();
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
    this.#beginLater();
  }

  #detach() {
    this.dispatchEvent(new CustomEvent('leave'));
    if (this.#video.readyState > HTMLMediaElement.HAVE_NOTHING)
      this.#plays = !this.#video.paused;
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.onerror = null;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  // Looks at the picture rather than at events: they differ between browsers,
  // and none of them says that nothing arrives.
  #watch() {
    if (!this.#isAttached)
      return;
    const video = this.#video;
    if (!this.#hls && Number.isFinite(video.duration))
      this.#ended = true;
    const now = performance.now();
    if (video.ended && this.#part + 1 < (this.#files?.length ?? 0)) {
      this.#playNextPart();
    } else if (this.#ended && this.#isOver()) {
      this.#movedAt = now;
      this.#setState('over');
    } else if (video.currentTime !== this.#lastTime || video.paused) {
      this.#lastTime = video.currentTime;
      this.#movedAt = now;
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        this.#retry = RETRY_FIRST;
        this.#isChecked = false;
        this.#setState(this.#ended ? 'ended' : 'playing');
      }
    } else if (now - this.#movedAt > GIVE_UP_AFTER && this.#hls &&
        video.readyState === HTMLMediaElement.HAVE_NOTHING) {
      this.#detach();
      this.#beginLater();
    } else if (now - this.#movedAt > STALL_AFTER) {
      this.#setState('stalled');
    }
  }
}
