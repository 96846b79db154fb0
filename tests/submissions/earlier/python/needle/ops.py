"""Operators of the computation graph."""

from itertools import product
from numbers import Number
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy
import numpy as np

from . import init
from .autograd import NDArray, Op, Tensor, TensorOp, TensorTuple, TensorTupleOp, Value
from .backend_selection import array_api


def as_tuple(axes, ndim):
    """Axes given as None, a number or several: always a tuple of numbers from 0 to ndim-1."""
    if axes is None:
        return tuple(range(ndim))
    if isinstance(axes, Number):
        axes = (axes,)
    return tuple(ax % ndim for ax in axes)


class MakeTensorTuple(TensorTupleOp):
    def compute(self, *args) -> tuple:
        return tuple(args)

    def gradient(self, out_grad, node):
        assert isinstance(out_grad, TensorTuple)
        return tuple([out_grad[i] for i in range(len(out_grad))])


def make_tuple(*args):
    return MakeTensorTuple()(*args)


class TupleGetItem(TensorOp):
    def __init__(self, index):
        self.index = index

    def __call__(self, a: TensorTuple, fold_const=True) -> Value:
        assert isinstance(a, TensorTuple)
        # what was just packed need not be unpacked
        if fold_const and isinstance(a.op, MakeTensorTuple):
            return a.inputs[self.index]
        return Tensor.make_from_op(self, [a])

    def compute(self, a):
        return a[self.index]

    def gradient(self, out_grad, node):
        index = self.index
        in_grad = []
        for i, value in enumerate(node.inputs[0]):
            if i != index:
                in_grad.append(init.zeros_like(value))
            else:
                in_grad.append(out_grad)
        return MakeTensorTuple()(*in_grad)


def tuple_get_item(value, index):
    return TupleGetItem(index)(value)


class FusedAddScalars(TensorTupleOp):
    def __init__(self, c0: float, c1: float):
        self.c0 = c0
        self.c1 = c1

    def compute(self, a):
        return a + self.c0, a + self.c1

    def gradient(self, out_grad, node):
        return out_grad[0] + out_grad[1]


def fused_add_scalars(x, c0, c1):
    return FusedAddScalars(c0, c1)(x)


class EWiseAdd(TensorOp):
    def compute(self, a: NDArray, b: NDArray):
        return a + b

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad, out_grad


def add(a, b):
    return EWiseAdd()(a, b)


class AddScalar(TensorOp):
    def __init__(self, scalar):
        self.scalar = scalar

    def compute(self, a: NDArray):
        return a + self.scalar

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad


def add_scalar(a, scalar):
    return AddScalar(scalar)(a)


class EWiseMul(TensorOp):
    def compute(self, a: NDArray, b: NDArray):
        return a * b

    def gradient(self, out_grad: Tensor, node: Tensor):
        lhs, rhs = node.inputs
        return out_grad * rhs, out_grad * lhs


def multiply(a, b):
    return EWiseMul()(a, b)


class MulScalar(TensorOp):
    def __init__(self, scalar):
        self.scalar = scalar

    def compute(self, a: NDArray):
        return a * self.scalar

    def gradient(self, out_grad: Tensor, node: Tensor):
        return (out_grad * self.scalar,)


def mul_scalar(a, scalar):
    return MulScalar(scalar)(a)


class EWisePow(TensorOp):
    """a to the power b, element by element, for positive a."""

    def compute(self, base: NDArray, exponent: NDArray):
        ### BEGIN YOUR SOLUTION
        return array_api.exp(exponent * array_api.log(base))
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        base, exponent = node.inputs
        d_base = exponent * power(base, exponent - 1.0)
        d_exponent = log(base) * node
        return out_grad * d_base, out_grad * d_exponent
        ### END YOUR SOLUTION


def power(a, b):
    return EWisePow()(a, b)


class PowerScalar(TensorOp):
    """a to the power of a number."""

    def __init__(self, scalar: int):
        self.scalar = scalar

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        return a**self.scalar
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        (x,) = node.inputs
        if self.scalar == 0:
            return out_grad * 0.0
        if self.scalar == 1:
            return out_grad
        return out_grad * self.scalar * power_scalar(x, self.scalar - 1)
        ### END YOUR SOLUTION


def power_scalar(a, scalar):
    return PowerScalar(scalar)(a)


class EWiseDiv(TensorOp):
    """a over b, element by element."""

    def compute(self, a, b):
        ### BEGIN YOUR SOLUTION
        return a / b
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        top, bottom = node.inputs
        share = out_grad / bottom
        return share, negate(share * node)
        ### END YOUR SOLUTION


def divide(a, b):
    return EWiseDiv()(a, b)


