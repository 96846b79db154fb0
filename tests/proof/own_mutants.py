"""Mutants of the modules that decide a grade, and the tests of the harness that must notice each of them.

    PYTHONPATH=tests python -m proof.own_mutants [MODULE...]

Prints every mutant that no test notices and that own_mutants.toml does not explain; the exit status says whether there
are any. own_forks.py runs the tests.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.tables import Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("own_mutants.toml")

_NOTEBOOK = ("test_notebook", "test_notebook_handout")
# The modules and the test files, of tests/harness, that are about them: they must notice every mutant by themselves.
TESTS: dict[str, tuple[str, ...]] = {
    "grader.compare": ("test_compare", "test_compare_same", "test_evidence", "test_message"),
    "grader.points": ("test_score",),
    "grader.score": ("test_score",),
    "grader.tolerance": ("test_tolerances", "test_compare"),
    "grader.verdict": ("test_score", "test_evidence"),
    "grader.report.audience": ("test_audience",),
    "grader.derive.archive": ("test_release",),
    "grader.derive.cells": _NOTEBOOK,
    "grader.derive.cpp": ("test_derive",),
    "grader.derive.cpp_code": ("test_derive", "test_carry", "test_proof_split"),
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
    for table in top.tables("equivalent"):
        found.append(Equivalent(table.text("module"), table.text("old"), table.text("new"), table.text("why")))
        table.finish()
    top.finish()
    return found


def section(equivalents: Sequence[Equivalent]) -> str:
    """What docs/proof.md says of the grader's own modules."""
    code = "`{}`".format
    rows = [
        f"| {item.module if item.module != '*' else 'any'} | {_cell(code(item.old))} | {_cell(code(item.new))} "
        f"| {_cell(item.why)} |"
        for item in equivalents
    ]
    return "\n".join([_SECTION.format(modules=", ".join(map(code, TESTS))), *rows, ""])


_SECTION = """## Mutation of the grader

`python -m proof.own_mutants` changes single places of the modules that decide a grade and runs the harness's tests:
{modules}. Each change is noticed, but for these, which may stay unnoticed:

| module | is | becomes | why it may |
|---|---|---|---|"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants of the modules named, or of all; 1 where one survives that the list does not explain."""
    from proof.mutations import mutants  # here, because docs/proof.md is also written where there is no cosmic-ray
    from proof.own_forks import survivors

    parser = argparse.ArgumentParser(prog="python -m proof.own_mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="grader.score, ...; all where none is named")
    names = parser.parse_args(arguments).modules or list(TESTS)
    if unknown := [name for name in names if name not in TESTS]:
        parser.error(f"{unknown[0]} is none of: {', '.join(TESTS)}")
    listed, failed = load_equivalents(), False
    for name in names:
        known = {(item.old, item.new): item for item in listed if item.module in (name, "*")}
        path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        made = list(mutants(path.read_text(encoding="utf-8")))
        tests = [ROOT / "tests" / "harness" / f"{test}.py" for test in TESTS[name]]
        rest = [mutant for mutant in made if (mutant.old, mutant.new) not in known]
        alive = survivors(ROOT, name, path, rest, tests)
        for mutant in alive:
            print(f"{path.relative_to(ROOT)}:{mutant.line}: {mutant.operator}\n  - {mutant.old}\n  + {mutant.new}")
        made_now = Counter((mutant.old, mutant.new) for mutant in made)
        stale = [item for item in known.values() if item.module == name and not made_now[item.old, item.new]]
        for item in stale:
            print(f"{LIST.name}: no mutant of {name} turns {item.old!r} into {item.new!r} any more")
        counts = f"{len(made)} mutants, {len(made) - len(rest)} equivalent, {len(alive)} not noticed"
        print(f"{name}: {counts}", flush=True)
        failed = failed or bool(alive or stale)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
