// SPDX-License-Identifier: LGPL-2.1-or-later

// kill -9 of all that a notice passes, in the middle of jobs of 100,000 users:
// at the end each of the wishlist has been told, under one key, and a kill has
// repeated no more than a page. And names as people write them, to the byte.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { startKafka } from '../lib/kafka.js';
import { checkService, command, makeNode, query, startNode }
  from '../lib/node.js';
import { Place } from '../lib/place.js';
import { startPostgres } from '../lib/postgres.js';
import { makeSecret } from '../lib/receiver.js';
import { ReceiverProcess } from '../lib/receiverprocess.js';
import { until } from '../lib/until.js';

const USERS = 100000;
const PAGE = 5000; // of the fan-out, if as many are told in a second
const WHOLE_PAGE = 10000; // if they are told as fast as it goes
const KILLS = 20;
const TOPIC_KILLS = 8; // of the broker and of the node

const place = new Place();
const secret = makeSecret();
let kafka;
let node;
let onEvents; // of the receiver
let postgres;
let receiver;
let service;

const ask = (text) => query(place, postgres.conninfo, text);
const userId = (n) => `user-${String(n).padStart(6, '0')}`;

// Who has been told, under which key, and how often that was said.
class Tally {
  messages = 0;
  #keys = new Map();
  #problems = [];
  #waiting = [];

