"""Part 3: convolution, the op and the layer, forward and backward, and the initial weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import oracle.conv
import pytest
from checks import assert_normal, assert_uniform
from probes import conv

from grader.compare import assert_close, assert_dtype, assert_same


class Sizes(NamedTuple):
    """Images (n, h, w, channels_in) and kernels (k, k, channels_in, channels_out)."""

    n: int
    h: int
    w: int
    channels_in: int
    channels_out: int
    k: int

    def draw(self, rng):
        """Images and kernels."""
        images = rng.normal(self.n, self.h, self.w, self.channels_in)
        return images, rng.normal(self.k, self.k, self.channels_in, self.channels_out)


def grid():
    """Every kernel 1-7 with every stride 1-4, the padding 0-3 such that every pair of two of the three occurs.

    Sizes leave every remainder by the stride, another one in height than in width, and no image is square.
    """
    for k in range(1, 8):
        for stride in range(1, 5):
            padding = (k + stride) % 4
            h = smallest_size(k, stride, padding, outputs=3 + k % 3 + padding, rest=(k - 1) % stride)
            w = smallest_size(k, stride, padding, outputs=4 + stride % 2 + padding, rest=k % stride)
            w += stride * (w == h)
            sizes = Sizes(1 + k % 2, h, w, 1 + (k + stride) % 3, (1, 3, 8)[stride % 3], k)
            yield f"k{k}-s{stride}-p{padding}-{h}x{w}", (sizes, {"stride": stride, "padding": padding})


def smallest_size(k, stride, padding, outputs, rest):
    """The smallest height for at least so many outputs and this remainder; an image has one row or more."""
    size = (outputs - 1) * stride + k - 2 * padding + rest
    while size < 1:
        size += stride
    return size


CONV = {
    **dict(grid()),
    "kernel-is-image": (Sizes(2, 5, 5, 3, 4, 5), {"stride": 1, "padding": 0}),
    "kernel-is-padded-image": (Sizes(1, 3, 3, 2, 3, 7), {"stride": 1, "padding": 2}),
    "one-window-of-larger-image": (Sizes(2, 5, 6, 1, 2, 3), {"stride": 4, "padding": 0}),
    "1x1-image": (Sizes(3, 1, 1, 4, 5, 1), {"stride": 1, "padding": 0}),
    "padding-wider-than-kernel": (Sizes(2, 2, 3, 1, 2, 2), {"stride": 1, "padding": 3}),
    "image-1x33": (Sizes(1, 1, 33, 2, 3, 1), {"stride": 3, "padding": 0}),
    "image-17x3": (Sizes(2, 17, 3, 2, 2, 3), {"stride": 2, "padding": 1}),
    "all-multiples-of-8": (Sizes(2, 8, 8, 8, 16, 3), {"stride": 1, "padding": 1}),
    "channels-31-to-33": (Sizes(1, 6, 7, 31, 33, 3), {"stride": 2, "padding": 1}),
    "batch-7": (Sizes(7, 4, 5, 3, 3, 3), {"stride": 2, "padding": 0}),
}
VIEWS = {
    "k3-s1-p1": (Sizes(2, 5, 4, 3, 2, 3), {"stride": 1, "padding": 1, "layout": "permuted"}),
    "k3-s2-p0": (Sizes(2, 8, 7, 2, 3, 3), {"stride": 2, "padding": 0, "layout": "permuted"}),
    "k4-s3-p2": (Sizes(1, 6, 9, 2, 1, 4), {"stride": 3, "padding": 2, "layout": "view"}),
}
DILATED = {
    "dilation2": (Sizes(2, 7, 9, 2, 3, 3), {"stride": 1, "padding": 0, "dilation": 2}),
    "dilation3-s2-p2": (Sizes(1, 9, 8, 3, 2, 3), {"stride": 2, "padding": 2, "dilation": 3}),
}

# in channels, out channels, kernel, stride, n, h, w
LAYERS = {
    "k1-s1": (3, 8, 1, 1, 2, 5, 7),
    "k3-s1": (3, 4, 3, 1, 2, 7, 6),
    "k3-s2-even": (4, 8, 3, 2, 2, 8, 10),
    "k3-s2-odd": (1, 5, 3, 2, 3, 7, 9),
    "k5-s1": (2, 3, 5, 1, 1, 6, 9),
    "k5-s2": (8, 1, 5, 2, 2, 9, 8),
    "k5-s3": (2, 3, 5, 3, 1, 11, 10),
    "k7-s4": (3, 16, 7, 4, 2, 13, 18),
    "k7-s2-small-image": (2, 2, 7, 2, 1, 4, 3),
    "k4-s2": (2, 3, 4, 2, 2, 7, 8),
}
BIAS = [True, False]


def cases(table):
    """The table's rows as parameters; its keys are the ids."""
    return [pytest.param(*row, id=name) for name, row in table.items()]


