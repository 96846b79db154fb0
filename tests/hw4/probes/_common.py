"""What probes share: tensors in different layouts, their values and gradients, and the tree's own modules."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np


def ndarray(needle: Any, device: Any, array: np.ndarray, layout: str = "compact") -> Any:
    """The tree's own array (not a Tensor) with these values.

    layout: how they lie in memory.
        "compact": in row-major order.
        "permuted": with the axes in reverse order, but nothing else beside them.
        "view": every second element of a larger array with its axes in reverse order, from an offset.
    """
    if layout == "compact":
        return needle.Tensor(array, device=device, dtype="float32").realize_cached_data()
    back = tuple(reversed(range(array.ndim)))
    if layout == "permuted":
        return ndarray(needle, device, np.ascontiguousarray(array.T)).permute(back)
    around = np.full([2 * size + 1 for size in reversed(array.shape)], 77.0, dtype="float32")
    inside = tuple(slice(1, 2 * size, 2) for size in reversed(array.shape))
    around[inside] = array.T
    whole = needle.Tensor(around, device=device, dtype="float32").realize_cached_data()
    return whole[inside].permute(back)


def tensor(needle: Any, device: Any, array: np.ndarray, requires_grad: bool = True, layout: str = "compact") -> Any:
    """A leaf of float32 on the device with these values; layout: see `ndarray`."""
    made = needle.Tensor(array, device=device, dtype="float32", requires_grad=requires_grad)
    if layout != "compact":
        made.cached_data = ndarray(needle, device, array, layout)
    return made


def to_numpy(value: Any) -> np.ndarray:
    """The values of a tensor, of an array of the tree, or of anything that NumPy takes."""
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def check_place(value: Any, device: Any, what: str) -> None:
    """Raises ValueError where a tensor or an array is not on this device: what the CPU computes is no GPU's answer."""
    if str(value.device) != str(device):
        raise ValueError(f"{what} is on {value.device}; expected {device}, as what it was computed from")


def result(value: Any, device: Any, what: str = "the result") -> np.ndarray:
    """The values of a tensor or an array that must be on this device."""
    check_place(value, device, what)
    return to_numpy(value)


def gradient(leaf: Any, what: str) -> np.ndarray:
    """What backward() left in `leaf`; `what` names it in the message where it left nothing."""
    if leaf.grad is None:
        raise ValueError(f"backward() left no gradient in {what}: its grad is None")
    return result(leaf.grad, leaf.device, f"the gradient of {what}")


def no_default(needle: Any, device: Any) -> Any:
    """The device itself; in the place of cpu(), where `init` puts what is made without a device, cpu_numpy().

    A layer that forgets its device somewhere is found out there.
    """
    return needle.cpu_numpy() if device == needle.cpu() else device


def backward(needle: Any, device: Any, value: Any, out_grad: np.ndarray) -> bool:
    """Go back from `value`. Where its shape is not out_grad's: False, and nothing done; the judge reports the shape."""
    shape = tuple(value.shape)
    if shape != out_grad.shape:
        # The sum of everything has shape () or (1,): both count as one number.
        if not (out_grad.size == 1 and np.prod(shape) == 1):
            return False
        out_grad = out_grad.reshape(shape)
    check_place(value, device, "the result")
    value.backward(tensor(needle, device, out_grad, requires_grad=False))
    return True


def tuples(value: Any) -> Any:
    """Lists as tuples, at every depth: a tuple arrives from the judge as a list."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def training() -> Any:
    """The module with train_cifar10 and the like: apps/simple_ml.py, or simple_training.py of the earlier edition."""
    for name in ("simple_ml", "simple_training"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        if hasattr(module, "train_cifar10") or hasattr(module, "train_ptb"):
            return module
    raise ModuleNotFoundError("the tree has neither apps/simple_ml.py nor apps/simple_training.py with train_cifar10")


@contextlib.contextmanager
def noted_losses(needle: Any, wanted: bool) -> Iterator[list[float]]:
    """What the tree's SoftmaxLoss gives in this block, call by call: the loss of every step of a training."""
    found: list[float] = []
    kind = getattr(needle.nn, "SoftmaxLoss", None)
    forward = getattr(kind, "forward", None)
    # A tree may well compute it in __call__: its training is judged then by what it gives in the end alone.
    if not wanted or forward is None:
        yield found
        return

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        loss = forward(self, *args, **kwargs)
        found.append(float(to_numpy(loss).mean()))
        return loss

    kind.forward = noting
    try:
        yield found
    finally:
        kind.forward = forward


def loader(needle: Any, device: Any, arrays: list[np.ndarray], batch_size: int) -> Any:
    """The tree's DataLoader, in order, over items (arrays[0][i], arrays[1][i], ...)."""
    return loader_of(needle, device, needle.data.NDArrayDataset(*arrays), batch_size)


def loader_of(needle: Any, device: Any, dataset: Any, batch_size: int, shuffle: bool = False) -> Any:
    """The tree's DataLoader, for a device where it can be told."""
    # Some trees' loaders know no device: there the training moves the batches.
    known = inspect.signature(needle.data.DataLoader).parameters
    options = {name: value for name, value in (("device", device), ("dtype", "float32")) if name in known}
    return needle.data.DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, **options)
