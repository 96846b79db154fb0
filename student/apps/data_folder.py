"""Where the data sets are: `cifar10()` and `ptb()` give the folder that CIFAR10Dataset and Corpus read.

    folder = data_folder.cifar10()                # real images, wherever `make data` has put them
    folder = data_folder.cifar10(synthetic=True)  # small ones, drawn by the computer on first use

A set is looked for in `data` where that is given, else in the folder that the environment variable NEEDLE_DATA names,
else in data/ in the current folder, in this tree, and beside this tree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

if __package__:
    from . import synthetic_data
else:  # apps/ itself is on the path
    import synthetic_data

TREE = Path(__file__).resolve().parents[1]


class DataMissing(FileNotFoundError):
    """A data set is not there, or not all of it, or damaged; the message says where and what to do."""


@dataclass(frozen=True)
class Layout:
    """How a data set lies on the disk."""

    title: str  # as people say it
    name: str  # as download_dataset.py calls it
    folder: str  # the folder in data/
    files: tuple[str, ...]  # what is read of it: all of them must be there


CIFAR10 = Layout(
    "CIFAR-10",
    "cifar10",
    "cifar-10-batches-py",
    (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"),
)
PTB = Layout("Penn Treebank", "ptb", "ptb", ("train.txt", "test.txt"))


def cifar10(data: str | Path | None = None, *, synthetic: bool = False) -> Path:
    """The folder of CIFAR-10's batch files, for `CIFAR10Dataset(folder, train=True)`.

    - `data`: the folder that holds cifar-10-batches-py/, or is it; by default NEEDLE_DATA, or a data/ nearby.
    - `synthetic`: small images of ten shapes and patterns instead, written on first use into `data`/synthetic/, by
      default data/synthetic/ beside this tree.
    Raises DataMissing where there is none.
    """
    if synthetic:
        return synthetic_data.write_cifar10(_synthetic_home(data) / CIFAR10.folder)
    return _find(CIFAR10, data)


def ptb(data: str | Path | None = None, *, synthetic: bool = False) -> Path:
    """The folder of Penn Treebank's train.txt, valid.txt and test.txt, for `Corpus(folder)`.

    - `data`: the folder that holds ptb/, or is it; by default NEEDLE_DATA, or a data/ nearby.
    - `synthetic`: sentences of a small grammar instead, written on first use into `data`/synthetic/, by default
      data/synthetic/ beside this tree.
    Raises DataMissing where there is none.
    """
    if synthetic:
        return synthetic_data.write_ptb(_synthetic_home(data) / PTB.folder)
    return _find(PTB, data)


def label_names(folder: str | Path) -> list[str]:
    """The classes' names in the order of their numbers, as the set's own batches.meta tells them.

    Raises DataMissing where that file is missing or damaged.
    """
    try:
        return synthetic_data.read_label_names(Path(folder) / "batches.meta")
    except (OSError, ValueError) as error:
        raise DataMissing(f"{str(error).rstrip('.')}. `make data` puts the published file in its place.") from error


def places(data: str | Path | None = None) -> list[Path]:
    """The folders in which a set is looked for, in order."""
    if data is not None:
        return [Path(data).expanduser()]
    if named := os.environ.get("NEEDLE_DATA"):
        return [Path(named).expanduser()]
    nearby = (Path.cwd() / "data", TREE / "data", TREE.parent / "data")
    return list(dict.fromkeys(nearby))  # the current folder may be one of the others


def _find(layout: Layout, data: str | Path | None) -> Path:
    incomplete = ""
    looked_in = places(data)
    for place in looked_in:
        for folder in (place / layout.folder, place):
            lacking = [name for name in layout.files if not (folder / name).is_file()]
            if not lacking:
                return folder
            if len(lacking) < len(layout.files) and not incomplete:
                incomplete = f" {folder} has no {', '.join(lacking)}."
    raise DataMissing(
        f"{layout.title} was not found in {', '.join(map(str, looked_in))}.{incomplete} "
        f"`make data` downloads it; without a network, take the small synthetic set: --synthetic on the command line, "
        f"SYNTHETIC = True in the notebook."
    )


def _synthetic_home(data: str | Path | None) -> Path:
    # Not NEEDLE_DATA: that folder is often shared between people, and not to be written to.
    return (Path(data).expanduser() if data is not None else TREE.parent / "data") / "synthetic"
