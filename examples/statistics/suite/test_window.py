"""The bucket `native`: what is written in C++."""

import numpy as np
import oracle
import pytest
from probes import streams

from grader.compare import assert_equal


@pytest.mark.problem("window")
@pytest.mark.parametrize(("n", "width"), [(1, 1), (6, 1), (6, 6), (20, 3), (100, 17)])
def test_window(subject, rng, n, width):
    """The maximum of each window, from windows of one number to one window of all."""
    values = rng.distinct(n).astype(np.float64) - 10.0  # negative: a maximum that starts from 0 is seen
    assert_equal(subject(streams.maxima, values, width=width).maxima, oracle.maxima(values, width))


@pytest.mark.problem("window")
def test_window_of_equal_numbers(subject, rng):
    """Numbers of which many are the same."""
    values = rng.integers(0, 3, 40).astype(np.float64)
    assert_equal(subject(streams.maxima, values, width=4).maxima, oracle.maxima(values, 4))
