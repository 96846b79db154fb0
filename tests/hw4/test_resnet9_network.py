"""Part 3: ResNet9 against a PyTorch twin with the same weights, and training on CIFAR-10.

Batches of 8: with fewer, the last BatchNorms, which see one pixel an image, divide by spreads of nearly 0.
"""

from __future__ import annotations

import numpy as np
import oracle.layers
import oracle.resnet9
import pytest
from answers import part
from checks import assert_places, no_default
from oracle import real
from probes import resnet9
from tolerances import AFTER_ADAM, LOGITS_AFTER_ADAM

from grader.compare import assert_close, assert_equal, assert_same, assert_scalar, assert_true, show_curve

# With the eps of 1e-8, Adam's first step is lr * sign(gradient), and of 400,000 gradients some are too near to 0 for
# float32 to know their sign: a weight was wrong by 2 * lr in 1 of 4 runs. With 1e-3 it is wrong by lr / EPS times its
# gradient's error at most: see AFTER_ADAM.
EPS = 1e-3


def draw_weights(rng, make):
    return oracle.layers.draw_weights(make(), rng.normal, rng.uniform)


def images(rng, count=8):
    """Images as from CIFAR-10: numbers from 0 to 1."""
    return rng.uniform(count, 3, 32, 32)


def batches(rng, count):
    return [(images(rng), rng.integers(0, 10, 8)) for _ in range(count)]


@pytest.mark.problem("resnet9", weight=2)
def test_resnet9_parameter_count(subject, device):
    """ResNet9 has 431,946 parameters, in 36 arrays."""
    got = subject(resnet9.parameters)
    assert_same(got.parameters, oracle.resnet9.PARAMETERS, "the number of parameters")
    assert_same(got.arrays, 36, "the number of parameter arrays")


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("layer", ["Linear", "Conv", "BatchNorm2d", "ResNet9"])
def test_resnet9_device(subject, device, layer):
    """A layer, and all of ResNet9, keep to the device they are made for."""
    assert_places(subject(resnet9.elsewhere, layer), no_default(device))


MODES = {
    "train": ["train"],
    "eval-at-once": ["eval"],
    "eval-after-two": ["train", "train", "eval"],
    "train-after-eval": ["eval", "train", "eval"],
}


@pytest.mark.problem("resnet9", weight=3)
@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_resnet9_logits(subject, rng, device, modes):
    """The logits of ResNet9 in training mode, and in evaluation mode with the running statistics it has by then."""
    weights = draw_weights(rng, oracle.resnet9.resnet9)
    inputs = [images(rng) for _ in modes]
    want = oracle.resnet9.logits(weights, inputs, modes)
    got = subject(resnet9.logits, inputs, modes, weights)
    for k, mode in enumerate(modes):
        assert_close(part(got, "logits", k), want[k], name=f"the logits of batch {k} ({mode})")


@pytest.mark.problem("resnet9", weight=5)
def test_resnet9_gradients(subject, rng, device):
    """ResNet9's loss, and its gradients with respect to every weight and bias."""
    weights = draw_weights(rng, oracle.resnet9.resnet9)
    ((x, y),), want = oracle.resnet9.trained(weights, lambda: batches(rng, 1), images(rng))
    got = subject(resnet9.gradients, x, y, weights)
    assert_close(got.logits, want.steps[0].logits)
    assert_scalar(got.loss, want.steps[0].loss)
    assert_layers(got, "gradients", want.gradients, "the gradient of {}")


@pytest.mark.problem("resnet9", weight=4)
@pytest.mark.parametrize("steps", [1, 2], ids=["1-step", "2-steps"])
def test_resnet9_adam(subject, rng, device, steps):
    """Steps of Adam on ResNet9: the loss before each; all weights, and the logits in evaluation mode, after them."""
    weights, x_eval = draw_weights(rng, oracle.resnet9.resnet9), images(rng)
    options = {"lr": 0.01, "weight_decay": 0.01, "eps": EPS}
    inputs, want = oracle.resnet9.trained(weights, lambda: batches(rng, steps), x_eval, options)
    got = subject(resnet9.adam_steps, inputs, x_eval, weights, **options)
    for k, step in enumerate(want.steps):
        tolerance = LOGITS_AFTER_ADAM if k else {}
        assert_close(part(got, "logits", k), step.logits, name=f"the logits before step {k + 1}", **tolerance)
        assert_scalar(part(got, "losses", k), step.loss, name=f"the loss before step {k + 1}", **tolerance)
    assert_layers(got, "weights", want.weights, f"{{}} after step {steps}", **AFTER_ADAM)
    assert_close(got.eval_logits, want.eval_logits, **LOGITS_AFTER_ADAM)


# -- train_cifar10 -----------------------------------------------------------------------------------------------

TRAINING = {
    "defaults": {},
    "two-epochs": {"optimizer": "Adam", "eps": EPS, "n_epochs": 2, "lr": 0.02},
    "decay": {"optimizer": "Adam", "eps": EPS, "n_epochs": 2, "lr": 0.02, "weight_decay": 0.5},
    "sgd": {"optimizer": "SGD", "n_epochs": 3, "lr": 0.5, "weight_decay": 0.05},
}


@pytest.mark.problem("resnet9", weight=2)
@pytest.mark.parametrize("options", TRAINING.values(), ids=TRAINING)
def test_train_cifar10(subject, rng, device, options):
    """`train_cifar10` of a small network, then evaluate_cifar10: averages over examples, whose last batch is short."""
    weights = draw_weights(rng, oracle.resnet9.small)
    check_training(subject, "small", weights, lambda: (small_images(rng, 21), small_images(rng, 13)), 8, **options)


