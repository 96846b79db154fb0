"""The graphs of probes/graph.py in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from oracle.calculus import Array, Derivatives, Draw, differentiate

GRAPHS = {
    "used_twice": lambda x, y: x * x / y + torch.tanh(x),
    "shared": lambda x, y: (x + y) + x,
    "square": lambda h: h * h,
    "diamond": lambda x, w: torch.log(torch.exp(x @ w) + 1) + (2 * torch.exp(x @ w) - 3) * torch.exp(x @ w),
    "identity": lambda x: x * 1.0,
    "detached": lambda x: torch.exp(x) * torch.tanh(x).detach(),
    "half_exp": lambda x: torch.exp(x) / 2,
    "fused_add_scalars": lambda a: (a + 0.75) * (a - 1.5),
}

SECOND_ORDER = {
    "cube": lambda x, w: x**3 * w,
    "quotient": lambda x, w: torch.log(x) / w,
    "tanh": lambda x, w: torch.tanh(x * w),
    "exp-matmul": lambda x, w: torch.exp(x @ w),
    "logsumexp": lambda x, w: torch.logsumexp(x * w, dim=1),
    "broadcast-sum": lambda x, w: (torch.broadcast_to(x, w.shape) * w * w).sum(dim=0) ** 2,
}


@dataclass(frozen=True)
class SecondOrder:
    """The gradients of a gradient."""

    out_grad: Array  # of f, as it is sent
    v: Array  # of f's gradient with respect to x, as it is sent
    grad: Array  # the gradient of sum(f * out_grad) with respect to x
    x_grad_of_grad: Array  # the gradient of sum(grad * v) with respect to x
    w_grad_of_grad: Array


def graph(name: str, inputs: Sequence[Array], draw: Draw) -> Derivatives:
    """The graph of that name at `inputs`."""
    return differentiate(GRAPHS[name], inputs, draw)


def split_and_stack(a: Array, draw: Draw, *, split_axis: int, order: Sequence[int], stack_axis: int) -> Derivatives:
    """The parts of `a` along split_axis numbered by `order`, each times its place + 1, stacked along stack_axis."""

    def function(a: torch.Tensor) -> torch.Tensor:
        parts = torch.unbind(a, split_axis)
        return torch.stack([parts[k] * (place + 1) for place, k in enumerate(order)], stack_axis)

    return differentiate(function, [a], draw)


def second_order(name: str, x: Array, w: Array, draw: Draw) -> SecondOrder:
    """The function of that name, differentiated twice."""
    x_, w_ = (torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, w))
    y = SECOND_ORDER[name](x_, w_)
    out_grad, v = draw(*y.shape), draw(*x.shape)
    (grad,) = torch.autograd.grad(y, x_, torch.from_numpy(out_grad.astype(np.float64)), create_graph=True)
    x_grad, w_grad = torch.autograd.grad(grad, (x_, w_), torch.from_numpy(v.astype(np.float64)))
    return SecondOrder(out_grad, v, grad.detach().numpy(), x_grad.numpy(), w_grad.numpy())
