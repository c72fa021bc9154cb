// SPDX-License-Identifier: LGPL-2.1-or-later

// tests/lib/pages.js finds what is wrong with a page, and nothing with one that
// is right.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { startBrowser } from '../lib/chromium.js';
import { serveFiles } from '../lib/files.js';
import { DESKTOP, PHONE, visit } from '../lib/pages.js';
import { Place } from '../lib/place.js';

const place = new Place();
let browser;
let files;

const page = (body) => `<!doctype html>
  <html lang="en"><head>
    <title>Page</title><link rel="icon" href="data:,">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
      button, .button { display: block; min-height: 44px; min-width: 44px }
      .reader { position: absolute; width: 1px; height: 1px; overflow: hidden }
      .shelf { display: flex; overflow-x: auto }
      .shelf p { flex: none; width: 300px }
    </style>
  </head><body><main><h1>Page</h1>${body}</main></body></html>`;

const GOOD = `<p>A text with <a href="/x">a link</a> in it.</p>
  <span class="reader">For who listens</span>
  <div class="shelf" tabindex="0"><p>1</p><p>2</p><p>3</p><p>4</p><p>5</p></div>
  <label class="button">Name <input style="min-height: 44px"></label>
  <input type="radio" name="r" aria-label="a" style="width: 44px; height: 44px">
  <input type="radio" name="r" aria-label="b" style="width: 44px; height: 44px">
  <button>Press</button>`;

const checks = {
  quiet: (view) => view.assertQuiet(),
  accessible: (view) => view.assertAccessible(),
  contrast: (view) => view.assertContrast(),
  fits: (view) => view.assertFits(),
  rtl: (view) => view.assertRtl(),
  keyboard: (view) => view.assertKeyboard(),
};

async function open(name, body, size = PHONE) {
  writeFileSync(place.path(`${name}.html`), page(body));
  return visit(browser, `${files.url}/${name}.html`, { size });
}

before(async () => {
  files = await serveFiles(place, place.dir);
  browser = await startBrowser(place);
});

after(() => place.leave());

for (const size of [PHONE, DESKTOP]) {
  test(`a good page, ${size.name}`, async () => {
    const view = await open('good', GOOD, size);
    for (const check of Object.values(checks))
      await check(view);
    await view.close();
  });
}

const BAD = [
  ['an error', 'quiet', '<script>console.error("Oh")</script>', /Oh/],
  ['an exception', 'quiet', '<script>throw Error("Ah")</script>', /Ah/],
  ['what is not there', 'quiet', '<img src="/none.png" alt="">',
    /404 .*\/none\.png/],
  ['a picture from elsewhere', 'quiet',
    '<img alt=""><script>document.querySelector("img").src = ' +
    '`http://localhost:${location.port}/bad.html`</script>',
    /it asks for http:\/\/localhost/],
  ['a button without a name', 'accessible', '<button></button>',
    /button-name.*<button>/],
  ['grey on grey', 'accessible',
    '<p style="color: #999; background: #bbb">Text</p>', /color-contrast/],
  ['dark on dark', 'contrast',
    `<style>@media (prefers-color-scheme: dark) { body { background: #111 } }
      </style><p>Text</p>`, /color-contrast/],
  ['too wide', 'fits', '<p style="width: 500px">Text</p>',
    /scrolls sideways.*\n.*<p> "Text"/],
  ['a long word in a button', 'fits',
    `<button style="width: 60px">${'long'.repeat(9)}</button>`, /narrower/],
  ['small for a finger', 'fits',
    '<button style="min-height: 20px">OK</button>', /too small/],
  ['moved from left to right', 'rtl',
    '<p style="width: 200px; transform: translateX(20px)">Text</p>',
    /<p> "Text" is from/],
  ['a focus that is not seen', 'keyboard',
    '<button style="outline: none">OK</button>', /not seen on <button/],
  ['a trap', 'keyboard', `<button>1</button><button>2</button>
    <script>document.querySelector('button').onblur = (event) =>
      event.target.focus();</script>`, /does not reach <button>2/],
];

for (const [name, check, body, expected] of BAD) {
  test(`not good: ${name}`, async () => {
    const view = await open('bad', body);
    await assert.rejects(async () => checks[check](view), expected);
    await view.close();
  });
}
