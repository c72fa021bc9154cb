// SPDX-License-Identifier: LGPL-2.1-or-later

// A developer's own broadcast that is not over: its picture, how it goes, what
// is wrong with it, and the button that ends it.

import { postJson } from './api.js';
import { h } from './dom.js';
import { Health } from './health.js';
import { formatDate, formatDuration, formatNumber, t } from './i18n.js';
import { ask, copyButton, errorText } from './panel.js';
import { Stage } from './stage.js';

const SAYS = {
  starting: 'sayStarting', live: 'sayLive', interrupted: 'sayInterrupted',
};

// Event: `ended`, when the API says that it is over.
export class OpenBroadcast extends EventTarget {
  #broadcast;
  #key;
  #health;
  #stage;
  #tag = h('span', { class: 'tag' });
  #title = h('h2', { dir: 'auto' });
  #say = h('p', { class: 'quiet', role: 'status' });
  #timeLabel = h('dt');
  #time = h('dd');
  #viewers = h('dd');
  #end = h('button', { type: 'button', class: 'button danger',
    onclick: () => this.#askToEnd() }, t('developer.end'));
  #failure = h('p', { class: 'error', role: 'alert', hidden: true });
  #kept = null;

  constructor(broadcast, key) {
    super();
    const watch = new URL(broadcast.watch, location).href;
    const preview = h('div', { class: 'preview' });
    this.#key = key;
    this.#health = new Health(broadcast.link);
    // Without a beacon: who broadcasts is no viewer.
    this.#stage = new Stage(preview, broadcast.link,
        { muted: true, autoplay: true, beacon: false });
    this.element = h('article', { class: 'open-broadcast',
      'data-link': broadcast.link },
    h('div', { class: 'panel on-air' }, preview,
        h('div', { class: 'on-air-facts' },
            h('p', null, this.#tag), this.#title, this.#say,
            h('dl', { class: 'facts' },
                h('div', null, this.#timeLabel, this.#time),
                h('div', null, h('dt', null, t('developer.viewers')),
                    this.#viewers)),
            h('div', { class: 'copy-line' },
                h('span', { class: 'copy-label' }, t('developer.watch')),
                h('a', { href: watch, dir: 'ltr' }, watch),
                copyButton(t('developer.watch'), () => watch)),
            this.#failure,
            h('div', { class: 'actions' }, this.#end))),
    this.#health.element);
    this.setViewers(0);
    this.#stage.start();
  }

  // `kept`: how long a recording is kept, in ms; null: not known.
  update(broadcast, kept) {
    const isNew = broadcast.state !== this.#broadcast?.state;
    this.#broadcast = broadcast;
    this.#kept = kept;
    this.#title.textContent = broadcast.title || broadcast.game.title;
    if (isNew)
      this.#showState(broadcast.state);
    this.tick();
  }

  #showState(state) {
    this.element.dataset.state = state;
    this.#tag.className = `tag ${state}`;
    this.#tag.textContent = t(`developer.${state}`);
    this.#say.textContent = t(`developer.${SAYS[state]}`);
    this.#timeLabel.textContent =
        t(state === 'interrupted' ? 'developer.left' : 'developer.since');
    if (state === 'live')
      this.#health.start();
    else
      this.#health.stop();
  }

  // What a clock changes.
  tick() {
    const { state, startedAt, resumeUntil } = this.#broadcast;
    const now = Date.now();
    if (state === 'interrupted' && resumeUntil)
      this.#time.textContent =
          formatDuration((Date.parse(resumeUntil) - now) / 1000);
    else if (startedAt)
      this.#time.textContent =
          formatDuration((now - Date.parse(startedAt)) / 1000);
    else
      this.#time.textContent = '–';
  }

  setViewers(n) {
    this.#viewers.textContent = formatNumber(n);
  }

  stop() {
    this.#health.stop();
    this.#stage.stop();
  }

  async #askToEnd() {
    const kept = this.#kept === null ? t('developer.endKept') :
      t('developer.endKeptUntil',
          { date: formatDate(new Date(Date.now() + this.#kept)) });
    if (!await ask({ title: t('developer.endTitle'),
      text: `${t('developer.endText')} ${kept}`, action: t('developer.end') }))
      return;
    this.#failure.hidden = true;
    this.#end.disabled = true;
    this.#end.textContent = t('panel.ending');
    try {
      await postJson(`/api/v1/broadcasts/${this.#broadcast.link}/end`,
          { token: this.#key });
      this.dispatchEvent(new CustomEvent('ended'));
    } catch (error) {
      this.#failure.textContent = errorText(error);
      this.#failure.hidden = false;
      this.#end.disabled = false;
      this.#end.textContent = t('developer.end');
    }
  }
}
