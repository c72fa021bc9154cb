// SPDX-License-Identifier: LGPL-2.1-or-later

// Games as tiles, those on air first.

import { getJson } from './api.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { ground } from './posters.js';

// Gives then() the games whenever `list` is read anew: as many as a shelf can
// need, or a choice. Without them, those on air are known all the same.
export function followGames(list, then) {
  list.addEventListener('loaded', () =>
    getJson('/api/v1/games?limit=100').then(({ games }) => then(games),
        () => {}));
}

// Game -> how many broadcasts of it are not over. With the games that only the
// list knows: the newest.
export function countLive(games, live) {
  const counts = new Map(games.map((game) => [game.id, { game, n: 0 }]));
  for (const { game } of live) {
    const count = counts.get(game.id) ?? { game, n: 0 };
    count.n += 1;
    counts.set(game.id, count);
  }
  return [...counts.values()].sort((a, b) =>
    b.n - a.n || a.game.title.localeCompare(b.game.title));
}

function gameTile(game) {
  return h('a', {
    class: 'tile', href: `/game/${game.id}`, 'data-game': game.id,
  }, ground(game.id),
  h('span', { class: 'tile-title clamp' }, h('bdi', null, game.title)),
  h('span', { class: 'tag live' }));
}

// Makes `shelf` hold a tile of each of `counts`, in this order.
export function fillGames(shelf, counts) {
  const tiles = new Map(Array.from(shelf.children,
      (tile) => [tile.dataset.game, tile]));
  const now = counts.map(({ game, n }) => {
    const tile = tiles.get(game.id) ?? gameTile(game);
    const mark = tile.querySelector('.tag');
    mark.hidden = n === 0;
    mark.textContent = t('common.onAir', { n });
    return tile;
  });
  if (now.length !== shelf.children.length ||
      now.some((tile, i) => tile !== shelf.children[i]))
    shelf.replaceChildren(...now);
}
