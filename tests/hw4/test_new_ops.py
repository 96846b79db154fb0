"""Part 3: NDArray.pad, NDArray.flip, and the ops Flip, Dilate and UnDilate."""

from __future__ import annotations

import numpy as np
import oracle.ops
import pytest
from answers import part
from probes import ndarray, ops

from grader.compare import assert_close, assert_equal, assert_same

# The shape of an array, and how many zeros come before and after it along each axis.
PAD = {
    "before-axis0": ((3, 5), [[2, 0], [0, 0]]),
    "after-axis0": ((3, 5), [[0, 2], [0, 0]]),
    "before-axis1": ((3, 5), [[0, 0], [1, 0]]),
    "after-axis1": ((3, 5), [[0, 0], [0, 3]]),
    "nothing": ((3, 5), [[0, 0], [0, 0]]),
    "1-axis": ((7,), [[3, 1]]),
    "all-sides-different": ((2, 7), [[1, 2], [3, 4]]),
    "3-axes": ((2, 3, 4), [[0, 1], [2, 0], [1, 3]]),
    "images": ((2, 5, 7, 3), [[0, 0], [2, 2], [2, 2], [0, 0]]),
    "images-different-sides": ((2, 5, 7, 3), [[0, 0], [1, 0], [0, 2], [0, 0]]),
    "wider-than-the-array": ((1, 1), [[5, 0], [4, 6]]),
    "31x33": ((31, 33), [[1, 3], [0, 5]]),
}
FLIP = {
    "1-axis0": ((1,), [0]),
    "7-axis0": ((7,), [0]),
    "3x2x4-axis0": ((3, 2, 4), [0]),
    "3x2x4-axis1": ((3, 2, 4), [1]),
    "3x2x4-axis2": ((3, 2, 4), [2]),
    "3x2x4-axes01": ((3, 2, 4), [0, 1]),
    "3x2x4-axes20": ((3, 2, 4), [2, 0]),
    "3x2x4-axes012": ((3, 2, 4), [0, 1, 2]),
    "3x3x2x5-axes01": ((3, 3, 2, 5), [0, 1]),
    "1x33x1-axes12": ((1, 33, 1), [1, 2]),
    "31x33-axes01": ((31, 33), [0, 1]),
}
# The shape of an array that is no view of everything, and how it comes about: a slice is [start, stop, step].
VIEWS = {
    "permuted": ((3, 5, 4), [["permute", [2, 0, 1]]]),
    "slice": ((6, 7, 5), [["getitem", [[1, 6, 2], [2, 5, None], [None, None, None]]]]),
    "permuted-slice": ((6, 4, 7), [["getitem", [[2, 6, None], [0, 4, 3], [1, 7, 2]]], ["permute", [1, 2, 0]]]),
    "broadcast": ((3, 1, 5), [["broadcast_to", [3, 4, 5]]]),
}
DILATE = {
    "2x2-by0": ((2, 2), [0, 1], 0),
    "2x2-by1": ((2, 2), [0, 1], 1),
    "2x2-by2-axis0": ((2, 2), [0], 2),
    "3x5-by1-axis1": ((3, 5), [1], 1),
    "3x5-by1-axis2-beyond": ((3, 5), [2], 1),
    "3x5-by2-axes1-2-beyond": ((3, 5), [1, 2], 2),
    "7-by3": ((7,), [0], 3),
    "2x3x3x4-by1-axes12": ((2, 3, 3, 4), [1, 2], 1),
    "2x5x3x1-by3-axes12": ((2, 5, 3, 1), [1, 2], 3),
    "2x1x3x2-by2-all": ((2, 1, 3, 2), [0, 1, 2, 3], 2),
    "31x3-by1": ((31, 3), [0, 1], 1),
}


def cases(table):
    """The table's rows as parameters; its keys are the ids."""
    return [pytest.param(*row, id=name) for name, row in table.items()]


def view(array, steps):
    """What the steps make of the array, in NumPy."""
    for name, argument in steps:
        if name == "getitem":
            array = array[tuple(slice(*part) for part in argument)]
        elif name == "permute":
            array = array.transpose(argument)
        else:
            array = np.broadcast_to(array, argument)
    return array


def check_op(subject, rng, op, a, **attributes):
    """The op's value and gradient are PyTorch's."""
    want = oracle.ops.op(op, [a], rng.normal, **attributes)
    got = subject(ops.backward, op, [a], want.out_grad, **attributes)
    assert_close(got.value, want.value, name=f"the value of {op}")
    assert_close(part(got, "grads", 0), want.grads[0], name=f"the gradient of {op}'s input")


def check_forward(subject, rng, op, shape, layout="compact", **attributes):
    a = rng.normal(*shape)
    want = oracle.ops.op(op, [a], rng.normal, **attributes)
    got = subject(ops.forward, op, [a], layout, **attributes)
    assert_equal(got.value, want.value.astype(np.float32), name=f"the value of {op}")


# -- pad ---------------------------------------------------------------------------------------------------------


@pytest.mark.problem("new_ops", weight=1.5)
@pytest.mark.parametrize(("shape", "axes"), cases(PAD))
def test_pad_forward(subject, rng, device, shape, axes):
    """`NDArray.pad` puts zeros around, as many on each side of each axis as its pair says, and changes no input."""
    a = rng.normal(*shape)
    got = subject(ndarray.pad, a, axes)
    assert_equal(got.result, np.pad(a, axes))
    assert_same(got.is_compact, True, "is_compact() of the padded array")
    assert_equal(got.a, a)


