// SPDX-License-Identifier: LGPL-2.1-or-later

// The developer's and the operator's page, in Chromium, with a node of their
// own: what they show is what happens, and what their buttons promise does.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode, startPublisher } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { until } from '../lib/until.js';

const TOKEN = 'token-of-the-operator';
const VIEWERS = 3;
const place = new Place();
let chromium;
let developer;
let key;
let link;
let node;
let operator;
let publisher;
let service;

const rows = async () => (await query(place, privateDatabase(node),
    `SELECT state, coalesce (end_reason, '-') FROM wishcast.broadcast
     ORDER BY created_at`)).map((row) => row.join(' ')).join(', ');
const untilRows = (expected) => until(`rows are ${expected}`, async () => {
  const now = await rows();
  if (now !== expected)
    throw new Error(`${now}\n${service.output}`);
  return true;
}, 60);

// What the browser itself says of an answer like 401 is no complaint of a page.
const complaintsOf = ({ complaints }) =>
  complaints.filter((text) => !text.startsWith('Failed to load resource'));

const textOf = (opened, selector) =>
  opened.page.locator(selector).first().innerText();
const untilText = (opened, selector, pattern, seconds = 60) =>
  until(`${selector} says ${pattern}`, async () => {
    const text = await textOf(opened, selector);
    if (!pattern.test(text))
      throw new Error(`${text}\n${opened.complaints.join('\n')}`);
    return text;
  }, seconds);

const untilState = (state) => until(`the page says ${state}`, async () =>
  await developer.page.locator('.open-broadcast')
      .getAttribute('data-state', { timeout: 1000 }) === state, 60);

// Types a secret, and is told that it is none.
async function enterWrong(opened, words) {
  const { page } = opened;
  await page.fill('#secret', 'of-nobody');
  await page.click('#entry-submit');
  await untilText(opened, '#entry-mistake', words);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'secret');
  assert.ok(await page.isHidden('#dashboard'));
}

const isSideways = (page) => page.evaluate(() =>
  document.documentElement.scrollWidth > window.innerWidth);

// Both pages fit both sizes.
async function assertFits({ page }) {
  for (const [width, height] of [[390, 844], [1440, 900]]) {
    await page.setViewportSize({ width, height });
    assert.ok(!await isSideways(page), `${page.url()} at ${width}`);
  }
}

before(async () => {
  const file = place.path('operator-token');
  writeFileSync(file, TOKEN, { mode: 0o600 });
  node = await makeNode(place, 'one', { api: { 'operator-token-file': file } });
  service = await startNode(node);
  key = await addDeveloper(node, 'half-life', 'Half-Life', 'Valve');
  chromium = await startChromium(place, { locale: 'en' });
  await chromium.grantPermissions(['clipboard-read', 'clipboard-write'],
      { origin: node.url });
});

after(() => place.leave());

test('a wrong stream key is told in the words of the API', async () => {
  developer = await openPage(chromium, `${node.url}/developer`);
  await enterWrong(developer, /^This is no valid stream key\.$/);
});

test('the right one is taken from the address, and kept nowhere', async () => {
  const { page } = developer;
  await page.goto(`${node.url}/developer#${key}`);
  await untilText(developer, '#game', /^Half-Life$/);
  assert.equal(page.url(), `${node.url}/developer`);
  assert.match(await textOf(developer, '#who'), /Valve/);
  assert.match(await textOf(developer, '#idle'), /Press Start Streaming/);
  assert.ok(!(await page.content()).includes(key));
  assert.equal(await page.inputValue('#secret'), '');
  assert.ok(!await page.evaluate((secret) =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage },
      document.cookie, history.state]).includes(secret), key));
});

