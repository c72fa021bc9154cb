// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /game/<id>: what is on air of one game, and what was.

import { getJson } from './api.js';
import { BroadcastList } from './broadcasts.js';
import { byId } from './dom.js';
import { Hero } from './hero.js';
import { t } from './i18n.js';
import { ground } from './posters.js';
import { fillShelf, follow, offerMore } from './shelf.js';
import { startShell } from './shell.js';

const RECORDINGS = 12;
const RETRY = 5000;

function showUnknown() {
  document.title = `${t('game.unknown')} – Wishcast`;
  byId('unknown').hidden = false;
}

function showGame(game) {
  document.title = `${game.title} – Wishcast`;
  byId('title').textContent = game.title;
  byId('banner').prepend(ground(game.id));
  for (const id of ['banner', 'live-section', 'ended-section'])
    byId(id).hidden = false;

  const list = new BroadcastList({ game: game.id, ended: RECORDINGS });
  const hero = new Hero(byId('hero'));
  const viewersOf = (link) => list.viewers(link);
  offerMore(byId('more'), list);
  follow(list, () => {
    const { ended, live } = list;
    fillShelf(byId('live'), hero.show(live, viewersOf), viewersOf);
    fillShelf(byId('ended'), ended, viewersOf);
    byId('facts').className = live.length === 0 ? 'tag over' : 'tag live';
    byId('facts').textContent = live.length === 0 ? t('game.offAir') :
      t('common.onAir', { n: live.length });
    byId('nothing').hidden = !list.isLoaded || live.length > 0;
    byId('no-ended').hidden = !list.isLoaded || ended.length > 0;
  });
}

// Asked for until it is known whether there is such a game.
async function load(id) {
  try {
    showGame(await getJson(`/api/v1/games/${id}`));
    byId('stale').textContent = '';
  } catch (error) {
    if ([400, 404].includes(error.status)) {
      showUnknown();
      return;
    }
    byId('stale').textContent = t('common.away');
    setTimeout(() => load(id), RETRY);
  }
}

await startShell();
const [, id] = /^\/game\/([a-z0-9][a-z0-9-]{0,63})$/.exec(location.pathname) ??
    [];
if (id)
  load(id);
else
  showUnknown();
