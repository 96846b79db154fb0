"""Optimizers on parameters whose gradients are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes._common import tensor, to_numpy
from probes._layers import history


def steps(
    needle: Any,
    device: Any,
    optimizer: str,
    params: list[np.ndarray],
    grads: list[list[np.ndarray | None]],
    **options: float,
) -> dict[str, Any]:
    """The parameters after every step; grads[t][k] is the gradient of parameter k in step t, None for none."""
    leaves = [needle.nn.Parameter(array, device=device, dtype="float32") for array in params]
    made = getattr(needle.optim, optimizer)(leaves, **options)
    after, remembered = [], []
    for step in grads:
        for leaf, grad in zip(leaves, step, strict=True):
            leaf.grad = None if grad is None else tensor(needle, device, grad, requires_grad=False)
        made.step()
        after.append([to_numpy(leaf) for leaf in leaves])
        remembered.append(history(needle, made))
    dtypes = sorted({str(np.dtype(leaf.dtype)) for leaf in leaves})
    return {"params": after, "dtypes": dtypes, "history": remembered}
