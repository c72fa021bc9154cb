// SPDX-License-Identifier: LGPL-2.1-or-later

// gcssink against a cloud that is not ours. It takes what it gets in order and
// looks at nothing, and takes the question what it has for the end of the
// upload: so nothing goes wrong here; that is for gcssink.test.js.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { printCrc, updateCrc } from '../lib/fakegcs/crc32c.js';
import { QUANTUM } from '../lib/fakegcs/uploads.js';
import { callGcs } from '../lib/gcscall.js';
import { startEmulator } from '../lib/gcsemulator.js';
import { runPipeline } from '../lib/pipeline.js';
import { Place } from '../lib/place.js';

const place = new Place();
let emulator;

before(async () => { emulator = await startEmulator(place); });
after(() => place.leave());

async function upload(name, bytes, more = '') {
  const file = place.path('input');
  writeFileSync(file, bytes);
  await runPipeline(place, `filesrc location="${file}" ! gcssink bucket=bucket
      object="${name}" endpoint=${emulator.url} chunk-size=${QUANTUM} ${more}`);
  assert.ok((await emulator.read(name)).equals(bytes), name);
}

for (const size of [0, 1, QUANTUM - 1, QUANTUM, 3 * QUANTUM, 3 * QUANTUM + 7]) {
  test(`an object of ${size} bytes`, async () => {
    const name = `of/${size} bytes & more`;
    const bytes = randomBytes(size);
    await upload(name, bytes, `content-type=video/mp4 cache-control=private
        custom-time=2026-01-02T03:04:05Z`);
    const told = await emulator.stat(name);
    assert.equal(told.size, `${size}`);
    // The type, and what caches may do, it forgets.
    assert.equal(Date.parse(told.customTime), Date.UTC(2026, 0, 2, 3, 4, 5));
    assert.equal(told.crc32c, printCrc(updateCrc(0, bytes)));
  });
}

test('head and body make a recording, and go', async () => {
  const call = (...args) => callGcs(place, emulator.url, null, ...args);
  const head = randomBytes(1000);
  const body = randomBytes(2 * QUANTUM + 5);
  await upload('parts/head', head);
  await upload('parts/body', body);
  await call('compose', 'whole.mp4', '0', 'parts/head', 'parts/body');
  assert.ok((await emulator.read('whole.mp4'))
      .equals(Buffer.concat([head, body])));
  assert.deepEqual(await call('list', 'parts/'),
      ['parts/body', 'parts/head']);
  for (const name of ['parts/head', 'parts/body'])
    await call('delete', name);
  assert.deepEqual(await call('list', 'parts/'), []);
});