def check_forward(subject, rng, sizes, options):
    images, kernels = sizes.draw(rng)
    want = oracle.conv.conv(images, kernels, rng.normal, **without_layout(options))
    assert_close(subject(conv.conv_forward, images, kernels, **options).out, want.value)


def check_backward(subject, rng, sizes, options):
    images, kernels = sizes.draw(rng)
    want = oracle.conv.conv(images, kernels, rng.normal, **without_layout(options))
    got = subject(conv.conv_backward, images, kernels, want.out_grad, **options)
    assert_close(got.out, want.value)
    assert_close(got.z_grad, want.grads[0])
    assert_close(got.w_grad, want.grads[1])


def without_layout(options):
    return {name: value for name, value in options.items() if name != "layout"}


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("sizes", "options"), cases(CONV))
def test_op_conv_forward(subject, rng, device, sizes, options):
    """A strided, padded convolution matches PyTorch's."""
    check_forward(subject, rng, sizes, options)


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("sizes", "options"), cases(VIEWS))
def test_op_conv_forward_of_views(subject, rng, device, sizes, options):
    """A convolution of images and kernels that are views, not compact, matches PyTorch's."""
    check_forward(subject, rng, sizes, options)


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("sizes", "options"), cases(DILATED))
def test_op_conv_forward_dilation(subject, rng, device, sizes, options):
    """A convolution whose kernel's taps lie `dilation` apart matches PyTorch's."""
    check_forward(subject, rng, sizes, options)


@pytest.mark.problem("conv_backward")
@pytest.mark.parametrize(("sizes", "options"), cases(CONV))
def test_op_conv_backward(subject, rng, device, sizes, options):
    """The gradients of a strided, padded convolution match PyTorch's."""
    check_backward(subject, rng, sizes, options)


@pytest.mark.problem("conv_backward")
@pytest.mark.parametrize(("sizes", "options"), cases(VIEWS))
def test_op_conv_backward_of_views(subject, rng, device, sizes, options):
    """The gradients of a convolution of views match PyTorch's."""
    check_backward(subject, rng, sizes, options)


@pytest.mark.problem("conv_backward")
@pytest.mark.parametrize(("sizes", "options"), cases(DILATED))
def test_op_conv_backward_dilation(subject, rng, device, sizes, options):
    """The gradients of a convolution whose kernel's taps lie `dilation` apart match PyTorch's."""
    check_backward(subject, rng, sizes, options)


@pytest.mark.problem("conv_backward")
@pytest.mark.parametrize("wanted", ["z", "w"])
def test_op_conv_backward_of_one(subject, rng, device, wanted):
    """The gradient of the images alone or of the kernels alone, where the other is a constant."""
    images, kernels = Sizes(2, 7, 6, 2, 3, 3).draw(rng)
    want = oracle.conv.conv(images, kernels, rng.normal, stride=2, padding=1)
    got = subject(conv.conv_backward_one, images, kernels, want.out_grad, stride=2, padding=1, wanted=wanted)
    assert_close(got.out, want.value)
    assert_close(got.grad, want.grads["zw".index(wanted)], name=f"the gradient of {wanted}")


# -- the layer ---------------------------------------------------------------------------------------------------


