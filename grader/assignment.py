"""Load and check an assignment: its buckets, problems, points, limits, and what of a tree may be changed.

Everything the engine knows about an assignment comes from its `assignment.toml` and the suite beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from grader.errors import UsageError


@dataclass(frozen=True)
class Problem:
    """What earns points."""

    name: str  # "conv_forward"
    bucket: str  # "conv"
    points: float  # earned in full when every case passes
    aliases: tuple[str, ...]  # other names that -k selects it by
    about: str  # one line for the student: what is to be done


@dataclass(frozen=True)
class CaseLimits:
    """What a case, and a run, may take of the machine."""

    case_cpu_seconds: float  # CPU time of one call
    case_wall_seconds: float  # wall time of one call: catches sleeping and waiting
    start_wall_seconds: float  # wall time until the tree is imported
    run_seconds: float  # wall time of a whole run over a tree
    memory_mib: int  # address space of a worker
    output_kib: int  # of what a submission prints; the rest is dropped
    build_seconds: float  # wall time of compiling one tree
    build_memory_mib: int  # address space of a compiler process


@dataclass(frozen=True)
class Devices:
    """The devices that the suite knows."""

    known: tuple[str, ...]  # values of --device
    graded: tuple[str, ...]  # those that count; one that is not on the machine gives "not run"
    needs: Mapping[str, str]  # device -> the compiled module without which it cannot be there


@dataclass(frozen=True)
class TreeLayout:
    """Where things are in a tree."""

    required: tuple[str, ...]  # files without which it is not a tree of this assignment
    paths: tuple[str, ...]  # folders for sys.path
    modules: Mapping[str, str]  # compiled module, fully qualified -> its source file
    editable: tuple[str, ...]  # glob patterns of what a student may change
    env: Mapping[str, str]  # environment variables of the worker


@dataclass(frozen=True)
class Assignment:
    """One assignment."""

    name: str
    title: str
    suite: Path  # the folder of assignment.toml: test_*.py, probes/, oracle.py
    problems: tuple[Problem, ...]
    limits: CaseLimits
    devices: Devices
    layout: TreeLayout

    @property
    def buckets(self) -> tuple[str, ...]:
        """The buckets' names, in the order of their first problem."""
        return tuple(dict.fromkeys(problem.bucket for problem in self.problems))

    @property
    def max_score(self) -> float:
        """The points of all problems together."""
        return sum(problem.points for problem in self.problems)

    def problem(self, name: str) -> Problem:
        """The problem of that name, or of that alias. Raises UsageError where there is none."""
        for problem in self.problems:
            if name == problem.name or name in problem.aliases:
                return problem
        known = ", ".join(problem.name for problem in self.problems)
        raise UsageError(f"{self.name} has no problem {name!r}; expected one of: {known}.")


def load_assignment(suite: Path) -> Assignment:
    """Read `suite/assignment.toml`. Raises UsageError with the file, the key and what was expected of it."""
    file = suite / "assignment.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file} is not there; expected the description of an assignment.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    table = _Table(file, "", data)
    limits, devices, tree = table.table("limits"), table.table("devices"), table.table("tree")
    assignment = Assignment(
        name=table.text("name"),
        title=table.text("title"),
        suite=suite.resolve(),
        problems=tuple(_problem(item) for item in table.tables("problem")),
        limits=CaseLimits(
            case_cpu_seconds=limits.number("case_cpu_seconds"),
            case_wall_seconds=limits.number("case_wall_seconds"),
            start_wall_seconds=limits.number("start_wall_seconds"),
            run_seconds=limits.number("run_seconds"),
            memory_mib=int(limits.number("memory_mib")),
            output_kib=int(limits.number("output_kib")),
            build_seconds=limits.number("build_seconds"),
            build_memory_mib=int(limits.number("build_memory_mib")),
        ),
        devices=Devices(devices.texts("known"), devices.texts("graded"), devices.mapping("needs")),
        layout=TreeLayout(
            required=tree.texts("required"),
            paths=tree.texts("paths"),
            modules=tree.mapping("modules"),
            editable=tree.texts("editable"),
            env=tree.mapping("env"),
        ),
    )
    _check(assignment, file)
    return assignment


def _problem(table: _Table) -> Problem:
    return Problem(
        name=table.text("name"),
        bucket=table.text("bucket"),
        points=table.number("points"),
        aliases=table.texts("aliases") if "aliases" in table.data else (),
        about=table.text("about"),
    )


def _check(assignment: Assignment, file: Path) -> None:
    names = [name for problem in assignment.problems for name in (problem.name, *problem.aliases)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{file}: the problem name {name!r} is used twice; expected unique names and aliases.")
    if not assignment.problems:
        raise UsageError(f"{file}: there is no [[problem]]; expected at least one.")
    for device in assignment.devices.graded:
        if device not in assignment.devices.known:
            raise UsageError(f"{file}: devices.graded has {device!r}, which is not in devices.known.")


@dataclass(frozen=True)
class _Table:
    """A TOML table that says which key of which file is wrong, and what was expected."""

    file: Path
    name: str
    data: dict[str, Any]

    def _get(self, key: str, kinds: tuple[type, ...], expected: str) -> Any:
        place = f"{self.name}{key}"
        if key not in self.data:
            raise UsageError(f"{self.file}: {place} is missing; expected {expected}.")
        value = self.data[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise UsageError(f"{self.file}: {place} has value {value!r}; expected {expected}.")
        return value

    def text(self, key: str) -> str:
        return str(self._get(key, (str,), "a string"))

    def number(self, key: str) -> float:
        value = float(self._get(key, (int, float), "a positive number"))
        if not value > 0:
            raise UsageError(f"{self.file}: {self.name}{key} has value {value:g}; expected a positive number.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._get(key, (list,), "a list of strings")
        if not all(isinstance(value, str) for value in values):
            raise UsageError(f"{self.file}: {self.name}{key} has value {values!r}; expected a list of strings.")
        return tuple(values)

    def table(self, key: str) -> _Table:
        return _Table(self.file, f"{self.name}{key}.", self._get(key, (dict,), "a table"))

    def tables(self, key: str) -> list[_Table]:
        items = self._get(key, (list,), "a list of tables")
        return [_Table(self.file, f"{self.name}{key}[{i}].", item) for i, item in enumerate(items)]

    def mapping(self, key: str) -> dict[str, str]:
        table = self.table(key)
        return {name: table.text(name) for name in table.data}
