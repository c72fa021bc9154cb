# SPDX-License-Identifier: LGPL-2.1-or-later
"""(b) What a request costs the origin, beside nginx with the same bytes as files.

One server thread each, on one processor; wrk, on another, asks for one address
over and over. Compared are requests per second of the server's CPU, so that it
does not matter whether wrk keeps it busy all the time.
"""

import os
import re
import statistics
import subprocess
import urllib.request
from contextlib import ExitStack

from figure import Figure
from process import Process, free_port, wait_listening

ROUNDS, SECONDS, CONNECTIONS = 5, 4, 64
SERVER_CPU, CLIENT_CPU = '0', '1'


def nginx_config(port):
    user = 'user root;' if os.getuid() == 0 else ''
    return f'''
        daemon off;
        {user}
        worker_processes 1;
        worker_cpu_affinity 1;
        pid nginx.pid;
        events {{ worker_connections 1024; }}
        http {{
          access_log off;
          sendfile on;
          tcp_nopush on;
          keepalive_requests 1000000000;
          open_file_cache max=16;
          types {{ application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }}
          server {{ listen 127.0.0.1:{port}; root files; }}
        }}'''


def requests_per_cpu_second(server, url, seconds):
    before = server.cpu()
    said = subprocess.run(
        ['taskset', '-c', CLIENT_CPU, 'wrk', '-t1', f'-c{CONNECTIONS}',
         f'-d{seconds}s', url],
        check=True, capture_output=True, text=True).stdout
    server.check()
    if 'Non-2xx' in said:
        raise RuntimeError(f'{url}: {said}')
    return int(re.search(r'(\d+) requests in', said)[1]) / (
        server.cpu() - before)


def start_origin(stack, build, work):
    server = stack.enter_context(Process(
        [build / 'tests' / 'bench' / 'bench-origin-serve', SERVER_CPU],
        work / 'origin.log', held=True))
    return server, server.wait_for(r'(http://\S+) (http://\S+)')


def start_nginx(stack, work, files):
    folder = work / 'static'
    (folder / 'files').mkdir(parents=True)
    port = free_port()
    for name, url in files.items():
        (folder / 'files' / name).write_bytes(
            urllib.request.urlopen(url).read())
    (folder / 'nginx.conf').write_text(nginx_config(port))
    server = stack.enter_context(Process(
        ['/usr/sbin/nginx', '-p', folder, '-c', 'nginx.conf',
         '-e', 'error.log'], work / 'nginx.log'))
    wait_listening(server, port)
    return server, [f'http://127.0.0.1:{port}/{name}' for name in files]


def measure(build, work, quick):
    rounds, seconds = (1, 1) if quick else (ROUNDS, SECONDS)
    figures = []
    with ExitStack() as stack:
        origin, ours = start_origin(stack, build, work)
        nginx, theirs = start_nginx(
            stack, work, {'playlist.m3u8': ours[0], 'part.m4s': ours[1]})
        for i, (name, goal) in enumerate(
                [('playlist', 1.2), ('part of 200 kB', 0.75)]):
            ratios = []
            for _ in range(rounds):
                mine = requests_per_cpu_second(origin, ours[i], seconds)
                peer = requests_per_cpu_second(nginx, theirs[i], seconds)
                ratios.append(mine / peer)
            figures.append(Figure(f'(b) requests a CPU second, {name}, to nginx',
                                  statistics.median(ratios), at_least=goal))
    return figures
