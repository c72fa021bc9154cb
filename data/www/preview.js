// SPDX-License-Identifier: LGPL-2.1-or-later

// A broadcast that plays by itself, without its sound, over its poster: only
// where the viewer has not asked for less motion or fewer bytes, and while it
// is in sight.

import { h } from './dom.js';
import { t } from './i18n.js';
import { whenPictured } from './posters.js';

// A broadcast whose picture has been there so long can be played. To ask for it
// earlier is an error in the console.
const PICTURE_FIRST = 3000;

const asks = (query) => matchMedia(query).matches;
const isWanted = () => !asks('(prefers-reduced-motion: reduce)') &&
    !asks('(prefers-reduced-data: reduce)') &&
    !navigator.connection?.saveData;

export class Preview {
  #playlist;
  #video = null;
  #button = null;
  #player = null;
  #observer = null;
  #isReady = false;
  #isInSight = false;
  #isPaused = false;
  #readyTimer = 0;

  // Plays `broadcast` in `place`, over what is in it.
  constructor(place, broadcast) {
    this.#playlist = broadcast.playlist;
    if (!isWanted())
      return;
    this.#video = h('video', {
      class: 'preview', muted: true, playsinline: true, tabindex: -1,
      'aria-hidden': 'true',
    });
    this.#video.muted = true;
    this.#button = h('button', {
      type: 'button', class: 'preview-pause', hidden: true,
      onclick: () => this.#toggle(),
    });
    place.append(this.#video, this.#button);
    this.#observer = new IntersectionObserver(([{ isIntersecting }]) => {
      this.#isInSight = isIntersecting;
      this.#update();
    }, { threshold: 0.25 });
    this.#observer.observe(place);
    document.addEventListener('visibilitychange', this.#update);
    this.#label();
    whenPictured(place, () => {
      this.#readyTimer = setTimeout(() => {
        this.#isReady = true;
        this.#update();
      }, PICTURE_FIRST);
    });
  }

  stop() {
    document.removeEventListener('visibilitychange', this.#update);
    this.#observer?.disconnect();
    clearTimeout(this.#readyTimer);
    this.#isInSight = false;
    this.#update();
  }

  #toggle() {
    this.#isPaused = !this.#isPaused;
    this.#label();
    this.#update();
  }

  #label() {
    this.#button.ariaLabel =
      t(this.#isPaused ? 'common.previewPlay' : 'common.previewPause');
    this.#button.dataset.paused = this.#isPaused;
  }

  #isOn() {
    return this.#isReady && this.#isInSight && !this.#isPaused &&
        !document.hidden;
  }

  #update = async () => {
    if (!this.#isOn()) {
      this.#player?.stop();
      this.#player = null;
      this.#video?.classList.remove('shown');
      return;
    }
    // Large, and most pages have nothing to play.
    const { Player } = await import('./player.js');
    if (this.#player || !this.#isOn())
      return;
    // Tells the player to play, which takes it back.
    this.#video.autoplay = true;
    const player = new Player(this.#video, this.#playlist);
    player.addEventListener('state', ({ detail }) => {
      const isShown = detail === 'playing';
      this.#video.classList.toggle('shown', isShown);
      this.#button.hidden &&= !isShown;
    });
    this.#player = player;
    player.start();
  };
}
