// SPDX-License-Identifier: LGPL-2.1-or-later

// A recording in the cloud, for who watches: the API leads to a signed address,
// which pages may play from, and which ends with the recording.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { FakeGcs } from '../lib/fakegcs.js';
import { addDeveloper, checkService, command, makeNode, startNode,
  startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const GAME = 'half-life';
const place = new Place();
let chromium;
let cloud;
let link;
let node;
let service;
let url;

const read = async (path) => (await fetch(`${node.url}/api/v1/${path}`)).json();
const lead = (path = '') => fetch(`${url}${path}`, { redirect: 'manual' });

before(async () => {
  cloud = await FakeGcs.start(place, { auth: true });
  cloud.addAccount(place.path('account.json'));
  node = await makeNode(place, 'node', {
    cloud: { bucket: 'bucket', endpoint: cloud.url,
      'credentials-file': place.path('account.json') },
  });
  service = await startNode(node);
  const key = await addDeveloper(node, GAME, 'Half-Life', 'Gordon');
  await command(node, 'game', 'set', GAME, '--recording-kept', '40 s');
  const publisher = startPublisher(place, node.rtmp(key));
  link = await until('it is live', async () => {
    const { broadcasts } = await read(`broadcasts?state=live&game=${GAME}`);
    return broadcasts[0]?.startedAt && broadcasts[0].link;
  }, 60);
  url = `${node.url}/api/v1/broadcasts/${link}/recording`;
  chromium = await startChromium(place, { acceptDownloads: true });
  const { page } = await openPage(chromium, `${node.url}/watch/${link}`);
  await until('there is some of it', async () =>
    (await videoFacts(page)).time > 4, 60);
  await page.close();
  publisher.stopped = true;
  await command(node, 'end', link);
  await until('its recording is ready', async () => {
    const { recording } = await read(`broadcasts/${link}`);
    if (recording.state !== 'ready')
      throw new Error(`${JSON.stringify(recording)}\n` +
          service.output.slice(-3000));
    return true;
  }, 60);
});

after(() => place.leave());

test('the address ends with the recording', async () => {
  const answer = await lead();
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const address = new URL(answer.headers.get('location'));
  assert.equal(address.origin, cloud.url);
  const [, year, month, day, hour, minute, second] =
      address.searchParams.get('X-Goog-Date')
          .match(/^(....)(..)(..)T(..)(..)(..)Z$/).map(Number);
  const ends = Date.UTC(year, month - 1, day, hour, minute, second) +
      1000 * Number(address.searchParams.get('X-Goog-Expires'));
  const { recordingExpires } = await read(`broadcasts/${link}`);
  assert.ok(ends <= Date.parse(recordingExpires));
  assert.ok(ends > Date.parse(recordingExpires) - 2000);
});

test('the page saves and plays it', async () => {
  const { page, complaints } =
      await openPage(chromium, `${node.url}/watch/${link}`);
  const facts = await until('it plays', async () => {
    const now = await videoFacts(page);
    if (now.time < 1)
      throw new Error(JSON.stringify([now, complaints]));
    return now;
  }, 30);
  const { recording: { parts: [part] } } = await read(`broadcasts/${link}`);
  assert.ok(Math.abs(facts.duration - part.duration) < 1, facts.duration);
  const [download] = await Promise.all(
      [page.waitForEvent('download'), page.click('#download a')]);
  const bytes = readFileSync(await download.path());
  assert.equal(bytes.length, part.size);
  assert.match(download.suggestedFilename(),
      /^Half-Life – \d{4}-\d\d-\d\d\.mp4$/);
  await until('the page says that its time is over', async () =>
    await page.getAttribute('#stage', 'data-state') === 'expired', 90);
  assert.equal(await page.isVisible('#download a'), false);
  const answer = await lead();
  assert.equal(answer.status, 410);
  await page.close();
});

test('nothing was done that a cloud would refuse', async () => {
  assert.deepEqual(cloud.violations, []);
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
});
