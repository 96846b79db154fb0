"""Evidence: what a case found is kept beside its verdict, and survives its way as JSON."""

from __future__ import annotations

import gc
import json
import math
import weakref
from pathlib import Path

import numpy as np
import pytest
from test_verdicts import Desk, Item

from grader.compare import Mismatch, assert_close, assert_dtype, assert_equal, assert_same, assert_scalar, show_curve
from grader.evidence import (
    MARGINS,
    PICTURES,
    POINTS,
    Curve,
    Evidence,
    FirstPictures,
    Lines,
    Margin,
    from_json,
    to_json,
)
from grader.findings import gathered, note_curve, note_margin


def mismatch(got: object, want: object) -> Mismatch:
    """What a comparison that must fail raises."""
    with pytest.raises(Mismatch) as caught:
        assert_close(got, want)  # type: ignore[arg-type]
    return caught.value


def test_everything_survives_its_way_as_json() -> None:
    """What is read back is what was written, infinite errors and values that are no numbers included."""
    wrong = mismatch(np.array([[1.0, math.nan], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 5.0]])).wrong
    assert wrong is not None
    assert wrong.picture is not None
    evidence = Evidence(
        asked="A sentence.",
        question="add: a (2, 2)",
        wrong=wrong,
        own=(Lines("vec/ops.py", 3, 7, "add"),),
        section="Part 1",
        command="python -m grader repro x",
        margins=(Margin("out", math.inf), Margin("grad", 0.25)),
        curves=(Curve("loss", (1.0, None), (1.0, 0.5)),),
    )
    text = json.dumps(to_json(evidence), allow_nan=False)
    assert from_json(json.loads(text)) == evidence


def pictured() -> Mismatch:
    """A wrong answer that has a picture."""
    error = mismatch(np.zeros((4, 4)), np.ones((4, 4)))
    assert error.wrong is not None
    assert error.wrong.picture is not None
    return error


def test_of_each_test_the_first_pictures_are_kept() -> None:
    """Whatever has none does not count; the rest of the evidence stays."""
    evidence, kept = Evidence(asked="A sentence.", wrong=pictured().wrong), FirstPictures()
    for case in ("a.py::t", "a.py::other", "b.py::t"):
        told = [kept.of(f"{case}[{k}]", each) for k in range(PICTURES + 2) for each in (Evidence(), evidence)][1::2]
        assert told[:PICTURES] == [evidence] * PICTURES
        assert [(each.asked, each.wrong.count, each.wrong.picture) for each in told[PICTURES:] if each.wrong] == [
            ("A sentence.", 16, None)
        ] * 2


def test_no_picture_is_kept_or_told_in_vain(tmp_path: Path) -> None:
    """A judge lives as long as its run, and a tree that fails every case has a thousand of them."""
    desk, alive = Desk(tmp_path / "events"), []
    for k in range(PICTURES + 1):
        error = pictured()
        alive.append(weakref.ref(error.wrong))
        desk.judge(error, Item(f"test_add[cpu-{k}]"))
    pictures = [event["evidence"]["wrong"]["picture"] for event in desk.told]
    assert [picture is None for picture in pictures] == [False] * PICTURES + [True]
    desk.verdicts.pytest_unconfigure()
    del error
    gc.collect()
    assert [reference() for reference in alive] == [None] * len(alive)


def test_what_is_empty_takes_no_room() -> None:
    """A case of which nothing is known has an empty object."""
    assert to_json(Evidence()) == {}
    assert from_json({}) == Evidence()


@pytest.mark.parametrize(("off", "share"), [(0.0, 0.0), (0.5, 0.5), (-0.99, 0.99), (3.0, 3.0)])
def test_a_margin_is_the_largest_share_of_what_is_allowed(off: float, share: float) -> None:
    """An error of half of atol * scale + rtol * |want| is a margin of 0.5; above 1 the answer is wrong."""
    want = np.array([0.0, 100.0])
    got = want + off * np.array([1e-5 * 100, 0])
    with gathered() as found:
        if share > 1:
            mismatch(got, want)
        else:
            assert_close(got, want)
    (margin,) = found.margins()
    assert margin.error == pytest.approx(share)


def test_what_no_number_measures_is_right_or_infinitely_wrong() -> None:
    """Exact comparisons, shapes, dtypes, NaN."""
    with gathered() as found:
        assert_equal(np.arange(3), [0, 1, 2], name="same ids")
        assert_same([1, "a"], [1, "a"], "same list")
        assert_close(np.array([math.inf, math.nan]), [math.inf, math.nan], name="same infinity")
        assert_close(np.zeros(2), np.zeros(2), rtol=0, atol=0, name="same zeros")
        for check, got, want, name in (
            (assert_equal, np.arange(3), [0, 1, 3], "ids"),
            (assert_close, np.zeros((1, 2)), np.zeros(2), "shape"),
            (assert_dtype, np.zeros(2), "float32", "dtype"),
            (assert_close, np.array([math.nan]), [1.0], "nan"),
            (assert_close, np.array([1.0]), [math.inf], "finite"),
        ):
            with pytest.raises(Mismatch):
                check(got, want, name=name)  # type: ignore[operator]
    errors = {margin.name: margin.error for margin in found.margins()}
    assert {name: 0.0 if name.startswith("same") else math.inf for name in errors} == errors
    assert len(errors) == 9


