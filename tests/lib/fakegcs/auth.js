// SPDX-License-Identifier: LGPL-2.1-or-later

// Who may: service accounts, their tokens, and signed addresses (V4).

import { createHash, createPublicKey, createVerify, generateKeyPairSync,
  randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

import { Refusal, violation } from './errors.js';

const MAX_ASSERTION = 3600; // seconds
const MAX_SKEW = 300; // seconds that a clock may be ahead
const MAX_EXPIRES = 604800; // seconds
const SCOPES = ['cloud-platform', 'devstorage.read_write',
  'devstorage.full_control']
    .map((name) => `https://www.googleapis.com/auth/${name}`);
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const verifies = (key, text, signature) => createVerify('RSA-SHA256')
    .update(text).verify(key, signature);

export class Accounts {
  // Seconds that a token is good for.
  tokenLife;

  #accounts = new Map();
  #tokens = new Map(); // -> ms since 1970 until which it is good
  #secrets;

  constructor(secrets, { tokenLife = 3600 } = {}) {
    this.#secrets = secrets;
    this.tokenLife = tokenLife;
  }

  // A key pair. `write` makes the file of it that Google hands out.
  add(email) {
    const { privateKey } =
        generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const id = randomBytes(20).toString('hex');
    for (const line of pem.split('\n').filter((text) => !/^-|^$/.test(text)))
      this.#secrets.add(line);
    this.#accounts.set(email,
        { id, privateKey, publicKey: createPublicKey(privateKey) });
    return { email, pem, id };
  }

  static write(file, { email, pem, id }, tokenUri) {
    writeFileSync(file, JSON.stringify({
      type: 'service_account',
      project_id: 'wishcast-tests',
      private_key_id: id,
      private_key: pem,
      client_email: email,
      client_id: '100000000000000000001',
      token_uri: tokenUri,
      universe_domain: 'googleapis.com',
    }, null, 2), { mode: 0o600 });
  }

  publicKey(email) {
    return this.#accounts.get(email)?.publicKey;
  }

  grant(now) {
    const token = `ya29.${randomBytes(40).toString('base64url')}`;
    this.#secrets.add(token);
    this.#tokens.set(token, now + this.tokenLife * 1000);
    return { access_token: token, expires_in: this.tokenLife,
      token_type: 'Bearer' };
  }

  // Throws what the API says to who brings none, or one that is over.
  check(headers, now) {
    const [, token] =
        /^Bearer ([\w.~+/-]+)$/.exec(headers.authorization ?? '') ?? [];
    if (token === undefined)
      throw violation('Anonymous caller: no Authorization: Bearer', 401,
          'required');
    if (!(this.#tokens.get(token) > now))
      throw new Refusal(401, 'authError', 'Invalid Credentials');
    return token;
  }

  revoke(headers) {
    this.#tokens.delete((headers.authorization ?? '').slice('Bearer '.length));
  }

  // RFC 7523. The form of a request for a token, and what is answered.
  exchange(form, audience, now) {
    const fail = (description) => {
      throw Object.assign(violation(description),
          { oauth: { error: 'invalid_grant',
            error_description: description } });
    };
    if (form.get('grant_type') !== GRANT)
      fail('no such grant_type');
    const parts = (form.get('assertion') ?? '').split('.');
    if (parts.length !== 3 ||
        !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part)))
      fail('no JWT');
    let header, claims;
    try {
      [header, claims] = parts.slice(0, 2).map((part) =>
        JSON.parse(Buffer.from(part, 'base64url').toString()));
    } catch {
      fail('no JSON in the JWT');
    }
    const account = this.#accounts.get(claims.iss);
    const seconds = now / 1000;
    if (header.alg !== 'RS256' || (header.typ ?? 'JWT') !== 'JWT')
      fail(`alg ${header.alg}, typ ${header.typ}`);
    if (!account || (header.kid !== undefined && header.kid !== account.id))
      fail('Invalid grant: account not found');
    if (!verifies(account.publicKey, `${parts[0]}.${parts[1]}`,
        Buffer.from(parts[2], 'base64url')))
      fail('Invalid JWT Signature.');
    if (claims.aud !== audience)
      fail(`Invalid JWT: aud is ${claims.aud}`);
    if (!Number.isInteger(claims.iat) || !Number.isInteger(claims.exp) ||
        claims.exp <= claims.iat || claims.exp - claims.iat > MAX_ASSERTION ||
        claims.iat > seconds + MAX_SKEW || claims.exp < seconds)
      fail('Invalid JWT: Token must be a short-lived token (60 minutes)');
    if (!(claims.scope ?? '').split(' ').some((one) => SCOPES.includes(one)))
      fail(`Invalid OAuth scope: ${claims.scope}`);
    return this.grant(now);
  }

  // As the service of IAM: what the account of a machine cannot do itself.
  signBlob(email, payload) {
    const account = this.#accounts.get(email);
    if (!account)
      throw new Refusal(404, 'notFound', `Unknown service account: ${email}`);
    if (typeof payload !== 'string' ||
        !/^[A-Za-z0-9+/]+={0,2}$/.test(payload))
      throw violation('the payload is no base64');
    const signature = sign('RSA-SHA256', Buffer.from(payload, 'base64'),
        account.privateKey);
    return { keyId: account.id, signedBlob: signature.toString('base64') };
  }
}

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function decodeQuery(text) {
  return text.split('&').filter(Boolean).map((pair) => {
    const at = pair.indexOf('=');
    const [name, value] = at < 0 ? [pair, ''] :
      [pair.slice(0, at), pair.slice(at + 1)];
    return [decodeURIComponent(name), decodeURIComponent(value)];
  });
}

