// SPDX-License-Identifier: LGPL-2.1-or-later

// The pages /watch/<link> and /embed/<link> against a live playlist that another
// program makes. There is no API: the picture alone says how things are.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { serveFiles } from '../lib/files.js';
import { startFront } from '../lib/nginx.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const place = new Place();
let front;
let chromium;
let files;

// Segments of a second, the picture and the sound of a test card.
function broadcast(link) {
  mkdirSync(place.path('live', link), { recursive: true });
  return place.launch('ffmpeg', ['-nostdin', '-v', 'error', '-re',
    '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30',
    '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency',
    '-pix_fmt', 'yuv420p', '-g', '30', '-c:a', 'aac', '-ac', '2',
    '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6',
    '-hls_segment_type', 'fmp4', '-master_pl_name', 'master.m3u8',
    'index.m3u8'], { cwd: place.path('live', link) });
}

const text = (page, name) => page.locator(`.${name}`).textContent();
const state = (page) => page.getAttribute('#stage', 'data-state');

before(async () => {
  mkdirSync(place.path('live'));
  files = await serveFiles(place, place.path('live'));
  front = await startFront(place, files.port);
  chromium = await startChromium(place);
});

after(() => place.leave());

test('an address that names no broadcast says so', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/no.such`);
  await until('the notice', async () =>
    /Nothing is on air/.test(await text(page, 'notice')));
  assert.equal(await state(page), 'missing');
  await until('the title', async () =>
    await page.title() === 'Nothing is on air here – Wishcast');
  assert.equal(await page.isVisible('#share'), false);
  assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []);
  await page.close();
});

test('the page waits, plays, is silent until asked, goes live', async () => {
  const { page, complaints } =
      await openPage(chromium, `${front.url}/watch/a-link`);
  await until('the notice', async () =>
    /Nothing is on air/.test(await text(page, 'notice')));
  assert.equal(await state(page), 'missing');
  assert.equal(await page.isVisible('.sound'), false);
  assert.equal(await page.isDisabled('.live'), true);

  const publisher = broadcast('a-link');
  await until('it plays', async () => await state(page) === 'playing');
  const first = await until('the picture moves', async () => {
    const facts = await videoFacts(page);
    return facts.time > 0 && facts.frames > 30 && facts;
  });
  assert.deepEqual([first.width, first.height], [640, 360]);
  assert.ok(first.audioBytes > 0);
  assert.equal(first.muted, true);
  // On a busy machine it may have stalled once meanwhile.
  await until('the notice goes', async () =>
    !await page.isVisible('.notice.shown'));

  await page.click('.sound');
  assert.equal((await videoFacts(page)).muted, false);
  assert.equal(await page.isVisible('.sound'), false);

  await until('the latency is shown', async () =>
    /^\d+\.\d s behind live$/.test(await text(page, 'latency')));
  await until('it is live', async () =>
    await page.getAttribute('.live', 'aria-pressed') === 'true');
  await page.evaluate(() => document.querySelector('video').pause());
  await until('it is not live', async () =>
    await page.getAttribute('.live', 'aria-pressed') === 'false');
  await page.click('.live');
  await until('it is live again', async () =>
    await page.getAttribute('.live', 'aria-pressed') === 'true');

  // The playlist asked for in vain is all that may have been complained about.
  assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []);

  publisher.kill('SIGKILL');
  await publisher.exited;
  await until('the stop is told', async () => await state(page) === 'stalled');
  assert.match(await text(page, 'notice'), /picture has stopped/);
  await page.close();
});

test('nothing is loaded from elsewhere or written inline', async () => {
  const answer = await fetch(`${front.url}/watch/a-link`);
  const html = await answer.text();
  assert.match(answer.headers.get('content-security-policy'),
      /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on\w+=/);
  assert.doesNotMatch(html, /(src|href)="(?!\/)/);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
});

for (const [name, width, height] of
  [['phone', 390, 844], ['phone, turned', 844, 390], ['desktop', 1920, 1080]]) {
  test(`nothing sticks out on a ${name}`, async () => {
    const page = await chromium.newPage();
    await page.setViewportSize({ width, height });
    await page.goto(`${front.url}/watch/nothing`);
    await page.waitForSelector('.live', { state: 'attached' });
    await page.waitForSelector('header');
    const facts = await page.evaluate(() => {
      const stage = document.getElementById('stage').getBoundingClientRect();
      const live = document.querySelector('.live').getBoundingClientRect();
      return {
        scrolls: document.documentElement.scrollWidth > innerWidth,
        ratio: stage.width / stage.height,
        bottom: stage.bottom,
        touch: live.height,
      };
    });
    assert.equal(facts.scrolls, false);
    assert.ok(Math.abs(facts.ratio - 16 / 9) < 0.02, `${facts.ratio}`);
    assert.ok(facts.bottom <= height, 'the whole picture is in sight');
    assert.ok(facts.touch >= 44, 'a finger finds the button');
    await page.close();
  });
}

for (const [width, height] of [[200, 112], [320, 568], [800, 200]]) {
  test(`a frame of ${width} by ${height} is filled`, async () => {
    const page = await chromium.newPage();
    await page.setViewportSize({ width, height });
    await page.goto(`${front.url}/embed/nothing`);
    await until('the notice', async () =>
      /Nothing is on air/.test(await text(page, 'notice')));
    const facts = await page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      const { left, top, width: w, height: h } =
          document.getElementById('stage').getBoundingClientRect();
      const controls = [...document.querySelectorAll('.row > *, .open')]
          .map((control) => control.getBoundingClientRect())
          .filter((box) => box.width > 0);
      return {
        page: [scrollWidth, scrollHeight], stage: [left, top, w, h],
        out: controls.filter((box) => box.left < 0 || box.top < 0 ||
            box.right > innerWidth || box.bottom > innerHeight).length,
      };
    });
    assert.deepEqual(facts,
        { page: [width, height], stage: [0, 0, width, height], out: 0 });
    await page.close();
  });
}
