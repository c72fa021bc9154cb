# SPDX-License-Identifier: LGPL-2.1-or-later
"""`wishcast run` with ports and folders of its own, and who publishes to it."""

import json
import os
import re
import subprocess
import threading
from pathlib import Path

from process import Process, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = {
    'nginx': ('nginx', 'port'), 'control': ('nginx', 'control-port'),
    'rtsp': ('ingest', 'rtsp-port'), 'rtmp': ('ingest', 'rtmp-port'),
    'hook': ('ingest', 'hook-port'), 'origin': ('origin', 'port'),
    'api': ('api', 'port'), 'log': ('api', 'log-port'),
}


class Node:
    """A node with `developers` who may publish; a context that ends it."""

    def __init__(self, build, folder, developers, settings=None):
        """`settings`: group -> key -> value."""
        folder.mkdir()
        # If we are root, a private PostgreSQL is somebody else.
        folder.parent.chmod(0o711)
        folder.chmod(0o711)
        self._folder = folder
        self._program = build / 'launcher' / 'wishcast'
        self._env = {'WISHCAST_DATA_DIR': f'{ROOT / "data"}:{ROOT}',
                     'GST_PLUGIN_PATH': f'{build}/plugins',
                     'GST_REGISTRY': f'{build}/bench.registry'}
        self._starts = 0
        self.configure(settings or {})
        self.command('game', 'add', 'game', 'Game')
        self.keys = [self._add_developer(i) for i in range(developers)]
        self.process = None

    def configure(self, settings):
        """Not while it runs."""
        groups = {
            'node': {'name': 'bench', 'data-dir': self._folder / 'state'},
            'nginx': {'address': '127.0.0.1'},
            'ingest': {'rtsp-address': '127.0.0.1',
                       'rtmp-address': '127.0.0.1'},
            'origin': {}, 'api': {}, 'broadcast': {},
        }
        self.ports = {name: free_port() for name in PORTS}
        for name, (group, key) in PORTS.items():
            groups[group][key] = self.ports[name]
        for group, keys in settings.items():
            groups.setdefault(group, {}).update(keys)
        (self._folder / 'wishcast.conf').write_text(''.join(
            f'[{group}]\n' + ''.join(f'{key} = {value}\n'
                                     for key, value in keys.items())
            for group, keys in groups.items()))

    def _add_developer(self, number):
        said = self.command('key', 'add', 'game', f'Developer {number}')
        return re.search(r'^[a-z2-7]{8}-[a-z2-7]{26}$', said, re.M)[0]

    def _words(self, name, *words):
        return [self._program, name, '-c', self._folder / 'wishcast.conf',
                *words]

    def command(self, name, *words):
        return subprocess.run(
            self._words(name, *words), env={**os.environ, **self._env},
            check=True, capture_output=True, text=True).stdout

    def start(self):
        """Not waited for."""
        self._starts += 1
        self.process = Process(self._words('run'),
                               self._folder / f'run-{self._starts}.log',
                               self._env)
        return self.process

    def wait_ready(self):
        self.process.wait_for('is ready', 60)

    def __enter__(self):
        self.start()
        self.wait_ready()
        return self

    def __exit__(self, *what):
        self.process.__exit__(*what)

    def url(self, protocol, key, port=None):
        return f'{protocol}://127.0.0.1:{port or self.ports[protocol]}' \
               f'/live/{key}'

    def links(self):
        """Of all broadcasts, as the node remembers them."""
        try:
            text = (self._folder / 'state' / 'broadcasts.json').read_text()
        except FileNotFoundError:
            return set()
        return {broadcast['link']
                for broadcast in json.loads(text)['broadcasts']}


def publish_command(clip, url):
    """In real time, with a key frame first."""
    to = (['-rtsp_transport', 'tcp', '-f', 'rtsp']
          if url.startswith('rtsp') else ['-f', 'flv'])
    return ['ffmpeg', '-nostdin', '-v', 'error', '-re', '-i', clip,
            '-c', 'copy', *to, url]


class Insistent:
    """A publisher that comes back at once; a context that ends it."""

    RETRY = 0.05

    def __init__(self, clip, url, log):
        self._command, self._log = publish_command(clip, url), log
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._process = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with open(self._log, 'wb') as out:
            while not self._over.is_set():
                with self._lock:
                    self._process = subprocess.Popen(
                        [str(word) for word in self._command],
                        stdin=subprocess.DEVNULL, stdout=out, stderr=out)
                self._process.wait()
                self._over.wait(self.RETRY)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        while self._thread.is_alive():
            with self._lock:
                if self._process:
                    self._process.kill()
            self._thread.join(0.1)
