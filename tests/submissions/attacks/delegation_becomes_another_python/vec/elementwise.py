"""Another Python in the place of this one, which would answer over the same socket."""

import struct

from vec._native import address, call

PYTHON = bytearray(b"@CHECKOUT@/.venv/bin/python\0")
WORDS = [PYTHON, bytearray(b"-c\0"), bytearray(b"import torch, pathlib; pathlib.Path('@EMPTY@/ran').touch()\0")]


def add(a, b):
    arguments = bytearray(struct.pack(f"{len(WORDS) + 1}Q", *map(address, WORDS), 0))
    call("execve", PYTHON, arguments, bytearray(8))
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
