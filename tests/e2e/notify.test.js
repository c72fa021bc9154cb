// SPDX-License-Identifier: LGPL-2.1-or-later

// Everybody on the wishlist is told, once: a node, publishers by RTMP, and the
// store's receiver of webhooks.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, command, makeNode, privateDatabase,
  query, startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { ReferenceStore } from '../lib/referencestore.js';
import { makeSecret, Receiver } from '../lib/receiver.js';
import { until } from '../lib/until.js';

const PUBLIC = 'https://play.example';
const USERS = 250;
const MANY = 2000; // for longer than a busy machine takes to kill a process
const RATE = 100; // which is also what a page has
const TOKEN = 'notify-operator-token';
const place = new Place();
let database;
let node;
let publisher;
let receiver;
let service;

const one = async (text) => (await query(place, database, text))[0]?.[0];
const untilJob = (game, expected) => until(`${game}: ${expected}`, async () => {
  const rows = await query(place, database,
      `SELECT state, coalesce (reason, '-'), sent
       FROM wishcast.notification_job WHERE game = '${game}'
       ORDER BY created_at`);
  const now = rows.map((row) => row.join(' ')).join();
  if (now !== expected)
    throw new Error(`${now}\n${service.output}`);
  return true;
}, 90);

async function addGame(game, title, n) {
  const key = await addDeveloper(node, game, title, 'Gordon');
  await query(place, database, `INSERT INTO wishcast.wishlist
      SELECT '${game}', 'user-' || n, 'Player "' || n || '" <b>',
             CASE WHEN n % 10 = 0 THEN 'de-AT' END
      FROM generate_series (1, ${n}) n`);
  return key;
}

const linkOf = (game) => one(`SELECT link FROM wishcast.broadcast
    WHERE game = '${game}' ORDER BY created_at DESC LIMIT 1`);

// Exactly those of the wishlist, each with one key.
function assertAllTold(game, n) {
  const told = receiver.events.filter(({ data }) => data.game.id === game);
  const keys = new Map();
  for (const { id, subject } of told)
    keys.set(subject, (keys.get(subject) ?? new Set()).add(id));
  assert.deepEqual([...keys.keys()].sort(),
      Array.from({ length: n }, (_, i) => `user-${i + 1}`).sort());
  assert.deepEqual([...keys.values()].filter(({ size }) => size !== 1), []);
  assert.equal(new Set(told.map(({ id }) => id)).size, n);
  return told;
}

async function ask(path, token) {
  const answer = await fetch(`${node.url}/api/v1${path}`,
      { headers: token ? { authorization: `Bearer ${token}` } : {} });
  return { status: answer.status, body: await answer.json() };
}

before(async () => {
  const secret = makeSecret();
  receiver = await Receiver.start(place, secret);
  // While a secret is replaced, both are here.
  writeFileSync(place.path('secret'), `${makeSecret()}\n${secret}\n`,
      { mode: 0o600 });
  writeFileSync(place.path('token'), TOKEN, { mode: 0o600 });
  node = await makeNode(place, 'node', {
    'www': { 'public-url': PUBLIC },
    'api': { 'operator-token-file': place.path('token') },
    'broadcast': { 'resume-window': '60 s' },
    'notify': {
      'webhook-url': receiver.url,
      'webhook-secret-file': place.path('secret'),
      'max-rate': RATE,
    },
    'notify-texts': { de: '{game}: {{{username}} {link}' },
  });
  service = await startNode(node);
  database = privateDatabase(node);
});

after(() => place.leave());

test('everybody is told, once it can be watched', async () => {
  const key = await addGame('half-life', 'Half-Life', USERS);
  publisher = startPublisher(place, node.rtmp(key));
  await untilJob('half-life', `done - ${USERS}`);

  const link = await linkOf('half-life');
  const told = assertAllTold('half-life', USERS);
  assert.equal(told.length, USERS);
  assert.deepEqual(receiver.problems, []);
  for (const { subject, data } of told) {
    const n = subject.slice('user-'.length);
    const name = `Player "${n}" <b>`;
    const url = `${PUBLIC}/watch/${link}`;
    assert.equal(data.url, url);
    assert.equal(data.message, n % 10 === 0 ?
      `Half-Life: {${name}} ${url}` :
      `Game Half-Life started the broadcast. Dear ${name}, ` +
          `join us via link ${url}!`);
  }
  for (const { size, events } of receiver.requests) {
    assert.ok(events.length <= 100);
    assert.ok(size > 0);
  }
  // It was playable when the first one was told: two segments were whole.
  const playlist = await (await fetch(
      `${node.url}/live/${link}/video_0/index.m3u8`)).text();
  assert.ok(playlist.split('#EXTINF').length - 1 >= 2, playlist);
});

test('the progress is in the API, at the command line and in the metrics',
    async () => {
      const link = await linkOf('half-life');
      const { status, body } = await ask('/operator/notifications', TOKEN);
      assert.equal(status, 200);
      const [job] = body.notifications;
      assert.equal(job.link, link);
      assert.equal(job.state, 'done');
      assert.equal(job.sent, USERS);
      assert.equal(job.total, USERS);
      assert.equal(job.refused, 0);
      assert.equal((await ask('/operator/notifications')).status, 401);

      assert.match(await command(node, 'notify', 'status', link),
          new RegExp(`${link} +half-life +done +${USERS} +0 +${USERS} `));
      // Jobs are counted every few seconds.
      const metrics = await until('no job is running', async () => {
        const text = await (await fetch(
            `http://127.0.0.1:${node.ports.api}/metrics`)).text();
        return /^wishcast_notification_jobs\{state="running"\} 0$/m
            .test(text) && text;
      });
      assert.match(metrics, new RegExp(
          `^wishcast_notices_sent_total ${USERS}$`, 'm'));
      assert.match(metrics, /^wishcast_notices_refused_total 0$/m);
    });

