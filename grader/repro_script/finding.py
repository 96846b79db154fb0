"""Which comparison failed, and where in the answers the wrong value stands.

Read from the traceback of the test's exception, whose frames still hold what was compared: neither the tests nor the
comparisons have to know that somebody may want a script.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

import grader.compare
from grader.repro_script.sources import Sources
from grader.subject.outcome import Answer, Field, plain, values_of
from grader.tolerance import DEFAULT

COMPARISONS = ("assert_close", "assert_equal", "assert_scalar", "assert_same", "assert_dtype")
_COMPARE = Path(grader.compare.__file__)
_LITERAL = (bool, int, float, str, type(None))

Keys = tuple[Any, ...]  # keys into an answer: ("weights", 0, "bias")


@dataclass(frozen=True)
class Spot:
    """A value in an answer."""

    answer: int  # which of the case's answers
    keys: Keys

    def of(self, answers: Sequence[Answer]) -> Any:
        """The value itself."""
        value: Any = values_of(answers[self.answer])
        for key in self.keys:
            value = value[key]
        return value


@dataclass(frozen=True)
class Comparison:
    """One of grader.compare's, and what it compared."""

    kind: str  # "assert_close"
    got: Spot
    want: Any
    rtol: float
    atol: float
    name: str = ""  # as the test calls it; empty where it has only the answer's own name

    @property
    def called(self) -> str:
        """How to call the value."""
        keys = self.got.keys
        return self.name or str(keys[0]) + "".join(f"[{key!r}]" for key in keys[1:])


@dataclass(frozen=True)
class Check:
    """A function of the suite that judges values of answers: assert_uniform, and the like."""

    module: str  # "checks"
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)  # Spots, and what can be written down


@dataclass(frozen=True)
class Unknown:
    """The test judges by what it has computed from the answers, and a script cannot."""

    file: str
    line: int
    code: str  # the statement there


Found = Comparison | Check | Unknown


def find(error: BaseException, answers: Sequence[Answer], sources: Sources, suite: Path) -> Found:
    """What the test's exception came from. answers: those that the case was given, in order."""
    steps = list(_steps(error.__traceback__))
    for k, (frame, _) in enumerate(steps):
        if Path(frame.f_code.co_filename) == _COMPARE and k:
            found = _comparison(frame, steps[k - 1], answers)
            if found is not None:
                return found
            break
    inside = [(frame, line) for frame, line in steps if Path(frame.f_code.co_filename).is_relative_to(suite)]
    for frame, _ in inside[1:]:  # the first is the test itself
        check = _check(frame, answers, sources, suite)
        if check is not None:
            return check
    frame, line = inside[0] if inside else steps[-1]
    return Unknown(Path(frame.f_code.co_filename).name, line, _statement(frame, line))


