"""The ops of arithmetic, of shapes, and of convolution.

- `compute` works on arrays: NumPy's, or needle's NDArray, as NEEDLE_BACKEND says. `array_api` is the module
  that made them; `_arrays` has what the two spell differently.
- `gradient` works on Tensors, with ops, so that it can be differentiated again.
- `check` refuses inputs that the op cannot take: `compute` need not.

EWiseAdd, AddScalar, EWiseMul and MulScalar are complete and show the pattern.
"""

from __future__ import annotations

import math

from ..autograd import Tensor, TensorOp, TensorTuple, TensorTupleOp
from ..backend_selection import NDArray, array_api
from . import _arrays, _checks
from .ops_tuple import make_tuple

### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


# ---- elementwise arithmetic ----


class EWiseAdd(TensorOp):
    """a + b, for equal shapes."""

    def check(self, a: Tensor, b: Tensor) -> None:
        _checks.same_shape(self, a.shape, b.shape)

    def compute(self, a: NDArray, b: NDArray) -> NDArray:
        return a + b

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad, out_grad


def add(a: Tensor, b: Tensor) -> Tensor:
    """See EWiseAdd."""
    return EWiseAdd()(a, b)


class AddScalar(TensorOp):
    """a + scalar, for a Python number."""

    def __init__(self, scalar: float):
        self.scalar = _checks.number(self, "scalar", scalar)

    def compute(self, a: NDArray) -> NDArray:
        return a + self.scalar

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad


def add_scalar(a: Tensor, scalar: float) -> Tensor:
    """See AddScalar."""
    return AddScalar(scalar)(a)


class EWiseMul(TensorOp):
    """a * b, element by element, for equal shapes."""

    def check(self, a: Tensor, b: Tensor) -> None:
        _checks.same_shape(self, a.shape, b.shape)

    def compute(self, a: NDArray, b: NDArray) -> NDArray:
        return a * b

    def gradient(self, out_grad: Tensor, node: Tensor):
        a, b = node.inputs
        return out_grad * b, out_grad * a


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """See EWiseMul."""
    return EWiseMul()(a, b)


class MulScalar(TensorOp):
    """a * scalar, for a Python number."""

    def __init__(self, scalar: float):
        self.scalar = _checks.number(self, "scalar", scalar)

    def compute(self, a: NDArray) -> NDArray:
        return a * self.scalar

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad * self.scalar


def mul_scalar(a: Tensor, scalar: float) -> Tensor:
    """See MulScalar."""
    return MulScalar(scalar)(a)


