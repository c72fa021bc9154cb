// SPDX-License-Identifier: LGPL-2.1-or-later

// The index of a link in the cache, read as plugins/common/cacheindex.h says.

import { readFileSync } from 'node:fs';

const RECORD_SIZE = 72;
const KIND_MEDIA = 3;

// What a broadcast that goes on must be told, as the launcher would: the
// packager's properties.
export function readTail(cache, link) {
  const index = readFileSync(`${cache}/${link}/index`);
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  let [msn, epoch, time] = [-1n, 0, 0n];
  for (let at = RECORD_SIZE; at + RECORD_SIZE <= index.length;
    at += RECORD_SIZE) {
    if (view.getUint8(at + 2) !== KIND_MEDIA)
      continue;
    const end = view.getBigUint64(at + 40, true) +
        view.getBigUint64(at + 48, true);
    epoch = Math.max(epoch, view.getUint32(at + 4, true));
    msn = view.getBigUint64(at + 8, true) > msn ?
      view.getBigUint64(at + 8, true) : msn;
    time = end > time ? end : time;
  }
  return { 'first-msn': msn + 1n, epoch: epoch + 1, 'first-time': time };
}
