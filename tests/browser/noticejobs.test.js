// SPDX-License-Identifier: LGPL-2.1-or-later

// What the operator's page makes of jobs of notices, without a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countsOf, explain, Pace, problemsOfJobs, stateOf }
  from '../../data/www/noticejobs.js';

const AT = '2026-03-02T18:00:00.000Z';

const job = (more) => ({
  link: 'k3v7', game: 'half-life', state: 'running', reason: null,
  retrying: false, failures: 0, problem: null, sent: 0, refused: 0,
  total: 1000, createdAt: AT, startedAt: AT, finishedAt: null, nextAt: null,
  ...more,
});
const problems = (...jobs) => problemsOfJobs(jobs, AT);

test('a word for each state', () => {
  assert.deepEqual([
    job({ state: 'pending' }),
    job({ state: 'pending', failures: 2 }),
    job(),
    job({ failures: 2 }),
    job({ retrying: true }),
    job({ state: 'done' }),
    job({ state: 'cancelled', reason: 'operator' }),
    job({ state: 'skipped', reason: 'quiet' }),
  ].map(stateOf), ['pending', 'failed', 'running', 'tried', 'retrying',
    'done', 'cancelled-operator', 'skipped-quiet']);
});

test('what is left follows, if the store counts', () => {
  assert.deepEqual(countsOf(job({ sent: 600, refused: 10 })),
      { sent: 600, refused: 10, total: 1000, left: 390 });
  assert.deepEqual(countsOf(job({ sent: 600, total: null })),
      { sent: 600, refused: 0, total: null, left: null });
});

test('who came onto the wishlist meanwhile is counted, too', () => {
  assert.deepEqual(countsOf(job({ sent: 1001, refused: 1 })),
      { sent: 1001, refused: 1, total: 1002, left: 0 });
});

test('rate and time left come from two readings', () => {
  const pace = new Pace();
  const read = (at, more) => {
    pace.read([job(more)], at);
    return pace.of(job(more));
  };
  assert.deepEqual(read(0, { sent: 100 }), { rate: null, seconds: null });
  assert.deepEqual(read(5000, { sent: 590, refused: 10 }),
      { rate: 100, seconds: 4 });
  assert.deepEqual(read(10000, { sent: 590, refused: 10 }),
      { rate: 50, seconds: 8 });
});

test('a rate looks back for half a minute', () => {
  const pace = new Pace();
  for (let at = 0; at <= 120000; at += 5000)
    pace.read([job({ sent: at < 60000 ? 0 : 500 })], at);
  assert.deepEqual(pace.of(job({ sent: 500 })), { rate: 0, seconds: null });
});

test('what is not under way has no rate', () => {
  const pace = new Pace();
  pace.read([job()], 0);
  pace.read([job({ sent: 10 }), job({ link: 'new', sent: 5 })], 1000);
  assert.deepEqual(pace.of(job({ state: 'done', sent: 10 })),
      { rate: null, seconds: null });
  assert.deepEqual(pace.of(job({ link: 'new', sent: 5 })),
      { rate: null, seconds: null });
});

test('without a total there is a rate, and no time', () => {
  const pace = new Pace();
  pace.read([job({ total: null })], 0);
  pace.read([job({ total: null, sent: 20 })], 2000);
  assert.deepEqual(pace.of(job({ total: null, sent: 20 })),
      { rate: 10, seconds: null });
});

test('jobs that are well are no problem', () => {
  assert.deepEqual(problems(job({ sent: 100 }), job({ state: 'done' }),
      job({ state: 'skipped', reason: 'quiet', finishedAt: AT }),
      job({ state: 'cancelled', reason: 'operator', finishedAt: AT }),
      job({ state: 'pending', failures: 0 })), []);
});

test('what fails, is disabled or refused much is a problem', () => {
  const failed = job({ state: 'pending', failures: 3, problem: 'status 500',
    problemCode: 'status-500', nextAt: AT });
  assert.deepEqual(problems(failed,
      job({ state: 'cancelled', reason: 'disabled', finishedAt: AT,
        failures: 1 })),
  [{ code: 'notices-fail', game: 'half-life', link: 'k3v7', job: failed },
  { code: 'notices-disabled', game: 'half-life', link: 'k3v7' }]);
});

test('a few may be refused', () => {
  const refused = (sent, n) =>
    problems(job({ sent, refused: n })).map(({ code }) => code);
  assert.deepEqual(refused(0, 9), []);
  assert.deepEqual(refused(190, 10), []);
  assert.deepEqual(refused(189, 10), ['notices-refused']);
});

test('what was over a day ago is none any more', () => {
  const over = (finishedAt) => problems(
      job({ state: 'cancelled', reason: 'disabled', finishedAt })).length;
  assert.equal(over('2026-03-01T18:00:00.000Z'), 1);
  assert.equal(over('2026-03-01T17:59:59.999Z'), 0);
});

test('each code of a problem has a word, and the others a text', () => {
  const codes = ['status-503', 'late', 'unreachable', 'untrusted', 'broker',
    'store', 'database', 'new-and-strange', null];
  assert.deepEqual(codes.map((problemCode) =>
    Object.values(explain({ problem: 'In English', problemCode })).join()), [
    'status,503,In English', 'late,,In English', 'unreachable,,In English',
    'untrusted,,In English', 'broker,,In English', 'store,,In English',
    'database,,In English', 'other,,In English', 'other,,In English']);
});
