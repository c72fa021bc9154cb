// SPDX-License-Identifier: LGPL-2.1-or-later

// A shop with something of everything that pages show: a game that is on air,
// one whose developer will be right back, one with a recording, one with
// nothing. Their titles are what people may write.

import { writeFileSync } from 'node:fs';

import { addDeveloper, makeNode, startNode, startPublisher } from './node.js';
import { until } from './until.js';

const TITLES = {
  live: 'מגדל האור: <b>לילה</b> ארוך (Director’s Cut)',
  interrupted: 'The Extraordinarily Long and Thoroughly Unabridged ' +
    'Chronicles of Rhabarberbarbarabarbarbarenbartbarbierbier, Volume One',
  ended: 'Half-Life & Friends',
  empty: 'Quiet "Harbour"',
};
export const OPERATOR_TOKEN = 'the-token-of-the-operator';

class Shop {
  #place;

  constructor(place, node) {
    this.#place = place;
    this.node = node;
  }

  async start() {
    this.service = await startNode(this.node);
  }

  // A game { id, title, key } by its name in TITLES; `link` once it is on air.
  async addGame(name) {
    const game = { id: `game-${name}`, title: TITLES[name] };
    game.key = await addDeveloper(
        this.node, game.id, game.title, `Team ${name}`);
    this[name] = game;
  }

  // Few and small pictures: there are several at once.
  publish(game) {
    game.publisher = startPublisher(
        this.#place, this.node.rtmp(game.key),
        { video: ['-r', '10', '-g', '10'] });
  }

  async read(path) {
    const answer = await fetch(`${this.node.url}/api/v1/${path}`);
    if (!answer.ok)
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // Waits until the API tells that of the game's only broadcast.
  untilState(game, state) {
    return until(`${game.id} is ${state}`, async () => {
      const { broadcasts: [broadcast] } =
          await this.read(`broadcasts?state=any&game=${game.id}`);
      if (broadcast?.state !== state)
        throw new Error(`${broadcast?.state}\n${this.service.output}`);
      game.link = broadcast.link;
      return broadcast;
    }, 60);
  }

  // Something to see, and a poster.
  untilShown(game) {
    return until(`${game.id} is shown`, async () => {
      for (const file of ['master.m3u8', 'poster.jpg'])
        if (!(await fetch(`${this.node.url}/live/${game.link}/${file}`)).ok)
          throw new Error(`no ${file}`);
      return true;
    }, 60);
  }

  async end(game) {
    game.publisher.stopped = true;
    const { ok, status } = await fetch(
        `${this.node.url}/api/v1/broadcasts/${game.link}/end`,
        { method: 'POST', headers: { Authorization: `Bearer ${game.key}` } });
    if (!ok)
      throw new Error(`end: ${status}`);
    await this.untilState(game, 'ended');
  }

  async interrupt(game) {
    await game.publisher.stop();
    await this.untilState(game, 'interrupted');
  }
}

// `settings`: as makeNode() has them, for what tests want to be otherwise.
export async function openShop(place, settings = {}) {
  const token = place.path('operator-token');
  writeFileSync(token, `${OPERATOR_TOKEN}\n`);
  const node = await makeNode(place, 'shop', {
    // Nobody's interrupted broadcast ends while it is looked at.
    broadcast: { 'resume-window': '3600 s' },
    ...settings,
    api: { 'operator-token-file': token, ...settings.api },
  });
  const shop = new Shop(place, node);
  await shop.start();
  for (const name of ['empty', 'ended', 'interrupted', 'live'])
    await shop.addGame(name);
  const onAir = [shop.ended, shop.interrupted, shop.live];
  for (const game of onAir)
    shop.publish(game);
  for (const game of onAir) {
    await shop.untilState(game, 'live');
    await shop.untilShown(game);
  }
  await shop.end(shop.ended);
  await shop.interrupt(shop.interrupted);
  return shop;
}