def _steps(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _comparison(frame: FrameType, caller: tuple[FrameType, int], answers: Sequence[Answer]) -> Comparison | None:
    kind, known = frame.f_code.co_name, frame.f_locals
    if kind not in COMPARISONS:
        return None
    got = known["got"]
    spot = _spot(got, answers) or _written_spot(got, caller, kind, answers)
    if spot is None:
        return None
    rtol, atol = known.get("rtol"), known.get("atol")
    usual = got.question.tolerance if isinstance(got, Field) and got.question is not None else DEFAULT
    return Comparison(
        kind,
        spot,
        known["want"],
        usual.rtol if rtol is None else rtol,
        usual.atol if atol is None else atol,
        known.get("name") or known.get("what") or "",
    )


def _check(frame: FrameType, answers: Sequence[Answer], sources: Sources, suite: Path) -> Check | None:
    code, file = frame.f_code, Path(frame.f_code.co_filename)
    module = ".".join(file.relative_to(suite).with_suffix("").parts)
    if not sources.has(module) or "<" in code.co_name or code.co_flags & inspect.CO_VARARGS:
        return None
    arguments: dict[str, Any] = {}
    for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        value = frame.f_locals.get(name)
        found = _expressible(value, answers)
        if found is None and value is not None:
            return None
        arguments[name] = found
    judged = any(isinstance(value, Spot) for value in _leaves(arguments))
    return Check(module, code.co_name, arguments) if judged else None


def _expressible(value: Any, answers: Sequence[Answer]) -> Any:
    """The value with Spots for what is an answer's; None where it cannot be written down."""
    if isinstance(value, Answer):
        return next((Spot(k, ()) for k, answer in enumerate(answers) if answer is value), None)
    if isinstance(value, Field):
        return _spot(value, answers)
    if isinstance(value, (list, tuple)):
        items = [_expressible(item, answers) for item in value]
        return (
            None if any(a is None and b is not None for a, b in zip(items, value, strict=True)) else type(value)(items)
        )
    if isinstance(value, dict):
        found = {key: _expressible(item, answers) for key, item in value.items()}
        return None if any(found[key] is None and item is not None for key, item in value.items()) else found
    return value if isinstance(value, (*_LITERAL, np.ndarray, np.generic)) else None


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _spot(got: Any, answers: Sequence[Answer]) -> Spot | None:
    """Where this very array, list or dict stands in an answer."""
    if not isinstance(got, (np.ndarray, list, dict)):
        return None
    for k, answer in enumerate(answers):
        for keys, value in _values(values_of(answer), ()):
            if value is got or (isinstance(got, np.ndarray) and _same_memory(got, value)):
                return Spot(k, keys)
    return None


def _values(value: Any, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    if keys:
        yield keys, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _values(item, (*keys, key))


def _same_memory(one: np.ndarray[Any, Any], other: Any) -> bool:
    """Whether they are one array, perhaps with other axes of length 1, as assert_scalar makes them."""
    if not isinstance(other, np.ndarray) or one.dtype != other.dtype or one.size != other.size or one.size == 0:
        return False
    same = one.__array_interface__["data"][0] == other.__array_interface__["data"][0]
    return same and (one.size == 1 or (one.shape == other.shape and one.strides == other.strides))


def _written_spot(got: Any, caller: tuple[FrameType, int], kind: str, answers: Sequence[Answer]) -> Spot | None:
    """Where a number, a text or None stands, from how the test writes it: `got.length`, `part(got, "losses", k)`."""
    frame, line = caller
    call = _call(frame, line, kind)
    if call is None or not call.args:
        return None
    first = call.args[0]
    parts = first.args if isinstance(first, ast.Call) else [first.value] if isinstance(first, ast.Attribute) else []
    if not parts or not isinstance(parts[0], ast.Name):
        return None
    answer = frame.f_locals.get(parts[0].id)
    number = next((k for k, known in enumerate(answers) if known is answer), None)
    if number is None:
        return None
    keys: Keys = tuple(_evaluated(part, frame) for part in parts[1:])
    if isinstance(first, ast.Attribute):
        keys = (first.attr,)
    spot = Spot(number, keys)
    try:
        value = spot.of(answers)
    except (KeyError, IndexError, TypeError):
        return None
    return spot if value is got or repr(value) == repr(got) else None


def _call(frame: FrameType, line: int, kind: str) -> ast.Call | None:
    """The call of that comparison on this line of the frame's file."""
    tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)) or "pass")
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and kind in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return found[0] if len(found) == 1 else None


def _evaluated(node: ast.expr, frame: FrameType) -> Any:
    """The value of an expression of the suite's own, in its frame."""
    code = compile(ast.Expression(node), frame.f_code.co_filename, "eval")
    return eval(code, frame.f_globals, dict(frame.f_locals))


def _statement(frame: FrameType, line: int) -> str:
    """The statement on this line of the frame's file, as it stands there."""
    lines = linecache.getlines(frame.f_code.co_filename)
    statements = [
        node
        for node in ast.walk(ast.parse("".join(lines) or "pass"))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not statements:
        return ""
    smallest = min(statements, key=lambda node: (node.end_lineno or node.lineno) - node.lineno)
    return "".join(lines[smallest.lineno - 1 : smallest.end_lineno]).rstrip()


def wanted(value: Any) -> Any:
    """What a comparison wants, as data: Fields as plain arrays, tuples as lists."""
    if isinstance(value, np.ndarray):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return [wanted(item) for item in value]
    if isinstance(value, dict):
        return {key: wanted(item) for key, item in value.items()}
    return value
