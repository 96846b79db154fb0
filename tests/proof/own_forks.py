"""Which mutants of a module of the grader its tests notice: a fork of this process for every mutant.

A mutant of a function's body is laid into a process that has collected all tests, by giving the function its new code;
then only the tests run that enter the function, those first that run the changed line, and of these the fastest. What
changes anything else of the module, such as a constant or a default, is imported anew, and all tests of the module run.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from proof.mutate import Mutant
from proof.python_units import changed_units, parse

_AT_IMPORT = ""  # the name, among the tests, of what runs while they are collected
# Whole trees of the repository take minutes, and small ones of a test's own must do to notice a mutant.
_SMALL = "not real and not readme"
_PATIENCE = 5  # a mutant may take that many times as long as the tests without it, and as many seconds more


@dataclass
class Trace:
    """What the tests run of the module."""

    lines: dict[str, set[int]] = field(default_factory=dict)  # by the test's id
    seconds: dict[str, float] = field(default_factory=dict)


def survivors(root: Path, module: str, path: Path, made: Sequence[Mutant], tests: Sequence[Path]) -> list[Mutant]:
    """The mutants that no test in these files notices, in their order. The tests must pass without them."""
    os.chdir(root)
    alive: list[Mutant] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        options = ["-q", "-x", "--tb=no", "-p", "no:cacheprovider", "-k", _SMALL, f"--basetemp={scratch / 'tmp'}"]
        options += [str(test) for test in tests]
        laid = _Laid(module, path, made, scratch / "found.json", options)
        if _forked(laid.run, timeout=3600) != 0:
            raise SystemExit(f"{module}: its tests fail without any mutant, or none of them runs it")
        found = json.loads((scratch / "found.json").read_text())
        for number, mutant in enumerate(made):
            status = found["statuses"].get(str(number))
            if status is None:
                anew = partial(_anew, _Importing(module, path, mutant.source), options, found["tests"])
                status = _forked(anew, _PATIENCE * (1 + found["seconds"]))
            if status == 0:
                alive.append(mutant)
    return alive


class _Unshrunk:
    """A plugin of pytest: the first example that fails will do, since to make it smaller takes most of the time."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings  # not before pytest has prepared its imports

        settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), database=None)
        settings.load_profile("mutants")


