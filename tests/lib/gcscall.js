// SPDX-License-Identifier: LGPL-2.1-or-later

// Our client of Google Cloud Storage, a call at a time: tests/check/gcscall.c.

import { ROOT } from './place.js';

const PROGRAM = `${ROOT}build-test/tests/check/gcscall`;

// What it printed, as lines. `key`: file of an account, or 'machine'
// for that of the machine; null: nobody's.
export async function callGcs(place, url, key, ...args) {
  const text = await place.run(PROGRAM, [url, key ?? '-', ...args]);
  return text.split('\n').slice(0, -1);
}
