#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user does to the only window of a display, without a window manager.

tests/lib/xwindow.py DISPLAY close       presses the window's close button
tests/lib/xwindow.py DISPLAY key NAME    presses a key, as X names it

Fails if there is no window yet.
"""

import ctypes
import sys
from ctypes import byref, c_char_p, c_int, c_long, c_ubyte, c_uint, c_ulong, \
    c_void_p

KEY_PRESS, KEY_RELEASE, CLIENT_MESSAGE = 2, 3, 33
KEY_PRESS_MASK, KEY_RELEASE_MASK = 1, 2

X = ctypes.CDLL('libX11.so.6')
X.XOpenDisplay.restype = c_void_p
X.XDefaultRootWindow.restype = c_ulong
X.XInternAtom.restype = c_ulong
X.XStringToKeysym.restype = c_ulong
X.XKeysymToKeycode.restype = c_ubyte


class ClientMessage(ctypes.Structure):
    _fields_ = [('type', c_int), ('serial', c_ulong), ('send_event', c_int),
                ('display', c_void_p), ('window', c_ulong),
                ('message_type', c_ulong), ('format', c_int),
                ('data', c_long * 5)]


class Key(ctypes.Structure):
    _fields_ = [('type', c_int), ('serial', c_ulong), ('send_event', c_int),
                ('display', c_void_p), ('window', c_ulong), ('root', c_ulong),
                ('subwindow', c_ulong), ('time', c_ulong), ('x', c_int),
                ('y', c_int), ('x_root', c_int), ('y_root', c_int),
                ('state', c_uint), ('keycode', c_uint),
                ('same_screen', c_int)]


class Event(ctypes.Union):
    _fields_ = [('client', ClientMessage), ('key', Key), ('pad', c_long * 24)]


def find_window(display, root):
    seen_root, parent, count = c_ulong(), c_ulong(), c_uint()
    children = ctypes.POINTER(c_ulong)()
    X.XQueryTree(display, c_ulong(root), byref(seen_root), byref(parent),
                 byref(children), byref(count))
    if count.value == 0:
        sys.exit('there is no window')
    return children[count.value - 1]


def send(display, window, mask, event):
    X.XSendEvent(display, c_ulong(window), 1, c_long(mask), byref(event))


def close(display, window):
    event = Event()
    event.client = ClientMessage(
        CLIENT_MESSAGE, 0, 1, display, window,
        X.XInternAtom(display, b'WM_PROTOCOLS', 0), 32,
        (c_long * 5)(X.XInternAtom(display, b'WM_DELETE_WINDOW', 0)))
    send(display, window, 0, event)


def press(display, root, window, name):
    symbol = X.XStringToKeysym(c_char_p(name.encode()))
    code = X.XKeysymToKeycode(display, c_ulong(symbol))
    for kind, mask in ((KEY_PRESS, KEY_PRESS_MASK),
                       (KEY_RELEASE, KEY_RELEASE_MASK)):
        event = Event()
        event.key = Key(kind, 0, 1, display, window, root, 0, 0, 1, 1, 1, 1, 0,
                        code, 1)
        send(display, window, mask, event)


def main(name, command, *arguments):
    display = c_void_p(X.XOpenDisplay(c_char_p(name.encode())))
    if not display:
        sys.exit(f'there is no display {name}')
    root = X.XDefaultRootWindow(display)
    window = find_window(display, root)
    if command == 'close':
        close(display, window)
    else:
        press(display, root, window, *arguments)
    X.XSync(display, 0)
    X.XCloseDisplay(display)


main(*sys.argv[1:])
