"""A loss function that also records: the loops are the student's, and this is how they are watched."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import Diverged
from .history import Batch


class RecordingLoss:
    """Computes `loss(logits, y)`, tells `watch` about the batch, and returns the loss untouched.

    - `loss`: such as nn.SoftmaxLoss(); logits (n, classes), y (n,) -> one number, of shape () or (1,).
    - `watch`: called with a Batch.
    A loop may take a loss function or a class that it makes one of: called without arguments it returns itself.
    Raises Diverged where the loss is infinite or not a number.
    """

    def __init__(self, loss: Callable[[Any, Any], Any], watch: Callable[[Batch], None]):
        self.loss = loss
        self.watch = watch

    def __call__(self, *arguments: Any) -> Any:
        if not arguments:
            return self
        logits, y = arguments
        loss = self.loss(logits, y)
        value = number(loss)
        if not math.isfinite(value):
            raise Diverged(f"The loss is {value}: the steps are too large; try a smaller lr, or clip the gradients.")
        labels = _array(y).reshape(-1)
        correct = np.count_nonzero(_array(logits).argmax(axis=1) == labels)
        self.watch(Batch(value, correct / labels.size, labels.size))
        return loss


class Average:
    """Loss and accuracy over the examples of the batches added so far."""

    def __init__(self) -> None:
        self.examples = 0
        self._loss = self._correct = 0.0

    def add(self, batch: Batch) -> None:
        """One more batch."""
        self.examples += batch.examples
        self._loss += batch.loss * batch.examples
        self._correct += batch.accuracy * batch.examples

    @property
    def loss(self) -> float:
        """The mean loss; there must have been a batch."""
        return self._loss / self.examples

    @property
    def accuracy(self) -> float:
        """The share of right predictions, 0 ... 1; there must have been a batch."""
        return self._correct / self.examples


def number(value: Any) -> float:
    """A loss or an accuracy, be it a number, an array or a tensor, of shape () or (1,); ValueError if it is several."""
    return float(_array(value).reshape(()))


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)
