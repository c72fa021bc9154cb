// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /community: all that is on air by its viewers, what just happened,
// and recordings; of all games or, ?game=, of one.

import { BroadcastList } from './broadcasts.js';
import { byId, h } from './dom.js';
import { Feed } from './feed.js';
import { countLive, followGames } from './games.js';
import { t } from './i18n.js';
import { fillShelf, follow, offerMore } from './shelf.js';
import { startShell } from './shell.js';

const RECORDINGS = 12;
// What can be taken in; others are on the pages of their games.
const CHIPS = 12;

const wanted = new URLSearchParams(location.search).get('game');
let game = /^[a-z0-9][a-z0-9-]{0,63}$/.test(wanted) ? wanted : null;
const list = new BroadcastList({ ended: RECORDINGS, endedGame: game });
const viewersOf = (link) => list.viewers(link);
let feed;
let games = [];
let chipsShown = '';

const byViewers = (a, b) => viewersOf(b.link) - viewersOf(a.link);

function choose(id) {
  game = id;
  history.replaceState(null, '', id ? `?game=${id}` : location.pathname);
  list.showEnded(id).catch(() => {});
  show();
}

function chip(id, text, n) {
  return h('button', {
    type: 'button', class: 'chip', 'data-game': id,
    'aria-pressed': String(id === (game ?? '')),
    onclick: () => choose(id || null),
  }, h('bdi', null, text),
  n > 0 && h('span', { class: 'number' }, String(n)));
}

// The chosen one is there whatever its place. Only made anew where something
// is: one that is about to be pressed stays.
function showChips(live) {
  const counts = countLive(games, live).filter(({ game: { id } }, i) =>
    i < CHIPS || id === game);
  const key = JSON.stringify([game, counts]);
  if (key === chipsShown)
    return;
  chipsShown = key;
  const place = byId('games');
  const focused = place.querySelector(':focus')?.dataset.game;
  place.replaceChildren(chip('', t('community.all'), live.length),
      ...counts.map(({ game: { id, title }, n }) => chip(id, title, n)));
  place.querySelector(`[data-game="${focused}"]`)?.focus();
}

function show() {
  const { ended, live } = list;
  const shown = live.filter((one) => !game || one.game.id === game)
      .sort(byViewers);
  const viewers = shown.reduce((sum, { link }) => sum + viewersOf(link), 0);
  byId('facts').textContent = [['onAir', shown.length], ['viewers', viewers]]
      .filter(([, n]) => n > 0).map(([key, n]) => t(`common.${key}`, { n }))
      .join(' · ');
  showChips(live);
  fillShelf(byId('live'), shown, viewersOf);
  fillShelf(byId('ended'), ended, viewersOf);
  feed.show(game);
  byId('nothing').hidden = !list.isLoaded || shown.length > 0;
  byId('no-ended').hidden = !list.isLoaded || ended.length > 0;
  byId('no-feed').hidden = !list.isLoaded ||
      byId('feed').children.length > 0;
}

await startShell({ page: 'community' });
document.title = `${t('community.heading')} – Wishcast`;
feed = new Feed(byId('feed'), byId('feed-status'));
list.addEventListener('loaded', () => feed.begin(list));
list.addEventListener('happened', ({ detail: { name, broadcast } }) =>
  feed.tell(name, broadcast));
offerMore(byId('more'), list);
followGames(list, (known) => {
  games = known;
  show();
});
follow(list, show);
