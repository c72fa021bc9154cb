// SPDX-License-Identifier: LGPL-2.1-or-later

// The page of the demo's store: notices as they arrive at the players, and how
// many were told of which game. What serves it is launcher/demo/demoreceiver.c.

import { byId, h } from './dom.js';
import { currentLanguage, formatAgo, formatNumber, ready, t, translate }
  from './i18n.js';
import { repeat } from './repeat.js';
import { languageChoice } from './shell.js';

const ASK_EVERY = 1;
const DEADLINE = 5000;

const items = new Map();
const games = new Map();

function languageTag(code) {
  const names = new Intl.DisplayNames([currentLanguage()],
      { type: 'language' });
  return h('span', { class: 'tag' },
      code === null ? t('notices.noLanguage') : names.of(code));
}

// As a phone shows it. The text is in the language of the player, so it has a
// direction of its own.
function noticeItem({ at, game, key, language, message, url, username }) {
  const ago = h('time', { class: 'quiet' });
  const element = h('li', { class: 'notice', 'data-key': key },
      h('div', { class: 'notice-from' },
          h('img', { src: '/icon.svg', alt: '', width: 20, height: 20 }),
          h('span', { class: 'quiet' },
              `${t('notices.to')} `, h('bdi', null, username)), ago),
      h('h3', null, h('bdi', null, game)),
      h('p', { class: 'notice-text', dir: 'auto', lang: language }, message),
      h('div', { class: 'notice-foot' }, languageTag(language),
          h('a', { class: 'button', href: url },
              t('notices.watch'))));
  return { element, update: () => {
    ago.textContent = formatAgo(new Date(at));
  } };
}

function gameItem({ title }) {
  const count = h('span', { class: 'number' });
  const fill = h('span', { class: 'told-fill' });
  const bar = h('span', { class: 'told-bar', role: 'progressbar',
    'aria-valuemin': '0', 'aria-label': title }, fill);
  const link = h('a', { class: 'told-title' }, h('bdi', null, title));
  const element = h('li', { class: 'panel' },
      h('div', { class: 'told-line' }, link, count), bar);
  return { element, update: ({ told, url }, wishing) => {
    link.href = url;
    count.textContent = t('notices.toldOf',
        { n: wishing, told: formatNumber(told) });
    bar.setAttribute('aria-valuenow', String(told));
    bar.setAttribute('aria-valuemax', String(wishing));
    fill.style.inlineSize = `${Math.min(1, told / wishing) * 100}%`;
    element.dataset.told = String(told);
  } };
}

// `list` is in the order it is shown in. What is shown already stays where a
// finger is about to be.
function fill(place, known, list, keyOf, make, ...more) {
  const keys = new Set(list.map(keyOf));
  for (const [key, { element }] of known) {
    if (!keys.has(key)) {
      element.remove();
      known.delete(key);
    }
  }
  list.forEach((one, i) => {
    let item = known.get(keyOf(one));
    if (!item) {
      item = make(one);
      known.set(keyOf(one), item);
    }
    item.update(one, ...more);
    if (place.children[i] !== item.element)
      place.insertBefore(item.element, place.children[i] ?? null);
  });
}

function show({ games: told, newest, repeats, wishing }) {
  const n = told.reduce((sum, one) => sum + one.told, 0);
  byId('told').textContent = t('notices.told', { n });
  byId('told').hidden = n === 0;
  byId('none').hidden = n > 0;
  byId('newest').hidden = n === 0;
  byId('repeats').textContent = t('notices.repeats', { n: repeats });
  byId('repeats').hidden = repeats === 0;
  fill(byId('games'), games, told, ({ id }) => id, gameItem, wishing);
  fill(byId('newest'), items, newest, ({ key }) => key, noticeItem);
}

async function ask(signal) {
  try {
    const answer = await fetch('/notices.json', {
      cache: 'no-store',
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]),
    });
    if (!answer.ok)
      throw new Error(answer.statusText);
    show(await answer.json());
    byId('away').hidden = true;
  } catch {
    byId('away').hidden = false;
  }
}

await ready;
translate(document.body);
document.title = `${t('notices.heading')} – Wishcast`;
document.body.prepend(
    h('a', { class: 'skip', href: '#main' }, t('common.skip')),
    h('header', { class: 'shell' }, h('div', { class: 'wide' },
        h('span', { class: 'brand' },
            h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }),
            'Wishcast'),
        languageChoice())));
repeat(ASK_EVERY, ask);
