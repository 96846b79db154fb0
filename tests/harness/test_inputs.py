"""Random inputs: the same for the same seed and case, and as far from kinks as they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.inputs import FixedInputs, Inputs

steady = settings(derandomize=True, deadline=None, max_examples=100)

seeds = st.integers(0, (1 << 63) - 1)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)

DRAWS = {
    "normal": lambda rng: rng.normal(3, 4),
    "uniform": lambda rng: rng.uniform(3, 4),
    "distinct": lambda rng: rng.distinct(3, 4),
    "away_from_zero": lambda rng: rng.away_from_zero(3, 4),
    "integers": lambda rng: rng.integers(0, 1 << 40, 3, 4),
    "integer": lambda rng: rng.integer(0, 1 << 40),
    "permutation": lambda rng: rng.permutation(20),
    "choice": lambda rng: rng.choice(range(1 << 20)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_the_same_seed_and_case_draw_the_same(draw: Any) -> None:
    """--seed repeats a case, whatever ran before it."""
    np.testing.assert_array_equal(draw(Inputs(7, "a.py::b[c]")), draw(Inputs(7, "a.py::b[c]")))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
@pytest.mark.parametrize(("seed", "case"), [(8, "a"), (7, "b"), (0, "7/a"), (77, "a")])
def test_another_seed_or_case_draws_another(draw: Any, seed: int, case: str) -> None:
    """No case can be guessed from another, nor a run from another."""
    assert not np.array_equal(draw(Inputs(7, "a")), draw(Inputs(seed, case)))


def test_numpys_global_generator_is_left_alone() -> None:
    """Neither read nor written: a submission in-process seeds it."""
    np.random.seed(5)
    before = np.random.get_state()[1].tolist()  # type: ignore[union-attr]
    first = Inputs(7, "a").normal(3)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[union-attr]
    np.random.seed(6)
    np.testing.assert_array_equal(first, Inputs(7, "a").normal(3))


@steady
@given(seeds, shapes, st.sampled_from(["normal", "uniform", "distinct", "away_from_zero"]))
def test_floats_have_the_shape_asked_for(seed: int, shape: tuple[int, ...], kind: str) -> None:
    """float32, C-contiguous, writable, finite; also without axes and without elements."""
    array = getattr(Inputs(seed, "case"), kind)(*shape)
    assert isinstance(array, np.ndarray)
    assert (array.dtype, array.shape) == (np.float32, shape)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert np.isfinite(array).all()


@steady
@given(seeds, shapes, st.sampled_from([0.01, 0.05, 1.0]))
def test_distinct_values_are_a_gap_apart(seed: int, shape: tuple[int, ...], gap: float) -> None:
    """No two values can change places by rounding, and none can change its sign."""
    values = np.sort(Inputs(seed, "case").distinct(*shape, gap=gap).ravel())
    assert (np.diff(values) >= 0.99 * gap).all()
    assert (np.abs(values) >= 0.49 * gap).all()
    if values.size > 1:
        assert values[0] < 0 < values[-1]


@steady
@given(seeds, shapes)
def test_denominators_are_away_from_zero(seed: int, shape: tuple[int, ...]) -> None:
    """Magnitudes lie between low and high."""
    magnitudes = np.abs(Inputs(seed, "case").away_from_zero(*shape, low=0.5, high=2.0))
    assert ((magnitudes >= 0.5) & (magnitudes <= 2.0)).all()


def test_denominators_have_both_signs() -> None:
    """A division must be right for both."""
    values = Inputs(1, "case").away_from_zero(100)
    assert 20 < (values < 0).sum() < 80


@steady
@given(seeds)
def test_uniform_numbers_lie_between_their_bounds(seed: int) -> None:
    """From low to high."""
    values = Inputs(seed, "case").uniform(50, low=-3.0, high=7.0)
    assert ((values >= -3) & (values <= 7)).all()


def test_normal_numbers_have_their_mean_and_deviation() -> None:
    """A thousand of them, within six standard errors."""
    values = Inputs(1, "case").normal(1000, mean=5.0, std=2.0)
    assert abs(values.mean() - 5) < 6 * 2 / 1000**0.5
    assert abs(values.std() - 2) < 6 * 2 / 2000**0.5


@steady
@given(seeds, st.integers(-5, 5), st.integers(1, 9))
def test_integers_lie_in_their_range(seed: int, low: int, count: int) -> None:
    """low is reached at times, high never; one integer is an int, an array of them int64."""
    rng = Inputs(seed, "case")
    assert type(rng.integer(low, low + count)) is int
    values = rng.integers(low, low + count, 4, 5)
    assert (values.dtype, values.shape) == (np.int64, (4, 5))
    assert ((values >= low) & (values < low + count)).all()


@steady
@given(seeds, st.integers(0, 20))
def test_a_permutation_has_every_number_once(seed: int, count: int) -> None:
    """A list of plain ints, as an index or an order is sent."""
    order = Inputs(seed, "case").permutation(count)
    assert sorted(order) == list(range(count))
    assert all(type(number) is int for number in order)


@steady
@given(seeds, st.lists(st.text(), min_size=1))
def test_a_choice_is_one_of_the_values(seed: int, values: list[str]) -> None:
    """The value itself."""
    assert Inputs(seed, "case").choice(values) in values


def test_every_value_can_be_chosen() -> None:
    """The first and the last as well."""
    rng = Inputs(1, "case")
    assert {rng.choice("abc") for _ in range(100)} == set("abc")


# -- the inputs of submission cases ------------------------------------------------------------------------------

# What was published stays right only while these numbers stay as they are: under every NumPy, on every machine.
GOLDEN: dict[str, tuple[Any, Any]] = {
    "normal": (lambda rng: rng.normal(3), [-0.09242375, -0.56737202, 0.23297709]),
    "uniform": (lambda rng: rng.uniform(3), [0.04563542, 0.42598492, 0.08047345]),
    "distinct": (lambda rng: rng.distinct(4), [0.075, 0.025, -0.075, -0.025]),
    "away_from_zero": (lambda rng: rng.away_from_zero(3), [0.9130435, 0.85348475, -0.69691998]),
    "integers": (lambda rng: rng.integers(0, 1 << 40, 3), [348431478151, 207341102400, 585127689304]),
    "integer": (lambda rng: rng.integer(0, 100), 81),
    "permutation": (lambda rng: rng.permutation(6), [5, 2, 3, 4, 0, 1]),
    "choice": (lambda rng: rng.choice("abcdef"), "b"),
}


@pytest.mark.parametrize(("draw", "want"), GOLDEN.values(), ids=list(GOLDEN))
def test_fixed_inputs_never_change(draw: Any, want: Any) -> None:
    """Drawn from RandomState, whose streams are frozen, whatever Generator becomes."""
    got = draw(FixedInputs(10714, "conv_forward"))
    if isinstance(want, list):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    else:
        assert got == want


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_fixed_inputs_of_a_case_hang_on_no_other(draw: Any) -> None:
    """Each case of a problem begins anew, whatever the one before drew; each has numbers of its own."""
    alone, after = FixedInputs(7, "conv"), FixedInputs(7, "conv")
    after.normal(100)
    alone.begin(1)
    after.begin(1)
    first = draw(alone)
    np.testing.assert_array_equal(first, draw(after))
    for other in (FixedInputs(7, "conv"), FixedInputs(8, "conv"), FixedInputs(7, "rnn")):
        assert not np.array_equal(first, draw(other))


def test_fixed_inputs_are_of_the_same_kinds() -> None:
    """float32 and C-contiguous, int64, plain ints: what a test of the suite gets."""
    fixed, fresh = FixedInputs(7, "conv"), Inputs(7, "conv")
    for draw in DRAWS.values():
        got, like = draw(fixed), draw(fresh)
        assert type(got) is type(like)
        if isinstance(got, np.ndarray):
            assert (got.dtype, got.shape, got.flags.c_contiguous) == (like.dtype, like.shape, True)
