"""What every training is told, and the checks that the settings share."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import SettingError

DEVICES = ("cpu", "cuda", "cpu_numpy")
OPTIMIZERS = ("adam", "sgd")
LARGEST_SEED = 2**32 - 1  # numpy.random.seed takes no more


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """What the two trainings have in common. Raises SettingError for a value that cannot be."""

    device: str = "cpu"  # one of DEVICES
    epochs: int  # in all, those of a resumed checkpoint included
    limit: int | None = None  # take only the first so many images, or lines of text; None for all
    synthetic: bool = False  # the small synthetic set in place of the real one
    data: str | Path | None = None  # where the data sets are; None: where data_folder.py looks
    batch_size: int
    optimizer: str  # one of OPTIMIZERS
    lr: float  # the optimizer's step size
    weight_decay: float
    seed: int = 0  # of NumPy's global generator: decides weights, order and augmentation
    checkpoint: str | Path | None = None  # written after every epoch; None for none
    resume: bool = False  # go on from the checkpoint

    def __post_init__(self) -> None:
        choice("device", self.device, DEVICES)
        choice("optimizer", self.optimizer, OPTIMIZERS)
        for name in ("epochs", "batch_size"):
            at_least_1(name, getattr(self, name))
        if self.limit is not None:
            at_least_1("limit", self.limit)
        positive("lr", self.lr)
        if not (is_number(self.weight_decay) and 0 <= self.weight_decay < math.inf):
            raise SettingError(f"weight_decay is {self.weight_decay!r}; expected a number of 0 or more.")
        if not (is_whole(self.seed) and 0 <= self.seed <= LARGEST_SEED):
            raise SettingError(f"seed is {self.seed!r}; expected a whole number from 0 to {LARGEST_SEED}.")
        if self.resume and self.checkpoint is None:
            raise SettingError("resume needs a checkpoint to go on from; name its file.")

    def described(self) -> dict[str, Any]:
        """The settings as plain JSON values, to be kept in a checkpoint."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}


def is_whole(value: object) -> bool:
    """Whether it is an int (True and False are not meant as numbers)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is an int or a float."""
    return is_whole(value) or isinstance(value, float)


def at_least_1(name: str, value: object) -> None:
    """Refuse what is no whole number of at least 1."""
    if not is_whole(value) or value < 1:
        raise SettingError(f"{name} is {value!r}; expected a whole number of at least 1.")


def positive(name: str, value: object) -> None:
    """Refuse what is no finite number above 0."""
    if not is_number(value) or not 0 < value < math.inf:
        raise SettingError(f"{name} is {value!r}; expected a number above 0.")


def choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse what is none of the known names."""
    if value not in known:
        raise SettingError(f"{name} is {value!r}; expected {', '.join(known[:-1])} or {known[-1]}.")
