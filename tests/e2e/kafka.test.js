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
const place = new Place();
let kafka;
let link;
let node;
let publisher;
let service;

// The states of the broadcast so far, as the topic has them.
async function life() {
  const messages = await kafka.read('wishcast.broadcasts');
  return messages.filter(({ key }) => key === link);
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

before(async () => {
  kafka = await startKafka(place);
  node = await makeNode(place, 'node', {
    www: { 'public-url': PUBLIC },
    broadcast: { 'resume-window': '60 s' },
    broker: { 'bootstrap-servers': kafka.brokers },
  });
  service = await startNode(node);
});

after(() => place.leave());

test('the life of a broadcast, in order', async () => {
  const key = await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon');
  await query(place, privateDatabase(node), `INSERT INTO wishcast.wishlist
      SELECT 'half-life', 'user-' || n, 'Player ' || n, NULL
      FROM generate_series (1, ${USERS}) n`);
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
  await until('the job is done', async () => await one(`SELECT state
      FROM wishcast.notification_job WHERE link = '${link}'`) === 'done', 90);
  const notices = await kafka.read('wishcast.notices');
  assert.equal(notices.length, USERS);
  assert.equal(new Set(notices.map(({ value }) => value.id)).size, USERS);
  assert.deepEqual(notices.map(({ key }) => key).sort(),
      Array.from({ length: USERS }, (_, i) => `user-${i + 1}`).sort());
  for (const { key, value } of notices) {
    assert.equal(value.subject, key);
    assert.equal(value.data.message, 'Game Half-Life started the broadcast. ' +
        `Dear Player ${key.slice('user-'.length)}, ` +
        `join us via link ${PUBLIC}/watch/${link}!`);
  }
});

test('while the broker is away all goes on, and is told later', async () => {
  await kafka.kill();
  publisher.stopped = true;
  await command(node, 'end', link);
  await until('the node has noticed', () =>
    service.output.includes('Events of broadcasts wait'), 90);
  await kafka.up();
  await untilLife('starting', 'live', 'interrupted', 'live', 'ended');
  checkService(service);
});
