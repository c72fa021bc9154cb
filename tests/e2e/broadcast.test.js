// SPDX-License-Identifier: LGPL-2.1-or-later

// pipelines/broadcast.pipeline by `wishcast launch`, with publishers that send
// both, or only one, of picture and sound.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startRelay } from '../lib/nginx.js';
import { checkOutput, untilOnAir } from '../lib/pipeline.js';
import { freePort, Place, ROOT } from '../lib/place.js';
import { parsePlaylist } from '../lib/playlists.js';
import { until } from '../lib/until.js';
import { configure, runWishcast, startWishcast } from '../lib/wishcast.js';

const PICTURE = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'];
const SOUND = ['-re', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'];
const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '60',
  '-pix_fmt', 'yuv420p'];
const place = new Place();
let conf;
let port;
let relay;

before(async () => {
  relay = await startRelay(place);
  port = await freePort();
  conf = configure(place, { origin: { port } });
  await runWishcast(place, ['game', 'add', 'half-life', 'Half-Life', '-c', conf]);
});

after(() => place.leave());

function launch(link, source) {
  return startWishcast(place, ['launch', '-c', conf, 'broadcast.pipeline',
    'game=half-life', `link=${link}`, 'title=A "title" \\ with $all !',
    `source=${source}`]);
}

async function onAir(launched, link) {
  const base = `http://127.0.0.1:${port}/live/${link}/`;
  return parsePlaylist(await untilOnAir(launched, `${base}master.m3u8`));
}

// A publisher's end is the end of it, whatever did not come.
async function assertEnds(launched, link) {
  assert.equal(await launched.exited, 0, launched.output);
  checkOutput(launched);
  const list = await runWishcast(place, ['cache', 'list', '-c', conf]);
  assert.match(list, new RegExp(`^${link} .* {2}1 {7}no {8}ended$`, 'm'));
}

for (const [name, args, audio] of [
  ['picture and sound', [...PICTURE, ...SOUND, ...H264, '-c:a', 'aac'], 1],
  ['a picture alone', [...PICTURE, ...H264], 0],
]) {
  test(`a publisher of ${name}`, async () => {
    const link = name.replaceAll(' ', '-');
    const url = `rtmp://127.0.0.1:${relay.port}/live/${link}`;
    const publisher = place.launch('ffmpeg',
        ['-nostdin', '-v', 'error', ...args, '-f', 'flv', url]);
    await until('the relay has it', async () => {
      const probe = place.launch('ffprobe',
          ['-v', 'error', '-rw_timeout', '3000000', '-show_entries',
            'stream=codec_type', '-of', 'csv=p=0', url]);
      await probe.exited;
      return /video/.test(probe.output);
    });
    const launched =
        launch(link, `rtmp2src location=${url} ! flvdemux name=source`);
    const { variants } = await onAir(launched, link);
    assert.equal(variants.length, 1);
    assert.equal(variants[0].audio.length, audio);
    assert.deepEqual({ ...variants[0].resolution }, { width: 640, height: 360 });
    const poster = `http://127.0.0.1:${port}/live/${link}/poster.jpg`;
    await until('a poster', async () => (await fetch(poster)).ok);
    await publisher.end('SIGINT');
    await assertEnds(launched, link);
  });
}

test('a publisher of sound alone', async () => {
  const launched = launch('sound', 'audiotestsrc is-live=true num-buffers=400 ' +
      '! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ' +
      '! flvmux streamable=true ! flvdemux name=source');
  const playlist = await onAir(launched, 'sound');
  assert.match(playlist.source, /CODECS="mp4a\.40\.2"/);
  await assertEnds(launched, 'sound');
});

test('what it is made of is refused with its place', async () => {
  const launched = startWishcast(place, ['launch', '-c', conf,
    'broadcast.pipeline', 'game=Half Life']);
  assert.equal(await launched.exited, 78);
  assert.match(launched.output, /^Error: broadcastregister\d*: .*game.*Half Life/m);
  assert.doesNotMatch(launched.output, new RegExp(ROOT));
});
