"""Reads the memory of other processes without opening a file."""

import os
import struct

from vec._native import address, call


def got_through():
    """Whether a page of the judge's could be read."""
    return any(page(pid) for pid in (os.getppid(), @PID@))


def page(pid):
    try:
        with open(f"/proc/{pid}/maps") as maps:
            start = int(maps.readline().split("-")[0], 16)
    except OSError:
        return False
    here = bytearray(4096)
    local, remote = struct.pack("QQ", address(here), 4096), struct.pack("QQ", start, 4096)
    return call("process_vm_readv", pid, local, 1, remote, 1, 0) > 0


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
