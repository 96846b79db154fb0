"""Devices: where arrays live, and the module whose functions compute there."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .shapes import as_shape

if TYPE_CHECKING:
    from .ndarray import NDArray


class BackendDevice:
    """A device, known by its name; `device.ewise_add(...)` calls ewise_add of its module.

    A device whose module is not there is not enabled. It can be named, printed and compared all the same, and
    says why it is not there (RuntimeError) when an array should be made on it.
    """

    def __init__(self, name: str, mod: ModuleType | None, why_not: str = "") -> None:
        self.name = name
        self.mod = mod  # None where the device is not enabled
        self.why_not = why_not  # then the reason, and the remedy

    def __repr__(self) -> str:
        return f"{self.name}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BackendDevice) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple:  # a module cannot be pickled or copied, its name can
        return _load, (self.name,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for these to learn what an object can do
            raise AttributeError(name)
        if self.mod is None:
            raise RuntimeError(f"{self} is not enabled: {self.why_not}")
        function = getattr(self.mod, name, None)
        if function is None:
            raise AttributeError(f"the backend module of {self} has no function {name!r}")
        setattr(self, name, function)  # found without this method from now on: 0.8 us less for each call
        return function

    def enabled(self) -> bool:
        """Whether arrays can be made here."""
        return self.mod is not None

    def rand(self, *shape: int, dtype: str = "float32") -> NDArray:
        """Uniform in [0, 1), from NumPy's global generator. The shape is given as ints or as one tuple."""
        check_dtype(dtype)
        return self._array(np.random.rand(*_one_shape(shape, "rand")))

    def randn(self, *shape: int, dtype: str = "float32") -> NDArray:
        """From the standard normal distribution; otherwise as rand."""
        check_dtype(dtype)
        return self._array(np.random.randn(*_one_shape(shape, "randn")))

    def zeros(self, *shape: int, dtype: str = "float32") -> NDArray:
        """Zeros. The shape is given as ints or as one tuple."""
        return self.full(_one_shape(shape, "zeros"), 0.0, dtype)

    def ones(self, *shape: int, dtype: str = "float32") -> NDArray:
        """Ones. The shape is given as ints or as one tuple."""
        return self.full(_one_shape(shape, "ones"), 1.0, dtype)

    def one_hot(self, n: int, ids: Any, dtype: str = "float32") -> NDArray:
        """For each id n numbers, 1 at position id and 0 elsewhere: ids of shape S give shape S + (n,).

        Raises ValueError unless every id is a whole number with 0 <= id < n.
        """
        check_dtype(dtype)
        ids = np.asarray(ids)
        if ids.dtype.kind not in "biuf" or not np.all((ids >= 0) & (ids < n) & (ids % 1 == 0)):
            raise ValueError(f"one_hot: ids must be whole numbers from 0 to {n - 1}, got {ids}")
        rows = np.zeros((*ids.shape, n), np.float32)  # not rows of np.eye(n): for 10,000 words that takes 400 MB
        np.put_along_axis(rows, ids.astype(np.int64)[..., None], 1, axis=-1)
        return self._array(rows)

    def empty(self, shape: Any, dtype: str = "float32") -> NDArray:
        """An array of arbitrary contents."""
        from .ndarray import NDArray  # ndarray.py imports this file first

        check_dtype(dtype)
        return NDArray.make(as_shape(shape, "empty: shape"), device=self)

    def full(self, shape: Any, fill_value: float, dtype: str = "float32") -> NDArray:
        """An array filled with one number."""
        array = self.empty(shape, dtype)
        array.fill(fill_value)
        return array

    def _array(self, values: Any) -> NDArray:
        from .ndarray import NDArray

        return NDArray(values, device=self)


def check_dtype(dtype: Any) -> None:
    """Raises TypeError for any dtype but float32, given by name or as NumPy's type."""
    if dtype != "float32" and np.dtype(dtype) != np.float32:
        raise TypeError(f"dtype is {dtype!r}, but every NDArray holds float32")


def as_device(device: BackendDevice | None) -> BackendDevice:
    """`device`, or the default one for None. Raises TypeError for anything else, such as a name."""
    if device is None:
        return default_device()
    if not isinstance(device, BackendDevice):
        raise TypeError(f"device is {device!r}, a {type(device).__name__}, expected a device such as cpu()")
    return device


def cpu() -> BackendDevice:
    """The backend in C++, src/ndarray_backend_cpu.cc, once `make` has built it."""
    return _load("cpu")


def cuda() -> BackendDevice:
    """The backend in CUDA, src/ndarray_backend_cuda.cu, where `make` has built it."""
    return _load("cuda")


def cpu_numpy() -> BackendDevice:
    """The backend in NumPy, which needs no build."""
    return _load("cpu_numpy")


def default_device() -> BackendDevice:
    """Where an array goes when no device is named."""
    return cpu_numpy()


def all_devices() -> list[BackendDevice]:
    """Every device that can be named, enabled or not."""
    return [cpu(), cuda(), cpu_numpy()]


@functools.cache
def _load(name: str) -> BackendDevice:
    module = "ndarray_backend_numpy" if name == "cpu_numpy" else f"ndarray_backend_{name}"
    try:
        return BackendDevice(name, importlib.import_module(f".{module}", __package__))
    except ModuleNotFoundError:
        where = " on a machine with a CUDA compiler" if name == "cuda" else ""
        return BackendDevice(name, None, f"its module {module} is not built; run `make` in the tree's folder{where}.")
    except ImportError as error:  # built, but for another Python or machine, or the machine has no GPU
        return BackendDevice(name, None, f"its module {module} cannot be used here: {error}.")


def _one_shape(shape: tuple, op: str) -> tuple[int, ...]:
    return as_shape(shape[0] if len(shape) == 1 else shape, f"{op}: shape")
