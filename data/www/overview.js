// SPDX-License-Identifier: LGPL-2.1-or-later

// What an operator wants to know of an Overview of the API. Knows no page.

const DISK_LOW = 0.1;
const PART_LATE = 1;
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
  for (const { errors, link, partLatency, title } of report.broadcasts) {
    const broadcast = { node, link, title: title || link };
    for (const error of errors)
      yield { code: error, ...broadcast };
    if (partLatency && partLatency.p99 > PART_LATE)
      yield { code: 'parts-late', ...broadcast, seconds: partLatency.p99 };
  }
}

const WORST_FIRST = ['database-away', 'not-seen', 'no-database', 'disk-low',
  'recording-incomplete', 'notices-disabled', 'notices-fail',
  'notices-refused', 'chunks-refused', 'parts-late', 'parts-not-stored',
  'frames-dropped'];

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
