// SPDX-License-Identifier: LGPL-2.1-or-later

// pipelines/recording-progressive.pipeline: a stored broadcast as a plain MP4
// whose index is in front.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { startChromium, videoFacts } from '../lib/chromium.js';
import { serveFiles } from '../lib/files.js';
import { runPipeline } from '../lib/pipeline.js';
import { Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';
import { configure, runWishcast } from '../lib/wishcast.js';

const SECONDS = 60;
const FRAMES = SECONDS * 30;
const place = new Place();
const file = place.path('plain.mp4');

const boxes = (bytes) => {
  const types = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
    types.push(bytes.toString('latin1', at + 4, at + 8));
  return types;
};

const probe = async (...options) => JSON.parse(await place.run('ffprobe',
    ['-v', 'error', '-of', 'json', ...options, file]));

before(async () => {
  await runPipeline(place, `
    videotestsrc num-buffers=${FRAMES} pattern=ball
      ! video/x-raw,width=320,height=180,framerate=30/1
      ! x264enc speed-preset=veryfast key-int-max=250 bframes=2 bitrate=400
      ! video/x-h264,profile=high ! h264parse ! cmafpackager name=packager
    audiotestsrc num-buffers=${SECONDS * 48000 / 1024 | 0} samplesperbuffer=1024
      ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! packager.
    packager. ! cachesink link=past cache-dir="${place.path('cache')}"`);
  const conf = configure(place, { cache: { dir: place.path('cache') } });
  await runWishcast(place, ['launch', '-c', conf,
    `${ROOT}pipelines/recording-progressive.pipeline`, 'link=past',
    `location=${file}`]);
});

after(() => place.leave());

test('its index is in front of its media, which is in one piece', () => {
  const types = boxes(readFileSync(file)).filter((type) =>
    !['free', 'uuid'].includes(type));
  assert.deepEqual(types, ['ftyp', 'moov', 'mdat']);
  assert.ok(!existsSync(`${file}.part`));
});

test('ffprobe finds all of it', async () => {
  const { format, streams } =
      await probe('-show_format', '-show_streams', '-count_packets');
  assert.deepEqual(streams.map(({ codec_name: name }) => name).sort(),
      ['aac', 'h264']);
  const video = streams.find(({ codec_type: type }) => type === 'video');
  assert.equal(Number(video.nb_read_packets), FRAMES);
  assert.ok(Math.abs(Number(format.duration) - SECONDS) < 0.2, format.duration);
});

test('Chromium plays it over HTTP, and seeks', async () => {
  const files = await serveFiles(place, place.dir);
  const page = await (await startChromium(place)).newPage();
  await page.route('**/bare', (route) => route.fulfill({
    contentType: 'text/html',
    body: '<video muted autoplay src="/plain.mp4"></video>',
  }));
  await page.goto(`${files.url}/bare`);
  const plays = (from, to) => until(`it plays from ${from}`, async () => {
    const { time, frames, error } = await videoFacts(page);
    if (error)
      throw new Error(error);
    return time > from && time < to && frames > 5;
  });
  await plays(0.5, 20);
  await page.evaluate(() => {
    document.querySelector('video').currentTime = 50;
  });
  await plays(50.5, 59);
});
