"""Comparisons: what is wrong never passes, what is right always does, and the message says what a student needs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_same,
    assert_scalar,
    assert_true,
)
from grader.errors import GraderError
from grader.subject.outcome import Answer, Field
from grader.subject.question import Question

steady = settings(derandomize=True, deadline=None, max_examples=200)

QUESTION = Question("conv_backward", "z (1, 4, 4, 1), w (3, 3, 1, 1), stride 2, padding 1")
NAN, INF = math.nan, math.inf

finite = st.floats(-1e6, 1e6, width=32)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
floats = hnp.arrays(np.float32, shapes, elements=finite)


def field(value: Any, dtype: str = "float32") -> Field:
    """The value as the field z_grad of an answer."""
    answer = Answer(QUESTION, {"z_grad": np.asarray(value, dtype)}).z_grad
    assert isinstance(answer, Field)
    return answer


def words(check: Any, *args: Any, **kwargs: Any) -> str:
    """What a check that must fail says."""
    with pytest.raises(Mismatch) as caught:
        check(*args, **kwargs)
    return str(caught.value)


# -- what passes -------------------------------------------------------------------------------------------------


@steady
@given(floats)
def test_an_array_is_like_itself(array: Any) -> None:
    """An array is close, equal and the same to itself, infinities and NaN included."""
    array.flat[:1] = [INF]
    array.flat[1:2] = [NAN]
    assert_close(array, array.copy())
    assert_equal(array, array.copy())
    assert_same(array, array.tolist(), "the array")


@steady
@given(floats, st.integers(0, 1 << 32))
def test_rounding_is_forgiven(want: Any, seed: int) -> None:
    """Noise of a few float32 roundings of the largest value is no mistake."""
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    noise = np.random.default_rng(seed).uniform(-1, 1, want.shape) * 9e-6 * scale
    assert_close((want.astype(np.float64) + noise), want)


def test_an_error_as_large_as_allowed_is_right() -> None:
    """The bound itself is within the tolerance; the next number is not."""
    assert_close(np.array([1.5]), [1.0], rtol=0, atol=0.5)
    words(assert_close, np.nextafter(np.array([1.5]), 2), [1.0], rtol=0, atol=0.5)


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.float64(3), np.int64(3), np.array(3), np.array(3.0)])
def test_kinds_of_number(value: Any) -> None:
    """Integers and floats, of Python and of NumPy, are numbers."""
    assert_close(value, 3)
    assert_equal(value, 3)
    assert_scalar(value, 3)


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)], ids=str)
def test_empty_arrays_of_one_shape_are_alike(shape: tuple[int, ...]) -> None:
    """Where nothing is expected, nothing is right."""
    assert_close(np.zeros(shape), np.zeros(shape))
    assert_equal(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)], ids=str)
def test_a_scalar_may_have_axes_of_length_1(shape: tuple[int, ...]) -> None:
    """A loss of shape () and one of shape (1,) are both one number, on either side."""
    assert_scalar(np.full(shape, 2.5), 2.5)
    assert_scalar(2.5, np.full(shape, 2.5))  # type: ignore[arg-type]


# -- what does not -----------------------------------------------------------------------------------------------


@steady
@given(floats, st.data())
def test_one_wrong_value_fails(want: Any, data: Any) -> None:
    """One value beyond the tolerance fails, wherever it is, with its index and the number of values that differ."""
    place = data.draw(st.tuples(*(st.integers(0, n - 1) for n in want.shape)))
    off = data.draw(st.floats(2, 1e3)) * (1e-5 * max(1.0, float(np.abs(want).max())) + 1e-4 * abs(float(want[place])))
    got = want.astype(np.float64)
    got[place] += off * data.draw(st.sampled_from([-1, 1]))
    message = words(assert_close, got, want)
    if want.shape:
        assert f"at {list(place)}: got " in message
    if want.size > 1:
        assert f"; 1 of {want.size} values differs" in message


@steady
@given(floats, st.sampled_from([NAN, INF, -INF]), st.data())
def test_no_infinity_and_no_nan_passes_for_a_number(want: Any, bad: float, data: Any) -> None:
    """A NaN or an infinity is not near any finite value, whatever the tolerance."""
    got = want.copy()
    got.flat[data.draw(st.integers(0, want.size - 1))] = bad
    words(assert_close, got, want, rtol=1e30, atol=1e30)
    words(assert_equal, got, want)


@pytest.mark.parametrize("want", [NAN, INF, -INF])
@pytest.mark.parametrize("got", [0.0, 3.0, 1e38, -1e38, NAN, INF, -INF])
def test_an_infinity_or_a_nan_is_near_itself_alone(got: float, want: float) -> None:
    """Where an infinity or a NaN is expected nothing else will do: |3 - inf| <= inf must not count."""
    for check in (assert_close, assert_equal, assert_scalar):
        if got == want or (math.isnan(got) and math.isnan(want)):
            check(np.float64(got), want)
        else:
            assert "is wrong: got" in words(check, np.float64(got), want)


def test_an_infinity_excuses_no_other_value() -> None:
    """Next to an expected infinity the tolerance of the others is that of their own size."""
    words(assert_close, np.array([INF, 1.001]), [INF, 1.0])


@steady
@given(shapes, shapes)
def test_shapes_do_not_broadcast(got: tuple[int, ...], want: tuple[int, ...]) -> None:
    """An array of another shape fails, even where all values are equal."""
    assume(got != want)
    message = words(assert_close, np.ones(got), np.ones(want))
    assert message.startswith(f"the answer has shape {got}; expected {want}")
    words(assert_equal, np.ones(got), np.ones(want))


@pytest.mark.parametrize("got", [0, 1.0, np.float32(1), np.ones(()), np.ones(0), np.ones((0, 3)), np.ones((1, 3))])
def test_nothing_and_one_number_do_not_pass_for_an_array(got: Any) -> None:
    """An empty array and a scalar are not the array that was expected."""
    assert "shape" in words(assert_close, got, np.ones(3))
    assert "shape" in words(assert_equal, got, np.ones(3))


@pytest.mark.parametrize("got", [np.ones(0), np.ones(2), np.ones((1, 2))], ids=lambda a: str(a.shape))
def test_a_scalar_is_one_number(got: Any) -> None:
    """No number and two numbers are not one."""
    assert words(assert_scalar, got, 1.0) == f"the answer has shape {got.shape}; expected a single number."


STRANGE = {
    "None": None,
    "text": "1.0",
    "list": [1.0],
    "dict": {"a": 1.0},
    "bytes": b"1.0",
    "complex": 1j,
    "array of complex": np.array([1 + 0j]),
    "array of text": np.array(["1.0"]),
    "array of bytes": np.array([b"1.0"]),
    "array of objects": np.array([1.0], object),
    "array of dates": np.zeros(1, "M8[s]"),
    "structured array": np.zeros(1, [("a", "f4")]),
    "array of nothing": np.zeros(1, "V4"),
}


@pytest.mark.parametrize("got", STRANGE.values(), ids=list(STRANGE))
def test_what_is_no_array_of_numbers_fails(got: Any) -> None:
    """Text, objects and complex numbers are a wrong answer, not an error of ours, and are never converted."""
    for check in (assert_close, assert_equal, assert_scalar):
        assert "expected " in words(check, got, [1.0])
    assert "expected " in words(assert_dtype, got, "float32")


@pytest.mark.parametrize("got", [True, np.True_, np.array([True])], ids=["bool", "numpy", "array"])
def test_a_bool_is_no_number(got: Any) -> None:
    """True does not pass for 1."""
    want = np.ones(np.shape(got))
    words(assert_close, got, want)
    words(assert_equal, got, want)
    words(assert_equal, want, np.array(got))


def test_bools_are_equal_to_bools() -> None:
    """An array of bools is compared as one."""
    assert_equal(np.array([True, False]), [True, False])
    message = words(assert_equal, np.array([True, True]), [True, False])
    assert message == "the answer is wrong at [1]: got True, expected False; 1 of 2 values differs."


@pytest.mark.parametrize(("got", "want"), [((1 << 53) + 1, float(1 << 53)), (float(1 << 53), (1 << 53) + 1)])
def test_equality_is_exact_between_integers_and_floats(got: float, want: float) -> None:
    """An integer that float64 cannot hold is not equal to the float next to it, and the message tells them apart."""
    message = words(assert_equal, np.asarray(got), want)
    assert "9007199254740993" in message
    assert "9007199254740992.0" in message


class Liar(float):
    """A float that answers every question with what is expected."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        return np.ones(3)

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class LyingField(Field):
    """An array that answers every question with what is expected."""

    shape = (3,)  # type: ignore[assignment]
    size = 1

    def __eq__(self, other: object) -> Any:
        return np.True_

    def all(self, *_: Any, **__: Any) -> Any:
        return np.True_

    def reshape(self, *_: Any, **__: Any) -> Any:
        return np.ones(())

    def astype(self, *_: Any, **__: Any) -> Any:
        return np.ones(3)

    def __array__(self, *_: Any, **__: Any) -> Any:
        return np.ones(3)


