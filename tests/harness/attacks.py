"""The collection of attacks: what a folder of it says, laid out as a submission, and graded in rounds.

A round is one `grade_trees` call over a few attacks with two honest trees, one among them and one last, and a look at
everything else that it could have touched. tests/submissions/attacks/README.md is the format.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import canaries
import pytest
from conftest import ROOT, TOY

from grader.assignment import Assignment, load_assignment
from grader.build import prepare
from grader.errors import GraderError
from grader.grading import REPORTS, grade_trees
from grader.run import RunOptions
from grader.sandbox import open_sandbox
from grader.sandbox.choice import unavailable
from grader.score import Grade
from grader.standing import FILE as STANDING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = ROOT / "tests" / "submissions" / "attacks"
HONEST = ("honest-beside", "honest-after")
ROUND = 10  # attacks a round: each also pays for a fifth of an honest tree, and a failure is narrowed down by halves
SEED = 20261122  # any one: fixed, so that a message can be repeated
_OWN = ("expected.toml", "make.py", "__pycache__")  # of a folder, and not of the submission
_CHECKOUT = ("grader", "tests", "reference", "student", "pyproject.toml", "Makefile", "submit.py")


@dataclass(frozen=True)
class Attack:
    """What expected.toml says; see the README for each key."""

    name: str
    about: str
    stopped_by: str
    category: str
    score: float
    covers: tuple[str, ...] = ()
    assignment: str = "toy"
    select: str = ""
    base: str = "wrong"
    needs_box: bool = False
    also: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    verdicts: Mapping[str, str | list[str]] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    notes: str = ""
    requires: str = ""
    build_seconds: float = 0  # of wall time for compiling a tree; 0: what the assignment says

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return FOLDER / self.name

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of box to run it in."""
        return self.only or (*(() if self.needs_box else ("none",)), "bubblewrap", *self.also)


def obstacle(attack: Attack, kind: str) -> str | None:
    """Why it cannot be tried here in that kind of box; None where it can."""
    if (why := unavailable(kind)) is not None:
        return f"{kind}: {why}"
    if attack.requires and importlib.util.find_spec(attack.requires) is None:
        return f"{attack.requires} is not installed here"
    return None


@cache
def collection() -> tuple[Attack, ...]:
    """Every attack, by name. Raises TypeError or TOMLDecodeError for an expected.toml that is not one."""
    found = []
    for folder in sorted(item for item in FOLDER.iterdir() if (item / "expected.toml").exists()):
        table = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
        lists = {key: tuple(table.pop(key)) for key in ("covers", "also", "only") if key in table}
        found.append(Attack(name=folder.name, **lists, **table))
    return tuple(found)


def assignment_of(attack: Attack) -> Assignment:
    """The assignment that it is a submission to, with the attack's own limit on the build."""
    found = load_assignment(TOY / "assignment" if attack.assignment == "toy" else ROOT / "tests" / attack.assignment)
    if not attack.build_seconds:
        return found
    return replace(found, limits=replace(found.limits, build_seconds=attack.build_seconds))


# ------------------------------------------------------------------------------------------------------------- laid out


def lay_base(assignment: str, base: str, destination: Path) -> Path:
    """A whole tree without an attack."""
    destination.mkdir(parents=True, exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "build")
    if assignment == "toy":
        wrong = [TOY / "good", FOLDER / "bases" / "wrong"]
        layers = {"good": [TOY / "good"], "wrong": wrong, "raw": [*wrong, FOLDER / "bases" / "raw"], "none": []}[base]
        for layer in layers:
            shutil.copytree(layer, destination, ignore=ignored, dirs_exist_ok=True)
    elif base != "none":
        tree = ROOT / ("reference" if base == "good" else "student")
        for part in ("python", "src", "apps"):
            shutil.copytree(tree / part, destination / part, ignore=ignored)
    return destination


