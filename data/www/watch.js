// SPDX-License-Identifier: LGPL-2.1-or-later

// The page /watch/<link>.

import { Player } from './player.js';

const NOTICES = {
  waiting: [
    'Nothing is on air here',
    'Stay on this page: it starts by itself when the broadcast does.',
  ],
  stalled: [
    'The picture has stopped',
    'It goes on as soon as there is something new.',
  ],
  failed: [
    'This browser cannot play the broadcast',
    'A current version of any large browser can.',
  ],
  missing: [
    'This address names no broadcast',
    'It should look like /watch/ and the link of a broadcast.',
  ],
};

const byId = (id) => document.getElementById(id);
const stage = byId('stage');
const video = byId('video');
const soundButton = byId('sound');
const liveButton = byId('live');
const latency = byId('latency');

function showState(state) {
  const [title = '', text = ''] = NOTICES[state] ?? [];
  byId('notice-title').textContent = title;
  byId('notice-text').textContent = text;
  stage.dataset.state = state === 'missing' ? 'waiting' : state;
  updateSound();
  liveButton.hidden = state === 'ended';
}

function updateSound() {
  soundButton.hidden = stage.dataset.state !== 'playing' || !video.muted;
}

function updateBar(player) {
  const seconds = player.latency;
  const known = player.state === 'playing' && seconds !== null;
  liveButton.disabled = !known;
  liveButton.setAttribute('aria-pressed', String(known && player.isLive));
  if (player.state === 'ended')
    latency.textContent = 'The broadcast is over. This is the recording.';
  else
    latency.textContent = known ? `${seconds.toFixed(1)} s behind` : '';
}

function watch(link) {
  const player = new Player(video, `/live/${link}/master.m3u8`);
  player.addEventListener('state', (event) => showState(event.detail));
  soundButton.addEventListener('click', () => {
    video.muted = false;
    video.play().catch(() => {});
  });
  video.addEventListener('volumechange', updateSound);
  liveButton.addEventListener('click', () => player.goLive());
  setInterval(() => updateBar(player), 250);
  player.start();
}

const match = /^\/watch\/([A-Za-z0-9_-]{1,64})$/.exec(location.pathname);
if (match)
  watch(match[1]);
else
  showState('missing');