@pytest.mark.problem("new_ops", weight=1.5)
@pytest.mark.parametrize(("shape", "steps"), cases(VIEWS))
def test_pad_forward_of_views(subject, rng, device, shape, steps):
    """`NDArray.pad` of a view pads what the view shows."""
    a = rng.normal(*shape)
    axes = [[1, 0], [0, 2], [3, 1]]
    got = subject(ndarray.pad, a, axes, steps)
    assert_equal(got.result, np.pad(view(a, steps), axes))
    assert_equal(got.a, a)


# -- flip --------------------------------------------------------------------------------------------------------


@pytest.mark.problem("new_ops", weight=0.5)
@pytest.mark.parametrize(("shape", "axes"), cases(FLIP))
def test_ndarray_flip(subject, rng, device, shape, axes):
    """`NDArray.flip` gives a compact array, reversed along the axes, and leaves its input as it is."""
    a = rng.normal(*shape)
    got = subject(ndarray.flip, a, axes)
    assert_equal(got.result, np.flip(a, axes))
    assert_same(got.is_compact, True, "is_compact() of the flipped array")
    assert_equal(got.a, a)


@pytest.mark.problem("new_ops", weight=0.5)
@pytest.mark.parametrize("axes", [[0], [1, 2], [0, 1, 2]], ids=["axis0", "axes12", "axes012"])
@pytest.mark.parametrize(("shape", "steps"), cases(VIEWS))
def test_ndarray_flip_of_views(subject, rng, device, shape, steps, axes):
    """`NDArray.flip` of a view reverses what the view shows."""
    a = rng.normal(*shape)
    got = subject(ndarray.flip, a, axes, steps)
    assert_equal(got.result, np.flip(view(a, steps), axes))
    assert_equal(got.a, a)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes"), cases(FLIP))
def test_flip_forward(subject, rng, device, shape, axes):
    """The op Flip reverses the elements along the axes."""
    check_forward(subject, rng, "flip", shape, axes=axes)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes"), cases(FLIP))
def test_flip_backward(subject, rng, device, shape, axes):
    """The gradient of Flip is the output gradient, reversed along the same axes."""
    check_op(subject, rng, "flip", rng.normal(*shape), axes=axes)


# -- dilate and undilate -----------------------------------------------------------------------------------------


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes", "dilation"), cases(DILATE))
def test_dilate_forward(subject, rng, device, shape, axes, dilation):
    """Dilate puts zeros after every element along the axes; an axis beyond the array's is ignored."""
    check_forward(subject, rng, "dilate", shape, axes=axes, dilation=dilation)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes", "dilation"), cases(DILATE))
def test_dilate_backward(subject, rng, device, shape, axes, dilation):
    """The gradient of Dilate takes the output gradient at the elements' places."""
    check_op(subject, rng, "dilate", rng.normal(*shape), axes=axes, dilation=dilation)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes", "dilation"), cases(DILATE))
def test_undilate_forward(subject, rng, device, shape, axes, dilation):
    """UnDilate keeps the first of every dilation + 1 elements, whatever lies between."""
    check_forward(subject, rng, "undilate", dilated(shape, axes, dilation), axes=axes, dilation=dilation)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("shape", "axes", "dilation"), cases(DILATE))
def test_undilate_backward(subject, rng, device, shape, axes, dilation):
    """The gradient of UnDilate is 0 for the elements that it drops."""
    check_op(subject, rng, "undilate", rng.normal(*dilated(shape, axes, dilation)), axes=axes, dilation=dilation)


# The shape, the axes and the dilation, where dilation + 1 does not divide a length.
WITH_REST = {
    "5-by1": ((5,), [0], 1),
    "7x3-by2": ((7, 3), [0, 1], 2),
    "2x4x5x3-by2-axes12": ((2, 4, 5, 3), [1, 2], 2),
    "1x2-by3": ((1, 2), [0, 1], 3),
}


@pytest.mark.problem("new_ops", weight=0.5)
@pytest.mark.parametrize(("shape", "axes", "dilation"), cases(WITH_REST))
def test_undilate_of_any_length(subject, rng, device, shape, axes, dilation):
    """UnDilate rounds up where dilation + 1 does not divide a length, and its gradient has the input's length."""
    check_op(subject, rng, "undilate", rng.normal(*shape), axes=axes, dilation=dilation)


@pytest.mark.problem("new_ops")
@pytest.mark.parametrize(("op", "shape"), [("dilate", (3, 5, 4)), ("undilate", (3, 9, 12)), ("flip", (3, 4, 5))])
def test_new_ops_of_views(subject, rng, device, op, shape):
    """Dilate, UnDilate and Flip of a tensor that is a view, not compact."""
    attributes = {"axes": [1, 2]} if op == "flip" else {"axes": [1, 2], "dilation": 2}
    check_forward(subject, rng, op, shape, layout="view", **attributes)


def dilated(shape, axes, dilation):
    """The shape that Dilate makes of `shape`."""
    return tuple(size * (dilation + 1) if axis in axes else size for axis, size in enumerate(shape))
