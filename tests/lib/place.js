// SPDX-License-Identifier: LGPL-2.1-or-later

// Where a test works: a temporary folder, free ports and processes, all of them
// gone when the test is over, however it ends.

import { execFile, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

class Process {
  #child;
  #log;

  constructor(command, args, { log, env = {}, cwd } = {}) {
    this.#log = log;
    this.name = path.basename(command);
    // Dies with this process even if that is killed.
    this.#child = spawn('setpriv',
        ['--pdeathsig', 'TERM', '--', command, ...args], {
          cwd,
          env: { ...process.env, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
    const file = createWriteStream(log);
    this.#child.stdout.pipe(file, { end: false });
    this.#child.stderr.pipe(file, { end: false });
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error));
      this.#child.on('close', (code, signal) => {
        this.status = code ?? signal;
        file.end(() => resolve(this.status));
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get isAlive() {
    return this.status === undefined;
  }

  get output() {
    return readFileSync(this.#log, 'utf8');
  }

  kill(signal) {
    this.#child.kill(signal);
  }

  // Asks, insists after `patience` seconds, and gives the exit status.
  async end(signal = 'SIGTERM', patience = 10) {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), patience * 1000);
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }
}

export class Place {
  #undo = [];
  #count = 0;

  constructor() {
    this.dir = mkdtempSync(path.join(os.tmpdir(), 'wishcast test '));
  }

  // Called in reverse order by `leave`.
  defer(undo) {
    this.#undo.push(undo);
  }

  path(...parts) {
    return path.join(this.dir, ...parts);
  }

  launch(command, args, options = {}) {
    this.#count += 1;
    const name = `${this.#count}-${path.basename(command)}.log`;
    const log = this.path(name);
    const launched = new Process(command, args, { log, ...options });
    this.defer(() => launched.end('SIGTERM'));
    return launched;
  }

  // Runs to the end and gives what was printed. An exit code other than 0, or
  // a word to the standard error, throws with it.
  async run(command, args) {
    const { status, stdout, stderr } = await new Promise((resolve) => {
      execFile('setpriv', ['--pdeathsig', 'TERM', '--', command, ...args],
          { maxBuffer: 1 << 26 }, (error, out, err) =>
            resolve({ status: error?.code ?? 0, stdout: out, stderr: err }));
    });
    if (status !== 0 || stderr !== '')
      throw new Error(`${command} ${args.join(' ')}: ${status}\n${stderr}`);
    return stdout;
  }

  async leave() {
    for (const undo of this.#undo.reverse()) {
      try {
        await undo();
      } catch (error) {
        console.error(error);
      }
    }
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

const FIRST_PORT = 10000;
const LAST_PORT = 29999;
let lastPort = FIRST_PORT +
    Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));

// One that is free, below those that the kernel gives to connections: it stays
// free until it is used. None is given twice, as a test takes many at a time.
export async function freePort() {
  for (;;) {
    lastPort = lastPort < LAST_PORT ? lastPort + 1 : FIRST_PORT;
    const port = lastPort;
    const server = net.createServer();
    const isFree = await new Promise((resolve) => {
      server.on('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (isFree) {
      await new Promise((resolve) => server.close(resolve));
      return port;
    }
  }
}

export function isListening(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
