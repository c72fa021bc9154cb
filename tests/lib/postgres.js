// SPDX-License-Identifier: LGPL-2.1-or-later

// A PostgreSQL that is not wishcast's own, and that can be away.

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync,
  readFileSync } from 'node:fs';

import { until } from './until.js';

const ROOT = '/usr/lib/postgresql';

function findUser() {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n')
      .find((text) => text.startsWith('postgres:'));
  return line.split(':').slice(2, 4).map(Number);
}

// As the server refuses to be root.
function start(place, program, args) {
  const version = readdirSync(ROOT).sort((a, b) => b - a)[0];
  const words = [`${ROOT}/${version}/bin/${program}`, ...args];
  return process.getuid() === 0 ?
    place.launch('setpriv', ['--reuid', 'postgres', '--regid', 'postgres',
      '--clear-groups', '--', ...words], { cwd: '/' }) :
    place.launch(words[0], words.slice(1));
}

// A backend may have ended by itself.
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH')
      throw error;
  }
}

// Somebody who has ended has no words, waited for or not.
function isRunning(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}

export async function startPostgres(place) {
  const dir = place.path('postgres');
  const socket = `${dir}/.s.PGSQL.5432`;
  mkdirSync(dir);
  chmodSync(place.dir, 0o711);
  if (process.getuid() === 0)
    chownSync(dir, ...findUser());
  const made = start(place, 'initdb', ['-D', `${dir}/data`, '-U', 'wishcast',
    '--auth=trust', '--locale=C', '-E', 'UTF8', '--no-sync']);
  if (await made.exited !== 0)
    throw new Error(made.output);

  const postgres = {
    conninfo: `host='${dir}' user=wishcast dbname=postgres`,
    process: null,
    async up() {
      postgres.process = start(place, 'postgres', ['-D', `${dir}/data`,
        '-k', dir, '-c', 'listen_addresses=',
        '-c', 'dynamic_shared_memory_type=mmap']);
      await until('PostgreSQL answers', async () => {
        if (!postgres.process.isAlive)
          throw new Error(postgres.process.output);
        await place.run('psql', ['-X', '-q', '-d', postgres.conninfo, '-c',
          'SELECT']);
        return true;
      });
    },
    // kill -9 of all of it.
    async kill() {
      const { pid } = postgres.process;
      const all = [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`,
          'utf8').split(' ').filter(Boolean).map(Number)];
      for (const one of all)
        signal(one, 'SIGKILL');
      await postgres.process.exited;
      // What is left of it would keep the next one from starting.
      await until('all of it is gone', () => !all.some(isRunning));
    },
    // At once; nobody listens any more.
    async down() {
      await postgres.process.end('SIGQUIT');
      await until('the socket is gone', () => !existsSync(socket));
    },
  };
  await postgres.up();
  place.defer(() => postgres.process.end('SIGQUIT'));
  return postgres;
}
