"""Part 7: embedding, the language model, SGD, and training on text.

In the cases' ids "plain" is a model with an RNN, "gated" one with an LSTM.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from answers import part
from checks import (
    assert_between,
    assert_forgets,
    assert_gradients,
    assert_normal,
    assert_places,
    assert_uniform,
    assert_unlike,
    no_default,
)
from draws import recurrent_layers
from oracle import language_model as oracle
from oracle import real, text
from probes import language_model as probes
from probes import optim
from tolerances import FAR_LOSS, FAR_SOFTMAX

from grader.compare import assert_close, assert_equal, assert_same, assert_scalar, assert_true, show_curve

both_networks = pytest.mark.parametrize("network", ["rnn", "lstm"], ids=["plain", "gated"])


def draw_weights(rng, network, words, embedding, hidden, layers):
    """The weights of a model, as probes/language_model.py takes them; logits of the size of 1."""
    return {
        "embedding": rng.normal(words, embedding),
        "layers": recurrent_layers(rng, embedding, hidden, layers, gates=4 if network == "lstm" else 1),
        "linear_weight": rng.normal(hidden, words, std=1.5 * hidden**-0.5),
        "linear_bias": rng.normal(words, std=0.5),
    }


def draw_ids(rng, words, *shape):
    """Word ids as they travel in needle: float32."""
    return rng.integers(0, words, *shape).astype(np.float32)


# -- the embedding -----------------------------------------------------------------------------------------------

# words, size, steps, batch
EMBEDDINGS = [
    pytest.param(1, 1, 1, 1, id="all-sizes-1"),
    pytest.param(7, 3, 1, 5, id="1-step"),
    pytest.param(31, 33, 13, 1, id="1-column"),
    pytest.param(3, 5, 7, 4, id="repeated-words"),
    pytest.param(200, 4, 3, 2, id="200-words"),
]


@pytest.mark.problem("language_model")
@pytest.mark.parametrize(("words", "size", "steps", "batch"), EMBEDDINGS)
def test_language_model_implementation_embedding_forward(subject, rng, device, words, size, steps, batch):
    """Every id is replaced by its row of the weight."""
    ids, weight = draw_ids(rng, words, steps, batch), rng.normal(words, size)
    ids.flat[-1] = words - 1
    got = subject(probes.embedding, ids, weight)
    assert_close(got.output, weight[ids.astype(np.int64)])


@pytest.mark.problem("language_model")
@pytest.mark.parametrize(("words", "size", "steps", "batch"), EMBEDDINGS)
def test_language_model_implementation_embedding_backward(subject, rng, device, words, size, steps, batch):
    """A row of the weight gets the sum of the gradients of all places that use it."""
    ids, weight = draw_ids(rng, words, steps, batch), rng.normal(words, size)
    grad = rng.normal(steps, batch, size)
    got = subject(probes.embedding, ids, weight, grad)
    _, want = oracle.embedding(ids, weight, grad)
    assert_gradients(got, {"gradient of weight": want})


@pytest.mark.problem("language_model")
def test_language_model_implementation_embedding_initial(subject, rng, device):
    """A new embedding's weight is drawn from N(0, 1)."""
    got = subject(probes.initial_embedding, words=60, size=50, seed=rng.integer(0, 1 << 31))
    assert_same(got.number_of_parameters, 1, "the number of parameters")
    assert_normal(getattr(got, "parameter 0"), (60, 50), "the weight")
    assert_places(got, device)


# -- the model ---------------------------------------------------------------------------------------------------

# steps, batch, embedding, words, hidden, layers, initial state
MODELS = [
    pytest.param(1, 1, 1, 2, 1, 1, True, id="sizes-1"),
    pytest.param(13, 3, 5, 11, 7, 1, True, id="1-layer-13-steps"),
    pytest.param(6, 1, 4, 31, 12, 2, True, id="2-layers"),
    pytest.param(5, 7, 3, 10, 4, 1, False, id="1-layer-no-state"),
    pytest.param(4, 2, 12, 7, 3, 2, False, id="2-layers-no-state"),
    pytest.param(3, 3, 3, 3, 3, 3, True, id="all-sizes-3"),
]


