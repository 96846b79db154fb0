"""The process that runs the suite over the reference under Python's profiler, for trace.py.

Only while the tree is asked, so that oracles cost nothing. What runs while a module of the tree is imported belongs to
every case.

    python -m proof.tracer TREE.json FOUND.json DEVICE TEST_FILE...
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from grader.build import BuiltTree
from grader.judge import ROOT
from grader.judging.run import Run
from grader.subject.client import Subject
from proof.python_units import Parsed, parse


class Tracer:
    """A plugin of pytest's: watches what the tree runs while it is asked."""

    def __init__(self, root: str, compiled: frozenset[str]) -> None:
        """root: the tree's folder. compiled: the names of its compiled modules."""
        self.cases: dict[str, tuple[list[str], list[str], float]] = {}
        self.imported: set[str] = set()
        self.waiting: Counter[str] = Counter()  # file of the suite -> its cases that have not passed yet
        self._root = os.path.realpath(root) + os.sep
        self._compiled = compiled
        self._codes: dict[int, CodeType] = {}
        self._kernels: set[str] = set()
        self._at_import: dict[int, CodeType] = {}
        self._importing = 0  # modules of the tree that are being imported, one inside the other
        self._files: dict[str, Parsed] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        run = config.pluginmanager.get_plugin("grader-run")
        assert isinstance(run, Run)
        open_subject = run.tree.subject_for
        watched: dict[int, Subject] = {}

        def subject_for(item: pytest.Item) -> Subject:
            subject = open_subject(item)
            return watched.setdefault(id(subject), _Watched(subject, self._profile))

        run.tree.subject_for = subject_for  # type: ignore[method-assign]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.waiting.update(item.path.name for item in session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        self.waiting[Path(report.fspath).name] -= report.passed
        units = {name for code in self._codes.values() if (name := self._unit(code))}
        name = f"{Path(report.fspath).name}::{report.nodeid.partition('::')[2]}"
        self.cases[name] = (sorted(units), sorted(self._kernels), report.duration)
        self._codes, self._kernels = {}, set()

    def pytest_sessionfinish(self) -> None:
        self.imported = {name for code in self._at_import.values() if (name := self._unit(code))}

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "c_call":
            if getattr(argument, "__module__", None) in self._compiled:
                self._kernels.add(argument.__name__)
        elif event == "call" and code.co_filename.startswith(self._root):
            self._importing += code.co_name == "<module>"
            (self._at_import if self._importing else self._codes)[id(code)] = code
        elif event == "return" and code.co_name == "<module>" and code.co_filename.startswith(self._root):
            self._importing -= 1

    def _unit(self, code: CodeType) -> str:
        """The unit that a code object is in; "" for a module's or a class's own."""
        if code.co_filename not in self._files:
            self._files[code.co_filename] = parse(Path(code.co_filename).read_text(encoding="utf-8"))
        name = self._files[code.co_filename].unit_at(code.co_firstlineno)
        return f"{code.co_filename.removeprefix(self._root)}:{name}" if name else ""


class _Watched:
    """A subject whose tree is profiled while it is asked."""

    def __init__(self, subject: Subject, profile: Any) -> None:
        self._subject = subject
        self._profile = profile

    def ask(self, *question: Any) -> Any:
        """See Subject."""
        sys.setprofile(self._profile)
        try:
            return self._subject.ask(*question)
        finally:
            sys.setprofile(None)

    def renew(self) -> None:
        """See Subject."""
        self._subject.renew()

    def close(self) -> None:
        """See Subject."""
        self._subject.close()


def main() -> None:
    """See the module."""
    tree_file, found_file, device, *files = sys.argv[1:]
    tree = BuiltTree.from_json(Path(tree_file).read_text(encoding="utf-8"))
    tracer = Tracer(str(tree.root), frozenset(tree.modules))
    command = [*files, "-c", str(ROOT / "pyproject.toml"), "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += ["--prepared", tree_file, "--device", device, "--isolation", "none", "--seed", "1"]
    pytest.main(command, plugins=[tracer])
    passed = [name for name, count in tracer.waiting.items() if count == 0]
    found = {"imported": sorted(tracer.imported), "cases": tracer.cases, "passed": passed}
    Path(found_file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
