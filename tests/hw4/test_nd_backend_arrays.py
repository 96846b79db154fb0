"""Part 1: NDArray by itself, its views, and views of views."""

from __future__ import annotations

import numpy as np
import pytest
from probes import ndarray

from grader.compare import assert_close, assert_equal, assert_same, assert_true

ALL = [None, None, None]  # the slice :

# The array's shape, and the steps that lead to a view of it: a slice is [start, stop, step], an int keeps its axis.
VIEWS = {
    "reshape": ((4, 6), [["reshape", [2, 3, 4]]]),
    "reshape-twice": ((31, 33), [["reshape", [33, 31]], ["reshape", [1023, 1]]]),
    "permute": ((2, 3, 5), [["permute", [2, 0, 1]]]),
    "permute-twice": ((2, 3, 5, 7), [["permute", [3, 1, 0, 2]], ["permute", [2, 0, 3, 1]]]),
    "permute-none": ((3, 7), [["permute", [0, 1]]]),
    "broadcast": ((3, 1), [["broadcast_to", [3, 4]]]),
    "broadcast-new-axes": ((1, 5), [["broadcast_to", [2, 3, 7, 5]]]),
    "broadcast-permuted": ((5, 1, 3), [["permute", [2, 1, 0]], ["broadcast_to", [3, 4, 5]]]),
    "broadcast-twice": ((3, 1, 1), [["broadcast_to", [3, 4, 1]], ["broadcast_to", [2, 3, 4, 5]]]),
    "slice": ((7, 5), [["getitem", [[2, 6, None], [1, 3, None]]]]),
    "slice-all": ((7, 5), [["getitem", [ALL, [None, 4, None]]]]),
    "slice-first-rows": ((7, 5), [["getitem", [[0, 3, None], ALL]]]),
    "slice-last-rows": ((7, 5), [["getitem", [[4, 7, None], ALL]]]),
    "slice-one": ((7, 5), [["getitem", [[6, 7, None], [0, 1, None]]]]),
    "step": ((9, 8), [["getitem", [[1, 9, 3], [0, 8, 2]]]]),
    "step-with-rest": ((10, 7), [["getitem", [[0, 10, 4], [1, 6, 3]]]]),
    "int": ((4, 5, 3), [["getitem", [2, ALL, 1]]]),
    "int-last": ((4, 5), [["getitem", [3, 4]]]),
    "slice-of-slice": ((9, 8), [["getitem", [[1, 9, 2], [2, 8, None]]], ["getitem", [[1, 4, 2], [1, 6, 3]]]]),
    "slice-of-permuted": ((4, 5, 6), [["permute", [2, 0, 1]], ["getitem", [[1, 6, 2], [2, 4, None], 3]]]),
    "permuted-slice": ((4, 5, 6), [["getitem", [[1, 4, None], ALL, [0, 6, 3]]], ["permute", [2, 1, 0]]]),
    "slice-of-broadcast": ((1, 5), [["broadcast_to", [4, 5]], ["getitem", [[1, 3, None], [2, 5, 2]]]]),
    "broadcast-of-slice": ((4, 5), [["getitem", [ALL, [3, 4, None]]], ["broadcast_to", [2, 4, 6]]]),
    "reshape-of-compact-view": (
        (4, 6),
        [["permute", [1, 0]], ["compact"], ["reshape", [3, 8]], ["getitem", [[1, 3, None], [0, 8, 3]]]],
    ),
}
WRITABLE = [
    name for name, (_, steps) in VIEWS.items() if all(step[0] not in ("broadcast_to", "compact") for step in steps)
]
NOT_COMPACT = [
    "permute",
    "broadcast",
    "slice",
    "slice-first-rows",
    "slice-last-rows",
    "step",
    "int",
    "slice-of-slice",
    "slice-of-permuted",
    "permuted-slice",
]


def cases(names):
    """Rows of VIEWS as parameters."""
    return [pytest.param(*VIEWS[name], id=name) for name in names]


