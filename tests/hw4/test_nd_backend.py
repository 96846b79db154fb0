"""Part 1: every op on needle's own arrays, forward and backward."""

from __future__ import annotations

import numpy as np
import oracle.graph
import oracle.ops
import pytest
from answers import part
from probes import ops
from tolerances import FAR_SOFTMAX

from grader.compare import assert_close, assert_equal, assert_same, assert_scalar

# A case's `layout` says how its inputs lie in memory: "compact", "permuted" or "view"; see probes/_common.py.

# op, its attributes, and how its inputs are drawn
ELEMENTWISE = {
    "power_scalar3": ("power_scalar", {"scalar": 3}, ["normal"]),
    "power_scalar2": ("power_scalar", {"scalar": 2}, ["normal"]),
    "power_scalar1": ("power_scalar", {"scalar": 1}, ["normal"]),
    "power_scalar0": ("power_scalar", {"scalar": 0}, ["away_from_zero"]),
    "power_scalar-0.5": ("power_scalar", {"scalar": -0.5}, ["positive"]),
    "power_scalar-2": ("power_scalar", {"scalar": -2}, ["away_from_zero"]),
    "power": ("power", {}, ["positive", "normal"]),
    "divide": ("divide", {}, ["normal", "away_from_zero"]),
    "divide_scalar": ("divide_scalar", {"scalar": -2.5}, ["normal"]),
    "negate": ("negate", {}, ["normal"]),
    "log": ("log", {}, ["positive"]),
    "exp": ("exp", {}, ["normal"]),
    "relu": ("relu", {}, ["distinct"]),
    "tanh": ("tanh", {}, ["normal"]),
}
ELEMENTWISE_SHAPES = {
    "7": ((7,), "compact"),
    "31x33-permuted": ((31, 33), "permuted"),
    "3x1x5-view": ((3, 1, 5), "view"),
}

TRANSPOSE = {
    "1x1": ((1, 1), None),
    "31x33": ((31, 33), None),
    "2x3x5": ((2, 3, 5), None),
    "2x3x5-axes01": ((2, 3, 5), (0, 1)),
    "2x3x5-axes20": ((2, 3, 5), (2, 0)),
    "3x2x7x4-axes12": ((3, 2, 7, 4), (1, 2)),
    "3x2x7x4-axes0-1": ((3, 2, 7, 4), (0, -1)),
}
RESHAPE = {
    "2x6-3x4": ((2, 6), (3, 4)),
    "31x33-33x31": ((31, 33), (33, 31)),
    "24-2x3x4": ((24,), (2, 3, 4)),
    "3x5x7-105": ((3, 5, 7), (105,)),
    "1-1x1x1": ((1,), (1, 1, 1)),
    "4x1x6-1x8x3x1": ((4, 1, 6), (1, 8, 3, 1)),
}
BROADCAST = {
    "3x1-3x4": ((3, 1), (3, 4)),
    "4-3x4": ((4,), (3, 4)),
    "1-3x3x3": ((1,), (3, 3, 3)),
    "1x3-3x3x3": ((1, 3), (3, 3, 3)),
    "2x1x5-7x2x3x5": ((2, 1, 5), (7, 2, 3, 5)),
    "1x33x1-31x33x7": ((1, 33, 1), (31, 33, 7)),
    "5x4-5x4": ((5, 4), (5, 4)),
    "1x7-1x7": ((1, 7), (1, 7)),
    "3x1x2-1x3x1x2": ((3, 1, 2), (1, 3, 1, 2)),
}
REDUCTIONS = {
    "33-none": ((33,), None),
    "3x7x4-none": ((3, 7, 4), None),
    "31x33-axis0": ((31, 33), 0),
    "3x7x4-axis1": ((3, 7, 4), 1),
    "3x7x4-axis-1": ((3, 7, 4), -1),
    "5x1x3-axis1": ((5, 1, 3), 1),
    "31x33-axes1": ((31, 33), (1,)),
    "3x7x4-axes-2": ((3, 7, 4), (-2,)),
    "3x7x4-axes0-1": ((3, 7, 4), (0, -1)),
    "3x7x4-axes20": ((3, 7, 4), (2, 0)),
    "3x7x4-axes012": ((3, 7, 4), (0, 1, 2)),
    "2x3x4x5-axes023": ((2, 3, 4, 5), (0, 2, 3)),
    "2x3x4x5-axes13": ((2, 3, 4, 5), (1, 3)),
    "2x3x4x5-axes3-3": ((2, 3, 4, 5), (3, -3)),
}
MATMUL = {
    "1x1-1x1": ((1, 1), (1, 1)),
    "3x7-7x5": ((3, 7), (7, 5)),
    "7x1-1x33": ((7, 1), (1, 33)),
    "1x31-31x1": ((1, 31), (31, 1)),
    "8x8-8x8": ((8, 8), (8, 8)),
    "16x24-24x8": ((16, 24), (24, 8)),
    "31x33-33x7": ((31, 33), (33, 7)),
    "33x64-64x65": ((33, 64), (64, 65)),
    "72x64-64x80": ((72, 64), (64, 80)),
    "5x2x3-5x3x4": ((5, 2, 3), (5, 3, 4)),
    "5x2x3-3x4": ((5, 2, 3), (3, 4)),
    "1x2x3-3x4": ((1, 2, 3), (3, 4)),
    "2x3-5x3x4": ((2, 3), (5, 3, 4)),
    "1x2x3-5x3x4": ((1, 2, 3), (5, 3, 4)),
    "2x3x4x5-5x2": ((2, 3, 4, 5), (5, 2)),
    "2x3x4x5-3x5x2": ((2, 3, 4, 5), (3, 5, 2)),
    "4x1x2x3-5x3x7": ((4, 1, 2, 3), (5, 3, 7)),
    "7x8x8-7x8x8": ((7, 8, 8), (7, 8, 8)),
}
STACK = {
    "1of7-axis0": (1, (7,), 0),
    "3of7-axis1": (3, (7,), 1),
    "3of2x5-axis0": (3, (2, 5), 0),
    "4of2x5-axis1": (4, (2, 5), 1),
    "5of3x2-axis2": (5, (3, 2), 2),
    "2of3x1x4-axis2": (2, (3, 1, 4), 2),
    "31of1x3-axis1": (31, (1, 3), 1),
    "3of2x5-axis-1": (3, (2, 5), -1),
    "2of3x1x4-axis-3": (2, (3, 1, 4), -3),
}


