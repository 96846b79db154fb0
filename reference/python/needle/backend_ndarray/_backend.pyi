"""What the compiled backends have in common, for editors and type checkers.

(Given.) There is no such module: ndarray_backend_cpu and ndarray_backend_cuda have these functions, each its own.
What is said here is what callers need to know; what a kernel has to compute, with examples, stands above it in src/.

Arrays are flat. A *view* of one is given by shape, strides and offset, all counted in elements, not in bytes:
element (i, j, ...) is number `offset + i * strides[0] + j * strides[1] + ...` of the array. A stride may be negative
(a flipped axis) or 0 (a broadcast one). "Compact" is a view that is row-major and without gaps.

Every function writes its result into `out`, an array that the caller has made, and returns None. A call whose sizes do
not fit is a ValueError that says so, before anything is read or written; a kernel that is not written yet is a
NotImplementedError.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

@final
class Array:
    """`size` numbers of float32 in the memory of the device; what they are at first is arbitrary.

    An array of one backend is none of another's. Raises MemoryError where there is no room.
    """

    def __init__(self, size: int) -> None: ...
    @property
    def size(self) -> int:
        """The number of elements."""

    def ptr(self) -> int:
        """The address of the first element in the device's memory, in bytes; 0 where there is none."""

def from_numpy(a: npt.NDArray[np.float32], out: Array) -> None:
    """Copy the elements of `a` to `out`.

    a: float32, of any shape, row-major in one piece; out: a.size elements. Raises TypeError for another dtype.
    """

def to_numpy(a: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> npt.NDArray[np.float32]:
    """The elements of a view of `a`, as a new row-major NumPy array of that shape."""

def fill(out: Array, val: float) -> None:
    """Set every element of `out` to `val`."""

def compact(a: Array, out: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> None:
    """Copy the elements of a view of `a` to `out`, in row-major order.

    out: as many elements as the view, and another array than a.
    """

def ewise_setitem(a: Array, out: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> None:
    """Copy the elements of `a` to a view of `out`, in row-major order; the rest of `out` stays.

    a: as many elements as the view, and another array than out. Shape, strides and offset are those of out.
    """

def scalar_setitem(
    size: int, val: float, out: Array, shape: Sequence[int], strides: Sequence[int], offset: int
) -> None:
    """Set every element of a view of `out` to `val`; the rest of `out` stays.

    size: the number of elements of the view.
    """

def ewise_add(a: Array, b: Array, out: Array) -> None:
    """Write a + b, element by element, to `out`. All three have the same size; out may be a or b."""

def ewise_mul(a: Array, b: Array, out: Array) -> None:
    """Write a * b, element by element, to `out`. All three have the same size; out may be a or b."""

def ewise_div(a: Array, b: Array, out: Array) -> None:
    """Write a / b, element by element, to `out`. All three have the same size; x / 0 is inf or NaN."""

def ewise_maximum(a: Array, b: Array, out: Array) -> None:
    """Write the larger of a and b, element by element, to `out`; NaN where either is. All have the same size."""

def ewise_eq(a: Array, b: Array, out: Array) -> None:
    """Write 1 where a equals b and 0 elsewhere to `out`. All three have the same size."""

def ewise_ge(a: Array, b: Array, out: Array) -> None:
    """Write 1 where a >= b and 0 elsewhere to `out`. All three have the same size."""

def scalar_add(a: Array, val: float, out: Array) -> None:
    """Write a + val to `out`, which has the size of a and may be a."""

def scalar_mul(a: Array, val: float, out: Array) -> None:
    """Write a * val to `out`, which has the size of a and may be a."""

def scalar_div(a: Array, val: float, out: Array) -> None:
    """Write a / val to `out`, which has the size of a and may be a; x / 0 is inf or NaN."""

def scalar_power(a: Array, val: float, out: Array) -> None:
    """Write a to the power val to `out`, which has the size of a and may be a."""

def scalar_maximum(a: Array, val: float, out: Array) -> None:
    """Write the larger of a and val to `out`, which has the size of a and may be a; NaN where either is."""

def scalar_eq(a: Array, val: float, out: Array) -> None:
    """Write 1 where a equals val and 0 elsewhere to `out`, which has the size of a."""

def scalar_ge(a: Array, val: float, out: Array) -> None:
    """Write 1 where a >= val and 0 elsewhere to `out`, which has the size of a."""

def ewise_log(a: Array, out: Array) -> None:
    """Write the natural logarithm of a to `out`, which has the size of a: -inf at 0, NaN below."""

def ewise_exp(a: Array, out: Array) -> None:
    """Write e to the power a to `out`, which has the size of a."""

def ewise_tanh(a: Array, out: Array) -> None:
    """Write the hyperbolic tangent of a to `out`, which has the size of a."""

def matmul(a: Array, b: Array, out: Array, m: int, n: int, p: int) -> None:
    """Write the product of two compact matrices to `out`, which is neither of them.

    a: (m, n); b: (n, p); out: (m, p). Any of the sides may be 0.
    """

def reduce_max(a: Array, out: Array, reduce_size: int) -> None:
    """Write the largest element of each row of `a` to `out`, another array; NaN where a row has one.

    a: (size, reduce_size), compact; out: (size,). reduce_size is 1 or more.
    """

def reduce_sum(a: Array, out: Array, reduce_size: int) -> None:
    """Write the sum of each row of `a` to `out`, another array.

    a: (size, reduce_size), compact; out: (size,). With reduce_size 0 every sum is 0.
    """