def lay_out(attack: Attack, folder: Path, told: Mapping[str, str]) -> Path:
    """The attack as a whole submission, in a new folder below `folder`; returns what is to be graded."""
    tree = lay_base(attack.assignment, attack.base, folder / "tree" / attack.name)
    shutil.copytree(attack.folder, tree, ignore=shutil.ignore_patterns(*_OWN), dirs_exist_ok=True)
    told = {**told, "@NAME@": attack.name}
    for file in tree.rglob("*"):
        if file.is_file() and not file.is_symlink():
            _tell(file, told)
    if not (attack.folder / "make.py").exists():
        return tree
    made = folder / "made" / attack.name
    made.mkdir(parents=True)
    spec = importlib.util.spec_from_file_location(f"make_{attack.name}", attack.folder / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = module.make(made, {**told, "@BASE@": str(tree)})
    assert isinstance(source, Path)
    return source


def _tell(file: Path, told: Mapping[str, str]) -> None:
    text = file.read_bytes()
    if b"@" in text:
        for word, meaning in told.items():
            text = text.replace(word.encode(), meaning.encode())
        file.write_bytes(text)


# --------------------------------------------------------------------------------------------------------------- rounds


@dataclass(frozen=True)
class Outcome:
    """What became of an attack in its round."""

    grade: Grade
    honest: tuple[Grade, ...]
    harm: tuple[str, ...]  # what else the round touched, in words; empty where it touched nothing


@dataclass
class Rounds:
    """Every attack and kind of box that this run of pytest asks for, graded in rounds when the first is asked for."""

    wanted: Sequence[tuple[Attack, str]]
    folder: Path
    outcomes: dict[tuple[str, str], Outcome | Exception] = field(default_factory=dict)
    count: int = 0

    def outcome(self, attack: Attack, kind: str) -> Outcome:
        """What became of it. Raises the GraderError of a judge that did not end well."""
        key = (attack.name, kind)
        if key not in self.outcomes:
            self._grade(self._round_of(attack, kind), kind)
        found = self.outcomes[key]
        if isinstance(found, Exception):
            raise found
        return found

    def _round_of(self, attack: Attack, kind: str) -> list[Attack]:
        """The attack with those beside it that can be graded in the same call."""
        alike = [other for other, its_kind in self.wanted if its_kind == kind and _together(other) == _together(attack)]
        at = alike.index(attack) // ROUND * ROUND
        return alike[at : at + ROUND]

    def _grade(self, attacks: Sequence[Attack], kind: str) -> None:
        """Grade a round. Where something went wrong that is not in one attack's grade, each gets a round of its own."""
        self.count += 1
        try:
            found: Mapping[str, Outcome | Exception] = graded(attacks, kind, self.folder / f"round-{self.count}")
        except GraderError as error:
            found = {attack.name: error for attack in attacks}
        clean = all(isinstance(item, Outcome) and not item.harm for item in found.values())
        if clean or len(attacks) == 1:
            self.outcomes.update({(name, kind): item for name, item in found.items()})
            return
        for attack in attacks:
            self._grade([attack], kind)


def _together(attack: Attack) -> tuple[Any, ...]:
    """What must be the same for attacks of one round."""
    return attack.assignment, attack.select, attack.build_seconds


def graded(attacks: Sequence[Attack], kind: str, folder: Path) -> dict[str, Outcome]:
    """Grade the attacks (alike in assignment and selection) in one call with honest trees. Raises GraderError."""
    assignment, out, temporary = assignment_of(attacks[0]), folder / "out", folder / "tmp"
    cache_folder = folder.parent / "cache"
    for place in (folder / "canaries", out, temporary):
        place.mkdir(parents=True)
    things = canaries.Canaries(folder / "canaries")
    told = {**things.told, "@CHECKOUT@": str(ROOT), "@OUT@": str(out)}
    sources = [lay_out(attack, folder, told) for attack in attacks]
    honest = [lay_base(attacks[0].assignment, "good", folder / "honest" / name) for name in HONEST]
    order = [sources[0], honest[0], *sources[1:], honest[1]]
    options = RunOptions(seed=SEED, devices=("cpu",), selection=attacks[0].select, isolation="worker", sandbox=kind)
    events: list[str] = []
    places = [ROOT / name for name in _CHECKOUT]
    checkout, running = canaries.fingerprint(places), canaries.descendants()
    try:
        with canaries.adopting(), _places(temporary, cache_folder if assignment.name == "toy" else None):
            if attacks[0].build_seconds:  # too short a time for honest trees on a busy machine: these take the cache's
                prepare(honest[0], load_assignment(assignment.suite), open_sandbox(kind), folder / "built")
            grades = grade_trees(
                assignment, order, options, jobs=2, out=out, watch=lambda _, event: events.append(json.dumps(event))
            )
            harm = canaries.left_processes(running)
        harm += [*things.harm(), *canaries.changes(checkout, canaries.fingerprint(places))]
        harm += _left(temporary) + odd_reports(out, things.secret, "".join(events))
        harm += odd_cache(cache_folder) if cache_folder.exists() else []
    finally:
        things.close()
    controls = tuple(grade for grade in grades if grade.tree in HONEST)
    others = [grade for grade in grades if grade.tree not in HONEST]
    return {attack.name: Outcome(grade, controls, tuple(harm)) for attack, grade in zip(attacks, others, strict=True)}


@contextmanager
def _places(temporary: Path, cache_folder: Path | None) -> Iterator[None]:
    """Temporary files and compiled modules in folders of our own, so that what is put there is seen.

    None: the checkout's own cache, because hw4's modules take 20 s to compile.
    """
    patch = pytest.MonkeyPatch()
    patch.setenv("TMPDIR", str(temporary))
    patch.setattr(tempfile, "tempdir", str(temporary))
    if cache_folder is not None:
        patch.setenv("GRADER_CACHE", str(cache_folder))
    try:
        yield
    finally:
        patch.undo()


def _left(folder: Path) -> list[str]:
    """What is still there of the grader's temporary files: a full disk in the end, or something left on purpose."""
    return [f"{item.name} was left in the folder for temporary files" for item in sorted(folder.iterdir())]


def odd_cache(folder: Path) -> list[str]:
    """What the build cache holds besides entries and their locks. A module of another key would be linked by others."""
    entries = sorted(item for item in folder.iterdir() if not re.fullmatch(r"[0-9a-f]{16,}\.lock", item.name))
    found = [f"the cache holds {item.name}" for item in entries if not re.fullmatch(r"[0-9a-f]{16,}", item.name)]
    inside = [file for entry in entries if entry.is_dir() for file in entry.iterdir()]
    return found + [f"the cache holds {file}" for file in inside if file.name not in ("entry.json", "module")]


def odd_reports(out: Path, secret: str, events: str) -> list[str]:
    """Files in the reports' folders that no grading writes, and words in them that a terminal or a page would obey."""
    found = ["the secret is in what the judge told"] if secret in events else []
    for file in sorted(item for item in out.rglob("*") if not item.is_dir()):
        where = file.relative_to(out)
        if len(where.parts) != 2 or file.name not in (*REPORTS, STANDING) or file.is_symlink():
            found.append(f"{where} is no report")
            continue
        text = file.read_text(encoding="utf-8")
        if secret in text:
            found.append(f"{where} holds the secret")
        texts = _texts(json.loads(text)) if file.suffix == ".json" else [text]
        found += [f"{where} holds {sign!a}" for sign in sorted(set("".join(texts))) if not _plain(sign)]
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _plain(sign: str) -> bool:
    """Whether it only shows itself: no control character, no direction change, no invisible one, no half of a pair."""
    return sign.isprintable() or sign == "\n"
