// SPDX-License-Identifier: LGPL-2.1-or-later

// Google Cloud Storage as its documents have it, and stricter: a client that
// does what Google would refuse, or only tolerates, is told in `violations`.
// Faults can be injected (fakegcs/faults.js), and every request is kept.
//
// Tests of node use the class. Others start it as a program, which prints its
// address, and ask /_fake/: see `main` at the end.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Accounts, checkSigned } from './fakegcs/auth.js';
import { Body, Cut } from './fakegcs/body.js';
import { control } from './fakegcs/control.js';
import { jsonError, Refusal, violation, xmlError }
  from './fakegcs/errors.js';
import { Faults } from './fakegcs/faults.js';
import { Objects, readObject } from './fakegcs/objects.js';
import { checkQuery, findRoute } from './fakegcs/routes.js';
import { Uploads } from './fakegcs/uploads.js';

const PERMISSIONS = ['storage.buckets.get', 'storage.objects.create',
  'storage.objects.delete', 'storage.objects.get', 'storage.objects.list',
  'storage.objects.update'];
const IN_BODY = ['middle', 'after'];

export class FakeGcs {
  // Of all requests, in order: { stage, method, path, headers, received,
  // status, fault }, and of those to a session { offset, known, before,
  // after }: where the chunk began, how much of it was known, and what was kept
  // before and after it, all in bytes. `status` is undefined while it is not
  // answered, and null where it never was.
  requests = [];
  // What no client may do, as texts.
  violations = [];
  // Tokens, keys and names of sessions: none of it may be in anybody's log.
  secrets = new Set();
  // The account of the machine, by its metadata server.
  machine = 'machine@wishcast-tests.iam.gserviceaccount.com';
  permissions = new Set(PERMISSIONS);
  pageSize = 1000; // objects in an answer
  now = Date.now; // ms since 1970

  #faults = new Faults();
  #port;
  #server;

  // `folder` takes the bytes. Without `auth` it asks for no token and no
  // signature, as emulators do.
  constructor({ folder, buckets = ['bucket'], auth = false, tokenLife }) {
    mkdirSync(folder, { recursive: true });
    this.auth = auth;
    this.objects = new Objects(folder, buckets);
    this.uploads = new Uploads(this.objects, this.secrets);
    this.accounts = new Accounts(this.secrets, { tokenLife });
    if (auth)
      this.accounts.add(this.machine);
  }

  static async start(place, options = {}) {
    const fake = new FakeGcs({
      folder: mkdtempSync(place.path('gcs-')), ...options });
    await fake.up();
    place.defer(() => fake.down());
    return fake;
  }

  async up(port = this.#port ?? 0) {
    this.#server = http.createServer({ requestTimeout: 0 },
        (request, response) => this.#handle(request, response));
    await new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#port = this.#server.address().port;
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  // At once: who waits for an answer gets none. What was kept is kept.
  async down() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#faults.clear();
    this.#server.closeAllConnections();
    await closed;
  }

  // See fakegcs/faults.js. `hit` of what it gives resolves when it happens, and
  // `release` ends it.
  inject(options) {
    return this.#faults.inject(options);
  }

  clearFaults() {
    this.#faults.clear();
  }

  // A service account with its key file.
  addAccount(file, email = 'tester@wishcast-tests.iam.gserviceaccount.com') {
    const account = this.accounts.add(email);
    Accounts.write(file, account, `${this.url}/token`);
    return account;
  }

  read(name, bucket = 'bucket') {
    return readObject(this.objects.get(bucket, name));
  }

  names(prefix = '', bucket = 'bucket') {
    return this.objects.list(bucket, prefix).map((object) => object.name);
  }

  // Those of one stage.
  of(stage) {
    return this.requests.filter((request) => request.stage === stage);
  }

  // Bytes of objects that were sent, whatever was kept of them.
  get sent() {
    return this.requests.filter(({ stage }) => ['put', 'final'].includes(stage))
        .reduce((sum, { received }) => sum + received, 0);
  }

