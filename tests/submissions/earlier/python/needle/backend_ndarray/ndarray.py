"""NDArray: n-dimensional arrays over the flat arrays of a device."""

import math
import operator
from functools import reduce

import numpy as np

from . import ndarray_backend_numpy


def prod(x):
    return reduce(operator.mul, x, 1)


class BackendDevice:
    """A device: a name, and the module with its functions (None where it is not built)."""

    def __init__(self, name, mod):
        self.name = name
        self.mod = mod

    def __eq__(self, other):
        return isinstance(other, BackendDevice) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return self.name + "()"

    def __getattr__(self, name):
        return getattr(self.mod, name)

    def enabled(self):
        return self.mod is not None

    def randn(self, *shape, dtype="float32"):
        return NDArray(np.random.randn(*shape).astype(dtype), device=self)

    def rand(self, *shape, dtype="float32"):
        return NDArray(np.random.rand(*shape).astype(dtype), device=self)

    def one_hot(self, n, i, dtype="float32"):
        return NDArray(np.eye(n, dtype=dtype)[i], device=self)

    def empty(self, shape, dtype="float32"):
        dtype = "float32" if dtype is None else dtype
        assert dtype == "float32"
        return NDArray.make(shape, device=self)

    def full(self, shape, fill_value, dtype="float32"):
        dtype = "float32" if dtype is None else dtype
        assert dtype == "float32"
        arr = self.empty(shape, dtype)
        arr.fill(fill_value)
        return arr


def cuda():
    """The GPU, where its backend was built."""
    try:
        from . import ndarray_backend_cuda

        return BackendDevice("cuda", ndarray_backend_cuda)
    except ImportError:
        return BackendDevice("cuda", None)


def cpu_numpy():
    return BackendDevice("cpu_numpy", ndarray_backend_numpy)


def cpu():
    """The backend in C++."""
    try:
        from . import ndarray_backend_cpu

        return BackendDevice("cpu", ndarray_backend_cpu)
    except ImportError:
        return BackendDevice("cpu", None)


def default_device():
    return cpu_numpy()


def all_devices():
    return [cpu(), cuda(), cpu_numpy()]


