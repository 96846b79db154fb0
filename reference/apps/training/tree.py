"""The tree's own needle and apps, by their public names: which device, which optimizer, which loops."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import needle

from .errors import SettingError

TREE = Path(__file__).resolve().parents[2]


def loops() -> ModuleType:
    """The module with the training loops, under its name in this edition or in the earlier one."""
    apps = __package__.rpartition(".")[0]
    try:
        return importlib.import_module(f"{apps}.simple_ml")
    except ModuleNotFoundError as error:
        if error.name != f"{apps}.simple_ml":
            raise
        return importlib.import_module(f"{apps}.simple_training")


def device(name: str) -> Any:
    """The device of that name. Raises SettingError where this tree has not been compiled for it."""
    found = None
    try:
        found = getattr(needle, name)()
    except ImportError as error:  # an earlier edition's cpu() imports its module here and now
        if "ndarray_backend" not in str(error):
            raise
    if found is None or not found.enabled():
        raise SettingError(_not_compiled(name))
    return found


def _not_compiled(name: str) -> str:
    if name == "cuda":
        return (
            f"The CUDA backend of {TREE} is not compiled, or this machine has no GPU: run `make -C {TREE.name}` "
            f"beside the tree on a machine with a CUDA compiler, or take the device cpu."
        )
    return (
        f"The C++ backend of {TREE} is not compiled: run `make -C {TREE.name}` in {TREE.parent}, "
        f"or take the device cpu_numpy, which needs no compiler."
    )


def optimizer(name: str, model: Any, lr: float, weight_decay: float) -> Any:
    """A new optimizer of the model's parameters."""
    kind = {"adam": needle.optim.Adam, "sgd": needle.optim.SGD}[name]
    return kind(model.parameters(), lr=lr, weight_decay=weight_decay)
