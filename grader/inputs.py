"""Random inputs for a case, drawn from the run's seed and the case's own name.

A case draws the same numbers whichever cases ran before it, in whichever order and process, so that `--seed`
repeats it. Submission cases draw the same numbers for ever: `FixedInputs`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Inputs:
    """A source of random arrays; float32 and C-contiguous unless said."""

    def __init__(self, seed: int, case: str) -> None:
        """seed: of the run. case: the case's id."""
        self.generator: np.random.Generator | np.random.RandomState
        self.generator = np.random.Generator(np.random.PCG64(int.from_bytes(_digest(seed, case)[:16], "big")))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Floats:
        """Normally distributed numbers."""
        return self.generator.normal(mean, std, shape).astype(np.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """Numbers uniform between low and high; rounding to float32 can reach either."""
        return self.generator.uniform(low, high, shape).astype(np.float32)

    def distinct(self, *shape: int, gap: float = 0.05) -> Floats:
        """Numbers of both signs, any two `gap` apart and none nearer to 0 than half of it, in random order.

        For functions with a kink or a tie (relu, maximum): no rounding can move a value to the other side.
        """
        count = int(np.prod(shape))
        steps = self.generator.permutation(count) - count // 2
        return ((steps + 0.5) * gap).astype(np.float32).reshape(shape)

    def away_from_zero(self, *shape: int, low: float = 0.5, high: float = 2.0) -> Floats:
        """Numbers of both signs whose magnitude lies between low and high: denominators."""
        signs = self.generator.choice(np.array([-1.0, 1.0]), shape)
        return np.asarray(signs * self.generator.uniform(low, high, shape), np.float32)

    def integers(self, low: int, high: int, *shape: int) -> npt.NDArray[np.int64]:
        """Integers in [low, high), int64."""
        return self._integers(low, high, shape)

    def integer(self, low: int, high: int) -> int:
        """One integer in [low, high)."""
        return int(self._integers(low, high, ()))

    def permutation(self, count: int) -> list[int]:
        """The numbers 0..count-1 in random order."""
        return [int(i) for i in self.generator.permutation(count)]

    def choice(self, values: Sequence[Any]) -> Any:
        """One of `values`."""
        return values[self.integer(0, len(values))]

    def _integers(self, low: int, high: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        assert isinstance(self.generator, np.random.Generator)
        return np.asarray(self.generator.integers(low, high, shape))


class FixedInputs(Inputs):
    """The same numbers on every machine and under every NumPy: a submission's answers are compared with stored ones.

    NumPy may change what a Generator draws from one version to the next; RandomState's streams are frozen
    (https://numpy.org/neps/nep-0019-rng-policy.html).
    """

    def __init__(self, seed: int, problem: str) -> None:
        """seed: of the assignment. problem: the problem's name. The numbers are those of its first case."""
        self._seed = seed
        self._problem = problem
        self.begin(0)

    def begin(self, case: int) -> None:
        """From here on the numbers of that case of the problem: what another one draws does not matter to it."""
        words = np.frombuffer(_digest(self._seed, f"{self._problem}/{case}"), dtype=">u4")
        self.generator = np.random.RandomState(words.astype(np.uint32))

    def _integers(self, low: int, high: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        assert isinstance(self.generator, np.random.RandomState)
        # The dtype, because its default is 32 bits wide on some systems and draws other numbers there.
        return np.asarray(self.generator.randint(low, high, shape, dtype=np.int64))


def _digest(seed: int, case: str) -> bytes:
    return hashlib.sha256(f"{seed}/{case}".encode()).digest()
