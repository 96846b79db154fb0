"""Hints: each is given where it is true of every wrong value, and none appears by chance."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.compare import Mismatch, assert_close, assert_equal
from grader.hints import pattern

steady = settings(derandomize=True, deadline=None, max_examples=300)

SHAPE = (3, 3, 4, 5)
WANT = np.random.default_rng(1).normal(size=SHAPE)
WANT.setflags(write=False)


def hint(got: Any, want: Any, check: Any = assert_close) -> str:
    """The hint of a failed comparison; empty where there is none. The answer is of float32, as a submission's is."""
    got = np.asarray(got)
    with pytest.raises(Mismatch) as caught:
        check(got.astype(np.float32) if got.dtype == np.float64 else got, want)
    found = re.search(r"values differ(.*)\.$", str(caught.value))
    return found[1].removeprefix(", ") if found else ""


HINTS = [
    (0.5 * WANT, "each is half of what was expected"),
    (2 * WANT, "each is twice what was expected"),
    (-WANT, "each is minus what was expected"),
    (-0.5 * WANT, "each is minus half of what was expected"),
    (-2 * WANT, "each is minus twice what was expected"),
    (WANT / 4, "each is a quarter of what was expected"),
    (32 * WANT, "each is 32 times what was expected"),
    (WANT / 3, "each is 0.3333 times what was expected"),
    (1.01 * WANT, "each is 1.01 times what was expected"),
    (0 * WANT, "each is zero"),
    (np.nan * WANT, "each is NaN"),
    (np.full(SHAPE, np.inf), "each is infinite"),
    (WANT + 0.25, "each is too large by 0.25"),
    (WANT - 3, "each is too small by 3"),
    (WANT.swapaxes(0, 1), "as if axes 0 and 1 were swapped"),
    (WANT[::-1], "as if axis 0 were reversed"),
    (WANT[..., ::-1], "as if axis 3 were reversed"),
    (WANT[::-1, ::-1], "as if axes 0 and 1 were reversed"),
    (WANT[::-1, ::-1, ::-1, ::-1], "as if axes 0, 1, 2 and 3 were reversed"),
]


@pytest.mark.parametrize(("got", "words"), HINTS, ids=[words for _, words in HINTS])
def test_what_went_wrong_everywhere(got: Any, words: str) -> None:
    """A mistake that went through the whole array is named."""
    assert hint(got, WANT) == words


@pytest.mark.parametrize(("got", "words"), HINTS[:14], ids=[words for _, words in HINTS[:14]])
def test_what_went_wrong_in_a_part(got: Any, words: str) -> None:
    """What is said of each is said of those that differ; the right ones do not hide it."""
    part = WANT.copy()
    part[1:, :2] = got[1:, :2]
    assert hint(part, WANT) == f"all in the first 2 of axis 1 (3 long) and in the last 2 of axis 0 (3 long), {words}"


@pytest.mark.parametrize(("got", "words"), HINTS[:14], ids=[words for _, words in HINTS[:14]])
def test_one_other_mistake_and_there_is_no_hint(got: Any, words: str) -> None:
    """A hint that one wrong value does not bear out is not given."""
    part = WANT.copy()
    part[1:, :2] = got[1:, :2]
    part[0, 0, 0, 0] = 1.7
    assert words not in hint(part, WANT)


def reshaped(order: tuple[int, ...]) -> Any:
    """What comes of a reshape where a permutation was meant."""
    return WANT.transpose(order).reshape(SHAPE)


def moved(step: int, axis: int, edge: Any) -> Any:
    """Shifted along an axis; edge: what comes in, as np.pad calls it."""
    widths = [(max(step, 0), max(-step, 0)) if other == axis else (0, 0) for other in range(WANT.ndim)]
    padded = np.pad(WANT, widths, mode=edge)
    kept = slice(0, SHAPE[axis]) if step > 0 else slice(-SHAPE[axis], None)
    return padded[(slice(None),) * axis + (kept,)]


