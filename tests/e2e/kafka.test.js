// SPDX-License-Identifier: LGPL-2.1-or-later

// A real broker gets every change of a broadcast in order, and the notices, as
// an independent consumer reads them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startKafka } from '../lib/kafka.js';
import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const PUBLIC = 'https://play.example';
const USERS = 2500;
const RATE = 100; // which is also what a page has
const place = new Place();
let kafka;
let link;
let node;
let publisher;
let service;

// The states of the broadcast so far, as the topic has them; what its recording
// comes to is an update.
async function life() {
  const messages = await kafka.read('wishcast.broadcasts');
  return messages.filter(({ key, value }) =>
    key === link && !value.type.endsWith('.updated.v1'));
}

const untilLife = (...states) => until(`its life is ${states}`, async () => {
  const now = (await life()).map(({ value }) =>
    value.type.match(/^com\.wishcast\.broadcast\.(\w+)\.v1$/)[1]);
  if (now.join() !== states.join())
    throw new Error(`${now}\n${service.output}\n${kafka.process.output}`);
  return true;
}, 90);

const one = async (text) =>
  (await query(place, privateDatabase(node), text))[0]?.[0];

async function addGame(game, title) {
  const key = await addDeveloper(node, game, title, 'Gordon');
  await query(place, privateDatabase(node), `INSERT INTO wishcast.wishlist
      SELECT '${game}', 'user-' || n, 'Player ' || n, NULL
      FROM generate_series (1, ${USERS}) n`);
  return key;
}

const noticesOf = async (game) => (await kafka.read('wishcast.notices'))
    .filter(({ value }) => value.data.game.id === game);

// Each user of the wishlist, with one key.
function assertAllTold(notices) {
  const keys = new Set(notices.map(({ key, value }) => `${key} ${value.id}`));
  assert.equal(keys.size, USERS);
  assert.deepEqual([...new Set(notices.map(({ key }) => key))].sort(),
      Array.from({ length: USERS }, (_, i) => `user-${i + 1}`).sort());
}

const untilDone = (game) => until(`all are told of ${game}`, async () => {
  const state = await one(`SELECT state FROM wishcast.notification_job
      WHERE game = '${game}'`);
  if (state !== 'done')
    throw new Error(`${state}\n${service.output}`);
  return true;
}, 120);

before(async () => {
  kafka = await startKafka(place);
  node = await makeNode(place, 'node', {
    www: { 'public-url': PUBLIC },
    broadcast: { 'resume-window': '60 s' },
    broker: { 'bootstrap-servers': kafka.brokers },
    notify: { 'max-rate': RATE },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('the life of a broadcast, in order', async () => {
  const key = await addGame('half-life', 'Half-Life');
  publisher = startPublisher(place, node.rtmp(key));
  link = await until('it has a link',
      () => one('SELECT link FROM wishcast.broadcast'), 60);
  await untilLife('starting', 'live');
  publisher.drop();
  await untilLife('starting', 'live', 'interrupted', 'live');

  const messages = await life();
  assert.equal(new Set(messages.map(({ partition }) => partition)).size, 1);
  assert.equal(new Set(messages.map(({ value }) => value.id)).size, 4);
  for (const { value, headers } of messages) {
    assert.equal(value.specversion, '1.0');
    assert.equal(value.source, PUBLIC);
    assert.equal(value.subject, link);
    assert.equal(value.data.link, link);
    assert.deepEqual(headers,
        ['content-type', 'application/cloudevents+json; charset=UTF-8']);
  }
});

test('everybody is told, the key being the user', async () => {
  await untilDone('half-life');
  const notices = await noticesOf('half-life');
  assert.equal(notices.length, USERS);
  assertAllTold(notices);
  for (const { key, value } of notices) {
    assert.equal(value.subject, key);
    assert.equal(value.data.message, 'Game Half-Life started the broadcast. ' +
        `Dear Player ${key.slice('user-'.length)}, ` +
        `join us via link ${PUBLIC}/watch/${link}!`);
  }
});

test('the broker is killed in the middle, and nothing is lost', async () => {
  const key = await addGame('portal', 'Portal');
  const portal = startPublisher(place, node.rtmp(key));
  await until('the first are told', async () =>
    (await noticesOf('portal')).length > 0, 90);
  await kafka.kill();
  publisher.stopped = true;
  await command(node, 'end', link);
  await until('the node has noticed', () =>
    /Events of broadcasts wait/.test(service.output) &&
    /The notices of \S+ have to wait/.test(service.output), 90);
  await kafka.up();
  await untilLife('starting', 'live', 'interrupted', 'live', 'ended');
  await untilDone('portal');
  const notices = await noticesOf('portal');
  assertAllTold(notices);
  assert.ok(notices.length <= USERS + RATE, `${notices.length} messages`);
  await portal.stop();
  checkService(service);
});
