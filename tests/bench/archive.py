# SPDX-License-Identifier: LGPL-2.1-or-later
"""(n) to (q) What a recording costs on its way into the cloud and out again.

The cloud is the tests' own strict one, on this machine. (n) and (o) are of
gst-launch with our elements; (p) and (q) of a node that archives a broadcast of
two hours, which its publisher sends faster than in real time. That broadcast
has a low bit rate: what is left to do at its end, and how a player opens it,
depends on how many segments there are, not on how many bytes.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fanout import Notifier
from figure import Figure
from node import ROOT, Node
from process import Process
from viewer import wait_until

CLOUD = ROOT / 'tests' / 'lib' / 'fakegcs.js'
OPENER = ROOT / 'tests' / 'bench' / 'open-recording.js'
MB = 1 << 20
# As the archiver sets it.
ARCHIVER_CHUNK = 2 * MB
KBITS = 6000
WARM_UP, SECONDS = 10, 60
UPLOAD, ROUNDS = 1 << 30, 10
# Files that no disk holds up, if there is room for what is sent, and for what the
# server has of either program, old and new.
MEMORY, COPIES = Path('/dev/shm'), 5
LENGTH, PACE = 7200, 60
QUICK_LENGTH = 120


@contextmanager
def cloud(folder):
    """The address of an empty one with a bucket."""
    folder.mkdir()
    with Process(['node', CLOUD, '--port', '0', '--folder', folder / 'objects',
                  '--bucket', 'bench'],
                 folder / 'cloud.log') as process:
        yield process.wait_for(r'(http://127\.0\.0\.1:\d+)')[0]


def launch_env(build):
    return {'GST_PLUGIN_PATH': f'{build}/plugins',
            'GST_REGISTRY': f'{build}/bench.registry'}


def launch(*words):
    return ['gst-launch-1.0', '--no-position', '-q',
            *' '.join(map(str, words)).split()]


def encode(path, seconds, kbits):
    """H.264 that wants that many bits, and AAC."""
    subprocess.run(
        ['ffmpeg', '-nostdin', '-v', 'error', '-y',
         '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30,noise=alls=20',
         '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
         '-t', str(seconds), '-c:v', 'libx264', '-preset', 'ultrafast',
         '-g', '60', '-sc_threshold', '0', '-pix_fmt', 'yuv420p',
         '-b:v', f'{kbits}k', '-minrate', f'{kbits}k', '-maxrate', f'{kbits}k',
         '-bufsize', f'{kbits}k', '-nal-hrd', 'cbr',
         '-c:a', 'aac', '-ac', '2', '-b:a', '128k', path],
        check=True)


# --- (n) ---------------------------------------------------------------------


def follow(build, folder, sink, name):
    return Process(
        launch(f'cachesrc cache-dir={folder}/cache link=live follow=true',
               f'piece=body ! {sink}'),
        folder / f'{name}.log', launch_env(build))


def follow_live(build, folder, quick):
    """A live broadcast into the cloud, beside the same into nothing."""
    warm_up, seconds = (4, 6) if quick else (WARM_UP, SECONDS)
    clip = folder / 'live.mp4'
    encode(clip, warm_up + seconds + 10, KBITS)
    with ExitStack() as stack:
        address = stack.enter_context(cloud(folder / 'live'))
        stack.enter_context(Process(
            launch(f'filesrc location={clip} ! qtdemux name=d',
                   'd.video_0 ! identity sync=true ! h264parse ! p.video_0',
                   'd.audio_0 ! identity sync=true ! aacparse ! p.audio_0',
                   'cmafpackager name=p',
                   f'! cachesink cache-dir={folder}/cache link=live'),
            folder / 'publisher.log', launch_env(build)))
        wait_until((folder / 'cache' / 'live' / 'index').exists, 'cache')
        ours = stack.enter_context(follow(
            build, folder, f'gcssink bucket=bench object=live.mp4 '
            f'endpoint={address} chunk-size={ARCHIVER_CHUNK}', 'archive'))
        bare = stack.enter_context(follow(build, folder, 'fakesink', 'bare'))
        time.sleep(warm_up)
        begun, cpu = time.monotonic(), ours.own_cpu()
        time.sleep(seconds)
        passed, cpu = time.monotonic() - begun, ours.own_cpu() - cpu
        for process in (ours, bare):
            process.check()
        return [
            Figure(f'(n) a core, to archive {KBITS / 1000:g} Mbit/s',
                   cpu / passed * 100, at_most=1, unit=' %'),
            Figure('    memory beyond reading it',
                   (ours.peak() - bare.peak()) / MB, at_most=16, unit=' MB'),
        ]


# --- (o) ---------------------------------------------------------------------


def begin_session(address, name):
    request = urllib.request.Request(
        f'{address}/upload/storage/v1/b/bench/o?uploadType=resumable'
        f'&name={name}', data=b'{}', method='POST',
        headers={'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers['Location']


def timed(command, env=None):
    begun = time.monotonic()
    subprocess.run([str(word) for word in command], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    return time.monotonic() - begun


def has_room(folder, size):
    return folder.is_dir() and shutil.disk_usage(folder).free > size


def upload(build, folder, quick):
    """The same file to the same server."""
    size = UPLOAD // (16 if quick else 1)
    memory = MEMORY if has_room(MEMORY, COPIES * size) else folder
    with tempfile.TemporaryDirectory(dir=memory) as place:
        return upload_from(build, Path(place), size, 2 if quick else ROUNDS)


def upload_from(build, folder, size, rounds):
    """By turns of which either is the first as often; with the start of both
    programs."""
    path = folder / 'file'
    block = os.urandom(MB)
    with open(path, 'wb') as out:
        for _ in range(size // MB):
            out.write(block)
    ours, curls = [], []
    with cloud(folder / 'upload') as address:

        def put_by_sink():
            ours.append(timed(
                launch(f'filesrc location={path} blocksize=262144',
                       f'! gcssink bucket=bench object=ours endpoint={address}'),
                launch_env(build)))

        def put_by_curl():
            session = begin_session(address, 'curl')
            curls.append(timed(['curl', '-sS', '--fail', '-T', path, session]))

        for i in range(1 + rounds):
            first, second = (put_by_sink, put_by_curl)[::-1 if i % 2 else 1]
            first()
            second()
    # The first turn is the server's, which compiles itself and gets its memory.
    ours, curls = ours[1:], curls[1:]
    mine, curl = statistics.median(ours), statistics.median(curls)
    return [
        Figure(f'(o) {size // MB} MB put by curl', size / MB / curl,
               unit=' MB/s'),
        Figure('    by gcssink', size / MB / mine, unit=' MB/s'),
        Figure('    to that of curl', curl / mine, at_least=0.9),
    ]


# --- (p), (q) ----------------------------------------------------------------


def await_row(notifier, link, state):
    return wait_until(
        lambda: notifier.ask(
            f"SELECT state FROM wishcast.recording WHERE link = '{link}' "
            f"AND state = '{state}'"), f'recording that is {state}', 120)


def record(node, notifier, clip, folder, length):
    """The link of a broadcast that was archived, and how long that took after
    its end, in s."""
    loops = length // 60
    with Process(['ffmpeg', '-nostdin', '-v', 'error', '-readrate', PACE,
                  '-stream_loop', loops - 1, '-i', clip, '-c', 'copy',
                  '-rtsp_transport', 'tcp', '-f', 'rtsp',
                  node.url('rtsp', node.keys[0])],
                 folder / 'publisher.log') as publisher:
        link = wait_until(node.links, 'broadcast')
        link, = link
        await_row(notifier, link, 'uploading')
        publisher.wait()
    node.command('end', link)
    await_row(notifier, link, 'ready')
    return link, float(notifier.ask(
        'SELECT extract (epoch FROM r.ready_at - b.ended_at) '
        'FROM wishcast.recording r JOIN wishcast.broadcast b USING (link) '
        f"WHERE link = '{link}'"))


def archive_long(build, work, folder, quick):
    length = QUICK_LENGTH if quick else LENGTH
    clip = folder / 'minute.mp4'
    encode(clip, 60, 800)
    node = Node(build, work / 'archive-node', 1)
    with cloud(folder / 'long') as address:
        node.configure({'cloud': {'bucket': 'bench', 'endpoint': address}})
        with node:
            notifier = Notifier(node, work / 'archive-node')
            link, seconds = record(node, notifier, clip, folder, length)
            url = f"http://127.0.0.1:{node.ports['nginx']}" \
                  f'/api/v1/broadcasts/{link}/recording?inline=true'
            opened = json.loads(subprocess.run(
                ['node', OPENER, url], check=True, stdout=subprocess.PIPE,
                text=True).stdout)
    if abs(opened['duration'] - length) > 10:
        raise RuntimeError(f"it lasts {opened['duration']} s, not {length}")
    return [
        Figure(f'(p) {length // 60} min of broadcast: from its end to the '
               'whole object', seconds, at_most=5, unit=' s'),
        Figure('(q) opening that in Chromium, requests', opened['requests'],
               at_most=10),
        Figure('    time to its first picture', opened['seconds'], unit=' s'),
        Figure('    requests of a seek', opened['seekRequests']),
        Figure('    time of a seek', opened['seekSeconds'], unit=' s'),
    ]


def measure(build, work, quick):
    folder = work / 'archive'
    folder.mkdir()
    return [
        *follow_live(build, folder, quick),
        *upload(build, folder, quick),
        *archive_long(build, work, folder, quick),
    ]
