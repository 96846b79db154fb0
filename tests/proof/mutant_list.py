"""tests/proof/mutants.toml: how many mutants of the reference were made, and those that no case notices."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.tables import Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LIST = Path(__file__).with_name("mutants.toml")
_HEAD = """# Mutants of the reference's solution regions: how many were made, and those that no case of the suite
# notices. Written by `python -m proof --mutants`, which keeps each `why`: why the change is right all the same. One
# without a `why` is a hole in the suite.
"""


@dataclass(frozen=True)
class Survivor:
    """A change of one place that no case notices."""

    file: str  # from the reference's root
    old: str  # the text of the lines that differ, without their indentation
    new: str
    why: str = ""  # why it is right all the same; "" where that is not known

    @property
    def place(self) -> tuple[str, str, str]:
        """What names it; line numbers move."""
        return self.file, self.old, self.new


@dataclass(frozen=True)
class Mutated:
    """A file whose mutants were run."""

    file: str
    made: int
    source: str  # the file's hash then: see source_hash
    survivors: tuple[Survivor, ...]


def load_mutated(file: Path = LIST) -> list[Mutated]:
    """The files in their order; empty where there is no list yet. Raises UsageError for what is wrong in it."""
    if not file.is_file():
        return []
    try:
        top = Table(file, "", tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    found = []
    for table in top.tables("file"):
        name = table.text("name")
        survivors = []
        for item in table.tables("survivor") if "survivor" in table.data else []:
            why = item.text("why") if "why" in item.data else ""
            survivors.append(Survivor(name, item.text("old"), item.text("new"), why))
            item.finish()
        found.append(Mutated(name, table.whole("made"), table.text("source"), tuple(survivors)))
        table.finish()
    top.finish()
    return found


def joined(known: Iterable[Mutated], fresh: Iterable[Mutated]) -> list[Mutated]:
    """The files of both by name: what was run again replaces what was known, but for the reasons, which stay."""
    known = list(known)
    reasons = {survivor.place: survivor.why for item in known for survivor in item.survivors}
    files = {item.file: item for item in known}
    for item in fresh:
        survivors = tuple(Survivor(*one.place, reasons.get(one.place, "")) for one in item.survivors)
        files[item.file] = Mutated(item.file, item.made, item.source, survivors)
    return [files[name] for name in sorted(files)]


def written(files: Sequence[Mutated]) -> str:
    """The list as TOML."""
    lines = [_HEAD]
    for item in files:
        lines += ["[[file]]", f"name = {_text(item.file)}", f"made = {item.made}", f"source = {_text(item.source)}", ""]
        for one in item.survivors:
            lines += ["[[file.survivor]]", f"old = {_text(one.old)}", f"new = {_text(one.new)}"]
            lines += [*([f"why = {_text(one.why)}"] if one.why else []), ""]
    return "\n".join(lines)


def source_hash(text: str) -> str:
    """By which it is seen whether a file has changed since its mutants were run."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's, too, but for DEL, which no source has."""
    return json.dumps(value, ensure_ascii=False)