class NDArray:
    """An array: a handle of a device's memory, and shape, strides and offset that say how to walk through it.

    Only float32. Strides and the offset are counted in elements.
    """

    def __init__(self, other, device=None):
        """From another NDArray, a NumPy array, or whatever NumPy makes an array of."""
        if isinstance(other, NDArray):
            if device is None:
                device = other.device
            self._init(other.to(device) + 0.0)
        elif isinstance(other, np.ndarray):
            device = device if device is not None else default_device()
            array = self.make(other.shape, device=device)
            array.device.from_numpy(np.ascontiguousarray(other.astype(np.float32)), array._handle)
            self._init(array)
        else:
            self._init(NDArray(np.array(other), device=device))

    def _init(self, other):
        self._shape = other._shape
        self._strides = other._strides
        self._offset = other._offset
        self._device = other._device
        self._handle = other._handle

    @staticmethod
    def compact_strides(shape):
        """The strides of a compact array of this shape."""
        return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))

    @staticmethod
    def make(shape, strides=None, device=None, handle=None, offset=0):
        """An array with these properties; memory is allocated where no handle is given."""
        array = NDArray.__new__(NDArray)
        array._shape = tuple(shape)
        array._strides = NDArray.compact_strides(shape) if strides is None else strides
        array._offset = offset
        array._device = device if device is not None else default_device()
        array._handle = array.device.Array(prod(shape)) if handle is None else handle
        return array

    @property
    def shape(self):
        return self._shape

    @property
    def strides(self):
        return self._strides

    @property
    def device(self):
        return self._device

    @property
    def dtype(self):
        return "float32"

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def size(self):
        return prod(self._shape)

    def __repr__(self):
        return "NDArray(" + self.numpy().__str__() + f", device={self.device})"

    def __str__(self):
        return self.numpy().__str__()

    def fill(self, value):
        """Set all of the memory to one value."""
        self._device.fill(self._handle, value)

    def to(self, device):
        """The array on a device; itself where it is there already."""
        if device == self.device:
            return self
        return NDArray(self.numpy(), device=device)

    def numpy(self):
        return np.array(self.device.to_numpy(self._handle, self.shape, self.strides, self._offset))

    def is_compact(self):
        """Whether the elements lie in row-major order and fill the memory."""
        return self._strides == self.compact_strides(self._shape) and prod(self.shape) == self._handle.size

    def compact(self):
        """The array itself if it is compact, otherwise a copy that is."""
        if self.is_compact():
            return self
        out = NDArray.make(self.shape, device=self.device)
        self.device.compact(self._handle, out._handle, self.shape, self.strides, self._offset)
        return out

    def as_strided(self, shape, strides):
        """Another look at the same memory."""
        assert len(shape) == len(strides)
        return NDArray.make(shape, strides=strides, device=self.device, handle=self._handle, offset=self._offset)

    @property
    def flat(self):
        """All elements in one row; a view, where the array is compact."""
        return FlatView(self)

    def reshape(self, new_shape):
        """A view of the same memory in another shape.

        Raises:
            ValueError: the number of elements differs, or the array is not compact.
        """

        ### BEGIN YOUR SOLUTION
        new_shape = tuple(new_shape)
        if -1 in new_shape:
            rest = -prod(new_shape)
            new_shape = tuple(self.size // rest if n == -1 else n for n in new_shape)
        if prod(new_shape) != self.size:
            raise ValueError(f"cannot reshape {self.shape} into {new_shape}")
        if not self.is_compact():
            raise ValueError("only compact arrays can be reshaped")
        return self.as_strided(new_shape, NDArray.compact_strides(new_shape))
        ### END YOUR SOLUTION

    def permute(self, new_axes):
        """A view with the axes in the order new_axes, with no copying of memory.

        Example: an image batch of shape (N, H, W, C) becomes (N, C, H, W) with (0, 3, 1, 2).
        """

        ### BEGIN YOUR SOLUTION
        order = [ax % self.ndim for ax in new_axes]
        if sorted(order) != list(range(self.ndim)):
            raise ValueError("new_axes has to name every axis once")
        shape, strides = zip(*[(self._shape[ax], self._strides[ax]) for ax in order]) if order else ((), ())
        return self.as_strided(shape, strides)
        ### END YOUR SOLUTION

    def broadcast_to(self, new_shape):
        """A view of a larger shape, without copying: axes of length 1 get the stride 0.

        Raises:
            assertion error: a length is neither 1 nor the new one.
        """

        ### BEGIN YOUR SOLUTION
        new_shape = tuple(new_shape)
        extra = len(new_shape) - self.ndim
        assert extra >= 0
        padded_shape = (1,) * extra + self._shape
        padded_strides = (0,) * extra + tuple(self._strides)
        result = []
        for want, have, stride in zip(new_shape, padded_shape, padded_strides):
            assert want == have or have == 1
            result.append(stride if want == have else 0)
        return self.as_strided(new_shape, tuple(result))
        ### END YOUR SOLUTION

    def process_slice(self, sl, dim):
        """A slice with its ends and its step written out."""
        start, stop, step = sl.indices(self.shape[dim])
        if step < 1:
            raise ValueError("a slice of an NDArray goes forwards")
        return slice(start, max(start, stop), step)

    def __getitem__(self, idxs):
        """A view of the elements that slices and integers select; an integer is a slice of length 1 here,
        so that the number of dimensions stays.
        """

        # from here on idxs holds one complete slice for each dimension
        given = idxs if isinstance(idxs, tuple) else (idxs,)
        if len(given) > self.ndim:
            raise IndexError(f"{len(given)} indexes, but {self.ndim} dimensions")
        idxs = []
        for dim in range(self.ndim):
            index = given[dim] if dim < len(given) else slice(None)
            if not isinstance(index, slice):
                index = slice(index % self.shape[dim], index % self.shape[dim] + 1)
            idxs.append(self.process_slice(index, dim))

        ### BEGIN YOUR SOLUTION
        shape = []
        strides = []
        begin = self._offset
        for sl, stride in zip(idxs, self._strides):
            shape.append(max(0, math.ceil((sl.stop - sl.start) / sl.step)))
            strides.append(stride * sl.step)
            begin += stride * sl.start
        return NDArray.make(
            tuple(shape), strides=tuple(strides), device=self._device, handle=self._handle, offset=begin
        )
        ### END YOUR SOLUTION

    def __setitem__(self, idxs, other):
        """Write a number, or an array of as many elements, to the elements that idxs selects."""
        view = self.__getitem__(idxs)
        if isinstance(other, NDArray):
            assert prod(view.shape) == prod(other.shape)
            assert self.device == other.device
            self.device.ewise_setitem(
                other.compact()._handle, view._handle, view.shape, view.strides, view._offset
            )
        else:
            self.device.scalar_setitem(
                prod(view.shape), other, view._handle, view.shape, view.strides, view._offset
            )

    def ewise_or_scalar(self, other, ewise_func, scalar_func):
        """Apply the one function to an array, the other to a number."""
        out = NDArray.make(self.shape, device=self.device)
        if isinstance(other, NDArray):
            assert self.shape == other.shape, "operation needs two equal-sized arrays"
            assert self.device == other.device, "operation needs two arrays of one device"
            ewise_func(self.compact()._handle, other.compact()._handle, out._handle)
        else:
            scalar_func(self.compact()._handle, other, out._handle)
        return out

    def __add__(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_add, self.device.scalar_add)

    __radd__ = __add__

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __mul__(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_mul, self.device.scalar_mul)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_div, self.device.scalar_div)

    def __neg__(self):
        return self * (-1)

    def __pow__(self, other):
        out = NDArray.make(self.shape, device=self.device)
        self.device.scalar_power(self.compact()._handle, other, out._handle)
        return out

    def maximum(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_maximum, self.device.scalar_maximum)

    def __eq__(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_eq, self.device.scalar_eq)

    def __ge__(self, other):
        return self.ewise_or_scalar(other, self.device.ewise_ge, self.device.scalar_ge)

    def __ne__(self, other):
        return 1 - (self == other)

    def __gt__(self, other):
        return (self >= other) * (self != other)

    def __lt__(self, other):
        return 1 - (self >= other)

    def __le__(self, other):
        return 1 - (self > other)

    def log(self):
        out = NDArray.make(self.shape, device=self.device)
        self.device.ewise_log(self.compact()._handle, out._handle)
        return out

    def exp(self):
        out = NDArray.make(self.shape, device=self.device)
        self.device.ewise_exp(self.compact()._handle, out._handle)
        return out

    def tanh(self):
        out = NDArray.make(self.shape, device=self.device)
        self.device.ewise_tanh(self.compact()._handle, out._handle)
        return out

    def __matmul__(self, other):
        """The product of two matrices; by tiles where the device has the function and the sizes allow."""
        assert self.ndim == 2 and other.ndim == 2
        assert self.shape[1] == other.shape[0]
        assert self.device == other.device

        (m, n), p = self.shape, other.shape[1]
        if hasattr(self.device.mod, "matmul_tiled"):
            side = self.device.mod.__tile_size__
            if m % side == n % side == p % side == 0:
                out = NDArray.make((m // side, p // side, side, side), device=self.device)
                left, right = self.in_tiles(side), other.in_tiles(side)
                self.device.matmul_tiled(left._handle, right._handle, out._handle, m, n, p)
                return out.permute((0, 2, 1, 3)).compact().reshape((m, p))
        out = NDArray.make((m, p), device=self.device)
        self.device.matmul(self.compact()._handle, other.compact()._handle, out._handle, m, n, p)
        return out

    def in_tiles(self, side):
        """A matrix cut into squares: (m, n) becomes (m/side, n/side, side, side)."""
        rows, cols = self.shape
        shape = (rows // side, cols // side, side, side)
        return self.compact().as_strided(shape, (side * cols, side, cols, 1)).compact()

    def reduced(self, function, axis, keepdims):
        """What function makes of each row along an axis, or of all elements where axis is None."""
        if isinstance(axis, (tuple, list)):
            if len(axis) != 1:
                raise ValueError(f"one axis at a time can be reduced, not {axis}")
            axis = axis[0]
        if axis is None:
            rows, length, shape = self, self.size, (1,) * (self.ndim if keepdims else 1)
        else:
            axis %= self.ndim
            before, length, after = self.shape[:axis], self.shape[axis], self.shape[axis + 1 :]
            others = [k for k in range(self.ndim) if k != axis]
            rows, shape = self.permute((*others, axis)), before + ((1,) if keepdims else ()) + after
        out = NDArray.make(shape, device=self.device)
        function(rows.compact()._handle, out._handle, length)
        return out

    def sum(self, axis=None, keepdims=False):
        return self.reduced(self.device.reduce_sum, axis, keepdims)

    def max(self, axis=None, keepdims=False):
        return self.reduced(self.device.reduce_max, axis, keepdims)

    def flip(self, axes):
        """A compact copy, back to front along the axes. Note: no other code expects negative strides."""
        ### BEGIN YOUR SOLUTION
        if isinstance(axes, int):
            axes = (axes,)
        strides = list(self._strides)
        begin = self._offset
        for ax in axes:
            begin += strides[ax] * max(self._shape[ax] - 1, 0)
            strides[ax] = -strides[ax]
        backwards = NDArray.make(
            self._shape, strides=tuple(strides), device=self._device, handle=self._handle, offset=begin
        )
        answer = NDArray.make(self._shape, device=self._device)
        self._device.compact(self._handle, answer._handle, backwards._shape, backwards._strides, begin)
        return answer
        ### END YOUR SOLUTION

    def pad(self, axes):
        """Zeros around: axes holds (left, right) for each axis.

        For example axes = ((0, 0), (1, 1), (0, 0)) puts a row of zeros before and after axis 1.
        """
        ### BEGIN YOUR SOLUTION
        assert len(axes) == self.ndim
        sizes = [n + left + right for n, (left, right) in zip(self._shape, axes)]
        canvas = self._device.full(tuple(sizes), 0.0)
        window = tuple(slice(left, left + n) for n, (left, right) in zip(self._shape, axes))
        canvas[window] = self
        return canvas
        ### END YOUR SOLUTION


class FlatView:
    """Elements by their number in row-major order."""

    def __init__(self, array):
        self.array = array

    def _index(self, number):
        where = []
        for length in reversed(self.array.shape):
            number, i = divmod(number, length)
            where.append(i)
        return tuple(reversed(where))

    def __getitem__(self, number):
        return self.array[self._index(number)].numpy().item()

    def __setitem__(self, number, value):
        self.array[self._index(number)] = value


def array(a, dtype="float32", device=None):
    """The names that NumPy uses, as functions."""
    dtype = "float32" if dtype is None else dtype
    assert dtype == "float32"
    return NDArray(a, device=device)


def empty(shape, dtype="float32", device=None):
    device = device if device is not None else default_device()
    return device.empty(shape, dtype)


def full(shape, fill_value, dtype="float32", device=None):
    device = device if device is not None else default_device()
    return device.full(shape, fill_value, dtype)


def broadcast_to(array, new_shape):
    return array.broadcast_to(new_shape)


def reshape(array, new_shape):
    return array.reshape(new_shape)


def maximum(a, b):
    return a.maximum(b)


def log(a):
    return a.log()


def exp(a):
    return a.exp()


def tanh(a):
    return a.tanh()


def sum(a, axis=None, keepdims=False):
    return a.sum(axis=axis, keepdims=keepdims)


def flip(a, axes):
    return a.flip(axes)
