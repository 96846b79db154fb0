"""The optimizers, on PyTorch's parameters.

Not PyTorch's own: its SGD begins otherwise, and to make one of its optimizers for the first time takes 1.2 s.
"""

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

    PyTorch's first step has no factor (1 - momentum).
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


class Adam:
    """Algorithm 1 of Kingma and Ba, "Adam: a method for stochastic optimization", 2014; decay adds to the gradient."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.moments = [(param, torch.zeros_like(param), torch.zeros_like(param)) for param in params]
        self.lr, self.beta1, self.beta2, self.eps, self.weight_decay = lr, beta1, beta2, eps, weight_decay
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        for param, m, v in self.moments:
            if param.grad is not None:
                grad = param.grad + self.weight_decay * param
                m.mul_(self.beta1).add_(grad, alpha=1 - self.beta1)
                v.mul_(self.beta2).add_(grad**2, alpha=1 - self.beta2)
                m_hat, v_hat = m / (1 - self.beta1**self.steps), v / (1 - self.beta2**self.steps)
                param.sub_(self.lr * m_hat / (v_hat.sqrt() + self.eps))


def make(name: str, params: Iterable[torch.Tensor], options: dict[str, Any]) -> Optimizer:
    """The optimizer of that name: "Adam" or "SGD"."""
    return {"Adam": Adam, "SGD": SGD}[name](params, **options)


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