@dataclass
class _Laid(_Unshrunk):
    """A plugin of pytest, that runs mutants in place of the tests that were collected."""

    module: str
    path: Path
    made: Sequence[Mutant]
    result: Path
    options: Sequence[str]
    trace: Trace = field(default_factory=Trace)

    def __post_init__(self) -> None:
        self.source = self.path.read_text(encoding="utf-8")
        self.units = parse(self.source).units

    def run(self) -> int:
        """Collect the tests, measure them, and try every mutant that can be laid in. Leaves what it found in a file."""
        self._tracing(_AT_IMPORT)
        return _pytest(self.options, self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.settrace(None)
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        traced = self.result.with_name("trace.json")
        if _forked(partial(self._measure, session, traced), timeout=900) != 0:
            raise session.Failed("the tests fail without any mutant")
        raw = json.loads(traced.read_text())
        self.trace.lines.update({name: set(lines) for name, lines in raw["lines"].items()})
        self.trace.seconds.update(raw["seconds"])
        statuses = {}
        for number, mutant in enumerate(self.made):
            change = self._change(mutant)
            if change is not None:
                target, code, chosen = change
                items = [item for name in chosen for item in session.items if item.nodeid == name]
                patience = _PATIENCE * (1 + sum(self.trace.seconds[name] for name in chosen))
                statuses[number] = _forked(partial(_with, target, code, items), patience) if items else 0
        fast_first = sorted(self.trace.seconds, key=self.trace.seconds.__getitem__)
        seconds = sum(self.trace.seconds.values())
        self.result.write_text(json.dumps({"statuses": statuses, "tests": fast_first, "seconds": seconds}))
        return True

    def _change(self, mutant: Mutant) -> tuple[FunctionType, CodeType, list[str]] | None:
        """The function that gets new code, and the tests to run; None for what must be imported anew."""
        unit = next((unit for unit in self.units if unit.first <= mutant.line <= unit.last), None)
        if unit is None or changed_units(self.source, mutant.source) != {unit.name}:
            return None
        inside = set(range(unit.first, unit.last + 1))
        function, parts = _function(sys.modules[self.module], unit.name), unit.name.split(".")
        before, after = _find(ast.parse(self.source), parts), _find(ast.parse(mutant.source), parts)
        if function is None or _head(before) != _head(after):
            return None
        if self.trace.lines[_AT_IMPORT] & (inside - set(range(unit.first, before.body[0].lineno))):
            return None  # what it returned while the tests were collected would stay
        code = _code(compile(mutant.source, str(self.path), "exec", dont_inherit=True), parts)
        if code.co_freevars != function.__code__.co_freevars:
            return None
        chosen = [test for test, lines in self.trace.lines.items() if test != _AT_IMPORT and lines & inside]
        chosen.sort(key=lambda test: (mutant.line not in self.trace.lines[test], self.trace.seconds[test]))
        return function, code, chosen

    def _measure(self, session: pytest.Session, file: Path) -> int:
        """Run every test once, and write down what it runs of the module."""
        for number, item in enumerate(session.items):
            self._tracing(item.nodeid)
            began = time.perf_counter()
            following = session.items[number + 1] if number + 1 < len(session.items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.trace.seconds[item.nodeid] = time.perf_counter() - began
        sys.settrace(None)
        lines = {name: sorted(found) for name, found in self.trace.lines.items()}
        file.write_text(json.dumps({"lines": lines, "seconds": self.trace.seconds}))
        return int(bool(session.testsfailed))

    def _tracing(self, name: str) -> None:
        """From now on the module's lines count for this test."""
        lines, own = self.trace.lines.setdefault(name, set()), str(self.path)

        def local(frame: FrameType, event: str, _: Any) -> Any:
            lines.add(frame.f_lineno)
            return local

        def entered(frame: FrameType, event: str, _: Any) -> Any:
            return local(frame, event, _) if frame.f_code.co_filename == own else None

        sys.settrace(entered)


@dataclass
class _Importing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the module from another text."""

    module: str
    path: Path
    text: str

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.module else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.text, str(self.path), "exec", dont_inherit=True), module.__dict__)


class _Only(_Unshrunk):
    """A plugin of pytest: these tests alone, in this order."""

    def __init__(self, names: Sequence[str]) -> None:
        self.places = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.places), key=lambda item: self.places[item.nodeid])


def _anew(importing: _Importing, options: Sequence[str], tests: Sequence[str]) -> int:
    """The tests' status with the whole package imported anew."""
    for name in [name for name in sys.modules if name == "grader" or name.startswith("grader.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, importing)
    return _pytest(options, _Only(tests))


def _with(function: FunctionType, code: CodeType, items: Sequence[pytest.Item]) -> int:
    """1 where a test fails with that code in the function."""
    function.__code__ = code
    session = items[0].session
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def _pytest(options: Sequence[str], plugin: object) -> int:
    return int(pytest.main(list(options), plugins=[plugin]))


def _forked(work: Callable[[], int], timeout: float) -> int:
    """What the work returns in a process of its own, without output; above 1 where it raises, or takes too long."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()  # so that what it starts ends with it
            silent = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(silent, descriptor)
            status = work()
        finally:
            os._exit(status)
    end = time.monotonic() + timeout
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.005)
    code = os.waitstatus_to_exitcode(ended[1])
    return code if code >= 0 else 2


def _head(function: Any) -> str:
    """A function without its body: what runs when it is defined."""
    return ast.dump(function.args) + "".join(map(ast.dump, function.decorator_list))


def _find(node: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        node = next(item for item in node.body if getattr(item, "name", "") == part)
    return node


def _function(module: ModuleType, name: str) -> FunctionType | None:
    """The function of the loaded module, under what its decorators made of it; None where that cannot be told."""
    found: Any = module
    for part in name.split("."):
        found = vars(found).get(part)
    for attribute in ("__func__", "__wrapped__", "fget", "func"):  # classmethod, cache, property, cached_property
        found = getattr(found, attribute, found) if not isinstance(found, FunctionType) else found
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found if isinstance(found, FunctionType) else None


def _code(code: CodeType, parts: Sequence[str]) -> CodeType:
    """The code of a function or method in a module's code."""
    for part in parts:
        code = next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == part)
    return code
