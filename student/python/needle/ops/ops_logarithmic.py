"""Ops around log(sum(exp(...))), computed so that large inputs neither overflow nor vanish."""

from __future__ import annotations

from ..autograd import Tensor, TensorOp
from ..backend_selection import NDArray, array_api
from . import _checks

### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


class LogSoftmax(TensorOp):
    """z -> z - log(sum(exp(z))) over the last axis: the logarithm of softmax(z), in z's shape.

    Example: [[0, 0]] -> [[-log(2), -log(2)]]. Must be right for inputs of ±1000, where exp(1000) is infinite
    in float32: the result stays the same when one number, such as the largest z, is subtracted from every z.
    """

    def check(self, a: Tensor) -> None:
        if not a.shape or not a.shape[-1]:
            raise ValueError(f"LogSoftmax: the shape is {a.shape}; expected a last axis of length 1 or more.")

    def compute(self, Z: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LogSoftmax.compute is yours to write (python/needle/ops/ops_logarithmic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LogSoftmax.gradient is yours to write (python/needle/ops/ops_logarithmic.py)")
        ### END YOUR SOLUTION


def logsoftmax(a: Tensor) -> Tensor:
    """See LogSoftmax."""
    return LogSoftmax()(a)


class LogSumExp(TensorOp):
    """Z -> log(sum(exp(Z))) over `axes`: None for all of them, one axis, or a tuple of axes.

    Negative axes count from the end; the axes disappear from the shape, as in Summation. Over axis 1,
    [[0, 0], [1000, 1000]] is [log(2), 1000 + log(2)]. Must be right for inputs of ±1000, where exp(1000) is
    infinite in float32: log(sum(exp(Z))) = log(sum(exp(Z - m))) + m for every m, such as the largest Z.

    Hint for the gradient: how much does the result change when one of the Z grows a little? It too must be
    right at ±1000; `node` is the output.
    """

    def __init__(self, axes: int | tuple[int, ...] | None = None):
        self.axes = None if axes is None else _checks.integers(self, "axes", axes)

    def check(self, a: Tensor) -> None:
        if any(a.shape[axis] == 0 for axis in _checks.axes(self, self.axes, len(a.shape))):
            raise ValueError(f"LogSumExp: axes {self.axes} of shape {a.shape} hold no element; expected 1 or more.")

    def compute(self, Z: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LogSumExp.compute is yours to write (python/needle/ops/ops_logarithmic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LogSumExp.gradient is yours to write (python/needle/ops/ops_logarithmic.py)")
        ### END YOUR SOLUTION


def logsumexp(a: Tensor, axes: int | tuple[int, ...] | None = None) -> Tensor:
    """See LogSumExp."""
    return LogSumExp(axes)(a)
