// SPDX-License-Identifier: LGPL-2.1-or-later

// A player's way through a playlist: each reload asks for the part that the
// last one promised, and must bring it.

import assert from 'node:assert/strict';

import { PlaylistFollower } from './playlists.js';
import { pause } from './until.js';

// Where the hint points: { msn, part }.
function promised(playlist) {
  const segment = playlist.segments.at(-1);
  const part = segment.parts.findIndex(({ hint }) => hint);
  assert.ok(part >= 0, 'the hint is the last thing listed');
  return { msn: segment.mediaSequenceNumber, part };
}

const isAfter = (a, b) => a.msn > b.msn || (a.msn === b.msn && a.part > b.part);

// With `patient`, no answer counts as one.
async function ask(url, signal, patient) {
  try {
    const answer = await fetch(url, { signal });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    if (!patient || signal.aborted)
      throw error;
    return { status: 599, text: error.message };
  }
}

// Follows `url` until its end or until `stop()`; `done` settles with the
// follower, or fails with the first broken rule. With `patient`, an origin that
// is away is waited for: what it says when it is back must fit all the same.
// `seen` gets each version.
export function followPlaylist(url, { patient = false, seen } = {}) {
  const follower = new PlaylistFollower();
  const controller = new AbortController();

  async function run() {
    let wanted = null;
    while (!controller.signal.aborted) {
      const query = wanted ?
        `?_HLS_msn=${wanted.msn}&_HLS_part=${wanted.part}` : '';
      const { status, text } =
          await ask(url + query, controller.signal, patient);
      if (patient && status >= 400) {
        wanted = null;
        await pause(100);
        continue;
      }
      assert.equal(status, 200, `${url}${query}: ${text}`);
      const playlist = follower.see(text);
      seen?.(playlist);
      if (playlist.endlist)
        break;
      const next = promised(playlist);
      if (wanted) {
        assert.ok(isAfter(next, wanted),
            `asked for ${wanted.msn}.${wanted.part}, got what comes before ` +
            `${next.msn}.${next.part}`);
      }
      wanted = next;
    }
    return follower;
  }

  const done = run().catch((error) => {
    if (controller.signal.aborted && error.name === 'AbortError')
      return follower;
    throw error;
  });
  done.catch(() => {});
  return { follower, done, stop: () => controller.abort() };
}
