// SPDX-License-Identifier: LGPL-2.1-or-later

// /watch/<link>: one broadcast, what is known of it, and what else there is.

import { getJson } from './api.js';
import { broadcastCard, liveTag, updateCard } from './cards.js';
import { byId, h } from './dom.js';
import { formatBytes } from './figures.js';
import { formatAgo, formatDate, t } from './i18n.js';
import { canBeWatched, isComing, isExpired, isReady }
  from './recordings.js';
import { startShell } from './shell.js';
import { Stage } from './stage.js';

// The picture first; what else there is may come after it, or after this long.
const OTHERS_AFTER = 3000;
const OTHERS = 6;
const OTHERS_EVERY = 30000;
const AGO_EVERY = 30000;
const COPIED_FOR = 3000;

const link = location.pathname.split('/').at(-1);
const native = new URLSearchParams(location.search).get('player') === 'native';
const stage = new Stage(byId('stage'), link, { native, keys: document });
stage.start();
let shownDownload = '';

const firstPicture = new Promise((resolve) => {
  stage.video.addEventListener('loadeddata', resolve, { once: true });
  setTimeout(resolve, OTHERS_AFTER);
});

function fillAbout() {
  const { broadcast, state } = stage;
  if (!broadcast)
    return;
  const { title, game, broadcaster, startedAt, endedAt, visibility } =
      broadcast;
  const name = title || game.title;
  byId('title').textContent = name;
  byId('tag').replaceChildren(liveTag(broadcast));
  byId('game').textContent = game.title;
  byId('game').href = `/game/${game.id}`;
  // Isolated: a name may be of another direction than the words round it.
  byId('broadcaster').textContent = broadcaster ?
    t('watch.by', { name: `\u2068${broadcaster}\u2069` }) : '';
  const when = [];
  if (endedAt)
    when.push(t('watch.endedAgo', { ago: formatAgo(endedAt) }));
  else if (startedAt)
    when.push(t('watch.startedAgo', { ago: formatAgo(startedAt) }));
  byId('when').textContent = when.join(' · ');
  byId('rehearsal').hidden = visibility !== 'rehearsal';
  byId('about').hidden = false;
  if (endedAt)
    byId('viewers').textContent = '';
  const key = state === 'playing' ? 'watch.documentLive' : 'watch.document';
  document.title = t(key, { title: name, game: game.title });
}

function downloadLink({ size, download }, name) {
  const words = size === null ? '' : ` (${formatBytes(size)})`;
  return h('a', { class: 'button primary', href: download, download: '' },
      name + words);
}

// The recording as a file. What is shown stays, and so does the focus in it.
function fillDownload() {
  const { broadcast, state } = stage;
  if (!broadcast)
    return;
  const { recording, recordingExpires } = broadcast;
  const date = recordingExpires ? formatDate(recordingExpires) : '';
  const parts = state !== 'expired' && isReady(broadcast) ?
    recording.parts : [];
  let text = '';
  if (parts.length > 0)
    text = t('watch.downloadUntil', { date });
  else if (state !== 'expired' && isComing(broadcast))
    text = t('watch.downloadSoon', { date });
  else if (state === 'expired' || isExpired(broadcast))
    text = t('watch.downloadOver', { date });
  const note = parts.some(({ incomplete }) => incomplete) ?
    t('watch.downloadIncomplete') : '';
  const shown = JSON.stringify([parts, text, note]);
  if (shown === shownDownload)
    return;
  shownDownload = shown;
  byId('download').replaceChildren(...parts.map((part, i) =>
    downloadLink(part, parts.length === 1 ? t('watch.download') :
      t('watch.downloadPart', { n: i + 1 }))));
  byId('download-text').textContent = [text, note].filter(Boolean).join(' ');
  byId('recording').hidden = text === '';
}

// A browser gives the clipboard to pages that came by HTTPS only.
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}

function copyField(id, value) {
  const field = h('input', { id, readonly: true, value, dir: 'ltr',
    onfocus: (event) => event.target.select() });
  const button = h('button', { type: 'button', class: 'button',
    'aria-label': t(`watch.${id}Copy`), onclick: async () => {
      if (!await copy(field))
        return;
      button.textContent = t('common.copied');
      byId('copied').textContent = t('common.copied');
      setTimeout(() => {
        button.textContent = t('common.copy');
        byId('copied').textContent = '';
      }, COPIED_FOR);
    } }, t('common.copy'));
  return h('div', { class: 'copy' },
      h('label', { for: id }, t(`watch.${id}`)), field, button);
}

function fillShare() {
  const snippet = `<iframe src="${location.origin}/embed/${link}" ` +
    'width="640" height="360" allow="autoplay; fullscreen; ' +
    'picture-in-picture" allowfullscreen></iframe>';
  byId('share-title').after(
      copyField('link', `${location.origin}/watch/${link}`),
      copyField('snippet', snippet));
}

// Cards that are there stay, and so does the focus in them.
function fillCards(id, broadcasts, viewers = {}) {
  const others = broadcasts.filter((other) => other.link !== link);
  const list = byId(id).querySelector('div');
  const before = [...list.children];
  const cards = others.map((other) => {
    const shown = { viewers: viewers[other.link] };
    const card = before.find(({ dataset }) => dataset.link === other.link);
    if (!card)
      return broadcastCard(other, shown);
    updateCard(card, other, shown);
    return card;
  });
  if (cards.length !== before.length ||
      cards.some((card, i) => card !== before[i]))
    list.replaceChildren(...cards);
  byId(id).hidden = others.length === 0;
}

// Asked for from time to time and not followed: browsers allow six connections
// to a server, and those are for the picture.
async function fillOthers() {
  if (document.hidden)
    return;
  const game = stage.broadcast?.game;
  const list = (query) => getJson(`/api/v1/broadcasts?${query}`);
  try {
    const [live, { viewers }, ended] = await Promise.all([
      list(`state=live&limit=${OTHERS + 1}`),
      getJson('/api/v1/viewers').catch(() => ({})),
      game && list(`state=ended&limit=${OTHERS + 1}&game=${game.id}`),
    ]);
    fillCards('live', live.broadcasts, viewers);
    if (!game)
      return;
    byId('recordings-title').textContent =
        t('watch.moreRecordings', { game: game.title });
    fillCards('recordings', ended.broadcasts.filter(canBeWatched));
  } catch {
    // What is there stays: the next time may know more.
  }
}

function fill() {
  // Nothing that would be worth sharing.
  byId('share').hidden = stage.state === 'missing' || stage.state === 'loading';
  if (stage.state === 'missing')
    document.title = `${t('watch.missingTitle')} – Wishcast`;
  else
    fillAbout();
  fillDownload();
}

await startShell();
stage.addEventListener('viewers', ({ detail }) => {
  byId('viewers').textContent = t('common.viewers', { n: detail });
});
stage.addEventListener('broadcast', fill);
stage.addEventListener('state', fill);
setInterval(fill, AGO_EVERY);
fillShare();
fill();

await firstPicture;
setInterval(fillOthers, OTHERS_EVERY);
fillOthers();
