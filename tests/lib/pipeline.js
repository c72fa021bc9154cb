// SPDX-License-Identifier: LGPL-2.1-or-later

// Pipelines of the sanitized build in gst-launch-1.0, and publishers for them.

import { ROOT } from './place.js';
import { until } from './until.js';

const BUILD = `${ROOT}build-test`;

// The words of a description; "quotes" keep spaces.
const words = (description) =>
  (description.match(/(?:[^\s"]|"[^"]*")+/g) ?? [])
      .map((word) => word.replaceAll('"', ''));

export function startPipeline(place, description, env = {}) {
  return place.launch(`${ROOT}tests/sanitized`,
      ['gst-launch-1.0', '--no-position', ...words(description)], {
        env: {
          GST_PLUGIN_PATH: `${BUILD}/plugins`,
          GST_REGISTRY: `${BUILD}/e2e.registry`,
          ...env,
        },
      });
}

// Throws what a sanitizer, a critical or an element has complained about.
export function checkOutput(launched) {
  if (/AddressSanitizer|runtime error:|CRITICAL|ERROR:/.test(launched.output))
    throw new Error(launched.output);
}

// Runs one to its EOS.
export async function runPipeline(place, description, env) {
  const launched = startPipeline(place, description, env);
  const status = await launched.exited;
  checkOutput(launched);
  if (status !== 0)
    throw new Error(`${status}\n${launched.output}`);
  return launched;
}

// Waits until the multivariant playlist of a started broadcast can be had, and
// gives it as a text.
export async function untilOnAir(launched, url) {
  try {
    return await until(`${url} is on air`, async () => {
      if (!launched.isAlive)
        throw new Error('the pipeline has ended');
      const answer = await fetch(url);
      return answer.ok && answer.text();
    });
  } catch (error) {
    throw new Error(`${error.message}\n${launched.output}`);
  }
}

// The line of README.md: a publisher's stream on air and in the cache. `more`
// goes to the packager, `origin` to the origin.
export const broadcastLine =
  ({ url, link, cache, port, packager = '', origin = '' }) => `
    rtmp2src location=${url} ! flvdemux name=source
    source.video ! queue ! h264parse ! cmafpackager name=packager ${packager}
    source.audio ! queue ! aacparse ! packager.
    packager. ! tee name=chunks
    chunks. ! cachesink link=${link} cache-dir="${cache}"
    chunks. ! cdnoriginsink link=${link} cache-dir="${cache}" port=${port}
      ${origin}`;

// Publishes a test card as OBS would with its stock settings: H.264 High with
// B-frames, a key frame every 250 frames (8.33 s), AAC-LC at 48 kHz. Resolves
// when the stream can be taken.
export async function publish(place, url, { size = '640x360' } = {}) {
  const publisher = place.launch('ffmpeg', ['-nostdin', '-v', 'error',
    '-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`,
    '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
    '-c:v', 'libx264', '-profile:v', 'high', '-preset', 'veryfast',
    '-bf', '2', '-g', '250', '-pix_fmt', 'yuv420p', '-b:v', '1500k',
    '-c:a', 'aac', '-ac', '2', '-b:a', '160k', '-f', 'flv', url]);
  await until('the stream is published', async () => {
    if (!publisher.isAlive)
      throw new Error(publisher.output);
    // The relay answers a reader with data only when a publisher is there.
    return canBeRead(place, url);
  });
  return publisher;
}

async function canBeRead(place, url) {
  const probe = place.launch('ffprobe', ['-v', 'error', '-rw_timeout',
    '3000000', '-show_entries', 'stream=codec_type', '-of', 'csv=p=0', url]);
  await probe.exited;
  return /video/.test(probe.output) && /audio/.test(probe.output);
}
