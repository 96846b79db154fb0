"""Part 3: the layers, the loss and the optimizers that ResNet9 rests on, each by itself."""

from __future__ import annotations

from functools import partial

import numpy as np
import oracle.layers
import oracle.optim
import pytest
from answers import part
from checks import assert_forgets, assert_share, assert_uniform
from oracle.calculus import differentiate
from oracle.layers import BatchNorm, Linear
from probes import layers, optim
from tolerances import FAR_LOSS, FAR_SOFTMAX, LAYER

from grader import compare
from grader.compare import assert_dtype, assert_equal, assert_same, assert_scalar

# Of one layer, not of the whole network.
assert_close = partial(compare.assert_close, **LAYER)

# -- Linear, Flatten, ReLU, Sequential, Residual -----------------------------------------------------------------


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
@pytest.mark.parametrize(("n", "inputs", "outputs"), [(1, 1, 1), (3, 7, 5), (8, 33, 10)], ids=["1x1", "7x5", "33x10"])
def test_resnet9_linear(subject, rng, device, n, inputs, outputs, bias):
    """`nn.Linear` with given weights: its output, and the gradients of input, weight and bias."""
    network = Linear(inputs, outputs, bias)
    weights = oracle.layers.draw_weights(network, rng.normal, rng.uniform)
    x = rng.normal(n, inputs)
    want = oracle.layers.differentiated(network, weights, x, rng.normal)
    got = subject(layers.linear, x, weights[0], want.out_grad)
    assert_close(got.out, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_gradients(got, oracle.layers.gradients(network))


@pytest.mark.problem("resnet9", weight=0.5)
def test_resnet9_flatten(subject, rng, device):
    """`nn.Flatten` keeps the batch axis and joins the others in row-major order; nn.ReLU after it in a Sequential."""
    x = rng.distinct(3, 2, 5, 4)
    want = differentiate(lambda x: x.flatten(1).relu(), [x], rng.normal)
    got = subject(layers.flatten, x, want.out_grad)
    assert_close(got.out, want.value)
    assert_close(got.x_grad, want.grads[0])


@pytest.mark.problem("resnet9", weight=0.5)
def test_resnet9_residual(subject, rng, device):
    """`nn.Residual` adds its input to what its module makes of it; parameters() finds all weights, at every depth."""
    weights = oracle.layers.draw_weights(oracle.layers.residual_network(6, 9, 4), rng.normal, rng.uniform)

    def run(x):
        network = oracle.layers.residual_network(6, 9, 4)
        derivatives = oracle.layers.differentiated(network, weights, x, rng.normal)
        return (derivatives, oracle.layers.gradients(network)), oracle.layers.safe(network)

    x, (want, gradients) = oracle.layers.undisturbed(lambda: rng.normal(5, 6), run)
    got = subject(layers.residual, x, weights, want.out_grad)
    assert_same(got.parameters, sorted([54, 9, 54, 6, 24, 4]), "the sizes of parameters()")
    assert_close(got.out, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_gradients(got, gradients)


@pytest.mark.problem("resnet9", weight=0.5)
def test_resnet9_linear_initial(subject, rng, device):
    """nn.Linear's weight and then its bias are Kaiming uniform: in ±sqrt(6 / in) and in ±sqrt(6 / out), (1, out)."""
    seed = rng.integer(0, 2**31)
    generator = np.random.RandomState(seed)
    got = subject(layers.initial, "Linear", [31, 64], seed)
    assert_uniform(got.weight, (31, 64), (6 / 31) ** 0.5, "the weight")
    assert_uniform(got.bias, (1, 64), (6 / 64) ** 0.5, "the bias")
    assert_close(got.weight, (6 / 31) ** 0.5 * (2 * generator.rand(31, 64) - 1))
    assert_close(got.bias, (6 / 64) ** 0.5 * (2 * generator.rand(64, 1).T - 1))


# -- BatchNorm ---------------------------------------------------------------------------------------------------

SHAPES = {
    "1d-7x5": ("BatchNorm1d", (7, 5)),
    "1d-33x1": ("BatchNorm1d", (33, 1)),
    "2d-2x3x5x4": ("BatchNorm2d", (2, 3, 5, 4)),
}
MODES = {
    "first-batch": ["train"],
    "three-batches": ["train", "train", "train"],
    "evaluate-at-once": ["eval"],
    "evaluate-after-three": ["train", "train", "train", "eval"],
    "train-again": ["train", "eval", "train"],
}


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
@pytest.mark.parametrize(("layer", "shape"), SHAPES.values(), ids=SHAPES)
def test_resnet9_batchnorm(subject, rng, device, layer, shape, modes):
    """BatchNorm in both modes: the outputs, the running statistics after each batch, and the gradients of the last."""
    check_batchnorm(subject, rng, layer, shape, modes)


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize(
    "options", [{"eps": 0.5}, {"momentum": 0.75}, {"eps": 0.2, "momentum": 0.3}], ids=["eps", "momentum", "both"]
)
def test_resnet9_batchnorm_options(subject, rng, device, options):
    """BatchNorm's eps and momentum, the weight of the new batch in the running statistics."""
    check_batchnorm(subject, rng, "BatchNorm2d", (3, 2, 4, 3), ["train", "train", "eval"], **options)


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("layer", ["BatchNorm1d", "BatchNorm2d"])
def test_resnet9_batchnorm_initial(subject, device, layer):
    """BatchNorm begins with weight 1 and bias 0, its only parameters, and running mean 0 and variance 1."""
    got = subject(layers.initial, layer, [5], 0)
    assert_equal(got.weight, np.ones(5))
    assert_equal(got.bias, np.zeros(5))
    assert_equal(got.running_mean, np.zeros(5))
    assert_equal(got.running_var, np.ones(5))
    assert_same(got.parameters, [5, 5], "the sizes of parameters()")


def check_batchnorm(subject, rng, layer, shape, modes, **options):
    norm = BatchNorm(shape[1], **options)
    weights = oracle.layers.draw_weights(norm, rng.normal, rng.uniform)
    # Another mean and spread in every channel and batch, far from those that the statistics begin with.
    per_channel = (1, -1) + (1,) * (len(shape) - 2)
    means, spreads = (rng.uniform(len(modes), shape[1], low=0.5, high=3.0) for _ in range(2))
    batches = [
        rng.normal(*shape) * spreads[k].reshape(per_channel) + means[k].reshape(per_channel) for k in range(len(modes))
    ]
    want = oracle.layers.normalise(norm, weights, batches, modes, rng.normal)
    got = subject(layers.batchnorm, layer, batches, modes, weights[0], want.last.out_grad, **options)
    for k, mode in enumerate(modes):
        assert_close(part(got, "outputs", k), want.outputs[k], name=f"the output for batch {k} ({mode})")
        assert_close(part(got, "running_mean", k), want.statistics[k].mean, name=f"running_mean after batch {k}")
        assert_close(part(got, "running_var", k), want.statistics[k].var, name=f"running_var after batch {k}")
    assert_close(got.x_grad, want.last.grads[0])
    assert_close(got.weight_grad, want.weight_grad)
    assert_close(got.bias_grad, want.bias_grad)
    assert_forgets(got, f"{layer} with its running statistics", "batch")


# -- LayerNorm, Dropout and Tanh, which ResNet9 does without -----------------------------------------------------


@pytest.mark.problem("resnet9", weight=0.25)
def test_resnet9_tanh(subject, rng, device):
    """`nn.Tanh` is the hyperbolic tangent of every element."""
    x = rng.normal(3, 7)
    want = differentiate(lambda x: x.tanh(), [x], rng.normal)
    got = subject(layers.tanh, x, want.out_grad)
    assert_close(got.out, want.value)
    assert_close(got.x_grad, want.grads[0])


@pytest.mark.problem("resnet9", weight=0.25)
@pytest.mark.parametrize("options", [{}, {"eps": 0.5}], ids=["plain", "eps"])
@pytest.mark.parametrize("shape", [(7, 5), (1, 33)], ids=["7x5", "1x33"])
def test_resnet9_layernorm(subject, rng, device, shape, options):
    """LayerNorm1d with given weights: every row normalised over its features; the output and all gradients."""
    spreads, means = rng.uniform(shape[0], 1, low=0.5, high=3.0), rng.uniform(shape[0], 1, low=0.5, high=3.0)
    x = rng.normal(*shape) * spreads + means
    weights = {"weight": rng.uniform(shape[1], low=0.5, high=1.5), "bias": rng.normal(shape[1])}
    want = oracle.layers.layernorm(x, weights, rng.normal, **options)
    got = subject(layers.layernorm, x, weights, want.out_grad, **options)
    assert_close(got.out, want.value)
    for name, grad in zip(("x_grad", "weight_grad", "bias_grad"), want.grads, strict=True):
        assert_close(getattr(got, name), grad, name=name)


@pytest.mark.problem("resnet9", weight=0.25)
@pytest.mark.parametrize("p", [0.2, 0.7])
def test_resnet9_dropout(subject, rng, device, p):
    """Dropout in training: a share p of the elements is 0, anew each time, and the others are divided by 1 - p."""
    x, out_grad = rng.away_from_zero(40, 50), rng.normal(40, 50)
    got = subject(layers.dropout, x, out_grad, p=p, mode="train", seed=rng.integer(0, 1 << 31))
    first, second = (kept_by_dropout(out, x, p) for out in (got.first, got.out))
    differ = 2 * p * (1 - p)  # what one mask keeps and another drops, or the other way round
    assert_share((first != second).mean(), differ, x.size, "the share of elements that are dropped in one of two calls")
    # An element is in two such pairs, so that as many of them tell half as much.
    rows = (second[1:] != second[:-1]).mean()
    assert_share(rows, differ, x.size // 2, "the share of elements that are dropped in one of two neighbouring rows")
    assert_close(got.x_grad, np.where(second, out_grad / (1 - p), 0))


def kept_by_dropout(out, x, p):
    """Which elements of x an output of Dropout holds, after checking that they are scaled, and how many there are."""
    assert_dtype(out, name="the output")
    assert_same(list(np.shape(out)), list(x.shape), "the shape of the output")
    kept = np.asarray(out) != 0
    assert_close(out, np.where(kept, x / (1 - p), 0), name="the output, where it is not 0,")
    assert_share(1 - kept.mean(), p, x.size, "the share of zeros in the output")
    return kept


@pytest.mark.problem("resnet9", weight=0.25)
def test_resnet9_dropout_evaluation(subject, rng, device):
    """Dropout in evaluation gives its input."""
    x, out_grad = rng.away_from_zero(7, 5), rng.normal(7, 5)
    got = subject(layers.dropout, x, out_grad, p=0.6, mode="eval", seed=0)
    assert_equal(got.first, x)
    assert_equal(got.out, x)
    assert_equal(got.x_grad, out_grad)


# -- the loss ----------------------------------------------------------------------------------------------------


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize(("batch", "classes"), [(1, 2), (7, 10), (33, 3)], ids=["1x2", "7x10", "33x3"])
@pytest.mark.parametrize("around", [0, 1000, -1000, None], ids=["", "around1000", "around-1000", "up-to-1000"])
def test_resnet9_softmax_loss(subject, rng, device, batch, classes, around):
    """SoftmaxLoss is the mean over the batch, and right for logits of ±1000, where exp is infinite or 0."""
    large = 1000 * rng.integers(-1, 2, batch, classes) if around is None else around
    logits = (2 * rng.normal(batch, classes) + large).astype(np.float32)
    y = rng.integers(0, classes, batch)
    loss, grad = oracle.layers.softmax_loss(logits, y, scale=batch)
    got = subject(layers.softmax_loss, logits, y.astype(np.float32), float(batch))
    assert_scalar(got.loss, loss, **(LAYER if around == 0 else FAR_LOSS))
    assert_close(got.logits_grad, grad, **({} if around == 0 else FAR_SOFTMAX))


# -- the optimizers ----------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "adam": ("Adam", {}),
    "adam-lr": ("Adam", {"lr": 0.3}),
    "adam-betas": ("Adam", {"lr": 0.1, "beta1": 0.5, "beta2": 0.7}),
    "adam-eps": ("Adam", {"lr": 0.1, "eps": 0.25}),
    "adam-decay": ("Adam", {"lr": 0.1, "weight_decay": 0.5, "eps": 1e-3}),
    "adam-all": ("Adam", {"lr": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.1}),
    "sgd": ("SGD", {}),
    "sgd-lr": ("SGD", {"lr": 0.7}),
    "sgd-momentum": ("SGD", {"lr": 0.3, "momentum": 0.9}),
    "sgd-decay": ("SGD", {"lr": 0.3, "weight_decay": 0.4}),
    "sgd-all": ("SGD", {"lr": 0.2, "momentum": 0.6, "weight_decay": 0.1}),
}
SHAPES_OF_PARAMETERS = [(3, 5), (1, 7), (31,), (2, 1, 2, 3)]


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_resnet9_optimizer(subject, rng, device, optimizer, options):
    """Four steps of an optimizer on several parameters, with every option."""
    params = [rng.normal(*shape) for shape in SHAPES_OF_PARAMETERS]
    # Adam divides by the gradients' size: where that is near 0, also together with decay, rounding would decide.
    grads = [[rng.away_from_zero(*shape, low=0.1) for shape in SHAPES_OF_PARAMETERS] for _ in range(4)]
    check_optimizer(subject, optimizer, params, grads, options)


@pytest.mark.problem("resnet9", weight=0.5)
def test_resnet9_optimizer_zero_gradient(subject, rng, device):
    """Adam leaves alone what has a gradient of 0, instead of dividing 0 by 0."""
    params, zeros = [rng.normal(3, 4)], np.zeros((3, 4), dtype=np.float32)
    check_optimizer(subject, "Adam", params, [[zeros], [zeros]], {"lr": 0.1})


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_resnet9_optimizer_without_gradient(subject, rng, device, optimizer):
    """A parameter whose grad is None is skipped."""
    params = [rng.normal(3, 4), rng.normal(5), rng.normal(2, 2)]
    grads = [[rng.away_from_zero(3, 4), None, rng.away_from_zero(2, 2)] for _ in range(3)]
    check_optimizer(subject, optimizer, params, grads, {"lr": 0.1, "weight_decay": 0.1})


def check_optimizer(subject, optimizer, params, grads, options):
    want = oracle.optim.steps(optimizer, options, params, grads)
    got = subject(optim.steps, optimizer, params, grads, **options)
    for step, values in enumerate(want):
        for k, value in enumerate(values):
            assert_close(part(got, "params", step, k), value, name=f"parameter {k} after step {step + 1}")
    assert_same(got.dtypes, ["float32"], "the dtype of the parameters after the steps")
    assert_forgets(got, optimizer, "step")


def assert_gradients(got, want):
    """Every layer's gradients are right; in the answer they are called "weight_grad" and "bias_grad"."""
    for k, layer in enumerate(want):
        for name, value in layer.items():
            assert_close(part(got, "layers", k, f"{name}_grad"), value, name=f"the gradient of layer {k}'s {name}")
