"""Cases that students are not shown: what could be guessed from the visible ones is asked once more."""

import numpy as np
import oracle
import pytest
from probes import streams

from grader.compare import assert_equal


@pytest.mark.problem("window")
@pytest.mark.parametrize("width", [2, 9])
def test_window_of_falling_numbers(subject, rng, width):
    """Numbers that fall: each window's maximum leaves it with the next step."""
    values = np.sort(rng.distinct(30).astype(np.float64))[::-1].copy()
    assert_equal(subject(streams.maxima, values, width=width).maxima, oracle.maxima(values, width))
