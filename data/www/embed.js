// SPDX-License-Identifier: LGPL-2.1-or-later

// /embed/<link>: the player alone, for a page of somebody else.

import { byId } from './dom.js';
import { ready, translate } from './i18n.js';
import { Stage } from './stage.js';

const link = location.pathname.split('/').at(-1);
const native = new URLSearchParams(location.search).get('player') === 'native';
const stage = new Stage(byId('stage'), link, { native, keys: document });

stage.addEventListener('broadcast', ({ detail: { title, game } }) => {
  document.title = title || game.title;
});
byId('open').href = `/watch/${link}`;
stage.start();

await ready;
translate(document.body);
