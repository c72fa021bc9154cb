// SPDX-License-Identifier: LGPL-2.1-or-later

// Rows and grids of cards that follow a list.

import { broadcastCard, updateCard } from './cards.js';
import { byId } from './dom.js';
import { t } from './i18n.js';

// Makes `shelf` hold a card of each, in this order. Those that are there stay
// as they are: with their pictures, and the focus in them.
export function fillShelf(shelf, broadcasts, viewersOf) {
  const gone = new Map(Array.from(shelf.children,
      (card) => [card.dataset.link, card]));
  const cards = broadcasts.map((broadcast) => {
    const shown = { viewers: viewersOf(broadcast.link) };
    const card = gone.get(broadcast.link);
    if (!card)
      return broadcastCard(broadcast, shown);
    gone.delete(broadcast.link);
    updateCard(card, broadcast, shown);
    return card;
  });
  for (const card of gone.values())
    card.remove();
  cards.forEach((card, i) => {
    if (shelf.children[i] !== card)
      shelf.insertBefore(card, shelf.children[i] ?? null);
  });
}

// Calls show() whenever `list` is not as it was. The note #stale of the page
// says so when it may be old: what was shown stays.
export function follow(list, show) {
  const note = byId('stale');
  list.addEventListener('change', () => {
    const text = !list.isStale ? '' :
      t(list.isLoaded ? 'common.stale' : 'common.away');
    if (note.textContent !== text)
      note.textContent = text;
    byId('main').ariaBusy = String(!list.isLoaded);
    show();
  });
  list.start();
}

// Makes `button` ask for one more page of the recordings of `list`.
export function offerMore(button, list) {
  list.addEventListener('change', () => {
    button.hidden = !list.hasMoreEnded;
  });
  // If none came, whoever wants them presses once more.
  button.addEventListener('click', () => list.moreEnded().catch(() => {}));
}
