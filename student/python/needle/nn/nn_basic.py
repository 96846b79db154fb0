"""The module machinery and the basic layers.

Every layer with weights draws them from NumPy's global generator, weights first and the bias after, so that a
seed decides a model completely. Tensors carry no indexing: layers are written with `needle.ops`, or gradients
are lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from needle import init, ops
from needle.autograd import Tensor


class Parameter(Tensor):
    """A tensor that a module owns and an optimizer changes."""


def _walk(value: Any, seen: set[int]) -> Iterator[Parameter | Module]:
    """The parameters and modules in a value and in its lists, tuples and dicts, depth first, each once.

    Once, because an optimizer that meets a shared weight twice would step it twice, and modules may form a
    cycle.
    """
    if isinstance(value, (Parameter, Module)):
        if id(value) in seen:
            return
        seen.add(id(value))
        yield value
    if isinstance(value, Module):
        value = vars(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for item in value:
        yield from _walk(item, seen)


class Module:
    """Base of every layer and model. Parameters and submodules are found in the attributes, in order."""

    def __init__(self) -> None:
        self.training = True

    def parameters(self) -> list[Parameter]:
        """Every parameter of this module and of those inside it, each once even where two layers share it."""
        return [value for value in _walk(self, set()) if isinstance(value, Parameter)]

    def _modules(self) -> list[Module]:
        """The module itself and all modules inside it."""
        return [value for value in _walk(self, set()) if isinstance(value, Module)]

    def train(self) -> Module:
        """Training mode, for this module and all inside it: batch statistics, active dropout."""
        for module in self._modules():
            module.training = True
        return self

    def eval(self) -> Module:
        """Evaluation mode, for this module and all inside it: running statistics, no dropout."""
        for module in self._modules():
            module.training = False
        return self

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; every layer writes its own."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)


def check_shape(what: str, x: Tensor, **axes: int | None) -> None:
    """Refuse a tensor whose shape is not the named axes'; None stands for any size.

    `check_shape("Conv's input", x, batch=None, channels=3, height=None, width=None)` passes for (8, 3, 5, 7).
    Raises TypeError where `x` is no Tensor, ValueError where its shape does not fit.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{what}: got a {type(x).__name__}; expected a needle Tensor.")
    sizes = axes.values()
    if len(x.shape) != len(axes) or any(want not in (None, got) for want, got in zip(sizes, x.shape, strict=True)):
        expected = ", ".join(name if size is None else f"{name}={size}" for name, size in axes.items())
        raise ValueError(f"{what}: got shape {tuple(x.shape)}; expected ({expected}).")


def check_first_axis(what: str, x: Tensor) -> None:
    """Refuse a tensor without rows, of which there is no mean and no last one (ValueError)."""
    if x.shape[0] == 0:
        raise ValueError(f"{what}: got shape {tuple(x.shape)}; expected a first axis of at least 1.")


def check_sizes(layer: str, **sizes: int) -> None:
    """Refuse a layer's sizes that are not whole numbers of at least 1 (TypeError, ValueError)."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"{layer}: {name} is {size!r}; expected a whole number.")
        if size < 1:
            raise ValueError(f"{layer}: {name} is {size}; expected at least 1.")


def along_last(vector: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A vector, of n numbers in any shape, laid along the last axis of `shape` and repeated over the others.

    Example: b of shape (3,) and shape (2, 3) gives [[b0, b1, b2], [b0, b1, b2]].
    """
    row = ops.reshape(vector, (1,) * (len(shape) - 1) + (shape[-1],))
    return ops.broadcast_to(row, tuple(shape))


