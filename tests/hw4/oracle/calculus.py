"""Values and gradients by PyTorch's own automatic differentiation, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Array = npt.NDArray[Any]
Draw = Callable[..., Array]  # draws an array of the shape given by its arguments, as `rng.normal` does


@dataclass(frozen=True)
class Derivatives:
    """A function's value, and the gradients of sum(value * out_grad) with respect to its inputs."""

    value: Array
    out_grad: Array  # float32, as it is sent to a submission
    grads: list[Array]  # one an input, in its shape


def differentiate(function: Callable[..., torch.Tensor], inputs: Sequence[Array], draw: Draw) -> Derivatives:
    """`function` at `inputs`, with an output gradient drawn in the value's shape.

    Random output gradients, because many wrong gradients are right for a gradient of ones.
    """
    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in inputs]
    value = function(*leaves)
    out_grad = np.asarray(draw(*value.shape))
    value.backward(torch.from_numpy(out_grad.astype(np.float64)))
    return Derivatives(value.detach().numpy(), out_grad, [gradient_of(leaf) for leaf in leaves])


def gradient_of(leaf: torch.Tensor) -> Array:
    """The gradient that backward() left in a leaf; zeros where the value does not depend on it."""
    return np.zeros(tuple(leaf.shape)) if leaf.grad is None else leaf.grad.numpy()
