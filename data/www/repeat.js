// SPDX-License-Identifier: LGPL-2.1-or-later

// Does `task(signal)` now and then every `seconds`, one at a time, while the
// page is visible. Gives a function that stops it and aborts `signal`.
export function repeat(seconds, task) {
  const controller = new AbortController();
  const { signal } = controller;
  let timer = 0;
  let isBusy = false;

  async function run() {
    clearTimeout(timer);
    if (isBusy || document.hidden)
      return;
    isBusy = true;
    await task(signal);
    isBusy = false;
    if (!signal.aborted)
      timer = setTimeout(run, seconds * 1000);
  }

  document.addEventListener('visibilitychange', run, { signal });
  run();
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