def walk(array, steps):
    """What the steps do, in NumPy: on a view wherever NDArray makes one."""
    for name, *arguments in steps:
        if name == "getitem":
            parts = [slice(*part) if isinstance(part, list) else slice(part, part + 1) for part in arguments[0]]
            array = array[tuple(parts)]
        elif name == "permute":
            array = array.transpose(arguments[0])
        elif name == "broadcast_to":
            array = np.broadcast_to(array, arguments[0])
        elif name == "reshape":
            array = array.reshape(arguments[0])
        else:
            array = array.copy()
    return array


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "steps"), cases(VIEWS))
def test_ndarray_views(subject, rng, device, shape, steps):
    """`reshape`, permute, broadcast_to and indexing select what NumPy's do, also on views of views."""
    a = rng.normal(*shape)
    want = walk(a, steps)
    got = subject(ndarray.view, a, steps)
    assert_same(got.shape, list(want.shape), "the view's shape")
    assert_equal(got.result, want)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "steps"), cases(WRITABLE))
def test_ndarray_write_array(subject, rng, device, shape, steps):
    """Writing an array to a view changes those elements of the array it is a view of, and no others."""
    a = rng.normal(*shape)
    want = a.copy()
    view = walk(want, steps)
    values = rng.normal(*reversed(view.shape))  # written through a view, too
    back = list(reversed(range(view.ndim)))
    view[...] = values.transpose(back)
    assert_equal(subject(ndarray.write, a, steps, values, [["permute", back]]).a, want)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(
    ("shape", "steps"), cases(["permute", "slice", "step", "int", "slice-of-permuted", "permuted-slice"])
)
def test_ndarray_write_number(subject, rng, device, shape, steps):
    """Writing a number to a view changes those elements of the array it is a view of, and no others."""
    a = rng.normal(*shape)
    want = a.copy()
    walk(want, steps)[...] = -2.5
    assert_equal(subject(ndarray.write, a, steps, -2.5, []).a, want)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "steps"), cases(NOT_COMPACT))
def test_ndarray_compact(subject, rng, device, shape, steps):
    """`compact()` copies a view that is not compact, so that writing to the copy leaves the array alone."""
    a = rng.normal(*shape)
    got = subject(ndarray.compacted, a, steps)
    assert_same(got.view_is_compact, False, "is_compact() of the view")
    assert_same(got.is_compact, True, "is_compact() of its compact()")
    assert_equal(got.compact, walk(a, steps))
    assert_equal(got.a_after_writing_to_the_copy, a)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize("name", ["reshape", "slice-all"])
def test_ndarray_flat(subject, rng, device, name):
    """`a.flat[i] += eps` on a view changes element i of the view in row-major order, in the array itself."""
    shape, steps = VIEWS[name]
    a = rng.normal(*shape)
    want = a.copy()
    view = walk(want, steps)
    position = rng.integer(1, view.size)
    view[np.unravel_index(position, view.shape)] += np.float32(0.5)
    assert_close(subject(ndarray.flat, a, steps, position, 0.5).a, want)


BINARY = {
    "add": ("+", np.add),
    "subtract": ("-", np.subtract),
    "multiply": ("*", np.multiply),
    "divide": ("/", np.divide),
    "maximum": ("maximum", np.maximum),
    "equal": ("==", np.equal),
    "not_equal": ("!=", np.not_equal),
    "greater_equal": (">=", np.greater_equal),
    "less_equal": ("<=", np.less_equal),
    "greater": (">", np.greater),
    "less": ("<", np.less),
}


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("symbol", "function"), BINARY.values(), ids=BINARY)
def test_ndarray_binary(subject, rng, device, symbol, function):
    """Arithmetic and comparisons pair the elements of views by their places in the views, not in memory."""
    a, b = rng.away_from_zero(3, 7, 5), rng.away_from_zero(3, 7, 5)
    b[0] = a[0]  # so that some are equal
    got = subject(ndarray.binary, a, symbol, b, ["view", "compact"])
    assert_close(got.result, function(a, b).astype(np.float32), name=f"a {symbol} b")


