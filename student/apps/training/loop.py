"""The training itself: epoch after epoch of the student's own loops, recorded, tested, shown and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from needle import nn

from . import checkpoint
from .errors import Diverged
from .history import Batch, Epoch, History
from .progress import Bars, LiveCurves
from .recorder import RecordingLoss, number
from .settings import CommonSettings

Loss = Callable[..., Any]


@dataclass(frozen=True)
class Task:
    """What is trained, and how its figures are worded. The functions take a loss function."""

    model: Any
    optimizer: Any  # lives across epochs
    train_epoch: Callable[[Loss], tuple[float, float]]  # the student's loop with the optimizer: accuracy, loss
    test: Callable[[Loss], tuple[float, float]]  # the student's evaluation: accuracy, loss
    train_batches: int  # of an epoch
    test_batches: int
    identity: dict[str, Any]  # see checkpoint.Trained
    figures: Callable[[float, float], str]  # words for a loss and an accuracy
    draw: Callable[[History], Any]  # the curves as a picture


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    history: History
    checkpoint: Path | None  # where the last finished epoch is kept
    stopped: str  # why it ended before its last epoch, one sentence; "" where it did not
    interrupted: bool  # it was stopped by Ctrl-C, or by the notebook's stop button


def run(task: Task, settings: CommonSettings, say: Callable[[str], None]) -> Outcome:
    """Train until there are settings.epochs epochs. `say` gets a line for each epoch, and what else is worth knowing.

    Ctrl-C ends it with the last finished epoch in the checkpoint, and so does a loss that is no number any more.
    Raises CheckpointError where a checkpoint cannot be gone on from, or not be written.
    """
    path = None if settings.checkpoint is None else Path(settings.checkpoint).expanduser()
    trained = checkpoint.Trained(task.model, task.optimizer, task.identity, settings.described())
    history = _beginning(path, trained, settings, say)
    bars, live = Bars(), LiveCurves(lambda: task.draw(history))
    keeper = _Keeper(path, trained, len(history.epochs), say)
    stopped, interrupted = "", False
    try:
        while len(history.epochs) < settings.epochs:
            _epoch(task, history, settings.epochs, bars, live)
            keeper.keep(history)
            say(f"epoch {len(history.epochs)}/{settings.epochs}  {worded(history.epochs[-1], task.figures)}")
    except KeyboardInterrupt:
        interrupted = True
        keeper.keep(history)  # it may have been interrupted, and the model is still as the epoch left it
        stopped = f"Stopped in epoch {len(history.epochs) + 1}. {_what_is_kept(path, history)}"
    except Diverged as error:
        stopped = f"{error} It was in epoch {len(history.epochs) + 1}. {_what_is_kept(path, history)}"
    if stopped:
        say(stopped)
    live.finish()
    return Outcome(history, path if history.epochs else None, stopped, interrupted)


def worded(epoch: Epoch, figures: Callable[[float, float], str]) -> str:
    """An epoch's figures in a line."""
    train, test = figures(epoch.train_loss, epoch.train_accuracy), figures(epoch.test_loss, epoch.test_accuracy)
    return f"train: {train}  test: {test}  ({epoch.seconds:.1f} s)"


def _beginning(path: Path | None, trained: checkpoint.Trained, settings: CommonSettings, say: Any) -> History:
    if path is not None:
        checkpoint.check_target(path)
    if path is None or not settings.resume:
        return History()
    history, remarks = checkpoint.resume(path, trained)
    done = len(history.epochs)
    say(f"{path} holds {done} finished epoch{'s' if done != 1 else ''}.")
    for remark in remarks:
        say(remark)
    if done >= settings.epochs:
        say(f"Nothing is left to train for epochs = {settings.epochs}; ask for more than {done} to go on.")
    return history


def _epoch(task: Task, history: History, epochs: int, bars: Bars, live: LiveCurves) -> None:
    """One epoch and its test, added to the history."""
    title = f"epoch {len(history.epochs) + 1}/{epochs}"
    began, first = time.monotonic(), len(history.batches)
    with bars.bar(title, task.train_batches, lambda so_far: task.figures(so_far.loss, so_far.accuracy)) as show:

        def watch(batch: Batch) -> None:
            history.batches.append(batch)
            show(batch)
            live.batch_done()

        train_accuracy, train_loss = task.train_epoch(RecordingLoss(nn.SoftmaxLoss(), watch))
    seconds = time.monotonic() - began
    test_accuracy, test_loss = _test(task, bars)
    figures = map(number, (train_loss, train_accuracy, test_loss, test_accuracy))
    history.epochs.append(Epoch(*figures, seconds=seconds, batches=len(history.batches) - first))


def _test(task: Task, bars: Bars) -> tuple[float, float]:
    """The evaluation seeds NumPy's generator; each epoch would shuffle and augment alike if it were left so."""
    generator = np.random.get_state()
    try:
        with bars.bar("test", task.test_batches, lambda so_far: task.figures(so_far.loss, so_far.accuracy)) as show:
            return task.test(RecordingLoss(nn.SoftmaxLoss(), show))
    finally:
        np.random.set_state(generator)


class _Keeper:
    """Writes the checkpoint whenever there is an epoch that it has not."""

    def __init__(self, path: Path | None, trained: checkpoint.Trained, kept: int, say: Callable[[str], None]):
        self._path = path
        self._trained = trained
        self._kept = kept  # epochs in the file, as far as it is this training's
        self._say = say

    def keep(self, history: History) -> None:
        """Nothing happens without a path, or when all epochs are in the file."""
        if self._path is None or self._kept == len(history.epochs):
            return
        is_first = self._kept == 0
        if is_first and (aside := checkpoint.keep_earlier(self._path)):
            self._say(f"The checkpoint of an earlier training is kept as {aside}.")
        problem = checkpoint.save(self._path, self._trained, history.finished())
        self._kept = len(history.epochs)
        if problem and is_first:
            self._say(problem)


def _what_is_kept(path: Path | None, history: History) -> str:
    if path is None or not history.epochs:
        return "Nothing was kept." if path is None else "No epoch was finished, so nothing was kept."
    done = len(history.epochs)
    return f"The {done} finished epoch{'s are' if done != 1 else ' is'} kept in {path}."
