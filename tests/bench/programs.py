# SPDX-License-Identifier: LGPL-2.1-or-later
"""(c) to (f): programs in C that measure themselves and print `key value`."""

import os
import re
import subprocess

from figure import Figure


def run(build, name, *arguments):
    said = subprocess.run(
        [build / 'tests' / 'bench' / name, *arguments],
        check=True, capture_output=True, text=True,
        env={**os.environ, 'GST_PLUGIN_PATH': f'{build}/plugins',
             'GST_REGISTRY': f'{build}/bench.registry'}).stdout
    return {key: float(value)
            for key, value in re.findall(r'(\w+)[ =]([\d.]+)', said)}


def wake(build, _work, _quick):
    values = run(build, 'bench-origin-wake')
    return [
        Figure('(c) 1,000 waiters woken, median', values['median_ms'],
               at_most=12, unit=' ms'),
        Figure('    p99', values['p99_ms'], at_most=30, unit=' ms'),
    ]


def latency(build, work, _quick):
    values = run(build, 'bench-part-latency')
    return [
        Figure('(d) frame to last byte of its part, p99',
               values['part_latency_p99_ms'], at_most=15, unit=' ms'),
        Figure('    median', values['part_latency_median_ms'], unit=' ms'),
    ]


def store(build, work, _quick):
    values = run(build, 'bench-store', work)
    return [
        Figure('(e) open and find, 100,000 links to 10',
               values['open_find_ratio'], at_most=1.2),
        Figure('(f) append with index, to plain append',
               values['append_ratio'], at_least=0.8),
    ]
