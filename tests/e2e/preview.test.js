// SPDX-License-Identifier: LGPL-2.1-or-later

// The desktop preview on a display that nobody sees: what is in the window, what
// the latency is said to be, and how it ends.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { checkOutput, startPipeline } from '../lib/pipeline.js';
import { freePort, Place } from '../lib/place.js';
import { startScreen } from '../lib/screen.js';
import { readCapture, readTail } from '../lib/store.js';
import { until } from '../lib/until.js';
import { configure, startWishcast } from '../lib/wishcast.js';

const LINK = 'shown';
const TITLE = 'Making of';
// Of the picture, without the ball and the overlay.
const GREEN = [0x20, 0x80, 0x40];
const BLUE = [0x20, 0x40, 0xa0];
const WHITE = [255, 255, 255];
const BLACK = [0, 0, 0];
// Where the overlay stands, live and interrupted, in a picture of 640x360.
const LINES = [[20, 20, 300, 22], [20, 44, 300, 22]];
const MIDDLE = [120, 130, 400, 100];

const place = new Place();
const cache = place.path('cache');
let config;
let screen;
let publisher;
let preview;

const hex = (color) =>
  `0xff${color.map((value) => value.toString(16).padStart(2, '0')).join('')}`;

// A ball before one colour, and sound; `more` goes to the packager.
function publish(color, [width, height] = [640, 360], more = {}) {
  const settings = Object.entries(more).map(([name, value]) =>
    `${name}=${value}`).join(' ');
  publisher = startPipeline(place, `-e
    videotestsrc is-live=true pattern=ball background-color=${hex(color)}
      ! video/x-raw,format=I420,width=${width},height=${height},framerate=30/1
      ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30
      ! h264parse ! cmafpackager name=packager ${settings}
    audiotestsrc is-live=true ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse
      ! packager.
    packager. ! cachesink link=${LINK} cache-dir="${cache}"`);
}

const resume = (color, size) => publish(color, size, readTail(cache, LINK));

const startPreview = (...args) => startWishcast(place, ['preview',
  '--verbose', '--video-sink', 'ximagesink', '-c', config, ...args]);

// The newest line of figures: { state, latency, time }.
function figures(launched) {
  const line = launched.output.match(/^state=.*$/gm)?.at(-1) ?? '';
  return Object.fromEntries(line.split(' ').map((word) => {
    const [name, value] = word.split('=');
    return [name, Number.isNaN(Number(value)) ? value : Number(value)];
  }));
}

// Waits for it, and gives the figures.
const untilState = (launched, state) =>
  until(`the preview is ${state}`, () => {
    if (!launched.isAlive)
      throw new Error(`it has ended: ${launched.output}`);
    const now = figures(launched);
    return now.state === state && now.time !== undefined && now;
  });

const untilShown = (what, isShown, seconds) =>
  until(`the window shows ${what}`,
      async () => isShown(await screen.look()), seconds);

async function statusOf(launched) {
  const status = await launched.exited;
  checkOutput(launched);
  return status;
}

before(async () => {
  config = configure(place,
      { cache: { dir: cache }, api: { port: await freePort() } });
  screen = await startScreen(place);
  process.env.DISPLAY = screen.display;
  publish(GREEN);
  await until('something is stored', () => readTail(cache, LINK)['first-msn']);
  preview = startPreview('--title', TITLE, LINK);
  await untilState(preview, 'live');
});

after(() => place.leave());

test('the window shows the picture, and it moves', async () => {
  const first = await screen.look();
  for (const [x, y] of [[8, 8], [632, 8], [8, 352], [632, 352]])
    assert.ok(first.isAbout(x, y, GREEN), `${x},${y}: ${first.at(x, y)}`);
  assert.deepEqual(first.at(700, 500), BLACK, 'no more than the picture');
  // Beside the overlay, only the ball is white.
  const ball = (look) => look.count([0, 100, 640, 260], WHITE);
  await untilShown('a ball', (look) => ball(look) > 500);
  const places = new Set();
  await untilShown('the ball elsewhere', (look) => {
    let x = 0;
    while (x < 640 && look.count([x, 0, 8, 360], WHITE) < 8)
      x += 8;
    places.add(x);
    return places.size >= 3;
  });
});

