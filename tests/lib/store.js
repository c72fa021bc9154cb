// SPDX-License-Identifier: LGPL-2.1-or-later

// What the cache holds of a link, read as plugins/common/cacheindex.h says.

import { readFileSync } from 'node:fs';

const RECORD_SIZE = 72;
const KIND_MEDIA = 3;

// The media records: { msn, epoch, pts, end, wallclock }, in ns and µs.
function* readRecords(cache, link) {
  const index = readFileSync(`${cache}/${link}/index`);
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  for (let at = RECORD_SIZE; at + RECORD_SIZE <= index.length;
    at += RECORD_SIZE) {
    if (view.getUint8(at + 2) !== KIND_MEDIA)
      continue;
    yield {
      epoch: view.getUint32(at + 4, true),
      msn: view.getBigUint64(at + 8, true),
      pts: view.getBigUint64(at + 32, true),
      end: view.getBigUint64(at + 40, true) +
          view.getBigUint64(at + 48, true),
      wallclock: view.getBigInt64(at + 56, true),
    };
  }
}

// When `time` of the media, in s, was captured: ms since 1970.
export function readCapture(cache, link, time) {
  const wanted = BigInt(Math.round(time * 1e9));
  let found;
  for (const record of readRecords(cache, link))
    if (record.pts <= wanted && (!found || record.pts > found.pts))
      found = record;
  return Number(found.wallclock) / 1e3 + Number(wanted - found.pts) / 1e6;
}

// All parts of a link in the order they were stored: { track, epoch, msn, part,
// bytes }.
export function readParts(cache, link) {
  const dir = `${cache}/${link}`;
  const { table: { tracks } } =
      JSON.parse(readFileSync(`${dir}/broadcast.json`, 'utf8'));
  const media = tracks.map(({ name }) => readFileSync(`${dir}/${name}.cmaf`));
  const index = readFileSync(`${dir}/index`);
  const parts = [];
  for (let at = RECORD_SIZE; at + RECORD_SIZE <= index.length;
    at += RECORD_SIZE) {
    if (index.readUInt8(at + 2) !== KIND_MEDIA)
      continue;
    const track = index.readUInt16LE(at);
    const offset = Number(index.readBigUInt64LE(at + 24));
    parts.push({
      track: tracks[track].name,
      epoch: index.readUInt32LE(at + 4),
      msn: Number(index.readBigUInt64LE(at + 8)),
      part: index.readUInt32LE(at + 16),
      bytes: media[track].subarray(offset,
          offset + index.readUInt32LE(at + 20)),
    });
  }
  return parts;
}

// What a broadcast that goes on must be told, as the launcher would: the
// packager's properties.
export function readTail(cache, link) {
  let [msn, epoch, time] = [-1n, 0, 0n];
  for (const record of readRecords(cache, link)) {
    epoch = Math.max(epoch, record.epoch);
    msn = record.msn > msn ? record.msn : msn;
    time = record.end > time ? record.end : time;
  }
  return { 'first-msn': msn + 1n, epoch: epoch + 1, 'first-time': time };
}
