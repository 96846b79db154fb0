"""How far a right answer may be from the oracle's: per problem and device, by error analysis (docs/tolerances.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """|got - want| <= atol * max(1, max|want|) + rtol * |want|.

    atol is for what adds up: a sum's rounding error goes with the size of its terms, which the array's largest values
    tell, and not with its own value, which may be near 0. rtol is for functions: each is as exact as its own value.
    """

    rtol: float
    atol: float


# For assignments that say nothing. float32 carries 7 digits; sums of a few hundred terms in another order still agree
# to about 1e-5 of the largest value. A wrong formula is wrong in the first digits, so the gap for a tolerance is wide.
DEFAULT = Tolerance(rtol=1e-4, atol=1e-5)
