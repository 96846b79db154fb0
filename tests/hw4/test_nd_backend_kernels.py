"""Part 1: the functions of the compiled backend, called directly on flat arrays."""

from __future__ import annotations

import numpy as np
import pytest
from probes import backend
from tolerances import MANY_TERMS

from grader.compare import assert_close, assert_equal

# A view of a flat array: its size, and the view's shape, strides and offset, all in elements.
VIEWS = {
    "whole": (12, [3, 4], [4, 1], 0),
    "transposed": (12, [4, 3], [1, 4], 0),
    "3-axes-permuted": (30, [5, 2, 3], [1, 15, 5], 0),
    "offset": (20, [2, 3], [5, 1], 7),
    "steps": (63, [3, 1, 4], [18, 5, 2], 4),
    "1": (1, [1], [1], 0),
    "one-of-many": (9, [1, 1, 1], [3, 1, 7], 8),
    "row-of-33": (40, [33], [1], 7),
    "31x33": (1100, [31, 33], [35, 1], 13),
    "reversed": (7, [7], [-1], 6),
    "last-axis-reversed": (24, [3, 2, 4], [8, 4, -1], 3),
    "all-axes-reversed": (24, [3, 2, 4], [-8, -4, -1], 23),
    "reversed-and-permuted": (24, [4, 3, 2], [-1, 8, -4], 7),
    "5-axes": (72, [2, 1, 3, 2, 2], [36, 36, 12, 6, 3], 1),
    "long-first-axis": (66, [33, 2], [1, 33], 0),
    # Larger than the square that a CUDA kernel may transpose by way of shared memory, and no multiple of it.
    "65x33-transposed": (2145, [65, 33], [1, 65], 0),
    "3-axes-transposed": (2052, [3, 34, 20], [680, -1, 34], 33),
    # No two axes go on where another ends, so that every one of them has to be counted: as convolution's windows have.
    "6-axes-permuted": (145, [2, 2, 3, 2, 3, 2], [1, 12, 48, 6, 2, 24], 1),
}
BROADCAST = {
    "repeated-rows": (4, [3, 4], [0, 1], 0),
    "repeated-columns": (6, [3, 4], [2, 0], 1),
    "repeated-everywhere": (5, [2, 3], [0, 0], 4),
}
EMPTY = {
    "0": (3, [0], [1], 0),
    "3x0": (3, [3, 0], [1, 1], 0),
    "0x4-of-nothing": (0, [0, 4], [4, 1], 0),
    "0x4-with-steps": (40, [0, 4], [9, 2], 1),
}


def cases(table):
    """The table's rows as parameters; its keys are the ids."""
    return [pytest.param(*row, id=name) for name, row in table.items()]


def view(flat, shape, strides, offset):
    """The view as NumPy makes it: a window on `flat`'s own memory."""
    in_bytes = [stride * flat.itemsize for stride in strides]
    start = flat[offset:] if flat.size else flat
    return np.lib.stride_tricks.as_strided(start, shape, in_bytes)


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("size", "shape", "strides", "offset"), cases(VIEWS | BROADCAST | EMPTY))
def test_kernel_compact(subject, rng, device, size, shape, strides, offset):
    """`compact` copies a view in row-major order: with an offset, steps, negative and zero strides, or no elements."""
    a = rng.normal(size)
    got = subject(backend.compact, a, shape, strides, offset)
    assert_equal(got.out, view(a, shape, strides, offset).reshape(-1))


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("size", "shape", "strides", "offset"), cases(VIEWS | EMPTY))
def test_kernel_ewise_setitem(subject, rng, device, size, shape, strides, offset):
    """`ewise_setitem` writes an array to the elements of a view, and to no others."""
    want, a = rng.normal(size), rng.normal(int(np.prod(shape)))
    got = subject(backend.ewise_setitem, a, want, shape, strides, offset)
    view(want, shape, strides, offset)[...] = a.reshape(shape)
    assert_equal(got.out, want)


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("size", "shape", "strides", "offset"), cases(VIEWS | EMPTY))
def test_kernel_scalar_setitem(subject, rng, device, size, shape, strides, offset):
    """`scalar_setitem` writes a number to the elements of a view, and to no others."""
    want = rng.normal(size)
    got = subject(backend.scalar_setitem, -2.5, want, shape, strides, offset)
    view(want, shape, strides, offset)[...] = -2.5
    assert_equal(got.out, want)


