// SPDX-License-Identifier: LGPL-2.1-or-later

// A publisher as OBS is one, through a relay and one gst-launch line, to what
// players see: playlists by two parsers, media by ffprobe, the page in Chromium.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { followPlaylist } from '../lib/follow.js';
import { startFront, startRelay } from '../lib/nginx.js';
import { broadcastLine, checkOutput, publish, startPipeline, untilOnAir }
  from '../lib/pipeline.js';
import { freePort, Place } from '../lib/place.js';
import { listedParts, parsePlaylist, wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';

const LINK = 'obs';
// There is no API behind this front: that is all that may be missed.
const notMissing = (complaints) =>
  complaints.filter((text) => !/404/.test(text));
const place = new Place();
let front;
let pipeline;
let publisher;
let recorder;
let chromium;
let base;
let master;
const followers = {};

const get = async (url, options) => {
  const answer = await fetch(new URL(url, base), options);
  return { answer, body: Buffer.from(await answer.arrayBuffer()) };
};

async function getPlaylist(url) {
  const { answer, body } = await get(url);
  assert.equal(answer.status, 200, url);
  return parsePlaylist(body.toString());
}

before(async () => {
  const [relay, port] = [await startRelay(place), await freePort()];
  const url = `rtmp://127.0.0.1:${relay.port}/live/key`;
  front = await startFront(place, port);
  base = `${front.url}/live/${LINK}/`;
  publisher = await publish(place, url);
  pipeline = startPipeline(place,
      broadcastLine({ url, link: LINK, cache: place.path('cache'), port }));
  master = parsePlaylist(await untilOnAir(pipeline, `${base}master.m3u8`));
  // From the first version on: the rules hold over the whole life.
  const [variant] = master.variants;
  followers.video = followPlaylist(new URL(variant.uri, base).href);
  followers.audio =
      followPlaylist(new URL(variant.audio[0].uri, base).href);
  recorder = startPipeline(place, `
    cachesrc link=${LINK} cache-dir="${place.path('cache')}" follow=true
      ! filesink location="${place.path('followed.mp4')}"`);
  chromium = await startChromium(place);
});

after(() => place.leave());

test('the multivariant playlist says what the publisher sends', () => {
  assert.equal(master.variants.length, 1);
  const [variant] = master.variants;
  assert.match(variant.codecs, /^avc1\.6400[0-9a-f]{2},mp4a\.40\.2$/i);
  assert.deepEqual({ ...variant.resolution }, { width: 640, height: 360 });
  assert.equal(variant.frameRate, 30);
  assert.ok(variant.bandwidth >= variant.averageBandwidth);
  assert.ok(variant.averageBandwidth > 0);
  assert.equal(variant.audio.length, 1);
});

// Seconds of media that the playlist lists.
const listed = ({ segments }) => segments.reduce((sum, segment) =>
  sum + (segment.uri ? segment.duration : segment.parts.reduce(
      (parts, { hint, duration }) => parts + (hint ? 0 : duration), 0)), 0);

// By the media's clock, so that a slow machine makes no difference.
test('a joining player has a picture within a key frame interval', async () => {
  const { follower } = followers.video;
  // The library wants one before it begins.
  await until('a whole segment', () => wholeSegments(follower.last).length > 0);
  const joined = listed(follower.last);
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/${LINK}`);
  const facts = await until('a picture', async () => {
    const now = await videoFacts(page);
    return now.frames > 0 && now.time > 0 && now;
  });
  assert.ok(facts.time < joined + 250 / 30, `${facts.time}, at ${joined}`);
  assert.deepEqual([facts.width, facts.height], [640, 360]);
  assert.deepEqual(notMissing(complaints), []);
  await page.close();
});

test('the page plays on, with sound, and says how far behind', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/${LINK}`);
  const first = await until('the picture moves', async () => {
    const facts = await videoFacts(page);
    return facts.time > 0 && facts;
  });
  // Past the next key frame, forced cuts and all.
  const later = await until('ten seconds are played', async () => {
    const facts = await videoFacts(page);
    return facts.time > first.time + 10 && facts;
  });
  assert.ok(later.audioBytes > first.audioBytes, 'sound is decoded');
  assert.ok(later.frames - first.frames > 250, 'few frames are missing');
  assert.equal(later.error, null);
  await until('the latency is shown', async () => /^\d+\.\d s behind live$/
      .test(await page.textContent('.latency')));
  assert.deepEqual(notMissing(complaints), []);
  await page.close();
});

