"""What of an assignment the reader must know: `reading.toml` beside its assignment.toml.

    computing = ["needle/*"]               # files whose results are to be computed by the student's own backend
    spared = ["needle/data/*"]             # but for these, which may compute with NumPy
    methods = ["compute", "gradient"]      # there, functions whose arguments are arrays
    leaves = ["numpy", "to_numpy"]         # methods whose result is an array of NumPy's
    arrays = ["NDArray", "array"]          # functions that make an array of the backend from one of NumPy's
    programs = ["apps/train.py"]           # programs for students, which no graded code imports: not read

    [stand_ins]                            # function -> names that are no part of it: "cpu" must not give the NumPy one
    cpu = ["cpu_numpy", "ndarray_backend_numpy"]

    [allowed]                              # lines of the code that was handed out which are right where they stand
    "needle/ops/_arrays.py" = ["return array_api.array(a.numpy() ** b.numpy())"]

An assignment without such a file is read by the general rules alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.tables import Table

FILE = "reading.toml"


@dataclass(frozen=True)
class Settings:
    """See above; patterns have * for any text, "/" included."""

    computing: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    stand_ins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def computes(self, path: str) -> bool:
        """Whether the file's results are to be the backend's own."""
        return _matches(path, self.computing) and not _matches(path, self.spared)

    def is_program(self, path: str) -> bool:
        """Whether the file is a program of its own, which is not read."""
        return _matches(path, self.programs)

    def to_json(self) -> str:
        """The settings as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The settings that `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        plain: dict[str, Any] = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        for name in ("stand_ins", "allowed"):
            plain[name] = {key: tuple(value) for key, value in data[name].items()}
        return cls(**plain)


def load_settings(suite: Path) -> Settings:
    """Read the suite's reading.toml, if there is one. Raises UsageError where it is not as it should be."""
    # Not at the top: the process that reads (see `apart`) has no packages, and before Python 3.11 it would need one.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    file = suite / FILE
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    table = Table(file, "", data)
    settings = Settings(
        computing=_texts(table, "computing"),
        spared=_texts(table, "spared"),
        methods=_texts(table, "methods"),
        leaves=_texts(table, "leaves"),
        arrays=_texts(table, "arrays"),
        programs=_texts(table, "programs"),
        stand_ins=_lists(table, "stand_ins"),
        allowed=_lists(table, "allowed"),
    )
    table.finish()
    return settings


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _texts(table: Table, key: str) -> tuple[str, ...]:
    return table.texts(key) if key in table.data else ()


def _lists(table: Table, key: str) -> dict[str, tuple[str, ...]]:
    if key not in table.data:
        return {}
    inner = table.table(key)
    return {name: inner.texts(name) for name in inner.data}