SIZES = [0, 7, 2051]  # the largest is more than a block of a GPU can have threads

EWISE = {
    "mul-and-add": {"mul": np.multiply, "add": np.add},
    "div": {"div": np.divide},
    "maximum": {"maximum": np.maximum},
    "eq": {"eq": np.equal},
    "ge": {"ge": np.greater_equal},
}
SCALAR = {**EWISE, "power": {"power": np.power}}
UNARY = {"log": np.log, "exp": np.exp, "tanh": np.tanh}


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("functions", EWISE.values(), ids=EWISE)
def test_kernel_ewise(subject, rng, device, functions, size):
    """`ewise_*` pairs the elements of two arrays, of every size and of none."""
    a, b = rng.away_from_zero(size), rng.away_from_zero(size)
    b[::3] = a[::3]  # so that some are equal
    b[1::6] = np.nextafter(a[1::6], np.float32(9))  # and some as good as equal, from either side
    b[4::6] = np.nextafter(a[4::6], np.float32(-9))
    got = subject(backend.ewise, list(functions), a, b)
    for name, function in functions.items():
        assert_close(getattr(got, name), function(a, b).astype(np.float32), name=f"ewise_{name}")


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("functions", SCALAR.values(), ids=SCALAR)
def test_kernel_scalar(subject, rng, device, functions, size):
    """`scalar_*` pairs the elements of an array with a number, for every size and for none."""
    a = rng.uniform(size, low=0.5, high=2.0) if "power" in functions else rng.away_from_zero(size)
    a[::3] = 1.75
    a[1::6], a[4::6] = np.nextafter(np.float32(1.75), np.float32([9, -9]))
    got = subject(backend.scalar, list(functions), a, 1.75)
    for name, function in functions.items():
        assert_close(getattr(got, name), function(a, np.float32(1.75)).astype(np.float32), name=f"scalar_{name}")


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("function", UNARY)
def test_kernel_unary(subject, rng, device, function, size):
    """`ewise_log`, ewise_exp and ewise_tanh, of every size and of none."""
    a = rng.uniform(size, low=0.2, high=3.0)
    got = subject(backend.unary, function, a)
    assert_close(got.out, UNARY[function](a.astype(np.float64)), name=f"ewise_{function}")


EXTREMES = {
    "log": [0.0, 1e-30, 1.0, 1e30, -1.0],
    "exp": [-1000.0, -10.0, 0.0, 10.0, 1000.0],
    "tanh": [-1000.0, -10.0, -0.5, 0.0, 10.0, 1000.0],
}


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize("function", EXTREMES)
def test_kernel_unary_extremes(subject, device, function):
    """`ewise_log`, ewise_exp and ewise_tanh of 0, of huge and of negative numbers are what they are in NumPy."""
    a = np.array(EXTREMES[function], dtype="float32")
    with np.errstate(all="ignore"):
        want = UNARY[function](a)
    assert_close(subject(backend.unary, function, a).out, want, name=f"ewise_{function}")


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_division_by_zero(subject, device):
    """`ewise_div` and `scalar_div` by zero give infinity with the sign of the dividend, and NaN for 0 / 0."""
    a, want = np.array([2.0, -3.0, 0.0], dtype="float32"), [np.inf, -np.inf, np.nan]
    assert_close(subject(backend.ewise, ["div"], a, np.zeros(3, dtype="float32")).div, want, name="ewise_div")
    assert_close(subject(backend.scalar, ["div"], a, 0.0).div, want, name="scalar_div")


REDUCTIONS = [(1, 1), (1, 33), (33, 1), (3, 7), (8, 8), (31, 64), (64, 31), (2, 3001)]


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("rows", "length"), REDUCTIONS, ids=[f"{rows}x{length}" for rows, length in REDUCTIONS])
def test_kernel_reduce_max(subject, rng, device, rows, length):
    """`reduce_max` gives the largest element of every row, also where all are negative."""
    a = -rng.uniform(rows, length, low=0.1, high=5.0)
    a[::2] += 3  # every other row has both signs
    a[1::4] *= np.float32(1e30)  # so that no number stands for "smaller than all", but -infinity
    largest, row = a.max(axis=1), np.arange(rows)
    # The first element, the last, the last but one ... so that on every seed each is the largest of some row.
    a[row, -row % length] = np.where(largest < 0, largest / 2, largest * 2)
    assert_equal(subject(backend.reduce, "max", a).out, a.max(axis=1))


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("rows", "length"), REDUCTIONS, ids=[f"{rows}x{length}" for rows, length in REDUCTIONS])
def test_kernel_reduce_sum(subject, rng, device, rows, length):
    """`reduce_sum` gives the sum of every row."""
    # Not of mean 0: where 3001 numbers add up to about 0, little more than their rounding errors is left.
    a = rng.normal(rows, length) + np.float32(1)
    assert_close(subject(backend.reduce, "sum", a).out, a.astype(np.float64).sum(axis=1))