@pytest.mark.problem("resnet9", weight=2)
def test_train_cifar10_resnet9(subject, rng, device):
    """`train_cifar10` of ResNet9 on two batches, then evaluate_cifar10."""
    weights = draw_weights(rng, oracle.resnet9.resnet9)

    def draw():
        return (images(rng, 16), rng.integers(0, 10, 16)), (images(rng, 5), rng.integers(0, 10, 5))

    check_training(subject, "resnet9", weights, draw, 8, optimizer="Adam", eps=EPS, lr=0.01, weight_decay=0.01)


if real.has_cifar10():

    @pytest.mark.problem("resnet9", weight=real.WEIGHT)
    def test_train_cifar10_real_images(subject, rng, device):
        """`train_cifar10` of ResNet9 on real images, then evaluate_cifar10."""
        weights = draw_weights(rng, oracle.resnet9.resnet9)
        file = real.cifar10("data_batch_1")

        def draw():
            chosen = rng.permutation(len(file.data))[:21]
            x = file.data[chosen].reshape(-1, 3, 32, 32).astype(np.float32) / 255
            y = np.array(file.labels)[chosen]
            return (x[:16], y[:16]), (x[16:], y[16:])

        check_training(subject, "resnet9", weights, draw, 8, optimizer="Adam", eps=EPS, lr=0.01, weight_decay=0.01)


def check_training(subject, network, weights, draw, batch_size, **options):
    # What train_cifar10 gives its optimizer where nothing is said.
    known = {"optimizer": "Adam", "lr": 0.001, "weight_decay": 0.001, **options}
    make = getattr(oracle.resnet9, network)
    ((x, y), (x_eval, y_eval)), train, evaluate = oracle.resnet9.train_cifar10(make, weights, draw, batch_size, **known)
    options = {"x_eval": x_eval, "y_eval": y_eval, "curve": True, **options}
    got = subject(resnet9.train_cifar10, network, x, y, batch_size, weights, **options)
    show_curve(got.losses, train.losses, "the loss of each step")
    assert_averages(got, "train", train, "train_cifar10")
    assert_averages(got, "evaluate", evaluate, "evaluate_cifar10")
    assert_averages(got, "evaluate_again", evaluate, "evaluate_cifar10 the second time")


@pytest.mark.problem("resnet9", weight=0.5)
@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_train_cifar10_device(subject, rng, device, optimizer):
    """Training stays on the model's device: weights, gradients, statistics, and what the optimizer remembers."""
    got = subject(resnet9.trained_elsewhere, *small_images(rng, 6), optimizer=optimizer)
    assert_true(got.gradients is True, "after train_cifar10 not every parameter has a gradient.")
    # 6 parameters, as many gradients, 2 running statistics. SGD without momentum need keep nothing, and what an
    # optimizer keeps may be arrays.
    assert_true(got.found >= 14, f"model and optimizer hold {got.found} tensors; expected 14 or more.")
    assert_places(got, no_default(device))


@pytest.mark.problem("resnet9")
def test_train_cifar10_only_evaluates(subject, rng, device):
    """`evaluate_cifar10` of a network in training mode puts it into evaluation mode, and changes no weight."""
    weights = draw_weights(rng, oracle.resnet9.small)
    (x, y), want = oracle.resnet9.evaluate_cifar10(weights, lambda: small_images(rng, 11), 4)
    got = subject(resnet9.evaluate_cifar10, x, y, 4, weights)
    assert_averages(got, "evaluate", want, "evaluate_cifar10")
    for k, layer in enumerate(weights):
        for name, value in layer.items():
            assert_equal(part(got, "weights", k, name), value, name=f"{name} of layer {k} after evaluate_cifar10")


@pytest.mark.problem("resnet9")
@pytest.mark.parametrize("options", [{}, {"lr": 0.25, "weight_decay": 0.125}], ids=["defaults", "given"])
def test_train_cifar10_optimizer(subject, rng, device, options):
    """`train_cifar10` makes its optimizer of the model's parameters, lr and weight_decay, and uses the given loss."""
    x, y = small_images(rng, 5)
    got = subject(resnet9.optimizer_arguments, x, y, **options)
    want = {"parameters": 2, "lr": 0.001, "weight_decay": 0.001, **options}
    assert_same([got.parameters, got.lr, got.weight_decay], list(want.values()), f"{list(want)} of the optimizer")
    assert_same(
        got.losses, [3.0, 3.0], "the losses of train_cifar10 and evaluate_cifar10 for a loss_fn that is always 3"
    )


def small_images(rng, count):
    """Examples for the small network; not square."""
    return rng.normal(count, 3, 5, 4), rng.integers(0, 10, count)


def assert_averages(got, what, want, function):
    assert_scalar(part(got, what, "accuracy"), want.accuracy, name=f"the accuracy of {function}")
    assert_scalar(part(got, what, "loss"), want.loss, name=f"the loss of {function}")


def assert_layers(got, what, want, label, **tolerance):
    """Every weight and bias of every layer; `label` has a place for its name."""
    for k, layer in enumerate(want):
        for name, value in layer.items():
            assert_close(part(got, what, k, name), value, name=label.format(f"{name} of layer {k}"), **tolerance)