class DivScalar(TensorOp):
    def __init__(self, scalar):
        self.scalar = scalar

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return a / self.scalar
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return divide_scalar(out_grad, self.scalar)
        ### END YOUR SOLUTION


def divide_scalar(a, scalar):
    return DivScalar(scalar)(a)


class Transpose(TensorOp):
    """Swap two axes; the last two where none are named."""

    def __init__(self, axes: Optional[tuple] = None):
        self.axes = axes

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        first, second = self.axes if self.axes is not None else (a.ndim - 2, a.ndim - 1)
        order = list(range(a.ndim))
        order[first], order[second] = order[second], order[first]
        return a.permute(tuple(order))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return Transpose(self.axes)(out_grad)
        ### END YOUR SOLUTION


def transpose(a, axes=None):
    return Transpose(axes)(a)


class Permute(TensorOp):
    """All axes in another order."""

    def __init__(self, axes: tuple):
        self.axes = axes

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return a.permute(self.axes)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        back = [0] * len(self.axes)
        for new, old in enumerate(self.axes):
            back[old] = new
        return permute(out_grad, tuple(back))
        ### END YOUR SOLUTION


def permute(a, axes):
    return Permute(axes)(a)


class Reshape(TensorOp):
    def __init__(self, shape):
        self.shape = shape

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.reshape(a.compact(), self.shape)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return out_grad.reshape(node.inputs[0].shape)
        ### END YOUR SOLUTION


def reshape(a, shape):
    return Reshape(shape)(a)


class BroadcastTo(TensorOp):
    def __init__(self, shape):
        self.shape = shape

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.broadcast_to(a, self.shape).compact()
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return collapse(out_grad, node.inputs[0].shape)
        ### END YOUR SOLUTION


def broadcast_to(a, shape):
    return BroadcastTo(shape)(a)


def collapse(grad, shape):
    """Sum a gradient over the axes along which something of this shape was broadcast."""
    lead = len(grad.shape) - len(shape)
    axes = [k for k in range(len(grad.shape)) if k < lead or (shape[k - lead] == 1 and grad.shape[k] != 1)]
    if axes:
        grad = summation(grad, tuple(axes))
    return grad if tuple(grad.shape) == tuple(shape) else reshape(grad, shape)


class Summation(TensorOp):
    """The sum over axes: None for all of them."""

    def __init__(self, axes: Optional[tuple] = None):
        self.axes = axes

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        if self.axes is None:
            return array_api.sum(a)
        # the backend sums over one axis at a time: from the last one on, so that numbers stay right
        for ax in sorted(as_tuple(self.axes, a.ndim), reverse=True):
            a = array_api.sum(a, axis=ax)
        return a
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        shape = node.inputs[0].shape
        kept = list(shape)
        for ax in as_tuple(self.axes, len(shape)):
            kept[ax] = 1
        return broadcast_to(reshape(out_grad, tuple(kept)), shape)
        ### END YOUR SOLUTION


def summation(a, axes=None):
    return Summation(axes)(a)


class MatMul(TensorOp):
    """Matrix products, also of batches of matrices."""

    def compute(self, a, b):
        ### BEGIN YOUR SOLUTION
        if b.ndim == 2:
            # one large product
            rows = a.compact().reshape((-1, a.shape[-1])) if a.ndim > 2 else a
            return (rows @ b).reshape(tuple(a.shape[:-1]) + (b.shape[-1],))
        batch = batch_shape(a.shape[:-2], b.shape[:-2])
        many = int(np.prod(batch))
        (m, k), n = a.shape[-2:], b.shape[-1]
        left = a.broadcast_to(batch + (m, k)).compact().reshape((many, m, k))
        right = b.broadcast_to(batch + (k, n)).compact().reshape((many, k, n))
        out = array_api.empty((many, m, n), device=a.device)
        for i in range(many):
            out[i, :, :] = left[i].compact().reshape((m, k)) @ right[i].compact().reshape((k, n))
        return out.reshape(batch + (m, n))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        lhs, rhs = node.inputs
        d_lhs = matmul(out_grad, transpose(rhs))
        d_rhs = matmul(transpose(lhs), out_grad)
        return collapse(d_lhs, lhs.shape), collapse(d_rhs, rhs.shape)
        ### END YOUR SOLUTION


def batch_shape(p, q):
    """The shape that both shapes broadcast to."""
    length = max(len(p), len(q))
    p, q = (1,) * (length - len(p)) + tuple(p), (1,) * (length - len(q)) + tuple(q)
    return tuple(max(i, j) for i, j in zip(p, q))


def matmul(a, b):
    return MatMul()(a, b)


class Negate(TensorOp):
    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return -a
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return -out_grad
        ### END YOUR SOLUTION


