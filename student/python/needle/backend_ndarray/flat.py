"""The elements of an array by one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shapes import as_int
from .values import as_float

if TYPE_CHECKING:
    from .ndarray import NDArray


class Flat:
    """The elements of an array by their number in row-major order; see NDArray.flat."""

    def __init__(self, array: NDArray) -> None:
        self._array = array

    def __len__(self) -> int:
        return self._array.size

    def __getitem__(self, number: int) -> float:
        a = self._array
        return a.device.to_numpy(a._handle, (1,), (1,), self._position(number)).item()

    def __setitem__(self, number: int, value: float) -> None:
        a = self._array
        a.device.scalar_setitem(1, as_float(value, "flat"), a._handle, (1,), (1,), self._position(number))

    def _position(self, number: int) -> int:
        """Where in the handle the element is."""
        a, number = self._array, as_int(number, "flat: index")
        if not -a.size <= number < a.size:
            raise IndexError(f"flat: element {number} is out of range for an array with {a.size} elements")
        number, position = number % a.size, a._offset
        for size, stride in zip(reversed(a.shape), reversed(a.strides), strict=True):
            number, i = divmod(number, size)
            position += i * stride
        return position