def cases(table, views=()):
    """The table's rows as parameters, and the layout "compact"; those named in `views` in the other layouts too."""
    rows = {name: (*row, "compact") for name, row in table.items()}
    rows |= {f"{name}-{layout}": (*table[name], layout) for name in views for layout in ("permuted", "view")}
    return [pytest.param(*row, id=name) for name, row in rows.items()]


def draw(rng, kind, shape):
    """An input of this kind."""
    if kind == "positive":
        return rng.uniform(*shape, low=0.3, high=2.0)
    return getattr(rng, kind)(*shape)


def check_forward(subject, rng, op, inputs, layout, **attributes):
    want = oracle.ops.op(op, inputs, rng.normal, **attributes)
    got = subject(ops.forward, op, inputs, layout, **attributes)
    assert_value(got.value, want.value, op)


def check_backward(subject, rng, op, inputs, layout, tolerance=None, value_tolerance=None, **attributes):
    want = oracle.ops.op(op, inputs, rng.normal, **attributes)
    got = subject(ops.backward, op, inputs, want.out_grad, layout, **attributes)
    assert_value(got.value, want.value, op, **(value_tolerance or {}))
    for k, grad in enumerate(want.grads):
        assert_close(part(got, "grads", k), grad, name=f"the gradient of {op}'s input {k}", **(tolerance or {}))


def assert_value(got, want, op, **tolerance):
    name = f"the value of {op}"
    if want.size == 1 and want.ndim < 2:
        assert_scalar(got, want.reshape(()), name=name, **tolerance)
    else:
        assert_close(got, want, name=name, **tolerance)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "layout"), ELEMENTWISE_SHAPES.values(), ids=ELEMENTWISE_SHAPES)