# Not of the NumPy backend, which is given: the earlier edition's cannot tell how many empty rows there are.
@pytest.mark.problem("nd_backend", weight=0.5, devices=("cpu", "cuda", "cuda-sim"))
def test_kernel_reduce_sum_of_nothing(subject, device):
    """`reduce_sum` of rows without elements gives 0 for each."""
    assert_equal(subject(backend.reduce, "sum", np.zeros((3, 0), dtype="float32")).out, np.zeros(3, dtype="float32"))


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_reduce_sum_of_many(subject, rng, device):
    """The sum of 300,000 positive numbers is right to four digits."""
    # Added one by one to a float, as most do, these come out right to 2e-5: only what is worse than that is wrong.
    a = rng.uniform(1, 300_000)
    assert_close(subject(backend.reduce, "sum", a).out, a.astype(np.float64).sum(axis=1), **MANY_TERMS)


MATMUL = [
    (1, 1, 1),
    (7, 1, 7),
    (3, 31, 7),
    (31, 7, 33),
    (8, 8, 8),
    (64, 64, 64),
    (65, 63, 66),
    (1, 700, 9),
    (2, 0, 3),
    # More rows than a GPU's grid can have blocks along y: the windows of a batch of images are more.
    (66_000, 1, 2),
    (3, 66, 520),
]
NEIGHBOURS = [
    "compact",
    "ewise_mul",
    "ewise_maximum",
    "scalar_div",
    "scalar_ge",
    "ewise_exp",
    "reduce_max",
    "reduce_sum",
    "matmul",
]
TILED = [(8, 8, 8), (8, 24, 16), (32, 40, 24), (8, 16, 40), (64, 64, 64)]


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_many_elements(subject, rng, device):
    """The last of 4.2 million elements is reached, too: CUDA's `Blocks` never asks for that many threads."""
    a = rng.normal(97)
    got = subject(backend.last_of_many, a, (1 << 22) // a.size + 40)
    for name in ("compact", "ewise_setitem", "reduce_max"):
        assert_equal(getattr(got, name), a, name=name)
    assert_equal(got.fill, np.full_like(a, 0.25), name="fill")
    assert_equal(got.scalar_setitem, np.full_like(a, 0.75), name="scalar_setitem")
    assert_equal(got.ewise_mul, a * a, name="ewise_mul")
    assert_equal(got.scalar_mul, a * np.float32(0.5), name="scalar_mul")
    assert_close(got.ewise_tanh, np.tanh(a), name="ewise_tanh")


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_stays_inside(subject, rng, device):
    """No kernel writes past the end of `out`, where other arrays are."""
    # Fewer elements than a block has threads: those without an element must have nothing to do.
    a, b = rng.normal(7), rng.normal(7)
    got = subject(backend.neighbours, a, b)
    for name in NEIGHBOURS:
        assert_equal(getattr(got, name), np.full(56, -1, dtype="float32"), name=f"arrays beside the out of {name}")


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("m", "n", "p"), MATMUL, ids=[f"{m}x{n}x{p}" for m, n, p in MATMUL])
def test_kernel_matmul(subject, rng, device, m, n, p):
    """`matmul` gives the product of (m, n) and (n, p), whatever `out` held before."""
    a, b = rng.normal(m, n), rng.normal(n, p)
    assert_close(subject(backend.matmul, a, b).out, a.astype(np.float64) @ b)


@pytest.mark.problem("nd_backend", weight=0.5, devices=("cpu",))  # a function of the C++ backend only
@pytest.mark.parametrize(("m", "n", "p"), TILED, ids=[f"{m}x{n}x{p}" for m, n, p in TILED])
def test_kernel_matmul_tiled(subject, rng, device, m, n, p):
    """`matmul_tiled` gives the tiles of the product of (m, n) and (n, p), whatever `out` held before."""
    a, b = rng.normal(m, n), rng.normal(n, p)
    assert_close(subject(backend.matmul_tiled, a, b).out, a.astype(np.float64) @ b)