def draw_model(rng, network, steps, batch, embedding, words, hidden, layers, state):
    """Ids, the state's parts or None, the weights, and gradients for the logits and every part of the state."""
    parts = 2 if network == "lstm" else 1
    before = [rng.normal(layers, batch, hidden) for _ in range(parts)] if state else None
    grads = [rng.normal(steps * batch, words), *(rng.normal(layers, batch, hidden) for _ in range(parts))]
    weights = draw_weights(rng, network, words, embedding, hidden, layers)
    return draw_ids(rng, words, steps, batch), before, weights, grads


@pytest.mark.problem("language_model", weight=2)
@both_networks
@pytest.mark.parametrize(("steps", "batch", "embedding", "words", "hidden", "layers", "state"), MODELS)
def test_language_model_implementation_forward(
    subject, rng, device, network, steps, batch, embedding, words, hidden, layers, state
):
    """The logits, step by step, and the new state are those of the twin in PyTorch."""
    sizes = (steps, batch, embedding, words, hidden, layers, state)
    ids, before, weights, _ = draw_model(rng, network, *sizes)
    got = subject(probes.model, ids, before, weights, recurrent=network)
    want, _ = oracle.model(ids, before, weights, network)
    for name, value in want.items():
        assert_close(getattr(got, name), value)


@pytest.mark.problem("language_model", weight=2)
@both_networks
@pytest.mark.parametrize(("steps", "batch", "embedding", "words", "hidden", "layers", "state"), MODELS)
def test_language_model_implementation_backward(
    subject, rng, device, network, steps, batch, embedding, words, hidden, layers, state
):
    """The gradients of the initial state and of every weight are those of the twin in PyTorch."""
    sizes = (steps, batch, embedding, words, hidden, layers, state)
    ids, before, weights, grads = draw_model(rng, network, *sizes)
    got = subject(probes.model, ids, before, weights, recurrent=network, output_grads=grads)
    _, want = oracle.model(ids, before, weights, network, grads)
    assert_gradients(got, want)


@pytest.mark.problem("language_model")
@both_networks
def test_language_model_implementation_initial(subject, rng, device, network):
    """A new model's parameters have the right shapes and distributions."""
    sizes = {"embedding_size": 30, "words": 36, "hidden_size": 25, "num_layers": 2}
    got = subject(probes.initial_model, recurrent=network, **sizes, seed=rng.integer(0, 1 << 31))
    shapes = shapes_of_model(network, 30, 36, 25, 2)
    bounds = {
        "the linear layer's weight": math.sqrt(6 / 25),  # Kaiming: sqrt(2) * sqrt(3 / fan_in)
        "the linear layer's bias": math.sqrt(6 / 36),
    }
    for name, shape in shapes.items():
        if name == "the embedding":
            assert_normal(getattr(got, name), shape, name)
        else:
            assert_uniform(getattr(got, name), shape, bounds.get(name, 1 / 5), name)
    assert_unlike({name: getattr(got, name) for name in shapes})
    assert_same(got.number_of_parameters, len(shapes), "the number of parameters")
    assert_places(got, device)


@pytest.mark.problem("language_model")
@both_networks
def test_language_model_implementation_device(subject, device, network):
    """A model keeps to the device it is made for, and so does the zero state that it begins with."""
    assert_places(subject(probes.elsewhere, recurrent=network), no_default(device))


@pytest.mark.problem("language_model")
@both_networks
def test_language_model_implementation_initial_order(subject, rng, device, network):
    """Weights are drawn along the data's way: embedding, recurrent network, linear layer; weights before biases."""
    seed = rng.integer(0, 1 << 31)
    sizes = {"embedding_size": 3, "words": 6, "hidden_size": 4, "num_layers": 2}
    got = subject(probes.initial_model, recurrent=network, **sizes, seed=seed)
    draws = np.random.RandomState(seed)
    bounds = {"the linear layer's weight": math.sqrt(6 / 4), "the linear layer's bias": math.sqrt(6 / 6)}
    for name, shape in shapes_of_model(network, 3, 6, 4, 2).items():
        bound = bounds.get(name, 1 / 2)
        want = draws.randn(*shape) if name == "the embedding" else (2 * draws.rand(*shape) - 1) * bound
        assert_close(getattr(got, name), want, name=name)


