// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /: the front of the store.

import { BroadcastList } from './broadcasts.js';
import { byId } from './dom.js';
import { countLive, fillGames, followGames } from './games.js';
import { Hero } from './hero.js';
import { t } from './i18n.js';
import { fillShelf, follow } from './shelf.js';
import { startShell } from './shell.js';

// What a front has room for; the rest is on the page of the community.
const ON_AIR = 12;
const RECORDINGS = 8;
const GAMES = 18;

const list = new BroadcastList({ ended: RECORDINGS });
const viewersOf = (link) => list.viewers(link);
let games = [];
let hero;

function show() {
  const { ended, live } = list;
  const others = hero.show(live, viewersOf);
  fillShelf(byId('live'), others.slice(0, ON_AIR), viewersOf);
  fillShelf(byId('ended'), ended.slice(0, RECORDINGS), viewersOf);
  const counts = countLive(games, live).slice(0, GAMES);
  fillGames(byId('games'), counts);
  byId('nothing').hidden = !list.isLoaded || live.length > 0;
  byId('all-live').hidden = others.length <= ON_AIR;
  byId('games-section').hidden = counts.length === 0;
  byId('ended-section').hidden = ended.length === 0;
}

await startShell({ page: 'home' });
document.title = t('home.title');
hero = new Hero(byId('hero'));
followGames(list, (known) => {
  games = known;
  show();
});
follow(list, show);
