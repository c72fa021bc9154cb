// SPDX-License-Identifier: LGPL-2.1-or-later

// tests/bench/open-recording.js URL
//
// Opens a recording in a <video> of Chromium, and seeks to its middle. Prints, as
// JSON, how many requests and seconds each took until there was a picture; a
// redirect and what it leads to are two requests.

import { startBrowser } from '../lib/chromium.js';
import { Place } from '../lib/place.js';

const [url] = process.argv.slice(2);
const PATIENCE = 60000;

function open(address) {
  const video = document.createElement('video');
  video.muted = true;
  video.src = address;
  document.body.append(video);
  return new Promise((resolve, reject) => {
    video.addEventListener('error', () => reject(video.error.message));
    video.addEventListener('loadeddata', () => resolve(video.duration));
  });
}

function seek() {
  const video = document.querySelector('video');
  video.currentTime = video.duration / 2;
  return new Promise((resolve, reject) => {
    video.addEventListener('error', () => reject(video.error.message));
    video.addEventListener('seeked', () => resolve());
  });
}

const place = new Place();
try {
  const browser = await startBrowser(place);
  const page = await browser.newPage();
  // A page of the same node, whose policy lets media come from the cloud.
  await page.goto(new URL('/404', url).href);
  page.setDefaultTimeout(PATIENCE);
  let requests = 0;
  page.on('request', () => { requests += 1; });
  const measure = async (func, argument) => {
    requests = 0;
    const begun = performance.now();
    const value = await page.evaluate(func, argument);
    return { value, requests, seconds: (performance.now() - begun) / 1000 };
  };
  const opened = await measure(open, url);
  const sought = await measure(seek);
  console.log(JSON.stringify({
    duration: opened.value,
    requests: opened.requests, seconds: opened.seconds,
    seekRequests: sought.requests, seekSeconds: sought.seconds,
  }));
} finally {
  await place.leave();
}