@pytest.mark.parametrize(("op", "attributes", "kinds"), ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_elementwise_forward(subject, rng, device, op, attributes, kinds, shape, layout):
    """An elementwise op computes what PyTorch does, on compact arrays and on views."""
    check_forward(subject, rng, op, [draw(rng, kind, shape) for kind in kinds], layout, **attributes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "layout"), [((7, 3), "compact"), ((1, 5, 31), "view")], ids=["7x3", "1x5x31-view"])
@pytest.mark.parametrize(("op", "attributes", "kinds"), ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_elementwise_backward(subject, rng, device, op, attributes, kinds, shape, layout):
    """The gradients of an elementwise op match PyTorch's for a random output gradient."""
    check_backward(subject, rng, op, [draw(rng, kind, shape) for kind in kinds], layout, **attributes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("op", "attributes", "kinds"), ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_elementwise_keeps_inputs(subject, rng, device, op, attributes, kinds):
    """An elementwise op computes a new array, and leaves its inputs as they are."""
    inputs = [draw(rng, kind, (3, 4)) for kind in kinds]
    got = subject(ops.inputs_after, inputs, op=op, **attributes)
    for k, array in enumerate(inputs):
        assert_equal(part(got, "inputs", k), array, name=f"{op}'s input {k}, once the op is computed,")


@pytest.mark.problem("nd_backend")
def test_elementwise_power_of_zero(subject, device):
    """`a ** 0` is 1 everywhere and so has slope 0, at a = 0 too, where 0 * a**-1 is not a number."""
    a = np.array([0.0, 1.0, -2.5], dtype=np.float32)
    got = subject(ops.backward, "power_scalar", [a], np.full_like(a, 3.0), scalar=0)
    assert_close(got.value, [1, 1, 1], name="the value of power_scalar")
    assert_close(part(got, "grads", 0), [0, 0, 0], name="the gradient of power_scalar's input 0")


@pytest.mark.problem("nd_backend")
def test_relu_of_zero(subject, device):
    """`relu` and its slope are 0 at 0 and at -0; of the smallest numbers beside them one passes, with slope 1."""
    a = np.array([[-3.0, -0.0, 0.0], [2.5, -1e-30, 1e-30]], dtype=np.float32)
    got = subject(ops.backward, "relu", [a], np.full_like(a, 3.0))
    assert_close(got.value, [[0, 0, 0], [2.5, 0, 1e-30]], name="the value of relu")
    assert_close(part(got, "grads", 0), [[0, 0, 0], [3, 0, 3]], name="the gradient of relu's input 0")


@pytest.mark.problem("nd_backend")
def test_tanh_of_large_numbers(subject, device):
    """`tanh` of ±1000 is ±1, not NaN, and its slope there is 0."""
    a = np.array([-1000, -20, 0, 20, 1000], dtype=np.float32)
    got = subject(ops.backward, "tanh", [a], np.full_like(a, 3.0))
    assert_close(got.value, [-1, -1, 0, 1, 1], name="the value of tanh")
    assert_close(part(got, "grads", 0), [0, 0, 3, 0, 0], name="the gradient of tanh's input 0")


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(TRANSPOSE, views=["2x3x5", "3x2x7x4-axes12"]))
def test_transpose_forward(subject, rng, device, shape, axes, layout):
    """`transpose` exchanges two axes: the last two where none are named."""
    check_forward(subject, rng, "transpose", [rng.normal(*shape)], layout, axes=axes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(TRANSPOSE))
def test_transpose_backward(subject, rng, device, shape, axes, layout):
    """The gradient of transpose puts every element back to where it came from."""
    check_backward(subject, rng, "transpose", [rng.normal(*shape)], layout, axes=axes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("old", "shape", "layout"), cases(RESHAPE, views=["2x6-3x4", "3x5x7-105"]))
def test_reshape_forward(subject, rng, device, old, shape, layout):
    """`reshape` keeps the elements in row-major order, also of an input that is not compact."""
    check_forward(subject, rng, "reshape", [rng.normal(*old)], layout, shape=shape)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("old", "shape", "layout"), cases(RESHAPE))
def test_reshape_backward(subject, rng, device, old, shape, layout):
    """The gradient of reshape has the input's shape again."""
    check_backward(subject, rng, "reshape", [rng.normal(*old)], layout, shape=shape)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("old", "shape", "layout"), cases(BROADCAST, views=["3x1-3x4", "2x1x5-7x2x3x5", "5x4-5x4"]))