const refuse = (status, reason, message, detail) => {
  throw Object.assign(violation(message, status, reason), { detail });
};

function readSigned(pairs) {
  const values = Object.fromEntries(pairs
      .map(([name, value]) => [name.toLowerCase(), value]));
  const read = (name, pattern) => {
    const match = pattern.exec(values[`x-goog-${name}`] ?? '');
    return match ?? refuse(400, 'InvalidQueryParameterValue',
        `x-goog-${name} is wrong: ${values[`x-goog-${name}`]}`);
  };
  read('algorithm', /^GOOG4-RSA-SHA256$/);
  const [, email, day] = read('credential',
      /^(.+)\/(\d{8})\/[a-z0-9-]+\/storage\/goog4_request$/);
  const [date, ...fields] =
      read('date', /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/);
  const [seconds] = read('expires', /^\d{1,7}$/);
  const [names] = read('signedheaders', /^[a-z0-9-]+(;[a-z0-9-]+)*$/);
  const [signature] = read('signature', /^([0-9a-f]{2})+$/);
  const [year, month, ...rest] = fields.map(Number);
  if (!date.startsWith(day))
    refuse(400, 'InvalidArgument', `of ${day} and of ${date}`);
  if (Number(seconds) < 1 || Number(seconds) > MAX_EXPIRES)
    refuse(400, 'InvalidArgument', `valid for ${seconds} s`);
  return { email, date, signature: Buffer.from(signature, 'hex'),
    scope: values['x-goog-credential'].slice(email.length + 1),
    names: names.split(';'), time: Date.UTC(year, month - 1, ...rest),
    seconds: Number(seconds) };
}

// Throws unless the request was signed by somebody whose key is known. `path`
// and `search` as they were sent, without the `?`.
export function checkSigned({ method, path, search, headers }, accounts, now) {
  const pairs = decodeQuery(search);
  const signed = readSigned(pairs);
  const { date, names, scope } = signed;
  if (!names.includes('host'))
    refuse(400, 'InvalidArgument', 'host is not signed');
  if (names.join() !== [...names].sort().join())
    refuse(400, 'InvalidArgument', 'signed headers are not in order');
  const query = pairs
      .filter(([name]) => name.toLowerCase() !== 'x-goog-signature')
      .map((pair) => pair.map(encode))
      .sort(([a, x], [b, y]) => (a === b ? x > y : a > b) ? 1 : -1)
      .map((pair) => pair.join('=')).join('&');
  const lines = names.map((name) =>
    `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`).join('');
  const canonical = [method, path, query, lines, names.join(';'),
    headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD'].join('\n');
  const text = ['GOOG4-RSA-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = accounts.publicKey(signed.email);
  if (!key || !verifies(key, text, signed.signature))
    refuse(403, 'SignatureDoesNotMatch', 'Access denied.',
        { StringToSign: text, CanonicalRequest: canonical });
  if (signed.time > now + MAX_SKEW * 1000)
    refuse(403, 'AccessDenied', 'The request is of the future.');
  // Who has kept an address too long does nothing wrong.
  if (now >= signed.time + signed.seconds * 1000)
    throw new Refusal(400, 'ExpiredToken',
        'The provided token has expired.');
}
