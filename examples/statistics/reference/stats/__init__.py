"""Statistics of numbers that come one after the other, in memory that does not grow with them."""

from stats.median import RunningMedian
from stats.moments import Moments
from stats.window import moving_maximum

__all__ = ["Moments", "RunningMedian", "moving_maximum"]