def test_broadcast_to_forward(subject, rng, device, old, shape, layout):
    """`broadcast_to` repeats axes of length 1 and adds axes in front."""
    check_forward(subject, rng, "broadcast_to", [rng.normal(*old)], layout, shape=shape)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("old", "shape", "layout"), cases(BROADCAST))
def test_broadcast_to_backward(subject, rng, device, old, shape, layout):
    """The gradient of broadcast_to sums over every repetition, and has the input's shape."""
    check_backward(subject, rng, "broadcast_to", [rng.normal(*old)], layout, shape=shape)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(
    ("shape", "axes", "layout"),
    cases(REDUCTIONS, views=["3x7x4-none", "31x33-axis0", "3x7x4-axes20", "2x3x4x5-axes13"]),
)
def test_summation_forward(subject, rng, device, shape, axes, layout):
    """`summation` sums over no axis named (all of them), one, several, and negative ones."""
    check_forward(subject, rng, "summation", [rng.normal(*shape)], layout, axes=axes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(REDUCTIONS))
def test_summation_backward(subject, rng, device, shape, axes, layout):
    """The gradient of summation gives every element the gradient of the sum that it is part of."""
    check_backward(subject, rng, "summation", [rng.normal(*shape)], layout, axes=axes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(
    ("a_shape", "b_shape", "layout"), cases(MATMUL, views=["3x7-7x5", "31x33-33x7", "5x2x3-5x3x4", "4x1x2x3-5x3x7"])
)
def test_matmul_forward(subject, rng, device, a_shape, b_shape, layout):
    """`matmul` multiplies matrices of any size, and batches of them that broadcast against each other."""
    check_forward(subject, rng, "matmul", [rng.normal(*a_shape), rng.normal(*b_shape)], layout)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("a_shape", "b_shape", "layout"), cases(MATMUL))
def test_matmul_backward(subject, rng, device, a_shape, b_shape, layout):
    """The gradients of matmul have the inputs' shapes, and sum over broadcast batches."""
    check_backward(subject, rng, "matmul", [rng.normal(*a_shape), rng.normal(*b_shape)], layout)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(REDUCTIONS, views=["31x33-axis0"]))
def test_logsumexp_forward(subject, rng, device, shape, axes, layout):
    """`logsumexp` reduces over no axis named (all of them), one, several, and negative ones."""
    check_forward(subject, rng, "logsumexp", [rng.normal(*shape)], layout, axes=axes)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(REDUCTIONS))
def test_logsumexp_backward(subject, rng, device, shape, axes, layout):
    """The gradient of logsumexp matches PyTorch's."""
    check_backward(subject, rng, "logsumexp", [rng.normal(*shape)], layout, axes=axes)


LARGE = {name: REDUCTIONS[name] for name in ("33-none", "31x33-axes1", "3x7x4-axes20")}


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize("around", [1000, -1000, 0], ids=["around1000", "around-1000", "up-to-1000"])
@pytest.mark.parametrize(("shape", "axes", "layout"), cases(LARGE))
def test_logsumexp_stable(subject, rng, device, shape, axes, layout, around):
    """`logsumexp` and its gradient are right for numbers of ±1000, where exp is infinite or 0 in float32."""
    a = rng.normal(*shape) + (around or 1000 * rng.integers(-1, 2, *shape))
    check_backward(subject, rng, "logsumexp", [a.astype(np.float32)], layout, tolerance=FAR_SOFTMAX, axes=axes)


@pytest.mark.problem("nd_backend")
def test_logsumexp_of_rows_apart(subject, rng, device):
    """Each sum of `logsumexp` has its own largest number: beside that of another row exp may be 0 throughout."""
    a = rng.normal(4, 5) + np.array([[-1000], [0], [1000], [-500]])
    check_backward(subject, rng, "logsumexp", [a.astype(np.float32)], "compact", tolerance=FAR_SOFTMAX, axes=(1,))


