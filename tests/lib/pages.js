// SPDX-License-Identifier: LGPL-2.1-or-later

// A page as one person meets it, at a size, in a scheme of colours, in a
// language, with nothing cached; and what must hold of every page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { openPage } from './chromium.js';
import { findFocus, listStops, measureLayout } from './layout.js';
import { ROOT } from './place.js';

export const PHONE = {
  name: 'phone', viewport: { width: 390, height: 844 }, hasTouch: true,
  isMobile: true,
};
export const DESKTOP = {
  name: 'desktop', viewport: { width: 1440, height: 900 },
};
export const WIDE = { name: 'wide', viewport: { width: 1920, height: 1080 } };

// Where pictures go, if anywhere.
const SCREENSHOTS = process.env.WISHCAST_SCREENSHOTS;
const AXE = readFileSync(`${ROOT}node_modules/axe-core/axe.min.js`, 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

function assertNone(what, wrong) {
  if (wrong.length > 0)
    assert.fail(`${what}:\n  ${wrong.join('\n  ')}`);
}

class Visit {
  #context;
  #language;
  #name;
  #origins;
  #requests;
  #scheme;
  #size;

  constructor(opened, context, requests,
      { language, name, origins, scheme, size }) {
    this.page = opened.page;
    this.complaints = opened.complaints;
    this.#context = context;
    this.#requests = requests;
    this.#language = language;
    this.#name = name;
    this.#origins = origins;
    this.#scheme = scheme;
    this.#size = size;
  }

  async setScheme(scheme) {
    await this.page.emulateMedia({ colorScheme: scheme });
    this.#scheme = scheme;
  }

  // Of the same kind: a desktop does not become a phone.
  async setSize(size) {
    await this.page.setViewportSize(size.viewport);
    this.#size = size;
  }

  close() {
    return this.#context.close();
  }

  // Nothing was complained about, but for what matches one of `expected`; and
  // nothing was asked for elsewhere.
  assertQuiet(...expected) {
    const complaints = this.complaints.filter((text) =>
      !expected.some((pattern) => pattern.test(text)));
    const away = this.#requests.filter((url) => !/^(blob|data):/.test(url) &&
        !this.#origins.includes(new URL(url).origin));
    assertNone('not quiet',
        [...complaints, ...away.map((url) => `it asks for ${url}`)]);
  }

  // Nothing serious or critical, in any frame. Asked from outside of the page,
  // so its Content-Security-Policy is as it is for everybody.
  assertAccessible() {
    return this.#runAxe({ type: 'tag', values: AXE_TAGS });
  }

  // What of that is otherwise in another scheme of colours.
  assertContrast() {
    return this.#runAxe({ type: 'rule', values: ['color-contrast'] });
  }

  async #runAxe(runOnly) {
    const wrong = [];
    for (const frame of this.page.frames()) {
      await frame.evaluate(AXE);
      const violations = await frame.evaluate(async (only) => {
        const { violations: found } = await window.axe.run(document, {
          runOnly: only,
          // It waits for media that never come. Nothing begins with sound.
          rules: { 'no-autoplay-audio': { enabled: false } },
          resultTypes: ['violations'],
          iframes: false,
          preload: false,
        });
        return found;
      }, runOnly);
      for (const { id, impact, nodes } of violations)
        if (['serious', 'critical'].includes(impact))
          wrong.push(...nodes.map(({ target, html, failureSummary }) =>
            `${id} (${impact}) ${target.join(' ')} ${html.slice(0, 200)}\n` +
            `    ${failureSummary.replace(/\s*\n\s*/g, ' ')}`));
    }
    assertNone('not accessible', wrong);
  }

  // Nothing sticks out or is cut, and a finger finds what it needs.
  async assertFits() {
    const wrong = await this.page.evaluate(measureLayout, {
      touch: Boolean(this.#size.hasTouch),
      width: this.#size.viewport.width,
    });
    assertNone('does not fit', wrong);
  }

  // It fits written from right to left, too.
  async assertRtl() {
    const turn = (dir) => this.page.evaluate((value) => {
      const before = document.documentElement.dir;
      document.documentElement.dir = value;
      return before;
    }, dir);
    const before = await turn('rtl');
    try {
      await this.assertFits();
    } finally {
      await turn(before);
    }
  }

  // Tab comes to all that can be used, and who is there is seen to be. Names
  // are for assertAccessible.
  async assertKeyboard() {
    const stops = await this.page.evaluateHandle(listStops);
    const names = await stops.evaluate((all) =>
      all.map(({ element }) => element.outerHTML.slice(0, 160)));
    const missed = new Set(names.keys());
    const unseen = new Set();
    // From wherever Tab begins, past the end of the page, and round; what comes
    // meanwhile is passed, too.
    for (let i = 0; i < 2 * names.length + 10 && missed.size > 0; i += 1) {
      await this.page.keyboard.press('Tab');
      const found = await stops.evaluate(findFocus);
      if (found) {
        missed.delete(found.index);
        if (!found.isSeen)
          unseen.add(found.index);
      }
    }
    // What has gone meanwhile need not be reached.
    const there = await stops.evaluate((all) =>
      all.map(({ isThere }) => isThere()));
    await stops.dispose();
    assertNone('not for the keyboard', [
      ...[...missed].filter((i) => there[i])
          .map((i) => `Tab does not reach ${names[i]}`),
      ...[...unseen].map((i) => `the focus is not seen on ${names[i]}`),
    ]);
  }

  // What a person reads, and what is read to them.
  texts() {
    return this.page.evaluate(() => {
      const texts = document.body.innerText.split('\n');
      for (const name of ['aria-label', 'alt', 'title', 'placeholder'])
        for (const element of document.querySelectorAll(`[${name}]`))
          texts.push(element.getAttribute(name));
      return [document.title, ...texts].map((text) => text.trim())
          .filter(Boolean);
    });
  }

  // Of the whole page, if pictures are wanted. It comes after what asks for
  // fingers: taken, the browser thinks that there is a mouse.
  async screenshot() {
    const name = [this.#name, this.#size.name, this.#scheme, this.#language]
        .join('-');
    if (SCREENSHOTS)
      await this.page.screenshot(
          { path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
  }
}

// Opens `url` of a page that people call `name`. Requests may go to the page's
// own origin and to `origins`.
export async function visit(browser, url, { name = 'page', size = DESKTOP,
  scheme = 'dark', language = 'en', origins = [] } = {}) {
  const { viewport, hasTouch, isMobile } = size;
  const context = await browser.newContext({
    viewport, hasTouch, isMobile,
    colorScheme: scheme,
    locale: language,
    reducedMotion: 'reduce',
  });
  const requests = [];
  context.on('request', (request) => requests.push(request.url()));
  const opened = await openPage(context, url);
  return new Visit(opened, context, requests, {
    language, name, scheme, size,
    origins: [new URL(url).origin, ...origins],
  });
}
