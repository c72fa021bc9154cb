// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /operator: all nodes at a glance. The token is in the memory of this
// page, and nowhere else.

import { getJson, postJson } from './api.js';
import { byId, h } from './dom.js';
import { formatBytes, formatLatency, formatPercent, formatSince, formatTime }
  from './figures.js';
import { Graph } from './graphs.js';
import { formatBits, formatDate, formatNumber, t } from './i18n.js';
import { problemsOfJobs } from './noticejobs.js';
import { NoticeList, reasonText } from './noticelist.js';
import { diskLeft, messagesOf, problemsOf, rowsOf } from './overview.js';
import { ask, Entry, errorText } from './panel.js';
import { repeat } from './repeat.js';
import { startShell } from './shell.js';
import { Table } from './table.js';

const ASK_EVERY = 5;

const getOverview = (token, signal) =>
  getJson('/api/v1/operator/overview', { token, signal, fresh: true });

// null: there is no answer, as the database is away, which the overview tells.
async function getJobs(token, signal) {
  try {
    const { notifications } = await getJson('/api/v1/operator/notifications',
        { token, signal, fresh: true });
    return notifications;
  } catch (error) {
    if (signal.aborted || error.status === 401)
      throw error;
    return null;
  }
}

const formatProcessors = (value) =>
  formatNumber(value, { maximumFractionDigits: 2 });

// Figures of a Sample.
const TOTALS = [
  { key: 'live', whole: true, format: formatNumber },
  { key: 'viewers', whole: true, format: formatNumber },
  { key: 'ingest', format: formatBits },
  { key: 'egress', format: formatBits },
  { key: 'partLatency', format: formatLatency },
  { key: 'queuedBytes', whole: true, format: formatBytes },
  { key: 'cpu', format: formatProcessors },
];

const totalGraphs = () => TOTALS.map(({ key, ...look }) => ({
  key,
  graph: new Graph({ label: t(`operator.total-${key}`), ...look }),
}));

function stateCell({ state, since, isKnown }) {
  if (!isKnown)
    return h('span', { class: 'tag bad' }, t('operator.unknown'));
  return h('span', { class: `tag ${state}`, title: formatDate(since) },
      t(`operator.${state}`));
}

const titleCell = ({ title, link }) => h('span', null,
    h('a', { href: `/watch/${link}` },
        h('bdi', null, title || t('operator.untitled'))),
    h('code', { class: 'quiet', dir: 'ltr' }, link));

const errorsCell = ({ errors }) => errors.length === 0 ?
  h('span', { class: 'quiet' }, t('operator.noErrors')) :
  h('ul', { class: 'errors' }, errors.map((error) =>
    h('li', null, t(`operator.error-${error}`))));

const number = (key, value, format = formatNumber) => ({
  key, label: t(`operator.head-${key}`), isNumber: true,
  // What is not known comes after all that is.
  value: (row) => value(row) ?? -1,
  cell: (row) => value(row) === null ? '–' : format(value(row)),
});

const word = (key, value, cell = value) =>
  ({ key, label: t(`operator.head-${key}`), value, cell });

const broadcastTable = (end) => new Table({
  caption: t('operator.broadcasts'),
  sorted: 'viewers',
  columns: [
    word('title', (row) => row.title, titleCell),
    word('game', (row) => row.game),
    word('state', (row) => row.state, stateCell),
    word('node', (row) => row.node),
    word('protocol', (row) => row.protocol ?? '',
        (row) => row.protocol?.toUpperCase() ?? '–'),
    number('viewers', (row) => row.viewers),
    number('pages', (row) => row.pages),
    number('players', (row) => row.players),
    number('bitRate', (row) => row.bitRate, formatBits),
    number('median', (row) => row.partLatency?.median ?? null, formatLatency),
    number('p99', (row) => row.partLatency?.p99 ?? null, formatLatency),
    number('queue', (row) => row.queuedBytes, formatBytes),
    number('waiting', (row) => row.waiting),
    { ...word('errors', (row) => row.errors.length, errorsCell), falls: true },
    { key: 'end-it', label: t('operator.head-end'),
      cell: (row) => h('button', {
        type: 'button', class: 'button danger compact',
        'aria-label': t('operator.endWhat', { what: row.title || row.link }),
        onclick: () => end(row),
      }, t('operator.end')) },
  ],
});

