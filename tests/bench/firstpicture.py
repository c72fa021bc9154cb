# SPDX-License-Identifier: LGPL-2.1-or-later
"""(j) From opening the page of a broadcast to its first picture.

Chromium opens /watch of a node and, in turn with it, a page with nothing but
the same hls.js and a <video>, from an nginx that has the HLS of ffmpeg as
files. That is the floor: no page can be there before its library. Both show the
same clip, with a key frame in two seconds, and each visitor comes for the first
time.
"""

import json
import os
import shutil
import statistics
import subprocess
from contextlib import ExitStack

from figure import Figure
from node import ROOT, Node, publish_command
from passthrough import encode
from process import Process, free_port, wait_listening
from viewer import Viewer, wait_until

ROUNDS = 20
# That a visit to each takes at most, and what is before them.
VISITS, HEAD_START = 8, 30
BARE_PAGE = '''<!doctype html>
<html lang="en"><title>Bare</title><video muted autoplay></video>
<script type="module">
import Hls from '/hls.min.mjs';
const hls = new Hls();
hls.loadSource('/hls/index.m3u8');
hls.attachMedia(document.querySelector('video'));
</script></html>
'''


def nginx_config(port):
    user = 'user root;' if os.getuid() == 0 else ''
    return f'''
        daemon off;
        {user}
        worker_processes 1;
        pid nginx.pid;
        events {{ worker_connections 256; }}
        http {{
          access_log off;
          sendfile on;
          tcp_nopush on;
          gzip on;
          gzip_types text/javascript;
          types {{
            text/html html; text/javascript mjs; video/mp4 mp4 m4s;
            application/vnd.apple.mpegurl m3u8;
          }}
          server {{ listen 127.0.0.1:{port}; root files; }}
        }}'''


def start_bare(stack, folder, clip):
    """The address of the page that has only what it must."""
    hls = folder / 'files' / 'hls'
    hls.mkdir(parents=True)
    port = free_port()
    (folder / 'files' / 'index.html').write_text(BARE_PAGE)
    shutil.copy(ROOT / 'data' / 'www' / 'vendor' / 'hls.min.mjs',
                folder / 'files')
    (folder / 'nginx.conf').write_text(nginx_config(port))
    nginx = stack.enter_context(Process(
        ['/usr/sbin/nginx', '-p', folder, '-c', 'nginx.conf',
         '-e', 'error.log'], folder / 'nginx.log'))
    wait_listening(nginx, port)
    stack.enter_context(Process(
        ['ffmpeg', '-nostdin', '-v', 'error', '-re', '-i', clip, '-c', 'copy',
         '-f', 'hls', '-hls_time', '2', '-hls_list_size', '6',
         '-hls_flags', 'delete_segments', '-hls_segment_type', 'fmp4',
         hls / 'index.m3u8'], folder / 'ffmpeg.log'))
    wait_until((hls / 'index.m3u8').exists, 'playlist of ffmpeg')
    return f'http://127.0.0.1:{port}/'


def start_ours(stack, build, folder, clip):
    """The address of the page that viewers get."""
    node = stack.enter_context(Node(build, folder, 1))
    stack.enter_context(Process(
        publish_command(clip, node.url('rtmp', node.keys[0])),
        folder / 'publisher.log'))
    link, = wait_until(node.links, 'link')
    viewer = Viewer(node.ports['nginx'], link)
    wait_until(viewer.first_part, 'part')
    viewer.close()
    return f'http://127.0.0.1:{node.ports["nginx"]}/watch/{link}'


def measure(build, work, quick):
    rounds = 2 if quick else ROUNDS
    clip = work / 'firstpicture.flv'
    encode(clip, HEAD_START + rounds * VISITS)
    with ExitStack() as stack:
        urls = [start_ours(stack, build, work / 'firstpicture', clip),
                start_bare(stack, work / 'firstpicture-bare', clip)]
        said = subprocess.run(
            ['node', ROOT / 'tests' / 'bench' / 'first-picture.js',
             str(rounds), *urls], check=True, stdout=subprocess.PIPE,
            text=True).stdout
    ours, bare = json.loads(said)
    median, floor = statistics.median(ours), statistics.median(bare)
    return [
        Figure('(j) opening /watch to its first picture, median', median,
               at_most=2, unit=' s'),
        Figure('    the worst', max(ours), unit=' s'),
        Figure('    bare hls.js with the HLS of ffmpeg, median', floor,
               unit=' s'),
        Figure('    ratio', median / floor),
    ]