def negate(a):
    return Negate()(a)


class Log(TensorOp):
    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.log(a)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return divide(out_grad, node.inputs[0])
        ### END YOUR SOLUTION


def log(a):
    return Log()(a)


class Exp(TensorOp):
    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.exp(a)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return multiply(out_grad, node)
        ### END YOUR SOLUTION


def exp(a):
    return Exp()(a)


class ReLU(TensorOp):
    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.maximum(a, 0.0)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        passes = node.realize_cached_data() > 0.0
        return out_grad * Tensor(passes, device=out_grad.device, dtype=out_grad.dtype, requires_grad=False)
        ### END YOUR SOLUTION


def relu(a):
    return ReLU()(a)


class LogSumExp(TensorOp):
    """log(sum(exp(Z))) over axes."""

    def __init__(self, axes: Optional[tuple] = None):
        self.axes = axes

    def compute(self, Z):
        ### BEGIN YOUR SOLUTION
        reduced = sorted(as_tuple(self.axes, Z.ndim))
        high = Z
        for ax in reduced:
            high = high.max(axis=ax, keepdims=True)
        total = array_api.exp(Z - high.broadcast_to(Z.shape))
        for ax in reduced:
            total = total.sum(axis=ax, keepdims=True)
        result = array_api.log(total) + high
        shape = tuple(n for ax, n in enumerate(Z.shape) if ax not in reduced)
        return result.compact().reshape(shape if shape else (1,))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        Z = node.inputs[0]
        kept = tuple(1 if ax in as_tuple(self.axes, len(Z.shape)) else n for ax, n in enumerate(Z.shape))
        softmax = exp(Z - broadcast_to(reshape(node, kept), Z.shape))
        return softmax * broadcast_to(reshape(out_grad, kept), Z.shape)
        ### END YOUR SOLUTION


def logsumexp(a, axes=None):
    return LogSumExp(axes=axes)(a)


class LogSoftmax(TensorOp):
    """The logarithm of the softmax over the last axis."""

    def compute(self, Z):
        ### BEGIN YOUR SOLUTION
        centred = Z - Z.max(axis=Z.ndim - 1, keepdims=True).broadcast_to(Z.shape)
        denominator = array_api.exp(centred).sum(axis=Z.ndim - 1, keepdims=True)
        return centred - array_api.log(denominator).broadcast_to(Z.shape)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        last = len(node.shape) - 1
        total = reshape(summation(out_grad, (last,)), tuple(node.shape[:-1]) + (1,))
        return out_grad - exp(node) * broadcast_to(total, node.shape)
        ### END YOUR SOLUTION


def logsoftmax(a):
    return LogSoftmax()(a)


class Tanh(TensorOp):
    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return array_api.tanh(a)
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return out_grad - out_grad * node * node
        ### END YOUR SOLUTION


def tanh(a):
    return Tanh()(a)


class Stack(TensorOp):
    def __init__(self, axis: int):
        """
        Puts arrays of one shape side by side along a new dimension.
        Parameters:
        axis - where the new dimension is
        """
        self.axis = axis

    def compute(self, args):
        ### BEGIN YOUR SOLUTION
        part = args[0]
        axis = self.axis % (part.ndim + 1)
        shape = part.shape[:axis] + (len(args),) + part.shape[axis:]
        result = array_api.empty(shape, device=part.device)
        place = [slice(None)] * len(shape)
        for k, arr in enumerate(args):
            assert arr.shape == part.shape, "stack: shapes differ"
            place[axis] = k
            result[tuple(place)] = arr
        return result
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return split(out_grad, self.axis)
        ### END YOUR SOLUTION


def stack(args, axis):
    return Stack(axis)(make_tuple(*args))


class Split(TensorTupleOp):
    def __init__(self, axis: int):
        """
        Takes a tensor apart along a dimension, into a tuple; undoes Stack.
        Parameters:
        axis - the dimension
        """
        self.axis = axis

    def compute(self, A):
        ### BEGIN YOUR SOLUTION
        axis = self.axis % A.ndim
        rest = A.shape[:axis] + A.shape[axis + 1 :]
        # the axis first: then every part is a row
        rows = A.permute((axis,) + tuple(k for k in range(A.ndim) if k != axis)).compact()
        return tuple(rows[k].compact().reshape(rest) for k in range(A.shape[axis]))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return Stack(self.axis)(out_grad)
        ### END YOUR SOLUTION


def split(a, axis):
    return Split(axis)(a)


class Flip(TensorOp):
    def __init__(self, axes: Optional[tuple] = None):
        self.axes = axes

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return a.flip(as_tuple(self.axes, a.ndim))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return flip(out_grad, self.axes)
        ### END YOUR SOLUTION


