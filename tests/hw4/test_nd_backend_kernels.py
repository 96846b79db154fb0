"""Part 1: the functions of the compiled backend, called directly on flat arrays."""

from __future__ import annotations

import numpy as np
import pytest
from probes import backend

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


SIZES = [0, 7, 1023]

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


REDUCTIONS = [(1, 1), (1, 33), (33, 1), (3, 7), (8, 8), (31, 64), (64, 31)]


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("rows", "length"), REDUCTIONS, ids=[f"{rows}x{length}" for rows, length in REDUCTIONS])
def test_kernel_reduce_max(subject, rng, device, rows, length):
    """`reduce_max` gives the largest element of every row, also where all are negative."""
    a = -rng.uniform(rows, length, low=0.1, high=5.0)
    a[::2] += 3  # every other row has both signs
    assert_equal(subject(backend.reduce, "max", a).out, a.max(axis=1))


@pytest.mark.problem("nd_backend", weight=0.5)
@pytest.mark.parametrize(("rows", "length"), REDUCTIONS, ids=[f"{rows}x{length}" for rows, length in REDUCTIONS])
def test_kernel_reduce_sum(subject, rng, device, rows, length):
    """`reduce_sum` gives the sum of every row."""
    a = rng.normal(rows, length)
    assert_close(subject(backend.reduce, "sum", a).out, a.astype(np.float64).sum(axis=1))


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_reduce_sum_of_many(subject, rng, device):
    """The sum of 300,000 positive numbers is right to four digits."""
    # Added one by one to a float, as most do, these come out right to 2e-5: only what is worse than that is wrong.
    a = rng.uniform(1, 300_000)
    assert_close(subject(backend.reduce, "sum", a).out, a.astype(np.float64).sum(axis=1))


MATMUL = [
    (1, 1, 1),
    (7, 1, 7),
    (3, 31, 7),
    (31, 7, 33),
    (8, 8, 8),
    (64, 64, 64),
    (65, 63, 66),
    (1, 300, 9),
    (3, 66, 520),
]
TILED = [(8, 8, 8), (8, 24, 16), (32, 40, 24), (64, 64, 64)]


@pytest.mark.problem("nd_backend", weight=0.5)
def test_kernel_many_elements(subject, rng, device):
    """The last of 4.2 million elements is reached, too: CUDA's `Blocks` never asks for that many threads."""
    a = rng.normal((1 << 22) + 5003)
    assert_equal(subject(backend.scalar, ["mul"], a, 0.5).mul, a * np.float32(0.5))
    assert_equal(subject(backend.compact, a, [a.size], [-1], a.size - 1).out, a[::-1])


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
