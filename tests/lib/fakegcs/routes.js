// SPDX-License-Identifier: LGPL-2.1-or-later

// What the fake does at which address: of the JSON API, of the XML API's GET,
// of the token endpoint, of the metadata server and of IAM.

import { parseJson, readJson, readWhole } from './body.js';
import { parseCrc, printCrc, readHashHeader, updateCrc } from './crc32c.js';
import { json, Refusal, violation } from './errors.js';
import { checkPreconditions, describe, streamObject } from './objects.js';

const MAX_SOURCES = 32;
const SELF = 'computeMetadata/v1/instance/service-accounts/';

// Everything that a client may ask for. A misspelt precondition would hold
// always.
const COMMON = ['alt', 'fields', 'prettyPrint', 'projection', 'userProject',
  'ifGenerationMatch', 'ifGenerationNotMatch', 'generation'];

const KNOWN = {
  start: ['uploadType', 'name'],
  upload: ['uploadType', 'name'],
  list: ['prefix', 'delimiter', 'maxResults', 'pageToken'],
  iam: ['permissions'],
};

export function checkQuery(stage, query) {
  const known = [...COMMON, ...KNOWN[stage] ?? []];
  for (const name of query.keys())
    if (!known.includes(name))
      throw violation(`no parameter of ${stage}: ${name}`);
}

// `bytes=a-b`, `bytes=a-`, `bytes=-n`: what of `size`. null for all of it.
function parseRange(text, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text ?? '');
  if (!match || (match[1] === '' && match[2] === ''))
    return null;
  const first = match[1] === '' ? Math.max(0, size - Number(match[2])) :
    Number(match[1]);
  const last = match[1] === '' || match[2] === '' ? size - 1 :
    Math.min(Number(match[2]), size - 1);
  if (first >= size)
    throw new Refusal(416, 'InvalidRange',
        'The requested range cannot be satisfied.');
  return first > last ? null : [first, last];
}

function media({ query, request }, object, extra = {}) {
  const { size, generation } = object;
  const headers = {
    'content-type': object.contentType,
    'cache-control': object.cacheControl ?? 'private, max-age=0',
    'etag': `"${generation}"`,
    'last-modified': new Date(object.timeCreated).toUTCString(),
    'accept-ranges': 'bytes',
    'x-goog-generation': generation,
    'x-goog-metageneration': '1',
    'x-goog-hash': `crc32c=${printCrc(object.crc)}`,
    'x-goog-stored-content-length': `${size}`,
    ...(object.contentDisposition &&
      { 'content-disposition': object.contentDisposition }),
    ...extra,
  };
  for (const name of ['content-type', 'content-disposition', 'cache-control'])
    if (query.has(`response-${name}`))
      headers[name] = query.get(`response-${name}`);
  const range = parseRange(request.headers.range, size);
  const [first, last] = range ?? [0, size - 1];
  if (range)
    headers['content-range'] = `bytes ${first}-${last}/${size}`;
  headers['content-length'] = `${last - first + 1}`;
  return { status: range ? 206 : 200, headers,
    stream: request.method === 'HEAD' ? null :
      streamObject(object, first, last) };
}

// multipart/related: a part of metadata, a part of content.
function splitParts(type, body) {
  const [, quoted, plain] =
      /^multipart\/related;.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type) ??
      [];
  const boundary = `--${quoted ?? plain}`;
  const parts = [];
  for (let at = body.indexOf(boundary); at >= 0;) {
    const begin = at + boundary.length;
    if (body.subarray(begin, begin + 2).toString() === '--')
      break;
    const next = body.indexOf(`\r\n${boundary}`, begin);
    const blank = body.indexOf('\r\n\r\n', begin);
    if (next < 0 || blank < 0 || blank > next)
      break;
    parts.push({ head: body.subarray(begin, blank).toString(),
      body: body.subarray(blank + 4, next) });
    at = next + 2;
  }
  if (parts.length !== 2)
    throw violation('the body is not of two parts', 400, 'badContent');
  return parts;
}