test('what is to be typed into OBS can be copied unseen', async () => {
  const { page } = developer;
  const copied = async (name) => {
    await page.getByRole('button', { name, exact: true }).click();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const server = node.rtmp('').replace(/\/$/, '');
  assert.equal(await copied('Copy: Server'), server);
  assert.equal(await copied('Copy: Stream Key'), key);
  assert.equal(await copied('Copy: File path or URL'), node.rtsp(key));
  assert.ok(!(await page.content()).includes(key));
  await page.getByRole('button', { name: 'Show: Stream Key' }).click();
  assert.ok((await textOf(developer, '#obs')).includes(key));
  await page.getByRole('button', { name: 'Show: Stream Key' }).click();
  assert.ok(!(await page.content()).includes(key));
});

test('on air, it shows the picture and what is set wrongly', async () => {
  publisher = startPublisher(place, node.rtmp(key),
      { retry: -1, video: ['-g', '250', '-bf', '2'] });
  await untilState('live');
  const { time } = await until('the preview plays', async () => {
    const facts = await videoFacts(developer.page);
    return facts.time > 0 && facts;
  }, 60);
  await until('it goes on', async () =>
    (await videoFacts(developer.page)).time > time + 1);
  assert.ok((await videoFacts(developer.page)).muted);
  await untilText(developer, '[data-code="key-interval-long"]',
      /Key frames are up to 8\.3 s apart.*Keyframe Interval to 2 s/s);
  await untilText(developer, '[data-code="b-frames"]', /Hint/);
});

test('who is gone learns how long one may return', async () => {
  await publisher.drop();
  await untilState('interrupted');
  await untilText(developer, '.on-air .facts', /Time left to return\n1:\d\d/);
});

test('the same broadcast goes on, and all is well with it', async () => {
  publisher = startPublisher(place, node.rtmp(key));
  await untilState('live');
  await untilText(developer, '.health-note', /^✓?\s*All is well/);
  await untilRows('live -');
  link = await developer.page.getAttribute('.open-broadcast', 'data-link');
});

test('viewers are counted', async () => {
  for (let i = 0; i < VIEWERS; i += 1) {
    const answer = await fetch(`${node.url}/api/v1/broadcasts/${link}` +
        `/watching?viewer=viewer-of-the-test-${i}`, { method: 'POST' });
    assert.equal(answer.status, 200);
  }
  await untilText(developer, '.on-air .facts', new RegExp(`\n${VIEWERS}$`));
  await assertFits(developer);
});

test('a wrong operator token is told in the words of the API', async () => {
  operator = await openPage(chromium, `${node.url}/operator`);
  await enterWrong(operator, /^This is not the operator's token\.$/);
});

test('the right one opens figures, graphs, rows and nodes', async () => {
  const { page } = operator;
  await page.fill('#secret', TOKEN);
  await page.keyboard.press('Enter');
  const tile = (name) => `.graph:has(figcaption:text-is("${name}"))`;
  await untilText(operator, `${tile('On air')} .graph-value`, /^1$/);
  await untilText(operator, `${tile('Ingest')} .graph-value`,
      /^[1-9]\d* kb\/s$/);
  const cell = (column) => `tr[data-id="one ${link}"] [data-key="${column}"]`;
  await untilText(operator, cell('state'), /On air/);
  await untilText(operator, cell('protocol'), /RTMP/);
  await untilText(operator, cell('bitRate'), /[1-9]\d* kb\/s/);
  await untilText(operator, '.node[data-node="one"]',
      /Alive.*Connected.*ingest, API, sweeper/s);
  await untilText(operator, '.node[data-node="one"]', /not archived: \d/);
  await untilText(operator, '.node[data-node="one"]',
      /under way: 1, failing: 0/);
  await untilText(operator, '#banner', /All is well/);
  await untilText(operator, '#messages', /is ready/);
  await until('the graph has a line', async () =>
    /^M.*L/.test(await page.getAttribute(
        `${tile('Ingest')} .graph-line`, 'd')));
  await assertFits(operator);
});

test('a moment of a graph is read with the arrow keys', async () => {
  const plot = operator.page.locator('.graph-plot').first();
  await plot.focus();
  await plot.press('Home');
  const first = Number(await plot.getAttribute('aria-valuenow'));
  assert.equal(first, 0);
  await plot.press('ArrowRight');
  await untilText(operator, '.graph output', /^\d+:\d\d:\d\d [AP]M · \d+$/);
});

test('heads sort, and say so', async () => {
  const head = operator.page.locator('th[data-key="bitRate"]');
  for (const way of ['descending', 'ascending']) {
    await head.locator('button').click();
    assert.equal(await head.getAttribute('aria-sort'), way);
  }
  assert.equal(await operator.page.locator('th[aria-sort]').count(), 1);
});

test('the developer ends it, if that is really meant', async () => {
  const { page } = developer;
  const end = page.getByRole('button', { name: 'End broadcast' });
  await end.click();
  await untilText(developer, 'dialog', /for good/);
  await page.keyboard.press('Escape');
  await until('the dialog is gone', async () =>
    await page.locator('dialog').count() === 0);
  assert.equal(await rows(), 'live -');
  await publisher.stop();
  await end.click();
  await page.locator('dialog .danger').click();
  await untilRows('ended developer');
  await untilText(developer, '#idle', /You are not on air/);
  await untilText(developer, `tr[data-id="${link}"]`,
      /You ended it.*Watch until/s);
});

test('the operator ends the next one', async () => {
  publisher = startPublisher(place, node.rtmp(key));
  await untilState('live');
  await untilRows('ended developer, live -');
  const { page } = operator;
  const next = await developer.page.getAttribute(
      '.open-broadcast', 'data-link');
  await page.locator(`tr[data-id="one ${next}"] .danger`).click();
  await publisher.stop();
  await page.locator('dialog .danger').click();
  await untilRows('ended developer, ended operator');
  await untilText(developer, `tr[data-id="${next}"]`,
      /The operator ended it/);
});

test('a key that is forgotten has to be entered again', async () => {
  const { page } = developer;
  await page.click('#forget');
  assert.ok(await page.isVisible('#secret'));
  assert.ok(await page.isHidden('#dashboard'));
  assert.deepEqual(complaintsOf(developer), []);
  assert.deepEqual(complaintsOf(operator), []);
});

test('nothing was wrong inside; its end is told to the operator', async () => {
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
  await untilText(operator, '#away', /^No answer since \d+:\d\d:\d\d/);
});
