"""What earlier editions of an assignment called things: `carry.toml` beside its assignment.toml.

    [files]        # of this edition (with * for any text), and where an earlier one had their code, the likeliest first
    "python/needle/ops/*.py" = ["python/needle/ops.py"]

    [names]        # of this edition, and earlier ones: of a class or function, anywhere
    "EWiseAdd" = ["EwiseAdd"]

    [[change]]     # in what is carried into a function, since the code around it has changed
    into = "apps/simple_ml.py:epoch_general_*"
    old = 'loss_fn()'
    new = "loss_fn"
    why = "the code above has made the loss already"

An assignment without earlier editions has no such file: what has the same path and the same name is found anyway.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from grader.errors import UsageError

FILE = "carry.toml"


@dataclass(frozen=True)
class Change:
    """Something that earlier code says and that has to be said differently here."""

    into: str  # "FILE:NAME" of the target, with * for any text
    old: str  # as it stands in OLD; matched only where it is no part of a longer word
    new: str  # what it becomes
    why: str  # in words, for the student


@dataclass(frozen=True)
class Editions:
    """The earlier editions' names."""

    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # pattern of the target's paths -> OLD's paths
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> earlier names
    changes: tuple[Change, ...] = ()

    def paths(self, target: str) -> list[str]:
        """Where OLD may have what is in the target's file, the likeliest first."""
        found = [target]
        for pattern, earlier in self.files.items():
            if fnmatchcase(target, pattern):
                found += earlier
        return list(dict.fromkeys(found))

    def spellings(self, name: str) -> list[str]:
        """A qualified name, "EWiseAdd.compute", and what it may be called in OLD."""
        found = [""]
        for part in name.split("."):
            found = [f"{head}.{word}" for head in found for word in (part, *self.names.get(part, ()))]
        return [name[1:] for name in found]

    def now(self, name: str) -> str:
        """What a single name of an earlier edition is called in this one; itself where it has not changed."""
        return next((new for new, earlier in self.names.items() if name in earlier), name)

    def changes_of(self, path: str, name: str) -> list[Change]:
        """What is to be said differently in a function of the target."""
        return [change for change in self.changes if fnmatchcase(f"{path}:{name}", change.into)]


def load_editions(suite: Path) -> Editions:
    """Read the suite's carry.toml, if there is one. Raises UsageError where it is not as it should be."""
    path = suite / FILE
    if not path.is_file():
        return Editions()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None
    unknown = document.keys() - {"files", "names", "change"}
    if unknown:
        raise UsageError(f"{path} has the unknown key {min(unknown)!r}; expected files, names or change.")
    changes = document.get("change", [])
    if not isinstance(changes, list):
        raise UsageError(f"{path}: change is no list of tables; write [[change]].")
    return Editions(
        _lists(path, "files", document.get("files", {})),
        _lists(path, "names", document.get("names", {})),
        tuple(_change(path, item) for item in changes),
    )


def _lists(path: Path, key: str, table: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict) or not all(_is_strings(value) for value in table.values()):
        raise UsageError(f'{path}: {key} has to be a table of lists of texts, "now" = ["earlier"].')
    return {name: tuple(values) for name, values in table.items()}


def _is_strings(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, str) for item in value)


def _change(path: Path, item: Any) -> Change:
    wanted = {"into", "old", "new", "why"}
    if not isinstance(item, dict) or item.keys() != wanted or not all(isinstance(v, str) for v in item.values()):
        raise UsageError(f"{path}: each [[change]] has the texts {', '.join(sorted(wanted))}, and nothing else.")
    return Change(**item)
