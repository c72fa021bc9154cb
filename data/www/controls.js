// SPDX-License-Identifier: LGPL-2.1-or-later

// The bar over a picture: all that a viewer can do with a Player, by mouse,
// finger and keyboard.

import { h } from './dom.js';
import { formatDuration, formatNumber, t } from './i18n.js';
import { AUTO } from './player.js';

// The bar goes when nothing was touched for so long, in ms.
const HIDE_AFTER = 3000;
const UPDATE_EVERY = 250;
const SEEK_STEP = 5;
const SEEK_PAGE = 30;
const VOLUME_STEP = 0.1;
// Nobody goes back by less.
const SHORTEST_RANGE = 3;

const ICONS = {
  play: 'M8 5.5v13l11-6.5z',
  pause: 'M7 5h3.5v14H7zM13.5 5H17v14h-3.5z',
  loud: 'M4 9.5h3.5L12 5.5v13l-4.5-4H4zM14.5 8.2v7.6c1.5-.6 2.5-2.1 ' +
    '2.5-3.8s-1-3.2-2.5-3.8zM14.5 4.3v2c2.6.8 4.5 3 4.5 5.7s-1.9 4.9-4.5 ' +
    '5.7v2c3.7-.8 6.5-4 6.5-7.7s-2.8-6.9-6.5-7.7z',
  silent: 'M4 9.5h3.5L12 5.5v13l-4.5-4H4zM14.7 9.9l1.2-1.2 2.1 2.1 2.1-2.1 ' +
    '1.2 1.2-2.1 2.1 2.1 2.1-1.2 1.2-2.1-2.1-2.1 2.1-1.2-1.2 2.1-2.1z',
  picture: 'M3 5h18v14H3zM5 7v10h14V7zM11.5 11.5h6v4h-6z',
  fullscreen: 'M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6' +
    'h-6v-2h4z',
  window: 'M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4' +
    'h-2z',
};
const SVG = 'http://www.w3.org/2000/svg';

function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

// Says what it does, not how it is: so nothing is pressed and named at once.
function setButton(button, name, label) {
  if (button.dataset.icon !== name) {
    button.dataset.icon = name;
    button.replaceChildren(icon(name));
  }
  button.setAttribute('aria-label', label);
  button.title = label;
}

const isText = (element) => element.isContentEditable ||
  element.matches('input:not([type="range"]), textarea, select');

// Seconds as somebody says them.
function inWords(seconds) {
  const whole = Math.round(seconds);
  const units = [['hour', 3600], ['minute', 60], ['second', 1]];
  const words = units.map(([unit, length], i) => {
    const n = Math.floor((i ? whole % units[i - 1][1] : whole) / length);
    return n > 0 ? t(`watch.${unit}s`, { n }) : null;
  }).filter(Boolean);
  return words.join(' ') || t('watch.seconds', { n: 0 });
}

export class Controls {
  #root;
  #video;
  #player;
  #bar;
  #bigPlay;
  #fullscreen;
  #latency;
  #live;
  #mute;
  #picture;
  #play;
  #quality;
  #seek;
  #sound;
  #time;
  #volume;
  #listening = new AbortController();
  #hideTimer = 0;
  #updateTimer = 0;
  #isDragging = false;
  // Silent because the browser asks for it, not because the viewer does.
  #soundOffered;

  // `root` holds `video`, and gets the bar. The texts must have been loaded.
  constructor(root, video, player) {
    this.#root = root;
    this.#video = video;
    this.#player = player;
    this.#soundOffered = video.muted;
    this.#build();
    this.#listen();
    this.#updateLevels();
    this.#updateTimer = setInterval(() => this.update(), UPDATE_EVERY);
    this.update();
    this.#show();
  }

