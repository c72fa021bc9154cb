// SPDX-License-Identifier: LGPL-2.1-or-later

// PostgreSQL is away for a minute. Who is on air stays there, who drops may
// return, who has a key may begin, who has had enough may end; the rows are
// right afterwards.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { followPlaylist } from '../lib/follow.js';
import { addDeveloper, checkService, command, makeNode, query, startNode,
  startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { startPostgres } from '../lib/postgres.js';
import { listedParts } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const AWAY = 60; // s
const PATIENCE = 5000; // ms that an answer may take

const place = new Place();
const keys = {};
const links = {};
const publishers = {};
const followers = {};
let postgres;
let node;
let service;
let wentAt;
let cameAt;

const api = (path, options = {}) => fetch(
    `http://127.0.0.1:${node.ports.api}${path}`,
    { signal: AbortSignal.timeout(PATIENCE), ...options });
const read = async (path) => (await api(path)).json();
const ask = (text) => query(place, postgres.conninfo, text);

// How often the service has said that a game is on air.
const onAir = (game) =>
  [...service.output.matchAll(new RegExp(`(\\S+): "${game}" is on air`, 'g'))];

async function start(game, url) {
  const before = onAir(game).length;
  publishers[game] = startPublisher(place, url, { retry: -1 });
  const found = await until(`${game} is on air`, () =>
    onAir(game).length > before && onAir(game), 60);
  links[game] ??= found.at(-1)[1];
  assert.equal(found.at(-1)[1], links[game]);
}

async function follow(game) {
  const url = `${node.url}/live/${links[game]}/video_0/index.m3u8`;
  await until(`${url} is there`, async () => (await fetch(url)).ok);
  followers[game] = followPlaylist(url);
}

const countParts = (game) => {
  const { last } = followers[game].follower;
  return last ? listedParts(last).length + last.segments.length : 0;
};

async function untilParts(game, n = 4) {
  const before = countParts(game);
  await until(`${game} goes on`, () => countParts(game) >= before + n);
}

const discontinuities = (game) => followers[game].follower.last.segments
    .filter(({ discontinuity }) => discontinuity).length;

before(async () => {
  postgres = await startPostgres(place);
  node = await makeNode(place, 'a', { database: { url: postgres.conninfo } });
  await command(node, 'db', 'migrate');
  service = await startNode(node);
  for (const game of ['half-life', 'portal', 'dota', 'artifact'])
    keys[game] = await addDeveloper(node, game, game, `developer of ${game}`);
  await start('half-life', node.rtmp(keys['half-life']));
  await start('portal', node.rtmp(keys.portal));
  await start('artifact', node.rtsp(keys.artifact));
  for (const game of Object.keys(links))
    await follow(game);
  await until('the API knows all three', async () =>
    (await read('/api/v1/broadcasts?state=live')).broadcasts.length === 3);
  assert.equal((await api('/readyz')).status, 200);
});

after(() => place.leave());

test('it goes away, and that is told', async () => {
  wentAt = Date.now();
  await postgres.down();
  const answer = await until('it is noticed', async () => {
    const now = await api('/readyz');
    return now.status === 503 && now.text();
  });
  assert.match(answer, /database|PostgreSQL/i);
  assert.equal((await api('/healthz')).status, 200);
});

test('the API tells what it last knew', async () => {
  const list = await read('/api/v1/broadcasts?state=live');
  assert.notEqual(list.staleSince, null);
  assert.deepEqual(list.broadcasts.map(({ link }) => link).sort(),
      Object.values(links).sort());
  assert.ok([200, 503].includes((await api('/metrics')).status));
});

test('who is on air stays there', () => untilParts('half-life'));

test('who drops may return', async () => {
  await untilParts('portal');
  await publishers.portal.drop();
  await start('portal', node.rtsp(keys.portal));
  await untilParts('portal');
  assert.equal(discontinuities('portal'), 1);
});

test('who has a key may begin', async () => {
  await start('dota', node.rtmp(keys.dota));
  await follow('dota');
  await untilParts('dota');
});

test('who has none is refused', async () => {
  const wrong = startPublisher(place,
      node.rtsp('aaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaa'), { retry: -1 });
  assert.notEqual(await wrong.process.exited, 0);
});

test('who has had enough ends', async () => {
  const answer = await api(`/api/v1/broadcasts/${links.artifact}/end`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${keys.artifact}` },
  });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  await followers.artifact.done;
  assert.ok(followers.artifact.follower.last.endlist);
});

test('a minute later nothing has changed', async () => {
  await until('a minute has passed', () =>
    Date.now() > wentAt + AWAY * 1000, AWAY + 30);
  for (const game of ['half-life', 'portal', 'dota'])
    await untilParts(game);
  assert.equal((await api('/readyz')).status, 503);
});

test('it is back, and the rows are right', async () => {
  cameAt = Date.now();
  await postgres.up();
  const expected = ['artifact ended developer', 'dota live -',
    'half-life live -', 'portal live -'];
  await until('the rows are right', async () => {
    const rows = await ask(`SELECT game, state, coalesce (end_reason, '-')
      FROM wishcast.broadcast ORDER BY game`);
    assert.deepEqual(rows.map((row) => row.join(' ')), expected);
    return true;
  }, 60);
  const rows = await ask(`SELECT link, created_at <= started_at,
      round (extract (epoch FROM started_at) * 1000),
      coalesce (round (extract (epoch FROM ended_at) * 1000), 0), game
    FROM wishcast.broadcast`);
  for (const [link, isInOrder, started, ended, game] of rows) {
    assert.equal(link, links[game]);
    assert.equal(isInOrder, 't', game);
    // They have the times at which things happened, not those of writing.
    assert.ok(Number(started) < cameAt, game);
    assert.equal(Number(started) > wentAt, game === 'dota', game);
    if (game === 'artifact')
      assert.ok(Number(ended) > wentAt && Number(ended) < cameAt);
  }
});

test('so is what the world is told, in order', async () => {
  await until('the leases are held', async () => {
    const rows = await ask(`SELECT count (*) FROM wishcast.broadcast
      WHERE state = 'live' AND lease_until > now ()`);
    return rows[0][0] === '3';
  });
  const events = {};
  // "updated" says of an ended one that its recording is there.
  for (const [game, event] of await ask(`SELECT game, substr (event, 11)
      FROM wishcast.outbox WHERE event <> 'broadcast.updated' ORDER BY id`))
    events[game] = [...events[game] ?? [], event];
  const told = (game) => events[game].join(' ');
  assert.equal(told('half-life'), 'starting live');
  assert.match(told('portal'), /^starting live( interrupted live)?$/);
  assert.match(told('dota'), /^(starting )?live$/);
  assert.match(told('artifact'), /^starting live( interrupted)? ended$/);
});

test('the API is up to date again', async () => {
  await until('it is ready', async () => (await api('/readyz')).status === 200);
  const list = await until('it has caught up', async () => {
    const now = await read('/api/v1/broadcasts?state=live');
    return now.staleSince === null && now.broadcasts.length === 3 && now;
  });
  assert.deepEqual(list.broadcasts.map(({ game }) => game.id).sort(),
      ['dota', 'half-life', 'portal']);
});

test('nobody on air has noticed', async () => {
  for (const game of ['half-life', 'portal', 'dota']) {
    await untilParts(game);
    followers[game].stop();
    await followers[game].done;
  }
  assert.equal(discontinuities('half-life'), 0);
  assert.equal(discontinuities('portal'), 1);
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
