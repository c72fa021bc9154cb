// SPDX-License-Identifier: LGPL-2.1-or-later

// Recordings of a node: what they must be, and what the database says of them.

import { readFileSync } from 'node:fs';

import { addDeveloper, privateDatabase, query, startPublisher }
  from './node.js';
import { runPipeline } from './pipeline.js';
import { until } from './until.js';

export const ask = (node, text) =>
  query(node.place, privateDatabase(node), text);

// A broadcast of a new game that is live.
export async function startBroadcast(node, game) {
  const key = await addDeveloper(node, game, game, 'Gordon');
  const publisher = startPublisher(node.place, node.rtmp(key));
  const link = await until(`${game} is live`, async () => (await ask(node,
      `SELECT link FROM wishcast.broadcast
       WHERE game = '${game}' AND state = 'live'`))[0]?.[0], 60);
  return { publisher, link };
}

// Interrupts it; the publisher comes back by itself.
export async function drop(node, { publisher, link }) {
  const count = async () => Number((await ask(node,
      `SELECT count (*) FROM wishcast.outbox WHERE link = '${link}'
       AND event = 'broadcast.interrupted'`))[0][0]);
  const before = await count();
  publisher.drop();
  await until('it is interrupted', async () => await count() > before, 60);
}

export async function rowsOf(node, link) {
  const rows = await ask(node, `SELECT part, state, coalesce (size, 0),
      coalesce (duration, 0), incomplete, coalesce (bucket, '-'), object
    FROM wishcast.recording WHERE link = '${link}' ORDER BY part`);
  return rows.map(([part, state, size, duration, incomplete, bucket, object]) =>
    ({ part: Number(part), state, size: Number(size),
      duration: Number(duration), incomplete: incomplete === 't', bucket,
      object }));
}

export const untilState = (node, link, state) =>
  until(`the recording of ${link} is ${state}`, async () => {
    const rows = await rowsOf(node, link);
    if (rows.length !== 1 || rows[0].state !== state)
      throw new Error(JSON.stringify(rows));
    return rows[0];
  }, 90);

// The whole as cachesrc has it.
export async function readWhole(node, link) {
  const path = node.place.path(`${link}.mp4`);
  const cache = node.place.path(node.name, 'cache');
  await runPipeline(node.place, `cachesrc link=${link} cache-dir="${cache}"
      ! filesink location="${path}"`);
  return { path, bytes: readFileSync(path) };
}

export async function probe(place, path) {
  return JSON.parse(await place.run('ffprobe', ['-v', 'error',
    '-count_frames', '-show_entries',
    'stream=codec_name,nb_read_frames:format=duration', '-of', 'json', path]));
}
