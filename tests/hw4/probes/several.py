"""Several questions at once: what a submission case asks where a single op says too little about a problem."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from probes._common import loader_of, to_numpy

Call = list[Any]  # ["module", "probe", positional arguments, keyword arguments]


def several(needle: Any, device: Any, calls: dict[str, Call]) -> dict[str, Any]:
    """The answers of other probes, under the calls' own names."""
    return {name: _answer(needle, device, *call) for name, call in calls.items()}


several.unnamed = True  # no student knows it, and its inputs are the names of calls: messages leave both out


def shuffled_epochs(
    needle: Any, device: Any, arrays: list[np.ndarray], *, batch_size: int, epochs: int
) -> dict[str, Any]:
    """Epochs of a shuffling DataLoader, put in order by the last part; and whether any two are alike.

    The order itself is the submission's own affair. The last array numbers the items.
    """
    loader = loader_of(needle, device, needle.data.NDArrayDataset(*arrays), batch_size, shuffle=True)
    np.random.seed(0)
    answer: dict[str, Any] = {"sizes": []}
    orders = []
    for epoch in range(epochs):
        batches = [[to_numpy(part) for part in batch] for batch in loader]
        answer["sizes"].append([len(batch[0]) for batch in batches])
        parts = [np.concatenate(part) for part in zip(*batches, strict=True)]
        orders.append(parts[-1].tolist())
        answer[f"epoch {epoch}"] = [part[np.argsort(parts[-1])] for part in parts]
    in_order = sorted(orders[0])
    return {**answer, "different": len({tuple(order) for order in [in_order, *orders]}) == epochs + 1}


def _answer(
    needle: Any, device: Any, module: str, probe: str, args: list[Any], kwargs: dict[str, Any]
) -> dict[str, Any]:
    return getattr(importlib.import_module(f"probes.{module}"), probe)(needle, device, *args, **kwargs)