function bar(part, label) {
  const fill = h('span', { class: 'bar-fill' });
  fill.style.inlineSize = `${Math.min(1, part) * 100}%`;
  return h('span', { class: 'bar', role: 'meter', 'aria-label': label,
    'aria-valuemin': '0', 'aria-valuemax': '100',
    'aria-valuenow': String(Math.round(part * 100)),
    'data-full': part > 0.9 }, fill);
}

const fact = (key, ...content) => h('div', null,
    h('dt', null, t(`operator.node-${key}`)), h('dd', null, content));

// null: the node does not do that, or is of an older version.
const cacheFact = (cache) => cache ? fact('cache', t('operator.cacheOf', {
  size: formatBytes(cache.size), budget: formatBytes(cache.budget),
  unarchived: formatBytes(cache.unarchived) }),
bar(cache.budget > 0 ? cache.size / cache.budget : 0,
    t('operator.cacheUsed'))) : null;

const archiveFact = (archive) => archive ? fact('archive',
    t('operator.archiveOf', { n: archive.open, failing: archive.failing,
      left: formatBytes(archive.left) })) : null;

const retentionFact = (retention) => retention ? fact('retention',
    t('operator.retentionOf', { n: retention.deleted }),
    retention.onHold ? h('strong', { class: 'error' },
        t('operator.onHold')) : null) : null;

function nodeCard({ alive, seenAt, report }) {
  const { name, cpu, processors } = report;
  const left = diskLeft(report);
  return h('article', { class: 'panel node', 'data-node': name,
    'data-alive': String(alive) },
  h('div', { class: 'node-head' }, h('h3', null, h('bdi', null, name)),
      h('span', { class: `tag ${alive ? 'good' : 'bad'}` },
          alive ? t('operator.alive') :
            t('operator.notSeen', { since: formatSince(seenAt) }))),
  h('dl', { class: 'facts' },
      fact('cpu', t('operator.cpuOf',
          { cpu: formatProcessors(cpu), n: processors }),
      bar(cpu / processors, t('operator.node-cpu'))),
      left === null ? null : fact('disk', t('operator.diskOf', {
        free: formatBytes(report.diskFree), part: formatPercent(left) }),
      bar(1 - left, t('operator.diskUsed'))),
      cacheFact(report.cache), archiveFact(report.archive),
      retentionFact(report.retention),
      fact('memory', formatBytes(report.memory)),
      fact('egress', formatBits(report.egress)),
      fact('database', report.databaseConnected ? t('operator.connected') :
        h('strong', { class: 'error' }, t('operator.disconnected'))),
      fact('queue', formatNumber(report.registrarQueued)),
      fact('services', report.services.map((service) =>
        t(`operator.service-${service}`)).join(', ') || '–'),
      fact('version', report.version),
      fact('started', formatDate(report.startedAt))));
}

const messageItem = ({ at, node, text }) => h('li', null,
    h('time', { datetime: at, title: formatDate(at) }, formatTime(at)),
    h('bdi', { class: 'message-node' }, node),
    h('span', { dir: 'auto' }, text));

function problemText({ code, job, left, seconds, at, size, budget,
  ...values }) {
  return t(`operator.problem-${code}`, {
    ...values,
    size: size === undefined ? '' : formatBytes(size),
    budget: budget === undefined ? '' : formatBytes(budget),
    left: left === undefined ? '' : formatPercent(left),
    seconds: seconds === undefined ? '' : formatLatency(seconds),
    since: at === undefined ? '' : formatSince(at),
    reason: job === undefined ? '' : reasonText(job),
  });
}

// A text that stays the same is not read out again.
function setText(element, text) {
  if (element.textContent !== text)
    element.textContent = text;
}

// Replaces what is in `element` only if that changes something.
const shown = new WeakMap();

function fill(element, content) {
  const now = content.map(({ outerHTML }) => outerHTML).join('');
  if (shown.get(element) === now)
    return;
  shown.set(element, now);
  element.replaceChildren(...content);
}

