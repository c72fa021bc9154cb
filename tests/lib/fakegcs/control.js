// SPDX-License-Identifier: LGPL-2.1-or-later

// How tests that are not of node ask the fake, and tell it what goes wrong.

const LISTS = {
  '/_fake/requests': ({ requests }) => requests,
  '/_fake/violations': ({ violations }) => violations,
  '/_fake/secrets': ({ secrets }) => [...secrets],
  '/_fake/made': ({ objects }) => objects.made,
};

async function run(fake, request) {
  const { method, url } = request;
  if (method === 'GET' && LISTS[url])
    return LISTS[url](fake);
  if (method === 'POST' && url === '/_fake/faults') {
    const pieces = [];
    for await (const piece of request)
      pieces.push(piece);
    fake.inject(JSON.parse(Buffer.concat(pieces)));
    return {};
  }
  if (method === 'DELETE' && url === '/_fake/faults') {
    fake.clearFaults();
    return {};
  }
  if (method === 'DELETE' && url === '/_fake/requests') {
    fake.requests.length = 0;
    return {};
  }
  throw new Error(`no such thing: ${method} ${url}`);
}

export async function control(fake, request, response) {
  let status = 200;
  let answer;
  try {
    answer = await run(fake, request);
  } catch (error) {
    [status, answer] = [400, { error: error.message }];
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}