class Identity(Module):
    """Hands its input on."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Linear(Module):
    """y = x W + b over the last axis: x (..., in_features) -> y (..., out_features).

    - `weight`, Parameter (in_features, out_features): `init.kaiming_uniform(in_features, out_features)`.
    - `bias`, Parameter (1, out_features), drawn after the weight: `init.kaiming_uniform(out_features, 1)`,
      reshaped; None with `bias=False`.
    Inputs have two axes or more; the bias is broadcast to the output's shape by an op, never implicitly.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype="float32"):
        super().__init__()
        check_sizes("Linear", in_features=in_features, out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Linear.__init__ is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        if len(x.shape) < 2 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"Linear's input: got shape {tuple(x.shape)}; expected (batch, ..., in_features={self.in_features})."
            )
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Linear.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class Flatten(Module):
    """Keeps the batch axis and joins all others: (B, d0, d1, ...) -> (B, d0*d1*...)."""

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Flatten.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class ReLU(Module):
    """max(x, 0), element by element."""

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("ReLU.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class Tanh(Module):
    """The hyperbolic tangent, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Tanh.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class Sequential(Module):
    """Applies modules one after the other: Sequential(f, g)(x) = g(f(x))."""

    def __init__(self, *modules: Module):
        super().__init__()
        self.modules = modules

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Sequential.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class SoftmaxLoss(Module):
    """The softmax (cross-entropy) loss, averaged over the batch.

    logits (batch, classes), y (batch,) with class numbers as floats -> one number: the mean over the batch of
    logsumexp(logits[i]) - logits[i, y[i]]. Two equal logits [[0, 0]] give log 2 = 0.6931 for either class.
    The true logits are picked by a one-hot product.
    """

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        check_shape("SoftmaxLoss's logits", logits, batch=None, classes=None)
        check_shape("SoftmaxLoss's labels", y, batch=logits.shape[0])
        check_first_axis("SoftmaxLoss's logits", logits)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("SoftmaxLoss.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class BatchNorm1d(Module):
    """Normalises each feature over the batch: x (batch, dim) -> (batch, dim).

    y = weight * (x - mean) / sqrt(var + eps) + bias, for each of the dim columns on its own.
    - Training: mean and var (biased: divided by the batch size) are the batch's, and gradients flow through
      both. Then running = (1 - momentum) * running + momentum * batch's, for `running_mean` and
      `running_var`.
    - Evaluation: mean and var are the running ones, which stay as they are.
    `weight` starts at 1 and `bias` at 0, both Parameters (dim,). `running_mean` starts at 0 and `running_var`
    at 1, plain tensors (dim,), not parameters; they must hold no graph, or each batch would keep all earlier
    ones alive.
    """

    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1, device=None, dtype="float32"):
        super().__init__()
        check_sizes("BatchNorm1d", dim=dim)
        self.dim = dim
        self.eps = eps
        self.momentum = momentum
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("BatchNorm1d.__init__ is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        check_shape("BatchNorm1d's input", x, batch=None, dim=self.dim)
        check_first_axis("BatchNorm's input", x)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("BatchNorm1d.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION

    ### BEGIN YOUR SOLUTION
    ### END YOUR SOLUTION


class BatchNorm2d(BatchNorm1d):
    """Normalises each channel over batch and pixels: x (N, C, H, W) -> (N, C, H, W). Given.

    A pixel is a row of C features to BatchNorm1d. The order of the rows does not matter to it, so one swap of
    axes (N, C, H, W) -> (N, W, H, C) is enough, and the same swap leads back.
    """

    def forward(self, x: Tensor) -> Tensor:
        check_shape("BatchNorm2d's input", x, batch=None, channels=self.dim, height=None, width=None)
        n, c, h, w = x.shape
        pixels = ops.reshape(ops.transpose(x, (1, 3)), (n * w * h, c))
        return ops.transpose(ops.reshape(super().forward(pixels), (n, w, h, c)), (1, 3))


class LayerNorm1d(Module):
    """Normalises each example over its features: x (batch, dim) -> (batch, dim).

    y = weight * (x - mean) / sqrt(var + eps) + bias, where mean and biased var are taken over each row.
    `weight` starts at 1 and `bias` at 0, both Parameters (dim,). Example: the row [1, 3] becomes [-1, 1] (but
    for eps).
    """

    def __init__(self, dim: int, eps: float = 1e-5, device=None, dtype="float32"):
        super().__init__()
        check_sizes("LayerNorm1d", dim=dim)
        self.dim = dim
        self.eps = eps
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LayerNorm1d.__init__ is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        check_shape("LayerNorm1d's input", x, batch=None, dim=self.dim)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LayerNorm1d.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class Dropout(Module):
    """Training: each element is 0 with probability p, else divided by 1 - p. Evaluation: x itself.

    The division keeps each element's mean, so that evaluation needs no scaling.
    The mask is `init.randb(*x.shape, p=1 - p)`: 1 where an element stays. 0 <= p < 1.
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p is {p}, the probability of dropping; expected 0 <= p < 1.")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Dropout.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION


class Residual(Module):
    """fn(x) + x, for a module fn that keeps the shape."""

    def __init__(self, fn: Module):
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Residual.forward is yours to write (python/needle/nn/nn_basic.py)")
        ### END YOUR SOLUTION
