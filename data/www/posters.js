// SPDX-License-Identifier: LGPL-2.1-or-later

// The latest picture of each broadcast that is in sight, renewed now and then.
// Below it lies a ground of its own, which is seen where there is none.

import { h } from './dom.js';

// A picture is asked for by the number of the time slot that it is for: for
// all who look in the same slot it is one address, and so one request to the
// origin from each cache in front of it.
const SLOT = 15000;
// One that has just begun soon has its first picture, or a better one.
const FIRST_SLOT = 3000;
const YOUNG = 30000;
// Of poster.svg, which is there where no picture is.
const EMPTY_WIDTH = 16;

// Cards; those that have left the page are out of sight.
const inSight = new Set();
// Card -> its broadcast.
const broadcasts = new WeakMap();
let observer = null;

const pictureOf = (card) => card.querySelector('.poster img');

function addressOf({ poster, state, startedAt }) {
  if (state === 'ended')
    return `${poster}?v=last`;
  const now = Date.now();
  const slot = now - Date.parse(startedAt) < YOUNG ? FIRST_SLOT : SLOT;
  return `${poster}?v=${Math.floor(now / slot) * slot / 1000}`;
}

// While it loads, the one before it stays.
function renew(card) {
  const broadcast = broadcasts.get(card);
  // Nothing has been pictured yet.
  if (broadcast.startedAt === null)
    return;
  const picture = pictureOf(card);
  const address = addressOf(broadcast);
  if (picture.getAttribute('src') !== address)
    picture.src = address;
}

function observe(card) {
  if (!observer) {
    observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          inSight.add(target);
          renew(target);
        } else {
          inSight.delete(target);
          if (!target.isConnected)
            observer.unobserve(target);
        }
      }
    }, { rootMargin: '200px' });
    setInterval(() => {
      if (!document.hidden)
        inSight.forEach(renew);
    }, 1000);
  }
  observer.observe(card);
}

// A colour for a name, the same one each time; FNV-1a, for names that differ in
// one character to differ in colour.
function hueOf(name) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1)
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % 360;
}

// The ground of `name`, with `text` on it, if any.
export function ground(name, text = null) {
  const element = h('div', { class: 'ground', 'aria-hidden': 'true' },
      text && h('span', { dir: 'auto' }, text));
  element.style.setProperty('--hue', hueOf(name));
  return element;
}

// The place for the picture of a broadcast.
export const posterOf = (broadcast) => h('div', { class: 'poster' },
    ground(broadcast.link, broadcast.game.title),
    h('img', { alt: '', width: 16, height: 9 }));

// `card` has such a place, for this broadcast.
export function showPoster(card, broadcast) {
  const isNew = !broadcasts.has(card);
  broadcasts.set(card, broadcast);
  if (isNew)
    observe(card);
}

// Calls `then` once when `place` shows a picture of the broadcast, rather than
// the empty one that there is before.
export function whenPictured(place, then) {
  const picture = place.querySelector('.poster img');
  const look = () => {
    if (picture.naturalWidth <= EMPTY_WIDTH)
      return;
    picture.removeEventListener('load', look);
    then();
  };
  picture.addEventListener('load', look);
  look();
}
