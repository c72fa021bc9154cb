// SPDX-License-Identifier: LGPL-2.1-or-later

// Broadcasts as cards: a picture, what it is, how it stands.

import { h } from './dom.js';
import { formatAgo, formatDate, t } from './i18n.js';
import { posterOf, showPoster } from './posters.js';

export const titleOf = (broadcast) => broadcast.title || broadcast.game.title;

const setText = (element, text) => {
  if (element.textContent !== text)
    element.textContent = text;
};

const setTag = (tag, state) => {
  tag.className = `tag ${state}`;
  setText(tag, t(`common.${state}`));
};

// The state of a broadcast in a word.
export function liveTag(broadcast) {
  const tag = h('span');
  setTag(tag, broadcast.state);
  return tag;
}

// When it was or how long it will be, and for whom that matters more exactly.
function setTime(time, broadcast) {
  const isOver = broadcast.state === 'ended';
  const at = isOver ? broadcast.recordingExpires :
    broadcast.startedAt ?? broadcast.createdAt;
  time.dateTime = at;
  time.title = formatDate(at);
  setText(time, t(isOver ? 'common.until' : 'common.since',
      { ago: formatAgo(at), date: formatDate(at) }));
}

// The parts of a card, by what they show.
const PARTS = ['tag', 'viewers', 'title', 'game', 'by', 'time'];

export function broadcastCard(broadcast, shown) {
  const card = h('article', { class: 'card' },
      h('div', { class: 'card-picture' },
          posterOf(broadcast),
          h('div', { class: 'card-tags' },
              h('span', { 'data-part': 'tag' }),
              h('span', { class: 'tag over', 'data-part': 'viewers' }))),
      h('div', { class: 'card-text' },
          h('h3', { class: 'clamp' },
              h('a', { class: 'card-link', href: broadcast.watch, dir: 'auto',
                'data-part': 'title' })),
          h('p', { class: 'card-about' },
              h('a', { href: `/game/${broadcast.game.id}`, dir: 'auto',
                'data-part': 'game' }),
              h('bdi', { 'data-part': 'by' })),
          h('p', { class: 'card-time quiet' },
              h('time', { 'data-part': 'time' }))));
  updateCard(card, broadcast, shown);
  return card;
}

// `viewers`: how many watch it.
export function updateCard(card, broadcast, { viewers = 0 } = {}) {
  const part = Object.fromEntries(PARTS.map((name) =>
    [name, card.querySelector(`[data-part=${name}]`)]));
  card.dataset.link = broadcast.link;
  card.dataset.state = broadcast.state;
  setTag(part.tag, broadcast.state);
  setText(part.viewers, t('common.viewers', { n: viewers }));
  part.viewers.hidden = viewers === 0 || broadcast.state === 'ended';
  setText(part.title, titleOf(broadcast));
  setText(part.game, broadcast.game.title);
  part.game.hidden = titleOf(broadcast) === broadcast.game.title;
  setText(part.by, broadcast.broadcaster ?? '');
  part.by.hidden = !broadcast.broadcaster;
  setTime(part.time, broadcast);
  showPoster(card, broadcast);
}