LOGSOFTMAX = {"7": ((7,), 0), "5x3": ((5, 3), 0), "2x3x31": ((2, 3, 31), 0), "4x5-around1000": ((4, 5), 1000),
              "4x5-around-1000": ((4, 5), -1000)}  # fmt: skip


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "around"), LOGSOFTMAX.values(), ids=LOGSOFTMAX)
def test_logsoftmax_backward(subject, rng, device, shape, around):
    """`logsoftmax` over the last axis and its gradient match PyTorch's, also for numbers of ±1000."""
    a = rng.normal(*shape) + around
    far = FAR_SOFTMAX if around else None
    check_backward(subject, rng, "logsoftmax", [a.astype(np.float32)], "compact", far, far)


@pytest.mark.problem("nd_backend")
def test_logsoftmax_of_numbers_apart(subject, device):
    """`logsoftmax` is finite where the softmax itself is 0 in float32."""
    a = np.array([[0, -1000, 500], [3, 3, 3]], dtype=np.float32)
    want = [[-500, -1500, 0], [-np.log(3)] * 3]
    assert_close(subject(ops.forward, "logsoftmax", [a]).value, want, name="the value of logsoftmax")


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("count", "shape", "axis", "layout"), cases(STACK, views=["3of7-axis1", "5of3x2-axis2"]))
def test_stack_forward(subject, rng, device, count, shape, axis, layout):
    """`stack` joins tensors of one shape along a new axis."""
    check_forward(subject, rng, "stack", [rng.normal(*shape) for _ in range(count)], layout, axis=axis)


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("count", "shape", "axis", "layout"), cases(STACK))
def test_stack_backward(subject, rng, device, count, shape, axis, layout):
    """The gradient of stack gives every tensor its own slice."""
    check_backward(subject, rng, "stack", [rng.normal(*shape) for _ in range(count)], layout, axis=axis)


SPLIT = {"7-axis0": ((7,), 0), "3x5-axis0": ((3, 5), 0), "3x5-axis1": ((3, 5), 1), "2x1x4-axis1": ((2, 1, 4), 1),
         "3x2x31-axis2": ((3, 2, 31), 2), "4x3x2-axis0": ((4, 3, 2), 0), "4x3x2-axis-2": ((4, 3, 2), -2)}  # fmt: skip


@pytest.mark.problem("nd_backend")
@pytest.mark.parametrize(("shape", "axis", "layout"), cases(SPLIT, views=["3x5-axis1", "4x3x2-axis0"]))
def test_split_forward(subject, rng, device, shape, axis, layout):
    """`split` gives the slices along an axis, without that axis."""
    a = rng.normal(*shape)
    got = subject(ops.split_parts, a, axis, layout)
    assert_same(got.count, shape[axis], "the number of parts of split")
    for k in range(shape[axis]):
        assert_equal(part(got, "parts", k), np.take(a, k, axis))


SPLIT_AND_STACK = {
    "all": ((3, 5), 0, [0, 1, 2], 1),
    "reordered": ((3, 5), 0, [2, 0, 1], 0),
    "one-used-twice": ((2, 4, 3), 1, [3, 1, 1, 0], 2),
    "only-the-last": ((5, 3), 0, [4], 0),
    "first-and-third": ((2, 7, 4), 2, [0, 2], 1),
}


@pytest.mark.problem("nd_backend", weight=2)
@pytest.mark.parametrize(("shape", "split_axis", "order", "stack_axis"), SPLIT_AND_STACK.values(), ids=SPLIT_AND_STACK)
def test_split_backward(subject, rng, device, shape, split_axis, order, stack_axis):
    """The gradient of split, through stack: of parts used once, twice, or not at all."""
    a = rng.normal(*shape)
    where = {"split_axis": split_axis, "order": order, "stack_axis": stack_axis}
    want = oracle.graph.split_and_stack(a, rng.normal, **where)
    got = subject(ops.split_and_stack, a, want.out_grad, **where)
    assert_close(got.value, want.value)
    assert_close(got.grad, want.grads[0])


@pytest.mark.problem("nd_backend")
def test_fused_add_scalars(subject, rng, device):
    """`fused_add_scalars` gives two tensors, and its input collects the gradients of both."""
    a = rng.normal(3, 7)
    want = oracle.graph.graph("fused_add_scalars", [a], rng.normal)
    got = subject(ops.fused_add_scalars, a, want.out_grad, c0=0.75, c1=-1.5)
    assert_close(got.value, want.value)
    assert_close(got.grad, want.grads[0])
