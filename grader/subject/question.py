"""What a submission is asked, in words for a message."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.errors import GraderError
from grader.tolerance import DEFAULT, Tolerance

Probe = Callable[..., Any]

MANY = 4  # arrays of a list or dict that are named


@dataclass(frozen=True)
class Question:
    """What was asked."""

    probe: str  # the probe's name: "conv_backward"
    inputs: str  # "z (1, 4, 4, 1), w (3, 3, 1, 1), stride 2, padding 1"
    unnamed: bool = False  # whether the probe only asks other probes, so that its name says nothing to a student
    # How near its answer must be: of the case, and no part of what was asked.
    tolerance: Tolerance = field(default=DEFAULT, compare=False)


def describe(probe: Probe, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Question:
    """The question in words: arrays by their shape, everything else by its value, under the probe's own names."""
    named = ", ".join(f"{name} {_in_words(value)}" for name, value in arguments(probe, args, kwargs))
    return Question(probe.__name__, named, getattr(probe, "unnamed", False))


def arguments(probe: Probe, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The arguments of a question under the probe's own names for them, without needle and the device.

    Raises GraderError where they do not fit the probe: a test is wrong then.
    """
    signature = inspect.signature(probe)
    try:
        bound = signature.bind(None, None, *args, **kwargs).arguments
    except TypeError as error:
        raise GraderError(f"the probe {probe.__name__} was called wrongly by a test: {error}") from None
    named: list[tuple[str, Any]] = []
    for name, value in list(bound.items())[2:]:
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            named.extend(value.items())
        else:
            named.append((name, value))
    return named


def _in_words(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.shape}"
    if isinstance(value, dict):
        return f"{{{_some([f'{key}: {_in_words(item)}' for key, item in value.items()])}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (np.ndarray, dict, list, tuple)) for item in value):
        return f"[{_some([_in_words(item) for item in value])}]"
    text = repr(_bare(value))
    return text if len(text) <= 120 else text[:117] + "..."


def _bare(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()  # 2, and not np.int64(2)
    if isinstance(value, (list, tuple)):
        return (tuple if isinstance(value, tuple) else list)(map(_bare, value))
    return value


def _some(texts: list[str]) -> str:
    return ", ".join(texts[:MANY]) + (f", ... {len(texts) - MANY} more" if len(texts) > MANY else "")
