"""What happened during a training: every batch's figures, and every epoch's."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Batch:
    """A training batch, before the step that was taken on it."""

    loss: float  # mean over its examples
    accuracy: float  # 0 ... 1
    examples: int  # images, or predicted words


@dataclass(frozen=True)
class Epoch:
    """A finished epoch. Losses and accuracies are averages over examples."""

    train_loss: float
    train_accuracy: float  # 0 ... 1
    test_loss: float
    test_accuracy: float  # 0 ... 1
    seconds: float  # that the training took, without the test
    batches: int  # of this epoch


@dataclass
class History:
    """Batches and epochs in their order; the last batches may belong to an epoch that was never finished."""

    batches: list[Batch] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def finished(self) -> History:
        """Without the batches of an unfinished epoch."""
        count = sum(epoch.batches for epoch in self.epochs)
        return History(self.batches[:count], list(self.epochs))

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Float64 arrays (batches, 3) and (epochs, 6), columns in the order of the fields above."""
        batches = np.array([astuple(batch) for batch in self.batches], dtype=np.float64)
        epochs = np.array([astuple(epoch) for epoch in self.epochs], dtype=np.float64)
        return batches.reshape(-1, 3), epochs.reshape(-1, 6)

    @classmethod
    def from_arrays(cls, batches: np.ndarray, epochs: np.ndarray) -> History:
        """What `arrays` made arrays of. Raises ValueError for other shapes."""
        for what, array, columns in (("batches", batches, 3), ("epochs", epochs, 6)):
            if array.ndim != 2 or array.shape[1] != columns:
                raise ValueError(f"the history's {what} have shape {array.shape}; expected (n, {columns})")
        return cls(
            [Batch(float(loss), float(accuracy), int(examples)) for loss, accuracy, examples in batches],
            [Epoch(*map(float, row[:5]), batches=int(row[5])) for row in epochs],
        )
