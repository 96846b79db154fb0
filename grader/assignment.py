"""Load and check an assignment: its buckets, problems, points, limits, and what of a tree may be changed.

Everything the engine knows about an assignment comes from its `assignment.toml` and the suite beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from grader.delegation.rules import Delegation, read_delegation
from grader.errors import UsageError
from grader.tables import Table
from grader.tolerance import DEFAULT, Tolerance

LOCAL_SERVER = "http://127.0.0.1:8600/"  # where `python -m grader serve` listens
AUTO = "auto"  # as a device: what is graded, less what is not here, for which what simulates it stands in
MAX_TITLE = 60  # characters of a submission case's title: it must fit a line of a terminal beside its verdict


@dataclass(frozen=True)
class Problem:
    """What earns points."""

    name: str  # "conv_forward"
    bucket: str  # "conv"
    points: float  # earned in full when every case passes
    aliases: tuple[str, ...]  # other names that -k selects it by
    about: str  # one line for the student: what is to be done
    section: str = ""  # where the handout speaks of it: its headings from the outermost, joined by " > "
    submission_cases: tuple[str, ...] = ()  # titles of what is posted to the server; a case's index is its place here
    rtol: float = DEFAULT.rtol  # how near right answers are, of the suite's cases and of what is posted: see Tolerance
    atol: float = DEFAULT.atol
    on_devices: Mapping[str, Tolerance] = field(default_factory=dict)  # device -> its own, where it has another

    def tolerance(self, device: str) -> Tolerance:
        """How near right answers are on this device; "" for a case that depends on none."""
        return self.on_devices.get(device, Tolerance(self.rtol, self.atol))


@dataclass(frozen=True)
class Part:
    """A stretch of the assignment's text: what a student writes in one go, and the problems that it earns."""

    title: str  # "Convolutional network"
    problems: tuple[str, ...]  # their names
    tasks: tuple[str, ...]  # where it is written: FILE, or FILE:NAME with * for any text, such as "nn.py:Linear.*"
    extra: tuple[str, ...] = ()  # more of the same, which earns nothing by itself or not on every machine


@dataclass(frozen=True)
class HandoutText:
    """The assignment's text, for pointing to the place that explains what a case asks."""

    file: str  # what students open: "hw4.ipynb"
    # Pattern of tests' functions -> the headings above the place, from the outermost, joined by " > ". The first that
    # fits goes before the problem's own section.
    sections: Mapping[str, str]

    def place(self, problem: Problem, function: str) -> str:
        """Where the text speaks of what this test asks: "hw4.ipynb > Part 4: RNN > The cell"; "" where nobody said."""
        found = (section for pattern, section in self.sections.items() if fnmatchcase(function, pattern))
        section = next(found, problem.section)
        return f"{self.file} > {section}" if section else ""


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
    # Device -> the one whose CUDA it runs on the CPU; both have the same module, each its own build of it.
    simulates: Mapping[str, str] = field(default_factory=dict)

    def module(self, device: str) -> str:
        """The compiled module without which `device` cannot be there; "" where it needs none."""
        return self.needs.get(self.simulates.get(device, device), "")


@dataclass(frozen=True)
class TreeLayout:
    """Where things are in a tree."""

    required: tuple[str, ...]  # files without which it is not a tree of this assignment
    paths: tuple[str, ...]  # folders for sys.path
    modules: Mapping[str, str]  # compiled module, fully qualified -> its source file
    editable: tuple[str, ...]  # glob patterns of what a student may change
    env: Mapping[str, str]  # environment variables of the worker
    # Module -> files compiled apart and linked with its source, where a tree has them: bindings that seldom change.
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pristine: str = ""  # path from the suite to the tree that students are given; "": what is handed in is taken whole


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
    submission_seed: int | None = None  # what the submission cases' inputs are drawn from; None: there are none
    server: str = LOCAL_SERVER  # where submissions go unless a student says otherwise
    parts: tuple[Part, ...] = ()  # in the order in which they are done; none where the text has none
    delegation: Delegation | None = None  # what the compiled modules must have computed; None: nothing is asked again
    handout: HandoutText | None = None  # the text that goes with it; None: there is none

    @property
    def buckets(self) -> tuple[str, ...]:
        """The buckets' names, in the order of their first problem."""
        return tuple(dict.fromkeys(problem.bucket for problem in self.problems))

    def problem(self, name: str) -> Problem:
        """The problem of that name, or of that alias. Raises UsageError where there is none."""
        for problem in self.problems:
            if name == problem.name or name in problem.aliases:
                return problem
        known = ", ".join(problem.name for problem in self.problems)
        raise UsageError(f"{self.name} has no problem {name!r}; expected one of: {known}.")


