"""CIFAR-10's batch files in the format of https://www.cs.toronto.edu/~kriz/cifar.html: pickles of Python 2, protocol 2.

Python 2's text is neither text nor bytes to Python 3: `pickle.load(..., encoding=)` decides. A pickle written by
Python 3 would be read right with encoding="bytes" only, and turn away students who chose "latin1". So it is spelt out.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

KEYS = ("batch_label", "labels", "data", "filenames")  # in the order of the real files


def write(folder: str, files: dict[str, dict[str, Any]]) -> None:
    """Write batch files, and the batches.meta that lies beside them.

    files: name -> {"data": uint8 (number, 3072), "labels": [number ints], "keys": the order of KEYS in the file}, or
    {"content": the file's bytes, uint8}.
    """
    for name, file in files.items():
        if "content" in file:
            content = file["content"].tobytes()
        else:
            content = batch_pickle(name, file["data"], file["labels"], file.get("keys") or KEYS)
        Path(folder, name).write_bytes(content)
    names = [_text(label) for label in ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog")]
    meta = _dict([("num_cases_per_batch", _int(10_000)), ("label_names", _list(names)), ("num_vis", _int(3072))])
    Path(folder, "batches.meta").write_bytes(_file(meta))


def batch_pickle(name: str, data: np.ndarray, labels: list[int], keys: Any = KEYS) -> bytes:
    """One batch file."""
    values = {
        "batch_label": _text(f"batch {name}"),
        "labels": _list([_int(label) for label in labels]),
        "data": _array(data),
        "filenames": _list([_text(f"{name}_s_{k:06d}.png") for k in range(len(labels))]),
    }
    return _file(_dict([(key, values[key]) for key in keys]))


def _file(value: bytes) -> bytes:
    return pickle.PROTO + b"\x02" + value + pickle.STOP


def _text(text: str) -> bytes:
    return pickle.SHORT_BINSTRING + bytes([len(text)]) + text.encode("ascii")


def _int(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)


def _list(items: list[bytes]) -> bytes:
    return pickle.EMPTY_LIST + pickle.MARK + b"".join(items) + pickle.APPENDS


def _dict(items: list[tuple[str, bytes]]) -> bytes:
    return pickle.EMPTY_DICT + pickle.MARK + b"".join(_text(key) + value for key, value in items) + pickle.SETITEMS


def _tuple(*items: bytes) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def _name(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _array(array: np.ndarray) -> bytes:
    """An array of uint8 as NumPy 1 pickled it: _reconstruct(ndarray, (0,), "b") and then its state."""
    arguments = _tuple(_name("numpy", "ndarray"), _tuple(_int(0)), _text("b"))
    empty = _name("numpy.core.multiarray", "_reconstruct") + arguments + pickle.REDUCE
    dtype = _name("numpy", "dtype") + _tuple(_text("u1"), _int(0), _int(1)) + pickle.REDUCE
    dtype += _tuple(_int(3), _text("|"), *[pickle.NONE] * 3, _int(-1), _int(-1), _int(0)) + pickle.BUILD
    content = pickle.BINSTRING + struct.pack("<i", array.size) + array.tobytes()
    shape = _tuple(*(_int(length) for length in array.shape))
    return empty + _tuple(_int(1), shape, dtype, pickle.NEWFALSE, content) + pickle.BUILD
