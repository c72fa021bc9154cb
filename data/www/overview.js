// SPDX-License-Identifier: LGPL-2.1-or-later

// What an operator wants to know of an Overview of the API. Knows no page.

const DISK_LOW = 0.1;
const PART_LATE = 1;
// Of what the cache may have: that cannot be cleared.
const CACHE_TIGHT = 0.8;
// Bytes for each broadcast, some twenty minutes of a good picture.
const ARCHIVE_BEHIND = 1e9;
const MESSAGES = 40;

const quotient = (a, b) => a === null || !b ? null : a / b;

// How many of a link's viewers were counted on any node, by each way.
function counted(overview, link, what) {
  return overview.nodes.reduce((sum, { alive, report }) =>
    sum + (alive ? report.viewers[link]?.[what] ?? 0 : 0), 0);
}

// The broadcasts of all nodes. `isKnown`: the node was heard of just now.
export function rowsOf(overview) {
  return overview.nodes.flatMap(({ alive, report }) =>
    report.broadcasts.map((broadcast) => ({
      ...broadcast,
      id: `${report.name} ${broadcast.link}`,
      node: report.name,
      isKnown: alive,
      viewers: overview.viewers.viewers[broadcast.link] ?? 0,
      pages: counted(overview, broadcast.link, 'pages'),
      players: counted(overview, broadcast.link, 'players'),
    })));
}

// The newest first: { node, at, text }.
export function messagesOf(overview) {
  return overview.nodes.flatMap(({ report }) => report.messages.map(
      (message) => ({ ...message, node: report.name })))
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
      .slice(0, MESSAGES);
}

// Of the disk of a node, from 0 to 1; null: it has none to tell of.
export const diskLeft = (report) =>
  quotient(report.diskFree, report.diskSize);

// A node of an older version tells nothing of them.
function* problemsOfRecordings({ name: node, archive, cache, retention }) {
  if (cache) {
    const { size, budget, unarchived } = cache;
    if (size > budget)
      yield { code: 'cache-full', node, size, budget };
    else if (unarchived > CACHE_TIGHT * budget)
      yield { code: 'cache-tight', node, size: unarchived, budget };
  }
  if (archive) {
    const { failing, left, open, problem } = archive;
    if (failing > 0 || problem !== null)
      yield { code: 'archive-fails', node, n: failing, detail: problem ?? '' };
    if (left > ARCHIVE_BEHIND * Math.max(1, open))
      yield { code: 'archive-behind', node, size: left };
  }
  if (retention) {
    if (retention.problem !== null)
      yield { code: 'retention-fails', node, detail: retention.problem };
    if (retention.onHold)
      yield { code: 'retention-on-hold', node };
  }
}

function* problemsOfNode({ alive, seenAt, report }) {
  const node = report.name;
  if (!alive) {
    yield { code: 'not-seen', node, at: seenAt };
    return;
  }
  if (!report.databaseConnected)
    yield { code: 'no-database', node, n: report.registrarQueued };
  const left = diskLeft(report);
  if (left !== null && left < DISK_LOW)
    yield { code: 'disk-low', node, left };
  yield* problemsOfRecordings(report);
  for (const { errors, link, partLatency, title } of report.broadcasts) {
    const broadcast = { node, link, title: title || link };
    for (const error of errors)
      yield { code: error, ...broadcast };
    if (partLatency && partLatency.p99 > PART_LATE)
      yield { code: 'parts-late', ...broadcast, seconds: partLatency.p99 };
  }
}

const WORST_FIRST = ['database-away', 'not-seen', 'no-database', 'disk-low',
  'cache-full', 'cache-tight', 'archive-fails', 'archive-behind',
  'retention-fails', 'retention-on-hold', 'recording-incomplete',
  'notices-disabled', 'notices-fail', 'notices-refused', 'chunks-refused',
  'parts-late', 'parts-not-stored', 'frames-dropped'];

// What is wrong now, the worst first: { code, ... }. `others`: what was found
// elsewhere.
export function problemsOf(overview, others = []) {
  const problems = [...others,
    ...overview.nodes.flatMap((node) => [...problemsOfNode(node)])];
  if (overview.staleSince)
    problems.push({ code: 'database-away', at: overview.staleSince });
  return problems.sort((a, b) =>
    WORST_FIRST.indexOf(a.code) - WORST_FIRST.indexOf(b.code));
}