test('title and latency stand over it', async () => {
  await untilShown('two lines of text', (look) =>
    LINES.every((line) => look.count(line, WHITE) > 80));
});

test('the latency is the time since the capture', async () => {
  // By the index alone: a picture that the preview calls `latency` old was
  // captured so long ago. A line is read at most so late after it was printed:
  const delay = 300;
  const lines = preview.output.match(/^state=.*$/gm).length;
  await until('a new line', () =>
    preview.output.match(/^state=.*$/gm).length > lines);
  const now = Date.now();
  const { latency, time } = figures(preview);
  const age = now - readCapture(cache, LINK, time);
  assert.ok(latency > 0.3, `${latency} s: a part is longer`);
  assert.ok(age - latency * 1000 > -50 && age - latency * 1000 < delay,
      `${age} ms by the index, ${latency * 1000} ms by the preview`);
});

test('an interrupted broadcast keeps its picture, and says so', async () => {
  publisher.kill('SIGKILL');
  await publisher.exited;
  await untilState(preview, 'interrupted');
  await untilShown('the notice in the middle', (look) =>
    look.count(MIDDLE, WHITE) > 150 && look.isAbout(632, 352, GREEN));
});

test('it goes on by itself, in another size', async () => {
  resume(BLUE, [480, 480]);
  await untilState(preview, 'live');
  await untilShown('the new picture', (look) =>
    look.count([0, 0, 800, 600], BLUE) > 50000 &&
    look.count([0, 0, 800, 600], GREEN) < 1000);
  await untilShown('the lines in the corner again', (look) =>
    LINES.every((line) => look.count(line, WHITE) > 80));
});

test('keys: space pauses, q ends', async () => {
  const other = startPreview(LINK);
  await untilState(other, 'live');
  await screen.pressKey('space');
  await untilState(other, 'paused');
  await screen.pressKey('space');
  await untilState(other, 'live');
  await screen.pressKey('q');
  assert.equal(await statusOf(other), 0);
});

test('closing the window ends it', async () => {
  const other = startPreview(LINK);
  await untilState(other, 'live');
  await screen.closeWindow();
  assert.equal(await statusOf(other), 0);
});

test('so does Ctrl-C', async () => {
  const other = startPreview(LINK);
  await untilState(other, 'live');
  other.kill('SIGINT');
  assert.equal(await statusOf(other), 0);
});

test('without a sound card it is silent, and says so', async () => {
  assert.match(preview.output, /there is no sound card/);
});

test('the line of README.md shows the same', async () => {
  const other = await startScreen(place);
  process.env.DISPLAY = other.display;
  const line = startPipeline(place, `
    cachesrc link=${LINK} cache-dir="${cache}" live-edge=true
      ! decodebin3 name=d
    d. ! videoconvert ! autovideosink
    d. ! audioconvert ! audioresample ! autoaudiosink`);
  process.env.DISPLAY = screen.display;
  await until('its window shows the picture', async () =>
    (await other.look()).count([0, 0, 800, 600], BLUE) > 50000);
  await line.end('SIGINT');
  checkOutput(line);
});

test('the end of the broadcast ends it', async () => {
  publisher.kill('SIGINT');
  assert.equal(await statusOf(preview), 0);
});

test('a recording is shown from its begin, whatever its sizes', async () => {
  const other = startPreview(LINK);
  await untilState(other, 'playing');
  await untilShown('the first picture', (look) =>
    look.isAbout(632, 352, GREEN));
  // As late as it came: all tests until then.
  await untilShown('the second', (look) =>
    look.count([0, 0, 800, 600], BLUE) > 50000, 120);
  other.kill('SIGINT');
  assert.equal(await statusOf(other), 0);
  assert.match(other.output, /this is its recording/);
});

test('what is not there', async () => {
  const unknown = startPreview('nobody');
  assert.equal(await statusOf(unknown), 66);
  assert.match(unknown.output, /has no broadcast nobody/);
  const file = startPreview(place.path('missing.mp4'));
  assert.equal(await file.exited, 66);
  delete process.env.DISPLAY;
  const blind = startWishcast(place, ['preview', '-c', config, LINK]);
  assert.equal(await statusOf(blind), 69);
  assert.match(blind.output, /no display/);
});