class EWisePow(TensorOp):
    """a ** b, element by element, for equal shapes. Example: [2, 3] ** [3, 0] is [8, 1].

    NDArray has no such operator: `_arrays.power` computes it for both kinds of arrays. Both gradients need
    care at 0. That for b contains log(a), but is 0 where a is 0 and b > 0; that for a is 0 where b is 0, even
    at a = 0.
    """

    def check(self, a: Tensor, b: Tensor) -> None:
        _checks.same_shape(self, a.shape, b.shape)

    def compute(self, a: NDArray, b: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("EWisePow.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("EWisePow.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def power(a: Tensor, b: Tensor) -> Tensor:
    """See EWisePow."""
    return EWisePow()(a, b)


class PowerScalar(TensorOp):
    """a ** scalar, for a Python number of any kind: [1, 4] ** -0.5 is [1, 0.5].

    a ** 0 is 1 everywhere, so its gradient is 0 everywhere, at a = 0 too.
    """

    def __init__(self, scalar: float):
        self.scalar = _checks.number(self, "scalar", scalar)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("PowerScalar.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("PowerScalar.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def power_scalar(a: Tensor, scalar: float) -> Tensor:
    """See PowerScalar."""
    return PowerScalar(scalar)(a)


class EWiseDiv(TensorOp):
    """a / b, element by element, for equal shapes. Example: [1, 6] / [2, 3] is [0.5, 2]."""

    def check(self, a: Tensor, b: Tensor) -> None:
        _checks.same_shape(self, a.shape, b.shape)

    def compute(self, a: NDArray, b: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("EWiseDiv.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("EWiseDiv.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def divide(a: Tensor, b: Tensor) -> Tensor:
    """See EWiseDiv."""
    return EWiseDiv()(a, b)


class DivScalar(TensorOp):
    """a / scalar, for a Python number."""

    def __init__(self, scalar: float):
        self.scalar = _checks.number(self, "scalar", scalar)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("DivScalar.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("DivScalar.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def divide_scalar(a: Tensor, scalar: float) -> Tensor:
    """See DivScalar."""
    return DivScalar(scalar)(a)


class Negate(TensorOp):
    """-a."""

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Negate.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Negate.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def negate(a: Tensor) -> Tensor:
    """See Negate."""
    return Negate()(a)


# ---- elementwise functions ----


class Log(TensorOp):
    """The natural logarithm."""

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Log.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Log.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def log(a: Tensor) -> Tensor:
    """See Log."""
    return Log()(a)


class Exp(TensorOp):
    """e ** a."""

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Exp.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Exp.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def exp(a: Tensor) -> Tensor:
    """See Exp."""
    return Exp()(a)


class ReLU(TensorOp):
    """The larger of a and 0. Example: [-1, 2] -> [0, 2].

    Its slope at a = 0 is taken to be 0. The slope itself has slope 0, so that here `gradient` may look at the
    array of an input, `x.realize_cached_data()`, and compare it with 0. `_arrays.as_numbers` makes 1.0 and
    0.0 of the answer, and `Tensor.make_const` makes a tensor of these.
    """

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("ReLU.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("ReLU.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def relu(a: Tensor) -> Tensor:
    """See ReLU."""
    return ReLU()(a)


class Tanh(TensorOp):
    """The hyperbolic tangent. Its derivative is 1 - tanh(a)**2, and `node` is the output, tanh(a)."""

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Tanh.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Tanh.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def tanh(a: Tensor) -> Tensor:
    """See Tanh."""
    return Tanh()(a)


# ---- shapes ----


class Transpose(TensorOp):
    """Exchange two axes: the pair `axes`, or for None the last two. Negative axes count from the end.

    Example: shape (2, 3, 5) becomes (2, 5, 3), and with axes (0, 1) it becomes (3, 2, 5). `_arrays.permute`
    takes the new order of all axes.
    """

    def __init__(self, axes: tuple[int, int] | None = None):
        self.axes = (-2, -1) if axes is None else _checks.integers(self, "axes", axes)
        if len(self.axes) != 2:
            raise ValueError(f"Transpose: axes is {axes}; expected a pair of axes. For more, use permute.")

    def check(self, a: Tensor) -> None:
        for axis in self.axes:
            _checks.axis(self, axis, len(a.shape))

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Transpose.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Transpose.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def transpose(a: Tensor, axes: tuple[int, int] | None = None) -> Tensor:
    """See Transpose."""
    return Transpose(axes)(a)


class Permute(TensorOp):
    """Reorder all axes: axis k of the result is axis `axes[k]` of a.

    Example: with axes (2, 0, 1), shape (2, 3, 5) becomes (5, 2, 3). The gradient puts every axis back.
    """

    def __init__(self, axes: tuple[int, ...]):
        self.axes = _checks.integers(self, "axes", axes)

    def check(self, a: Tensor) -> None:
        if len(_checks.axes(self, self.axes, len(a.shape))) != len(a.shape):
            raise ValueError(f"Permute: axes {self.axes} do not name every axis of shape {a.shape} once.")

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Permute.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Permute.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def permute(a: Tensor, axes: tuple[int, ...]) -> Tensor:
    """See Permute."""
    return Permute(axes)(a)


class Reshape(TensorOp):
    """The same elements, in the same row-major order, in another shape. Example: (2, 6) -> (3, 4).

    One length may be -1, for what the others leave: the reshape of both kinds of arrays understands it.
    NDArray's wants a compact array, which a permuted or broadcast one is not (`_arrays.compact`).
    """

    def __init__(self, shape: tuple[int, ...]):
        self.shape = _checks.integers(self, "shape", shape)

    def check(self, a: Tensor) -> None:
        _checks.reshape(self, a.shape, self.shape)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Reshape.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Reshape.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def reshape(a: Tensor, shape: tuple[int, ...]) -> Tensor:
    """See Reshape."""
    return Reshape(shape)(a)


class BroadcastTo(TensorOp):
    """Repeat a along axes of length 1, and along new axes in front, to become `shape`.

    Example: (3, 1) -> (3, 4) repeats each row's one element four times; (4,) -> (3, 4) repeats the whole
    three times.

    Hint for the gradient: an element that was used four times collects the gradients of all four uses. The
    result must have the input's shape again.
    """

    def __init__(self, shape: tuple[int, ...]):
        self.shape = _checks.integers(self, "shape", shape)

    def check(self, a: Tensor) -> None:
        _checks.broadcast(self, a.shape, self.shape)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("BroadcastTo.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("BroadcastTo.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def broadcast_to(a: Tensor, shape: tuple[int, ...]) -> Tensor:
    """See BroadcastTo."""
    return BroadcastTo(shape)(a)


class Summation(TensorOp):
    """The sum over `axes`: None for all of them, one axis, or a tuple of axes.

    Negative axes count from the end. The axes disappear from the shape: (2, 3, 5) summed over (0, -1) has
    shape (3,). Over None it has shape (1,) with NDArray, () with NumPy. NDArray.sum takes None or one axis.

    Hint for the gradient: every element of the input counts once, in the sum it belongs to.
    """

    def __init__(self, axes: int | tuple[int, ...] | None = None):
        self.axes = None if axes is None else _checks.integers(self, "axes", axes)

    def check(self, a: Tensor) -> None:
        _checks.axes(self, self.axes, len(a.shape))

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Summation.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Summation.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def summation(a: Tensor, axes: int | tuple[int, ...] | None = None) -> Tensor:
    """See Summation."""
    return Summation(axes)(a)


class Stack(TensorOp):
    """A TensorTuple of n tensors of one shape -> one tensor with a new axis of length n at `axis`.

    Example: three tensors of shape (2, 2) stacked at axis 2 make one of shape (2, 2, 3), whose [:, :, k] is
    the k-th. A negative axis counts from the end of the result. `_arrays.empty` makes an array to be filled
    part by part. Hint: `gradient` must give what the op was given, a TensorTuple; Split makes one.
    """

    takes_tuple = True

    def __init__(self, axis: int):
        self.axis = _checks.integer(self, "axis", axis)

    def check(self, args: TensorTuple) -> None:
        if not args.shape:
            raise ValueError("Stack: there is no tensor to stack; expected one or more.")
        first = args.shape[0]
        for position, shape in enumerate(args.shape):
            if shape != first:
                raise ValueError(
                    f"Stack: tensor 0 has shape {first}, tensor {position} {shape}; expected equal shapes."
                )
        _checks.axis(self, self.axis, len(first) + 1)

    def compute(self, args: tuple[NDArray, ...]) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Stack.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Stack.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def stack(args: TensorTuple | list[Tensor] | tuple[Tensor, ...], axis: int) -> Tensor:
    """See Stack; takes a list or tuple of tensors too."""
    if not isinstance(args, (TensorTuple, list, tuple)):
        raise TypeError(f"Stack: args is of type {type(args).__name__}; expected a list or tuple of Tensors.")
    return Stack(axis)(args if isinstance(args, TensorTuple) else make_tuple(*args))


class Split(TensorTupleOp):
    """Undo stack: a tensor -> the TensorTuple of its slices along `axis`, without that axis.

    Example: shape (2, 2, 3) split at axis 2 makes three tensors of shape (2, 2). A negative axis counts from
    the end. Hint: the out_grad that `gradient` is given is a TensorTuple, as the output is.
    """

    def __init__(self, axis: int):
        self.axis = _checks.integer(self, "axis", axis)

    def check(self, a: Tensor) -> None:
        _checks.axis(self, self.axis, len(a.shape))

    def compute(self, A: NDArray) -> tuple[NDArray, ...]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Split.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: TensorTuple, node: TensorTuple):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Split.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def split(a: Tensor, axis: int) -> TensorTuple:
    """See Split."""
    return Split(axis)(a)


class Flip(TensorOp):
    """The elements in reverse order along `axes`: one axis, a tuple of them, or None for all.

    Example: over axis 1, [[1, 2, 3], [4, 5, 6]] -> [[3, 2, 1], [6, 5, 4]].
    """

    def __init__(self, axes: int | tuple[int, ...] | None = None):
        self.axes = None if axes is None else _checks.integers(self, "axes", axes)

    def check(self, a: Tensor) -> None:
        _checks.axes(self, self.axes, len(a.shape))

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Flip.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Flip.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def flip(a: Tensor, axes: int | tuple[int, ...] | None = None) -> Tensor:
    """See Flip."""
    return Flip(axes)(a)


class Dilate(TensorOp):
    """Put `dilation` zeros after every element along `axes`: a length s becomes s * (dilation + 1).

    Example: [[1, 2], [3, 4]] dilated by 1 over both axes is

        [[1, 0, 2, 0],
         [0, 0, 0, 0],
         [3, 0, 4, 0],
         [0, 0, 0, 0]]

    Axes beyond the array's rank are ignored. Hint: a slice with a step can be written to.
    """

    def __init__(self, axes: int | tuple[int, ...], dilation: int):
        self.axes = _checks.integers(self, "axes", axes)
        self.dilation = _checks.integer(self, "dilation", dilation, at_least=0)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Dilate.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Dilate.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def dilate(a: Tensor, axes: int | tuple[int, ...], dilation: int) -> Tensor:
    """See Dilate."""
    return Dilate(axes, dilation)(a)


class UnDilate(TensorOp):
    """Undo dilate: of every `dilation` + 1 elements along `axes`, keep the first.

    A length s becomes s / (dilation + 1), rounded up: with dilation 1, [1, 2, 3, 4, 5] -> [1, 3, 5]. Axes
    beyond the array's rank are ignored. What is dropped does not matter to the result; the gradient has the
    input's length.
    """

    def __init__(self, axes: int | tuple[int, ...], dilation: int):
        self.axes = _checks.integers(self, "axes", axes)
        self.dilation = _checks.integer(self, "dilation", dilation, at_least=0)

    def compute(self, a: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("UnDilate.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("UnDilate.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def undilate(a: Tensor, axes: int | tuple[int, ...], dilation: int) -> Tensor:
    """See UnDilate."""
    return UnDilate(axes, dilation)(a)


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


# ---- products ----


class MatMul(TensorOp):
    """The matrix product of the last two axes: (..., m, k) @ (..., k, n) -> (..., m, n).

    The axes before them count products, and broadcast to each other:
    (5, 1, 2, 3) @ (4, 3, 7) -> (5, 4, 2, 7). NDArray's @ takes two matrices, and its `arr[i]` keeps the first
    axis, with length 1.

    Hints for the gradient: which products of out_grad with a or b, transposed or not, have the shapes wanted?
    Where an input was broadcast, its gradient collects all uses, as in BroadcastTo.
    """

    def check(self, a: Tensor, b: Tensor) -> None:
        product = f"MatMul: {a.shape} @ {b.shape}"
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ValueError(f"{product}: expected 2 axes or more in each.")
        if a.shape[-1] != b.shape[-2]:
            raise ValueError(
                f"{product}: the last axis of the first has length {a.shape[-1]}, "
                f"the second to last of the second {b.shape[-2]}; expected equal lengths."
            )
        for i, j in zip(reversed(a.shape[:-2]), reversed(b.shape[:-2]), strict=False):
            if i != j and 1 not in (i, j):
                raise ValueError(f"{product}: the axes before the last two do not broadcast to each other.")

    def compute(self, a: NDArray, b: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MatMul.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MatMul.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """See MatMul."""
    return MatMul()(a, b)


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


class Conv(TensorOp):
    """Convolve images with kernels: Z (N, H, W, C_in), W (K, K, C_in, C_out) -> (N, H', W', C_out).

    The images are padded with `padding` zeros at all four edges, a kernel's taps lie `dilation` apart (1:
    side by side), and the kernel stops at every `stride`-th place:

        H' = (H + 2*padding - dilation*(K-1) - 1) // stride + 1, and W' likewise
        out[n, i, j, o] = sum over r, s, c of
            padded[n, i*stride + r*dilation, j*stride + s*dilation, c] * W[r, s, c, o]

    Example: 3x3 kernels make 30x30 of a 32x32 image, and with padding 1 again 32x32; with stride 2 and
    padding 1, 16x16.

    One matrix product computes it (im2col). A view of the padded images with shape (N, H', W', K, K, C_in)
    and suitable strides (`_arrays.as_strided`) holds, for every output, the numbers that go into it; reshaped
    to (N*H'*W', K*K*C_in) it is multiplied by W as a (K*K*C_in, C_out) matrix. Begin with stride 1 and
    padding 0.

    Hints for the gradient: both are convolutions again, up to permuted axes, flips, dilation and padding.

    - For Z: out_grad, its rows and columns as far apart as the stride, with W flipped over both kernel axes
      and its channel axes exchanged. How much padding gives the shape of Z back?
    - For W: Z with its batch and channels exchanged, so that the convolution sums over the batch, and
      out_grad as the kernel. Write down a table of the shapes there are and those wanted.
    - Where the stride does not divide the way the kernel can go, some last rows and columns of Z take part in
      fewer outputs, or in none: the shapes will be off by these. You may write a small op of your own for it.
    """

    def __init__(self, stride: int = 1, padding: int = 0, dilation: int = 1):
        self.stride = _checks.integer(self, "stride", stride, at_least=1)
        self.padding = _checks.integer(self, "padding", padding, at_least=0)
        self.dilation = _checks.integer(self, "dilation", dilation, at_least=1)

    def check(self, Z: Tensor, W: Tensor) -> None:
        _checks.rank(self, "the image batch Z", Z.shape, 4, "(N, H, W, C_in)")
        _checks.rank(self, "the kernel W", W.shape, 4, "(K, K, C_in, C_out)")
        if Z.shape[3] != W.shape[2]:
            raise ValueError(f"Conv: Z {Z.shape} has {Z.shape[3]} channels, but W {W.shape} expects {W.shape[2]}.")
        for axis, what in enumerate(("high", "wide")):
            padded = Z.shape[1 + axis] + 2 * self.padding
            reach = self.dilation * (W.shape[axis] - 1) + 1
            if not 1 <= reach <= padded:
                raise ValueError(
                    f"Conv: the kernel {W.shape} with dilation {self.dilation} is {reach} {what}, the image "
                    f"{Z.shape} with padding {self.padding} is {padded}; expected a kernel that fits."
                )

    def compute(self, Z: NDArray, W: NDArray) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Conv.compute is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Conv.gradient is yours to write (python/needle/ops/ops_mathematic.py)")
        ### END YOUR SOLUTION

    ### BEGIN YOUR SOLUTION
    ### END YOUR SOLUTION


def conv(a: Tensor, b: Tensor, stride: int = 1, padding: int = 1, dilation: int = 1) -> Tensor:
    """See Conv: a holds the images, b the kernels."""
    return Conv(stride, padding, dilation)(a, b)
