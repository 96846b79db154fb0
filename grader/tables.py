"""A TOML table that says which key of which file is wrong, and what was expected."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from grader.errors import UsageError

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORD_IN_WORDS = "a letter, then letters, digits and underscores"


@dataclass(frozen=True)
class Table:
    """A table of a file. Every method that takes a key raises UsageError where its value is not what it says."""

    file: Path
    name: str  # what its keys' names begin with: "limits."
    data: dict[str, Any]
    seen: set[str] = field(default_factory=set)  # the keys asked for

    def _get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        self.seen.add(key)
        if key not in self.data:
            raise UsageError(f"{self.file}: {self.name}{key} is missing; expected {expected}.")
        value = self.data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.wrong(key, expected)
        return value

    def wrong(self, key: str, expected: str) -> UsageError:
        """The error for a key that has a value, but not what was expected."""
        return UsageError(f"{self.file}: {self.name}{key} has value {self.data[key]!r}; expected {expected}.")

    def finish(self) -> None:
        """Every key has been asked for. A misspelt optional key would otherwise be no key at all."""
        for key in self.data:
            if key not in self.seen:
                raise UsageError(
                    f"{self.file}: {self.name}{key} is not known; expected one of: {', '.join(sorted(self.seen))}."
                )

    def text(self, key: str) -> str:
        """A string."""
        return str(self._get(key, str, "a string"))

    def word(self, key: str) -> str:
        """A name that -k, a file name and a table in Markdown can all hold."""
        value = self.text(key)
        if not _WORD.fullmatch(value):
            raise self.wrong(key, f"a name of {_WORD_IN_WORDS}")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of such names."""
        values = self.texts(key)
        if not all(map(_WORD.fullmatch, values)):
            raise self.wrong(key, f"names of {_WORD_IN_WORDS}")
        return values

    def number(self, key: str) -> float:
        """A positive, finite number."""
        expected = "a positive number"
        value = self._get(key, (int, float), expected)
        if not 0 < value <= sys.float_info.max:
            raise self.wrong(key, expected)
        return float(value)

    def fraction(self, key: str) -> float:
        """A number from 0 to less than 1."""
        expected = "a number from 0 to less than 1"
        value = self._get(key, (int, float), expected)
        if not 0 <= value < 1:
            raise self.wrong(key, expected)
        return float(value)

    def whole(self, key: str) -> int:
        """A positive whole number."""
        expected = "a positive whole number"
        value = int(self._get(key, int, expected))
        if value <= 0:
            raise self.wrong(key, expected)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        expected = "a list of strings"
        values = self._get(key, list, expected)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, expected)
        return tuple(values)

    def paths(self, key: str) -> tuple[str, ...]:
        """Paths inside a tree."""
        values = self.texts(key)
        if not all(map(_inside, values)):
            raise self.wrong(key, "paths relative to the tree that do not leave it")
        return values

    def path_lists(self, key: str) -> dict[str, tuple[str, ...]]:
        """Paths inside a tree, under names: each a string, or a list of at least one and none twice."""
        expected = "a string or a list of strings: paths relative to the tree that do not leave it, none twice"
        table = self.table(key)
        found: dict[str, tuple[str, ...]] = {}
        for name in table.data:
            value = table._get(name, (str, list), expected)
            paths = [value] if isinstance(value, str) else value
            right = all(isinstance(path, str) and _inside(path) for path in paths)
            if not paths or not right or len(set(paths)) < len(paths):
                raise table.wrong(name, expected)
            found[name] = tuple(paths)
        return found

    def table(self, key: str) -> Table:
        """A table."""
        return Table(self.file, f"{self.name}{key}.", self._get(key, dict, "a table"))

    def tables(self, key: str) -> list[Table]:
        """A list of tables."""
        expected = "a list of tables"
        items = self._get(key, list, expected)
        if not all(isinstance(item, dict) for item in items):
            raise self.wrong(key, expected)
        return [Table(self.file, f"{self.name}{key}[{i}].", item) for i, item in enumerate(items)]

    def mapping(self, key: str) -> dict[str, str]:
        """A table of strings under names of its own."""
        table = self.table(key)
        return {name: table.text(name) for name in table.data}


def _inside(path: str) -> bool:
    return bool(path) and not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
