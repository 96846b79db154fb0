"""The toy's submission cases."""

import numpy as np
from probes import vectors


def submit_add(submit, rng):
    """Vectors of different lengths."""
    submit("short vectors", vectors.add, rng.normal(3), rng.normal(3))
    submit("long vectors", vectors.add, rng.normal(50), rng.normal(50))


def submit_scale(submit, rng):
    """Numbers of both signs, and zero."""
    submit("by 2.5", vectors.scale, rng.normal(4), factor=2.5)
    submit("by a negative number", vectors.scale, rng.normal(4), factor=-0.75)
    submit("by zero", vectors.scale, rng.normal(4), factor=0.0)


def submit_total(submit, rng):
    """A sum of one, and of many."""
    submit("one number", vectors.total, np.array([3.5], dtype="float32"))
    submit("many numbers", vectors.total, rng.normal(30))