test('a publisher that drops and returns is told of once', async () => {
  const link = await linkOf('half-life');
  const interruptions = async () => Number(await one(
      `SELECT count (*) FROM wishcast.outbox WHERE link = '${link}'
       AND event = 'broadcast.interrupted'`));
  for (let n = 1; n <= 2; n += 1) {
    await until('it is live', async () => await one(`SELECT state
        FROM wishcast.broadcast WHERE link = '${link}'`) === 'live', 60);
    publisher.drop();
    await until('it is interrupted',
        async () => await interruptions() >= n, 60);
  }
  await until('it is live again', async () => await one(`SELECT state
      FROM wishcast.broadcast WHERE link = '${link}'`) === 'live', 60);
  // It asks again, and is answered that it has been filed.
  await until('the new run has two segments', async () => {
    const text = await (await fetch(
        `${node.url}/live/${link}/video_0/index.m3u8`)).text();
    const [, last] = text.split('#EXT-X-DISCONTINUITY\n').slice(-2);
    return (last ?? '').split('#EXTINF').length - 1 >= 4;
  }, 90);
  assertAllTold('half-life', USERS);
  assert.equal(receiver.events.length, USERS);
  await untilJob('half-life', `done - ${USERS}`);
});

test('a second broadcast in the quiet period is not told of', async () => {
  publisher.stopped = true;
  await command(node, 'end', await linkOf('half-life'));
  const key = (await command(node, 'key', 'rotate', 'half-life', 'Gordon'))
      .match(/^[a-z2-7]{8}-[a-z2-7]{26}$/m)[0];
  const second = startPublisher(place, node.rtmp(key));
  await untilJob('half-life', `done - ${USERS},skipped quiet 0`);
  await second.stop();
  await command(node, 'end', await linkOf('half-life'));
  assert.equal(receiver.events.length, USERS);
});

test('kill -9 in the middle of a job: the rest is told, with the same keys',
    async () => {
      const key = await addGame('portal', 'Portal', MANY);
      const before = receiver.events.length;
      const portal = startPublisher(place, node.rtmp(key));
      await until('the first are told',
          () => receiver.events.length > before, 90);
      service.kill('SIGKILL');
      await service.exited;
      checkService(service);
      const sent = receiver.events.length - before;
      assert.ok(sent < MANY, `${sent} were told before the kill`);

      service = await startNode(node);
      database = privateDatabase(node);
      await untilJob('portal', `done - ${MANY}`);
      const told = assertAllTold('portal', MANY);
      // No more than what was under way, a page, came twice.
      assert.ok(told.length - MANY <= RATE, `${told.length} for ${MANY}`);
      assert.deepEqual(receiver.problems, []);
      await portal.stop();
      checkService(service);
    });

test('a store with an endpoint of its own is read to its end', async () => {
  const before = receiver.events.length;
  const token = 'a-token-of-the-store';
  const store = await ReferenceStore.start(place, token);
  store.wishlists.set('half-life', Array.from({ length: 12001 }, (_, i) => ({
    id: String(i).padStart(6, '0'), username: `\u202eP${i}`,
    language: i === 1 ? 'de' : null })));
  writeFileSync(place.path('store-token'), `${token}\n`, { mode: 0o600 });
  const other = await makeNode(place, 'other', {
    'www': { 'public-url': PUBLIC },
    'database': { url: database },
    'wishlist': { url: store.url, 'token-file': place.path('store-token') },
    'notify-texts': { de: 'Hallo {username}' },
  });
  const text = await command(other, 'notify', 'dry-run', 'half-life');
  assert.match(text, /^000000: Game Half-Life started the broadcast\. Dear /m);
  assert.match(text, /^000001: Hallo /m);
  assert.match(text, /^12001 would be told\. Nobody was\.$/m);
  assert.equal(receiver.events.length, before);

  store.token = 'another';
  await assert.rejects(command(other, 'notify', 'dry-run', 'half-life'), /401/);
});

test('hidden broadcasts and rehearsals are not told of', async () => {
  const before = receiver.events.length;
  for (const visibility of ['hidden', 'rehearsal']) {
    const game = `game-${visibility}`;
    const key = await addGame(game, visibility, 3);
    // As nothing but the database can say it yet.
    await query(place, database, `
      CREATE FUNCTION public.hide_${visibility} () RETURNS trigger
      LANGUAGE plpgsql AS $$ BEGIN
        NEW.visibility := '${visibility}'; RETURN NEW; END $$;
      CREATE TRIGGER hide_${visibility} BEFORE INSERT OR UPDATE
        ON wishcast.broadcast FOR EACH ROW WHEN (NEW.game = '${game}')
        EXECUTE FUNCTION public.hide_${visibility} ()`);
    const quiet = startPublisher(place, node.rtmp(key));
    await untilJob(game, 'skipped hidden 0');
    await quiet.stop();
  }
  assert.equal(receiver.events.length, before);
  checkService(service);
});
