"""Learning curves: loss or perplexity, and accuracy, by batch and by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .history import History
from .picture import BLUE, GREY, ORANGE, Picture, new_figure

SMOOTHING = 20  # batches that a smoothed value is the mean of, at most
STYLES = ("--", ":")  # of baselines
LARGEST = 200  # of losses drawn: far above any sense, and its exponential far enough below the largest float
SHARE = 1 / 15  # of all batches, at most: of a short training's few smoothing would leave nothing


def images(history: History) -> Picture:
    """Loss and accuracy of an image classifier; chance is one in ten."""
    figure, (left, right) = _panels()
    _draw(left, history, "loss", lambda values: values)
    left.set_ylim(bottom=0)
    left.set_title("Softmax loss", loc="left", fontweight="bold")
    _accuracy(right, history)
    right.axhline(0.1, color=GREY, linestyle=STYLES[0], linewidth=1.1, label="chance: 10 %")
    return _finished(figure)


def text(history: History, baselines: Mapping[str, float]) -> Picture:
    """Perplexity, on a logarithmic axis with baselines as lines, and accuracy of a language model."""
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, (left, right) = _panels()
    for style, (name, value) in zip(STYLES, baselines.items(), strict=False):
        left.axhline(value, color=GREY, linestyle=style, linewidth=1.1, label=f"{name}: {value:,.0f}")
    _draw(left, history, "loss", lambda losses: np.exp(np.minimum(losses, LARGEST)))
    left.set_yscale("log")
    left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.yaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    left.yaxis.set_minor_formatter(NullFormatter())
    left.set_title("Perplexity", loc="left", fontweight="bold")
    _accuracy(right, history)
    return _finished(figure)


def smoothed(values: Sequence[float], weights: Sequence[float]) -> np.ndarray:
    """Weighted means over neighbours on both sides: a mean over the past alone would lag behind.

    Near the beginning, where curves are steep, as many on the one side as on the other; near the end those that there
    are, because the last batch of an epoch is often short, and by itself an outlier.
    """
    count = len(values)
    reach = round(min(SMOOTHING, SHARE * count) / 2)
    places = np.arange(count)
    first, last = np.maximum(places - reach, 0), np.minimum(places + np.minimum(places, reach), count - 1)
    weighted, total = (
        np.concatenate([[0.0], np.cumsum(numbers)]) for numbers in (np.multiply(values, weights), weights)
    )
    return (weighted[last + 1] - weighted[first]) / (total[last + 1] - total[first])


def batch_places(history: History) -> np.ndarray:
    """Where each batch lies on the axis of epochs: the first epoch from 0 to 1, whatever its number of batches."""
    places = [np.arange(1, epoch.batches + 1) / epoch.batches + number for number, epoch in enumerate(history.epochs)]
    done = sum(epoch.batches for epoch in history.epochs)
    if rest := len(history.batches) - done:  # an epoch that is not finished: as long as the last one, if there was one
        length = max(rest, history.epochs[-1].batches if history.epochs else rest)
        places.append(np.arange(1, rest + 1) / length + len(history.epochs))
    return np.concatenate(places) if places else np.empty(0)


def _panels() -> tuple[Any, Any]:
    figure = new_figure(9.5, 4.0)
    panels = figure.subplots(1, 2)
    for panel in panels:
        panel.set_xlabel("epoch")
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _finished(figure: Any) -> Picture:
    """With one legend for both panels, beside which no curve can hide."""
    named = {}
    for panel in figure.axes:
        handles, names = panel.get_legend_handles_labels()
        named.update(zip(names, handles, strict=True))
    figure.legend(
        named.values(), named.keys(), loc="outside lower center", ncols=len(named), frameon=False, fontsize=8.5
    )
    return Picture(figure)


def _accuracy(panel: Any, history: History) -> None:
    _draw(panel, history, "accuracy", lambda values: values)
    panel.set_ylim(bottom=0)
    panel.set_title("Accuracy", loc="left", fontweight="bold")
    panel.yaxis.set_major_formatter(lambda value, position: f"{100 * value:.0f} %")


def _draw(panel: Any, history: History, figure: str, scaled: Callable[[Any], Any]) -> None:
    """Batches thin, smoothed strong, epochs as dots.

    An epoch's training figure is an average over all of it, while the model got better: it stands at its middle, the
    test's at its end.
    """
    places = batch_places(history)
    batches = [getattr(batch, figure) for batch in history.batches]
    sizes = [batch.examples for batch in history.batches]
    panel.plot(places, scaled(np.array(batches)), color=BLUE, alpha=0.2, linewidth=0.8, label="training, batch")
    panel.plot(places, scaled(smoothed(batches, sizes)), color=BLUE, linewidth=1.6, label="training, smoothed")
    numbers = np.arange(1, len(history.epochs) + 1)
    train = np.array([getattr(epoch, f"train_{figure}") for epoch in history.epochs])
    test = np.array([getattr(epoch, f"test_{figure}") for epoch in history.epochs])
    no_epoch = not history.epochs  # otherwise whole dots at the borders; of no dots matplotlib would find no extent
    panel.plot(numbers - 0.5, scaled(train), "o", color=BLUE, markersize=4.5, clip_on=no_epoch, label="training, epoch")
    panel.plot(
        numbers, scaled(test), "s-", color=ORANGE, markersize=4.5, linewidth=1.2, clip_on=no_epoch, label="test, epoch"
    )
    panel.set_xlim(0, max(1, int(np.ceil(places[-1] - 1e-9)) if len(places) else 1))
    panel.xaxis.get_major_locator().set_params(integer=True)
