// SPDX-License-Identifier: LGPL-2.1-or-later

// The checks that judge what the origin serves must themselves be able to say
// no.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listedParts, PlaylistFollower, wholeSegments }
  from '../lib/playlists.js';

const START = Date.UTC(2026, 0, 1);

function segment(msn, {
  uri = `0-${msn}.m4s`, duration = 2, parts = true, date = START + msn * 2000,
} = {}) {
  const lines = [`#EXT-X-PROGRAM-DATE-TIME:${new Date(date).toISOString()}`];
  for (let part = 0; parts && part < 4; part += 1) {
    lines.push(`#EXT-X-PART:DURATION=0.50000,URI="0-${msn}.${part}.m4s"` +
        (part === 0 ? ',INDEPENDENT=YES' : ''));
  }
  lines.push(`#EXTINF:${duration.toFixed(5)},`, uri);
  return lines;
}

function playlist(first, count, {
  target = 4, holdBack = 1.5, sequence = first, tail = [], change = {},
} = {}) {
  const open = first + count;
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    `#EXT-X-TARGETDURATION:${target}`,
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,' +
        `PART-HOLD-BACK=${holdBack},HOLD-BACK=${3 * target}`,
    '#EXT-X-PART-INF:PART-TARGET=0.5',
    `#EXT-X-MEDIA-SEQUENCE:${sequence}`,
    '#EXT-X-DISCONTINUITY-SEQUENCE:0',
    '#EXT-X-MAP:URI="init-0.mp4"',
    ...Array.from({ length: count }, (_, i) => segment(first + i, {
      parts: i >= count - 2,
      ...change[first + i],
    })).flat(),
    ...tail,
    `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="0-${open}.0.m4s"`,
    '',
  ].join('\n');
}

test('a correct playlist is accepted through three reloads', () => {
  const follower = new PlaylistFollower();
  follower.see(playlist(0, 4));
  follower.see(playlist(0, 5));
  const last = follower.see(playlist(1, 6));
  assert.equal(follower.versions, 3);
  assert.equal(wholeSegments(last).length, 6);
  assert.deepEqual(listedParts(last).map(({ msn, part }) => [msn, part]),
      [5, 6].flatMap((msn) => [0, 1, 2, 3].map((part) => [msn, part])));
});

// What is wrong, how the complaint begins, and the versions served: the last
// one must be refused.
const refused = [
  ['EXTINF over the target', /EXTINF/,
    playlist(0, 4, { change: { 1: { duration: 5 } } })],
  ['a part hold back under three parts', /PART-HOLD-BACK/,
    playlist(0, 4, { holdBack: 1.2 })],
  ['no hint', /PRELOAD-HINT/,
    playlist(0, 4).replace(/#EXT-X-PRELOAD-HINT.*\n/, '')],
  ['a target duration that changes', /TARGETDURATION/,
    playlist(0, 4), playlist(0, 5, { target: 5 })],
  ['another URI for the same number', /facts of segment 2 changed/,
    playlist(0, 4), playlist(0, 5, { change: { 2: { uri: 'x-2.m4s' } } })],
  ['another duration for the same number', /facts of segment 1 changed/,
    playlist(0, 4), playlist(0, 5, { change: { 1: { duration: 2.1 } } })],
  ['a media sequence that goes back', /MEDIA-SEQUENCE goes back/,
    playlist(1, 4), playlist(0, 6)],
  ['segments that are taken back', /segments were taken back/,
    playlist(0, 4), playlist(0, 3)],
  ['one URI for two numbers', /a URI was used twice/,
    playlist(0, 4, { change: { 2: { uri: '0-1.m4s' } } })],
  ['dates that do not step by the durations', /dates of 0-1.m4s/,
    playlist(0, 4, { change: { 2: { date: START + 4500 } } })],
  ['a part over the part target', /maximum duration of any Partial/,
    playlist(0, 4, {
      tail: ['#EXT-X-PART:DURATION=0.53333,URI="0-4.0.m4s"'],
    })],
  ['a short part that is not the last', /at least 85%/,
    playlist(0, 4, {
      tail: [
        '#EXT-X-PART:DURATION=0.30000,URI="0-4.0.m4s"',
        '#EXT-X-PART:DURATION=0.50000,URI="0-4.1.m4s"',
      ],
    })],
  ['parts that are not as long as their segment', /parts of 0-3.m4s/,
    playlist(0, 4, { change: { 3: { duration: 2.2 } } })],
  ['a warning of the second parser', /m3u8-parser warns/,
    '#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n' +
    '#EXT-X-MEDIA-SEQUENCE:x\n#EXT-X-ENDLIST\n'],
];

for (const [name, complaint, ...texts] of refused) {
  test(`refused: ${name}`, () => {
    const follower = new PlaylistFollower();
    const last = texts.pop();
    for (const text of texts)
      follower.see(text);
    assert.throws(() => follower.see(last), complaint);
  });
}
