"""Values as Python source: exactly, small arrays as they are, large ones by name in an .npz beside the script."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.errors import GraderError

SMALL = 64  # numbers of an array that are written down
TOGETHER = 256  # of all arrays of a script
WIDTH = 108  # of a line


class Writer:
    """Writes values, and collects the arrays that are too large for it."""

    def __init__(self) -> None:
        self.arrays: dict[str, npt.NDArray[Any]] = {}  # for the .npz
        self._written = 0

    def statement(self, name: str, value: Any) -> str:
        """`name = value`, in lines of a bearable length."""
        return _wrapped(f"{name} = {self.expression(name, value)}")

    def expression(self, name: str, value: Any) -> str:
        """The value; `name` is what a large array in it is called in the .npz."""
        if isinstance(value, np.ndarray):
            return self._array(name, value)
        if isinstance(value, dict):
            items = [
                f"{self.expression(name, key)}: {self.expression(f'{name}_{key}', item)}" for key, item in value.items()
            ]
            return _bracketed("{", items, "}")
        if isinstance(value, (list, tuple)):
            items = [self.expression(f"{name}_{k}", item) for k, item in enumerate(value)]
            if isinstance(value, tuple):
                return _bracketed("(", items, ",)" if len(items) == 1 else ")")
            return _bracketed("[", items, "]")
        if isinstance(value, np.generic):
            return f"np.{value.dtype.name}({_number(value)})"
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, str):
            return literal(value)
        if value is None or isinstance(value, (bool, int, float, bytes)):
            return repr(value)
        raise GraderError(f"a {type(value).__name__} cannot be written down")

    def _array(self, name: str, value: npt.NDArray[Any]) -> str:
        if value.size > SMALL or self._written + value.size > TOGETHER or value.dtype.kind not in "biuf":
            key = re.sub(r"[^A-Za-z0-9_]", "_", name)  # a dict's key may be anything, and this one is a file's name
            while key in self.arrays:
                key += "_"
            self.arrays[key] = np.ascontiguousarray(value).reshape(value.shape)
            return f'data["{key}"]'
        self._written += value.size
        if value.size == 0:
            return f"np.zeros({value.shape}, dtype=np.{value.dtype.name})"
        return f"np.array({_nested(value)}, dtype={_dtype(value.dtype)})"


def literal(text: str) -> str:
    """The text as a Python literal: in ASCII, in double quotes, and whatever it holds, in one line.

    JSON's would be none: it writes what lies beyond 16 bits as two surrogates, which are another text in Python.
    """
    # With a double quote in it, repr() takes single quotes, and marks those within.
    return '"' + ascii(f'"{text}')[2:-1].replace("\\'", "'").replace('"', '\\"') + '"'


def _dtype(dtype: np.dtype[Any]) -> str:
    return "bool" if dtype.kind == "b" else f"np.{dtype.name}"


def _nested(value: npt.NDArray[Any]) -> str:
    if value.ndim == 0:
        return _number(value[()])
    return f"[{', '.join(_nested(item) for item in np.asarray(value))}]"


def _number(value: Any) -> str:
    """The shortest text that gives exactly this number in its dtype."""
    if value.dtype.kind != "f":
        return repr(value.item())
    if not np.isfinite(value):
        return "np.nan" if np.isnan(value) else "-np.inf" if value < 0 else "np.inf"
    text = str(value)
    return text if value.dtype.type(float(text)) == value else repr(value.item())


def _bracketed(opened: str, items: list[str], closed: str) -> str:
    line = f"{opened}{', '.join(items)}{closed}"
    if len(line) <= 80 and "\n" not in line:
        return line
    parts = "\n".join(textwrap.indent(_wrapped(f"{item},"), "    ") for item in items)
    return f"{opened}\n{parts}\n{closed[-1]}"


def _wrapped(text: str) -> str:
    """Long lines of numbers broken at the blanks between them."""
    return "\n".join(part for line in text.split("\n") for part in _broken(line))


def _broken(line: str) -> Iterator[str]:
    if len(line) <= WIDTH or "np.array(" not in line or '"' in line or "'" in line.partition("np.array(")[2]:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())] + "    "
    yield from textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
