// SPDX-License-Identifier: LGPL-2.1-or-later

// How far wishlists are told of broadcasts, as the operator sees it: a line a
// job. What can be pressed in a line stays the same while figures change.

import { h } from './dom.js';
import { formatTime } from './figures.js';
import { formatDate, formatDuration, formatNumber, t } from './i18n.js';
import { countsOf, explain, Pace, stateOf } from './noticejobs.js';

const MOODS = {
  'running': 'starting', 'retrying': 'starting', 'done': 'good',
  'failed': 'bad', 'tried': 'warning',
  'cancelled-disabled': 'bad', 'cancelled-operator': 'warning',
};

export function reasonText(job) {
  const { reason, ...values } = explain(job);
  return t(`operator.reason-${reason}`, values);
}

function progressBar({ sent, refused, total }) {
  const part = (kind, n) => {
    const fill = h('span', { class: `bar-fill ${kind}` });
    fill.style.inlineSize = `${n / Math.max(1, total) * 100}%`;
    return fill;
  };
  return h('span', { class: 'bar notice-bar', role: 'progressbar',
    'aria-label': t('operator.noticeProgress'),
    'aria-valuemin': '0', 'aria-valuemax': String(total),
    'aria-valuenow': String(sent + refused) },
  part('sent', sent), part('refused', refused));
}

const when = ({ createdAt }) => h('time', { datetime: createdAt,
  class: 'quiet small', title: formatDate(createdAt) }, formatTime(createdAt));

const sentence = (text, kind = null) => h('p', { class: kind }, text);

// "120 of 2,000 told · 3 refused · 1,877 left · 200 a second · 0:09 left"
function figures(job, { rate, seconds }) {
  const { sent, refused, total, left } = countsOf(job);
  const isRunning = job.state === 'running';
  return [
    total === null ? t('operator.noticeTold', { n: sent }) :
      t('operator.noticeToldOf', { n: total, sent: formatNumber(sent) }),
    refused > 0 && t('operator.noticeRefused', { n: refused }),
    left > 0 && t('operator.noticeLeft', { n: left }),
    isRunning && rate !== null && t('operator.noticeRate',
        { n: Math.round(rate) }),
    isRunning && seconds !== null && t('operator.noticeTime',
        { time: formatDuration(Math.ceil(seconds)) }),
  ].filter(Boolean).map((text) => h('span', null, text));
}

// In words, and as the notifier says it, which names the address.
function* problemLines(job) {
  const { problem } = job;
  const words = reasonText(job);
  yield h('p', { class: 'error' }, `${t('operator.noticeProblem')} `,
      h('bdi', null, words));
  if (words !== problem)
    yield h('p', { class: 'quiet small', dir: 'ltr', lang: 'en' }, problem);
}

function* detailsOf(job, pace) {
  const state = stateOf(job);
  const counts = countsOf(job);
  yield h('div', { class: 'notice-state' },
      h('span', { class: `tag ${MOODS[state] ?? ''}`.trim() },
          t(`operator.notice-${state}`)),
      when(job));
  if (job.state === 'skipped') {
    yield sentence(t(`operator.noticeWhy-${state}`), 'quiet');
    return;
  }
  if (job.state === 'cancelled')
    yield sentence(t(`operator.noticeWhy-${state}`), 'quiet');
  if (job.state === 'pending')
    yield sentence(job.failures > 0 ?
      t('operator.noticeAgain',
          { n: job.failures, time: formatTime(job.nextAt) }) :
      t('operator.noticeWaits'), 'quiet');
  if (counts.total !== null)
    yield progressBar(counts);
  if (job.startedAt !== null)
    yield h('p', { class: 'notice-figures number' }, figures(job, pace));
  if (job.problem !== null)
    yield* problemLines(job);
}

class Line {
  #details = h('div', { class: 'notice-details' });
  #shown = '';

  constructor({ game, link }) {
    this.element = h('li', { class: 'notice-job', 'data-link': link },
        h('div', { class: 'notice-what' },
            h('a', { href: `/watch/${link}` }, h('bdi', null, game)),
            h('code', { class: 'quiet', dir: 'ltr' }, link)),
        this.#details);
  }

  update(job, pace) {
    const content = [...detailsOf(job, pace)];
    const shown = content.map(({ outerHTML }) => outerHTML).join('');
    if (shown === this.#shown)
      return;
    this.#shown = shown;
    this.element.dataset.state = stateOf(job);
    this.#details.replaceChildren(...content);
  }
}

export class NoticeList {
  #pace = new Pace();
  #lines = new Map();

  element = h('ol', { class: 'notice-jobs' });

  // `jobs`, the newest first, as they were at `at`, in ms.
  update(jobs, at) {
    this.#pace.read(jobs, at);
    const links = new Set(jobs.map(({ link }) => link));
    for (const [link, { element }] of this.#lines) {
      if (!links.has(link)) {
        element.remove();
        this.#lines.delete(link);
      }
    }
    jobs.forEach((job, i) => {
      let line = this.#lines.get(job.link);
      if (!line) {
        line = new Line(job);
        this.#lines.set(job.link, line);
      }
      line.update(job, this.#pace.of(job));
      const there = this.element.children[i];
      if (there !== line.element)
        this.element.insertBefore(line.element, there ?? null);
    });
  }
}
