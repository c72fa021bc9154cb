# SPDX-License-Identifier: LGPL-2.1-or-later
"""(i) What one and ten RTSP streams cost on their way into cache and origin.

Publishers send one file, as in `passthrough` but without B-frames, which ffmpeg
cannot take untouched by RTSP, in real time. Measured is the CPU
of who takes them: `wishcast run` with its nginx and PostgreSQL, all streams in
one process; one `ffmpeg -rtsp_flags listen -c copy -f hls` a stream; or the
RTSP library alone, which throws away what it gets.
"""

import time
from contextlib import ExitStack

from figure import Figure
from node import Node, publish_command
from passthrough import MIB, STREAMS, encode
from process import Process, free_port, wait_listening
from start import listening_ffmpeg

WARM_UP, SECONDS = 16, 60

# Takes any number of publishers, one a mount point.
BARE_SERVER = '''
import sys
import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(address='127.0.0.1', service=sys.argv[1])
for i in range(int(sys.argv[2])):
    factory = GstRtspServer.RTSPMediaFactory(
        transport_mode=GstRtspServer.RTSPTransportMode.RECORD)
    factory.set_launch('( rtph264depay name=depay0 ! fakesink async=false '
                       'rtpmp4gdepay name=depay1 ! fakesink async=false )')
    server.get_mount_points().add_factory(f'/live/{i}', factory)
server.attach(None)
GLib.MainLoop().run()
'''


def ours(stack, build, folder, streams):
    node = stack.enter_context(Node(build, folder, streams))
    return [node.process], [node.url('rtsp', key) for key in node.keys]


def bare(stack, _build, folder, streams):
    folder.mkdir()
    port = free_port()
    server = stack.enter_context(Process(
        ['/usr/bin/python3', '-c', BARE_SERVER, port, streams],
        folder / 'server.log'))
    wait_listening(server, port)
    return [server], [f'rtsp://127.0.0.1:{port}/live/{i}'
                      for i in range(streams)]


def ffmpeg(stack, _build, folder, streams):
    takers, urls = [], []
    for i in range(streams):
        here, port = folder / str(i), free_port()
        here.mkdir(parents=True)
        takers.append(stack.enter_context(Process(
            listening_ffmpeg(port, here), here / 'log')))
        wait_listening(takers[i], port, touch=False)
        urls.append(f'rtsp://127.0.0.1:{port}/live')
    return takers, urls


def cost(take, build, folder, clip, streams, warm_up, seconds):
    """CPU-seconds per stream and minute, and resident bytes of the first
    process."""
    with ExitStack() as stack:
        takers, urls = take(stack, build, folder, streams)
        processes = takers + [
            stack.enter_context(Process(publish_command(clip, url),
                                        folder / f'publisher-{i}.log'))
            for i, url in enumerate(urls)]
        time.sleep(warm_up)
        begun, cpu = time.monotonic(), sum(taker.cpu() for taker in takers)
        time.sleep(seconds)
        cpu = sum(taker.cpu() for taker in takers) - cpu
        passed = time.monotonic() - begun
        for process in processes:
            process.check()
        return cpu / streams / passed * 60, takers[0].rss()


def measure(build, work, quick):
    warm_up, seconds = (4, 6) if quick else (WARM_UP, SECONDS)
    clip = work / 'rtsp.flv'
    encode(clip, warm_up + seconds + 20, b_frames=0)
    figures, memory = [], {}
    for streams in (1, STREAMS):
        costs = {}
        for take in (ours, bare, ffmpeg):
            costs[take], rss = cost(
                take, build, work / f'rtsp-{take.__name__}-{streams}', clip,
                streams, warm_up, seconds)
            if take is ours:
                memory[streams] = rss
        figures += [
            Figure(f'(i) CPU of {streams} RTSP stream(s), to ffmpeg -f hls',
                   costs[ours] / costs[ffmpeg], at_most=0.7),
            Figure('    of the bare RTSP library, to ffmpeg -f hls',
                   costs[bare] / costs[ffmpeg]),
            Figure('    CPU-seconds per stream minute', costs[ours]),
        ]
    further = (memory[STREAMS] - memory[1]) / (STREAMS - 1) / MIB
    figures.append(Figure('(i) memory of a further RTSP stream', further,
                          at_most=10, unit=' MiB'))
    return figures
