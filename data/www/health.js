// SPDX-License-Identifier: LGPL-2.1-or-later

// What is wrong with what a publisher sends, and what to change in OBS.

import { getJson } from './api.js';
import { h } from './dom.js';
import { formatNumber, t } from './i18n.js';
import { repeat } from './repeat.js';

const ASK_EVERY = 5;

const formatValue = (value) => {
  const size = Math.abs(value);
  return formatNumber(size, { maximumFractionDigits: size < 100 ? 1 : 0 });
};

// A rule that this page does not know yet is told in the words of the API.
function wordsOf({ code, text, advice, value }) {
  const key = `health.${code}`;
  const own = t(key, { value: formatValue(value ?? 0) });
  if (own === key)
    return [text, advice].map((words) => h('span', { lang: 'en' }, words));
  return [own, t(`${key}-advice`)];
}

function findingItem(finding) {
  const [text, advice] = wordsOf(finding);
  const { code, severity } = finding;
  return h('li', { class: 'finding', 'data-code': code,
    'data-severity': severity },
  h('p', null, h('strong', { class: 'severity' },
      t(`health.${severity}`)), ' ', text),
  h('p', { class: 'quiet' }, advice));
}

export class Health {
  #link;
  #stop = null;
  #shown = '';
  #list = h('ul', { class: 'findings' });
  #note = h('p', { class: 'health-note' });

  constructor(link) {
    this.#link = link;
    this.element = h('section', { class: 'panel health' },
        h('h2', null, t('health.title')), this.#note, this.#list);
    this.#setNote(t('health.later'), 'idle');
  }

  // While it is on air.
  start() {
    if (this.#stop)
      return;
    this.#setNote(t('health.looking'), 'idle');
    this.#stop = repeat(ASK_EVERY, (signal) => this.#ask(signal));
  }

  stop() {
    if (!this.#stop)
      return;
    this.#stop();
    this.#stop = null;
    this.#shown = '';
    this.#list.replaceChildren();
    this.#setNote(t('health.later'), 'idle');
  }

  async #ask(signal) {
    try {
      const { findings } = await getJson(
          `/api/v1/broadcasts/${this.#link}/health`, { signal, fresh: true });
      if (!signal.aborted)
        this.#show(findings);
    } catch {
      // What was known stays; the page says that there is no connection.
    }
  }

  #show(findings) {
    const now = JSON.stringify(findings);
    if (now === this.#shown)
      return;
    this.#shown = now;
    this.#list.replaceChildren(...findings.map(findingItem));
    if (findings.length === 0)
      this.#setNote(t('health.well'), 'well');
    else
      this.#setNote(t('health.found', { n: findings.length }), 'found');
  }

  #setNote(text, mood) {
    this.#note.textContent = text;
    this.#note.dataset.mood = mood;
  }
}
