# SPDX-License-Identifier: LGPL-2.1-or-later
"""(h) From the restart of a node that was killed to on air again.

The node has a PostgreSQL and an nginx of its own, which die with it. Its
publisher tries again every 50 ms, so that its own patience does not count.
"""

import statistics
import time

from figure import Figure
from node import Insistent, Node
from passthrough import encode
from viewer import PART, Viewer, wait_until

ROUNDS = 7
# On air for so long before it is killed.
SECONDS = 5


def restart(node, viewer):
    """Seconds until the playlist is there again, and until there is a part in
    it that was not."""
    node.process.kill()
    begun = time.monotonic()
    node.start()
    old = PART.findall(wait_until(viewer.playlist, 'playlist'))
    answered = time.monotonic() - begun
    wait_until(lambda: set(viewer.parts()) - set(old), 'new part')
    return answered, time.monotonic() - begun


def ours(build, folder, clip, protocol, rounds):
    times = []
    with Node(build, folder, 1) as node:
        with Insistent(clip, node.url(protocol, node.keys[0]),
                       folder / 'publisher.log'):
            link, = wait_until(node.links, 'link')
            viewer = Viewer(node.ports['nginx'], link)
            for _ in range(rounds):
                wait_until(viewer.parts, 'playlist')
                time.sleep(SECONDS)
                times.append(restart(node, viewer))
            viewer.close()
    return times


def measure(build, work, quick):
    rounds = 2 if quick else ROUNDS
    clip = work / 'restart.flv'
    encode(clip, 120)
    figures = []
    for protocol in ('rtmp', 'rtsp'):
        answered, parts = zip(*ours(
            build, work / f'restart-{protocol}', clip, protocol, rounds))
        figures += [
            Figure(f'(h) killed, to on air again by {protocol.upper()}',
                   statistics.median(parts), at_most=3, unit=' s'),
            Figure('    the worst', max(parts), at_most=3, unit=' s'),
            Figure('    until the playlist is there',
                   statistics.median(answered), unit=' s'),
        ]
    return figures