ELSEWHERE = np.random.default_rng(9).normal(size=SHAPE)
BIAS = np.random.default_rng(10).normal(size=SHAPE[-1])
LESS_COMMON = [
    (reshaped((0, 1, 3, 2)), "as if reshaped where axes were to be permuted, by (0, 1, 3, 2) or back"),
    (reshaped((3, 2, 1, 0)), "as if reshaped where axes were to be permuted, by (3, 2, 1, 0) or back"),
    (moved(1, 2, "constant"), "as if moved by +1 along axis 2, with zeros at the edge"),
    (moved(-1, 3, "edge"), "as if moved by -1 along axis 3, with the edge repeated"),
    (moved(2, 3, "wrap"), "as if moved by +2 along axis 3, with what went out at the other edge"),
    (
        np.where(np.arange(5) == 0, ELSEWHERE, moved(1, 3, "wrap")),
        "as if moved by +1 along axis 3, with something else at the edge",
    ),
    (np.broadcast_to(WANT[:1], SHAPE), "as if index 0 of axis 0 were everywhere"),
    (np.broadcast_to(WANT[:, :, -1:], SHAPE), "as if the last index of axis 2 were everywhere"),
    (np.cumsum(WANT, 1), "as if summed up along axis 1, each with all before it"),
    (WANT**2, "each is the square of what was expected"),
    (1 / WANT, "each is 1 divided by what was expected"),
    (np.trunc(3 * WANT) / 1, ""),
    (WANT + BIAS[:, None, None, None][: SHAPE[0]], "each is off by a number that depends on its index of axis 0 alone"),
    (WANT * (1 + BIAS**2), "each is off by a factor that depends on its index of axis 3 alone"),
    (np.random.default_rng(4).permutation(WANT.ravel()).reshape(SHAPE), "the right values in another order"),
    (np.minimum(WANT, 0.5), "each is 0.5 and should be more"),
    (np.maximum(WANT, 0), "each is zero"),
]


@pytest.mark.parametrize(("got", "words"), LESS_COMMON, ids=[str(k) for k in range(len(LESS_COMMON))])
def test_what_went_wrong_less_often(got: Any, words: str) -> None:
    """Axes mixed up, shifts, repetitions, functions, and what varies along one axis."""
    assert hint(got, WANT).endswith(words)
    assert bool(hint(got, WANT)) is bool(words)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (np.s_[1], "all at index 1 of axis 0 (8 long)"),
        (np.s_[:, -2:], "all in the last 2 of axis 1 (9 long)"),
        (np.s_[:, :1], "all at index 0 of axis 1 (9 long)"),
        (np.s_[3:], "all from index 3 of axis 0 on"),
        (np.s_[:, :, 1::2], "all at indices 1, 3, ... of axis 2"),
        (np.s_[:, 7, 2], "all at index 2 of axis 2 (10 long) and at index 7 of axis 1 (9 long)"),
        (np.s_[0, 0, 0:2], ""),  # two values are too few to say where
    ],
    ids=str,
)
def test_where_it_went_wrong(places: Any, words: str) -> None:
    """One item, the last rows, every second column."""
    want = np.random.default_rng(1).normal(size=(8, 9, 10))
    got = want.copy()
    got[places] = np.random.default_rng(2).normal(size=(8, 9, 10))[places]
    assert hint(got, want) == words


def test_only_the_border() -> None:
    """What is right inside and wrong all around is told so, with how wide the border is."""
    want = np.random.default_rng(1).normal(size=(2, 8, 9, 3))
    got = np.random.default_rng(2).normal(size=want.shape)
    got[:, 2:-2, 2:-2] = want[:, 2:-2, 2:-2]
    assert hint(got, want) == "all at the edge of axes 1 and 2, 2 wide"


def test_what_the_question_explains() -> None:
    """An answer that is an array of the question, lacks one, or is off by the size of one of its axes."""
    rng = np.random.default_rng(3)
    want, bias, x = rng.normal(size=(6, 4)), rng.normal(size=4).astype(np.float32), rng.normal(size=(7, 5)).astype("f4")
    everywhere = np.ones(want.shape, dtype=bool)

    def told(got: Any) -> str:
        return pattern(got, want, everywhere, [("x", x), ("b", bias), ("z", rng.normal(size=(6, 4)).astype("f4"))])

    assert told(want - bias) == "as if b had not been added"
    assert told(want + bias) == "as if b had been added once more"
    assert told(want / 7) == (
        "each is 0.1429 times what was expected (7 is the size of axis 0 of x: a mean in place of a sum)"
    )
    assert told(want * 5) == (
        "each is 5 times what was expected (5 is the size of axis 1 of x: a sum in place of a mean)"
    )
    assert pattern(want, x[:6, :4], everywhere, [("out as it should be", want.astype("f4"))]) == (
        "it is out as it should be"
    )


