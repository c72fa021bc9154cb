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


def _read(path):
    """Nothing, of a process that has just ended."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def _tree(pid):
    """It and all below it; any of its threads may have started one."""
    yield pid
    for children in Path(f'/proc/{pid}/task').glob('*/children'):
        for child in _read(children).split():
            yield from _tree(int(child))


def _cpu(pid):
    """Its seconds of user and system time."""
    fields = _read(f'/proc/{pid}/stat').rpartition(')')[2].split()
    return sum(map(int, fields[11:13])) / TICKS


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

    def wait(self):
        """Until it has ended by itself."""
        if self._process.wait() != 0:
            self.check()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def cpu(self):
        """Seconds of user and system time, of all below it too (nginx)."""
        return sum(map(_cpu, _tree(self._process.pid)))

    def own_cpu(self):
        """Of the process itself."""
        return _cpu(self._process.pid)

    def _memory(self, name):
        status = _read(f'/proc/{self._process.pid}/status')
        found = re.search(rf'^{name}:\s+(\d+) kB$', status, re.M)
        if not found:
            raise RuntimeError(f'{self.name} has no {name}')
        return int(found[1]) * 1024

    def rss(self):
        """Resident bytes of the process itself."""
        return self._memory('VmRSS')

    def peak(self):
        """The most of them since forget_peak()."""
        return self._memory('VmHWM')

    def forget_peak(self):
        Path(f'/proc/{self._process.pid}/clear_refs').write_text('5')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _is_bound(port):
    """Whether somebody listens; without a connection, which may be taken for
    the one that is waited for."""
    lines = Path('/proc/net/tcp').read_text().splitlines()[1:]
    return any(local.endswith(f':{port:04X}') and state == '0A'
               for _, local, _, state, *_ in map(str.split, lines))


def _takes_connections(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def wait_listening(process, port, seconds=10, touch=True):
    """`touch`: connect to it."""
    deadline = time.monotonic() + seconds
    is_there = _takes_connections if touch else _is_bound
    while time.monotonic() < deadline:
        process.check()
        if is_there(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f'{process.name} does not listen on {port}')
