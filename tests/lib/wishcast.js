// SPDX-License-Identifier: LGPL-2.1-or-later

// The program of the sanitized build.

import { chmodSync, writeFileSync } from 'node:fs';

import { ROOT } from './place.js';

const BUILD = `${ROOT}build-test`;
// GStreamer's own plugins never free some of what they allocate.
const ENV = {
  WISHCAST_DATA_DIR: `${ROOT}data:${ROOT}`,
  GST_PLUGIN_PATH: `${BUILD}/plugins`,
  GST_REGISTRY: `${BUILD}/e2e-wishcast.registry`,
  GST_REGISTRY_FORK: 'no',
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  G_DEBUG: 'fatal-criticals',
};

// Writes a configuration from { group: { key: value } } and gives its path. All
// that is kept is kept in `place`.
export function configure(place, settings) {
  // If we are root, a private PostgreSQL is somebody else, who must get there.
  chmodSync(place.dir, 0o711);
  const all = { node: { 'data-dir': 'state' }, ...settings };
  const lines = Object.entries(all).flatMap(([group, keys]) => [`[${group}]`,
    ...Object.entries(keys).map(([key, value]) => `${key} = ${value}`)]);
  const path = place.path('wishcast.conf');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

export function startWishcast(place, args, env = {}) {
  return place.launch(`${BUILD}/launcher/wishcast`, args,
      { env: { ...ENV, ...env } });
}

// Runs a command to its end.
export async function runWishcast(place, args) {
  const launched = startWishcast(place, args);
  const status = await launched.exited;
  if (status !== 0)
    throw new Error(`wishcast ${args.join(' ')}: ${status}\n${launched.output}`);
  return launched.output;
}