def test_an_overflow_is_named() -> None:
    """NaN of a large input comes with what was too large for exp."""
    x = np.array([1.0, 1000.0, 3.0, 4.0], dtype=np.float32)
    assert pattern(np.full(4, np.nan), np.arange(4.0), np.ones(4, bool), [("x", x)]) == (
        "each is NaN (the input goes up to 1000 in size; in float32 exp(89) is infinite, and exp(-104) is 0)"
    )


def test_garbage_is_called_so() -> None:
    """Sizes that no arithmetic of the numbers gives."""
    got = ELSEWHERE.copy()
    got[0, 0, 0] = [3e33, -2e31, 1e-40, 0, 7e20]
    assert hint(got, WANT).startswith("4 of a size that nothing explains, such as ")


SHAPES = [
    (WANT.transpose(0, 1, 3, 2), ": the values are right after permute((0, 1, 3, 2))"),
    (WANT[..., None], ": the values are right, but an axis of length 1 is too many"),
    (WANT.reshape(9, 20), ": the values are right after reshape((3, 3, 4, 5))"),
    (np.stack([WANT / 2, WANT / 2]), ": summed over axis 0 it would be right"),
    (WANT.sum(axis=1), ": it is the sum of what was expected over axis 1"),
    (WANT.mean(axis=(0, 1), keepdims=True), ": it is the mean of what was expected over axes (0, 1)"),
    (np.pad(WANT, [(0, 0), (0, 0), (1, 0), (0, 0)]), ": the last 4 of axis 2 are right"),
    (WANT[:, :, :-1], ": what is there is right: the last 1 of axis 2 are missing"),
    (ELSEWHERE.transpose(0, 1, 3, 2), ""),
    (np.zeros((2, 2)), ""),
]


@pytest.mark.parametrize(("got", "words"), SHAPES, ids=[str(np.shape(got)) for got, _ in SHAPES])
def test_a_wrong_shape_with_right_values(got: Any, words: str) -> None:
    """Where the values are right but for the shape, the message says what would make it right."""
    with pytest.raises(Mismatch) as caught:
        assert_close(np.ascontiguousarray(got), WANT)
    assert str(caught.value) == f"the answer has shape {np.shape(got)}; expected {SHAPE}{words}."


@pytest.mark.parametrize(("bad", "words"), [(np.nan, "NaN"), (np.inf, "infinite")], ids=["nan", "inf"])
def test_how_many_are_not_finite(bad: float, words: str) -> None:
    """Where some of the wrong values are NaN or infinite their number is told."""
    got = WANT + np.random.default_rng(2).normal(size=SHAPE)
    got[0, 0, 0, 0] = bad
    assert hint(got, WANT) == f"1 of them is {words}"
    got[1, 1, 1, :2] = bad
    assert hint(got, WANT) == f"3 of them are {words}"
    got[2, 2, 2, 2] = -np.inf
    assert hint(got, WANT).endswith("infinite or NaN" if np.isnan(bad) else "infinite")


def test_gradients_of_one_size() -> None:
    """All wrong values half of one expected number is worth saying too."""
    want = np.full((4, 6), 7.0)
    got = want.copy()
    got[2:] = 3.5
    assert hint(got, want) == "each is half of what was expected"


def test_three_wrong_values_are_enough() -> None:
    """From three values on a factor and a shift can be told from chance; a mirror image needs four different ones."""
    want = np.array([1.0, 2.0, 4.0, 9.0])
    assert hint(want * [1, 2.3, 2.3, 2.3], want) == "each is 2.3 times what was expected"
    assert hint(want + np.array([0, 2.3, 2.3, 2.3]), want) == "each is too large by 2.3"
    assert hint(want[::-1], want) == "as if axis 0 were reversed"


def test_ids_that_are_off_by_one() -> None:
    """Integers that are all one too large."""
    want = np.arange(1000)
    assert hint(want + 1, want, assert_equal) == "each is too large by 1"


def test_rounding_hides_no_hint() -> None:
    """Noise of float32 does not hide that each is twice what it should be."""
    noise = np.random.default_rng(3).normal(size=SHAPE) * 1e-6
    assert hint(2 * WANT + noise, WANT) == "each is twice what was expected"


