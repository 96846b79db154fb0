"""Ops of needle, one at a time: their values, and the gradients of their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes import _common
from probes._common import tensor, to_numpy


def forward(
    needle: Any, device: Any, op: str, inputs: list[np.ndarray], layout: str = "compact", **attributes: Any
) -> dict[str, Any]:
    """needle.ops.<op>(*inputs, **attributes)."""
    leaves = [tensor(needle, device, array, layout=layout) for array in inputs]
    return {"value": _common.result(_apply(needle, op, leaves, attributes), device)}


def backward(
    needle: Any,
    device: Any,
    op: str,
    inputs: list[np.ndarray],
    out_grad: np.ndarray,
    layout: str = "compact",
    **attributes: Any,
) -> dict[str, Any]:
    """The op's value, and the gradient of sum(value * out_grad) with respect to each input."""
    leaves = [tensor(needle, device, array, layout=layout) for array in inputs]
    value = _apply(needle, op, leaves, attributes)
    done = _common.backward(needle, device, value, out_grad)
    names = [f"input {k} of {op}" for k in range(len(leaves))]
    grads = [_common.gradient(leaf, name) for leaf, name in zip(leaves, names, strict=True)] if done else []
    return {"value": to_numpy(value), "grads": grads}


def inputs_after(needle: Any, device: Any, inputs: list[np.ndarray], *, op: str, **attributes: Any) -> dict[str, Any]:
    """The op's inputs, once it has been computed.

    The op is named by keyword: called "ops.inputs_after:relu", the question would be one that the op has to compute.
    """
    leaves = [tensor(needle, device, array) for array in inputs]
    _apply(needle, op, leaves, attributes).realize_cached_data()
    return {"inputs": [to_numpy(leaf) for leaf in leaves]}


def split_parts(needle: Any, device: Any, a: np.ndarray, axis: int, layout: str = "compact") -> dict[str, Any]:
    """Every part of split(a, axis)."""
    parts = needle.ops.split(tensor(needle, device, a, layout=layout), axis)
    return {"parts": [to_numpy(parts[k]) for k in range(len(parts))], "count": len(parts)}


def split_and_stack(
    needle: Any,
    device: Any,
    a: np.ndarray,
    out_grad: np.ndarray,
    *,
    split_axis: int,
    order: list[int],
    stack_axis: int,
) -> dict[str, Any]:
    """Split a, and stack the parts numbered by `order`, each times its place + 1, along another axis."""
    leaf = tensor(needle, device, a)
    parts = needle.ops.split(leaf, split_axis)
    value = needle.ops.stack([parts[k] * float(place + 1) for place, k in enumerate(order)], stack_axis)
    done = _common.backward(needle, device, value, out_grad)
    return {"value": to_numpy(value), "grad": _common.gradient(leaf, "the input of split") if done else None}


def fused_add_scalars(
    needle: Any, device: Any, a: np.ndarray, out_grad: np.ndarray, *, c0: float, c1: float
) -> dict[str, Any]:
    """The product of the two tensors that the op gives, and the gradient of its input."""
    leaf = tensor(needle, device, a)
    pair = needle.ops.fused_add_scalars(leaf, c0, c1)
    value = pair[0] * pair[1]
    done = _common.backward(needle, device, value, out_grad)
    return {"value": to_numpy(value), "grad": _common.gradient(leaf, "the input") if done else None}


def _apply(needle: Any, op: str, leaves: list[Any], attributes: dict[str, Any]) -> Any:
    arguments = {name: _common.tuples(value) for name, value in attributes.items()}
    if op == "stack":
        return needle.ops.stack(leaves, **arguments)
    return getattr(needle.ops, op)(*leaves, **arguments)
