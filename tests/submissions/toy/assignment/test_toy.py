"""The toy's suite."""

import pytest
from probes import vectors

from grader.compare import assert_close

SIZES = pytest.mark.parametrize("n", [1, 3, 8])


@pytest.mark.problem("add")
@SIZES
def test_add(subject, rng, device, n):
    """The sum of two vectors, element by element."""
    a, b = rng.normal(n), rng.normal(n)
    assert_close(subject(vectors.add, a, b).out, a.astype(float) + b)


@pytest.mark.problem("scale", weight=2)
@SIZES
def test_scale(subject, rng, device, n):
    """A vector times a number."""
    a = rng.normal(n)
    assert_close(subject(vectors.scale, a, factor=2.5).out, 2.5 * a.astype(float))


@pytest.mark.problem("total")
@SIZES
def test_total(subject, rng, device, n):
    """The sum over a vector."""
    a = rng.normal(n)
    assert_close(subject(vectors.total, a).out, a.astype(float).sum())