// What one token opens, until it is forgotten.
class Session {
  #token;
  #onLost;
  #graphs = totalGraphs();
  #table = broadcastTable((row) => this.#end(row));
  #notices = new NoticeList();
  #jobs = [];
  #stop;
  #answeredAt = 0;
  #awaySince = null;

  // `onLost(error)`: the token opens nothing any more.
  constructor(token, onLost) {
    this.#token = token;
    this.#onLost = onLost;
    byId('totals').replaceChildren(
        ...this.#graphs.map(({ graph }) => graph.element));
    byId('broadcasts').replaceChildren(this.#table.element);
    byId('notices').replaceChildren(this.#notices.element);
    byId('notices-none').hidden = true;
  }

  start(overview) {
    this.#show(overview);
    this.#stop = repeat(ASK_EVERY, (signal) => this.#ask(signal));
  }

  stop() {
    this.#stop();
  }

  async #ask(signal) {
    try {
      const [overview, jobs] = await Promise.all([
        getOverview(this.#token, signal), getJobs(this.#token, signal)]);
      if (signal.aborted)
        return;
      this.#awaySince = null;
      byId('away').hidden = true;
      if (jobs !== null)
        this.#showJobs(jobs);
      this.#show(overview);
    } catch (error) {
      if (signal.aborted)
        return;
      if (error.status === 401)
        this.#onLost(error);
      else
        this.#showAway();
    }
  }

  #showAway() {
    this.#awaySince ??= this.#answeredAt;
    byId('away').textContent =
        t('operator.away', { since: formatSince(this.#awaySince) });
    byId('away').hidden = false;
  }

  #show(overview) {
    this.#answeredAt = Date.now();
    byId('answered').textContent = t('operator.answered',
        { node: overview.node, time: formatTime(overview.at) });
    this.#showProblems(problemsOf(overview,
        problemsOfJobs(this.#jobs, overview.at)).map(problemText));
    for (const { key, graph } of this.#graphs)
      graph.update(overview.history.map((sample) =>
        ({ at: Date.parse(sample.at), value: sample[key] })));
    const rows = rowsOf(overview);
    this.#table.update(rows);
    byId('broadcasts').hidden = rows.length === 0;
    byId('broadcasts-none').hidden = rows.length > 0;
    fill(byId('nodes'), overview.nodes.map(nodeCard));
    const messages = messagesOf(overview);
    fill(byId('messages'), messages.map(messageItem));
    byId('messages-none').hidden = messages.length > 0;
  }

  #showJobs(jobs) {
    this.#jobs = jobs;
    this.#notices.update(jobs, Date.now());
    byId('notices-none').hidden = jobs.length > 0;
  }

  // One line, and the rest for who asks.
  #showProblems([first, ...others]) {
    byId('banner').dataset.mood = first === undefined ? 'well' : 'wrong';
    setText(byId('verdict'),
        t(first === undefined ? 'operator.well' : 'operator.wrong'));
    setText(byId('problem'), first ?? '');
    byId('more').hidden = others.length === 0;
    setText(byId('more-count'), t('operator.more', { n: others.length }));
    fill(byId('others'), others.map((text) => h('li', null, text)));
  }

  async #end({ link, title }) {
    byId('failure').hidden = true;
    if (!await ask({
      title: t('operator.endTitle', { what: title || link }),
      text: t('operator.endText'), action: t('operator.end') }))
      return;
    try {
      await postJson(`/api/v1/broadcasts/${link}/end`, { token: this.#token });
    } catch (error) {
      byId('failure').textContent = errorText(error);
      byId('failure').hidden = false;
    }
  }
}

let session = null;

function forget(mistake) {
  session?.stop();
  session = null;
  byId('dashboard').hidden = true;
  entry.reopen(mistake);
}

const entry = new Entry(async (token) => {
  const overview = await getOverview(token);
  session?.stop();
  byId('dashboard').hidden = false;
  session = new Session(token, (error) => forget(errorText(error)));
  session.start(overview);
  byId('heading').focus();
});

await startShell();
document.title = `${t('operator.heading')} · Wishcast`;
byId('forget').addEventListener('click', () => forget());
entry.start();
