// SPDX-License-Identifier: LGPL-2.1-or-later

// A broadcast that is over: its playlist from the cache, its recording as a
// file, both in ffprobe and in Chromium.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { serveFiles } from '../lib/files.js';
import { startFront } from '../lib/nginx.js';
import { runPipeline, startPipeline, untilOnAir } from '../lib/pipeline.js';
import { freePort, Place } from '../lib/place.js';
import { parsePlaylist } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const SECONDS = 60;
const FRAMES = SECONDS * 30;
const GROUP = 250 / 30; // s from a key frame to the next
const place = new Place();
const cache = place.path('cache');
let chromium;
let front;
let base;

// As OBS encodes, as fast as it goes.
const recorded = (link) => `
  videotestsrc num-buffers=${FRAMES} pattern=ball
    ! video/x-raw,width=320,height=180,framerate=30/1
    ! x264enc speed-preset=veryfast key-int-max=250 bframes=2 bitrate=400
    ! video/x-h264,profile=high ! h264parse ! cmafpackager name=packager
  audiotestsrc num-buffers=${SECONDS * 48000 / 1024 | 0} samplesperbuffer=1024
    ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! packager.
  packager. ! cachesink link=${link} cache-dir="${cache}"`;

// Somebody else's broadcast keeps an origin running, which answers for all that
// the cache holds.
const host = (port) => `
  videotestsrc is-live=true pattern=black
    ! video/x-raw,width=64,height=64,framerate=10/1
    ! x264enc tune=zerolatency key-int-max=10 ! h264parse ! cmafpackager
    ! cdnoriginsink link=host cache-dir="${cache}" port=${port}`;

async function probe(url, ...options) {
  return JSON.parse(await place.run('ffprobe',
      ['-v', 'fatal', '-of', 'json', ...options, url]));
}

async function assertSeeks(url, to) {
  const { packets } = await probe(url, '-select_streams', 'v',
      '-read_intervals', `${to}%+#40`, '-show_entries', 'packet=pts_time,flags');
  const time = Number(packets[0].pts_time);
  assert.ok(time <= to + 0.1 && time > to - GROUP - 0.1,
      `asked for ${to} s, came to ${time} s`);
  assert.match(packets[0].flags, /^K/);
}

// FFmpeg knows what it has read only by the index: of a file that lacks some of
// it, samples come twice or never after a seek back, and the first of the sound
// after one ahead is an old one.
async function assertOnce(file) {
  const { packets } = await probe(file, '-read_intervals', '0%+12,40%+12',
      '-show_entries', 'packet=stream_index,pts_time');
  const ahead = packets.findIndex(({ pts_time: time }) => Number(time) > 20);
  assert.ok(ahead > 0);
  for (const [parts, from] of
    [[packets.slice(0, ahead), 0], [packets.slice(ahead), 40 - GROUP]])
    for (const stream of [0, 1]) {
      const times = parts.filter(({ stream_index: of }) => of === stream)
          .map(({ pts_time: time }) => Number(time)).sort((a, b) => a - b);
      assert.ok(times[0] > from - 0.1, `${times[0]} s instead of ${from} s`);
      const steps = times.slice(1).map((time, i) => time - times[i]);
      // The last pictures that were read may have some between them to come.
      for (const step of steps.slice(0, -3))
        assert.ok(step > 0.015 && step < 0.045, `${step} s between samples`);
    }
}

const boxes = (bytes) => {
  const types = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
    types.push(bytes.toString('latin1', at + 4, at + 8));
  return types;
};

const record = (file, piece) => runPipeline(place,
    `cachesrc link=past cache-dir="${cache}" piece=${piece}
       ! filesink location="${file}"`);

before(async () => {
  await runPipeline(place, recorded('past'));
  const port = await freePort();
  const origin = startPipeline(place, host(port));
  front = await startFront(place, port);
  base = `${front.url}/live/past/`;
  await untilOnAir(origin, `${base}master.m3u8`);
  chromium = await startChromium(place);
});

after(() => place.leave());

test('its playlists are complete', async () => {
  const master = parsePlaylist(
      await (await fetch(`${base}master.m3u8`)).text());
  const [variant] = master.variants;
  for (const { uri } of [variant, variant.audio[0]]) {
    const text = await (await fetch(new URL(uri, base))).text();
    const playlist = parsePlaylist(text);
    assert.equal(playlist.endlist, true);
    assert.equal(playlist.playlistType, 'VOD');
    assert.equal(playlist.mediaSequenceBase, 0);
    const sum = playlist.segments.reduce((all, { duration }) =>
      all + duration, 0);
    assert.ok(Math.abs(sum - SECONDS) < 0.1, `${uri}: ${sum} s`);
    assert.doesNotMatch(text, /EXT-X-(PART|PRELOAD-HINT|SERVER-CONTROL)/);
  }
});

