// SPDX-License-Identifier: LGPL-2.1-or-later

// `wishcast run` with its own PostgreSQL and nginx, and a publisher of each kind
// under a stream key of its own: what is on air is what was sent, and the API
// tells what is set wrongly, and nothing else.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { followPlaylist } from '../lib/follow.js';
import { addDeveloper, checkService, makeNode, privateDatabase, query,
  startNode } from '../lib/node.js';
import { Place } from '../lib/place.js';
import { parsePlaylist, wholeSegments } from '../lib/playlists.js';
import { until } from '../lib/until.js';

// For what is told of the mean of ten seconds to be told.
const LONG_ENOUGH = 16;
const place = new Place();
let node;
let service;

const picture = (rate) =>
  ['-re', '-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${rate}`];
const sound = (rate) =>
  ['-re', '-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${rate}`];
const h264 = (...more) => ['-c:v', 'libx264', '-preset', 'ultrafast',
  '-pix_fmt', 'yuv420p', '-b:v', '400k', '-maxrate', '400k', '-bufsize', '400k',
  '-sc_threshold', '0', ...more];
const AAC = ['-c:a', 'aac', '-ac', '2', '-b:a', '64k'];
const GOOD = [...picture(30), ...sound(48000),
  ...h264('-g', '30', '-tune', 'zerolatency'), ...AAC];

const publishRtmp = (args) => (key) => place.launch('ffmpeg',
    ['-nostdin', '-v', 'error', ...args, '-f', 'flv', node.rtmp(key)]);
const publishRtsp = (args) => (key) => place.launch('ffmpeg',
    ['-nostdin', '-v', 'error', ...args, '-rtsp_transport', 'tcp',
      '-f', 'rtsp', node.rtsp(key)]);
// Chooses LATM for the sound, unless its payloader is out of the way.
const publishGst = (env) => (key) => place.launch('gst-launch-1.0',
    ['-q', ...('rtspclientsink name=s protocols=tcp ' +
      `location=${node.rtsp(key)} ` +
      'videotestsrc is-live=true ! ' +
      'video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! ' +
      'x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 ' +
      'key-int-max=30 ! h264parse ! s. ' +
      'audiotestsrc is-live=true ! ' +
      'audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=64000 ! ' +
      'aacparse ! s.').split(' ')], { env });

// `wrong`: code of each finding -> its figure; null where that is for the C tests
// to say.
const KINDS = [
  { name: 'OBS by RTMP, well set', publish: publishRtmp(GOOD) },
  {
    name: 'OBS by RTMP, with its stock settings',
    publish: publishRtmp([...picture(30), ...sound(48000),
      ...h264('-g', '250', '-bf', '2'), ...AAC]),
    wrong: { 'key-interval-long': 8.3, 'b-frames': null },
  },
  {
    name: 'RTMP, at odd rates',
    publish: publishRtmp([...picture(37), ...sound(32000),
      ...h264('-g', '37', '-tune', 'zerolatency'), ...AAC]),
    rate: 32000,
    fps: 37,
    wrong: { 'frame-rate-odd': 37, 'audio-rate-odd': 32000 },
  },
  { name: 'ffmpeg by RTSP', publish: publishRtsp(GOOD) },
  {
    name: 'ffmpeg by RTSP, without sound',
    publish: publishRtsp([...picture(30),
      ...h264('-g', '30', '-tune', 'zerolatency')]),
    rate: null,
    wrong: { 'no-audio': null },
  },
  { name: 'rtspclientsink, with LATM', publish: publishGst({}) },
  {
    name: 'rtspclientsink, with mpeg4-generic',
    publish: publishGst({ GST_PLUGIN_FEATURE_RANK: 'rtpmp4apay:NONE' }),
  },
];

// The first pipeline of a process loads its plugins, and nginx leaves out frames
// that it does not take in that time.
async function warmUp() {
  const key = await addDeveloper(node, 'warm-up', 'Warm-up', 'Nobody');
  const publisher = publishRtmp(GOOD)(key);
  await rowOf('warm-up');
  await publisher.end();
}

before(async () => {
  // One game has a description of its own, one a file that is not there.
  node = await makeNode(place, 'a', {
    pipelines: { 'game-0': 'broadcast.pipeline', broken: 'nothing.pipeline' },
  });
  service = await startNode(node);
  await warmUp();
  for (const [i, kind] of KINDS.entries()) {
    const key = await addDeveloper(
        node, gameOf(i), kind.name, developerOf(i));
    kind.publisher = kind.publish(key);
  }
});

after(() => place.leave());

const gameOf = (i) => `game-${i}`;
const developerOf = (i) => `Developer ${i}`;

const get = async (path) => {
  const answer = await fetch(`${node.url}${path}`);
  assert.equal(answer.status, 200, path);
  return answer;
};

const rowOf = (game) => until(`${game} is live`, async () => {
  const [row] = await query(place, privateDatabase(node),
      `SELECT b.link, b.state, b.node, r.name, b.started_at >= b.created_at,
         b.lease_until > now (), b.resume_until IS NULL, b.end_reason IS NULL
       FROM wishcast.broadcast b
       JOIN wishcast.broadcaster r ON r.id = b.broadcaster
       WHERE b.game = '${game}'`);
  if (row?.[1] !== 'live')
    throw new Error(`${row}\n${service.output}`);
  return row;
}, 60);

const findings = async (link) => Object.fromEntries(
    (await (await get(`/api/v1/broadcasts/${link}/health`)).json()).findings
        .map(({ code, value }) => [code, value]));

// All but the first, in which one track begins before the other.
const checked = (playlist) => wholeSegments(playlist).slice(1);

// One track as a file: its init segment and what follows.
async function download(url, playlist) {
  const [first] = checked(playlist);
  const file = place.path('track.mp4');
  const uris = [first.map.uri, ...checked(playlist).map(({ uri }) => uri)];
  const pieces = [];
  for (const uri of uris) {
    const answer = await get(new URL(uri, url).pathname);
    pieces.push(Buffer.from(await answer.arrayBuffer()));
  }
  writeFileSync(file, Buffer.concat(pieces));
  return file;
}

// What ffprobe finds when it decodes all of it; a complaint of it throws.
async function probe(file) {
  const { streams } = JSON.parse(await place.run('ffprobe', ['-v', 'error',
    '-count_frames', '-show_streams', '-of', 'json', file]));
  assert.equal(streams.length, 1);
  return streams[0];
}

const seconds = (segments) =>
  segments.reduce((sum, { duration }) => sum + duration, 0);

async function checkVideo(url, playlist, fps) {
  const stream = await probe(await download(url, playlist));
  assert.equal(stream.codec_name, 'h264');
  assert.deepEqual([stream.width, stream.height], [320, 180]);
  const frames = seconds(checked(playlist)) * fps;
  assert.ok(Math.abs(stream.nb_read_frames - frames) <= 2,
      `${stream.nb_read_frames} frames, not ${frames}: ${playlist.source}`);
}

// None is missing: not one of those that ffmpeg sends several in a packet.
async function checkAudio(url, playlist, rate) {
  const stream = await probe(await download(url, playlist));
  assert.equal(stream.codec_name, 'aac');
  assert.deepEqual([stream.sample_rate, stream.channels], [`${rate}`, 2]);
  const frames = seconds(checked(playlist)) * rate / 1024;
  assert.ok(Math.abs(stream.nb_read_frames - frames) <= 2,
      `${stream.nb_read_frames} frames, not ${frames}`);
}

async function checkMedia(link, { rate = 48000, fps = 30 }) {
  const base = `${node.url}/live/${link}/`;
  // A row is live with the first chunk, a playlist with a part of each track.
  const answer = await until('it is listed', async () => {
    const listed = await fetch(`${base}master.m3u8`);
    return listed.ok && listed;
  });
  const master = parsePlaylist(await answer.text());
  assert.equal(master.variants.length, 1);
  const [variant] = master.variants;
  assert.match(variant.codecs, rate ? /^avc1\.\w{6},mp4a\.40\.2$/ :
    /^avc1\.\w{6}$/);
  const tracks = ['video_0', ...(rate ? ['audio_0'] : [])];
  assert.equal(variant.audio.length, tracks.length - 1);
  for (const name of tracks) {
    const url = `${base}${name}/index.m3u8`;
    const follow = followPlaylist(url);
    await Promise.race([follow.done, until(`segments of ${name}`, () =>
      follow.follower.last &&
        seconds(wholeSegments(follow.follower.last)) >= LONG_ENOUGH, 60)]);
    follow.stop();
    const { last } = await follow.done;
    await (name === 'video_0' ? checkVideo(url, last, fps) :
      checkAudio(url, last, rate));
  }
}

async function checkHealth(link, wrong = {}) {
  const codes = Object.keys(wrong).sort();
  const found = await until(`findings are ${codes}`, async () => {
    const now = await findings(link);
    if (Object.keys(now).sort().join() !== codes.join())
      throw new Error(JSON.stringify(now));
    return now;
  }, 60);
  for (const [code, value] of Object.entries(wrong))
    if (value !== null)
      assert.ok(Math.abs(found[code] - value) <= 0.01 * value,
          `${code}: ${found[code]}`);
}

for (const [i, kind] of KINDS.entries()) {
  test(kind.name, async () => {
    const [link, ...rest] = await rowOf(gameOf(i));
    assert.deepEqual(rest, ['live', 'a', developerOf(i), 't', 't', 't', 't']);
    await checkMedia(link, kind);
    await checkHealth(link, kind.wrong);
    assert.ok(kind.publisher.isAlive, kind.publisher.output);
    await kind.publisher.end();
  });
}

test('nothing was wrong inside', async () => {
  assert.match(service.output, /The pipeline of broken cannot run: /);
  assert.equal(await service.end('SIGTERM', 30), 0);
  checkService(service);
  assert.doesNotMatch(service.output, /malformed/);
});
