"""The devices of NEEDLE_BACKEND=np: every tensor holds a plain NumPy array, in the memory of this machine."""

from __future__ import annotations

import numpy as np


class Device:
    """A place for arrays: makes new ones there. Devices compare and print by their name."""

    def __init__(self, name: str, why_not: str = "") -> None:
        self.name = name
        self.why_not = why_not  # why no array can be made here; "" where it can

    def enabled(self) -> bool:
        """Whether arrays can be made on this device."""
        return not self.why_not

    def __repr__(self) -> str:
        return f"{self.name}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def rand(self, *shape: int, dtype: str = "float32") -> np.ndarray:
        """U(0, 1), drawn from NumPy's global generator."""
        # np.random.rand() is a bare float: asarray makes shape () an array too.
        return np.asarray(np.random.rand(*shape), dtype=dtype)

    def randn(self, *shape: int, dtype: str = "float32") -> np.ndarray:
        """N(0, 1), drawn from NumPy's global generator."""
        return np.asarray(np.random.randn(*shape), dtype=dtype)

    def one_hot(self, n: int, indices: np.ndarray, dtype: str = "float32") -> np.ndarray:
        """Row `i` of the n x n identity for every index i; shape `indices.shape + (n,)`."""
        rows = np.zeros((*np.shape(indices), n), dtype)  # not rows of np.eye(n): for 10,000 words that takes 400 MB
        np.put_along_axis(rows, np.asarray(indices)[..., None], 1, axis=-1)
        return rows

    def empty(self, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        """An array whose values are not set."""
        return np.empty(shape, dtype=dtype)

    def full(self, shape: tuple[int, ...], fill_value: float, dtype: str = "float32") -> np.ndarray:
        """An array of one value."""
        return np.full(shape, fill_value, dtype=dtype)


_CPU = Device("cpu")
_CUDA = Device("cuda", "with NEEDLE_BACKEND=np every array is NumPy's; leave it out to use the GPU.")


def cpu() -> Device:
    """The memory of this machine: the only device of this backend."""
    return _CPU


def cpu_numpy() -> Device:
    """The same device as cpu(): with this backend there is only NumPy."""
    return _CPU


def cuda() -> Device:
    """A device that is never enabled: NumPy has no GPU arrays."""
    return _CUDA


def default_device() -> Device:
    """The device of tensors that name none."""
    return _CPU


def all_devices() -> list[Device]:
    """Every device there is, enabled or not."""
    return [_CPU, _CUDA]
