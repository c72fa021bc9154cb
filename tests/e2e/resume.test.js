// SPDX-License-Identifier: LGPL-2.1-or-later

// A broadcast whose machine dies and which goes on under the same link, with
// another picture size: one link, one playlist, one discontinuity.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { followPlaylist } from '../lib/follow.js';
import { startFront, startRelay } from '../lib/nginx.js';
import { broadcastLine, checkOutput, publish, startPipeline, untilOnAir }
  from '../lib/pipeline.js';
import { freePort, Place } from '../lib/place.js';
import { parsePlaylist, wholeSegments } from '../lib/playlists.js';
import { readTail } from '../lib/store.js';
import { until } from '../lib/until.js';

const LINK = 'again';
const place = new Place();
const cache = place.path('cache');
let base;
let chromium;
let front;
let follow;
let tail;
let viewer;

const address = (relay, key) => `rtmp://127.0.0.1:${relay.port}/live/${key}`;

before(async () => {
  const [relay, port] = [await startRelay(place), await freePort()];
  front = await startFront(place, port);
  base = `${front.url}/live/${LINK}/`;
  const line = (key, packager) => broadcastLine(
      { url: address(relay, key), link: LINK, cache, port, packager });
  await publish(place, address(relay, 'first'));
  const first = startPipeline(place, line('first'));
  const master =
      parsePlaylist(await untilOnAir(first, `${base}master.m3u8`));
  const url = new URL(master.variants[0].uri, base).href;
  follow = followPlaylist(url, { patient: true });
  chromium = await startChromium(place);
  viewer = await openPage(chromium, `${front.url}/watch/${LINK}`);
  await until('three segments, and a viewer', async () =>
    wholeSegments(follow.follower.last).length >= 3 &&
        (await videoFacts(viewer.page)).time > 5, 60);

  await publish(place, address(relay, 'second'), { size: '480x270' });
  first.kill('SIGKILL');
  await first.exited;
  tail = readTail(cache, LINK);
  const second = startPipeline(place, line('second',
      Object.entries(tail).map(([name, value]) => `${name}=${value}`)
          .join(' ')));
  await untilOnAir(second, `${base}master.m3u8`);
  place.defer(() => checkOutput(second));
});

after(() => place.leave());

test('the player goes on across the discontinuity', async () => {
  const before = await videoFacts(viewer.page);
  const facts = await until('the new picture plays', async () => {
    const now = await videoFacts(viewer.page);
    if (now.width !== 480 || now.time < before.time + 5)
      throw new Error(JSON.stringify([before, now, viewer.complaints]));
    return now;
  }, 120);
  assert.equal(facts.height, 270);
  assert.equal(facts.error, null);
  assert.ok(facts.audioBytes > 0);
});

test('the playlist goes on where it was, with one discontinuity', async () => {
  await Promise.race([follow.done, until('two segments of the new epoch', () =>
    wholeSegments(follow.follower.last).filter((segment) =>
      segment.mediaSequenceNumber >= Number(tail['first-msn'])).length >= 2,
  60)]);
  follow.stop();
  const { last } = await follow.done;
  const marked = last.segments.filter(({ discontinuity }) => discontinuity);
  assert.deepEqual(marked.map(({ mediaSequenceNumber: msn }) => msn),
      [Number(tail['first-msn'])]);
  const maps = new Set(wholeSegments(last).map(({ map }) => map.uri));
  assert.equal(maps.size, 2);
  assert.equal(last.mediaSequenceBase, 0, 'nothing was forgotten');
});

test('what was on air before the end is still there', async () => {
  const master = parsePlaylist(
      await (await fetch(`${base}master.m3u8`)).text());
  const url = new URL(master.variants[0].uri, base);
  const playlist = parsePlaylist(await (await fetch(url)).text());
  const [oldest] = wholeSegments(playlist);
  const answer = await fetch(new URL(oldest.uri, url));
  assert.equal(answer.status, 200);
  assert.ok((await answer.arrayBuffer()).byteLength > 10000);
});