def flip(a, axes):
    return Flip(axes)(a)


def every_nth(axes, ndim, n):
    """The index of every n-th element along axes; an axis that is not there does not matter."""
    return tuple(slice(None, None, n) if k in axes else slice(None) for k in range(ndim))


class Dilate(TensorOp):
    def __init__(self, axes: tuple, dilation: int):
        self.axes = axes
        self.dilation = dilation

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        step = self.dilation + 1
        shape = tuple(n * step if k in self.axes else n for k, n in enumerate(a.shape))
        out = array_api.full(shape, 0.0, device=a.device)
        out[every_nth(self.axes, a.ndim, step)] = a
        return out
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        return undilate(out_grad, self.axes, self.dilation)
        ### END YOUR SOLUTION


def dilate(a, axes, dilation):
    return Dilate(axes, dilation)(a)


class UnDilate(TensorOp):
    def __init__(self, axes: tuple, dilation: int):
        self.axes = axes
        self.dilation = dilation

    def compute(self, a):
        ### BEGIN YOUR SOLUTION
        return a[every_nth(self.axes, a.ndim, self.dilation + 1)].compact()
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        grown = dilate(out_grad, self.axes, self.dilation)
        # what was cut off at the end is missing, or zeros too many are there
        return Window(tuple((0, n) for n in node.inputs[0].shape))(grown)
        ### END YOUR SOLUTION


def undilate(a, axes, dilation):
    return UnDilate(axes, dilation)(a)


class Window(TensorOp):
    """Cut [start, start + length) out of every axis, for (start, length) of each; zeros where nothing is."""

    def __init__(self, parts):
        self.parts = parts

    def compute(self, a):
        before = [max(0, -start) for start, _ in self.parts]
        after = [max(0, start + length - n) for (start, length), n in zip(self.parts, a.shape)]
        if any(before) or any(after):
            a = a.pad(tuple(zip(before, after)))
        places = [slice(start + b, start + b + length) for (start, length), b in zip(self.parts, before)]
        return a[tuple(places)].compact()

    def gradient(self, out_grad, node):
        shape = node.inputs[0].shape
        return Window(tuple((-start, n) for (start, _), n in zip(self.parts, shape)))(out_grad)


class Conv(TensorOp):
    def __init__(self, stride: Optional[int] = 1, padding: Optional[int] = 0, dilation: Optional[int] = 1):
        self.stride = stride
        self.padding = padding
        self.dilation = dilation

    def compute(self, A, B):
        ### BEGIN YOUR SOLUTION
        p, s, d = self.padding, self.stride, self.dilation
        A = A.pad(((0, 0), (p, p), (p, p), (0, 0))) if p else A.compact()
        N, H, W, C = A.shape
        KH, KW, _, O = B.shape
        OH, OW = (H - d * (KH - 1) - 1) // s + 1, (W - d * (KW - 1) - 1) // s + 1
        sn, sh, sw, sc = A.strides
        columns = A.as_strided((N, OH, OW, KH, KW, C), (sn, sh * s, sw * s, sh * d, sw * d, sc)).compact()
        product_ = columns.reshape((N * OH * OW, KH * KW * C)) @ B.compact().reshape((KH * KW * C, O))
        return product_.reshape((N, OH, OW, O))
        ### END YOUR SOLUTION

    def gradient(self, out_grad, node):
        ### BEGIN YOUR SOLUTION
        A, B = node.inputs
        p, s, d = self.padding, self.stride, self.dilation
        (N, H, W, C), (KH, KW, _, O) = A.shape, B.shape
        # Every output pixel is spread over the pixels it came from: a full correlation of the dilated gradient,
        # and of that the part which is the image without its padding.
        spread = dilate(out_grad, (1, 2), s - 1) if s > 1 else out_grad
        kernel = transpose(flip(B, (0, 1)), (2, 3))
        full = conv(spread, kernel, stride=1, padding=d * (max(KH, KW) - 1), dilation=d)
        extra = (d * (max(KH, KW) - KH), d * (max(KH, KW) - KW))
        grad_A = Window(((0, N), (p + extra[0], H), (p + extra[1], W), (0, C)))(full)
        # The images are the batch's channels here, and the gradient is the kernel: its taps lie a stride apart.
        images, taps = permute(A, (3, 1, 2, 0)), permute(out_grad, (1, 2, 0, 3))
        whole = conv(images, taps, stride=d, padding=p, dilation=s)
        grad_B = permute(Window(((0, C), (0, KH), (0, KW), (0, O)))(whole), (1, 2, 0, 3))
        return grad_A, grad_B
        ### END YOUR SOLUTION


def conv(a, b, stride=1, padding=1, dilation=1):
    return Conv(stride, padding, dilation)(a, b)
