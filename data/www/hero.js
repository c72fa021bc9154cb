// SPDX-License-Identifier: LGPL-2.1-or-later

// The one broadcast that a page puts first: a card as large as there is room,
// that plays.

import { broadcastCard, updateCard } from './cards.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { Preview } from './preview.js';

// The foremost of `live`. One that was chosen stays until it is over: a page
// that is looked at does not change its mind.
const choose = (live, link) => live.find((one) => one.link === link) ??
    live.find(({ state }) => state === 'live') ?? live[0];

export class Hero {
  #place;
  #card = null;
  #link = null;
  #preview = null;

  constructor(place) {
    this.#place = place;
  }

  // Shows one of `live`, and gives the others.
  show(live, viewersOf) {
    const broadcast = choose(live, this.#link);
    this.#place.hidden = !broadcast;
    const shown = { viewers: broadcast ? viewersOf(broadcast.link) : 0 };
    if (broadcast?.link !== this.#link)
      this.#replace(broadcast, shown);
    else if (broadcast)
      updateCard(this.#card, broadcast, shown);
    // Nothing plays before it is live; what is interrupted stands still.
    if (broadcast?.state === 'live' && !this.#preview) {
      this.#preview = new Preview(
          this.#card.querySelector('.card-picture'), broadcast);
    }
    return live.filter((one) => one !== broadcast);
  }

  #replace(broadcast, shown) {
    this.#preview?.stop();
    this.#preview = null;
    this.#card = null;
    this.#link = broadcast?.link ?? null;
    if (broadcast) {
      this.#card = broadcastCard(broadcast, shown);
      this.#card.classList.add('hero');
      // Only looks like one: all of the card is the link.
      this.#card.querySelector('.card-text').append(h('span',
          { class: 'button primary', 'aria-hidden': 'true' },
          t('common.watch')));
    }
    this.#place.replaceChildren(...this.#card ? [this.#card] : []);
  }
}
