"""The only module that runs beside a submission: load the tree, call probes, send plain answers back.

It runs as `python -I -S -B`, with nothing on sys.path but the kit (this module, the protocol, the probes, NumPy) and
the submission's tree. Everything it says may be forged by the submission that shares its process; the judge on the
other end of the socket believes nothing but the numbers, and those it compares.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Any

import numpy.random  # noqa: F401  # NumPy loads it lazily, in 40 ms: better now, while a predecessor still answers

from grader.subject import protocol

MAX_FRAMES = 12  # of the submission's own traceback lines: the innermost ones are what a student needs
MAX_TEXT = 4000  # characters of an exception's text


class Runner:
    """Loads one tree and calls probes on it. Used by the worker process, and in-process by --isolation=none."""

    def __init__(self, root: str, paths: Sequence[str], modules: Mapping[str, str], probes: str) -> None:
        """Make the tree importable; nothing of it is imported yet.

        root: the tree's folder. paths: its folders for sys.path, relative to root, the first one winning.
        modules: fully qualified name of a compiled module -> its file. probes: the name of the probes' package.
        """
        self.root = os.path.realpath(root)
        self._probes_name = probes
        self._probes: ModuleType | None = None
        self._subject: Any = None
        sys.meta_path.insert(0, _BuiltModules(modules))
        sys.path[:0] = [os.path.join(self.root, path) for path in paths]

    def load(self) -> None:
        """Import the submission, by the probes' own `load`."""
        self._probes = importlib.import_module(self._probes_name)
        self._subject = self._probes.load()

    def call(self, probe: str, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the probe named "module:function" on the loaded submission; returns what it returns."""
        assert self._probes is not None, "load() comes first"
        module, name = probe.split(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        place = self._probes.device(self._subject, device) if device else None
        return function(self._subject, place, *args, **kwargs)

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as plain data: what it was, and the lines of the submission that it came through."""
        lines = _frames(error.__traceback__, self.root)
        if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(self.root):
            lines.append(
                [
                    os.path.relpath(error.filename, self.root),
                    error.lineno or 0,
                    "",
                    (error.text or "").strip(),
                ]
            )
        return {
            "type": type(error).__name__[:200],
            "text": _safe_text(error),
            "lines": lines[-MAX_FRAMES:],
            "not_implemented": isinstance(error, NotImplementedError),
            "memory": isinstance(error, MemoryError),
        }


class _BuiltModules:
    """Finds the modules that the harness compiled, before any `.so` that came along with a submission."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = dict(modules)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self._modules:
            return None
        file = self._modules[name]
        if not file:  # known not to be built: hide a stale one that lies in the tree
            raise ModuleNotFoundError(f"No module named {name!r}: it is not built for this run", name=name)
        loader = importlib.machinery.ExtensionFileLoader(name, file)
        return importlib.util.spec_from_file_location(name, file, loader=loader)


def _safe_text(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TEXT]
    except Exception as second:  # an exception class of the submission may have a broken __str__
        return f"(its text could not be read: {type(second).__name__})"


def _frames(traceback: TracebackType | None, root: str) -> list[list[Any]]:
    """[file, line number, function, text] of the frames inside the tree, outermost first, paths relative to it."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = os.path.realpath(code.co_filename)
        if file.startswith(inside := root + os.sep):
            text = linecache.getline(code.co_filename, traceback.tb_lineno).strip()[:200]
            found.append([file[len(inside) :], traceback.tb_lineno, code.co_name[:100], text])
        traceback = traceback.tb_next
    return found


def main(descriptor: int) -> None:
    """Serve one judge over an inherited socket until it hangs up."""
    judge = socket.socket(fileno=descriptor)
    judge.set_inheritable(False)  # a program that the submission starts must not hold the connection open

    def read(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = judge.recv(min(size - len(data), 1 << 20))
            if not part:  # the judge is gone: nobody is left to report to, and nothing to clean up
                os._exit(0)
            data += part
        return bytes(data)

    def send(kind: str, body: Any) -> None:
        judge.sendall(protocol.encode(kind, body))

    _, start = protocol.decode(read)
    runner = Runner(start["root"], start["paths"], start["modules"], start["probes"])
    try:
        runner.load()
    except BaseException as error:  # SystemExit too: a script that exits on import is an answer, not an end
        send("import failed", runner.describe(error))
        return
    send("ready", {"version": protocol.VERSION})
    while True:
        _, call = protocol.decode(read)
        try:
            answer = protocol.encode(
                "answer",
                {
                    "id": call["id"],
                    "value": runner.call(call["probe"], call["device"], call["args"], call["kwargs"]),
                },
            )
        except BaseException as error:
            answer = protocol.encode("raised", {"id": call["id"], **runner.describe(error)})
        judge.sendall(answer)
