// SPDX-License-Identifier: LGPL-2.1-or-later

// A receiver of webhooks as a process of its own, for kill -9. What it takes is
// in its journal, a line of JSON a request, before it is answered: so what has
// been taken stays so, whatever becomes of it. Run as a program, this file is that
// process; imported, it is what a test has of it.

import { appendFileSync, closeSync, openSync, readFileSync, readSync,
  truncateSync, watch, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { freePort, isListening } from './place.js';
import { Receiver } from './receiver.js';
import { until } from './until.js';

const PROGRAM = fileURLToPath(import.meta.url);
const CHUNK = 1 << 20;

class JournalingReceiver extends Receiver {
  #journal;

  constructor(port, secret, journal) {
    super(port, secret);
    // A line that was cut by the end of the last process was never answered.
    truncateSync(journal, readFileSync(journal).lastIndexOf('\n') + 1);
    this.#journal = openSync(journal, 'a');
  }

  take(request) {
    appendFileSync(this.#journal, `${JSON.stringify(request)}\n`);
  }

  complain(problem) {
    appendFileSync(this.#journal, `${JSON.stringify({ problem })}\n`);
  }
}

export class ReceiverProcess {
  // What was wrong with requests that were not taken.
  problems = [];

  #place;
  #port;
  #secret;
  #take;
  #process;
  #path; // of the journal
  #file; // the same, open
  #read = 0; // whole lines of it, in bytes

  // `take` gets { id, size, events } of each request once it is in the journal.
  static async start(place, secret, take) {
    const receiver = new ReceiverProcess();
    receiver.#place = place;
    receiver.#secret = secret;
    receiver.#take = take;
    receiver.#port = await freePort();
    receiver.url = `http://127.0.0.1:${receiver.#port}/notices`;
    receiver.#path = place.path('receiver.journal');
    writeFileSync(receiver.#path, '');
    receiver.#file = openSync(receiver.#path, 'r');
    const watcher = watch(receiver.#path, () => receiver.catchUp());
    place.defer(() => {
      watcher.close();
      closeSync(receiver.#file);
    });
    await receiver.up();
    return receiver;
  }

  async up() {
    this.#process = this.#place.launch(process.execPath,
        [PROGRAM, this.#port, this.#path],
        { env: { RECEIVER_SECRET: this.#secret } });
    await until('the receiver listens', () => {
      if (!this.#process.isAlive)
        throw new Error(this.#process.output);
      return isListening(this.#port);
    });
  }

  // Gives how it ended.
  async kill() {
    this.#process.kill('SIGKILL');
    const status = await this.#process.exited;
    this.catchUp();
    return status;
  }

  // All that has been answered has been told to the test once this returns.
  catchUp() {
    const chunks = [];
    const chunk = Buffer.alloc(CHUNK);
    for (let at = this.#read, n; ; at += n) {
      n = readSync(this.#file, chunk, 0, CHUNK, at);
      if (n === 0)
        break;
      chunks.push(Buffer.from(chunk.subarray(0, n)));
    }
    const bytes = Buffer.concat(chunks);
    const length = bytes.lastIndexOf('\n') + 1;
    this.#read += length;
    for (const line of bytes.toString('utf8', 0, length).split('\n')) {
      const { problem, ...request } = JSON.parse(line || '{}');
      if (problem)
        this.problems.push(problem);
      else if (line)
        this.#take(request);
    }
  }
}

if (process.argv[1] === PROGRAM) {
  const [port, journal] = process.argv.slice(2);
  const secret = process.env.RECEIVER_SECRET;
  await new JournalingReceiver(Number(port), secret, journal).up();
}
