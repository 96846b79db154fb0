"""Mean and variance in one pass."""

from __future__ import annotations


class Moments:
    """How many numbers there were, their mean, and the sum of their squared distances from it.

    The textbook's E[x^2] - E[x]^2 subtracts two large numbers: of 1e9 + 1, 1e9 + 2 and 1e9 + 3 it keeps no digit.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0  # the sum of (x - mean)^2 over all x so far

    def add(self, x: float) -> None:
        """Take one more number: the mean moves by its share of x - mean, and `squares` follows (Welford, 1962)."""
        ### BEGIN YOUR SOLUTION
        self.count += 1
        before = x - self.mean
        self.mean += before / self.count
        self.squares += before * (x - self.mean)
        ### END YOUR SOLUTION

    def merge(self, other: Moments) -> None:
        """Take all the numbers that `other` has taken, as if each had been added here; `other` stays as it is.

        Either may be empty. The distance between the two means adds to `squares` (Chan, Golub and LeVeque, 1979).
        """
        ### BEGIN YOUR SOLUTION
        count = self.count + other.count
        if count == 0:
            return
        apart = other.mean - self.mean
        self.squares += other.squares + apart * apart * self.count * other.count / count
        self.mean += apart * other.count / count
        self.count = count
        ### END YOUR SOLUTION

    @property
    def variance(self) -> float:
        """The mean of the squared distances; NaN where there is no number."""
        return self.squares / self.count if self.count else float("nan")
