"""What can keep a training from beginning or going on. Each message is one sentence that ends in a remedy."""

from __future__ import annotations


class TrainingError(Exception):
    """Base of the errors below: said to the person at the keyboard, without a traceback."""


class SettingError(TrainingError, ValueError):
    """A setting that cannot be: too small, unknown, or not to be had on this machine."""


class CheckpointError(TrainingError):
    """A checkpoint that cannot be gone on from: missing, damaged, or of another model."""


class Diverged(TrainingError):
    """The loss is no number any more, and no further step can mend that."""
