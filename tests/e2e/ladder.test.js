// SPDX-License-Identifier: LGPL-2.1-or-later

// pipelines/ladder.pipeline by `wishcast launch`: three renditions with the same
// segments, and a player that changes between them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { startFront } from '../lib/nginx.js';
import { checkOutput, untilOnAir } from '../lib/pipeline.js';
import { freePort, Place, ROOT } from '../lib/place.js';
import { parsePlaylist, wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';
import { configure, runWishcast, startWishcast } from '../lib/wishcast.js';

const LINK = 'ladder';
const place = new Place();
let base;
let front;
let launched;
let master;

async function getText(url) {
  const answer = await fetch(new URL(url, base));
  assert.equal(answer.status, 200, url);
  return answer.text();
}

before(async () => {
  const port = await freePort();
  const conf = configure(place, { origin: { port } });
  front = await startFront(place, port);
  base = `${front.url}/live/${LINK}/`;
  await runWishcast(place, ['game', 'add', 'half-life', 'Half-Life', '-c', conf]);
  launched = startWishcast(place, ['launch', '-c', conf,
    `${ROOT}pipelines/ladder.pipeline`, 'game=half-life', `link=${LINK}`,
    'title=Half-Life: "the" $end', 'speed-preset=ultrafast']);
  master = parsePlaylist(await untilOnAir(launched, `${base}master.m3u8`));
});

after(() => place.leave());

test('three renditions share one sound', () => {
  const facts = master.variants.map(({ resolution, frameRate, audio }) =>
    [resolution.height, resolution.width, frameRate, audio.length]);
  assert.deepEqual(facts,
      [[1080, 1920, 30, 1], [720, 1280, 30, 1], [360, 640, 30, 1]]);
  const sounds = new Set(master.variants.map(({ audio }) => audio[0].uri));
  assert.equal(sounds.size, 1);
  assert.match(master.source ?? '', /#EXT-X-INDEPENDENT-SEGMENTS/);
  // What each encoder may send at most, and some sound.
  [5000, 2800, 800].forEach((kbits, i) => {
    const { bandwidth, averageBandwidth } = master.variants[i];
    assert.ok(bandwidth >= kbits * 1000 && bandwidth <= kbits * 1000 + 250000,
        `${kbits} kbit/s and sound: ${bandwidth}`);
    assert.ok(averageBandwidth > 0 && averageBandwidth <= bandwidth);
  });
});

test('their segments are the same stretches of time', async () => {
  const lists = await until('three whole segments', async () => {
    const all = await Promise.all(master.variants.map(({ uri }) =>
      getText(uri)));
    const segments = all.map((text) => wholeSegments(parsePlaylist(text)));
    return segments.every((list) => list.length >= 3) && segments;
  }, 120);
  const facts = lists.map((list) => list.slice(0, 3).map((segment) =>
    [segment.uri, segment.duration, segment.programDateTime.getTime()]));
  assert.deepEqual(facts[1], facts[0]);
  assert.deepEqual(facts[2], facts[0]);
  for (const [, duration] of facts[0])
    assert.ok(Math.abs(duration - 2) < 0.001, `${duration} s`);
  // Each of them begins with a key frame, at the same time.
  const times = await Promise.all(master.variants.map(async ({ uri }, i) => {
    const url = new URL(uri, base).href;
    const text = await place.run('ffprobe', ['-v', 'error', '-live_start_index',
      '0', '-read_intervals', '%+4', '-select_streams', 'v', '-show_entries',
      'packet=pts_time,flags', '-of', 'csv=p=0', url]);
    const keys = text.split('\n').filter((line) => /,K/.test(line))
        .map((line) => Number(line.split(',')[0]));
    assert.ok(keys.length >= 2, `rendition ${i}: ${text}`);
    return keys.slice(0, 2);
  }));
  assert.deepEqual(times[1], times[0]);
  assert.deepEqual(times[2], times[0]);
});

test('a player changes from one to another and plays on', async () => {
  const chromium = await startChromium(place);
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/${LINK}`);
  await until('they can be chosen from', async () =>
    (await page.locator('.quality option').allTextContents()).join() ===
        'Auto,1080p,720p,360p');
  let time = 0;
  for (const height of [360, 1080, 720, 360]) {
    await page.selectOption('.quality', `${height}p`);
    const facts = await until(`${height} lines are seen`, async () => {
      const now = await videoFacts(page);
      return now.height === height && now.time > time && now;
    }, 60);
    time = facts.time;
    time = (await until(`${height} lines play on`, async () => {
      const now = await videoFacts(page);
      return now.time > time + 1 && now.height === height && now;
    }, 60)).time;
  }
  await page.selectOption('.quality', 'Auto');
  const { frames } = await videoFacts(page);
  await until('it plays on', async () =>
    (await videoFacts(page)).frames > frames + 60, 60);
  // There is no API behind this front: that is all that may be missed.
  assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []);
  await page.close();
});

test('Ctrl-C ends it well, and the recording has all of it', async () => {
  assert.equal(await launched.end('SIGINT', 30), 0);
  checkOutput(launched);
  assert.match(launched.output, /^Running\.$/m);
  assert.match(launched.output, /^cdnoriginsink\d*: published: link=ladder, /m);
  assert.match(launched.output, /^The end\.$/m);
  const conf = place.path('wishcast.conf');
  const list = await runWishcast(place, ['cache', 'list', '-c', conf]);
  assert.match(list, /^ladder {2}.* {2}ended$/m);
  const file = place.path('all "of" it.mp4');
  await runWishcast(place, ['launch', '-c', conf,
    `${ROOT}pipelines/recording.pipeline`, `link=${LINK}`, `location=${file}`]);
  const streams = await place.run('ffprobe', ['-v', 'error', '-show_entries',
    'stream=codec_name,height', '-of', 'csv=p=0', file]);
  assert.match(streams, /h264,1080/);
  assert.match(streams, /aac/);
  await runWishcast(place, ['cache', 'clear', LINK, '--force', '-c', conf]);
});
