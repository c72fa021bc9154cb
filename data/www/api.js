// SPDX-License-Identifier: LGPL-2.1-or-later

// The API, as the pages ask it. Errors are all of one kind.

const DEADLINE = 10000;
const CLOCK_TOLERANCE = 1500;
const RETRY_FIRST = 1000;
const RETRY_LONGEST = 30000;
const EVENTS = [
  'broadcast.starting', 'broadcast.live', 'broadcast.interrupted',
  'broadcast.ended', 'broadcast.updated', 'broadcast.hidden',
  'catalogue.reset',
];

// `status` is 0 where no answer came; `detail` is what the API says, in
// English; `retryAfter` is in seconds, or null.
export class ApiError extends Error {
  constructor(status, detail, retryAfter = null) {
    super(`${status}: ${detail}`);
    this.name = 'ApiError';
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

// By how much the clock of the server is ahead of ours, in ms. Its answers tell
// its time in whole seconds: less than that is no difference.
let ahead = 0;

function compareClocks(date) {
  const difference = Date.parse(date) + 500 - Date.now();
  if (!Number.isNaN(difference))
    ahead = Math.abs(difference) > CLOCK_TOLERANCE ? difference : 0;
}

// What time it is for the server, in ms since 1970.
export const serverNow = () => Date.now() + ahead;

async function ask(path, { token, signal, ...options }) {
  const deadline = AbortSignal.timeout(DEADLINE);
  let answer;
  let body;
  try {
    answer = await fetch(path, {
      ...options,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    if (options.cache === 'no-store')
      compareClocks(answer.headers.get('Date'));
    body = await answer.json();
  } catch (error) {
    // Whoever gave it up knows why.
    signal?.throwIfAborted();
    throw new ApiError(answer?.ok === false ? answer.status : 0, error.message);
  }
  if (!answer.ok) {
    throw new ApiError(answer.status, body.detail ?? answer.statusText,
        Number(answer.headers.get('Retry-After')) || null);
  }
  return body;
}

// `fresh`: not from the browser's cache.
export const getJson = (path, { token, signal, fresh = false } = {}) =>
  ask(path, { token, signal, cache: fresh ? 'no-store' : 'default' });

// `query`: name -> value.
export const postJson = (path, { token, signal, query = {} } = {}) => {
  const parameters = new URLSearchParams(query);
  return ask(parameters.size ? `${path}?${parameters}` : path,
      { token, signal, method: 'POST' });
};

// Follows the changes after `lastEventId`: onEvent(name, data), and
// onConnection(isUp) when that changes. Where changes were missed,
// 'catalogue.reset' is the next event: read again what you show.
//
// A page that nobody looks at lets go: browsers allow six connections to a
// server, and tabs share them.
export function followEvents({ game, lastEventId, onEvent, onConnection }) {
  let source = null;
  let id = lastEventId;
  let isUp = null;
  let wasUp = false;
  let retry = RETRY_FIRST;
  let timer = 0;

  function tell(now) {
    if (now !== isUp)
      onConnection?.(now);
    isUp = now;
  }

  function connect() {
    const query = new URLSearchParams();
    if (game)
      query.set('game', game);
    if (id)
      query.set('lastEventId', id);
    source = new EventSource(`/api/v1/events?${query}`);
    source.onopen = () => {
      retry = RETRY_FIRST;
      tell(true);
      if (wasUp && !id)
        onEvent('catalogue.reset', {});
      wasUp = true;
    };
    source.onerror = () => {
      tell(false);
      // After an answer such as 502 the browser does not come back by itself.
      if (source.readyState === EventSource.CLOSED)
        connectLater();
    };
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        id = event.lastEventId;
        onEvent(name, JSON.parse(event.data));
      });
    }
  }

  function connectLater() {
    clearTimeout(timer);
    timer = setTimeout(connect, retry * (0.75 + Math.random() / 2));
    retry = Math.min(retry * 2, RETRY_LONGEST);
  }

  function disconnect() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function onVisibility() {
    disconnect();
    if (!document.hidden)
      connect();
  }

  document.addEventListener('visibilitychange', onVisibility);
  onVisibility();
  return {
    stop() {
      document.removeEventListener('visibilitychange', onVisibility);
      disconnect();
    },
  };
}
