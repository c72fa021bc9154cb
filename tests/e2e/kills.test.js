// SPDX-License-Identifier: LGPL-2.1-or-later

// kill -9, again and again, of all that `wishcast run` is made of, with a
// publisher by RTMP and one by RTSP on air. What was published once stays as it
// was, byte for byte.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { runPipeline } from '../lib/pipeline.js';
import { Place, ROOT } from '../lib/place.js';
import { readParts } from '../lib/store.js';
import { until } from '../lib/until.js';
import { digest, parseName, Witness } from '../lib/witness.js';

const ROUNDS = 5; // of four kills each
const TRACKS = ['video_0', 'audio_0'];

const place = new Place();
const states = {};
let node;
let service;
let links;

const read = (...parts) => readFileSync(place.path('a', ...parts), 'utf8');
const postmaster = () => parseInt(read('postgres', 'data', 'postmaster.pid'));
const nginxMaster = () => parseInt(read('nginx', 'nginx.pid'));
const nginxWorker = () => {
  const master = nginxMaster();
  return parseInt(
      readFileSync(`/proc/${master}/task/${master}/children`, 'utf8'));
};

const ask = (text) => query(place, privateDatabase(node), text);

// Both on air, each in the one row that it had from the start.
async function checkRows() {
  const rows = await ask(`SELECT game, link, state, node, created_at,
      started_at, coalesce (end_reason, '-'), lease_until > now ()
    FROM wishcast.broadcast ORDER BY game`);
  const facts = (row) => [row[2], row[3], row[6], row[7]].join(' ');
  assert.deepEqual(rows.map(facts), ['live a - t', 'live a - t']);
  for (const [game, link, , , created, started] of rows) {
    states[game] ??= [link, created, started];
    assert.deepEqual([link, created, started], states[game]);
  }
}

const witnesses = (game) => links[game].witnesses;
const all = () => Object.values(links).flatMap((link) => link.witnesses);

// Each playlist goes on, in a new epoch for the games named.
async function untilOn(dropped, epochs, counts) {
  await until('all playlists go on', () => all().every((witness, i) => {
    witness.check();
    const isNew = !dropped.includes(witness.game) || witness.epoch > epochs[i];
    return isNew && witness.n >= counts[i] + 4;
  }), 60);
  await until('the rows are right', async () => {
    await checkRows();
    return true;
  }, 60);
}

// The kills: what dies, who drops for it, and when it is there again.
const kills = {
  launcher: {
    dropped: ['half-life', 'portal'],
    async kill() {
      service.kill('SIGKILL');
      await service.exited;
      checkService(service);
      service = await startNode(node);
    },
  },
  postmaster: { dropped: [], kill: () => killProcess(postmaster) },
  'nginx, its master': {
    dropped: ['half-life'],
    kill: () => killProcess(nginxMaster),
  },
  'nginx, its worker': {
    dropped: ['half-life'],
    kill: () => killProcess(nginxWorker),
  },
};

async function killProcess(find) {
  const pid = find();
  process.kill(pid, 'SIGKILL');
  await until('there is another one', () => {
    const now = find();
    return now > 0 && now !== pid;
  });
}

before(async () => {
  // What is listed is stored, however late the disk of the tests is.
  const description = place.path('patient.pipeline');
  writeFileSync(description,
      readFileSync(`${ROOT}pipelines/broadcast.pipeline`, 'utf8')
          .replace('dvr-window=${dvr-window}\n',
              'dvr-window=${dvr-window} append-grace=60000000000\n'));
  node = await makeNode(place, 'a', { pipelines: { default: description } });
  service = await startNode(node);
  const keys = {
    'half-life': await addDeveloper(node, 'half-life', 'Half-Life', 'Gordon'),
    portal: await addDeveloper(node, 'portal', 'Portal', 'Chell'),
  };
  startPublisher(place, node.rtmp(keys['half-life']), { retry: 200 });
  startPublisher(place, node.rtsp(keys.portal), { retry: 200 });
  await until('both are on air', async () => {
    await checkRows();
    return true;
  }, 60);
  links = Object.fromEntries(Object.entries(states).map(([game, [link]]) =>
    [game, { link, witnesses: TRACKS.map((track) => Object.assign(
        new Witness(`${node.url}/live/${link}/${track}/index.m3u8`),
        { game, track })) }]));
  await until('media', () => all().every((witness) => witness.n >= 4));
});

after(() => place.leave());

for (let round = 1; round <= ROUNDS; round += 1) {
  for (const [what, { dropped, kill }] of Object.entries(kills)) {
    test(`${round}: ${what} is killed`, async () => {
      for (const witness of all())
        await witness.settle();
      const epochs = all().map(({ epoch }) => epoch);
      const counts = all().map(({ n }) => n);
      await kill();
      await untilOn(dropped, epochs, counts);
      assert.equal(service.isAlive, true, service.output);
      // What was in memory must come from the store now.
      if (what === 'launcher')
        await Promise.all(all().map((witness) => witness.verify()));
    });
  }
}

test('each drop was one discontinuity, and nothing else was', () => {
  for (const witness of witnesses('portal'))
    assert.equal(witness.discontinuities, ROUNDS);
  for (const witness of witnesses('half-life'))
    assert.equal(witness.discontinuities, 3 * ROUNDS);
});

test('all that was ever listed is there, unchanged', async () => {
  await Promise.all(all().map((witness) => witness.stop()));
  await Promise.all(all().map((witness) => witness.verify()));
});

test('segments are sums of their parts, as the store has them', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
  for (const { link, witnesses: of } of Object.values(links)) {
    const stored = readParts(place.path('a', 'cache'), link);
    const recording = place.path('recording.mp4');
    await runPipeline(place, `cachesrc link=${link} piece=whole
      cache-dir="${place.path('a', 'cache')}" ! filesink
      location="${recording}"`);
    const whole = readFileSync(recording);
    for (const witness of of)
      checkStored(witness, stored.filter(({ track }) =>
        track === witness.track), whole);
  }
});

function checkStored(witness, stored, whole) {
  const parts = new Map();
  const segments = new Map();
  const epochs = new Map();
  let at = 0;
  for (const { epoch, msn, part, bytes } of stored) {
    const name = `${epoch}-${msn}.${part}`;
    assert.ok(!parts.has(name), `${name} is stored twice`);
    assert.equal(epochs.get(msn) ?? epoch, epoch, `${msn} has two epochs`);
    epochs.set(msn, epoch);
    parts.set(name, digest(bytes));
    const segment = `${epoch}-${msn}`;
    segments.set(segment, [...segments.get(segment) ?? [], bytes]);
    at = whole.indexOf(bytes, at);
    assert.ok(at >= 0, `${name} is not in the recording`);
  }
  for (const [uri, hash] of witness.known) {
    const { epoch, msn, part } = parseName(uri);
    const name = `${epoch}-${msn}`;
    assert.equal(part === undefined ?
      digest(Buffer.concat(segments.get(name))) : parts.get(`${name}.${part}`),
    hash, uri);
  }
}

test('every row tells the whole story', async () => {
  service = await startNode(node);
  for (const { link } of Object.values(links)) {
    const events = (await ask(`SELECT substr (event, 11) FROM wishcast.outbox
      WHERE link = '${link}' AND event <> 'broadcast.updated'
      ORDER BY id`)).flat().join(' ');
    assert.match(`${events} live`, /^starting live( interrupted live)+$/);
  }
});
