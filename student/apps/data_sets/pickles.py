"""CIFAR-10's pickles: read without running anything they ask for, and written as Python 2 wrote the published ones.

The published files are pickles of protocol 2 from Python 2, whose `str` are bytes. Python 3 would spell bytes in that
protocol as a call of a function; the files written here are spelt like the originals, so that any reader of the
originals reads them: with `encoding="bytes"` the keys are b"data" and b"labels", with `encoding="latin1"` "data" and
"labels". The opcodes' names are those of the standard library's pickle and pickletools.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np


def dumps(value: Any) -> bytes:
    """The pickle of dicts, lists, bytes, numbers from 0 to 2**31 - 1, and uint8 arrays, nested as one likes."""
    return pickle.PROTO + bytes([2]) + _spelt(value) + pickle.STOP


def _spelt(value: Any) -> bytes:
    if isinstance(value, bytes):
        if len(value) < 256:
            return pickle.SHORT_BINSTRING + bytes([len(value)]) + value
        return pickle.BINSTRING + struct.pack("<i", len(value)) + value
    if isinstance(value, int):
        return pickle.BININT + struct.pack("<i", value)
    if isinstance(value, list):
        return pickle.EMPTY_LIST + pickle.MARK + b"".join(map(_spelt, value)) + pickle.APPENDS
    if isinstance(value, dict):
        items = b"".join(_spelt(key) + _spelt(item) for key, item in value.items())
        return pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return _spelt_array(value)
    raise TypeError(f"{type(value).__name__} has no place in a CIFAR-10 file.")


def _spelt_array(array: np.ndarray) -> bytes:
    """An empty array made by NumPy's `_reconstruct`, which is then given its version, shape, dtype, order and bytes."""
    dtype = _call(b"numpy", b"dtype", _spelt(b"u1") + _spelt(0) + _spelt(1) + pickle.TUPLE3)
    # dtype's state: version, byte order (none), no subtype, names, fields; size and alignment by default; flags.
    dtype_state = _spelt(3) + _spelt(b"|") + 3 * pickle.NONE + 2 * (pickle.BININT + struct.pack("<i", -1)) + _spelt(0)
    dtype += pickle.MARK + dtype_state + pickle.TUPLE + pickle.BUILD
    empty = pickle.GLOBAL + b"numpy\nndarray\n" + _spelt(0) + pickle.TUPLE1 + _spelt(b"b") + pickle.TUPLE3
    made = _call(b"numpy.core.multiarray", b"_reconstruct", empty)
    shape = pickle.MARK + b"".join(map(_spelt, array.shape)) + pickle.TUPLE
    state = _spelt(1) + shape + dtype + pickle.NEWFALSE + _spelt(array.tobytes())
    return made + pickle.MARK + state + pickle.TUPLE + pickle.BUILD


def _call(module: bytes, function: bytes, arguments: bytes) -> bytes:
    return pickle.GLOBAL + module + b"\n" + function + b"\n" + arguments + pickle.REDUCE


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, bytes, lists and dicts; a pickle may ask for any function to be called, and gets none."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 spells bytes in protocol 2
            return lambda text, encoding: text.encode("latin-1")
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_label_names(meta: Path) -> list[str]:
    """The classes' names, in the order of their numbers, from CIFAR-10's batches.meta.

    Raises FileNotFoundError where there is none, and ValueError where it is damaged.
    """
    with open(meta, "rb") as file:
        try:
            content = _PlainUnpickler(file, encoding="bytes").load()
            return [name.decode("ascii") for name in content[b"label_names"]]
        # what pickle raises on bytes that are none of its own, and what a pickle of something else then runs into
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ValueError(f"{meta} is no batches.meta of CIFAR-10 ({type(error).__name__}: {error}).") from error
