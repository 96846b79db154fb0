"""Small data sets for machines without a network, in the same files and formats as CIFAR-10 and Penn Treebank.

`write_cifar10` and `write_ptb` take a second, give the same bytes for the same seed, and write only what is not there
yet. What is drawn is in data_sets/images.py and data_sets/text.py: ten classes that ResNet9 tells apart after a few
epochs, and a text whose words depend on each other over short and long distances.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

if __package__:
    from .data_sets import images, pickles, text
else:  # apps/ itself is on the path
    from data_sets import images, pickles, text

SEED = 10714
IMAGES_PER_FILE = 500  # five files for training and one for testing: 2,500 and 500 images
TRAIN_LINES, VALID_LINES, TEST_LINES = 3000, 300, 300
FORMAT = 1  # to be counted up when other images or sentences are drawn: sets on the disk are then drawn anew
_RECORD = "synthetic.json"  # what was drawn, and each file's checksum

read_label_names = pickles.read_label_names


def write_cifar10(folder: str | Path, *, images_per_file: int = IMAGES_PER_FILE, seed: int = SEED) -> Path:
    """Makes `folder` hold data_batch_1 ... data_batch_5, test_batch and batches.meta; gives the folder.

    Each file has `images_per_file` images with as many of each class as can be, in random order. Raises OSError where
    the folder cannot be written to, and FileExistsError where it holds files that are not synthetic ones.
    """
    if images_per_file < 1:
        raise ValueError(f"write_cifar10: images_per_file is {images_per_file}; expected at least 1.")

    def draw() -> dict[str, bytes]:
        random = np.random.RandomState(seed)  # its numbers stay the same from one version of NumPy to the next
        files = {}
        for k in range(1, 6):
            files[f"data_batch_{k}"] = _batch_file(images_per_file, f"training batch {k} of 5", random)
        files["test_batch"] = _batch_file(images_per_file, "testing batch 1 of 1", random)
        names = [name.encode() for name in images.NAMES]
        about = {b"num_cases_per_batch": images_per_file, b"label_names": names, b"num_vis": 3072}
        files["batches.meta"] = pickles.dumps(about)
        return files

    return _written(Path(folder), {"images_per_file": images_per_file, "seed": seed}, draw)


def write_ptb(
    folder: str | Path,
    *,
    train_lines: int = TRAIN_LINES,
    valid_lines: int = VALID_LINES,
    test_lines: int = TEST_LINES,
    seed: int = SEED,
) -> Path:
    """Makes `folder` hold train.txt, valid.txt and test.txt, of so many sentences each; gives the folder.

    Raises OSError where the folder cannot be written to, and FileExistsError where it holds files that are not
    synthetic ones.
    """
    numbers = {"train": train_lines, "valid": valid_lines, "test": test_lines}
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"write_ptb: {name}_lines is {number}; expected at least 1.")

    def draw() -> dict[str, bytes]:
        random = np.random.RandomState(seed)
        return {f"{name}.txt": text.lines(number, random).encode("ascii") for name, number in numbers.items()}

    return _written(Path(folder), {**numbers, "seed": seed}, draw)


def _batch_file(number: int, title: str, random: np.random.RandomState) -> bytes:
    labels = random.permutation(np.arange(number) % len(images.NAMES))
    pixels = images.draw(labels, random).reshape(number, -1)
    # The original's keys; it has filenames, too.
    names = [f"{images.NAMES[label]}_{k:04d}.png".encode() for k, label in enumerate(labels)]
    return pickles.dumps(
        {b"batch_label": title.encode(), b"labels": labels.tolist(), b"data": pixels, b"filenames": names}
    )


def _written(folder: Path, settings: dict[str, int], draw: Callable[[], dict[str, bytes]]) -> Path:
    """The folder with the files that `draw` gives, drawn only where they are not all there and whole."""
    wanted = {"format": FORMAT, **settings}
    record = _recorded(folder)
    if record.get("settings") == wanted and all(
        _checksum(folder / name) == checksum for name, checksum in record["files"].items()
    ):
        return folder
    # The record is written first; where there is none, only what an interrupted run left of it may be replaced.
    if not record and folder.is_dir() and any(not file.name.startswith(_RECORD) for file in folder.iterdir()):
        raise FileExistsError(
            f"{folder} holds files that were not written as a synthetic set; name another folder, so that they stay."
        )
    files = draw()
    folder.mkdir(parents=True, exist_ok=True)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    _replace(folder / _RECORD, json.dumps({"settings": wanted, "files": checksums}, indent=1).encode())
    for name, content in files.items():
        _replace(folder / name, content)
    return folder


def _recorded(folder: Path) -> dict:
    """What the folder's record says; {} where there is none, or a damaged one."""
    try:
        record = json.loads((folder / _RECORD).read_text())
        return record if isinstance(record, dict) and isinstance(record.get("files"), dict) else {}
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _replace(file: Path, content: bytes) -> None:
    """Whole or not at all: two runs at once, or one that is interrupted, leave no half file."""
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as scratch:
        scratch.write(content)
    Path(scratch.name).chmod(0o644)  # a temporary file is its owner's alone; a data set may be shared
    Path(scratch.name).replace(file)