@pytest.mark.parametrize(("off", "error"), [(0.0, 0.0), (1e-300, math.inf)])
def test_where_nothing_is_allowed_any_error_is_infinite(off: float, error: float) -> None:
    """An exact zero is right, and what is anything else cannot be measured by a tolerance of 0."""
    with gathered() as found:
        try:
            assert_close(np.array([off, 1.0]), [0.0, 1.0], rtol=0.5, atol=0)
        except Mismatch:
            assert off
    (margin,) = found.margins()
    assert margin.error == error


def test_nothing_is_kept_of_a_case_that_is_asked_again() -> None:
    """Outside of the block, and in a block within it, what is compared is not the case's."""
    with gathered() as found:
        assert_close(np.ones(1), [1.0], name="first")
        with gathered():
            assert_close(np.ones(1), [1.0], name="inner")
    assert_close(np.ones(1), [1.0], name="again")
    assert [margin.name for margin in found.margins()] == ["first"]


def test_of_many_comparisons_the_nearest_to_the_tolerance_are_kept() -> None:
    """What is compared in a loop is one; of too many names those with the largest errors stay, in their order."""
    with gathered() as found:
        for error in (0.1, 0.7, 0.2):
            note_margin("out", error)
        for k in range(2 * MARGINS):
            note_margin(f"weight {k}", k / (2 * MARGINS))
    kept = found.margins()
    assert len(kept) == MARGINS
    assert kept[0] == Margin("out", 0.7)
    assert kept[1].name == f"weight {MARGINS + 1}"


def test_a_curve_is_gathered_point_by_point() -> None:
    """Single losses and arrays of them go on the curve that is named; a long one is thinned out evenly."""
    with gathered() as found:
        assert_scalar(2.0, 2.0, curve="loss")
        assert_close(np.array([1.5, 1.25]), [1.5, 1.25], curve="loss")
        note_curve("accuracy", range(3 * POINTS), range(3 * POINTS))
    loss, accuracy = found.curves()
    assert loss == Curve("loss", (2.0, 1.5, 1.25), (2.0, 1.5, 1.25))
    assert accuracy.got == tuple(range(0, 3 * POINTS, 3))


@pytest.mark.parametrize(
    ("got", "points"),
    [
        ([1.5, 2.5], ((1.5, 2.5), (1.0, 2.0))),
        ([1.5], ((1.5,), (1.0,))),
        ([1.5, 2.5, 3.5], ((1.5, 2.5), (1.0, 2.0))),
        ([1, 2], ((), ())),
        ((1.5, 2.5), ((), ())),
    ],
    ids=["numbers", "shorter", "longer", "integers", "tuple"],
)
def test_a_curve_is_drawn_of_a_list_of_numbers_alone(got: object, points: tuple[tuple[float, ...], ...]) -> None:
    """Nothing is demanded of what is only shown: of other lengths the common part is drawn, of other kinds nothing."""
    with gathered() as found:
        show_curve(got, [1.0, 2.0], "loss")
    assert tuple((curve.got, curve.want) for curve in found.curves()) == ((points,) if points[0] else ())


def test_the_worst_place_is_a_wrong_one() -> None:
    """Right values before it do not count, be the errors small, or too small for a float64."""
    wrong = mismatch(np.array([0.0, 0.25, 0.5]), np.zeros(3)).wrong
    assert wrong is not None
    assert wrong.worst == (2,)
    with pytest.raises(Mismatch) as caught:
        assert_equal(np.array([1, 2**53 + 1]), [1, 2**53])
    assert caught.value.wrong is not None
    assert caught.value.wrong.worst == (1,)


def test_the_worst_place_is_told_beside_the_first() -> None:
    """Where the first wrong value is a small one, the largest error has a place of its own; a NaN is the largest."""
    want = np.arange(6.0).reshape(2, 3)
    got = want.copy()
    got[0, 1] += 0.5
    got[1, 2] += 3
    wrong = mismatch(got, want).wrong
    assert wrong is not None
    assert (wrong.first, wrong.worst, wrong.count, wrong.size) == ((0, 1), (1, 2), 2, 6)
    assert (wrong.got, wrong.want) == (("1.5", "8.0"), ("1.0", "5.0"))
    got[1, 0] = math.nan
    wrong = mismatch(got, want).wrong
    assert wrong is not None
    assert wrong.worst == (1, 0)
