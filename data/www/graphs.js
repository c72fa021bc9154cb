// SPDX-License-Identifier: LGPL-2.1-or-later

// A figure and its last ten minutes. The line is SVG; all words are HTML, so
// that they stay as large as others when the graph is stretched. One looks at
// a moment with the pointer, or with the arrow keys.

import { h } from './dom.js';
import { formatTime } from './figures.js';
import { t } from './i18n.js';

const SPAN = 600;
const HEIGHT = 100;
// Samples this far apart, in s, are not joined: nobody knows what was between.
const GAP = 20;
const SVG = 'http://www.w3.org/2000/svg';

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The next of 1, 2, 5, 10, 20, 50 ... : an axis that seldom moves.
function niceAbove(value) {
  if (value <= 0)
    return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power)
      .find((top) => top >= value);
}

export class Graph {
  #format;
  #points = [];
  #chosen = -1;
  #top = 1;
  #to = 0;
  #label;
  #value = h('p', { class: 'graph-value' });
  #summary = h('p', { class: 'visually-hidden' });
  #max = h('span');
  #min = h('span');
  #readout = h('output');
  #dot = h('span', { class: 'graph-dot' });
  #area = svg('path', { class: 'graph-area' });
  #line = svg('path', { class: 'graph-line' });
  #plot = h('div', { class: 'graph-plot', role: 'slider', tabindex: '0',
    dir: 'ltr' });

  // `format(value)` gives words; `whole`: there are no fractions of it.
  constructor({ label, format, whole = false }) {
    this.#label = label;
    this.#format = format;
    this.whole = whole;
    const id = `graph-${Math.random().toString(36).slice(2)}`;
    this.#summary.id = id;
    this.#plot.setAttribute('aria-label', t('operator.moment', { label }));
    this.#plot.setAttribute('aria-describedby', id);
    this.#plot.append(svg('svg', { viewBox: `0 0 ${SPAN} ${HEIGHT}`,
      preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    this.#area, this.#line), this.#dot);
    this.element = h('figure', { class: 'panel graph' },
        h('figcaption', null, label), this.#value, this.#summary,
        h('div', { class: 'graph-axis' }, this.#max, this.#readout),
        this.#plot,
        h('div', { class: 'graph-axis' }, this.#min,
            h('span', null, t('operator.span'))));
    this.#listen();
    this.#choose(-1);
  }

  // `points`: the oldest first, { at: ms, value: number or null }.
  update(points) {
    // Who looks at a moment goes on looking at that moment.
    const chosenAt = this.#points[this.#chosen]?.at;
    this.#points = points;
    this.#to = points.at(-1)?.at ?? 0;
    const known = points.map(({ value }) => value)
        .filter((value) => value !== null);
    const highest = Math.max(0, ...known);
    this.#top = niceAbove(this.whole ? Math.max(1, highest) : highest);
    this.#draw();
    this.#say(known);
    this.#choose(chosenAt === undefined ? -1 :
      points.findIndex(({ at }) => at === chosenAt));
  }

  #x(point) {
    return SPAN - (this.#to - point.at) / 1000;
  }

  #y(point) {
    return HEIGHT - point.value / this.#top * HEIGHT;
  }

  #draw() {
    let line = '';
    let area = '';
    for (const run of this.#runs()) {
      const way = run.map((point) =>
        `${this.#x(point).toFixed(1)},${this.#y(point).toFixed(1)}`).join('L');
      // One alone would be nothing to see.
      line += run.length > 1 ? `M${way}` : `M${way}h.1`;
      area += `M${this.#x(run[0]).toFixed(1)},${HEIGHT}L${way}` +
          `L${this.#x(run.at(-1)).toFixed(1)},${HEIGHT}Z`;
    }
    this.#line.setAttribute('d', line);
    this.#area.setAttribute('d', area);
  }

  // Points that belong together.
  #runs() {
    const runs = [];
    let last = null;
    for (const point of this.#points) {
      if (point.value === null || this.#x(point) < 0) {
        last = null;
        continue;
      }
      if (last && point.at - last.at <= GAP * 1000)
        runs.at(-1).push(point);
      else
        runs.push([point]);
      last = point;
    }
    return runs;
  }

  #say(known) {
    const words = (value) =>
      value === null || value === undefined ? '–' : this.#format(value);
    const now = words(this.#points.at(-1)?.value);
    this.#value.textContent = now;
    this.#max.textContent = this.#format(this.#top);
    this.#min.textContent = this.#format(0);
    this.#summary.textContent = known.length === 0 ?
      t('operator.noPoints') : t('operator.graph', {
        label: this.#label, now, lowest: words(Math.min(...known)),
        highest: words(Math.max(...known)),
      });
  }

  #listen() {
    const plot = this.#plot;
    plot.addEventListener('pointermove', (event) => {
      const box = plot.getBoundingClientRect();
      this.#choose(this.#nearest(
          (event.clientX - box.left) / box.width * SPAN));
    });
    plot.addEventListener('pointerleave', () => this.#choose(-1));
    plot.addEventListener('focus', () => {
      if (plot.matches(':focus-visible'))
        this.#choose(this.#points.length - 1);
    });
    plot.addEventListener('blur', () => this.#choose(-1));
    plot.addEventListener('keydown', (event) => this.#onKey(event));
  }

  #onKey(event) {
    const last = this.#points.length - 1;
    const at = this.#chosen < 0 ? last : this.#chosen;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1,
      ArrowUp: at + 1, PageUp: at + 12, PageDown: at - 12, Home: 0, End: last,
    }[event.key];
    if (to === undefined)
      return;
    event.preventDefault();
    this.#choose(Math.min(last, Math.max(0, to)));
  }

  #nearest(x) {
    let best = -1;
    this.#points.forEach((point, i) => {
      if (best < 0 || Math.abs(this.#x(point) - x) <
          Math.abs(this.#x(this.#points[best]) - x))
        best = i;
    });
    return best;
  }

  // Shows the point of that number; -1: none.
  #choose(index) {
    const point = this.#points[index];
    this.#chosen = point ? index : -1;
    this.#dot.hidden = !point || point.value === null;
    this.#readout.hidden = !point;
    this.#max.hidden = Boolean(point);
    const last = this.#points.length - 1;
    const told = point ?? this.#points[last];
    const words = !told || told.value === null ? '–' :
      this.#format(told.value);
    const text = told ? `${formatTime(told.at)} · ${words}` : '–';
    this.#plot.setAttribute('aria-valuemin', '0');
    this.#plot.setAttribute('aria-valuemax', String(Math.max(0, last)));
    this.#plot.setAttribute('aria-valuenow',
        String(Math.max(0, point ? index : last)));
    this.#plot.setAttribute('aria-valuetext', text);
    if (!point)
      return;
    const x = Math.max(0, this.#x(point)) / SPAN * 100;
    this.#readout.textContent = text;
    if (point.value !== null) {
      this.#dot.style.left = `${x}%`;
      this.#dot.style.top = `${this.#y(point)}%`;
    }
  }
}
