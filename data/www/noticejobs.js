// SPDX-License-Identifier: LGPL-2.1-or-later

// What an operator wants to know of the Notifications of the API: the jobs of
// telling wishlists of broadcasts. Knows no page.

// How far back a rate looks: pages of a wishlist come in bursts.
const SPAN = 30000;
// A receiver may not know a few of whom it is told.
const MANY_REFUSED = 0.05;
const FEWEST_REFUSED = 10;
// What is over is looked at, or never.
const RECENT = 24 * 3600 * 1000;

// The codes of problems that people are told of in their own words.
const REASONS = ['status', 'late', 'unreachable', 'untrusted', 'broker',
  'store', 'database'];

const isOver = ({ state }) => !['pending', 'running'].includes(state);

// What becomes of it, as one word.
export function stateOf({ state, reason, retrying, failures }) {
  if (state === 'pending')
    return failures > 0 ? 'failed' : 'pending';
  if (state === 'running' && failures > 0)
    return 'tried';
  if (state === 'running')
    return retrying ? 'retrying' : 'running';
  return reason ? `${state}-${reason}` : state;
}

// What is counted of it. `total` and `left` are null where the store does not
// count; who comes onto the wishlist meanwhile is told as well.
export function countsOf({ sent, refused, total }) {
  const all = total === null ? null : Math.max(total, sent + refused);
  return { sent, refused, total: all,
    left: all === null ? null : all - sent - refused };
}

// Why it fails: { reason, status, problem }; what is not known is 'other'.
export function explain({ problem, problemCode }) {
  const [reason, status = ''] = (problemCode ?? '').split('-');
  return REASONS.includes(reason) ? { reason, status, problem } :
    { reason: 'other', status: '', problem };
}

function* problemsOfJob(job, now) {
  const { failures, finishedAt, game, link, refused, sent } = job;
  const about = { game, link };
  if (isOver(job) && now - Date.parse(finishedAt) > RECENT)
    return;
  if (job.reason === 'disabled')
    yield { code: 'notices-disabled', ...about };
  if (!isOver(job) && failures > 0)
    yield { code: 'notices-fail', ...about, job };
  if (refused >= FEWEST_REFUSED && refused > (sent + refused) * MANY_REFUSED)
    yield { code: 'notices-refused', ...about, n: refused };
}

// What is wrong with them at `at`, a date as the API has it.
export const problemsOfJobs = (jobs, at) =>
  jobs.flatMap((job) => [...problemsOfJob(job, Date.parse(at))]);

// How fast jobs go, from one reading to the next.
export class Pace {
  // Of the last SPAN, and the last one before: { at, done: link -> users }.
  #readings = [];

  // `at`: ms.
  read(jobs, at) {
    const running = jobs.filter(({ state }) => state === 'running');
    this.#readings.push({ at, done: new Map(running.map(
        ({ link, refused, sent }) => [link, sent + refused])) });
    while (this.#readings.length > 2 && this.#readings[1].at <= at - SPAN)
      this.#readings.shift();
  }

  // Users a second, and the seconds that are left; null is not known (yet).
  of(job) {
    const readings = this.#readings.filter(({ done }) => done.has(job.link));
    const [first] = readings;
    const last = readings.at(-1);
    if (job.state !== 'running' || readings.length < 2 || last.at <= first.at)
      return { rate: null, seconds: null };
    // Whoever was refused and is told after all is counted once.
    const users = Math.max(0, last.done.get(job.link) -
        first.done.get(job.link));
    const rate = users * 1000 / (last.at - first.at);
    const { left } = countsOf(job);
    return { rate,
      seconds: left === null || rate === 0 ? null : left / rate };
  }
}
