"""Training ResNet9 on CIFAR-10."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import needle
import numpy as np

from .. import data_folder
from ..models import ResNet9
from . import curves as drawn
from . import loop, tree
from .picture import Picture
from .settings import CommonSettings

CROP = 3  # pixels that augmentation moves an image by, at most


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What `train` is told. The defaults are the assignment's: batches of 128, Adam, ten epochs."""

    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    lr: float = 0.001
    weight_decay: float = 0.001
    augment: bool = False  # mirrored and shifted images, anew in every epoch


@dataclass(frozen=True)
class Run(loop.Outcome):
    """A finished or stopped training, and what looking at it needs."""

    model: Any
    tested: Any  # the test set: items (image (3, 32, 32), label)
    names: list[str]  # of the classes, by label
    settings: Settings


class FirstItems(needle.data.Dataset):
    """The first `count` items of a data set."""

    def __init__(self, dataset: Any, count: int):
        super().__init__()
        self.dataset = dataset
        self.count = min(count, len(dataset))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[index]


def train(settings: Settings | None = None, say: Callable[[str], None] = print) -> Run:
    """Train a ResNet9, telling `say` a line an epoch; see `loop.run` for how it may end.

    Raises SettingError, CheckpointError, and DataMissing where there is no CIFAR-10.
    """
    settings = settings or Settings()
    device = tree.device(settings.device)
    folder = data_folder.cifar10(settings.data, synthetic=settings.synthetic)
    trained = _dataset(folder, True, _transforms(settings.augment), settings.limit)
    tested = _dataset(folder, False, None, settings.limit)
    names = data_folder.label_names(folder)  # now: a damaged file should not be found out after hours of training
    say(
        f"ResNet9 on {len(trained)} training and {len(tested)} test images"
        f"{' (synthetic)' if settings.synthetic else ''}, device {settings.device}"
    )
    np.random.seed(settings.seed)
    model = ResNet9(device=device)
    optimizer = tree.optimizer(settings.optimizer, model, settings.lr, settings.weight_decay)
    shuffled = needle.data.DataLoader(trained, settings.batch_size, shuffle=True, device=device)
    in_order = needle.data.DataLoader(tested, settings.batch_size, shuffle=False, device=device)
    loops = tree.loops()
    task = loop.Task(
        model=model,
        optimizer=optimizer,
        train_epoch=lambda loss: loops.epoch_general_cifar10(shuffled, model, loss_fn=loss, opt=optimizer),
        test=lambda loss: loops.evaluate_cifar10(model, in_order, loss_fn=loss),
        train_batches=math.ceil(len(trained) / settings.batch_size),
        test_batches=math.ceil(len(tested) / settings.batch_size),
        identity={"model": "ResNet9"},
        figures=lambda loss, accuracy: f"loss {loss:.3f}, accuracy {100 * accuracy:.1f} %",
        draw=drawn.images,
    )
    outcome = loop.run(task, settings, say)
    return Run(**vars(outcome), model=model, tested=tested, names=names, settings=settings)


def curves(run: Run) -> Picture:
    """Loss and accuracy by batch and epoch."""
    return drawn.images(run.history)


def _dataset(folder: Path, train: bool, transforms: Any, limit: int | None) -> Any:
    dataset = needle.data.CIFAR10Dataset(str(folder), train=train, transforms=transforms)
    return dataset if limit is None else FirstItems(dataset, limit)


def _transforms(augment: bool) -> list[Any] | None:
    if not augment:
        return None
    return [needle.data.RandomFlipHorizontal(), needle.data.RandomCrop(CROP)]