test('a player seeks into the past and back', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/${LINK}`);
  const facts = await until('there is a past', async () => {
    const now = await videoFacts(page);
    return now.time > 0 && now.seekable.length > 0 &&
        now.seekable[0][1] - now.seekable[0][0] > 20 && now;
  }, 60);
  const past = facts.seekable[0][0] + 5;
  await page.fill('.seek', String(past));
  await until('the past plays', async () => {
    const now = await videoFacts(page);
    return now.time > past + 2 && now.time < past + 10 && now.readyState >= 3;
  });
  const isLive = () => page.getAttribute('.live', 'aria-pressed');
  await until('it is told', async () =>
    /^−0:\d\d$/.test(await page.textContent('.time')) &&
        /^\d+ seconds behind live$/.test(
            await page.getAttribute('.seek', 'aria-valuetext')) &&
        await isLive() === 'false');
  await page.hover('video');
  await page.click('.live');
  await until('it is live again', async () => await isLive() === 'true' &&
      (await videoFacts(page)).time > facts.time);

  await page.press('.seek', 'Home');
  await until('the oldest is shown', async () =>
    (await videoFacts(page)).time < past && await isLive() === 'false');
  await page.press('.seek', 'End');
  await until('the newest is shown', async () => await isLive() === 'true');
  assert.deepEqual(notMissing(complaints), []);
  await page.close();
});

// The library sets the time before there is a picture, and until there is one
// the bar cannot have the focus.
const untilPlays = (page) => until('it plays', async () =>
  await page.getAttribute('.stage', 'data-state') === 'playing');

test('keys do what the bar does', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/${LINK}`);
  const facts = () => videoFacts(page);
  await untilPlays(page);
  for (const key of ['k', 'Space']) {
    await page.keyboard.press(key);
    await until(`${key} stops it`, async () => (await facts()).paused);
    await page.keyboard.press(key);
    await until(`${key} starts it`, async () => !(await facts()).paused);
  }
  await page.keyboard.press('m');
  await until('m is for sound', async () => !(await facts()).muted);
  const volume = () => page.evaluate(() =>
    document.querySelector('video').volume);
  await page.focus('.play');
  await page.keyboard.press('ArrowDown');
  await until('less of it', async () => Math.abs(await volume() - 0.9) < 0.01);
  await page.keyboard.press('ArrowUp');
  await until('and more', async () => await volume() === 1);

  await until('there is a past', async () => {
    const { seekable, time } = await facts();
    return time - seekable[0][0] > 12;
  }, 60);
  const { time } = await facts();
  for (let i = 0; i < 2; i += 1)
    await page.keyboard.press('ArrowLeft');
  await until('ten seconds back', async () => (await facts()).time < time - 5);
  await page.keyboard.press('l');
  await until('l is for live', async () =>
    await page.getAttribute('.live', 'aria-pressed') === 'true');

  await page.keyboard.press('f');
  const isFull = () => page.evaluate(() =>
    document.fullscreenElement === document.getElementById('stage'));
  await until('f fills the screen', isFull);
  await page.keyboard.press('f');
  await until('and leaves it', async () => !await isFull());

  // A button has its own space bar, and is found by Tab with a name.
  await page.focus('.mute');
  await page.keyboard.press('Space');
  await until('the button is pressed', async () => (await facts()).muted);
  assert.equal((await facts()).paused, false);
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll('.controls :is(button, input, select)')]
        .filter((control) => !control.ariaLabel && !control.textContent)
        .map(({ className }) => className));
  assert.deepEqual(unnamed, []);
  assert.deepEqual(notMissing(complaints), []);
  await page.close();
});

test('the bar goes, and comes when it is needed', async () => {
  const { page } = await openPage(chromium, `${front.url}/watch/${LINK}`);
  await untilPlays(page);
  const opacity = async (value) => {
    const now = await page.$eval('.controls', (bar) =>
      getComputedStyle(bar).opacity);
    if (now !== value)
      throw new Error(now);
    return true;
  };
  await until('it goes by itself', () => opacity('0'));
  await page.focus('.seek');
  await page.keyboard.press('Tab');
  await until('the keyboard brings it', () => opacity('1'));
  await page.evaluate(() => document.activeElement.blur());
  await until('it goes again', () => opacity('0'));
  await page.keyboard.press('k');
  await until('it is there while nothing moves', () => opacity('1'));
  await page.close();
});

test("Chromium's own HLS plays it too", async (t) => {
  const page = await chromium.newPage();
  await page.goto(`${front.url}/icon.svg`);
  const answer = await page.evaluate(() => {
    const video = document.createElementNS('http://www.w3.org/1999/xhtml',
        'video');
    return video.canPlayType('application/vnd.apple.mpegurl');
  });
  if (!answer) {
    t.skip('this Chromium has none');
    return;
  }
  // It gives up for good where it finds less than it has to hold back.
  await until('as much is listed as a player holds back', async () => {
    const { last } = followers.video.follower;
    return wholeSegments(last).reduce((sum, { duration }) =>
      sum + duration, 0) >= last.lowLatencyCompatibility.holdBack;
  }, 60);
  await page.goto(`${front.url}/watch/${LINK}?player=native`);
  const facts = await until('it plays', async () => {
    const now = await videoFacts(page);
    if (now.error)
      throw new Error(now.error);
    return now.time > 3 && now.frames > 60 && now;
  }, 40);
  assert.equal(await page.getAttribute('#stage', 'data-state'), 'playing');
  assert.match(await page.evaluate(() =>
    document.querySelector('video').currentSrc), /\/master\.m3u8$/);
  assert.deepEqual([facts.width, facts.height], [640, 360]);
  await page.close();
});