def shapes_of_model(network, embedding, words, hidden, layers):
    """The shapes of all parameters, in the order in which they are drawn."""
    gates = 4 if network == "lstm" else 1
    shapes = {"the embedding": (words, embedding)}
    for k in range(layers):
        cell = f"{network}_cells[{k}]"
        shapes[f"{cell}.W_ih"] = (hidden if k else embedding, gates * hidden)
        shapes[f"{cell}.W_hh"] = (hidden, gates * hidden)
        shapes |= {f"{cell}.bias_{of}": (gates * hidden,) for of in ("ih", "hh")}
    return {**shapes, "the linear layer's weight": (hidden, words), "the linear layer's bias": (1, words)}


# -- the loss ----------------------------------------------------------------------------------------------------


@pytest.mark.problem("language_model")
@pytest.mark.parametrize(
    ("batch", "classes", "size"),
    [
        pytest.param(1, 2, 1.0, id="1x2"),
        pytest.param(7, 1, 1.0, id="7x1"),
        pytest.param(33, 10, 1.0, id="33x10"),
        pytest.param(3, 31, 30.0, id="3x31-large"),
        pytest.param(5, 4, 1000.0, id="5x4-huge"),
    ],
)
def test_language_model_training_loss(subject, rng, device, batch, classes, size):
    """SoftmaxLoss is the mean over the batch of logsumexp(logits) - the true logit; its gradient, too, is PyTorch's."""
    logits, y = rng.normal(batch, classes, std=size), draw_ids(rng, classes, batch)
    got = subject(probes.loss, logits, y)
    want, grad = oracle.loss(logits, y)
    far = size == 1000
    assert_scalar(got.loss, want, **(FAR_LOSS if far else {}))
    assert_gradients(got, {"gradient of logits": grad}, **(FAR_SOFTMAX if far else {}))


# -- SGD ---------------------------------------------------------------------------------------------------------

OPTIONS = {
    "plain": {"lr": 0.5},
    "small-steps": {"lr": 0.01},
    "momentum": {"lr": 0.5, "momentum": 0.9},
    "little-momentum": {"lr": 1.5, "momentum": 0.25},
    "weight-decay": {"lr": 0.5, "weight_decay": 0.1},
    "momentum-and-weight-decay": {"lr": 0.3, "momentum": 0.8, "weight_decay": 0.2},
}
SHAPES = [(3, 4), (1,), (2, 1, 3), (3, 4)]


@pytest.mark.problem("language_model")
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_language_model_training_sgd(subject, rng, device, options, steps):
    """SGD's parameters after every step, for each of its options, with a velocity for every parameter of its own."""
    parameters = [rng.normal(*shape) for shape in SHAPES]
    parameters[3] = parameters[0].copy()  # equal values, but another parameter
    grads = [[rng.normal(*shape) for shape in SHAPES] for _ in range(steps)]
    got = subject(optim.steps, "SGD", parameters, grads, **options)
    for step, want in enumerate(oracle.optim.steps("SGD", options, parameters, grads)):
        for k, value in enumerate(want):
            assert_close(part(got, "params", step, k), value, name=f"parameter {k} after step {step + 1}")
    assert_same(got.dtypes, ["float32"], "the dtype of the parameters")
    assert_forgets(got, "SGD", "step")


