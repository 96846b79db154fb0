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
        heapq.heappush(self.larger, -heapq.heappushpop(self.smaller, -x))
        if len(self.larger) > len(self.smaller):
            heapq.heappush(self.smaller, -heapq.heappop(self.larger))
        ### END YOUR SOLUTION

    def median(self) -> float:
        """The middle number, or the mean of the middle two. Raises ValueError where there is none."""
        if not self.smaller:
            raise ValueError("the median of no numbers")
        ### BEGIN YOUR SOLUTION
        odd = len(self.smaller) > len(self.larger)
        return -self.smaller[0] if odd else (self.larger[0] - self.smaller[0]) / 2
        ### END YOUR SOLUTION
