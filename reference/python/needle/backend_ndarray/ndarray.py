"""NDArray: n-dimensional arrays of float32 on the flat arrays of a backend.

An NDArray is a handle, which is a flat array of its device, and a layout: element (i, j, ...) is at position
`offset + i * strides[0] + j * strides[1] + ...` of the handle, all counted in elements. Arrays with different
layouts can share one handle. Such a view costs nothing to make, and writing to one of them is writing to all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import shapes
from .device import BackendDevice, all_devices, as_device, cpu, cpu_numpy, cuda, default_device
from .flat import Flat
from .tiling import matmul_by_tiles, tiles_pay
from .values import NUMBERS, as_float, as_float32

__all__ = ["BackendDevice", "NDArray", "all_devices", "cpu", "cpu_numpy", "cuda", "default_device"]


class NDArray:
    """An array of float32 on a device, made of a number, a nested list, a NumPy array or an NDArray.

    What is given is copied, and cast to float32 where it has another type. Raises TypeError if it is not
    numbers. Without `device` the array goes where the given NDArray is, anything else to the default device.
    """

    # NumPy would turn `numpy_array + ndarray` into an array of objects; with this it leaves the sum to us.
    __array_ufunc__ = None

    def __init__(self, other: Any, device: BackendDevice | None = None) -> None:
        if isinstance(other, NDArray) and device in (None, other.device):
            self._lay_out(other.shape, None, other.device, None, 0)  # never by way of the CPU's memory
            self.device.compact(other._handle, self._handle, other.shape, other.strides, other._offset)
            return
        values = other.numpy() if isinstance(other, NDArray) else as_float32(other)
        self._lay_out(values.shape, None, as_device(device), None, 0)
        self.device.from_numpy(values, self._handle)

    # ---- Layout ----

    @staticmethod
    def make(
        shape: tuple[int, ...],
        strides: tuple[int, ...] | None = None,
        device: BackendDevice | None = None,
        handle: Any = None,
        offset: int = 0,
    ) -> NDArray:
        """An array with this layout on `handle`; without a handle, on new memory of arbitrary contents.

        Without strides it is compact. Nothing is checked here: a layout that reaches outside of its handle is
        a ValueError of the backend as soon as the array is used.
        """
        array = NDArray.__new__(NDArray)
        array._lay_out(shape, strides, device or default_device(), handle, offset)
        return array

    def _lay_out(self, shape: Any, strides: Any, device: BackendDevice, handle: Any, offset: int) -> None:
        self._shape = tuple(shape)
        self._strides = shapes.compact_strides(self._shape) if strides is None else tuple(strides)
        self._offset = offset
        self._device = device
        self._handle = device.Array(math.prod(self._shape)) if handle is None else handle

    def _view(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> NDArray:
        """Another layout on the same memory."""
        return NDArray.make(shape, strides, self._device, self._handle, offset)

    @staticmethod
    def compact_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides of a compact array: (2, 3, 4) gives (12, 4, 1)."""
        return shapes.compact_strides(tuple(shape))

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def strides(self) -> tuple[int, ...]:
        """In elements, not in bytes as NumPy's."""
        return self._strides

    @property
    def device(self) -> BackendDevice:
        return self._device

    @property
    def dtype(self) -> str:
        return "float32"

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        return math.prod(self._shape)

    def is_compact(self) -> bool:
        """Whether the elements are in row-major order, without gaps, and fill the handle."""
        if self._offset != 0 or self._handle.size != self.size:
            return False
        wanted = shapes.compact_strides(self._shape)
        # Nobody walks along an axis of length 1, so its stride may be anything.
        return self._strides == wanted or all(
            size == 1 or stride == want for size, stride, want in zip(self._shape, self._strides, wanted, strict=True)
        )

    def compact(self) -> NDArray:
        """The array itself if it is compact, else a compact copy."""
        return self if self.is_compact() else self.copy()

    def copy(self) -> NDArray:
        """A compact copy, always on memory of its own."""
        out = NDArray.make(self.shape, device=self.device)
        self.device.compact(self._handle, out._handle, self.shape, self.strides, self._offset)
        return out

    def as_strided(self, shape: Any, strides: Any) -> NDArray:
        """A view with this shape and these strides (in elements), which begins at the same element.

        A view that reaches outside of the memory is a ValueError when its elements are used, not here.
        """
        shape = shapes.as_shape(shape, "as_strided: shape")
        strides = shapes.as_ints(strides, "as_strided: strides")
        if len(shape) != len(strides):
            raise ValueError(f"as_strided: shape {shape} and strides {strides} must have the same length")
        return self._view(shape, strides, self._offset)

    # ---- Reading ----

    def numpy(self) -> np.ndarray:
        """A NumPy array of the same elements, always a copy."""
        return self.device.to_numpy(self._handle, self.shape, self.strides, self._offset)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the elements of an NDArray cannot be had as a NumPy array without a copy")
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def to(self, device: BackendDevice) -> NDArray:
        """The array itself if it is on `device`, else a copy there."""
        return self if as_device(device) == self.device else NDArray(self, device=device)

    def __reduce__(self) -> tuple:  # for copy.deepcopy and pickle; a handle can neither be copied nor pickled
        return NDArray, (self.numpy(), self.device)

    def __repr__(self) -> str:
        return f"NDArray({self.numpy()}, device={self.device})"

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("an NDArray of shape () has no length")
        return self.shape[0]

    def __float__(self) -> float:
        if self.size != 1:
            raise ValueError(f"an NDArray of shape {self.shape} is not one number")
        return float(self.numpy().item())

    def __bool__(self) -> bool:
        """Of one element only: `if a == b` would otherwise hold for any two arrays."""
        return bool(float(self))

    # ---- Writing ----

    def fill(self, value: float) -> None:
        """Sets every element to one number; of a view, only the elements it shows."""
        number = as_float(value, "fill")
        if self.is_compact():
            self.device.fill(self._handle, number)
        else:
            layout = self.shape, self.strides, self._offset
            self.device.scalar_setitem(self.size, number, self._handle, *layout)

    def __setitem__(self, index: Any, other: NDArray | float) -> None:
        """Sets the indexed elements to one number, or to the elements of an NDArray in row-major order.

        The index is as in reading. The two must have the same number of elements, but the shapes may differ:
        `a[0] = b` with a of shape (2, 3) and b of shape (3,).
        """
        view = self[index]
        if isinstance(other, NUMBERS):
            view.fill(other)
            return
        self._require_array(other, "__setitem__")
        if view.size != other.size:
            raise ValueError(
                f"__setitem__: the indexed part has shape {view.shape}, {view.size} elements, "
                f"but the array has shape {other.shape}, {other.size} elements"
            )
        source = other.compact()
        if source._handle is self._handle:  # an element could be overwritten before it is read
            source = source.copy()
        self.device.ewise_setitem(source._handle, view._handle, view.shape, view.strides, view._offset)

    @property
    def flat(self) -> Flat:
        """The elements by their number in row-major order: `a.flat[i] += 1` changes a, a view too."""
        return Flat(self)

    # ---- Views (yours to write). _view gives another layout on the same memory. ----

    def reshape(self, new_shape: Any) -> NDArray:
        """A view with the same elements, in row-major order, in another shape; one size may be -1, the rest.

        Example: shape (2, 6) reshaped to (3, -1) has shape (3, 4) and strides (4, 1).
        Raises ValueError if the array is not compact, or if the new shape has another number of elements.
        """
        new_shape = shapes.reshaped(self.shape, new_shape)
        if not self.is_compact():
            raise ValueError(
                f"reshape: the array of shape {self.shape}, strides {self.strides}, offset {self._offset} "
                "is not compact; call compact() first"
            )
        ### BEGIN YOUR SOLUTION
        return self._view(new_shape, NDArray.compact_strides(new_shape), 0)
        ### END YOUR SOLUTION

    def permute(self, new_axes: Any) -> NDArray:
        """A view with the axes in another order: axis k of the result is axis new_axes[k] of this array.

        Example: shape (2, 3, 4), strides (12, 4, 1), permuted by (2, 0, 1), gives shape (4, 2, 3), strides
        (1, 12, 4).
        Raises ValueError unless new_axes names every axis once.
        """
        new_axes = shapes.permuted(new_axes, self.ndim)  # counted from the front
        ### BEGIN YOUR SOLUTION
        shape = tuple(self.shape[axis] for axis in new_axes)
        strides = tuple(self.strides[axis] for axis in new_axes)
        return self._view(shape, strides, self._offset)
        ### END YOUR SOLUTION

    def broadcast_to(self, new_shape: Any) -> NDArray:
        """A view that repeats axes of length 1 as often as new_shape says, and may have new axes in front.

        Example: [[1], [2]], shape (2, 1), broadcast to (3, 2, 4) is three times [[1, 1, 1, 1], [2, 2, 2, 2]].
        No element is copied: what must a stride be for each step along an axis to read the same element?
        Raises ValueError if a size, counted from the last axis, is neither the new one nor 1.
        """
        new_shape = shapes.broadcasted(self.shape, new_shape)
        ### BEGIN YOUR SOLUTION
        added = len(new_shape) - self.ndim
        strides = tuple(
            stride if old == new else 0
            for old, new, stride in zip(self.shape, new_shape[added:], self.strides, strict=True)
        )
        return self._view(new_shape, (0,) * added + strides, self._offset)
        ### END YOUR SOLUTION

    def __getitem__(self, index: Any) -> NDArray:
        """A view of the elements that ints and slices select, one for each axis; axes not named are whole.

        An int selects what a slice of length 1 does, so that the number of axes never changes: a[0] of a
        (2, 3) array has shape (1, 3). Steps must be positive.

        Example: shape (4, 6), strides (6, 1): a[1:3, ::2] has shape (2, 3), strides (6, 2) and offset 6.
        Raises IndexError for an int out of range and for too many axes.
        """
        # One slice for each axis, negative numbers and None resolved: 0 <= start <= stop <= size, step >= 1.
        slices = shapes.as_slices(index, self.shape)
        ### BEGIN YOUR SOLUTION
        shape = tuple(len(range(part.start, part.stop, part.step)) for part in slices)
        strides = tuple(part.step * stride for part, stride in zip(slices, self.strides, strict=True))
        skipped = sum(part.start * stride for part, stride in zip(slices, self.strides, strict=True))
        return self._view(shape, strides, self._offset + skipped)
        ### END YOUR SOLUTION

    # ---- Compact copies (yours to write). copy() makes one of any view. ----

    def flip(self, axes: Any) -> NDArray:
        """A compact copy with the elements along the named axes (an int or a tuple) in reverse order.

        Example: [[1, 2], [3, 4]] flipped over axis 1 is [[2, 1], [4, 3]], as with np.flip.
        Look for the view that starts at the other end of each named axis and walks backwards. The copy is
        wanted because not all code expects negative strides. An axis may be empty: it has no other end then.
        """
        axes = shapes.as_axes(axes, self.ndim, "flip")  # counted from the front
        ### BEGIN YOUR SOLUTION
        strides, offset = list(self.strides), self._offset
        for axis in axes:
            offset += max(self.shape[axis] - 1, 0) * strides[axis]
            strides[axis] = -strides[axis]
        return self._view(self.shape, tuple(strides), offset).copy()
        ### END YOUR SOLUTION

    def pad(self, axes: Any) -> NDArray:
        """A compact copy with zeros around it; axes is one pair (before, after) of counts for each axis.

        Example: [[1, 2]] padded by ((0, 1), (2, 0)) is [[0, 0, 1, 2], [0, 0, 0, 0]], as with np.pad.
        """
        pairs = shapes.padding(axes, self.ndim)
        ### BEGIN YOUR SOLUTION
        spans = list(zip(self.shape, pairs, strict=True))
        out = self.device.full(tuple(before + size + after for size, (before, after) in spans), 0.0)
        out[tuple(slice(before, before + size) for size, (before, _) in spans)] = self
        return out
        ### END YOUR SOLUTION

    # ---- Elementwise ----

    def ewise_or_scalar(self, other: NDArray | float, name: str) -> NDArray:
        """The backend's ewise_{name} with an NDArray like this one, or scalar_{name} with a number.

        Raises ValueError for another shape or device, and TypeError for anything else.
        """
        other = self._operand(other, name)
        out = NDArray.make(self.shape, device=self.device)
        if isinstance(other, NDArray):
            kernel = getattr(self.device, f"ewise_{name}")
            kernel(self.compact()._handle, other.compact()._handle, out._handle)
        else:
            getattr(self.device, f"scalar_{name}")(self.compact()._handle, other, out._handle)
        return out

    def _operand(self, other: Any, name: str) -> NDArray | float:
        """`other` if this array can be combined with it: an NDArray of this shape and device, or a float."""
        if isinstance(other, NUMBERS):
            return float(other)
        self._require_array(other, name)
        if self.shape != other.shape:
            raise ValueError(f"{name}: shapes {self.shape} and {other.shape} differ; use broadcast_to first")
        return other

    def _require_array(self, other: Any, name: str) -> None:
        if not isinstance(other, NDArray):
            raise TypeError(
                f"{name}: the other operand has type {type(other).__name__}, expected NDArray or a number "
                "(NDArray(x, device=...) makes an NDArray of a list or a NumPy array)"
            )
        if self.device != other.device:
            raise ValueError(f"{name}: arrays on {self.device} and {other.device}; use to(device) first")

    def _unary(self, name: str) -> NDArray:
        out = NDArray.make(self.shape, device=self.device)
        getattr(self.device, f"ewise_{name}")(self.compact()._handle, out._handle)
        return out

    def __add__(self, other: NDArray | float) -> NDArray:
        return self.ewise_or_scalar(other, "add")

    __radd__ = __add__

    def __neg__(self) -> NDArray:
        return self * -1

    def __sub__(self, other: NDArray | float) -> NDArray:
        return self + -self._operand(other, "sub")

    def __rsub__(self, other: float) -> NDArray:
        return -self + self._operand(other, "sub")

    def __mul__(self, other: NDArray | float) -> NDArray:
        return self.ewise_or_scalar(other, "mul")

    __rmul__ = __mul__

    def __truediv__(self, other: NDArray | float) -> NDArray:
        return self.ewise_or_scalar(other, "div")

    def __rtruediv__(self, other: float) -> NDArray:
        return self.device.full(self.shape, self._operand(other, "div")) / self

    def __pow__(self, other: float) -> NDArray:
        return self.ewise_or_scalar(as_float(other, "power"), "power")

    def maximum(self, other: NDArray | float) -> NDArray:
        """The larger of the two, element by element, and NaN where either is NaN."""
        return self.ewise_or_scalar(other, "maximum")

    # Comparisons give 1 where they hold and 0 elsewhere. Backends have == and >= only; the others are put
    # together so that they too are 0 at a NaN (and != is 1).

    def __eq__(self, other: NDArray | float) -> NDArray:  # type: ignore[override]
        return self.ewise_or_scalar(other, "eq")

    def __ge__(self, other: NDArray | float) -> NDArray:
        return self.ewise_or_scalar(other, "ge")

    def __ne__(self, other: NDArray | float) -> NDArray:  # type: ignore[override]
        return 1 - (self == other)

    def __le__(self, other: NDArray | float) -> NDArray:
        other = self._operand(other, "le")
        return other >= self if isinstance(other, NDArray) else -self >= -other

    def __gt__(self, other: NDArray | float) -> NDArray:
        return (self >= other) - (self == other)

    def __lt__(self, other: NDArray | float) -> NDArray:
        return (self <= other) - (self == other)

    __hash__ = None  # type: ignore[assignment]  # as == does not say whether two arrays are the same

    def log(self) -> NDArray:
        return self._unary("log")

    def exp(self) -> NDArray:
        return self._unary("exp")

    def tanh(self) -> NDArray:
        return self._unary("tanh")

    # ---- Matrix product ----

    def __matmul__(self, other: NDArray) -> NDArray:
        """(m, n) @ (n, p) is (m, p). Matrices only: for batches there is the op MatMul."""
        self._require_array(other, "matmul")
        if self.ndim != 2 or other.ndim != 2 or self.shape[1] != other.shape[0]:
            raise ValueError(f"matmul: the shapes {self.shape} and {other.shape} are not (m, n) and (n, p)")
        if tiles_pay(self, other):
            return matmul_by_tiles(self, other)
        (m, n), p = self.shape, other.shape[1]
        out = NDArray.make((m, p), device=self.device)
        self.device.matmul(self.compact()._handle, other.compact()._handle, out._handle, m, n, p)
        return out

    # ---- Reductions ----

    def sum(self, axis: Any = None, keepdims: bool = False) -> NDArray:
        """The sum along one axis (an int, which may be negative, or a tuple of one), or of everything (None).

        The axis disappears, or has length 1 with keepdims. The sum of everything has shape (1,), with
        keepdims (1,) * ndim. A sum of nothing is 0. The backends reduce one axis at a time: for several there
        is the op Summation.
        """
        return self._reduce("sum", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> NDArray:
        """The largest element along one axis or of all, as in sum. ValueError where there is no element."""
        return self._reduce("max", axis, keepdims)

    def _reduce(self, name: str, axis: Any, keepdims: bool) -> NDArray:
        if axis is None:
            rows, length = self, self.size
            shape = (1,) * self.ndim if keepdims else (1,)
        else:
            axis = shapes.as_one_axis(axis, self.ndim, name)
            others = tuple(k for k in range(self.ndim) if k != axis)
            # The backend reduces elements that lie side by side, so this axis must come last.
            rows = self if axis == self.ndim - 1 else self.permute((*others, axis))
            length = self.shape[axis]
            kept = (1,) if keepdims else ()
            shape = self.shape[:axis] + kept + self.shape[axis + 1 :]
        out = NDArray.make(shape, device=self.device)
        getattr(self.device, f"reduce_{name}")(rows.compact()._handle, out._handle, length)
        return out


def __getattr__(name: str) -> Any:
    """Finds the functions of functions.py, which are attributes of this module too.

    They are not imported above: `sum` and `max` would then mean NDArray's in all of this file, not Python's.
    """
    from . import functions

    if name.startswith("_") or not hasattr(functions, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(functions, name)
