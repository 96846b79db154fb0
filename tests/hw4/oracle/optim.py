"""Optimizers: PyTorch's Adam, and needle's SGD."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch

from oracle.calculus import Array


class Optimizer(Protocol):
    """What both have."""

    def step(self) -> object:
        """Change the parameters by their gradients."""
        ...


class SGD:
    """u = momentum * u + (1 - momentum) * (grad + weight_decay * param), param -= lr * u.

    Not PyTorch's, whose first step has no factor (1 - momentum).
    """

    def __init__(
        self, params: Iterable[torch.Tensor], lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        self.velocities = [(param, torch.zeros_like(param)) for param in params]
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay

    @torch.no_grad()
    def step(self) -> None:
        for param, velocity in self.velocities:
            if param.grad is not None:
                grad = param.grad + self.weight_decay * param
                velocity.mul_(self.momentum).add_(grad, alpha=1 - self.momentum)
                param.sub_(velocity, alpha=self.lr)


def make(name: str, params: Iterable[torch.Tensor], options: dict[str, Any]) -> Optimizer:
    """The optimizer of that name, with needle's names and defaults of the options."""
    if name == "SGD":
        return SGD(params, **options)
    options = {"lr": 0.01, **options}
    betas = (options.pop("beta1", 0.9), options.pop("beta2", 0.999))
    return torch.optim.Adam(params, betas=betas, foreach=False, **options)


def steps(
    name: str, options: dict[str, Any], params: Sequence[Array], grads: Sequence[Sequence[Array | None]]
) -> list[list[Array]]:
    """The parameters after every step. grads[t][k] is the gradient of parameter k in step t; None for none."""
    leaves = [torch.nn.Parameter(torch.tensor(array, dtype=torch.float64)) for array in params]
    optimizer = make(name, leaves, options)
    history = []
    for step in grads:
        for leaf, grad in zip(leaves, step, strict=True):
            leaf.grad = None if grad is None else torch.tensor(grad, dtype=torch.float64)
        optimizer.step()
        history.append([leaf.detach().numpy().copy() for leaf in leaves])
    return history