MIXED = {
    "multiply": ("*", np.multiply),
    "equal": ("==", np.equal),
    "maximum": ("maximum", np.maximum),
    "matmul": ("@", np.matmul),
    "setitem": ("setitem", lambda a, b: b),
    "stack": ("stack", lambda a, b: np.stack([a, b])),
}


@pytest.mark.problem("nd_backend", weight=0.25)
@pytest.mark.parametrize(("operation", "function"), MIXED.values(), ids=MIXED)
def test_ndarray_on_two_devices(subject, rng, device, operation, function):
    """Arrays of one device go together; with an array of another device that is an error, and no silent copy."""
    a, b = rng.normal(5, 5), rng.normal(5, 5)
    got = subject(ndarray.mixed, a, b, operation)
    assert_close(got.result, function(a, b).astype(np.float32), name=operation)
    assert_true(got.raised != "", f"{operation} of arrays on two devices raised nothing; expected an error.")


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("symbol", "function"), BINARY.values(), ids=BINARY)
def test_ndarray_with_number(subject, rng, device, symbol, function):
    """Arithmetic and comparisons of a view with a number."""
    a = rng.away_from_zero(4, 31)
    a[1, :7] = 1.25
    got = subject(ndarray.binary, a, symbol, 1.25, ["view", ""])
    assert_close(got.result, function(a, np.float32(1.25)).astype(np.float32), name=f"a {symbol} 1.25")


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize("power", [3, 2, 1, 0, -1, 0.5, -1.5])
def test_ndarray_power(subject, rng, device, power):
    """a ** number, for whole, broken and negative numbers, and 0."""
    a = rng.away_from_zero(3, 7) if power == int(power) else rng.uniform(3, 7, low=0.3, high=2.0)
    got = subject(ndarray.binary, a, "**", power, ["compact", ""])
    assert_close(got.result, a.astype(np.float64) ** power, name=f"a ** {power}")


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize("layout", ["permuted", "view"])
@pytest.mark.parametrize("function", ["log", "exp", "tanh", "negative"])
def test_ndarray_unary(subject, rng, device, function, layout):
    """`log`, exp, tanh and - of views."""
    a = rng.uniform(3, 1, 33, low=0.2, high=3.0)
    got = subject(ndarray.unary, a, function, layout)
    assert_close(got.result, getattr(np, function)(a.astype(np.float64)), name=function)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize("keepdims", [False, True], ids=["", "keepdims"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2], ids=lambda axis: f"axis{axis}")
@pytest.mark.parametrize("function", ["sum", "max"])
def test_ndarray_reduce(subject, rng, device, function, axis, keepdims):
    """sum and max over an axis or over everything; the largest of negative numbers is negative."""
    a = rng.normal(3, 7, 5) if function == "sum" else -rng.uniform(3, 7, 5, low=0.1, high=2.0)
    want = getattr(np, function)(a.astype(np.float64), axis=axis, keepdims=keepdims)
    got = subject(ndarray.reduce, a, function, axis, keepdims, "view" if keepdims else "permuted")
    assert_close(got.result, want.reshape(1) if want.ndim == 0 else want, name=function)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(
    ("m", "n", "p"), [(1, 1, 1), (3, 7, 5), (8, 8, 8), (31, 33, 1), (64, 16, 8)],
    ids=["1x1x1", "3x7x5", "8x8x8", "31x33x1", "64x16x8"],
)  # fmt: skip
def test_ndarray_matmul(subject, rng, device, m, n, p):
    """The product of two matrices that are views."""
    a, b = rng.normal(m, n), rng.normal(n, p)
    got = subject(ndarray.binary, a, "@", b, ["view", "permuted"])
    assert_close(got.result, a.astype(np.float64) @ b, name="a @ b")
