# SPDX-License-Identifier: LGPL-2.1-or-later
"""(a) What one and ten RTMP streams cost on their way into cache and origin.

Publishers send one file, 1280x720 at 3 Mbit/s with AAC, in real time to a relay
(nginx-rtmp). Measured is the CPU of the relay and of who takes the streams from
it: our elements, all in one process; one `ffmpeg -c copy -f hls` a stream; or
the relay's own HLS, which needs nobody else.
"""

import os
import subprocess
import time
from contextlib import ExitStack

from figure import Figure
from process import Process, free_port, wait_listening

STREAMS = 10
# The memory window of 12 s is full by then.
WARM_UP, SECONDS = 16, 60
MIB = 1 << 20


def encode(path, seconds, b_frames=2):
    subprocess.run(
        ['ffmpeg', '-nostdin', '-v', 'error', '-y',
         '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=12',
         '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
         '-t', str(seconds), '-c:v', 'libx264', '-preset', 'veryfast',
         '-profile:v', 'high', '-bf', str(b_frames), '-g', '60', '-sc_threshold', '0',
         '-pix_fmt', 'yuv420p', '-b:v', '3M', '-maxrate', '3M',
         '-bufsize', '3M', '-c:a', 'aac', '-ac', '2', '-b:a', '160k', path],
        check=True)


def relay_config(port, hls):
    user = 'user root;' if os.getuid() == 0 else ''
    return f'''
        load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
        {user}
        daemon off;
        worker_processes 1;
        pid nginx.pid;
        events {{ worker_connections 256; }}
        rtmp {{ access_log off; server {{
          listen 127.0.0.1:{port};
          application live {{ live on; {hls} }}
        }} }}'''


class Scene:
    """A relay with publishers, and what takes the streams from it."""

    def __init__(self, stack, folder, clip, streams, hls=''):
        folder.mkdir()
        self.folder = folder
        self._stack = stack
        self.processes = []
        port = free_port()
        (folder / 'nginx.conf').write_text(relay_config(port, hls))
        self.launch(['/usr/sbin/nginx', '-p', folder, '-c', 'nginx.conf',
                     '-e', 'error.log'])
        wait_listening(self.processes[0], port)
        self.urls = [f'rtmp://127.0.0.1:{port}/live/{i}'
                     for i in range(streams)]
        self._publishers = [
            stack.enter_context(Process(
                ['ffmpeg', '-nostdin', '-v', 'error', '-re', '-i', clip,
                 '-c', 'copy', '-f', 'flv', url],
                folder / f'publisher-{i}.log'))
            for i, url in enumerate(self.urls)]
        # A stream that is not there yet is an error for who asks for it.
        time.sleep(2)

    def launch(self, command, env=None):
        log = self.folder / f'process-{len(self.processes)}.log'
        process = self._stack.enter_context(Process(command, log, env))
        self.processes.append(process)
        return process

    def measure(self, warm_up, seconds):
        """CPU-seconds per stream and minute."""
        time.sleep(warm_up)
        begun, cpu = time.monotonic(), self._cpu()
        time.sleep(seconds)
        cpu, passed = self._cpu() - cpu, time.monotonic() - begun
        for process in self.processes + self._publishers:
            process.check()
        return cpu / len(self.urls) / passed * 60

    def _cpu(self):
        return sum(process.cpu() for process in self.processes)


def ours(scene, build):
    port = free_port()
    words = []
    for i, url in enumerate(scene.urls):
        words += f'''
            rtmp2src location={url} ! flvdemux name=source{i}
            source{i}.video ! cmafpackager name=p{i}
            source{i}.audio ! p{i}.
            p{i}. ! tee name=t{i}
            t{i}. ! cachesink link=bench{i} cache-dir={scene.folder}/cache
            t{i}. ! cdnoriginsink link=bench{i} port={port}
              cache-dir={scene.folder}/cache'''.split()
    process = scene.launch(
        ['gst-launch-1.0', '--no-position', *words],
        {'GST_PLUGIN_PATH': f'{build}/plugins',
         'GST_REGISTRY': f'{build}/bench.registry'})
    wait_listening(process, port, 30)
    return process


def source_only(scene, _build):
    """The floor of any pipeline that takes RTMP with rtmp2src."""
    words = []
    for url in scene.urls:
        words += f'rtmp2src location={url} ! fakesink'.split()
    scene.launch(['gst-launch-1.0', '--no-position', *words])


def ffmpeg(scene, _build):
    for i, url in enumerate(scene.urls):
        (scene.folder / f'hls-{i}').mkdir()
        scene.launch(
            ['ffmpeg', '-nostdin', '-v', 'error', '-i', url, '-c', 'copy',
             '-f', 'hls', '-hls_time', '2', '-hls_list_size', '6',
             '-hls_flags', 'delete_segments',
             scene.folder / f'hls-{i}' / 'index.m3u8'])


def nginx_hls(_scene, _build):
    """The relay does it."""


def measure(build, work, quick):
    warm_up, seconds = (4, 6) if quick else (WARM_UP, SECONDS)
    clip = work / 'clip.flv'
    encode(clip, warm_up + seconds + 20)
    costs, memory = {}, {}
    for streams in (1, STREAMS):
        for take in (ours, source_only, ffmpeg, nginx_hls):
            name = f'{take.__name__}-{streams}'
            folder = work / name
            hls = (f'hls on; hls_path {folder}/hls; hls_fragment 2s;'
                   if take is nginx_hls else '')
            with ExitStack() as stack:
                scene = Scene(stack, folder, clip, streams, hls)
                taker = take(scene, build)
                costs[take, streams] = scene.measure(warm_up, seconds)
                if taker:
                    memory[streams] = taker.rss()
    figures = []
    for streams in (1, STREAMS):
        cost, stream = costs[ours, streams], f'{streams} stream(s)'
        figures += [
            Figure(f'(a) CPU of {stream}, to ffmpeg -f hls',
                   cost / costs[ffmpeg, streams], at_most=0.7),
            Figure(f'    to the HLS of nginx-rtmp',
                   cost / costs[nginx_hls, streams]),
            Figure('    of bare rtmp2src ! fakesink, to ffmpeg -f hls',
                   costs[source_only, streams] / costs[ffmpeg, streams]),
            Figure('    CPU-seconds per stream minute', cost),
        ]
    further = (memory[STREAMS] - memory[1]) / (STREAMS - 1) / MIB
    figures.append(Figure('(a) memory of a further stream', further,
                          at_most=10, unit=' MiB'))
    return figures
