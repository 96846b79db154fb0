"""What each case runs of the reference: the suite, once, in this process, under Python's profiler.

Only while the tree is asked, so that oracles cost nothing. What runs while a module of the tree is imported belongs to
every case. What is found is kept, a file of the suite at a time, until that file, the suite's common code, the
reference or this module changes.

    python -m proof.trace TREE.json DEVICE TEST_FILE... >FOUND.json
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.errors import GraderError
from grader.judge import ROOT
from grader.judging.run import Run
from grader.subject.client import Subject
from proof.python_units import Parsed, parse
from proof.touched import Seen, TouchMap

KEPT = ROOT / "build" / "proof"
TESTS = ROOT / "tests"


def touch_map(
    assignment: Assignment, tree: BuiltTree, sources: Mapping[str, str], devices: Sequence[str], *, complete: bool
) -> TouchMap:
    """What the cases of these devices run; tree: the reference, built for them; sources: its texts.

    A file of the suite whose cases do not all pass, since somebody is at work on it, is told about and left out: its
    cases are then touched by every change. complete: it is refused instead, with a GraderError.
    """
    cases: dict[str, Seen] = {}
    imported: set[str] = set()
    # Each device has a process of its own, which takes half a minute.
    with ThreadPoolExecutor(max(1, len(devices))) as pool:
        traced = list(pool.map(lambda device: _per_file(assignment, tree, sources, device, complete), devices))
    for files in traced:
        for found in files:
            imported.update(found["imported"])
            for name, (units, kernels, seconds) in found["cases"].items():
                cases[name] = Seen(frozenset(units), frozenset(kernels), seconds)
    return TouchMap(cases, frozenset(imported))


def _per_file(
    assignment: Assignment, tree: BuiltTree, sources: Mapping[str, str], device: str, complete: bool
) -> list[dict[str, Any]]:
    common = _hash({path.name: path.read_text(encoding="utf-8") for path in _common(assignment.suite)})
    reference = _hash(sources)
    kept: dict[Path, Path] = {}
    for file in sorted(assignment.suite.glob("test_*.py")):
        if file.name == "test_submission.py":  # its functions have no verdict
            continue
        key = _hash({"file": file.read_text(encoding="utf-8"), "common": common, "reference": reference})
        kept[file] = KEPT / f"touched-{file.stem}-{device}-{key[:16]}.json"
    missing = [file for file, place in kept.items() if not place.exists()]
    if missing:
        print(f"seeing what the cases of {len(missing)} files run on {device} ...", file=sys.stderr, flush=True)
        found = _traced(tree, device, missing)
        KEPT.mkdir(parents=True, exist_ok=True)
        for file in missing:
            if file.name in found["passed"]:
                _keep(kept[file], file, device, found)
            elif complete:
                raise GraderError(f"{file.name} does not pass on the reference on {device}, so nothing can be proved")
            else:
                print(f"{file.name} does not pass on the reference: its cases are run for every bug", file=sys.stderr)
    return [json.loads(place.read_text(encoding="utf-8")) for place in kept.values() if place.exists()]


def _keep(place: Path, file: Path, device: str, found: Mapping[str, Any]) -> None:
    for older in KEPT.glob(f"touched-{file.stem}-{device}-*.json"):
        older.unlink(missing_ok=True)
    own = {name: seen for name, seen in found["cases"].items() if name.startswith(f"{file.name}::")}
    fresh = place.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"imported": found["imported"], "cases": own}), encoding="utf-8")
    fresh.replace(place)


def _common(suite: Path) -> list[Path]:
    """What the suite's files share, and this package's own way of looking."""
    shared = [path for path in suite.rglob("*.py") if not path.name.startswith("test_")]
    return sorted([*shared, Path(__file__), Path(__file__).with_name("python_units.py")])


def _hash(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode()).hexdigest()


def _traced(tree: BuiltTree, device: str, files: Sequence[Path]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="proof-trace-") as name:
        folder = Path(name)
        (folder / "tree.json").write_text(tree.to_json(), encoding="utf-8")
        arguments = [str(folder / "tree.json"), str(folder / "found.json"), device, *map(str, files)]
        done = subprocess.run(
            [sys.executable, "-m", "proof.trace", *arguments],
            cwd=ROOT,
            env=judge_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if not (folder / "found.json").exists():
            raise GraderError(f"the suite cannot be run on the reference:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found


def judge_environment() -> dict[str, str]:
    """As a judge's, with this package to be imported."""
    from grader.judge import judging_environment

    return {**judging_environment(os.environ), "PYTHONPATH": str(TESTS)}


# -- in the process that traces ------------------------------------------------------------------------------------


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
