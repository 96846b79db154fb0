"""The only module that runs beside a submission: load the tree, call probes, send plain answers back.

It runs as `python -I -S -B`, with nothing on sys.path but the kit (this module, the protocol, the probes, NumPy) and
the submission's tree. Everything it says may be forged by the submission that shares its process; the judge on the
other end of the channel believes nothing but the numbers, and those it compares.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType, TracebackType
from typing import Any

import numpy.random  # NumPy loads it lazily, in 40 ms: better now, while a predecessor still answers

from grader.delegation import modes
from grader.subject import guard, perturbation, protocol

MAX_FRAMES = 12  # of the submission's own traceback lines: the innermost ones are what a student needs
MAX_TEXT = 4000  # characters of an exception's text
MAX_TRACED = 4096  # functions that are told of in a trace


class Runner:
    """Loads one tree and calls probes on it. Used by the worker process, and in-process by --isolation=none."""

    def __init__(
        self,
        root: str,
        paths: Sequence[str],
        modules: Mapping[str, str],
        probes: str,
        loaded: Callable[[str, ModuleType], None] | None = None,
        asked: Callable[[Any], None] | None = None,
    ) -> None:
        """Import the probes and make the tree importable; nothing of it is imported yet.

        root: the tree's folder. paths: its folders for sys.path, relative to root, the first one winning.
        modules: fully qualified name of a compiled module -> its file. probes: the name of the probes' package.
        loaded: called with a compiled module's file and the module, once it is imported.
        asked: called with what a question gives the probe, before the probe is.
        """
        self.root = os.path.realpath(root)
        self._probes = importlib.import_module(probes)  # before the tree is on the path: it may hold a probes.py
        self._subject: Any = None
        self._asked = asked
        sys.meta_path.insert(0, _BuiltModules(modules, loaded))
        sys.path[:0] = [os.path.join(self.root, path) for path in paths]

    def load(self) -> None:
        """Import the submission, by the probes' own `load`."""
        self._subject = self._probes.load()

    def call(self, probe: str, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call the probe named "module:function" on the loaded submission; returns what it returns."""
        module, name = probe.split(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        if self._asked is not None:
            self._asked([args, kwargs])
        place = self._probes.device(self._subject, device) if device else None
        return function(self._subject, place, *args, **kwargs)

    def trace(self, probe: str, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What runs of the tree when the probe is called: [file, first line] of functions, names of native ones.

        Whatever the call raises: what ran until then did run. The order is that of first calls.
        """
        codes: dict[CodeType, None] = {}
        natives: dict[str, None] = {}

        def note(frame: FrameType, event: str, argument: Any) -> None:
            if event == "call" and len(codes) < MAX_TRACED:
                codes[frame.f_code] = None
            elif event == "c_call" and type(argument) is BuiltinFunctionType and len(natives) < MAX_TRACED:
                natives[argument.__name__] = None

        sys.setprofile(note)
        try:
            self.call(probe, device, args, kwargs)
        except BaseException:  # told once already, when the question was asked without a trace
            pass
        finally:
            sys.setprofile(None)
        inside = self.root + os.sep
        files = [(_place(code.co_filename), code.co_firstlineno) for code in codes]
        return {
            "functions": [[file[len(inside) :], line] for file, line in files if file.startswith(inside)],
            "natives": list(natives),
        }

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

    def __init__(self, modules: Mapping[str, str], loaded: Callable[[str, ModuleType], None] | None) -> None:
        self._modules = dict(modules)
        self._loaded = loaded

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self._modules:
            return None
        file = self._modules[name]
        if not file:  # known not to be built: hide a stale one that lies in the tree
            raise ModuleNotFoundError(f"No module named {name!r}: it is not built for this run", name=name)
        loader = _BuiltLoader(name, file, self._loaded)
        return importlib.util.spec_from_file_location(name, file, loader=loader)


class _BuiltLoader(importlib.machinery.ExtensionFileLoader):
    """Loads a compiled module, and tells."""

    def __init__(self, name: str, file: str, loaded: Callable[[str, ModuleType], None] | None) -> None:
        super().__init__(name, file)
        self._loaded = loaded

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's own initialisation."""
        super().exec_module(module)
        if self._loaded is not None:
            self._loaded(self.path, module)


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
        file = _place(code.co_filename)
        if file.startswith(inside := root + os.sep):
            text = linecache.getline(code.co_filename, traceback.tb_lineno).strip()[:200]
            found.append([file[len(inside) :], traceback.tb_lineno, code.co_name[:100], text])
        traceback = traceback.tb_next
    return found


def _place(filename: str) -> str:
    """A code object's file, links resolved; "" for a name that is no path: it can be set to anything."""
    try:
        return os.path.realpath(filename)
    except ValueError:  # a NUL
        return ""


def take_channel() -> tuple[int, int]:
    """(descriptor to read frames from, descriptor to write them to): what came as stdin and stdout.

    They are moved out of the way, so that print() and a C++ cout go where stderr goes, and are not inherited by what is
    started: it would hold the connection open.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def _watched_runner(start: Mapping[str, Any]) -> Runner:
    """The runner that the judge asks for, under the guard, with the judge's perturbation around compiled modules."""
    root, paths, modules = os.path.realpath(start["root"]), start["paths"], start["modules"]
    name, planned = start["probes"], perturbation.Perturbation(perturbation.plan_of(start["perturbation"]))
    wrap = None
    if importlib.util.find_spec(f"{name}._perturbed") is not None:
        wrap = importlib.import_module(f"{name}._perturbed").wrap
    if planned.mode != modes.PLAIN:
        perturbation.refuse_numpy_in_kernels(planned, numpy)
    numpy_folder = os.path.dirname(numpy.__file__)
    places = [numpy_folder, os.path.realpath(numpy_folder)]
    load_once = guard.install(root, paths, [file for file in modules.values() if file], places)

    seen = set[str]()

    def loaded(file: str, module: ModuleType) -> None:
        if wrap is not None and file not in seen:  # importlib.reload() brings it here again; twice masked is not masked
            wrap(module, planned)
        seen.add(file)
        load_once(file)

    # A submission that looks for them finds fresh copies, which nothing of this worker uses.
    for module in (f"{name}._perturbed", "grader.subject.perturbation", "grader.subject.guard"):
        sys.modules.pop(module, None)
    return Runner(root, paths, modules, name, loaded, planned.asked)


def main() -> None:
    """Serve the judge at the other ends of stdin and stdout until it hangs up."""
    incoming, outgoing = take_channel()

    def read(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = os.read(incoming, min(size - len(data), 1 << 20))
            if not part:  # the judge is gone: nobody is left to report to, and nothing to clean up
                os._exit(0)
            data += part
        return bytes(data)

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(outgoing, view) :]

    def send(kind: str, body: Any) -> None:
        write(protocol.encode(kind, body))

    _, start = protocol.decode(read)
    runner = _watched_runner(start)
    del start  # frames are no secret: how this worker differs from others must not stand in one
    try:
        runner.load()
    except BaseException as error:  # SystemExit too: a script that exits on import is an answer, not an end
        send("import failed", runner.describe(error))
        return
    send("ready", {"version": protocol.VERSION})
    while True:
        _, call = protocol.decode(read)
        ask = runner.trace if call["trace"] else runner.call
        try:
            answer = protocol.encode(
                "answer",
                {"id": call["id"], "value": ask(call["probe"], call["device"], call["args"], call["kwargs"])},
            )
        except BaseException as error:
            answer = protocol.encode("raised", {"id": call["id"], **runner.describe(error)})
        write(answer)
