// SPDX-License-Identifier: LGPL-2.1-or-later

// What ./bootstrap says where it cannot do what it should: with stand-ins for
// the programs it asks, in a copy of its own.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync }
  from 'node:fs';
import { after, before, test } from 'node:test';

import { Place, ROOT } from '../lib/place.js';

const TOOLS = ['bash', 'cat', 'cut', 'dirname', 'env', 'grep', 'kill', 'mkdir',
  'mktemp', 'rm', 'sed', 'setpriv', 'sleep', 'tail', 'wc'];
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const place = new Place();
let bin;

before(() => {
  bin = place.path('bin');
  mkdirSync(bin);
  for (const tool of TOOLS)
    symlinkSync(`/usr/bin/${tool}`, `${bin}/${tool}`);
  copyFileSync(`${ROOT}bootstrap`, place.path('bootstrap'));
  // For the case that somebody else runs it.
  chmodSync(place.dir, 0o777);
  chmodSync(place.path('bootstrap'), 0o755);
});

after(() => place.leave());

function standIn(name, script) {
  writeFileSync(`${bin}/${name}`, `#!/bin/bash\n${script}\n`);
  chmodSync(`${bin}/${name}`, 0o755);
}

async function bootstrap(args, { as = [] } = {}) {
  const launched = place.launch('setpriv',
      [...as, `${bin}/bash`, place.path('bootstrap'), ...args],
      { env: { PATH: bin, TMPDIR: place.dir } });
  const status = await launched.exited;
  return [status, launched.output];
}

test('help names every command', async () => {
  const [status, output] = await bootstrap(['help']);
  assert.equal(status, 0);
  for (const name of ['demo', 'test', 'build', 'install', 'help'])
    assert.match(output, new RegExp(`^  ${name} `, 'm'));
});

test('an unknown command is a mistake of usage', async () => {
  const [status, output] = await bootstrap(['demon']);
  assert.equal(status, 64);
  assert.match(output, /^Usage: /);
});

test('without apt it says what is needed', async () => {
  const [status, output] = await bootstrap(['build']);
  assert.equal(status, 69);
  assert.match(output, /has no apt/);
  assert.match(output, /libmicrohttpd-dev/);
});

test('a user without sudo is told what root must do', async () => {
  standIn('dpkg-query', 'echo "installed gcc"; exit 1');
  standIn('apt-get', 'exit 0');
  const as = process.getuid() === 0 ? NOBODY : [];
  const [status, output] = await bootstrap(['build'], { as });
  assert.equal(status, 69);
  assert.match(output, /no sudo/);
  assert.match(output, /apt-get install --no-install-recommends .*meson/);
  assert.doesNotMatch(output, /recommends .*\bgcc\b/, 'gcc is there');
});

test('a network that is away is told, with the end of the log', async (t) => {
  if (process.getuid() !== 0) {
    t.skip('would ask for a password');
    return;
  }
  standIn('apt-get', 'echo "E: Failed to fetch"; exit 100');
  const [status, output] = await bootstrap(['build']);
  assert.equal(status, 69);
  assert.match(output, /Reading the lists of packages failed/);
  assert.match(output, /E: Failed to fetch/);
  assert.match(output, /Is the network up/);
});
