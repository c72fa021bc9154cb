// SPDX-License-Identifier: LGPL-2.1-or-later

// What a playlist must be, by two parsers that know nothing of each other, and
// what must hold between one reload and the next.

import assert from 'node:assert/strict';

import hlsParser from 'hls-parser';
import { Parser as M3u8Parser } from 'm3u8-parser';

hlsParser.setOptions({ strictMode: true, silent: true });

// Decimal seconds are printed to five places at least.
const EPSILON = 0.0001;

// Parses with both, and gives hls-parser's object. Throws what one of them
// says against it.
export function parsePlaylist(text) {
  const parsed = hlsParser.parse(text);
  const warnings = [];
  const second = new M3u8Parser();
  second.on('warn', ({ message }) => warnings.push(message));
  second.push(text);
  second.end();
  assert.deepEqual(warnings, [], 'm3u8-parser warns');
  if (!parsed.isMasterPlaylist) {
    const whole = parsed.segments.filter((segment) => segment.uri);
    const { segments } = second.manifest;
    assert.equal(segments.filter((segment) => segment.uri).length,
        whole.length, 'the parsers count the same segments');
  }
  return parsed;
}

// Segments that are complete: the open one has parts but no URI yet.
export function wholeSegments(playlist) {
  return playlist.segments.filter((segment) => segment.uri);
}

// All listed parts in order as { msn, part, uri, duration, independent }.
export function listedParts(playlist) {
  return playlist.segments.flatMap((segment) => segment.parts
      .filter((part) => !part.hint)
      .map((part, index) => ({
        msn: segment.mediaSequenceNumber,
        part: index,
        uri: part.uri,
        duration: part.duration,
        independent: Boolean(part.independent),
      })));
}

function checkPart(part, isLast, target) {
  const name = `part ${part.uri}: ${part.duration} s`;
  assert.ok(part.duration > 0, name);
  assert.ok(part.duration <= target + EPSILON, `${name} <= ${target}`);
  if (!isLast)
    assert.ok(part.duration >= 0.85 * target - EPSILON, `${name} >= 85 %`);
}

// RFC 8216bis, and what Apple's authoring rules add, of one live playlist.
function checkAlone(playlist, text) {
  assert.ok(Number.isInteger(playlist.targetDuration));
  for (const segment of wholeSegments(playlist)) {
    assert.ok(Math.round(segment.duration) <= playlist.targetDuration,
        `EXTINF ${segment.duration} <= ${playlist.targetDuration}`);
    assert.ok(segment.programDateTime, `date of ${segment.uri}`);
    assert.ok(segment.map?.uri, `EXT-X-MAP of ${segment.uri}`);
  }
  if (playlist.endlist)
    return;
  const control = playlist.lowLatencyCompatibility;
  assert.equal(control?.canBlockReload, true, 'CAN-BLOCK-RELOAD');
  assert.ok(control.partHoldBack >= 3 * playlist.partTargetDuration - EPSILON,
      'PART-HOLD-BACK >= 3 x PART-TARGET');
  assert.match(text, /^#EXT-X-DISCONTINUITY-SEQUENCE:\d+$/m);
  assert.equal(text.match(/^#EXT-X-PRELOAD-HINT:TYPE=PART,/gm)?.length, 1,
      'one PRELOAD-HINT of TYPE=PART');
  assert.doesNotMatch(text, /#EXT-X-PLAYLIST-TYPE/);
  for (const segment of playlist.segments) {
    const parts = segment.parts.filter((part) => !part.hint);
    parts.forEach((part, i) => checkPart(part,
        segment.uri !== undefined && i === parts.length - 1,
        playlist.partTargetDuration));
    if (segment.uri && parts.length > 0) {
      const sum = parts.reduce((total, part) => total + part.duration, 0);
      assert.ok(Math.abs(sum - segment.duration) < 0.01,
          `parts of ${segment.uri}: ${sum} s of ${segment.duration} s`);
    }
  }
}

// Follows one media playlist through its life. `see` takes each version as it
// was served and throws at the first that breaks a rule.
export class PlaylistFollower {
  #byMsn = new Map();
  #last = null;
  versions = 0;
  // Seconds that dates may drift from the durations between them.
  dateTolerance = 0.05;

  see(text) {
    const playlist = parsePlaylist(text);
    assert.equal(playlist.isMasterPlaylist, false);
    checkAlone(playlist, text);
    if (this.#last)
      this.#checkReload(this.#last, playlist);
    this.#checkSegments(playlist);
    this.#checkDates(playlist);
    this.#last = playlist;
    this.versions += 1;
    return playlist;
  }

  get last() {
    return this.#last;
  }

  #checkReload(before, now) {
    assert.equal(now.targetDuration, before.targetDuration, 'TARGETDURATION');
    if (!now.endlist) {
      assert.equal(now.partTargetDuration, before.partTargetDuration,
          'PART-TARGET');
      assert.ok(now.mediaSequenceBase >= before.mediaSequenceBase,
          'MEDIA-SEQUENCE goes back');
      assert.ok(now.discontinuitySequenceBase >=
          before.discontinuitySequenceBase, 'DISCONTINUITY-SEQUENCE goes back');
    }
    assert.ok(!before.endlist || now.endlist, 'EXT-X-ENDLIST was taken back');
    // What is only hinted at may never come.
    const ends = (list) => list.segments.filter(({ uri, parts }) =>
      uri || parts.some(({ hint }) => !hint)).at(-1)?.mediaSequenceNumber ?? -1;
    assert.ok(ends(now) >= ends(before), 'segments were taken back');
  }

  // What was said of a segment is said for good; a part never changes either.
  #checkSegments(playlist) {
    for (const segment of playlist.segments) {
      const msn = segment.mediaSequenceNumber;
      const known = this.#byMsn.get(msn) ?? { parts: [] };
      const say = `of segment ${msn} changed`;
      if (segment.uri) {
        const facts = {
          uri: segment.uri,
          duration: segment.duration,
          map: segment.map?.uri,
          discontinuity: segment.discontinuitySequence,
          date: segment.programDateTime?.getTime(),
        };
        if (known.facts)
          assert.deepEqual(facts, known.facts, `facts ${say}`);
        known.facts = facts;
      }
      segment.parts.filter((part) => !part.hint).forEach((part, i) => {
        const facts = [part.uri, part.duration, Boolean(part.independent)];
        if (known.parts[i])
          assert.deepEqual(facts, known.parts[i], `part ${i} ${say}`);
        known.parts[i] = facts;
      });
      this.#byMsn.set(msn, known);
    }
    const uris = [...this.#byMsn.values()].flatMap(({ facts, parts }) =>
      [...(facts ? [facts.uri] : []), ...parts.map(([uri]) => uri)]);
    assert.equal(new Set(uris).size, uris.length, 'a URI was used twice');
  }

  // Dates step by the durations, except where a discontinuity says otherwise.
  #checkDates(playlist) {
    const segments = wholeSegments(playlist);
    for (let i = 1; i < segments.length; i += 1) {
      const [before, now] = [segments[i - 1], segments[i]];
      if (now.discontinuity)
        continue;
      const step = (now.programDateTime - before.programDateTime) / 1000;
      assert.ok(Math.abs(step - before.duration) <= this.dateTolerance,
          `dates of ${before.uri} and ${now.uri} are ${step} s apart, not ` +
          `${before.duration} s`);
    }
  }
}
