// SPDX-License-Identifier: LGPL-2.1-or-later

// What a developer types into OBS.

import { h } from './dom.js';
import { t } from './i18n.js';
import { copyButton } from './panel.js';

const HIDDEN = '•'.repeat(12);
const SETTINGS = ['encoder', 'bitrate', 'keys', 'bframes', 'audio', 'rate'];

// A line to be copied. `secret`: a part of `text` that is hidden until it is
// asked for, and copied without being shown.
function copyLine(label, text, secret = null) {
  const hidden = secret ? text.replace(secret, HIDDEN) : text;
  const code = h('code', { dir: 'ltr' }, hidden);
  const show = secret && h('button', {
    type: 'button', class: 'button compact', 'aria-pressed': 'false',
    'aria-label': t('panel.showWhat', { what: label }),
    onclick: () => {
      const isShown = show.getAttribute('aria-pressed') === 'false';
      show.setAttribute('aria-pressed', String(isShown));
      code.textContent = isShown ? text : hidden;
    },
  }, t('panel.show'));
  return h('div', { class: 'copy-line' },
      h('span', { class: 'copy-label' }, label), code,
      h('span', { class: 'actions' }, show, copyButton(label, () => text)));
}

const way = (name, ...lines) => h('div', { class: 'way' },
    h('h3', null, t(`developer.${name}`)),
    h('ol', { class: 'steps' }, ['where', 'type', 'start'].map((step) =>
      h('li', null, t(`developer.${name}-${step}`)))),
    lines);

// `ingest`: as the API has it; a protocol that is not taken is null.
export const obsWays = ({ rtmp, rtsp }, key) => [
  rtmp && way('rtmp',
      copyLine(t('developer.server'), rtmp.server),
      copyLine(t('developer.key'), key, key)),
  rtsp && way('rtsp',
      copyLine(t('developer.url'), `${rtsp.server}/${key}`, key),
      copyLine(t('developer.container'), 'rtsp'),
      copyLine(t('developer.muxer'), 'rtsp_transport=tcp')),
].filter(Boolean);

export const obsSettings = () => SETTINGS.map((name) => h('div', null,
    h('dt', null, t(`developer.${name}`)),
    h('dd', null, h('strong', null, t(`developer.${name}-value`)),
        h('span', { class: 'quiet' }, t(`developer.${name}-why`)))));
