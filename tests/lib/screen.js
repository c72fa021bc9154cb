// SPDX-License-Identifier: LGPL-2.1-or-later

// A display that nobody sees, what is on it, and a user's hands.

import { readFileSync } from 'node:fs';

import { ROOT } from './place.js';
import { until } from './until.js';

const WIDTH = 800;
const HEIGHT = 600;

// One look at the screen.
class Picture {
  #pixels;

  constructor(pixels) {
    this.#pixels = pixels;
  }

  at(x, y) {
    const at = (y * WIDTH + x) * 3;
    return [...this.#pixels.subarray(at, at + 3)];
  }

  // Whether the colour there is about `color`: video loses a little.
  isAbout(x, y, color) {
    return this.at(x, y).every((value, i) => Math.abs(value - color[i]) <= 24);
  }

  // How many pixels of an area are about `color`.
  count([left, top, width, height], color) {
    let n = 0;
    for (let y = top; y < top + height; y += 1)
      for (let x = left; x < left + width; x += 1)
        n += this.isAbout(x, y, color);
    return n;
  }
}

export class Screen {
  #place;
  #looks = 0;

  constructor(place, display) {
    this.#place = place;
    this.display = display;
  }

  async look() {
    this.#looks += 1;
    const file = this.#place.path(`look-${this.#looks}.rgb`);
    await this.#place.run('import', ['-display', this.display, '-window',
      'root', '-depth', '8', `rgb:${file}`]);
    return new Picture(readFileSync(file));
  }

  async #act(...words) {
    await this.#place.run(`${ROOT}tests/lib/xwindow.py`,
        [this.display, ...words]);
  }

  pressKey(name) {
    return this.#act('key', name);
  }

  closeWindow() {
    return this.#act('close');
  }
}

// The server chooses the number.
export async function startScreen(place) {
  const server = place.launch('Xvfb', ['-displayfd', '1', '-screen', '0',
    `${WIDTH}x${HEIGHT}x24`, '-nolisten', 'tcp', '-noreset']);
  const number = await until('the display is there', () => {
    if (!server.isAlive)
      throw new Error(server.output);
    return server.output.match(/^(\d+)$/m)?.[1];
  });
  return new Screen(place, `:${number}`);
}
