// SPDX-License-Identifier: LGPL-2.1-or-later

// tests/bench/first-picture.js ROUNDS URL...
//
// Opens each page in turn, ROUNDS times, as somebody who has nothing cached.
// Prints, as JSON, a list of seconds for each: from the start of the navigation
// until the first frame of its <video> went to the screen.

import { startBrowser } from '../lib/chromium.js';
import { Place } from '../lib/place.js';

const [rounds, ...urls] = process.argv.slice(2);
const PATIENCE = 30000;

// Runs in the page before anything of its own does.
function awaitPicture() {
  new MutationObserver((_, observer) => {
    const video = document.querySelector('video');
    if (!video)
      return;
    observer.disconnect();
    video.requestVideoFrameCallback((now, { presentationTime }) => {
      window.firstPicture = presentationTime / 1000;
    });
  }).observe(document, { childList: true, subtree: true });
}

async function open(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(awaitPicture);
  await page.goto(url, { waitUntil: 'commit' });
  const picture = await page.waitForFunction(() => window.firstPicture, null,
      { polling: 50, timeout: PATIENCE });
  const seconds = await picture.jsonValue();
  await context.close();
  return seconds;
}

const place = new Place();
try {
  const browser = await startBrowser(place);
  const times = urls.map(() => []);
  for (let i = 0; i < Number(rounds); i += 1)
    for (const [n, url] of urls.entries())
      times[n].push(await open(browser, url));
  console.log(JSON.stringify(times));
} finally {
  await place.leave();
}