def layer_inputs(rng, channels_in, channels_out, k, n, h, w, bias):
    """Images, weight and bias (None without) of a layer."""
    return (
        rng.normal(n, channels_in, h, w),
        rng.normal(k, k, channels_in, channels_out),
        rng.normal(channels_out) if bias else None,
    )


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize("bias", BIAS, ids=["bias", "nobias"])
@pytest.mark.parametrize(("channels_in", "channels_out", "k", "stride", "n", "h", "w"), cases(LAYERS))
def test_nn_conv_forward(subject, rng, device, channels_in, channels_out, k, stride, n, h, w, bias):
    """`nn.Conv` with given weights matches PyTorch's layer with padding (k - 1) // 2."""
    x, weight, b = layer_inputs(rng, channels_in, channels_out, k, n, h, w, bias)
    want = oracle.conv.layer(x, weight, b, rng.normal, stride=stride)
    assert_close(subject(conv.nn_conv_forward, x, weight, b, stride=stride).out, want.value)


@pytest.mark.problem("conv_backward")
@pytest.mark.parametrize("bias", BIAS, ids=["bias", "nobias"])
@pytest.mark.parametrize(("channels_in", "channels_out", "k", "stride", "n", "h", "w"), cases(LAYERS))
def test_nn_conv_backward(subject, rng, device, channels_in, channels_out, k, stride, n, h, w, bias):
    """The gradients of nn.Conv's input, weight and bias match PyTorch's."""
    x, weight, b = layer_inputs(rng, channels_in, channels_out, k, n, h, w, bias)
    want = oracle.conv.layer(x, weight, b, rng.normal, stride=stride)
    got = subject(conv.nn_conv_backward, x, weight, b, want.out_grad, stride=stride)
    assert_close(got.out, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_close(got.weight_grad, want.grads[1])
    if bias:
        # It sums over all outputs: over a hundred terms, of which many cancel.
        assert_close(got.bias_grad, want.grads[2])


# -- initial weights ---------------------------------------------------------------------------------------------

CONV_SHAPES = {"k1": (1, 33, 64), "k3": (3, 8, 16), "k7": (7, 3, 16)}  # kernel, in channels, out channels


def uniform_draws(seed, *shapes_and_bounds):
    """What NumPy's global generator, so seeded, gives for arrays uniform in ±bound, one after the other."""
    generator = np.random.RandomState(seed)
    return [bound * (2 * generator.rand(*shape) - 1) for shape, bound in shapes_and_bounds]


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("k", "channels_in", "channels_out"), cases(CONV_SHAPES))
def test_init_kaiming_uniform_conv(subject, rng, device, k, channels_in, channels_out):
    """`kaiming_uniform` fills any shape, with a bound that depends on fan_in alone: sqrt(6 / fan_in)."""
    shape, fan_in = (k, k, channels_in, channels_out), channels_in * k * k
    got = subject(conv.initial, "kaiming_uniform", fan_in, channels_out * k * k, rng.integer(0, 2**31), shape=shape)
    assert_uniform(got.weight, shape, (6 / fan_in) ** 0.5, "kaiming_uniform")


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("fan_in", "fan_out"), [(31, 64), (200, 7)], ids=["31-64", "200-7"])
def test_init_kaiming_uniform_linear(subject, rng, device, fan_in, fan_out):
    """`kaiming_uniform` without a shape makes (fan_in, fan_out)."""
    got = subject(conv.initial, "kaiming_uniform", fan_in, fan_out, rng.integer(0, 2**31))
    assert_uniform(got.weight, (fan_in, fan_out), (6 / fan_in) ** 0.5, "kaiming_uniform")


@pytest.mark.problem("conv_forward")
def test_init_kaiming_uniform_seeded(subject, rng, device):
    """`kaiming_uniform` draws np.random.rand(*shape) once, scaled to ±bound: a seed decides the weights."""
    seed, shape = rng.integer(0, 2**31), (3, 3, 4, 5)
    (want,) = uniform_draws(seed, (shape, (6 / 36) ** 0.5))
    got = subject(conv.initial, "kaiming_uniform", 36, 45, seed, shape=shape)
    assert_close(got.weight, want)