@pytest.mark.parametrize("got", [Liar(0), np.zeros(5, np.float32).view(LyingField)], ids=["float", "field"])
def test_a_lying_object_passes_for_nothing(got: Any) -> None:
    """A subclass that would answer for itself is not asked: only plain arrays and numbers are compared."""
    words(assert_close, got, np.ones(3))
    words(assert_equal, got, np.ones(3))
    words(assert_scalar, got, 1.0)
    words(assert_same, got, 1.0, "the number")
    words(assert_same, got, [1.0, 1.0, 1.0], "the numbers")


@pytest.mark.parametrize("want", [None, "text", [None], object(), [1, "a"], 1j], ids=repr)
def test_an_expectation_that_is_no_number_is_our_fault(want: Any) -> None:
    """Where an oracle gives None, the answer is not called wrong: the run stops."""
    for check in (assert_close, assert_equal, assert_scalar):
        with pytest.raises(GraderError, match="a test expects"):
            check(np.ones(2) if check is not assert_scalar else 1.0, want)


# -- what is said ------------------------------------------------------------------------------------------------


def test_the_message_of_a_wrong_gradient() -> None:
    """The message names the probe, the value, the place, both numbers, how many differ, where, and how."""
    want = np.full((1, 4, 4, 6), 7.0)
    got = want.copy()
    got[0, 2:] = 3.5
    assert words(assert_close, field(got), want) == (
        "conv_backward: z_grad is wrong at [0, 2, 0, 0]: got 3.5, expected 7.0; 48 of 96 values differ, all in the "
        "last 2 of axis 1 (4 long), each is half of what was expected."
    )


