// SPDX-License-Identifier: LGPL-2.1-or-later

// What can be had of a broadcast that is over, as the API tells it: `recording`
// of openapi.json. What it told may be old; the clock says more.

import { serverNow } from './api.js';

export const isExpired = ({ state, recording, recordingExpires }) =>
  state === 'ended' && (recording.state === 'expired' ||
      (recordingExpires !== null &&
       Date.parse(recordingExpires) <= serverNow()));

// Whether it can be downloaded.
export const isReady = (broadcast) => broadcast.state === 'ended' &&
    broadcast.recording.state === 'ready' && !isExpired(broadcast);

// Whether it will be.
export const isComing = (broadcast) => broadcast.state === 'ended' &&
    broadcast.recording.state === 'uploading' && !isExpired(broadcast);

// While some of it is not in the archive, it is watched where it was.
export const canBeWatched = (broadcast) =>
  isReady(broadcast) || isComing(broadcast);

// The addresses of its parts for a player, in their order.
export const filesOf = ({ recording }) =>
  recording.parts.map(({ download }) =>
    `${download}${download.includes('?') ? '&' : '?'}inline=true`);
