// SPDX-License-Identifier: LGPL-2.1-or-later

// What goes wrong, as a test asks for.
//
// { at, what, when, times, skip, ... }: at requests of stage `at` (or of any),
// `times` times [1] after `skip` others [0]. `what` is one of
//
//   reset     the connection is cut
//   stall     nothing happens until `release`
//   delay     nothing happens for `ms`
//   answer    `status`, `headers` and `body` in the place of the right ones
//
// `when` it is 'before' the request's body is taken (the default), in the
// 'middle', when `bytes` of it are, or 'after' it has had its effect; or of
// uploads one of
//
//   truncate  only `bytes` of a chunk are kept
//   lose      nothing is kept of all that was sent: a 308 without Range
//   corrupt   one bit of what is stored is wrong, and so is the crc32c
//   wrong-crc the answer has another crc32c than the object
//   gone      the session is over: `status` [410]
//
// or of anything that needs a token
//
//   revoke    the token was revoked: 401

const WHATS = ['reset', 'stall', 'delay', 'answer', 'truncate', 'lose',
  'corrupt', 'wrong-crc', 'gone', 'revoke'];
const WHENS = ['before', 'middle', 'after'];

export class Fault {
  hits = 0;

  #left;
  #skip;
  #release;
  #wake;

  constructor({ at, what, when = 'before', times = 1, skip = 0, ...more }) {
    if (!WHATS.includes(what) || !WHENS.includes(when))
      throw new Error(`no such fault: ${what} ${when}`);
    Object.assign(this, more, { at, what, when });
    this.#left = times;
    this.#skip = skip;
    this.released = new Promise((resolve) => { this.#release = resolve; });
    // When it has happened for the first time: the record of the request.
    this.hit = new Promise((resolve) => { this.#wake = resolve; });
  }

  get isOver() {
    return this.#left <= 0;
  }

  // Whether it is a request of this stage that it happens to.
  takes(stage, record) {
    if (this.isOver || (this.at && this.at !== stage))
      return false;
    if (this.#skip > 0) {
      this.#skip -= 1;
      return false;
    }
    this.#left -= 1;
    record.fault = `${this.what} ${this.when}`;
    return true;
  }

  // It takes effect now.
  strike(record) {
    this.hits += 1;
    this.#wake(record);
  }

  // No more of it; and what is stalled goes on.
  release() {
    this.#left = 0;
    this.#release();
  }
}

export class Faults {
  #list = [];

  inject(options) {
    const fault = new Fault(options);
    this.#list.push(fault);
    return fault;
  }

  take(stage, record) {
    return this.#list.find((fault) => fault.takes(stage, record));
  }

  clear() {
    for (const fault of this.#list)
      fault.release();
    this.#list = [];
  }
}
