"""Optimizers: they change parameters, in place, by the gradients that backward() left in them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .autograd import Tensor


class Optimizer:
    """Base of all optimizers.

    Args:
        params: the tensors to optimize.
    """

    def __init__(self, params: Iterable[Tensor]):
        self.params = list(params)
        for position, param in enumerate(self.params):
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"Optimizer: parameter {position} is of type {type(param).__name__}; expected a Tensor."
                )

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        raise NotImplementedError(f"{type(self).__name__}.step is not written.")

    def reset_grad(self) -> None:
        """Forget the gradients, and with them the graph they were computed from."""
        for param in self.params:
            param.grad = None

    def clip_grad_norm(self, max_norm: float = 0.25) -> None:
        """Scale all gradients by max_norm / total if their total L2 norm is greater than max_norm.

        The total norm is that of all gradients of all parameters together, as if they were one long vector.
        Parameters without a gradient are skipped. The new gradients have no history (`grad.data`).
        """
        if not max_norm > 0:
            raise ValueError(f"clip_grad_norm: max_norm is {max_norm}; expected a positive number.")
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Optimizer.clip_grad_norm is yours to write (python/needle/optim.py)")
        ### END YOUR SOLUTION


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    With g = grad + weight_decay * param and a velocity u for every parameter, 0 at first:

        u = momentum * u + (1 - momentum) * g
        param = param - lr * u

    - Parameters whose `grad` is None are skipped.
    - Work with `param.data` and `param.grad.data`, and assign to `param.data`: otherwise each step adds to
      the graph, and memory grows without end.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0):
        super().__init__(params)
        _check_at_least_0("SGD", lr=lr, weight_decay=weight_decay)
        _check_fraction("SGD", momentum=momentum)
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        # Parameter -> its velocity.
        self.u: dict[Tensor, Tensor] = {}

    def step(self) -> None:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("SGD.step is yours to write (python/needle/optim.py)")
        ### END YOUR SOLUTION


class Adam(Optimizer):
    """Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2014).

    With g = grad + weight_decay * param, moments m and v for every parameter, 0 at first, and t the number of
    the step, 1 at first:

        m = beta1 * m + (1 - beta1) * g                m_hat = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g**2             v_hat = v / (1 - beta2**t)
        param = param - lr * m_hat / (sqrt(v_hat) + eps)

    - Parameters whose `grad` is None are skipped; t counts the steps that a parameter took part in.
    - As in SGD, stay outside of the graph.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params)
        _check_at_least_0("Adam", lr=lr, eps=eps, weight_decay=weight_decay)
        _check_fraction("Adam", beta1=beta1, beta2=beta2)
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.weight_decay = weight_decay
        # Parameter -> how many steps it took part in, and its moments.
        self.t: dict[Tensor, int] = {}
        self.m: dict[Tensor, Tensor] = {}
        self.v: dict[Tensor, Tensor] = {}

    def step(self) -> None:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Adam.step is yours to write (python/needle/optim.py)")
        ### END YOUR SOLUTION


def _check_at_least_0(optimizer: str, **values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{optimizer}: {name} is {value}; expected 0 or more.")


def _check_fraction(optimizer: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{optimizer}: {name} is {value}; expected at least 0 and less than 1.")
