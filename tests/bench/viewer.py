# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who waits for media to appear, and who sees when a publisher connects."""

import http.client
import re
import socket
import threading
import time

GLANCE = 0.005
PART = re.compile(r'#EXT-X-PART:.*?URI="([^"]+)"')


def wait_until(ask, what, seconds=30):
    """What `ask` gives once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(GLANCE)
    raise RuntimeError(f'there is no {what} after {seconds} s')


class Viewer:
    """Of the media playlist of a link's picture, over one connection."""

    def __init__(self, port, link):
        self._port = port
        self._folder = f'/live/{link}/video_0/'
        self._connection = None

    def _get(self, name):
        """The bytes; none if there is nothing (yet)."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                '127.0.0.1', self._port, timeout=10)
        try:
            self._connection.request('GET', self._folder + name)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            return b''
        return body if answer.status == 200 else b''

    def playlist(self):
        return self._get('index.m3u8').decode()

    def parts(self):
        """Names of all parts that are listed, the oldest first."""
        return PART.findall(self.playlist())

    def first_part(self):
        """The bytes of the first part, from where it is listed."""
        names = self.parts()
        return self._get(names[0]) if names else b''

    def close(self):
        if self._connection:
            self._connection.close()


class Gate:
    """Passes one connection on, and knows when it came; a context."""

    def __init__(self, port):
        self.came = None
        self._to = port
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self.came = time.monotonic()
        server = socket.create_connection(('127.0.0.1', self._to))
        self._sockets += [client, server]
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass, args=(one, other),
                             daemon=True).start()

    @staticmethod
    def _pass(one, other):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # close() alone does not wake who waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in [self._listener, *self._sockets]:
            one.close()