NO_HINT = {
    "one value": ([1.0, 2.0, 8.0], [1.0, 2.0, 4.0]),
    "two values by one factor": ([2.3, 4.6, 4.0], [1.0, 2.0, 4.0]),
    "two values by one shift": ([3.3, 4.3, 4.0], [1.0, 2.0, 4.0]),
    "last digits": (1 + WANT[0, 0] * 1e-6, 1 + WANT[1, 1] * 1e-6),
    "noise for an answer": (np.random.default_rng(6).normal(size=SHAPE) * 1e-6, WANT),
    "a tiny error": (WANT * 1.0003, WANT),
    "a constant by another factor": (np.full(9, 2.3), np.full(9, 1.0)),
    "a mirrored pair": ([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]),
    "a mirrored one-hot matrix": (np.eye(4)[::-1], np.eye(4)),
    "an expected infinity": ([2.0, 4.0, 6.0], [1.0, 2.0, np.inf]),
    "a right infinity among wrong values": ([np.inf, 5.0, 6.0], [np.inf, 1.0, 2.0]),
    "an expected NaN": ([2.0, 4.0, 6.0], [1.0, 2.0, np.nan]),
    "zeros expected": ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]),
    "zeros among twice": ([2.0, 4.0, 6.0, 5.0], [1.0, 2.0, 3.0, 0.0]),
    "clipped": (np.clip(WANT, -0.5, 0.5), WANT),
    "huge": (np.array([1e308, 1.1e308, -1.2e308]), np.array([-1.5e308, 1.7e308, 1.6e308])),
    "denormal": (np.array([3e-310, 5e-310, 9e-310]), np.array([1e-310, 2e-310, 4e-310])),
}


@pytest.mark.parametrize(("got", "want"), NO_HINT.values(), ids=list(NO_HINT))
def test_where_nothing_simple_explains_it(got: Any, want: Any) -> None:
    """No hint is better than one that is chance, a trifle or untrue."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert pattern(got, want, got != want) == ""


@pytest.mark.parametrize("shape", [(2,), (3,), (7,), (2, 2), (3, 3), (1, 3), (2, 3, 3), (2, 2, 2, 2)], ids=str)
def test_chance_gives_no_hint(shape: tuple[int, ...]) -> None:
    """Of random answers to random questions, none looks like a mistake that it is not."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        got, want = rng.normal(size=shape), rng.normal(size=shape)
        wrong = rng.random(shape) < rng.uniform(0.2, 1)
        got[~wrong] = want[~wrong]
        if wrong.any():
            assert pattern(got, want, wrong, [("x", rng.normal(size=shape)), ("b", rng.normal(size=shape[-1]))]) == ""


small = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)
integers = small.flatmap(lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=st.integers(-3, 3))] * 2))
FACTORS = {"half of": 0.5, "twice": 2, "minus": -1, "a quarter of": 0.25, "minus half of": -0.5, "minus twice": -2}


@steady
@given(integers)
def test_every_hint_is_true(pair: tuple[Any, Any]) -> None:
    """Of small integers, where chance is likely, whatever hint is given holds of every wrong value."""
    got, want = pair
    wrong = got != want
    if not wrong.any():
        return
    words = pattern(got, want, wrong)
    if factor := re.fullmatch(r"each is (.*?)( times)? what was expected", words):
        number = float(factor[1]) if factor[2] else FACTORS[factor[1]]
        np.testing.assert_allclose(got[wrong], number * want[wrong], rtol=1e-3)
    elif shift := re.fullmatch(r"each is too (large|small) by (.*)", words):
        sign = 1 if shift[1] == "large" else -1
        np.testing.assert_allclose((got - want)[wrong], sign * float(shift[2]), rtol=1e-3)
    elif swap := re.fullmatch(r"as if axes (\d) and (\d) were swapped", words):
        np.testing.assert_array_equal(got, np.swapaxes(want, int(swap[1]), int(swap[2])))
    elif words.endswith("reversed"):
        np.testing.assert_array_equal(got, np.flip(want, [int(axis) for axis in re.findall(r"\d", words)]))
    elif number := re.fullmatch(r"each is (zero|-?[\d.]+)( and should be (more|less))?", words):
        assert set(got[wrong].tolist()) == {0.0 if number[1] == "zero" else float(number[1])}
    else:
        assert words == ""


@steady
@given(
    small.flatmap(lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=st.floats(width=64))] * 2)),
)
def test_no_value_breaks_a_hint(pair: tuple[Any, Any]) -> None:
    """The largest, smallest, infinite and NaN raise no warning, which would count as a fault of ours."""
    got, want = pair
    wrong = ~((got == want) | (np.isnan(got) & np.isnan(want)))
    if wrong.any():
        assert isinstance(pattern(got, want, wrong), str)