async function upload(fake, context, bucket) {
  const { query, request: { headers }, fault, record, url } = context;
  const kind = query.get('uploadType');
  let bytes = await readWhole(context);
  let attributes = {};
  if (kind === 'multipart') {
    const [first, second] = splitParts(headers['content-type'] ?? '', bytes);
    attributes = parseJson(first.body);
    attributes.contentType ??=
        /^content-type: *([^\r\n]+)/im.exec(second.head)?.[1];
    bytes = second.body;
  } else if (kind === 'media') {
    if (headers['content-type'])
      attributes.contentType = headers['content-type'];
  } else {
    throw violation(`no uploadType: ${kind}`);
  }
  if (fault?.what === 'corrupt' && bytes.length > 0) {
    fault.strike(record);
    bytes = Buffer.from(bytes);
    bytes[0] ^= 1;
  }
  const given = attributes.crc32c ?? readHashHeader(headers);
  if (given !== undefined && parseCrc(given) !== updateCrc(0, bytes))
    throw new Refusal(400, 'invalid', 'Provided CRC32C does not match.');
  const object = fake.objects.makeOfBytes(bucket,
      query.get('name') ?? attributes.name, attributes, query, bytes);
  return json(200, describe(object, url));
}

async function compose(fake, context, bucket, name) {
  const { fault, query, record, url } = context;
  const { kind, sourceObjects, destination = {}, ...more } =
    await readJson(context);
  if (Object.keys(more).length > 0)
    throw violation(`no part of a compose request: ${Object.keys(more)}`);
  if (!Array.isArray(sourceObjects) || sourceObjects.length < 1 ||
      sourceObjects.length > MAX_SOURCES)
    throw violation(`1 to ${MAX_SOURCES} source objects can be composed`);
  // The generation of the query is that of the destination.
  const sources = sourceObjects.map((source) => fake.objects.get(bucket,
      source.name, new URLSearchParams({
        ...(source.generation && { generation: source.generation }),
        ...(source.objectPreconditions?.ifGenerationMatch &&
          source.objectPreconditions),
      })));
  const object =
      fake.objects.compose(bucket, name, destination, query, sources);
  const told = describe(object, url);
  if (fault?.what === 'wrong-crc') {
    fault.strike(record);
    told.crc32c = printCrc(~object.crc >>> 0);
  }
  return json(200, told);
}

function list(fake, { query, url }, bucket) {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const size = Math.min(Number(query.get('maxResults') ?? 1000), fake.pageSize);
  const token = query.get('pageToken');
  const after = token && Buffer.from(token, 'base64url').toString();
  const items = [];
  const prefixes = new Set();
  let next;
  for (const object of fake.objects.list(bucket, prefix)) {
    const end = delimiter ?
      object.name.indexOf(delimiter, prefix.length) : -1;
    const key = end < 0 ? object.name :
      object.name.slice(0, end + delimiter.length);
    if ((after && key <= after) || prefixes.has(key))
      continue;
    if (items.length + prefixes.size >= size) {
      next = items.length + prefixes.size;
      break;
    }
    if (end < 0)
      items.push(object);
    else
      prefixes.add(key);
  }
  const last = [...items.map(({ name }) => name), ...prefixes].sort().at(-1);
  return json(200, {
    kind: 'storage#objects',
    ...(items.length > 0 &&
      { items: items.map((object) => describe(object, url)) }),
    ...(prefixes.size > 0 && { prefixes: [...prefixes] }),
    ...(next && { nextPageToken: Buffer.from(last).toString('base64url') }),
  });
}

function iam(fake, { query }, bucket) {
  fake.objects.bucket(bucket);
  const held = query.getAll('permissions')
      .filter((name) => fake.permissions.has(name));
  return json(200, { kind: 'storage#testIamPermissionsResponse',
    ...(held.length > 0 && { permissions: held }) });
}

async function token(fake, context) {
  const { headers } = context.request;
  const body = (await readWhole(context)).toString();
  if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type']))
    throw violation('no form');
  try {
    return json(200, fake.accounts.exchange(new URLSearchParams(body),
        `${context.url}/token`, fake.now()));
  } catch (error) {
    if (!error.oauth)
      throw error;
    return Object.assign(json(error.status, error.oauth),
        { violation: error.message });
  }
}

