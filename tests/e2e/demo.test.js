// SPDX-License-Identifier: LGPL-2.1-or-later

// ./bootstrap demo as a person uses it, and what it leaves behind.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';

import { openPage, startChromium, videoFacts } from '../lib/chromium.js';
import { freePort, isListening, Place, ROOT } from '../lib/place.js';
import { until } from '../lib/until.js';

const place = new Place();
let chromium;
let count = 0;
let tmp;

before(async () => {
  chromium = await startChromium(place);
});

after(() => place.leave());

beforeEach(() => {
  count += 1;
  tmp = place.path(`tmp ${count}`);
  mkdirSync(tmp);
});

async function startDemo() {
  const port = await freePort();
  const demo = place.launch(`${ROOT}bootstrap`, ['demo', `127.0.0.1:${port}`],
      { env: { TMPDIR: tmp } });
  const url = await until('it is on air', () => {
    if (!demo.isAlive)
      throw new Error(demo.output);
    return /^ {2}(http:\S+)$/m.exec(demo.output)?.[1];
  }, 240);
  return { demo, port, url };
}

// Processes whose command line or folder names our temporary one.
function processes() {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter(
      (pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(tmp);
        } catch {
          return false;
        }
      });
}

async function assertNothingLeft(port) {
  await until('all processes are gone', () => processes().length === 0);
  // A worker of nginx has no folder in its command line.
  await until('both ports are free', async () =>
    !(await isListening(port)) && !(await isListening(port + 1)));
}

test('it is on air, plays, and Ctrl-C leaves nothing', async () => {
  const { demo, port, url } = await startDemo();
  const { page, complaints } = await openPage(chromium, url);
  const facts = await until('the picture moves', async () => {
    const now = await videoFacts(page);
    return now.time > 3 && now.frames > 60 && now;
  });
  assert.deepEqual([facts.width, facts.height], [1280, 720]);
  assert.ok(facts.audioBytes > 0);
  assert.deepEqual(complaints, []);

  const poster = await until('a poster', async () => {
    const answer = await fetch(
        `http://127.0.0.1:${port}/live/testpattern/poster.jpg`);
    return answer.ok && Buffer.from(await answer.arrayBuffer());
  });
  assert.equal(poster.readUInt16BE(0), 0xffd8, 'a JPEG begins');
  assert.equal(poster.readUInt16BE(poster.length - 2), 0xffd9, 'and ends');
  await page.close();

  assert.ok(processes().length >= 2);
  assert.equal(await demo.end('SIGINT'), 0);
  await assertNothingLeft(port);
  assert.deepEqual(readdirSync(tmp), []);
});

for (const signal of ['SIGTERM', 'SIGHUP']) {
  test(`${signal} leaves nothing`, async () => {
    const { demo, port } = await startDemo();
    assert.equal(await demo.end(signal), 0);
    await assertNothingLeft(port);
    assert.deepEqual(readdirSync(tmp), []);
  });
}

test('killed, it leaves no process and no port', async () => {
  const { demo, port } = await startDemo();
  demo.kill('SIGKILL');
  await demo.exited;
  await assertNothingLeft(port);
});

test('a pipeline that dies ends it, with the reason', async () => {
  const { demo, port } = await startDemo();
  const pipeline = processes().find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('gst-launch'));
  process.kill(Number(pipeline), 'SIGKILL');
  assert.equal(await demo.exited, 1);
  assert.match(demo.output, /The pipeline has stopped/);
  await assertNothingLeft(port);
  assert.deepEqual(readdirSync(tmp), []);
});

test('a port that is taken is told', async () => {
  const { demo, port } = await startDemo();
  const second = place.launch(`${ROOT}bootstrap`,
      ['demo', `127.0.0.1:${port}`], { env: { TMPDIR: tmp } });
  assert.equal(await second.exited, 69);
  assert.match(second.output, /is taken/);
  assert.equal(await demo.end('SIGINT'), 0);
});
