"""The bucket `streams`. Each docstring is the title of its cases in the reports."""

import numpy as np
import oracle
import pytest
from probes import streams

from grader.compare import assert_close, assert_equal

SIZES = pytest.mark.parametrize("n", [1, 2, 7, 100])


def check_moments(got, values):
    """Compare a probe's answer with the oracle's."""
    count, mean, variance = oracle.moments(values)
    assert_equal(got.count, count)
    assert_close(got.mean, mean)
    assert_close(got.variance, variance)


@pytest.mark.problem("moments")
@SIZES
def test_moments(subject, rng, n):
    """Mean and variance of numbers around zero."""
    values = rng.normal(n)
    check_moments(subject(streams.moments, values), values)


@pytest.mark.problem("moments", weight=4)
def test_moments_far_from_zero(subject, rng):
    """The variance of numbers that are large and near to each other keeps its digits."""
    values = 1e9 + rng.normal(50).astype(np.float64)
    check_moments(subject(streams.moments, values), values)


@pytest.mark.problem("moments")
@pytest.mark.parametrize(("n", "m"), [(5, 8), (1, 1), (0, 3), (3, 0)])
def test_moments_merged(subject, rng, n, m):
    """Two groups merged have the moments of all their numbers; either may be empty."""
    first, second = rng.normal(n, mean=-2.0), rng.normal(m, mean=3.0)
    check_moments(subject(streams.merged, first, second), np.concatenate([first, second]))


@pytest.mark.problem("median")
@SIZES
def test_medians(subject, rng, n):
    """The median after each number, of an odd and of an even count."""
    values = rng.normal(n)
    assert_close(subject(streams.medians, values).medians, oracle.medians(values))


@pytest.mark.problem("median")
@pytest.mark.parametrize("order", ["rising", "falling", "equal"])
def test_medians_in_order(subject, rng, order):
    """The median of numbers that rise, fall, or are all the same."""
    values = {"rising": np.arange(9.0), "falling": -np.arange(9.0), "equal": np.full(6, 2.5)}[order]
    values = values + rng.integer(-5, 5)
    assert_close(subject(streams.medians, values).medians, oracle.medians(values))
