"""Looking at what an image classifier gets wrong: its worst mistakes, and which classes it mixes up."""

from __future__ import annotations

from dataclasses import dataclass

import needle
import numpy as np

from . import tree
from .images import Run
from .picture import GREEN, ORANGE, Picture, new_figure
from .probabilities import softmax

BATCH = 128  # whatever it was trained with: evaluation takes no step


@dataclass(frozen=True)
class Predictions:
    """What a model says about every test image."""

    probabilities: np.ndarray  # (n, classes)
    labels: np.ndarray  # (n,) int: the truth

    @property
    def guesses(self) -> np.ndarray:
        """The most likely class of each image, (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of that class, (n,)."""
        return self.probabilities.max(axis=1)

    def wrong(self) -> np.ndarray:
        """The numbers of the misclassified images, the most confident first."""
        wrong = np.flatnonzero(self.guesses != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


def predict(run: Run) -> Predictions:
    """Ask the model, in evaluation mode, about every test image."""
    device = tree.device(run.settings.device)
    run.model.eval()
    logits, labels = [], []
    for x, y in needle.data.DataLoader(run.tested, BATCH, shuffle=False, device=device):
        logits.append(run.model(needle.Tensor(x, device=device, requires_grad=False)).numpy())
        labels.append(y.numpy().reshape(-1))
    return Predictions(softmax(np.concatenate(logits)), np.concatenate(labels).astype(int))


def mistakes(run: Run, predictions: Predictions | None = None, rows: int = 3, columns: int = 6) -> Picture:
    """Misclassified test images, the most confident first: above them the class, below the guess."""
    predictions = predictions or predict(run)
    wrong = predictions.wrong()
    figure = new_figure(1.75 * columns, 2.15 * rows + 0.45)
    figure.suptitle(
        f"{len(wrong)} of {len(predictions.labels)} test images are misclassified; the most confident first\n"
        "above: the truth · below: the guess, and the probability that the model gives it",
        fontsize=10,
    )
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for panel in panels:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
    for panel, number in zip(panels, wrong, strict=False):
        image, _ = run.tested[int(number)]
        panel.imshow(np.clip(np.asarray(image).transpose(1, 2, 0), 0, 1), interpolation="nearest")
        true, guess = run.names[predictions.labels[number]], run.names[predictions.guesses[number]]
        panel.set_title(true, color=GREEN, fontsize=9, pad=3)
        panel.set_xlabel(f"{guess}, {100 * predictions.confidence[number]:.0f} %", color=ORANGE, fontsize=9)
    return Picture(figure)


def confusion(run: Run, predictions: Predictions | None = None) -> Picture:
    """How often each class was taken for each: rows are the truth, columns the guesses, numbers count images."""
    predictions = predictions or predict(run)
    count = len(run.names)
    table = np.zeros((count, count), dtype=int)
    np.add.at(table, (predictions.labels, predictions.guesses), 1)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = new_figure(6.6, 5.8)
    panel = figure.subplots()
    shown = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), images in np.ndenumerate(table):
        if images:
            color = "white" if shares[row, column] > 0.55 else "black"
            panel.text(column, row, images, ha="center", va="center", fontsize=8.5, color=color)
    panel.set_xticks(range(count), run.names, rotation=45, ha="right")
    panel.set_yticks(range(count), run.names)
    panel.set_xlabel("guess")
    panel.set_ylabel("truth")
    panel.set_title(f"Confusion: {np.trace(table)} of {table.sum()} test images are right", fontweight="bold")
    bar = figure.colorbar(shown, ax=panel, shrink=0.8, label="share of the true class")
    bar.ax.yaxis.set_major_formatter(lambda value, position: f"{100 * value:.0f} %")
    return Picture(figure)
