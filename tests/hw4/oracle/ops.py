"""The ops of needle in PyTorch, under needle's names and with needle's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from oracle.calculus import Array, Derivatives, Draw, differentiate

Axes = int | Sequence[int] | None


def op(name: str, inputs: Sequence[Array], draw: Draw, **attributes: Any) -> Derivatives:
    """The op of that name at `inputs`; see differentiate."""
    function = FUNCTIONS[name]
    return differentiate(lambda *leaves: function(*leaves, **attributes), inputs, draw)


def transpose(a: torch.Tensor, axes: Sequence[int] | None = None) -> torch.Tensor:
    first, second = (-1, -2) if axes is None else axes
    return torch.transpose(a, first, second)


def summation(a: torch.Tensor, axes: Axes = None) -> torch.Tensor:
    # Of everything: a shape of one element, as needle's arrays give; () would be right too.
    return torch.sum(a).reshape(1) if axes is None else torch.sum(a, dim=axes)


def logsumexp(a: torch.Tensor, axes: Axes = None) -> torch.Tensor:
    if axes is None:
        return torch.logsumexp(a, dim=tuple(range(a.ndim))).reshape(1)
    return torch.logsumexp(a, dim=axes)


def dilate(a: torch.Tensor, axes: Sequence[int], dilation: int) -> torch.Tensor:
    steps = [dilation + 1 if axis in axes else 1 for axis in range(a.ndim)]
    out = torch.zeros([size * step for size, step in zip(a.shape, steps, strict=True)], dtype=a.dtype)
    out[tuple(slice(None, None, step) for step in steps)] = a
    return out


def undilate(a: torch.Tensor, axes: Sequence[int], dilation: int) -> torch.Tensor:
    return a[tuple(slice(None, None, dilation + 1 if axis in axes else 1) for axis in range(a.ndim))]


FUNCTIONS = {
    "add": torch.add,
    "add_scalar": lambda a, scalar: a + scalar,
    "multiply": torch.mul,
    "mul_scalar": lambda a, scalar: a * scalar,
    "power": torch.pow,
    "power_scalar": lambda a, scalar: a**scalar,
    "divide": torch.div,
    "divide_scalar": lambda a, scalar: a / scalar,
    "negate": torch.neg,
    "log": torch.log,
    "exp": torch.exp,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "transpose": transpose,
    "reshape": torch.reshape,
    "broadcast_to": lambda a, shape: torch.broadcast_to(a, shape),
    "summation": summation,
    "matmul": torch.matmul,
    "logsumexp": logsumexp,
    "logsoftmax": lambda a: torch.log_softmax(a, dim=-1),
    "stack": lambda *parts, axis: torch.stack(parts, dim=axis),
    "flip": lambda a, axes: torch.flip(a, dims=tuple(axes)),
    "dilate": dilate,
    "undilate": undilate,
}
