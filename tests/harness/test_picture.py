"""grader/picture.py: which cell shows which element, and what is lost where not all fit."""

from __future__ import annotations

import numpy as np
import pytest

from grader.picture import MOST, picture


def wrong_at(shape: tuple[int, ...], *indices: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays that differ at these places, each by one more."""
    want = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    got = want.copy()
    for number, index in enumerate(indices, 1):
        got[index] += number
    return got, want


def cells_of_errors(error: tuple[tuple[float | None, ...], ...]) -> set[tuple[int, int]]:
    return {(i, j) for i, row in enumerate(error) for j, value in enumerate(row) if value != 0}


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (np.float32(1), np.float32(2)),
        (np.zeros(0), np.zeros(0)),
        (np.ones(3), np.ones(3)),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.ones(3), np.ones(4)),
        (np.array(["a", "b"]), np.array(["a", "c"])),
    ],
    ids=["number", "empty", "right", "right though not finite", "shape", "texts"],
)
def test_nothing_to_see(got: np.ndarray, want: np.ndarray) -> None:
    """A number, what is right, and what cannot be laid side by side has no picture."""
    assert picture(got, want) is None


def test_matrix_is_as_it_is() -> None:
    """Rows are rows, columns are columns."""
    drawn = picture(*wrong_at((4, 6), (1, 2), (3, 5)))
    assert drawn is not None
    assert cells_of_errors(drawn.error) == {(1, 2), (3, 5)}
    assert (drawn.rows, drawn.columns, drawn.block) == ("axis 0 (4)", "axis 1 (6)", (0, 0))
    assert drawn.got[3][5] == 25.0
    assert drawn.want[3][5] == 23.0


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 3, 8, 8)], ids=["channels last", "channels first"])
def test_images_are_seen_as_images(shape: tuple[int, ...]) -> None:
    """Height and width become a block, wherever the channels are; images lie below each other, channels beside."""
    channel_axis = shape.index(3)
    index = [1, 4, 5]
    index.insert(channel_axis, 2)
    drawn = picture(*wrong_at(shape, tuple(index)))
    assert drawn is not None
    assert drawn.block == (8, 8)
    assert cells_of_errors(drawn.error) == {(8 + 4, 16 + 5)}


def test_bad_channel_is_a_bad_block() -> None:
    """All of one channel."""
    want = np.ones((2, 5, 5, 4))
    got = want.copy()
    got[..., 1] = 0
    drawn = picture(got, want)
    assert drawn is not None
    assert {column for _, column in cells_of_errors(drawn.error)} == set(range(5, 10))


def test_vector_is_laid_out_in_lines() -> None:
    """In lines of one length, where it has a factor for that."""
    drawn = picture(*wrong_at((100,), (77,)))
    assert drawn is not None
    assert [len(row) for row in drawn.error] == [50, 50]
    assert cells_of_errors(drawn.error) == {(1, 27)}


def test_last_line_of_a_prime_length_is_shorter() -> None:
    """No cell is invented."""
    drawn = picture(*wrong_at((101,), (100,)))
    assert drawn is not None
    assert [len(row) for row in drawn.error] == [64, 37]
    assert cells_of_errors(drawn.error) == {(1, 36)}


@pytest.mark.parametrize(
    "shape", [(5000,), (200, 300), (10, 32, 32, 3), (1, 14, 14, 64), (128, 128, 3, 3), (70, 80, 2, 2), (3, 2, 2, 3, 2)]
)
def test_no_error_is_lost(shape: tuple[int, ...]) -> None:
    """However coarse it becomes, one wrong value is one bad cell with that value in it, and all fits."""
    generator = np.random.default_rng(7)
    for _ in range(5):
        index = tuple(int(generator.integers(size)) for size in shape)
        got, want = wrong_at(shape, index)
        drawn = picture(got, want)
        assert drawn is not None
        ((row, column),) = cells_of_errors(drawn.error)
        assert drawn.error[row][column] == 1.0
        assert drawn.want[row][column] == float(f"{want[index]:.5g}")
        assert len(drawn.error) <= MOST
        assert max(map(len, drawn.error)) <= MOST
        assert [len(line) for line in drawn.got] == [len(line) for line in drawn.error]


def test_cell_shows_the_largest_of_its_errors() -> None:
    """And the values of the same element."""
    got, want = wrong_at((128,) * 2, (0, 0), (0, 1), (1, 1))
    drawn = picture(got, want)
    assert drawn is not None
    assert (drawn.error[0][0], drawn.got[0][0], drawn.want[0][0]) == (3.0, 132.0, 129.0)


def test_what_is_not_finite_is_none() -> None:
    """A NaN is the worst error there is; two equal infinities are none."""
    drawn = picture(np.array([[1.0, np.nan], [np.inf, 4.0]]), np.array([[1.0, 2.0], [np.inf, 5.0]]))
    assert drawn is not None
    assert drawn.error == ((0.0, None), (0.0, 1.0))
    assert drawn.got == ((1.0, None), (None, 4.0))


def test_huge_numbers_raise_no_warning() -> None:
    """Warnings are errors here; a difference beyond the largest float is infinite."""
    drawn = picture(np.array([1e308, 0.0]), np.array([-1e308, 0.0]))
    assert drawn is not None
    assert drawn.error == ((None, 0.0),)


def test_axes_of_length_one_are_left_out() -> None:
    """They keep their numbers in the words."""
    drawn = picture(*wrong_at((1, 3, 1, 2), (0, 2, 0, 1)))
    assert drawn is not None
    assert (drawn.rows, drawn.columns) == ("axis 1 (3)", "axis 3 (2)")
    assert cells_of_errors(drawn.error) == {(2, 1)}
