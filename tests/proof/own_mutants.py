"""Mutants of the modules that decide a grade, and the tests of the harness that must notice each of them.

    PYTHONPATH=tests python -m proof.own_mutants [MODULE...]

Prints every mutant that no test notices and that own_mutants.toml does not explain; the exit status says whether there
are any. own_forks.py runs the tests.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.tables import Table
from proof.markdown import code, table
from proof.mutant_list import source_hash

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("own_mutants.toml")
RUNS = Path(__file__).with_name("own_mutants.json")  # what was found when each module was run last

_NOTEBOOK = ("test_notebook", "test_notebook_handout")
# The modules and the test files, of tests/harness, that are about them: they must notice every mutant by themselves.
TESTS: dict[str, tuple[str, ...]] = {
    "grader.compare": ("test_compare", "test_compare_same", "test_evidence", "test_message"),
    "grader.points": ("test_score",),
    "grader.score": ("test_score",),
    "grader.tolerance": ("test_tolerances", "test_compare"),
    "grader.verdict": ("test_score", "test_evidence", "test_verdicts"),
    "grader.report.audience": ("test_audience",),
    "grader.judging.verdicts": ("test_verdicts",),
    "grader.derive.archive": ("test_release",),
    "grader.derive.cells": _NOTEBOOK,
    "grader.derive.cpp": ("test_derive",),
    "grader.derive.cpp_code": ("test_cpp_code",),
    "grader.derive.handout": ("test_handout", "test_release"),
    "grader.derive.ipynb": ("test_derive", *_NOTEBOOK),
    "grader.derive.leakage": ("test_leakage", "test_release", "test_notebook_handout"),
    "grader.derive.markers": ("test_derive",),
    "grader.derive.myst": _NOTEBOOK,
    "grader.derive.notebook": _NOTEBOOK,
    "grader.derive.python": ("test_derive", *_NOTEBOOK),
    "grader.derive.syntax": ("test_derive", *_NOTEBOOK),
    "grader.derive.tree": ("test_derive", "test_notebook_handout"),
    "grader.derive.written": ("test_notebook", "test_carry"),
}


@dataclass(frozen=True)
class Equivalent:
    """A change that no test could notice, or none should."""

    module: str  # "grader.score"; "*" for any
    old: str  # the text of the lines that differ, as Mutant has it
    new: str
    why: str


def load_equivalents(file: Path = LIST) -> list[Equivalent]:
    """The list, for docs/proof.md too. Raises UsageError for what is wrong in it."""
    try:
        top = Table(file, "", tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    found = []
    for item in top.tables("equivalent"):
        found.append(Equivalent(item.text("module"), item.text("old"), item.text("new"), item.text("why")))
        item.finish()
    top.finish()
    return found


@dataclass(frozen=True)
class OwnRun:
    """What became of a module's mutants."""

    made: int
    listed: int  # of these, in the list of equivalents
    alive: int  # not noticed, and not listed
    source: str  # the module's hash then: see source_hash


def load_runs(file: Path = RUNS) -> dict[str, OwnRun]:
    """The last run of each module; none of those that never were."""
    data = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: OwnRun(**run) for name, run in data.items()}


def _keep(name: str, run: OwnRun, file: Path = RUNS) -> None:
    known = {**load_runs(file), name: run}
    data = {module: asdict(known[module]) for module in TESTS if module in known}
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def section(equivalents: Sequence[Equivalent], runs: Mapping[str, OwnRun]) -> str:
    """What docs/proof.md says of the grader's own modules."""
    counts = table(("module", "mutants", "noticed", "listed below", "holes"), _counts(runs))
    return "\n".join([_HEAD, counts, _listed(equivalents)])


def _counts(runs: Mapping[str, OwnRun]) -> Iterator[tuple[str, ...]]:
    for name in TESTS:
        if (run := runs.get(name)) is None:
            yield code(name), "never run", "", "", ""
            continue
        since = "" if source_hash(_path(name).read_text(encoding="utf-8")) == run.source else " (changed since)"
        noticed = run.made - run.listed - run.alive
        yield code(name) + since, str(run.made), str(noticed), str(run.listed), str(run.alive)


def _listed(equivalents: Sequence[Equivalent]) -> str:
    rows = [
        (item.module.replace("*", "any"), code(item.old) or "nothing", code(item.new) or "nothing", item.why)
        for item in equivalents
    ]
    return table(("module", "is", "becomes", "why it may"), rows)


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


_HEAD = """## Mutation of the grader

`python -m proof.own_mutants` changes single places of the modules that decide a grade and runs the harness's tests
about them. This is what it found when each was run last; what may stay unnoticed stands below with the reason.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants of the modules named, or of all; 1 where one survives that the list does not explain."""
    # Here, because docs/proof.md is also written where there is no cosmic-ray.
    from proof.mutate import Mutant, mutants
    from proof.own_forks import survivors

    parser = argparse.ArgumentParser(prog="python -m proof.own_mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="grader.score, ...; all where none is named")
    names = parser.parse_args(arguments).modules or list(TESTS)
    if unknown := [name for name in names if name not in TESTS]:
        parser.error(f"{unknown[0]} is none of: {', '.join(TESTS)}")
    listed, failed = load_equivalents(), False
    for name in names:
        known = {(item.old, item.new): item for item in listed if item.module in (name, "*")}
        path = _path(name)
        text = path.read_text(encoding="utf-8")
        made = list(mutants(text))
        tests = [ROOT / "tests" / "harness" / f"{test}.py" for test in TESTS[name]]
        rest = [mutant for mutant in made if (mutant.old, mutant.new) not in known]
        # Else tests that fail for being imported anew would pass for tests that notice.
        unchanged = Mutant("", 1, "", "", f"{text}\n")
        first, *alive = survivors(ROOT, name, path, [unchanged, *rest], tests) or [None]
        if first is not unchanged:
            raise SystemExit(f"{name}: its tests fail without any mutant once it is imported anew")
        for mutant in alive:
            print(f"{path.relative_to(ROOT)}:{mutant.line}: {mutant.operator}\n  - {mutant.old}\n  + {mutant.new}")
        made_now = Counter((mutant.old, mutant.new) for mutant in made)
        stale = [item for item in known.values() if item.module == name and not made_now[item.old, item.new]]
        for item in stale:
            print(f"{LIST.name}: no mutant of {name} turns {item.old!r} into {item.new!r} any more")
        counts = f"{len(made)} mutants, {len(made) - len(rest)} equivalent, {len(alive)} not noticed"
        print(f"{name}: {counts}", flush=True)
        _keep(name, OwnRun(len(made), len(made) - len(rest), len(alive), source_hash(text)))
        failed = failed or bool(alive or stale)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
