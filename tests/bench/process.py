# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes that end with us, and what they have used."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS = os.sysconf('SC_CLK_TCK')
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Process:
    """A program with its output in a log; a context that ends it."""

    def __init__(self, command, log, env=None, held=False):
        """`held`: it runs until its input ends."""
        self.name = Path(command[0]).name
        self._log = log
        with open(log, 'wb') as out:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE if held else subprocess.DEVNULL,
                stdout=out, stderr=out, env={**os.environ, **(env or {})},
                preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG,
                                               signal.SIGTERM))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.stdin:
            self._process.stdin.close()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self):
        if self._process.poll() is not None:
            tail = self._log.read_text(errors='replace')[-2000:]
            raise RuntimeError(f'{self.name} has ended:\n{tail}')

    def wait_for(self, pattern, seconds=10):
        """The groups of `pattern` once the log has it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            found = re.search(pattern, self._log.read_text(errors='replace'))
            if found:
                return found.groups()
            time.sleep(0.05)
        raise RuntimeError(f'{self.name} does not say {pattern}')

    def _tree(self):
        yield self._process.pid
        children = Path(f'/proc/{self._process.pid}/task/'
                        f'{self._process.pid}/children')
        for pid in children.read_text().split():
            yield int(pid)

    def cpu(self):
        """Seconds of user and system time, of its children too (nginx)."""
        total = 0
        for pid in self._tree():
            fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
            user, system = fields.split()[11:13]
            total += int(user) + int(system)
        return total / TICKS

    def rss(self):
        """Resident bytes of the process itself."""
        for line in Path(f'/proc/{self._process.pid}/status').open():
            if line.startswith('VmRSS:'):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f'{self.name} has no VmRSS')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_listening(process, port, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        process.check()
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f'{process.name} does not listen on {port}')