// The metadata server, to programs on a machine of Google's.
function metadata(fake, { request: { headers }, query }, path) {
  const flavour = { 'metadata-flavor': 'Google', 'server': 'Metadata Server' };
  if (headers['metadata-flavor'] !== 'Google' || headers['x-forwarded-for'])
    throw violation('no Metadata-Flavor: Google', 403, 'forbidden');
  const text = (body) => ({ status: 200, body,
    headers: { 'content-type': 'application/text', ...flavour } });
  switch (path) {
    case `${SELF}default/token`:
    case `${SELF}${fake.machine}/token`:
      return json(200, fake.accounts.grant(fake.now()), flavour);
    case `${SELF}default/email`:
      return text(fake.machine);
    case `${SELF}default/`:
      if (query.get('recursive') === 'true')
        return json(200, { aliases: ['default'], email: fake.machine,
          scopes: ['https://www.googleapis.com/auth/cloud-platform'] },
        flavour);
      return text('aliases\nemail\nidentity\nscopes\ntoken\n');
    case 'computeMetadata/v1/project/project-id':
      return text('wishcast-tests');
    default:
      throw new Refusal(404, 'notFound', 'not found');
  }
}

const name = '([^/]+)';
// [stage, method, pattern of the path without the first slash, what it does,
// what it needs]. The stage of a request to an upload's session is found later.
export const ROUTES = [
  ['token', 'POST', 'token', token, {}],
  ['metadata', 'GET', '(computeMetadata/.*)', metadata, {}],
  ['sign', 'POST', `v1/projects/-/serviceAccounts/${name}:signBlob`,
    async (fake, context, email) => json(200, fake.accounts.signBlob(email,
        (await readJson(context)).payload)), { isPrivate: true }],
  ['session', 'PUT', `upload/storage/v1/b/${name}/o`,
    (fake, context, bucket) => fake.uploads.put(context, bucket), {}],
  ['cancel', 'DELETE', `upload/storage/v1/b/${name}/o`,
    (fake, context, bucket) => fake.uploads.cancel(context, bucket), {}],
  ['start', 'POST', `upload/storage/v1/b/${name}/o`,
    (fake, context, bucket) => fake.uploads.start(context, bucket),
    { isPrivate: true, uploadType: 'resumable' }],
  ['upload', 'POST', `upload/storage/v1/b/${name}/o`, upload,
    { isPrivate: true }],
  ['compose', 'POST', `storage/v1/b/${name}/o/${name}/compose`, compose,
    { isPrivate: true }],
  ['media', 'GET', `(?:download/)?storage/v1/b/${name}/o/${name}`,
    (fake, context, bucket, object) => media(context,
        fake.objects.get(bucket, object, context.query)),
    { isPrivate: true, alt: 'media' }],
  ['stat', 'GET', `storage/v1/b/${name}/o/${name}`,
    (fake, { query, url }, bucket, object) => json(200,
        describe(fake.objects.get(bucket, object, query), url)),
    { isPrivate: true }],
  ['delete', 'DELETE', `storage/v1/b/${name}/o/${name}`,
    (fake, { query }, bucket, object) => {
      fake.objects.delete(bucket, object, query);
      return { status: 204 };
    }, { isPrivate: true }],
  ['list', 'GET', `storage/v1/b/${name}/o`, list, { isPrivate: true }],
  ['iam', 'GET', `storage/v1/b/${name}/iam/testPermissions`, iam,
    { isPrivate: true }],
  ['bucket', 'GET', `storage/v1/b/${name}`, (fake, _, bucket) => {
    fake.objects.bucket(bucket);
    return json(200, { kind: 'storage#bucket', id: bucket, name: bucket,
      location: 'EU', storageClass: 'STANDARD' });
  }, { isPrivate: true }],
  ['download', 'GET|HEAD', `(?!(?:download|storage|upload|v1)/)${name}/(.+)`,
    (fake, context, bucket, object) => {
      const found = fake.objects.get(bucket, object);
      checkPreconditions(context.query, found);
      return media(context, found);
    }, { isSigned: true }],
].map(([stage, methods, path, run, needs]) => ({ stage, run, ...needs,
  methods: methods.split('|'), pattern: new RegExp(`^/${path}$`) }));

// { route, parts } of a request, or null.
export function findRoute(method, path, query) {
  for (const route of ROUTES) {
    const match = route.pattern.exec(path);
    if (match && route.methods.includes(method) &&
        (!route.alt || query.get('alt') === route.alt) &&
        (!route.uploadType || query.get('uploadType') === route.uploadType))
      return { route, parts: match.slice(1).map(decodeURIComponent) };
  }
  return null;
}
