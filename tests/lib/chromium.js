// SPDX-License-Identifier: LGPL-2.1-or-later

import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

// A headless Chromium with a profile of its own, in which nothing was cached.
export async function startChromium(place, options = {}) {
  const context = await chromium.launchPersistentContext(
      place.path(`profile-${Math.random().toString(36).slice(2)}`), {
        executablePath: '/usr/bin/chromium',
        headless: true,
        args: FLAGS,
        viewport: { width: 1280, height: 800 },
        ...options,
      });
  place.defer(() => context.close());
  return context;
}

// One that gives any number of contexts, each with nothing cached.
export async function startBrowser(place) {
  const browser = await chromium.launch(
      { executablePath: '/usr/bin/chromium', headless: true, args: FLAGS });
  place.defer(() => browser.close());
  return browser;
}

// A complaint, and the path of what it is about, which what could not be loaded
// does not tell by itself.
function describe(message) {
  const path = message.location().url.replace(/^\w+:\/\/[^/]*/, '');
  return `${message.text()} ${path}`.trim();
}

// Opens a page and collects what it complains about.
export async function openPage(context, url) {
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(describe(message));
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}

// What a <video> tells about itself.
export function videoFacts(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    const ranges = (list) => Array.from({ length: list.length },
        (_, i) => [list.start(i), list.end(i)]);
    return {
      time: video.currentTime,
      duration: video.duration,
      width: video.videoWidth,
      height: video.videoHeight,
      paused: video.paused,
      ended: video.ended,
      muted: video.muted,
      readyState: video.readyState,
      error: video.error?.message ?? null,
      audioBytes: video.webkitAudioDecodedByteCount,
      videoBytes: video.webkitVideoDecodedByteCount,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      buffered: ranges(video.buffered),
      seekable: ranges(video.seekable),
    };
  });
}