  add(user, key) {
    this.messages += 1;
    if (this.#keys.has(user) && this.#keys.get(user) !== key)
      this.#problems.push(`${user} has two keys`);
    this.#keys.set(user, key);
    this.#waiting = this.#waiting.filter(({ n, resolve }) =>
      this.#keys.size < n || resolve());
  }

  get users() {
    return [...this.#keys.keys()].sort();
  }

  get count() {
    return this.#keys.size;
  }

  get repeats() {
    return this.messages - this.count;
  }

  // Resolves as soon as so many users have been told.
  reach(n) {
    return new Promise((resolve) => {
      this.#waiting.push({ n, resolve });
    });
  }

  check(users) {
    assert.deepEqual(this.#problems, []);
    assert.equal(new Set(this.#keys.values()).size, this.#keys.size);
    assert.deepEqual(this.users, users);
  }
}

// Settings of a node that does nothing but tell.
const notifierOnly = (settings) => ({
  database: { url: postgres.conninfo },
  services: { ingest: false, api: false, sweeper: false },
  ...settings,
});

const webhook = (settings) => ({
  'webhook-url': receiver.url,
  'webhook-secret-file': place.path('secret'),
  ...settings,
});

async function begin(name, settings) {
  node = await makeNode(place, name, notifierOnly(settings));
  service = await startNode(node);
}

async function finish() {
  const { output } = service;
  checkService(service);
  assert.equal(await service.end(), 0);
  return output;
}

// As `wishlistnotify` does once the broadcast can be watched.
const file = (game) => ask(`
    INSERT INTO wishcast.broadcast (id, link, game, state, node, created_at,
        changed_at)
      VALUES (md5 ('${game}')::uuid, '${game}', '${game}', 'live', 'nobody',
              now (), now ());
    SELECT wishcast.file_notification (md5 ('${game}')::uuid, '${game}',
        '${game}', now (), '0')`);

async function addWishes(game, users = USERS) {
  await command(node, 'game', 'add', game, game);
  await ask(`INSERT INTO wishcast.wishlist
      SELECT '${game}', 'user-' || lpad (n::text, 6, '0'), 'Player ' || n
      FROM generate_series (1, ${users}) n`);
}

const untilDone = (game) => until(`${game} is done`, async () => {
  const [[state, problem]] = await ask(`SELECT state, problem
      FROM wishcast.notification_job WHERE game = '${game}'`);
  if (state !== 'done')
    throw new Error(`${state} ${problem}\n${service.output}`);
  return true;
}, 120);

const stateOf = async (game) => (await ask(`SELECT state
    FROM wishcast.notification_job WHERE game = '${game}'`))[0][0];

const wishesOf = async (game) => (await ask(`SELECT user_id
    FROM wishcast.wishlist WHERE game = '${game}'`)).flat().sort();

// Of both ways at once: user -> [name, language, message].
const NAMES = {
  'a plain one': ['Gordon', null],
  'quotes "\'` and \\': ['Robert\'); DROP TABLE wishlist;-- "\\', 'de'],
  '<b>&amp;</b>': ['<script>alert("1")</script>&lt;', null],
  'עברית': ['\u202eשלום\u202c مرحبا', 'he'],
  '👩🏽‍🚀': ['👩🏽‍🚀 z̸̨͝ \u0001', 'xx-nonsense'],
  '{username} %s $1': ['{link} {{ %n $2 \\1', 'de-AT'],
  'lines': ['one\ntwo\r\tthree\u2028\u007f', ''],
  'long': ['ж'.repeat(5000), null],
  'spaces ': ['  ', null],
};

const kinds = {
  async node() {
    service.kill('SIGKILL');
    await service.exited;
    checkService(service);
    service = await startNode(node);
  },
  async database() {
    await postgres.kill();
    await postgres.up();
  },
  async receiver() {
    const waits = () => service.output.split('have to wait').length;
    const before = waits();
    assert.equal(await receiver.kill(), 'SIGKILL');
    await until('the node has given up for now', () => waits() > before);
    await receiver.up();
  },
  async broker() {
    await kafka.kill();
    await kafka.up();
  },
};

before(async () => {
  writeFileSync(place.path('secret'), `${secret}\n`, { mode: 0o600 });
  receiver = await ReceiverProcess.start(place, secret,
      ({ events }) => onEvents(events));
  postgres = await startPostgres(place);
  kafka = await startKafka(place);
  node = await makeNode(place, 'commands', notifierOnly());
  await command(node, 'db', 'migrate');
});

after(() => place.leave());

test('names are told as they are, to the byte', async () => {
  const sql = (text) => text === null ? 'NULL' :
    `'${text.replaceAll("'", "''")}'`;
  const bad = { 'too long': 'ж'.repeat(5000) + '!', 'no name': null,
    'empty': '' };
  const rows = [...Object.entries(NAMES),
    ...Object.entries(bad).map(([id, name]) => [id, [name, null]]),
    [null, ['nobody', null]]];
  writeFileSync(place.path('names.sql'), `CREATE TABLE people (game text,
      id text, name text, language text); INSERT INTO people VALUES ${
  rows.map(([id, [name, language]]) =>
    `('names', ${[id, name, language].map(sql)})`)}`);
  await place.run('psql', ['-X', '-q', '-d', postgres.conninfo, '-f',
    place.path('names.sql')]);
  const events = [];
  onEvents = (some) => events.push(...some);
  await command(node, 'game', 'add', 'names', 'Names "&" {id}');
  await begin('names', {
    broker: { 'bootstrap-servers': kafka.brokers },
    notify: webhook({ 'kafka-topic': 'names' }),
    'notify-texts': { de: 'Hallo {username}!' },
    wishlist: { query: `SELECT id, name, language FROM people
        WHERE game = $1 AND ($2::text IS NULL OR id > $2)
        ORDER BY id LIMIT $3::integer`.replace(/\s+/g, ' ') },
  });
  await file('names');
  await untilDone('names');
  const messages = await kafka.read('names');
  receiver.catchUp();

  const told = (list) => list.map(({ subject, data }) => {
    assert.equal(data.userId, subject);
    return [subject, data.username, data.language, data.message];
  }).sort();
  const expected = Object.entries(NAMES).map(([id, [name, language]]) => [
    id, name, language || null, language?.startsWith('de') ?
      `Hallo ${name}!` :
      `Game Names "&" {id} started the broadcast. Dear ${name}, ` +
      `join us via link ${events[0].data.url}!`]).sort();
  assert.deepEqual(told(events), expected);
  assert.deepEqual(told(messages.map(({ value }) => value)), expected);
  for (const { key, value } of messages)
    assert.equal(key, value.subject);
  const log = await finish();
  assert.match(log, /user "too long" is left out, since the name is longer/);
  assert.match(log, /user "no name" is left out, since the name is missing/);
  assert.match(log, /user "empty" is left out, since the name is empty/);
  assert.match(log, /user "" is left out, since the id is missing/);
});

test('node, database and receiver are killed 20 times', async () => {
  const game = 'webhook';
  const tally = new Tally();
  onEvents = (events) => {
    for (const { id, subject } of events)
      tally.add(subject, id);
  };
  await addWishes(game);
  await begin(game, { notify: webhook({ 'max-rate': PAGE }) });
  const names = ['node', 'database', 'receiver'];
  let repeats = 0;
  const reached = Array.from({ length: KILLS }, (_, i) =>
    tally.reach(Math.round((i + 0.5) * USERS / (KILLS + 1))));
  await file(game);
  for (let i = 0; i < KILLS; i += 1) {
    const name = names[i % names.length];
    await reached[i];
    assert.ok(tally.repeats - repeats <= PAGE,
        `${tally.repeats - repeats} were told again before kill ${i}`);
    repeats = tally.repeats;
    assert.ok(tally.count < USERS - 10, `all were told before kill ${i}`);
    await kinds[name]();
    // These have not been reached, and are not any more.
    if (i === KILLS / 2)
      await ask(`DELETE FROM wishcast.wishlist WHERE game = '${game}'
          AND user_id > '${userId(USERS - 10)}'`);
  }
  await untilDone(game);
  receiver.catchUp();
  assert.ok(tally.repeats - repeats <= PAGE);
  const wishes = await wishesOf(game);
  assert.equal(wishes.length, USERS - 10);
  tally.check(wishes);
  assert.deepEqual(receiver.problems, []);
  await finish();
});

// How many messages a topic has.
async function countMessages(topic) {
  const partitions = [0, 1, 2, 3].flatMap((n) => ['-t', `${topic}:${n}:-1`]);
  const text = await place.run('kcat', ['-b', kafka.brokers, '-Q',
    ...partitions]);
  return [...text.matchAll(/offset (\d+)/g)]
      .reduce((sum, [, offset]) => sum + Number(offset), 0);
}

// By a consumer that is not ours.
async function readTopic(topic) {
  const tally = new Tally();
  const kcat = place.launch('kcat', ['-b', kafka.brokers, '-C', '-t', topic,
    '-o', 'beginning', '-e', '-q', '-f', '%k %s\n']);
  assert.equal(await kcat.exited, 0, kcat.output.slice(-2000));
  for (const line of kcat.output.split('\n').filter(Boolean)) {
    const [user] = line.split(' ', 1);
    const { id, subject } = JSON.parse(line.slice(user.length + 1));
    assert.equal(subject, user);
    tally.add(user, id);
  }
  return tally;
}

// Tells them by Kafka, with kills on the way.
async function killKafka(game, users, notify, page) {
  await addWishes(game, users);
  await begin(game, {
    broker: { 'bootstrap-servers': kafka.brokers },
    notify: { 'kafka-topic': game, ...notify },
  });
  await file(game);
  for (let i = 0; i < TOPIC_KILLS; i += 1) {
    const n = Math.round((i + 0.5) * users / (TOPIC_KILLS + 1));
    await until(`${n} are told`, async () => await countMessages(game) >= n,
        90);
    assert.notEqual(await stateOf(game), 'done', `before kill ${i}`);
    await kinds[i % 2 === 0 ? 'broker' : 'node']();
  }
  await untilDone(game);
  const tally = await readTopic(game);
  tally.check(await wishesOf(game));
  assert.ok(tally.repeats <= page * TOPIC_KILLS, `${tally.repeats}`);
  await finish();
}

test('the broker is killed, and the node with it', () =>
  killKafka('kafka', USERS, { 'max-rate': PAGE }, PAGE));

// Half a page is under way while the other is committed.
test('and again, as fast as it goes', () =>
  killKafka('fast', 3 * USERS, {}, WHOLE_PAGE));