@pytest.mark.problem("conv_forward", weight=0.5)
@pytest.mark.parametrize(
    ("shape", "fans"),
    [((12, 5), (12, 5)), ((3, 3, 8, 16), (72, 144)), ((1, 5, 4, 2), (20, 10))],
    ids=["linear", "k3", "k1x5"],
)
def test_init_calculate_fans(subject, device, shape, fans):
    """A weight's fans: its channels in and out, times the size of its receptive field."""
    got = subject(conv.fans, list(shape))
    assert_same(got.fans, [float(fan) for fan in fans], f"_calculate_fans({shape})")


@pytest.mark.problem("conv_forward", weight=0.5)
@pytest.mark.parametrize(
    ("function", "gain"),
    [
        pytest.param("kaiming_normal", None, id="kaiming_normal"),
        pytest.param("xavier_normal", None, id="xavier_normal"),
        pytest.param("xavier_uniform", None, id="xavier_uniform"),
        pytest.param("xavier_normal", 1.5, id="xavier_normal-gain"),
        pytest.param("xavier_uniform", 1.5, id="xavier_uniform-gain"),
    ],
)
def test_init_others(subject, rng, device, function, gain):
    """The spread of the other initial weights: sqrt(2 / fan_in), sqrt(2 / (fan_in + fan_out)), ±sqrt(6 / (both)).

    The last two are scaled by the gain.
    """
    fan_in, fan_out, factor = 31, 64, gain or 1.0
    options = {} if gain is None else {"gain": gain}
    got = subject(conv.initial, function, fan_in, fan_out, rng.integer(0, 2**31), **options)
    if function == "xavier_uniform":
        assert_uniform(got.weight, (fan_in, fan_out), factor * (6 / (fan_in + fan_out)) ** 0.5, function)
    else:
        std = factor * (2 / (fan_in if function == "kaiming_normal" else fan_in + fan_out)) ** 0.5
        assert_dtype(got.weight)
        with np.errstate(over="ignore"):  # a wrong weight near float32's limit must not be a fault of ours
            scaled = got.weight / np.float32(std)
        assert_normal(scaled, (fan_in, fan_out), f"{function} divided by its standard deviation")


@pytest.mark.problem("conv_forward")
@pytest.mark.parametrize(("k", "channels_in", "channels_out"), [(3, 8, 64), (5, 3, 50)], ids=["k3", "k5"])
def test_nn_conv_forward_initial_weights(subject, rng, device, k, channels_in, channels_out):
    """`nn.Conv` begins with a Kaiming uniform weight, and a bias uniform in ±1/sqrt(in_channels * k * k)."""
    got = subject(conv.nn_conv_initial, channels_in, channels_out, k, True, rng.integer(0, 2**31))
    fan_in = channels_in * k * k
    assert_uniform(got.weight, (k, k, channels_in, channels_out), (6 / fan_in) ** 0.5, "the weight")
    assert_uniform(got.bias, (channels_out,), 1 / fan_in**0.5, "the bias")
    assert_same(got.parameters, [channels_out, fan_in * channels_out], "the sizes of parameters()")


@pytest.mark.problem("conv_forward")
def test_nn_conv_forward_initial_seeded(subject, rng, device):
    """`nn.Conv` draws its weight first and its bias after, each with one call of np.random.rand."""
    seed = rng.integer(0, 2**31)
    shape, fan_in = (3, 3, 4, 6), 36
    weight, bias = uniform_draws(seed, (shape, (6 / fan_in) ** 0.5), ((6,), 1 / fan_in**0.5))
    got = subject(conv.nn_conv_initial, 4, 6, 3, True, seed)
    assert_close(got.weight, weight)
    assert_close(got.bias, bias)


@pytest.mark.problem("conv_forward")
def test_nn_conv_forward_without_bias(subject, rng, device):
    """nn.Conv(..., bias=False) has no bias: its one parameter is the weight."""
    got = subject(conv.nn_conv_initial, 4, 6, 3, False, rng.integer(0, 2**31))
    assert_same(got.bias, None, "the bias of a layer with bias=False")
    assert_same(got.parameters, [3 * 3 * 4 * 6], "the sizes of parameters()")
