"""A subject that is asked behind masks: the judge's half of what `perturbation` does in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grader.subject.client import Subject
from grader.subject.outcome import Answer, plain, question_of, values_of
from grader.subject.perturbation import Plan, masked
from grader.subject.question import Probe


class MaskedSubject:
    """Puts the plan's mask on the arrays of every question, and takes the other one off the arrays of its answer.

    The values themselves are thus nowhere in the worker but inside the backend: neither in a frame nor in a message.
    """

    def __init__(self, inner: Subject, plan: Plan) -> None:
        """inner: a worker that follows the same plan."""
        self._inner = inner
        self._plan = plan
        self.saw_values = False  # whether anything that was asked had a value that a mask changes
        self.saw_no_number = False  # whether an answer held NaN or an infinity

    def forget(self) -> None:
        """What was seen so far."""
        self.saw_values = self.saw_no_number = False

    def ask(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """See Subject."""
        given = _mapped([list(args), dict(kwargs)], self._hidden)
        answer = self._inner.ask(probe, device, *given)
        values = _mapped(values_of(answer), lambda array: self._shown(plain(array)))
        return Answer(question_of(answer), values)

    def renew(self) -> None:
        """See Subject."""
        self._inner.renew()

    def close(self) -> None:
        """See Subject."""
        self._inner.close()

    def _shown(self, array: Any) -> Any:
        self.saw_no_number |= array.dtype.kind == "f" and not bool(np.isfinite(array).all())
        return _remasked(array, self._plan.way_out)

    def _hidden(self, array: Any) -> Any:
        hidden = _remasked(array, self._plan.way_in)
        self.saw_values = self.saw_values or not np.array_equal(hidden, array)
        return hidden


def _remasked(array: Any, mask: int) -> Any:
    """An array of floats with the mask put on or taken off, in its own dtype; any other array as it is.

    float64 is what probes make of a backend's float32, or what a test draws for needle to make float32 of.
    """
    if not mask or array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        return masked(array.astype(np.float32), mask).astype(array.dtype)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every array in it, at any depth, replaced by what `change` makes of it."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, (list, tuple)):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value
