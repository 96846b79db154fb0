"""Ops around log(sum(exp(...))), computed so that large inputs neither overflow nor vanish."""

from __future__ import annotations

from ..autograd import Tensor, TensorOp
from ..backend_selection import NDArray, array_api
from . import _checks

### BEGIN YOUR SOLUTION
from .ops_mathematic import broadcast_to, exp, kept_shape, reduce_axes, reshape, summation

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
        shifted = Z - array_api.broadcast_to(Z.max(axis=Z.ndim - 1, keepdims=True), Z.shape)
        total = array_api.exp(shifted).sum(axis=Z.ndim - 1, keepdims=True)
        return shifted - array_api.broadcast_to(array_api.log(total), Z.shape)
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        total = reshape(summation(out_grad, -1), (*node.shape[:-1], 1))
        return out_grad - exp(node) * broadcast_to(total, node.shape)
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
        largest = reduce_axes(Z, self.axes, "max")
        kept = array_api.reshape(largest, kept_shape(Z.shape, self.axes))
        total = reduce_axes(array_api.exp(Z - array_api.broadcast_to(kept, Z.shape)), self.axes, "sum")
        return array_api.log(total) + largest
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        (Z,) = node.inputs
        kept = kept_shape(Z.shape, self.axes)
        # exp(Z - logsumexp) is the softmax, at most 1.
        softmax = exp(Z - broadcast_to(reshape(node, kept), Z.shape))
        return broadcast_to(reshape(out_grad, kept), Z.shape) * softmax
        ### END YOUR SOLUTION


def logsumexp(a: Tensor, axes: int | tuple[int, ...] | None = None) -> Tensor:
    """See LogSumExp."""
    return LogSumExp(axes)(a)