  #record(request) {
    const { authorization, ...headers } = request.headers;
    const record = { stage: 'unknown', method: request.method, headers,
      path: request.url.replace(
          /((?:upload_id|X-Goog-Signature)=)[^&]*/gi, '$1***'),
      received: 0, status: undefined };
    this.requests.push(record);
    return record;
  }

  #complain(record, message) {
    this.violations.push(`${record.stage}: ${message} ` +
        `(${record.method} ${record.path})`);
  }

  async #handle(request, response) {
    if (request.url.startsWith('/_fake/')) {
      await control(this, request, response);
      return;
    }
    const record = this.#record(request);
    const context = { request, response, record, url: this.url,
      body: new Body(request, record) };
    // Whoever waits for a fault to pass does not wait for a client that left.
    const left = new Promise((resolve) => response.on('close', resolve));
    context.hold = (fault) => this.#hold(fault, context, left);
    try {
      await this.#send(context, await this.#answer(context));
    } catch (error) {
      if (!(error instanceof Cut))
        this.#complain(record, `the fake failed: ${error.stack}`);
      record.status ??= null;
      request.destroy();
    }
  }

  // Finds what is asked for, and does it, with what goes wrong on the way.
  async #answer(context) {
    const { record } = context;
    try {
      const found = this.#find(context);
      const fault = this.#faults.take(record.stage, record);
      context.fault = fault;
      if (fault?.when === 'before')
        await context.hold(fault);
      if (context.replaced)
        return context.replaced;
      this.#admit(context, found);
      const answer = await found.route.run(this, context, ...found.parts);
      if (answer.violation)
        this.#complain(record, answer.violation);
      if (answer.json)
        Object.assign(answer, { body: JSON.stringify(answer.json), headers: {
          'content-type': 'application/json; charset=UTF-8' } });
      if (IN_BODY.includes(fault?.when) && !record.isStruck)
        await context.hold(fault);
      return context.replaced ?? answer;
    } catch (error) {
      if (!(error instanceof Refusal))
        throw error;
      if (error.isViolation)
        this.#complain(record, error.message);
      return record.stage === 'download' ? xmlError(error) : jsonError(error);
    }
  }

  #find(context) {
    const { record, request } = context;
    const at = `${request.url}?`.indexOf('?');
    context.path = request.url.slice(0, at);
    context.search = request.url.slice(at + 1);
    context.query = new URLSearchParams(context.search);
    context.uploadId = context.query.get('upload_id');
    let found;
    try {
      decodeURIComponent(context.search);
      found = findRoute(request.method, context.path, context.query);
    } catch {
      throw violation('an address with a wrong %');
    }
    if (!found)
      throw violation('nothing is there', 404, 'notFound');
    record.stage = found.route.stage === 'session' ?
      this.uploads.classify(context) : found.route.stage;
    return found;
  }

  // Whether the client may, and asks for nothing that does not exist.
  #admit(context, { route }) {
    const { fault, query, record, request: { headers } } = context;
    if (route.isPrivate) {
      checkQuery(record.stage, query);
      if (fault?.what === 'revoke') {
        fault.strike(record);
        this.accounts.revoke(headers);
        throw new Refusal(401, 'authError', 'Invalid Credentials');
      }
      if (this.auth)
        this.accounts.check(headers, this.now());
    } else if (route.isSigned && this.auth) {
      if (!/x-goog-signature=/i.test(context.search))
        throw violation('Anonymous caller does not have ' +
            'storage.objects.get access.', 403, 'AccessDenied');
      checkSigned({ method: context.request.method, path: context.path,
        search: context.search, headers }, this.accounts, this.now());
    } else if (this.auth && headers.authorization &&
        context.uploadId !== null) {
      this.accounts.check(headers, this.now());
    }
  }

  async #hold(fault, context, left) {
    const { body: sent, record, request, response } = context;
    if (!['reset', 'stall', 'delay', 'answer'].includes(fault.what))
      return;
    fault.strike(record);
    if (fault.what === 'reset') {
      request.socket.resetAndDestroy();
      throw new Cut();
    }
    sent.flow();
    if (fault.what === 'stall') {
      await Promise.race([fault.released, left]);
    } else if (fault.what === 'delay') {
      await Promise.race([left, fault.released,
        new Promise((resolve) => setTimeout(resolve, fault.ms))]);
    } else {
      const { status = 200, headers = {}, body = '' } = fault;
      context.replaced = { status, headers, body };
    }
    if (response.destroyed)
      throw new Cut();
  }

  async #send({ body: sent, record, request, response },
      { status, headers = {}, body, stream }) {
    record.status = status;
    // What was not read is read, or the client could not read this.
    sent.flow();
    response.writeHead(status, headers);
    if (!stream) {
      response.end(request.method === 'HEAD' ? undefined : body);
      return;
    }
    await pipeline(stream, response).catch(() => {});
  }
}

const USAGE = `Usage: node fakegcs.js [OPTION...]

  --port PORT          0 for one that is free [0]
  --folder DIR         for the bytes [a temporary one]
  --bucket NAME        [bucket]; may be repeated
  --auth               asks for tokens and signatures
  --key-file FILE      with --auth: is written for a client
  --token-life N       seconds [3600]

Prints its address. GET /_fake/requests, /_fake/violations and /_fake/secrets
are lists as the class has them; POST /_fake/faults takes one for inject();
DELETE /_fake/faults ends all; DELETE /_fake/requests forgets them.
`;

async function main() {
  const { values } = parseArgs({ options: {
    'port': { type: 'string', default: '0' },
    'folder': { type: 'string' },
    'bucket': { type: 'string', multiple: true, default: ['bucket'] },
    'auth': { type: 'boolean', default: false },
    'key-file': { type: 'string' },
    'token-life': { type: 'string', default: '3600' },
  } });
  const folder = values.folder ??
    mkdtempSync(path.join(os.tmpdir(), 'fakegcs-'));
  const fake = new FakeGcs({ folder, buckets: values.bucket,
    auth: values.auth, tokenLife: Number(values['token-life']) });
  await fake.up(Number(values.port));
  if (values['key-file'])
    fake.addAccount(values['key-file']);
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, async () => {
      await fake.down();
      if (!values.folder)
        rmSync(folder, { recursive: true, force: true });
      process.exit();
    });
  process.stdout.write(`${fake.url}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    process.stderr.write(`${error.message}\n${USAGE}`);
    process.exitCode = 64;
  });
}
