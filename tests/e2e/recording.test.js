// SPDX-License-Identifier: LGPL-2.1-or-later

// The recording of a broadcast, for who watched it: live, then as a file to
// save and to play, in several players, until its time is over.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { addDeveloper, checkService, command, makeNode, startNode,
  startPublisher } from '../lib/node.js';
import { runPipeline } from '../lib/pipeline.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const GAME = 'half-life';
// Watched for so long before it ends, in seconds.
const LENGTH = 20;
const KEPT = '20 s';
const place = new Place();
let chromium;
let node;
let service;
let key;
let link;
let whole;
let page;
let complaints;

const read = async (path) => (await fetch(`${node.url}/api/v1/${path}`)).json();
const untilState = (...states) => until(`the page is ${states}`, async () => {
  const now = await page.getAttribute('#stage', 'data-state');
  if (!states.includes(now))
    throw new Error(`${now} ${JSON.stringify([await videoFacts(page),
      complaints])}\n${service.output.slice(-2000)}`);
  return now;
}, 90);
const text = (selector) => page.textContent(selector);

// A page that plays what is on air; the broadcast's link.
async function watch() {
  const publisher = startPublisher(place, node.rtmp(key));
  link = await until('it is live', async () => {
    const { broadcasts } = await read(`broadcasts?state=live&game=${GAME}`);
    return broadcasts[0]?.startedAt && broadcasts[0].link;
  }, 60);
  ({ page, complaints } =
      await openPage(chromium, `${node.url}/watch/${link}`));
  await untilState('playing');
  assert.equal(await page.isVisible('#recording'), false);
  return publisher;
}

async function end(publisher) {
  publisher.stopped = true;
  await command(node, 'end', link);
  await publisher.process.exited;
}

const untilReady = () => until('the recording is ready', async () => {
  const { recording } = await read(`broadcasts/${link}`);
  if (recording.state !== 'ready')
    throw new Error(JSON.stringify(recording));
  return recording;
}, 60);

const untilPlays = (from, to) => until(`it plays from ${from}`, async () => {
  const facts = await videoFacts(page);
  if (facts.error || facts.time <= from || facts.time >= to)
    throw new Error(JSON.stringify([facts, complaints]));
  return facts;
}, 60);

before(async () => {
  node = await makeNode(place, 'node');
  service = await startNode(node);
  key = await addDeveloper(node, GAME, 'Half-Life: Part 2', 'Gordon');
  chromium = await startChromium(place, { acceptDownloads: true });
});

after(() => place.leave());

test('it is watched live, and offered as a file once it is over', async () => {
  const publisher = await watch();
  const live = await fetch(`${node.url}/api/v1/broadcasts/${link}/recording`);
  assert.equal(live.status, 404);
  assert.equal((await live.json()).reason, 'live');
  await until('there is enough of it', async () =>
    (await videoFacts(page)).time > LENGTH, 60);
  await end(publisher);
  await untilState('over');
  const { parts: [part] } = await untilReady();
  await until('the page offers it', () => page.isVisible('#download a'));
  assert.match(await text('#download a'), /^Download \([\d.]+ MB\)$/);
  assert.match(await text('#download-text'), /can be downloaded until/);
  assert.ok(part.duration > LENGTH && part.size > 100000);
});

test('what is saved is what was stored, byte for byte', async () => {
  const file = place.path('whole.mp4');
  await runPipeline(place, `cachesrc link=${link} piece=whole
      cache-dir="${place.path('node', 'cache')}" ! filesink location="${file}"`);
  whole = readFileSync(file);
  const [download] = await Promise.all(
      [page.waitForEvent('download'), page.click('#download a')]);
  const date = (await read(`broadcasts/${link}`)).startedAt.slice(0, 10);
  assert.equal(download.suggestedFilename(),
      `Half-Life_ Part 2 – ${date}.mp4`);
  assert.ok(readFileSync(await download.path()).equals(whole));
});