test('ffprobe reads its playlists', async () => {
  const url = `${base}master.m3u8`;
  const { format, streams } = await probe(url, '-show_format', '-show_streams');
  assert.deepEqual(streams.map(({ codec_name: name }) => name).sort(),
      ['aac', 'h264']);
  assert.ok(Math.abs(Number(format.duration) - SECONDS) < 0.2, format.duration);
});

test('the page plays it as a recording', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/past`);
  const first = await until('it plays', async () => {
    const facts = await videoFacts(page);
    return facts.time > 1 && facts.frames > 20 && facts;
  });
  assert.ok(Math.abs(first.duration - SECONDS) < 0.2, `${first.duration}`);
  assert.equal(await page.getAttribute('#stage', 'data-state'), 'ended');
  assert.equal(await page.textContent('.latency'), 'Recording');
  assert.equal(await page.isVisible('.live'), false);
  await until('how long it is', async () =>
    /^0:\d\d \/ (1:00|0:59)$/.test(await page.textContent('.time')));
  await page.fill('.seek', '45');
  await until('it plays from there', async () => {
    const { time, readyState } = await videoFacts(page);
    return time > 46 && time < 52 && readyState >= 3;
  });
  await page.keyboard.press('5');
  await until('it plays from the middle', async () => {
    const { time, readyState } = await videoFacts(page);
    return time > 30 && time < 40 && readyState >= 3;
  });
  // There is no API behind this front: that is all that may be missed.
  assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []);
  await page.close();
});

test('its recording is one file that seeks', async () => {
  const file = place.path('whole.mp4');
  await record(file, 'whole');
  const bytes = readFileSync(file);
  const types = boxes(bytes);
  assert.deepEqual(types.slice(0, 2), ['ftyp', 'moov']);
  assert.ok(types.indexOf('sidx') > 0 &&
      types.indexOf('sidx') < types.indexOf('moof'), 'the index is in front');
  const { format, streams } =
      await probe(file, '-show_format', '-show_streams', '-count_packets');
  assert.ok(Math.abs(Number(format.duration) - SECONDS) < 0.2, format.duration);
  const video = streams.find(({ codec_type: type }) => type === 'video');
  assert.equal(Number(video.nb_read_packets), FRAMES);
  for (const to of [5, 20, 55])
    await assertSeeks(file, to);
  await assertOnce(file);

  await record(place.path('head.mp4'), 'head');
  await record(place.path('body.mp4'), 'body');
  assert.ok(bytes.equals(Buffer.concat([readFileSync(place.path('head.mp4')),
    readFileSync(place.path('body.mp4'))])), 'whole is head and body');
});

test('Chromium opens the file over HTTP with few requests', async () => {
  await record(place.path('http.mp4'), 'whole');
  const files = await serveFiles(place, place.dir);
  const page = await chromium.newPage();
  await page.route('**/bare', (route) => route.fulfill({
    contentType: 'text/html',
    body: '<video muted autoplay src="/http.mp4"></video>',
  }));
  await page.goto(`${files.url}/bare`);
  const facts = await until('it plays', async () => {
    const now = await videoFacts(page);
    if (now.error)
      throw new Error(now.error);
    return now.time > 1 && now.frames > 20 && now;
  });
  assert.deepEqual([facts.width, facts.height], [320, 180]);
  assert.ok(Math.abs(facts.duration - SECONDS) < 0.2, `${facts.duration}`);
  for (const to of [50, 10, 30]) {
    await page.evaluate((time) => {
      document.querySelector('video').currentTime = time;
    }, to);
    await until(`it plays from ${to}`, async () => {
      const { time, readyState } = await videoFacts(page);
      return time > to + 0.5 && time < to + 8 && readyState >= 3;
    });
  }
  const count = files.requests.filter(({ url }) => url === '/http.mp4').length;
  assert.ok(count <= 12, `${count} requests`);
  await page.close();
});

test('a link that never was is not found', async () => {
  for (const path of ['master.m3u8', 'video_0/index.m3u8', 'poster.jpg']) {
    const answer = await fetch(`${front.url}/live/never/${path}`);
    assert.equal(answer.status, 404, path);
  }
});
