"""Probes of the CIFAR-10 part: the data set, the transforms, and the loader."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from probes import _cifar_files
from probes._common import loader_of, to_numpy
from probes._layers import places

Transforms = list[list[Any]]  # ["mirror", p] or ["crop", padding]
Files = dict[str, dict[str, Any]]  # see _cifar_files.write


def dataset(
    needle: Any,
    device: Any,
    files: Files,
    *,
    train: bool,
    items: list[int],
    transforms: Transforms | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """A CIFAR10Dataset of a folder that holds these files: its length, and some items read one after the other.

    seed: given to NumPy's global generator before the first item.
    """
    with _opened(needle, files, train, transforms) as data:
        np.random.seed(seed)
        read = [data[k] for k in items]
        return {
            "length": len(data),
            "images": np.stack([np.asarray(image) for image, _ in read]),
            "labels": [int(label) for _, label in read],
        }


def item_types(needle: Any, device: Any, files: Files, *, transforms: Transforms | None) -> dict[str, Any]:
    """What an item is made of, by the names of the types."""
    with _opened(needle, files, True, transforms) as data:
        item = data[1]
        image, label = item
        return {
            "item": type(item).__name__,
            "parts": len(item),
            "image": type(image).__name__,
            "dtype": str(np.asarray(image).dtype),
            "shape": list(np.shape(image)),
            "label_shape": list(np.shape(label)),
        }


def both_splits(needle: Any, device: Any, files: Files) -> dict[str, Any]:
    """Both splits of one folder, opened before either is read."""
    with tempfile.TemporaryDirectory() as folder:
        _cifar_files.write(folder, files)
        splits = {
            name: needle.data.CIFAR10Dataset(folder, train=train) for name, train in (("train", True), ("test", False))
        }
        return {
            name: {
                "images": np.stack([np.asarray(data[k][0]) for k in range(len(data))]),
                "labels": [int(data[k][1]) for k in range(len(data))],
            }
            for name, data in splits.items()
        }


def loaded(
    needle: Any, device: Any, files: Files, *, batch_size: int, transforms: Transforms | None, seed: int
) -> dict[str, Any]:
    """An epoch, in order, over a CIFAR10Dataset."""
    with _opened(needle, files, True, transforms) as data:
        np.random.seed(seed)
        return _epoch(loader_of(needle, device, data, batch_size), "")


def transform(
    needle: Any, device: Any, image: np.ndarray, *, transform: list[Any], times: int, seed: int
) -> dict[str, Any]:
    """What the transform makes of the image, `times` times from a fresh copy, and these copies afterwards."""
    made = _made(needle, [transform])[0]
    np.random.seed(seed)
    results, copies = [], [image.copy() for _ in range(times)]
    for copy in copies:
        results.append(np.array(made(copy)))
    return {"images": np.stack(results), "given": np.stack(copies)}


def loader(
    needle: Any,
    device: Any,
    arrays: list[np.ndarray],
    *,
    batch_size: int,
    shuffle: bool,
    epochs: int = 1,
    stop_first_after: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Epochs of one DataLoader over an NDArrayDataset: the batches' sizes, and their parts joined.

    stop_first_after: the first epoch is left after that many batches.
    """
    made = loader_of(needle, device, needle.data.NDArrayDataset(*arrays), batch_size, shuffle)
    np.random.seed(seed)
    answer: dict[str, Any] = {}
    for epoch in range(epochs):
        stop = stop_first_after if epoch == 0 else None
        answer.update(_epoch(islice(made, stop), f" of epoch {epoch}"))
    return answer


def number_of_batches(needle: Any, device: Any, array: np.ndarray, *, batch_size: int, shuffle: bool) -> dict[str, Any]:
    """len(loader)."""
    made = needle.data.DataLoader(needle.data.NDArrayDataset(array), batch_size=batch_size, shuffle=shuffle)
    return {"length": len(made)}


def batch_types(needle: Any, device: Any, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What a batch is made of, from a loader for a device."""
    dataset = needle.data.NDArrayDataset(X, y)
    made = needle.data.DataLoader(dataset, batch_size=2, shuffle=False, device=device, dtype="float32")
    batch = next(iter(made))
    tensors = all(isinstance(part, needle.Tensor) for part in batch)
    answer = {"parts": len(batch), "are_tensors": tensors, "shapes": [list(part.shape) for part in batch]}
    return {**answer, **places(list(batch))} if tensors else answer


def arrays_dataset(needle: Any, device: Any, arrays: list[np.ndarray], *, items: list[int]) -> dict[str, Any]:
    """An NDArrayDataset: its length, and some items."""
    data = needle.data.NDArrayDataset(*arrays)
    read = [data[k] for k in items]
    return {
        "length": len(data),
        "item": type(read[0]).__name__,
        "parts": [[to_numpy(part) for part in item] for item in read],
    }


class _opened:
    """`with _opened(...) as dataset`: a CIFAR10Dataset of files that are there until the end."""

    def __init__(self, needle: Any, files: Files, train: bool, transforms: Transforms | None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._arguments = (needle, files, train, transforms)

    def __enter__(self) -> Any:
        needle, files, train, transforms = self._arguments
        folder = self._folder.__enter__()
        _cifar_files.write(folder, files)
        # No `transforms` at all where none are asked for: some trees take None for "not given", some an empty list.
        options = {} if transforms is None else {"transforms": _made(needle, transforms)}
        return needle.data.CIFAR10Dataset(folder, train=train, **options)

    def __exit__(self, *error: Any) -> None:
        self._folder.__exit__(*error)


def _made(needle: Any, transforms: Transforms) -> list[Any]:
    kinds = {"mirror": needle.data.RandomFlipHorizontal, "crop": needle.data.RandomCrop}
    return [kinds[name](argument) for name, argument in transforms]


def _epoch(batches: Iterable[Any], suffix: str) -> dict[str, Any]:
    """The sizes of the batches, and each of their parts, joined."""
    read = [[to_numpy(part) for part in batch] for batch in batches]
    width = max((len(batch) for batch in read), default=0)
    joined = {f"part {k}{suffix}": np.concatenate([batch[k] for batch in read]) for k in range(width)}
    return {f"sizes{suffix}": [len(batch[0]) for batch in read], f"number of parts{suffix}": width, **joined}
