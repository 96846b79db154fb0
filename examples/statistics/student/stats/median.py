"""The median of all numbers so far."""

from __future__ import annotations

import heapq


class RunningMedian:
    """Two heaps share the numbers: the smaller half with its largest on top, the larger half with its smallest.

    `heapq` keeps the smallest on top, so the smaller half holds every number with its sign turned.
    """

    def __init__(self) -> None:
        self.smaller: list[float] = []  # -x for each x of the smaller half
        self.larger: list[float] = []

    def add(self, x: float) -> None:
        """Take one more number, in O(log n): afterwards `smaller` has as many as `larger`, or one more."""
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RunningMedian.add is yours to write (stats/median.py)")
        ### END YOUR SOLUTION

    def median(self) -> float:
        """The middle number, or the mean of the middle two. Raises ValueError where there is none."""
        if not self.smaller:
            raise ValueError("the median of no numbers")
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RunningMedian.median is yours to write (stats/median.py)")
        ### END YOUR SOLUTION