def own_suite(root: Path) -> Path:
    """The suite that the checkout at `root` is about: the one folder of its tests/ that has an assignment.toml.

    Where there is none, or several, tests/ itself, which is no suite: then one has to be named.
    """
    found = [file.parent for file in (root / "tests").glob("*/assignment.toml")]
    return found[0] if len(found) == 1 else root / "tests"


def load_assignment(suite: Path) -> Assignment:
    """Read `suite/assignment.toml`. Raises UsageError with the file, the key and what was expected of it."""
    file = suite / "assignment.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file} is not there; expected the description of an assignment.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    table = Table(file, "", data)
    submission = table.table("submission") if "submission" in data else None
    assignment = Assignment(
        name=table.word("name"),
        title=table.text("title"),
        suite=suite.resolve(),
        problems=tuple(_problem(item) for item in table.tables("problem")),
        limits=_limits(table.table("limits")),
        devices=_devices(table.table("devices")),
        layout=_layout(table.table("tree")),
        submission_seed=submission.whole("seed") if submission else None,
        server=_server(submission) if submission else LOCAL_SERVER,
        parts=tuple(_part(item) for item in table.tables("part")) if "part" in data else (),
        delegation=read_delegation(table.table("delegation")) if "delegation" in data else None,
        handout=_handout(table.table("handout")) if "handout" in data else None,
    )
    if submission:
        submission.finish()
    table.finish()
    _check(assignment, file)
    return assignment


def _problem(table: Table) -> Problem:
    tolerance = table.table("tolerance") if "tolerance" in table.data else None
    problem = Problem(
        name=table.word("name"),
        bucket=table.word("bucket"),
        points=table.number("points"),
        aliases=table.words("aliases") if "aliases" in table.data else (),
        about=table.text("about"),
        section=table.text("section") if "section" in table.data else "",
        submission_cases=_titles(table, "submission") if "submission" in table.data else (),
        **(_tolerance(tolerance) if tolerance else {}),
    )
    table.finish()
    return problem


def _handout(table: Table) -> HandoutText:
    handout = HandoutText(table.text("file"), table.mapping("sections") if "sections" in table.data else {})
    table.finish()
    return handout


def _tolerance(table: Table) -> dict[str, Any]:
    """The fields of Problem that its tolerance gives: rtol and atol, and under `devices` others for some of them."""
    fields: dict[str, Any] = {"rtol": table.fraction("rtol"), "atol": table.fraction("atol")}
    if "devices" in table.data:
        by_device = table.table("devices")
        own = {device: by_device.table(device) for device in by_device.data}
        fields["on_devices"] = {d: Tolerance(t.fraction("rtol"), t.fraction("atol")) for d, t in own.items()}
        for each in own.values():
            each.finish()
    table.finish()
    return fields


def _part(table: Table) -> Part:
    extra = table.texts("extra") if "extra" in table.data else ()
    part = Part(table.text("title"), table.words("problems"), table.texts("tasks"), extra)
    table.finish()
    return part


def _titles(table: Table, key: str) -> tuple[str, ...]:
    """The titles of submission cases: they go through terminals, web pages and CSV files, so they are plain lines."""
    expected = f"a list of titles: one at least, none twice, each a plain line of 1 to {MAX_TITLE} characters"
    titles = table.texts(key)
    plain = all(
        0 < len(title) <= MAX_TITLE and title.isprintable() and title == " ".join(title.split()) for title in titles
    )
    if not titles or not plain or len(set(titles)) < len(titles):
        raise table.wrong(key, expected)
    return titles


def _server(table: Table) -> str:
    """A URL that submissions can be posted under."""
    expected = f"an address without user or query, such as {LOCAL_SERVER!r}"
    address = table.text("server")
    try:
        url = urlsplit(address)
        right = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # the port is no number, or the host is half an IPv6 address
        right = False
    if not right or not address.isprintable() or any(mark in address for mark in "@?# \\"):
        raise table.wrong("server", expected)
    return address


def _limits(table: Table) -> CaseLimits:
    limits = CaseLimits(
        case_cpu_seconds=table.number("case_cpu_seconds"),
        case_wall_seconds=table.number("case_wall_seconds"),
        start_wall_seconds=table.number("start_wall_seconds"),
        run_seconds=table.number("run_seconds"),
        memory_mib=table.whole("memory_mib"),
        output_kib=table.whole("output_kib"),
        build_seconds=table.number("build_seconds"),
        build_memory_mib=table.whole("build_memory_mib"),
    )
    table.finish()
    return limits