def test_the_message_of_a_wrong_shape() -> None:
    """The shapes are named with the probe and the value."""
    message = words(assert_close, field(np.ones((2, 3))), np.ones((3, 2)))
    assert message == "conv_backward: z_grad has shape (2, 3); expected (3, 2)."


def test_the_message_of_a_wrong_dtype() -> None:
    """The dtypes are named with the probe and the value."""
    assert_dtype(field([1.0]))
    message = words(assert_dtype, field([1.0], "float64"))
    assert message == "conv_backward: z_grad has dtype float64; expected float32."


def test_the_message_of_one_number() -> None:
    """A single number has no place and no count."""
    message = words(assert_scalar, field([[2.5]]), 3)
    assert message == "conv_backward: z_grad is wrong: got 2.5, expected 3.0."


def test_a_name_goes_before_the_label() -> None:
    """A test may call a value differently."""
    assert words(assert_close, field(1.0), 2.0, name="the loss").startswith("conv_backward: the loss is wrong: ")
    assert words(assert_close, 1.0, 2.0, name="the loss") == "the loss is wrong: got 1.0, expected 2.0."
    assert words(assert_close, None, 2.0, name="the loss") == "the loss is None; expected an array of numbers."


NUMBERS = [
    (3.5, 7.0, "3.5", "7.0"),
    (1 / 3, 2 / 3, "0.333333", "0.666667"),
    (1.23456789, 1.23456788, "1.23456789", "1.23456788"),
    (np.float32(0.1), 0.3, "0.1", "0.3"),
    (2.0000001, 2.0, "2.0000001", "2.0"),
    (-0.25, 0.0, "-0.25", "0.0"),
    (123456.75, 0.5, "123456.8", "0.5"),
    (1e-12, 2e-12, "1e-12", "2e-12"),
    (1e22, 1e23, "1e+22", "1e+23"),
    (NAN, 1.0, "NaN", "1.0"),
    (-INF, INF, "-inf", "inf"),
    (1.0, 1.0000000000000002, "1.0", "1.0000000000000002"),
    (0.1, 0.10000000000000002, "0.10000000000000001", "0.10000000000000002"),
    (1e15, 0.5, "1e+15", "0.5"),
    (999999999999999.0, 0.5, "999999999999999.0", "0.5"),
]


@pytest.mark.parametrize(("got", "want", "one", "other"), NUMBERS, ids=[pair[2] for pair in NUMBERS])
def test_numbers_are_short_but_told_apart(got: float, want: float, one: str, other: str) -> None:
    """Six digits, or as many as it takes to see a difference; a whole float ends in .0."""
    message = words(assert_close, np.float64(got), want, rtol=0, atol=0)
    assert message == f"the answer is wrong: got {one}, expected {other}."


@steady
@given(st.floats(), st.floats())
def test_numbers_that_differ_never_look_alike(got: float, want: float) -> None:
    """Whatever two numbers differ, the message shows it."""
    assume(got != want and not (math.isnan(got) and math.isnan(want)))
    message = words(assert_equal, np.float64(got), want)
    one, other = message.removeprefix("the answer is wrong: got ").removesuffix(".").split(", expected ")
    assert one != other
    assert float(one) == pytest.approx(got, rel=1e-5, nan_ok=True)
    assert float(other) == pytest.approx(want, rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("integers", [(3, 4), (10**18, 10**18 + 1)], ids=str)
def test_integers_are_shown_whole(integers: tuple[int, int]) -> None:
    """Integers have no decimal point, however long they are."""
    got, want = integers
    assert words(assert_equal, np.int64(got), np.int64(want)) == f"the answer is wrong: got {got}, expected {want}."


# -- conditions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition", [False, np.False_, None, 0, 1, "yes", [1], np.ones(3), np.ones(1), Liar(1)], ids=repr
)
def test_only_true_is_true(condition: Any) -> None:
    """What is merely truthy, as a non-empty answer is, proves nothing."""
    assert words(assert_true, condition, "It is not so.") == "It is not so."


@pytest.mark.parametrize("condition", [True, np.True_], ids=repr)
def test_true_is_true(condition: Any) -> None:
    """Python's and NumPy's True pass."""
    assert_true(condition, "It is not so.")