test('it plays in the page, also with nothing in the cache', async () => {
  await command(node, 'cache', 'clear', link);
  const requests = [];
  page.on('request', (request) => {
    if (/\/recording(\?|$)/.test(request.url()))
      requests.push(request.url());
  });
  await page.reload();
  const { duration } = await untilPlays(1, 10);
  const { recording } = await read(`broadcasts/${link}`);
  assert.ok(Math.abs(duration - recording.parts[0].duration) < 1, duration);
  assert.ok(requests.length > 0 && requests.length <= 10,
      `${requests.length} requests to open it`);
  assert.ok(requests.every((url) => url.endsWith('?inline=true')));
  assert.equal(await untilState('ended'), 'ended');
  assert.equal(await text('.latency'), 'Recording');
  await page.fill('.seek', String(Math.floor(duration) - 6));
  await untilPlays(duration - 6, duration);
  await untilState('over');
  await page.click('.replay');
  await untilPlays(0.5, 10);
});

// A codec that changed makes two files of one broadcast; here both are one.
test('two parts play one after the other, and are offered both', async () => {
  const twice = await chromium.newPage();
  await twice.route(`**/api/v1/broadcasts/${link}`, async (route) => {
    const broadcast = await (await route.fetch()).json();
    const { recording } = broadcast;
    const [part] = recording.parts;
    recording.parts.push(
        { ...part, part: 1, download: `${part.download}?part=0` });
    await route.fulfill({ json: broadcast });
  });
  await twice.goto(`${node.url}/watch/${link}`);
  const source = () => twice.evaluate(() =>
    document.querySelector('video').currentSrc.replace(/^.*recording/, ''));
  await until('the first plays', async () =>
    (await videoFacts(twice)).time > 0.5, 60);
  assert.equal(await source(), '?inline=true');
  assert.deepEqual((await twice.locator('#download a').allInnerTexts())
      .map((name) => name.replace(/ \(.*/, '')),
  ['Download part 1', 'Download part 2']);
  await twice.evaluate(() => {
    const video = document.querySelector('video');
    video.currentTime = video.duration - 1;
  });
  await until('the second plays', async () => {
    const { time, paused } = await videoFacts(twice);
    return await source() === '?part=0&inline=true' && time > 0.5 && !paused;
  }, 60);
  await twice.close();
});

test('so it does in the page of somebody else', async () => {
  const embed = await openPage(chromium, `${node.url}/embed/${link}`);
  await until('it plays', async () =>
    (await videoFacts(embed.page)).time > 0.5, 60);
  assert.equal(
      await embed.page.getAttribute('#stage', 'data-state'), 'ended');
  await embed.page.close();
});

test('other players open it, and seek', async () => {
  const url = `${node.url}/api/v1/broadcasts/${link}/recording`;
  const { format } = JSON.parse(await place.run('ffprobe',
      ['-v', 'error', '-of', 'json', '-show_format', url]));
  assert.equal(Number(format.size), whole.length);
  const { packets } = JSON.parse(await place.run('ffprobe', ['-v', 'error',
    '-of', 'json', '-select_streams', 'v', '-read_intervals', '10%+#1',
    '-show_entries', 'packet=pts_time', url]));
  assert.ok(Number(packets[0].pts_time) > 5, packets[0].pts_time);
  const said = await place.run('mpv', ['--no-config', '--vo=null', '--ao=null',
    '--start=10', '--frames=5', '--no-cache', '--term-status-msg=',
    '--term-playing-msg=at ${=time-pos} of ${=duration}', url]);
  const [, at, of] = said.match(/at ([\d.]+) of ([\d.]+)/);
  assert.ok(at >= 9 && at < 12 && of > LENGTH, said);
});

test('when its time is over, it is gone, and pages say so', async () => {
  await command(node, 'game', 'set', GAME, '--recording-kept', KEPT);
  await page.close();
  const publisher = await watch();
  await until('there is some of it', async () =>
    (await videoFacts(page)).time > 3, 60);
  await end(publisher);
  await untilReady();
  await until('the page offers it', () => page.isVisible('#download a'));
  const url = `${node.url}/api/v1/broadcasts/${link}/recording`;
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);

  await untilState('expired');
  assert.match(await text('.notice'), /The time of its recording is over/);
  assert.equal(await page.isVisible('#download a'), false);
  assert.match(await text('#download-text'), /could be downloaded until/);
  const { recordingExpires } = await read(`broadcasts/${link}`);
  assert.ok(Date.parse(recordingExpires) <= Date.now());
  const gone = await fetch(url);
  assert.equal(gone.status, 410);
  assert.equal((await gone.json()).reason, 'expired');

  // And for whoever comes only now.
  await page.reload();
  await untilState('expired');
  assert.equal((await videoFacts(page)).readyState, 0);
  assert.match(await text('#download-text'), /could be downloaded until/);
});

test('it ends well', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