def _devices(table: Table) -> Devices:
    simulates = table.mapping("simulates") if "simulates" in table.data else {}
    devices = Devices(table.texts("known"), table.texts("graded"), table.mapping("needs"), simulates)
    table.finish()
    return devices


def _layout(table: Table) -> TreeLayout:
    modules = table.path_lists("modules")
    layout = TreeLayout(
        required=table.paths("required"),
        paths=table.paths("paths"),
        modules={module: paths[0] for module, paths in modules.items()},
        companions={module: paths[1:] for module, paths in modules.items() if paths[1:]},
        editable=table.paths("editable"),
        env=table.mapping("env"),
        pristine=_pristine(table) if "pristine" in table.data else "",
    )
    table.finish()
    return layout


def _pristine(table: Table) -> str:
    path = table.text("pristine")
    if not path or Path(path).is_absolute():
        raise table.wrong("pristine", "a path from this file's folder to the tree that students are given")
    return path


def _check(assignment: Assignment, file: Path) -> None:
    names = [name for problem in assignment.problems for name in (problem.name, *problem.aliases)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{file}: the problem name {name!r} is used twice; expected unique names and aliases.")
    if not assignment.problems:
        raise UsageError(f"{file}: there is no [[problem]]; expected at least one.")
    submitted = [problem.name for problem in assignment.problems if problem.submission_cases]
    if submitted and assignment.submission_seed is None:
        raise UsageError(
            f"{file}: problem {submitted[0]!r} has submission cases, but submission is missing; "
            "expected a table with seed and server."
        )
    _check_tolerances(assignment, file)
    _check_parts(assignment, file)
    _check_devices(assignment.devices, assignment.layout.modules, file)
    _check_delegation(assignment, file)


def _check_tolerances(assignment: Assignment, file: Path) -> None:
    for problem in assignment.problems:
        for device in problem.on_devices:
            if device not in assignment.devices.known:
                raise UsageError(
                    f"{file}: problem {problem.name!r} has a tolerance for the device {device!r}; "
                    f"expected one of: {', '.join(assignment.devices.known)}."
                )


def _check_parts(assignment: Assignment, file: Path) -> None:
    known = [problem.name for problem in assignment.problems]
    named = [name for part in assignment.parts for name in part.problems]
    for name in dict.fromkeys((*named, *(known if named else ()))):
        if name not in known:
            raise UsageError(f"{file}: a part names the problem {name!r}; expected one of: {', '.join(known)}.")
        if named.count(name) != 1:
            raise UsageError(f"{file}: the problem {name!r} is in {named.count(name)} parts; expected exactly one.")


def _check_devices(devices: Devices, modules: Mapping[str, str], file: Path) -> None:
    if not devices.graded:
        raise UsageError(f"{file}: devices.graded is empty; expected at least one device.")
    if AUTO in devices.known:
        raise UsageError(f"{file}: devices.known has {AUTO!r}, which `--device` takes for a choice of its own.")
    for key, values in (
        ("graded", devices.graded),
        ("needs", tuple(devices.needs)),
        ("simulates", tuple(devices.simulates)),
    ):
        for device in values:
            if device not in devices.known:
                raise UsageError(f"{file}: devices.{key} has {device!r}, which is not in devices.known.")
    for device, module in devices.needs.items():
        # Misspelt, it would be a module that is never missing: every machine would seem to have the device.
        if module not in modules:
            raise UsageError(f"{file}: devices.needs.{device} has value {module!r}, which is not in tree.modules.")
    for device, real in devices.simulates.items():
        where = f"{file}: devices.simulates.{device} has value {real!r}"
        if not modules.get(devices.needs.get(real, ""), "").endswith(".cu"):
            raise UsageError(f"{where}; expected a device whose module, by devices.needs, is compiled from a .cu file.")
        if device in devices.needs:
            raise UsageError(f"{where}, so it needs the same module; expected no devices.needs.{device}.")


def _check_delegation(assignment: Assignment, file: Path) -> None:
    for device in assignment.delegation.devices if assignment.delegation else ():
        # Without a compiled module nothing can be altered: every case would seem to be computed by something else.
        if device not in assignment.devices.known or not assignment.devices.module(device):
            raise UsageError(
                f"{file}: delegation.devices has {device!r}; expected devices that need a compiled module, by "
                "devices.needs or devices.simulates."
            )