test('ffprobe reads the live playlist', async () => {
  const text = await place.run('ffprobe', ['-v', 'error', '-show_entries',
    'stream=codec_name,profile,width,height,sample_rate,channels', '-of',
    'json', `${base}master.m3u8`]);
  const { streams } = JSON.parse(text);
  const video = streams.find(({ codec_name: name }) => name === 'h264');
  const audio = streams.find(({ codec_name: name }) => name === 'aac');
  assert.deepEqual([video.profile, video.width, video.height],
      ['High', 640, 360]);
  assert.deepEqual([audio.profile, audio.sample_rate, audio.channels],
      ['LC', '48000', 2]);
});

test('a segment is the sum of its parts', async () => {
  for (const { uri } of [master.variants[0], master.variants[0].audio[0]]) {
    const url = new URL(uri, base);
    const playlist = await getPlaylist(url);
    const whole = wholeSegments(playlist)
        .filter(({ parts }) => parts.length > 0);
    assert.ok(whole.length > 0);
    for (const segment of whole) {
      const { body } = await get(new URL(segment.uri, url));
      const parts = [];
      for (const part of segment.parts)
        parts.push((await get(new URL(part.uri, url))).body);
      assert.ok(body.equals(Buffer.concat(parts)), segment.uri);
    }
  }
});

test('a promised part is answered when it is whole', async () => {
  const url = new URL(master.variants[0].uri, base);
  const playlist = await getPlaylist(url);
  const hint = playlist.segments.at(-1).parts.at(-1);
  assert.equal(hint.hint, true);
  const { answer, body } = await get(new URL(hint.uri, url));
  assert.equal(answer.status, 200);
  assert.equal(Number(answer.headers.get('content-length')), body.length);
  const now = listedParts(await getPlaylist(url)).map(({ uri }) => uri);
  const segments = wholeSegments(await getPlaylist(url));
  assert.ok(now.includes(hint.uri) || segments.at(-1).uri.length > 0);
});

test('what HTTP asks of an answer', async () => {
  const url = new URL(master.variants[0].uri, base);
  const playlist = await getPlaylist(url);
  const segment = new URL(wholeSegments(playlist)[0].uri, url);
  const { answer, body } = await get(segment);
  assert.equal(answer.headers.get('content-type'), 'video/mp4');
  assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  assert.match(answer.headers.get('cache-control'), /max-age=\d+/);
  const etag = answer.headers.get('etag');
  assert.ok(etag);

  const same = await get(segment, { headers: { 'If-None-Match': etag } });
  assert.equal(same.answer.status, 304);
  const range = await get(segment, { headers: { Range: 'bytes=8-15' } });
  assert.equal(range.answer.status, 206);
  assert.ok(range.body.equals(body.subarray(8, 16)));
  assert.equal(range.answer.headers.get('content-range'),
      `bytes 8-15/${body.length}`);
  const head = await get(segment, { method: 'HEAD' });
  assert.equal(head.answer.status, 200);
  assert.equal(Number(head.answer.headers.get('content-length')), body.length);
  assert.equal(head.body.length, 0);

  const zipped = await get(url);
  assert.equal(zipped.answer.headers.get('content-encoding'), 'gzip');
  assert.equal(zipped.answer.headers.get('content-type'),
      'application/vnd.apple.mpegurl');
});

test('the poster is a picture or is not there', async () => {
  const { answer } = await get('poster.jpg');
  assert.equal(answer.status, 404, 'this pipeline makes none');
});

test('the playlists kept every rule while all this went on', async () => {
  for (const [name, { follower, done, stop }] of Object.entries(followers)) {
    await Promise.race([done, until(`${name} saw six segments`, () =>
      wholeSegments(follower.last).length >= 6, 60)]);
    stop();
    await done;
    assert.ok(follower.versions > 20, `${name}: ${follower.versions} versions`);
  }
  const ends = Object.values(followers).map(({ follower }) =>
    follower.last.segments.at(-1).mediaSequenceNumber);
  assert.ok(Math.abs(ends[0] - ends[1]) <= 1, `numbers go apart: ${ends}`);
  assert.equal(followers.video.follower.last.targetDuration,
      followers.audio.follower.last.targetDuration);
});

test('the publisher stops, and all comes to its end', async () => {
  await publisher.end('SIGINT');
  assert.equal(await pipeline.exited, 0);
  checkOutput(pipeline);
  assert.equal(await recorder.exited, 0);
  checkOutput(recorder);
  const { packets } = JSON.parse(await place.run('ffprobe', ['-v', 'error',
    '-select_streams', 'v', '-show_entries', 'packet=dts_time', '-of', 'json',
    place.path('followed.mp4')]));
  const [first, last] = [packets.at(0), packets.at(-1)]
      .map(({ dts_time: time }) => Number(time));
  assert.ok(Math.abs(packets.length - 1 - (last - first) * 30) < 1.5,
      `${packets.length} frames in ${last - first} s`);
});
