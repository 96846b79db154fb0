"""The compiled backend with something around its functions, so that the judge can see who has computed an answer.

The engine calls `wrap` in every worker; what a perturbation is, grader/subject/perturbation.py says.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

Function = Callable[..., Any]

# Functions that compute nothing: they fill memory with given numbers, or carry elements from place to place. Altered,
# they would put other labels and word ids before a tree, which may well refuse those.
CARRY = ("fill", "compact", "ewise_setitem", "scalar_setitem")
# Where the array that a computing function writes to stands among its arguments, and its name there.
OUT = {
    "matmul": 2,
    "matmul_tiled": 2,
    "ewise_log": 1,
    "ewise_exp": 1,
    "ewise_tanh": 1,
    "reduce_max": 1,
    "reduce_sum": 1,
}
OUT |= {f"ewise_{name}": 2 for name in ("add", "mul", "div", "maximum", "eq", "ge")}
OUT |= {f"scalar_{name}": 2 for name in ("add", "mul", "div", "power", "maximum", "eq", "ge")}


def wrap(module: ModuleType, perturbation: Any) -> None:
    """Put the perturbation around every function of the module, also around those that a tree has added."""
    raw = {name: value for name, value in vars(module).items() if callable(value) and not isinstance(value, type)}
    memory = _Memory(module, raw) if perturbation.mode == "kernels" else None
    for name, function in raw.items():
        make = {"from_numpy": _way_in, "to_numpy": _way_out}.get(name, _kernel)
        made = make(name, function, perturbation, memory)
        # Not functools.wraps: that leaves the function itself in __wrapped__.
        made.__name__, made.__qualname__, made.__doc__ = name, name, function.__doc__
        setattr(module, name, made)


def _way_in(name: str, function: Function, perturbation: Any, memory: Any) -> Function:
    def called(*args: Any, **kwargs: Any) -> Any:
        if "a" in kwargs:
            kwargs["a"] = perturbation.enter(kwargs["a"])
        elif args:
            args = (perturbation.enter(args[0]), *args[1:])
        return function(*args, **kwargs)

    return called


def _way_out(name: str, function: Function, perturbation: Any, memory: Any) -> Function:
    def called(*args: Any, **kwargs: Any) -> Any:
        return perturbation.leave(function(*args, **kwargs))

    return called


def _kernel(name: str, function: Function, perturbation: Any, memory: Any) -> Function:
    altered = None if memory is None or name in CARRY else memory

    def called(*args: Any, **kwargs: Any) -> Any:
        args = tuple(perturbation.enter_number(value) for value in args)
        kwargs = {key: perturbation.enter_number(value) for key, value in kwargs.items()}
        if altered is None:
            return _passed_on(perturbation.called(function, *args, **kwargs), perturbation)
        with_names = [*args, *kwargs.values()]
        before = altered.outputs(name, with_names, kwargs)
        result = perturbation.called(function, *args, **kwargs)
        altered.alter(before, perturbation)
        return _passed_on(altered.number(result, perturbation), perturbation)

    return called


def _passed_on(result: Any, perturbation: Any) -> Any:
    """What a function gives back: nothing, as a rule. An array of NumPy's is on its way out like any other."""
    return perturbation.leave(result) if isinstance(result, np.ndarray) else result


class _Memory:
    """Reads and writes arrays of the module, by its own unperturbed functions."""

    def __init__(self, module: ModuleType, raw: dict[str, Function]) -> None:
        self._kind = getattr(module, "Array", ())
        self._read, self._write = raw.get("to_numpy"), raw.get("from_numpy")

    def outputs(self, name: str, values: list[Any], named: dict[str, Any]) -> list[tuple[Any, np.ndarray | None]]:
        """(array, contents before) of all that the function may write to; the contents only where it is unknown."""
        if "out" in named:
            return [(named["out"], None)]
        if name in OUT:
            return [(array, None) for array in values[OUT[name] : OUT[name] + 1] if isinstance(array, self._kind)]
        return [(array, self._values(array)) for array in values if isinstance(array, self._kind)]

    def alter(self, outputs: list[tuple[Any, np.ndarray | None]], perturbation: Any) -> None:
        """Alter every array that the function has written to."""
        for array, before in outputs:
            after = self._values(array)
            if before is None or not np.array_equal(before, after, equal_nan=True):
                self._write(perturbation.alter(after), array)

    def number(self, result: Any, perturbation: Any) -> Any:
        """A number or an array that a function has computed, altered."""
        if isinstance(result, np.ndarray):
            return perturbation.alter(result)
        if isinstance(result, self._kind):
            self.alter([(result, None)], perturbation)
        return float(perturbation.alter(result)) if isinstance(result, float) else result

    def _values(self, array: Any) -> np.ndarray:
        return np.array(self._read(array, [array.size], [1], 0), dtype="float32")