@pytest.mark.problem("language_model")
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 1.1, 100.0])
def test_language_model_training_clip(subject, rng, device, optimizer, share):
    """clip_grad_norm scales all gradients so that their norm together is max_norm, and leaves shorter ones alone."""
    grads = [rng.normal(*shape, std=2.0) for shape in SHAPES]
    total = math.sqrt(sum(float((grad.astype(np.float64) ** 2).sum()) for grad in grads))
    got = subject(probes.clip, grads, max_norm=share * total, optimizer=optimizer)
    for k, grad in enumerate(grads):
        assert_close(getattr(got, f"gradient {k}"), grad * min(1.0, share))
        assert_equal(getattr(got, f"parameter {k}"), np.ones_like(grad))


@pytest.mark.problem("language_model")
def test_language_model_training_clip_zero(subject, device):
    """clip_grad_norm leaves gradients of zero at zero."""
    grads = [np.zeros(shape, dtype=np.float32) for shape in SHAPES]
    got = subject(probes.clip, grads, max_norm=0.5, optimizer="SGD")
    for k, grad in enumerate(grads):
        assert_equal(getattr(got, f"gradient {k}"), grad)


# -- training ----------------------------------------------------------------------------------------------------


def assert_epoch(got, want):
    """Loss and accuracy of an epoch; a word whose two best are too near to be told apart may count as right or not."""
    assert_scalar(got.loss, want.loss)
    low, high = (want.accuracy + sign * want.accuracy_error for sign in (-1, 1))
    assert_between(got.accuracy, low, high, "accuracy")


def assert_weights(got, want):
    """Every weight of a model."""
    for name, value in want.items():
        assert_close(getattr(got, name), value, name=name)


def weights_by_name(weights, network):
    """What was sent, by the names under which it comes back."""
    named = {"the embedding": weights["embedding"]}
    for k, layer in enumerate(weights["layers"]):
        named |= {f"{network}_cells[{k}].{name}": value for name, value in layer.items()}
    return {
        **named,
        "the linear layer's weight": weights["linear_weight"],
        "the linear layer's bias": weights["linear_bias"],
    }


# rows, batch, seq_len
TEXTS = [
    pytest.param(13, 3, 4, id="full-chunks"),
    pytest.param(14, 3, 5, id="short-last-chunk"),
    pytest.param(12, 4, 10, id="last-chunk-of-1"),
    pytest.param(8, 1, 40, id="one-short-chunk"),
    pytest.param(5, 2, 1, id="chunks-of-1"),
    pytest.param(2, 1, 3, id="one-word"),
]


@pytest.mark.problem("language_model")
@both_networks
@pytest.mark.parametrize(("rows", "batch", "seq_len"), TEXTS)
def test_language_model_training_evaluate(subject, rng, device, network, rows, batch, seq_len):
    """Evaluation carries the state from chunk to chunk, averages over all predicted words, and changes nothing."""
    words, layers = 11, rng.choice([1, 2])
    batches = draw_ids(rng, words, rows, batch)
    weights = draw_weights(rng, network, words, 5, 6, layers)
    got = subject(probes.evaluate, batches, weights, recurrent=network, seq_len=seq_len)
    assert_epoch(got, oracle.evaluate(batches, weights, network, seq_len))
    for name, value in weights_by_name(weights, network).items():
        assert_equal(getattr(got, name), value, name=name)


def check_training(subject, rng, network, batches, words, *, layers=1, **options):
    weights = draw_weights(rng, network, words, 5, 6, layers)
    got = subject(probes.train, batches, weights, recurrent=network, curve=True, **options)
    epoch, trained = oracle.train(batches, weights, network, **options)
    show_curve(got.losses, epoch.losses, "the loss of each chunk")
    assert_epoch(got, epoch)
    assert_weights(got, trained)


@pytest.mark.problem("language_model", weight=2)
@both_networks
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("rows", "batch", "seq_len"), TEXTS)
def test_language_model_training_epoch(subject, rng, device, network, rows, batch, seq_len, layers):
    """Loss, accuracy and weights after an epoch: the state is carried from chunk to chunk, but gradients are not."""
    batches = draw_ids(rng, 11, rows, batch)
    options = {"seq_len": seq_len, "n_epochs": 1, "lr": 0.5}
    check_training(subject, rng, network, batches, 11, layers=layers, **options)


