"""A probe a question: it uses the tree's public interface, and returns named numbers and arrays."""

import numpy as np


def moments(stats, device, values):
    """Count, mean and variance of the values (n,), added one by one."""
    return _described(_added(stats, values))


def merged(stats, device, first, second):
    """Count, mean and variance of two groups of values, (n,) and (m,), each added on its own and then merged."""
    one, other = _added(stats, first), _added(stats, second)
    one.merge(other)
    return _described(one)


def medians(stats, device, values):
    """The median after each of the values (n,): shape (n,)."""
    running, found = stats.RunningMedian(), []
    for value in values.tolist():
        running.add(value)
        found.append(running.median())
    return {"medians": np.array(found, dtype=np.float64)}


def maxima(stats, device, values, width):
    """The maximum of each `width` neighbours of the values (n,)."""
    return {"maxima": stats.moving_maximum(values, width)}


def _added(stats, values):
    found = stats.Moments()
    for value in values.tolist():
        found.add(value)
    return found


def _described(found):
    # As arrays: those carry their names and the question with them, into the message about a wrong one.
    return {name: np.asarray(getattr(found, name)) for name in ("count", "mean", "variance")}
