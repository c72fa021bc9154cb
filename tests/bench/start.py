# SPDX-License-Identifier: LGPL-2.1-or-later
"""(g) From a publisher's first byte to the first part that a viewer has.

One ffmpeg sends a clip that begins with a key frame and has one in two seconds.
It connects through a gate that sees when it does. For the peers it is the first
segment that counts, as they have nothing smaller.
"""

import statistics
import time

from figure import Figure
from node import Node, publish_command
from passthrough import encode, relay_config
from process import Process, free_port, wait_listening
from viewer import Gate, Viewer, wait_until

ROUNDS = 11


def timed(port, clip, url, seen, log):
    """Seconds from the first byte to the end of `seen`. `url`: by the port at
    which the publisher is let through."""
    with Gate(port) as gate:
        with Process(publish_command(clip, url(gate.port)), log):
            seen()
            return time.monotonic() - gate.came


def ours(build, folder, clip, protocol, rounds):
    # Each publisher begins a broadcast of its own.
    settings = {'broadcast': {'resume-window': '0 s'}}
    times = []
    with Node(build, folder, 1, settings) as node:
        for i in range(rounds):
            known = node.links()

            def seen():
                link, = wait_until(lambda: node.links() - known, 'link')
                viewer = Viewer(node.ports['nginx'], link)
                wait_until(viewer.first_part, 'part')
                viewer.close()

            times.append(timed(
                node.ports[protocol], clip,
                lambda port: node.url(protocol, node.keys[0], port),
                seen, folder / f'publisher-{i}.log'))
    return times


def await_segment(playlist):
    wait_until(lambda: playlist.exists() and '.ts' in playlist.read_text(),
               'segment')


def nginx_hls(folder, clip, rounds):
    folder.mkdir()
    port = free_port()
    (folder / 'nginx.conf').write_text(relay_config(
        port, f'hls on; hls_path {folder}/hls; hls_fragment 2s;'))
    times = []
    with Process(['/usr/sbin/nginx', '-p', folder, '-c', 'nginx.conf',
                  '-e', 'error.log'], folder / 'nginx.log') as nginx:
        wait_listening(nginx, port)
        for i in range(rounds):
            times.append(timed(
                port, clip, lambda port: f'rtmp://127.0.0.1:{port}/live/{i}',
                lambda: await_segment(folder / 'hls' / f'{i}.m3u8'),
                folder / f'publisher-{i}.log'))
    return times


def listening_ffmpeg(port, folder):
    """Takes one publisher by RTSP into HLS, untouched."""
    return ['ffmpeg', '-nostdin', '-v', 'error', '-rtsp_flags', 'listen',
            '-i', f'rtsp://127.0.0.1:{port}/live', '-c', 'copy', '-f', 'hls',
            '-hls_time', '2', '-hls_list_size', '6',
            '-hls_flags', 'delete_segments', folder / 'index.m3u8']


def ffmpeg_hls(folder, clip, rounds):
    times = []
    for i in range(rounds):
        here, port = folder / str(i), free_port()
        here.mkdir(parents=True)
        with Process(listening_ffmpeg(port, here), here / 'log') as ffmpeg:
            wait_listening(ffmpeg, port, touch=False)
            def seen():
                await_segment(here / 'index.m3u8')
                ffmpeg.check()

            times.append(timed(
                port, clip, lambda port: f'rtsp://127.0.0.1:{port}/live',
                seen, here / 'publisher.log'))
    return times


def measure(build, work, quick):
    rounds = 2 if quick else ROUNDS
    clip = work / 'start.flv'
    # By RTSP ffmpeg cannot take B-frames untouched.
    encode(clip, 30, b_frames=0)
    peers = {'rtmp': ('nginx-rtmp', nginx_hls), 'rtsp': ('ffmpeg', ffmpeg_hls)}
    figures = []
    for protocol, (name, peer) in peers.items():
        mine = ours(build, work / f'start-{protocol}', clip, protocol, rounds)
        theirs = peer(work / f'start-peer-{protocol}', clip, rounds)
        median, other = statistics.median(mine), statistics.median(theirs)
        figures += [
            Figure(f'(g) first byte by {protocol.upper()} to the first part',
                   median, unit=' s'),
            Figure('    the worst', max(mine), unit=' s'),
            Figure(f'    to the first segment of {name}', other, unit=' s'),
            Figure('    ratio', median / other),
        ]
    return figures