  stop() {
    clearTimeout(this.#hideTimer);
    clearInterval(this.#updateTimer);
    this.#listening.abort();
    this.#bar.remove();
    this.#sound.remove();
    this.#bigPlay.remove();
  }

  #build() {
    const button = (name, act) => h('button',
        { type: 'button', class: `control ${name}`, onclick: act });
    this.#play = button('play', () => this.#togglePlay());
    this.#mute = button('mute', () => this.#toggleSound());
    this.#picture = button('picture', () => this.#togglePicture());
    this.#fullscreen = button('fullscreen', () => this.#toggleFullscreen());
    this.#volume = h('input', { type: 'range', class: 'volume', min: 0, max: 1,
      step: 0.05, 'aria-label': t('watch.volume') });
    // Time goes from left to right, in whatever direction people write.
    this.#seek = h('input', { type: 'range', class: 'seek', dir: 'ltr', min: 0,
      max: 1, step: 'any', 'aria-label': t('watch.seek') });
    this.#time = h('span', { class: 'time', dir: 'ltr' });
    this.#live = h('button', { type: 'button', class: 'control live',
      'aria-pressed': 'false', title: t('watch.goLive'),
      onclick: () => this.#player.goLive() }, t('common.live'));
    this.#latency = h('span', { class: 'latency' });
    this.#quality = h('select', { class: 'quality',
      'aria-label': t('watch.quality') });
    this.#sound = h('button', { type: 'button', class: 'sound',
      onclick: () => this.#setSound(true) }, icon('silent'),
    h('span', null, t('watch.soundOn')));
    // For eyes and fingers; others have the one in the bar.
    this.#bigPlay = h('button', { type: 'button', class: 'big-play',
      tabindex: -1, 'aria-hidden': 'true',
      onclick: () => this.#togglePlay() }, icon('play'));
    this.#bar = h('div', { class: 'controls', role: 'group',
      'aria-label': t('watch.controls') }, this.#seek,
    h('div', { class: 'row' }, this.#play, this.#mute, this.#volume, this.#live,
        this.#time, this.#latency, h('span', { class: 'space' }), this.#quality,
        this.#picture, this.#fullscreen));
    this.#root.append(this.#bigPlay, this.#sound, this.#bar);
  }

  #on(target, names, listener) {
    for (const name of names.split(' ')) {
      target.addEventListener(name, listener,
          { signal: this.#listening.signal });
    }
  }

  #listen() {
    const update = () => this.update();
    this.#on(this.#video, 'play pause volumechange loadeddata', update);
    this.#on(this.#player, 'state', update);
    this.#on(this.#player, 'levels', () => this.#updateLevels());
    this.#on(document, 'fullscreenchange', update);
    this.#on(this.#video, 'enterpictureinpicture leavepictureinpicture',
        update);

    this.#on(this.#root, 'keydown', (event) => this.handleKey(event));
    this.#on(this.#root, 'pointermove focusin keydown', () => this.#show());
    this.#on(this.#root, 'pointerleave', () => this.#hide());
    this.#on(this.#video, 'click', (event) => this.#onClick(event));
    this.#on(this.#video, 'dblclick', () => this.#toggleFullscreen());

    this.#on(this.#seek, 'input', () => {
      this.#isDragging = true;
      this.update();
    });
    this.#on(this.#seek, 'change', () => {
      this.#isDragging = false;
      this.#player.seek(Number(this.#seek.value));
    });
    this.#on(this.#seek, 'keydown', (event) => this.#onSeekKey(event));
    this.#on(this.#volume, 'input', () =>
      this.#setVolume(Number(this.#volume.value)));
    this.#on(this.#quality, 'change', () => {
      this.#player.level = Number(this.#quality.value);
    });
  }

  // Of a keydown that the bar has not seen, as one of the page round it.
  handleKey(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey ||
        event.metaKey || isText(event.target))
      return;
    // A page that scrolls goes on doing so.
    if (/^Arrow(Up|Down)$/.test(event.key) &&
        !this.#root.contains(event.target) &&
        document.documentElement.scrollHeight > window.innerHeight)
      return;
    // A focused button or slider has its own keys.
    const onButton = event.target.matches('button, a, summary');
    const onSlider = event.target.matches('input');
    const act = this.#keyAction(event.key);
    if (!act || (onButton && event.key === ' ') ||
        (onSlider && event.key.startsWith('Arrow')))
      return;
    event.preventDefault();
    act();
    this.#show();
  }

  #keyAction(key) {
    const video = this.#video;
    if (/^[0-9]$/.test(key) && this.#player.isComplete)
      return () => this.#seekTo(Number(key) / 10);
    return {
      ' ': () => this.#togglePlay(),
      'k': () => this.#togglePlay(),
      'm': () => this.#toggleSound(),
      'f': () => this.#toggleFullscreen(),
      'l': () => this.#player.goLive(),
      'ArrowLeft': () => this.#player.seek(video.currentTime - SEEK_STEP),
      'ArrowRight': () => this.#player.seek(video.currentTime + SEEK_STEP),
      'ArrowUp': () => this.#setVolume(video.volume + VOLUME_STEP),
      'ArrowDown': () => this.#setVolume(video.volume - VOLUME_STEP),
    }[key.length === 1 ? key.toLowerCase() : key];
  }

  #onSeekKey(event) {
    const by = { ArrowLeft: -SEEK_STEP, ArrowDown: -SEEK_STEP,
      ArrowRight: SEEK_STEP, ArrowUp: SEEK_STEP,
      PageDown: -SEEK_PAGE, PageUp: SEEK_PAGE }[event.key];
    if (by)
      this.#player.seek(this.#video.currentTime + by);
    else if (event.key === 'Home' || event.key === 'End')
      this.#seekTo(event.key === 'Home' ? 0 : 1);
    else
      return;
    event.preventDefault();
    this.update();
  }

  // To a part, 0 to 1, of what can be played.
  #seekTo(part) {
    const { range } = this.#player;
    if (range)
      this.#player.seek(range.start + part * (range.end - range.start));
  }

  #togglePlay() {
    if (this.#player.state === 'over')
      this.#player.replay();
    else if (this.#video.paused)
      this.#video.play().catch(() => {});
    else
      this.#video.pause();
  }

  #toggleSound() {
    this.#setSound(this.#video.muted || this.#video.volume === 0);
  }

  #setSound(isOn) {
    this.#soundOffered = false;
    this.#video.muted = !isOn;
    if (isOn && this.#video.volume === 0)
      this.#video.volume = 1;
    this.update();
  }

  #setVolume(volume) {
    this.#soundOffered = false;
    this.#video.volume = Math.min(Math.max(volume, 0), 1);
    this.#video.muted = this.#video.volume === 0;
  }

  async #togglePicture() {
    try {
      if (document.pictureInPictureElement)
        await document.exitPictureInPicture();
      else
        await this.#video.requestPictureInPicture();
    } catch {
      // Refused before there is a picture.
    }
  }

  async #toggleFullscreen() {
    try {
      if (document.fullscreenElement)
        await document.exitFullscreen();
      else if (this.#root.requestFullscreen)
        await this.#root.requestFullscreen();
      else
        this.#video.webkitEnterFullscreen();
    } catch {
      // Refused by a page that frames us.
    }
  }

  #onClick(event) {
    // A finger asks for the bar, a mouse has it already.
    if (event.pointerType !== 'touch')
      this.#togglePlay();
    else if (this.#root.dataset.bar === 'hidden')
      this.#show();
    else
      this.#hide();
  }

  #show() {
    this.#root.dataset.bar = 'shown';
    clearTimeout(this.#hideTimer);
    this.#hideTimer = setTimeout(() => this.#hide(), HIDE_AFTER);
  }

  // Not from under a pointer, nor from whoever goes through it by keyboard.
  #hide() {
    if (this.#video.paused || this.#bar.matches(':hover') ||
        this.#bar.querySelector(':focus-visible'))
      this.#show();
    else
      this.#root.dataset.bar = 'hidden';
  }

  update() {
    const video = this.#video;
    const { state, latency, isComplete } = this.#player;
    const known = state === 'playing' && latency !== null;
    const hasPicture = video.readyState >= HTMLMediaElement.HAVE_METADATA;

    const isStill = video.paused || state === 'over';
    setButton(this.#play, isStill ? 'play' : 'pause',
        t(isStill ? 'watch.play' : 'watch.pause'));
    this.#bigPlay.hidden = !video.paused || !hasPicture || state === 'over';
    const isSilent = video.muted || video.volume === 0;
    setButton(this.#mute, isSilent ? 'silent' : 'loud',
        t(isSilent ? 'watch.soundOn' : 'watch.soundOff'));
    if (!video.muted)
      this.#soundOffered = false;
    this.#sound.hidden = !this.#soundOffered ||
        !['playing', 'ended'].includes(state);
    const volume = video.muted ? 0 : video.volume;
    this.#volume.value = volume;
    this.#volume.setAttribute('aria-valuetext',
        formatNumber(volume, { style: 'percent' }));
    this.#fill(this.#volume, volume);

    this.#live.hidden = isComplete;
    this.#live.disabled = !known;
    this.#live.setAttribute('aria-pressed',
        String(known && this.#player.isLive));
    this.#latency.textContent = isComplete ? t('common.ended') :
      known && this.#player.isLive ? t('watch.behindLive', {
        seconds: formatNumber(latency, { minimumFractionDigits: 1,
          maximumFractionDigits: 1 }) }) : '';
    this.#updateSeek();

    this.#quality.hidden = this.#quality.length < 3;
    this.#picture.hidden = !document.pictureInPictureEnabled;
    setButton(this.#picture, 'picture', t('watch.pictureInPicture'));
    this.#fullscreen.hidden = !document.fullscreenEnabled &&
        !video.webkitSupportsFullscreen;
    const isFull = document.fullscreenElement !== null;
    setButton(this.#fullscreen, isFull ? 'window' : 'fullscreen',
        t(isFull ? 'watch.leaveFullscreen' : 'watch.fullscreen'));
  }

  #updateSeek() {
    const { range, isComplete, isLive, latency } = this.#player;
    const isUseful = range !== null && range.end - range.start > SHORTEST_RANGE;
    this.#seek.disabled = !isUseful;
    if (!isUseful) {
      this.#time.textContent = '';
      this.#fill(this.#seek, 1);
      return;
    }
    this.#seek.min = range.start;
    this.#seek.max = range.end;
    if (!this.#isDragging)
      this.#seek.value = this.#video.currentTime;
    const at = Number(this.#seek.value);
    const { currentTime } = this.#video;
    const behind =
        Math.max(0, (latency ?? range.end - currentTime) + currentTime - at);
    this.#fill(this.#seek, (at - range.start) / (range.end - range.start));
    if (isComplete) {
      const [now, all] = [at - range.start, range.end - range.start];
      this.#time.textContent =
          `${formatDuration(now)} / ${formatDuration(all)}`;
      this.#seek.setAttribute('aria-valuetext', t('watch.timeOf',
          { time: inWords(now), all: inWords(all) }));
    } else if (isLive && !this.#isDragging) {
      this.#time.textContent = '';
      this.#seek.setAttribute('aria-valuetext', t('watch.atLive'));
    } else {
      this.#time.textContent = `−${formatDuration(behind)}`;
      this.#seek.setAttribute('aria-valuetext',
          t('watch.timeBehind', { time: inWords(behind) }));
    }
  }

  #fill(slider, part) {
    slider.style.setProperty('--filled',
        `${Math.min(Math.max(part, 0), 1) * 100}%`);
  }

  #updateLevels() {
    const { levels, level } = this.#player;
    this.#quality.replaceChildren(
        h('option', { value: AUTO }, t('watch.auto')),
        ...levels.map(({ id, height }) => h('option', { value: id },
            height ? `${height}p` : t('watch.soundOnly'))));
    this.#quality.value = level;
  }
}
