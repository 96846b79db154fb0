"""What a signed statement of a verified grade says, checked field by field.

A valid signature only says who wrote a statement. It may come from another edition of the grader, from another course's
checkout, or be of a grade of something else: each field is looked at before it becomes somebody's grade.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.mugrade.signature import SCHEMA
from grader.server import errors
from grader.verdict import Verdict

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "assignment": str,
    "devices": list,
    "graded_at": str,
    "grader_version": str,
    "points": dict,
    "schema": str,
    "seed": int,
    "student": str,
    "submission_hash": str,
    "submitted_at": (str, type(None)),
    "suite_hash": str,
    "verdicts": list,
}
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """A verified grade, as stated."""

    assignment: str
    student: str  # login
    submission_hash: str
    suite_hash: str
    seed: int
    points: dict[str, tuple[float, float]]  # problem -> earned, most
    verdicts: Counter[Verdict]
    submitted_at: datetime | None  # None: the server knows when the student handed the tree in
    graded_at: datetime


def parse(text: str) -> Statement:
    """The statement that the text is. Raises errors.Invalid, naming the field."""
    fields = _fields(text)
    for name in ("submission_hash", "suite_hash"):
        if not _HASH.fullmatch(fields[name]):
            raise _wrong(name, fields[name], "64 hexadecimal digits")
    if not 0 <= fields["seed"] < 1 << 63:
        raise _wrong("seed", fields["seed"], "a number from 0 to 2^63 - 1")
    submitted = fields["submitted_at"]
    return Statement(
        assignment=fields["assignment"],
        student=fields["student"],
        submission_hash=fields["submission_hash"],
        suite_hash=fields["suite_hash"],
        seed=fields["seed"],
        points={name: _points(name, pair) for name, pair in fields["points"].items()},
        verdicts=_verdicts(fields["verdicts"]),
        submitted_at=None if submitted is None else _moment("submitted_at", submitted),
        graded_at=_moment("graded_at", fields["graded_at"]),
    )


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        # Its one canonical form: no key twice, no NaN, nothing that two readers could read in two ways.
        canonical = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise errors.Invalid("The statement is not JSON; expected what `python -m grader post` signs.") from None
    if canonical != text or not isinstance(found, dict):
        raise errors.Invalid("The statement is not canonical JSON; expected what `python -m grader post` signs.")
    if found.get("schema") != SCHEMA:
        raise _wrong("schema", found.get("schema"), f"{SCHEMA!r}; use the grader's edition that this server has")
    if found.keys() != _FIELDS.keys():
        odd = ", ".join(sorted(found.keys() ^ _FIELDS.keys()))
        raise errors.Invalid(f"The statement has fields that are missing or unknown: {odd:.200}.")
    for name, kind in _FIELDS.items():
        if not isinstance(found[name], kind) or isinstance(found[name], bool):
            raise _wrong(name, found[name], "another kind of value")
    return found


def _points(name: str, pair: Any) -> tuple[float, float]:
    numbers = isinstance(pair, list) and len(pair) == 2 and all(type(item) in (int, float) for item in pair)
    if not numbers or not all(map(math.isfinite, pair)) or not 0 <= pair[0] <= pair[1]:
        raise _wrong(f"points of {name!r:.60}", pair, "what was earned, from 0 to the most, and the most")
    return float(pair[0]), float(pair[1])


def _verdicts(pairs: list[Any]) -> Counter[Verdict]:
    known = {verdict.value: verdict for verdict in Verdict}
    seen: set[str] = set()
    found: Counter[Verdict] = Counter()
    for pair in pairs:
        texts = isinstance(pair, list) and len(pair) == 2 and all(isinstance(item, str) for item in pair)
        if not texts or pair[1] not in known:
            raise _wrong("verdicts", pair, f"a case's id and one of: {', '.join(known)}")
        if pair[0] in seen:
            raise errors.Invalid(f"The statement has two verdicts on the case {pair[0]!r:.120}.")
        seen.add(pair[0])
        found[known[pair[1]]] += 1
    return found


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise _wrong(name, text, "a time in ISO 8601 with its offset, such as '2026-12-03T23:59:00+00:00'") from None
    if moment.tzinfo is None:
        raise _wrong(name, text, "a time with its offset, such as '2026-12-03T23:59:00+00:00'")
    return moment


def _wrong(name: str, value: Any, expected: str) -> errors.Invalid:
    return errors.Invalid(f"The statement's {name} is {value!r:.80}; expected {expected}.")