TRAININGS = {
    "plain-steps": {"lr": 0.5},
    "clipped": {"lr": 2.0, "clip": 0.25},
    "clip-not-reached": {"lr": 0.5, "clip": 50.0},
    "weight-decay": {"lr": 0.5, "weight_decay": 0.05},
    "clipped-weight-decay": {"lr": 1.0, "clip": 0.5, "weight_decay": 0.02},
}


@pytest.mark.problem("language_model", weight=2)
@both_networks
@pytest.mark.parametrize("options", TRAININGS.values(), ids=TRAININGS)
def test_language_model_training_two_epochs(subject, rng, device, network, options):
    """The second epoch's loss and accuracy, and the weights after it, with clipping and weight decay."""
    batches = draw_ids(rng, 13, 9, 3)
    check_training(subject, rng, network, batches, 13, seq_len=5, n_epochs=2, **options)


@pytest.mark.problem("language_model")
@both_networks
def test_language_model_training_other_optimizer(subject, rng, device, network):
    """Training uses the optimizer that it is given, with this learning rate and weight decay."""
    batches = draw_ids(rng, 9, 14, 3)
    weights = draw_weights(rng, network, 9, 5, 6, 1)
    options = {"seq_len": 5, "n_epochs": 2, "optimizer": "Adam", "lr": 0.05, "weight_decay": 0.01}
    got = subject(probes.train, batches, weights, recurrent=network, **options)
    epoch, _ = oracle.train(batches, weights, network, **options)
    # Adam divides by the gradient's size, so that rounding in a tiny gradient shows: weights are not compared.
    assert_epoch(got, epoch)


@pytest.mark.problem("language_model", weight=0.5)
def test_language_model_training_other_loss(subject, rng, device):
    """train_ptb and evaluate_ptb use the loss that they are given."""
    got = subject(probes.other_loss, draw_ids(rng, 7, 10, 3), recurrent="rnn")
    assert_same(got.losses, [3.0, 3.0], "the losses of train_ptb and evaluate_ptb, for a loss_fn that is always 3")


@pytest.mark.problem("language_model", weight=0.5)
def test_language_model_training_mode(subject, rng, device):
    """The model is in training mode while train_ptb goes over the text, and in evaluation mode in evaluate_ptb."""
    got = subject(probes.modes, draw_ids(rng, 7, 10, 3), recurrent="rnn")
    assert_same(got.trained, [True] * 3, "model.training at each of 3 chunks of train_ptb")
    assert_same(got.evaluated, [False] * 3, "model.training at each of 3 chunks of evaluate_ptb")


@pytest.mark.problem("language_model", weight=0.5)
@both_networks
@pytest.mark.parametrize(("optimizer", "told"), [("SGD", True), ("Adam", False)], ids=["told", "of-the-model"])
def test_language_model_training_device(subject, rng, device, network, optimizer, told):
    """Training stays on one device: words, logits, states, weights, gradients, and what the optimizer remembers."""
    got = subject(probes.trained_elsewhere, draw_ids(rng, 7, 10, 3), recurrent=network, optimizer=optimizer, told=told)
    assert_true(got.gradients is True, "after train_ptb not every parameter has a gradient.")
    # 3 epochs of 3 chunks: at least words, logits and a state of each.
    assert_true(got.through >= 27, f"{got.through} tensors went through the model; expected 27 or more.")
    assert_places(got, no_default(device) if told else device)


# -- the real text -----------------------------------------------------------------------------------------------

if real.has_ptb():

    @pytest.mark.problem("language_model", weight=real.WEIGHT)
    @both_networks
    @pytest.mark.parametrize("source", ["real"])
    def test_language_model_training_two_epochs_real(subject, rng, device, network, source):
        """Two epochs over the first lines of the real text."""
        corpus = text.corpus(*real.ptb(lines=12))
        batches = text.columns(corpus.train, 8).astype(np.float32)
        options = {"seq_len": 10, "n_epochs": 2, "lr": 1.0, "clip": 0.25}
        check_training(subject, rng, network, batches, len(corpus.words), **options)
