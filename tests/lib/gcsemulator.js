// SPDX-License-Identifier: LGPL-2.1-or-later

// Google Cloud Storage as somebody else has understood it: fake-gcs-server, as
// tests/gcs/go.mod pins it and `bootstrap test` builds it.

import { freePort, ROOT } from './place.js';
import { until } from './until.js';

// With one bucket, named `bucket`.
export async function startEmulator(place) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const launched = place.launch(`${ROOT}tests/gcs/bin/fake-gcs-server`, [
    '-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`,
    '-external-url', url, '-public-host', `127.0.0.1:${port}`,
    '-backend', 'memory']);
  await until('the emulator has a bucket', async () => {
    if (!launched.isAlive)
      throw new Error(launched.output);
    return (await fetch(`${url}/storage/v1/b`, { method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"bucket"}' })).ok;
  });
  const path = (name) => `${url}/storage/v1/b/bucket/o/` +
      encodeURIComponent(name);
  const emulator = {
    url,
    process: launched,
    async stat(name) {
      const answer = await fetch(path(name));
      return answer.ok ? answer.json() : null;
    },
    async read(name) {
      const answer = await fetch(`${path(name)}?alt=media`);
      return Buffer.from(await answer.arrayBuffer());
    },
    async names() {
      const { items = [] } =
          await (await fetch(`${url}/storage/v1/b/bucket/o`)).json();
      return items.map(({ name }) => name);
    },
  };
  return emulator;
}
