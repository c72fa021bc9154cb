// SPDX-License-Identifier: LGPL-2.1-or-later

// Whether what an API answers is what its OpenAPI document says.

import assert from 'node:assert/strict';
import http from 'node:http';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const pointer = (...parts) => parts.map((part) =>
  '/' + encodeURIComponent(String(part).replaceAll('~', '~0')
      .replaceAll('/', '~1'))).join('');

export class OpenApi {
  #ajv = new Ajv({ strict: false, allErrors: true });
  #seen = new Set();

  constructor(document) {
    this.document = document;
    addFormats(this.#ajv);
    this.#ajv.addSchema(document, 'openapi', undefined, false);
  }

  // Follows a reference, and gives the value and where it is.
  resolve(value, at) {
    if (!value?.$ref)
      return { value, at };
    const parts = value.$ref.slice(2).split('/');
    return {
      value: parts.reduce((inner, part) => inner[part], this.document),
      at: pointer(...parts),
    };
  }

  check(at, value, what) {
    const validate = this.#ajv.compile({ $ref: `openapi#${at}` });
    assert.ok(validate(value), `${what}: ${JSON.stringify(value)}\n` +
        this.#ajv.errorsText(validate.errors));
  }

  checkSchema(name, value, what) {
    this.check(pointer('components', 'schemas', name), value, what);
  }

  // Of all operations: [path, method, status, response, where it is].
  *responses() {
    for (const [path, methods] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        for (const [status, response] of Object.entries(operation.responses)) {
          const { value, at } = this.resolve(response,
              pointer('paths', path, method, 'responses', status));
          yield { path, method, status: Number(status), response: value, at };
        }
      }
    }
  }

  // Those that no answer was checked against.
  unseen() {
    return [...this.responses()]
        .map(({ path, method, status }) => `${method} ${path} ${status}`)
        .filter((name) => !this.#seen.has(name));
  }

  find(method, url) {
    const parts = url.split('?')[0].split('/');
    const path = Object.keys(this.document.paths).find((template) => {
      const names = template.split('/');
      return names.length === parts.length && names.every((name, i) =>
        name.startsWith('{') || name === parts[i]);
    });
    assert.ok(path, `${url} is not in the document`);
    const methods = this.document.paths[path];
    // HEAD is told of as GET; what a path has not got, by what it has.
    const name = method.toLowerCase() in methods ? method.toLowerCase() :
      Object.keys(methods)[0];
    return { path, method: name };
  }

  checkAnswer(method, url, answer) {
    const operation = this.find(method, url);
    const what = `${method} ${url}: ${answer.status}`;
    const found = [...this.responses()].find(({ path, method: name, status }) =>
      path === operation.path && name === operation.method &&
      status === answer.status);
    assert.ok(found, `${what} is not in the document`);
    this.#seen.add(`${found.method} ${found.path} ${found.status}`);
    this.#checkHeaders(found, answer, what);
    this.#checkBody(found, answer, what, method === 'HEAD');
  }

  #checkHeaders({ response, at }, { headers }, what) {
    for (const [name, header] of Object.entries(response.headers)) {
      const { value, at: where } =
          this.resolve(header, at + pointer('headers', name));
      const text = headers[name.toLowerCase()];
      assert.ok(text !== undefined, `${what}: there is no header ${name}`);
      this.check(where + pointer('schema'),
          value.schema.type === 'integer' ? Number(text) : text,
          `${what}, ${name}`);
    }
  }

  #checkBody({ response, at }, { headers, text }, what, isHead) {
    const type = headers['content-type']?.split(';')[0];
    if (!response.content) {
      assert.equal(type, undefined, what);
      assert.equal(text, '', what);
      return;
    }
    assert.ok(type in response.content, `${what} has the type ${type}`);
    if (isHead)
      assert.equal(text, '', what);
    else
      this.check(at + pointer('content', type, 'schema'),
          type.endsWith('json') ? JSON.parse(text) : text, what);
  }
}

// One request. An answer without an end is over once it is `enough`.
export function request(port, method, path,
    { headers = {}, body, enough } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(
        { port, method, path, headers, agent: false }, (response) => {
          let text = '';
          const done = () => resolve(
              { status: response.statusCode, headers: response.headers, text });
          response.setEncoding('utf8');
          response.on('data', (data) => {
            text += data;
            if (enough?.(text)) {
              done();
              sent.destroy();
            }
          });
          response.on('end', done);
          response.on('error', reject);
        });
    sent.on('error', reject);
    sent.end(body);
  });
}
