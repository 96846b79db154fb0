"""Connects to a server on this machine."""

import socket


def got_through():
    """Whether somebody answered. The listener counts as well."""
    return any(connected(host) for host in ("127.0.0.1", "::ffff:127.0.0.1", "localhost"))


def connected(host):
    try:
        socket.create_connection((host, @PORT@), timeout=1).close()
    except OSError:
        return False
    return True


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
