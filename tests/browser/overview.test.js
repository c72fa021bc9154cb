// SPDX-License-Identifier: LGPL-2.1-or-later

// What the operator's page makes of an overview, without a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { messagesOf, problemsOf, rowsOf } from '../../data/www/overview.js';

const AT = '2026-03-01T18:00:00.000Z';

const broadcast = (more) => ({
  link: 'k3v7', title: 'Speedrun', state: 'live', partLatency: null,
  errors: [], ...more,
});
const node = (name, report, more) => ({
  seenAt: AT, alive: true, ...more,
  report: {
    name, diskFree: 500, diskSize: 1000, databaseConnected: true,
    registrarQueued: 0, broadcasts: [], viewers: {}, messages: [], ...report,
  },
});
const overview = (nodes, more) => ({
  staleSince: null, nodes, viewers: { total: 0, viewers: {} }, ...more,
});
const codes = (...args) =>
  problemsOf(overview(...args)).map(({ code }) => code);

test('a healthy overview has no problems', () => {
  assert.deepEqual(codes([node('a', { broadcasts: [broadcast(
      { partLatency: { median: 0.1, p99: 1 } })] }),
  node('b', { diskFree: null, diskSize: null })]), []);
});

test('the limits', () => {
  assert.deepEqual(codes([node('a', { diskFree: 100 })]), []);
  assert.deepEqual(problemsOf(overview([node('a', { diskFree: 99 })])),
      [{ code: 'disk-low', node: 'a', left: 0.099 }]);
  assert.deepEqual(problemsOf(overview([node('a', { broadcasts: [broadcast(
      { title: '', partLatency: { median: 0.1, p99: 1.01 } })] })])),
  [{ code: 'parts-late', node: 'a', link: 'k3v7', title: 'k3v7',
    seconds: 1.01 }]);
});

const cache = (more) =>
  ({ size: 50, budget: 100, unarchived: 10, cleared: 0, ...more });
const archive = (more) => ({ open: 2, failing: 0, bytes: 0, left: 0,
  archived: 0, problem: null, ...more });
const retention = (more) =>
  ({ deleted: 0, onHold: false, problem: null, ...more });

test('recordings that are well, and a node that tells nothing of them', () => {
  assert.deepEqual(codes([
    node('a', { cache: cache({ size: 100, unarchived: 80 }),
      archive: archive({ left: 2e9 }), retention: retention() }),
    node('b', { cache: null, archive: null, retention: null }),
    node('c', {}),
    node('d', { cache: cache({ size: 0, budget: 0, unarchived: 0 }) }),
  ]), []);
});

test('a cache that cannot be cleared', () => {
  assert.deepEqual(problemsOf(overview(
      [node('a', { cache: cache({ size: 99, unarchived: 81 }) })])),
  [{ code: 'cache-tight', node: 'a', size: 81, budget: 100 }]);
  assert.deepEqual(problemsOf(overview(
      [node('a', { cache: cache({ size: 101, unarchived: 81 }) })])),
  [{ code: 'cache-full', node: 'a', size: 101, budget: 100 }]);
});

test('an archive that fails, and one that is behind', () => {
  assert.deepEqual(problemsOf(overview([node('a',
      { archive: archive({ failing: 1, problem: 'Away.' }) })])),
  [{ code: 'archive-fails', node: 'a', n: 1, detail: 'Away.' }]);
  assert.deepEqual(problemsOf(overview([node('a',
      { archive: archive({ left: 2e9 + 1 }) })])),
  [{ code: 'archive-behind', node: 'a', size: 2e9 + 1 }]);
});

test('recordings that are not deleted', () => {
  assert.deepEqual(problemsOf(overview([node('a',
      { retention: retention({ onHold: true, problem: 'Denied.' }) })])),
  [{ code: 'retention-fails', node: 'a', detail: 'Denied.' },
    { code: 'retention-on-hold', node: 'a' }]);
});

test('of a node that is not seen, nothing else is told', () => {
  assert.deepEqual(problemsOf(overview([node('a',
      { diskFree: 0, databaseConnected: false }, { alive: false })])),
  [{ code: 'not-seen', node: 'a', at: AT }]);
});

test('the worst comes first', () => {
  assert.deepEqual(codes([
    node('a', { broadcasts: [broadcast(
        { errors: ['chunks-refused', 'recording-incomplete'] })] }),
    node('b', { diskFree: 1, databaseConnected: false }),
    node('c', {}, { alive: false }),
  ], { staleSince: AT }), ['database-away', 'not-seen', 'no-database',
    'disk-low', 'recording-incomplete', 'chunks-refused']);
});

test('problems from elsewhere have their place', () => {
  const others = [{ code: 'notices-fail', game: 'half-life' }];
  assert.deepEqual(problemsOf(overview([node('a', { diskFree: 1,
    broadcasts: [broadcast({ errors: ['chunks-refused'] })] })]), others)
      .map(({ code }) => code),
  ['disk-low', 'notices-fail', 'chunks-refused']);
});

test('viewers of a broadcast are counted on all nodes that are alive', () => {
  const counts = (pages, players) =>
    ({ viewers: { k3v7: { pages, players, egress: 0 } } });
  const [row] = rowsOf(overview([
    node('a', { ...counts(1, 10), broadcasts: [broadcast()] }),
    node('b', counts(2, 20)),
    node('c', counts(4, 40), { alive: false }),
  ], { viewers: { total: 30, viewers: { k3v7: 30 } } }));
  assert.deepEqual([row.node, row.pages, row.players, row.viewers],
      ['a', 3, 30, 30]);
});

test('messages of all nodes, the newest first', () => {
  const message = (second) =>
    ({ at: `2026-03-01T18:00:0${second}.000Z`, text: String(second) });
  assert.deepEqual(messagesOf(overview([
    node('a', { messages: [message(5), message(1)] }),
    node('b', { messages: [message(3)] }),
  ])).map(({ node: name, text }) => name + text), ['a5', 'b3', 'a1']);
});
