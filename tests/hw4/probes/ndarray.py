"""NDArray by itself: views, views of views, writing through them, and arithmetic on arrays that are not compact."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from probes import _common
from probes._common import to_numpy

Step = list[Any]  # ["permute", [1, 0]], ["getitem", [[start, stop, step], 3]], ["compact"], ...


def view(needle: Any, device: Any, a: np.ndarray, steps: list[Step]) -> dict[str, Any]:
    """The array after the steps, one after the other."""
    result = _walk(_common.ndarray(needle, device, a), steps)
    return {"result": _common.result(result, device), "shape": list(result.shape)}


def write(
    needle: Any, device: Any, a: np.ndarray, steps: list[Step], values: Any, values_steps: list[Step]
) -> dict[str, Any]:
    """a, after `values` (a number or an array, itself after `values_steps`) were written to all of its view."""
    whole = _common.ndarray(needle, device, a)
    target = _walk(whole, steps)
    if isinstance(values, np.ndarray):
        values = _walk(_common.ndarray(needle, device, values), values_steps)
    target[(slice(None),) * len(target.shape)] = values
    return {"a": to_numpy(whole)}


def compacted(needle: Any, device: Any, a: np.ndarray, steps: list[Step]) -> dict[str, Any]:
    """What compact() makes of a view, and whether writing to it leaves the array alone."""
    whole = _common.ndarray(needle, device, a)
    view = _walk(whole, steps)
    compact = view.compact()
    values = to_numpy(compact)
    compact[(slice(None),) * len(compact.shape)] = -5.0
    return {
        "view_is_compact": bool(view.is_compact()),
        "is_compact": bool(compact.is_compact()),
        "compact": values,
        "a_after_writing_to_the_copy": to_numpy(whole),
    }


def flat(needle: Any, device: Any, a: np.ndarray, steps: list[Step], position: int, add: float) -> dict[str, Any]:
    """a, after `view.flat[position] += add` on its view."""
    whole = _common.ndarray(needle, device, a)
    view = _walk(whole, steps)
    view.flat[position] += add
    return {"a": to_numpy(whole)}


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "@": operator.matmul,
    "maximum": lambda a, b: a.maximum(b),
}


def binary(needle: Any, device: Any, a: np.ndarray, symbol: str, b: Any, layouts: list[str]) -> dict[str, Any]:
    """a <symbol> b, for arrays a and b in these layouts, or a number b."""
    left = _common.ndarray(needle, device, a, layouts[0])
    right = _common.ndarray(needle, device, b, layouts[1]) if isinstance(b, np.ndarray) else b
    return {"result": _common.result(BINARY[symbol](left, right), device)}


def mixed(needle: Any, device: Any, a: np.ndarray, b: np.ndarray, operation: str) -> dict[str, Any]:
    """An operation on a and b: the result where both are on the device, and what is raised where b is on another.

    operation: a symbol of BINARY; "setitem", a[...] = b; or "stack", the op.
    """
    elsewhere = needle.cpu() if device == needle.cpu_numpy() else needle.cpu_numpy()

    def run(place: Any) -> Any:
        left, right = _common.ndarray(needle, device, a), _common.ndarray(needle, place, b)
        if operation == "setitem":
            left[(slice(None),) * a.ndim] = right
            return left
        if operation == "stack":
            parts = [_common.tensor(needle, device, a), _common.tensor(needle, place, b)]
            return needle.ops.stack(parts, 0).realize_cached_data()
        return BINARY[operation](left, right)

    answer = {"result": _common.result(run(device), device), "raised": ""}
    try:
        run(elsewhere)
    except Exception as error:
        answer["raised"] = type(error).__name__
    return answer


def unary(needle: Any, device: Any, a: np.ndarray, function: str, layout: str) -> dict[str, Any]:
    """a.<function>(), or -a."""
    array = _common.ndarray(needle, device, a, layout)
    return {"result": _common.result(-array if function == "negative" else getattr(array, function)(), device)}


def reduce(
    needle: Any, device: Any, a: np.ndarray, function: str, axis: int | None, keepdims: bool, layout: str
) -> dict[str, Any]:
    """a.<function>(axis=axis, keepdims=keepdims), for sum and max."""
    array = _common.ndarray(needle, device, a, layout)
    return {"result": _common.result(getattr(array, function)(axis=axis, keepdims=keepdims), device)}


def flip(needle: Any, device: Any, a: np.ndarray, axes: list[int], steps: list[Step] | None = None) -> dict[str, Any]:
    """a's view after `steps`, reversed along the axes; and a itself, which must not change."""
    whole = _common.ndarray(needle, device, a)
    result = _walk(whole, steps or []).flip(tuple(axes))
    return {"result": _common.result(result, device), "is_compact": bool(result.is_compact()), "a": to_numpy(whole)}


def pad(
    needle: Any, device: Any, a: np.ndarray, axes: list[list[int]], steps: list[Step] | None = None
) -> dict[str, Any]:
    """a's view after `steps`, with zeros around it; and a itself, which must not change."""
    whole = _common.ndarray(needle, device, a)
    result = _walk(whole, steps or []).pad(_common.tuples(axes))
    return {"result": _common.result(result, device), "is_compact": bool(result.is_compact()), "a": to_numpy(whole)}


def _walk(array: Any, steps: list[Step]) -> Any:
    for name, *arguments in steps:
        if name == "getitem":
            array = array[tuple(slice(*part) if isinstance(part, list) else part for part in arguments[0])]
        else:
            array = getattr(array, name)(*map(_common.tuples, arguments))
    return array
