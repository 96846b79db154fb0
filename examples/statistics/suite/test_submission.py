"""What is posted to the course's server. pytest does not collect submit_* as tests; submit.py and publish run them."""

import numpy as np
from probes import streams


def submit_moments(submit, rng):
    """The titles are those of assignment.toml, in its order."""
    submit("variance of numbers far from zero", streams.moments, 1e9 + rng.normal(20).astype(np.float64))
    submit("two halves merged", streams.merged, rng.normal(6, mean=-2.0), rng.normal(9, mean=3.0))
