"""Part 4: the RNN cell and the multi-layer RNN."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_gradients, assert_places, assert_uniform, assert_unlike, no_default
from draws import recurrent_layers
from oracle import sequence as oracle
from probes import sequence as probes

from grader.compare import assert_close, assert_same

# batch, input, hidden, biases, initial state, nonlinearity
CELLS = [
    pytest.param(1, 1, 1, True, True, "tanh", id="tanh-all-sizes-1"),
    pytest.param(3, 11, 12, True, True, "tanh", id="tanh"),
    pytest.param(15, 1, 7, True, True, "tanh", id="tanh-1-input"),
    pytest.param(3, 11, 1, False, True, "tanh", id="tanh-1-hidden-no-bias"),
    pytest.param(1, 4, 12, True, False, "tanh", id="tanh-no-state"),
    pytest.param(15, 11, 5, False, False, "tanh", id="tanh-no-bias-no-state"),
    pytest.param(3, 11, 12, True, True, "relu", id="relu"),
    pytest.param(15, 2, 7, False, True, "relu", id="relu-no-bias"),
    pytest.param(1, 11, 33, True, False, "relu", id="relu-no-state"),
    pytest.param(7, 3, 5, False, False, "relu", id="relu-no-bias-no-state"),
]

# steps, batch, input, hidden, layers, biases, initial state, nonlinearity
NETWORKS = [
    pytest.param(1, 1, 1, 1, 1, True, True, "tanh", id="tanh-all-sizes-1"),
    pytest.param(13, 3, 5, 12, 1, True, True, "tanh", id="tanh-1-layer-13-steps"),
    pytest.param(13, 1, 11, 7, 2, True, True, "tanh", id="tanh-2-layers-13-steps"),
    pytest.param(5, 3, 11, 12, 3, True, True, "tanh", id="tanh-3-layers"),
    pytest.param(1, 3, 4, 5, 3, True, True, "tanh", id="tanh-3-layers-1-step"),
    pytest.param(7, 15, 1, 1, 2, True, False, "tanh", id="tanh-2-layers-no-state-1-hidden"),
    pytest.param(4, 3, 3, 3, 2, False, True, "tanh", id="tanh-2-layers-no-bias-all-sizes-3"),
    pytest.param(6, 2, 7, 5, 3, False, False, "tanh", id="tanh-3-layers-no-bias-no-state"),
    pytest.param(13, 3, 5, 6, 1, True, True, "relu", id="relu-1-layer-13-steps"),
    pytest.param(5, 1, 4, 12, 2, True, False, "relu", id="relu-2-layers-no-state"),
    pytest.param(3, 2, 11, 4, 3, False, True, "relu", id="relu-3-layers-no-bias"),
]


def draw_network(rng, steps, batch, inputs, hidden, layers, bias, state, nonlinearity):
    """X, h0 and the weights; for relu drawn anew until no rounding can move a value over the kink."""
    while True:
        weights = recurrent_layers(rng, inputs, hidden, layers, bias=bias)
        X = rng.normal(steps, batch, inputs)
        h0 = rng.normal(layers, batch, hidden) if state else None
        if nonlinearity != "relu" or oracle.smallest_input_of_relu(X, h0, weights) > 1e-4:
            return X, h0, weights


@pytest.mark.problem("rnn")
@pytest.mark.parametrize(("batch", "inputs", "hidden", "bias", "state", "nonlinearity"), CELLS)
def test_rnn_cell_forward(subject, rng, device, batch, inputs, hidden, bias, state, nonlinearity):
    """A cell's new state is PyTorch's."""
    X, h0, layers = draw_network(rng, 1, batch, inputs, hidden, 1, bias, state, nonlinearity)
    h = h0[0] if state else None
    got = subject(probes.rnn_cell, X[0], h, layers[0], nonlinearity=nonlinearity)
    want = oracle.rnn(X, [h0] if state else None, layers, nonlinearity=nonlinearity)
    assert_close(got.new_h, want.output[0])


@pytest.mark.problem("rnn")
@pytest.mark.parametrize(("batch", "inputs", "hidden", "bias", "state", "nonlinearity"), CELLS)
def test_rnn_cell_backward(subject, rng, device, batch, inputs, hidden, bias, state, nonlinearity):
    """The gradients of a cell's input, state, weights and biases are PyTorch's."""
    X, h0, layers = draw_network(rng, 1, batch, inputs, hidden, 1, bias, state, nonlinearity)
    h = h0[0] if state else None
    grad = rng.normal(batch, hidden)
    got = subject(probes.rnn_cell, X[0], h, layers[0], nonlinearity=nonlinearity, output_grad=grad)
    grads = [grad[None], np.zeros((1, batch, hidden))]  # of a network of one step: its output's, its h_n's
    want = oracle.rnn(X, [h0] if state else None, layers, grads, nonlinearity=nonlinearity)
    assert_gradients(got, oracle.cell_gradients(want))


@pytest.mark.problem("rnn", weight=2)
@pytest.mark.parametrize(("steps", "batch", "inputs", "hidden", "layers", "bias", "state", "nonlinearity"), NETWORKS)
def test_rnn_network_forward(subject, rng, device, steps, batch, inputs, hidden, layers, bias, state, nonlinearity):
    """A network's output at every step, and every layer's last state, are PyTorch's."""
    sizes = (steps, batch, inputs, hidden, layers, bias, state, nonlinearity)
    X, h0, weights = draw_network(rng, *sizes)
    got = subject(probes.rnn, X, h0, weights, nonlinearity=nonlinearity)
    want = oracle.rnn(X, [h0] if state else None, weights, nonlinearity=nonlinearity)
    assert_close(got.output, want.output)
    assert_close(got.h_n, want.state[0])


@pytest.mark.problem("rnn", weight=2)
@pytest.mark.parametrize(("steps", "batch", "inputs", "hidden", "layers", "bias", "state", "nonlinearity"), NETWORKS)
def test_rnn_network_backward(subject, rng, device, steps, batch, inputs, hidden, layers, bias, state, nonlinearity):
    """The gradients of a network's input, initial state, weights and biases are PyTorch's."""
    sizes = (steps, batch, inputs, hidden, layers, bias, state, nonlinearity)
    X, h0, weights = draw_network(rng, *sizes)
    grads = [rng.normal(steps, batch, hidden), rng.normal(layers, batch, hidden)]
    got = subject(probes.rnn, X, h0, weights, nonlinearity=nonlinearity, output_grads=grads)
    want = oracle.rnn(X, [h0] if state else None, weights, grads, nonlinearity=nonlinearity)
    assert_gradients(got, want.gradients)


@pytest.mark.problem("rnn")
@pytest.mark.parametrize("used", ["output", "h_n"])
def test_rnn_network_backward_from(subject, rng, device, used):
    """The gradients are right where the loss uses the output alone, or the last states alone."""
    X, h0, weights = draw_network(rng, 4, 3, 2, 5, 2, True, True, "tanh")
    grads = [rng.normal(4, 3, 5) * (used == "output"), rng.normal(2, 3, 5) * (used == "h_n")]
    got = subject(probes.rnn, X, h0, weights, nonlinearity="tanh", output_grads=grads)
    assert_gradients(got, oracle.rnn(X, [h0], weights, grads).gradients)


@pytest.mark.problem("rnn")
@pytest.mark.parametrize("layers", [1, 2])
def test_rnn_network_forgets(subject, rng, device, layers):
    """Without an initial state a network begins at zero, whatever it read before."""
    X, _, weights = draw_network(rng, 3, 2, 4, 5, layers, True, False, "tanh")
    earlier = rng.normal(6, 2, 4)
    got = subject(probes.rnn, X, None, weights, nonlinearity="tanh", earlier=earlier)
    want = oracle.rnn(X, None, weights)
    assert_close(got.output, want.output)
    assert_close(got.h_n, want.state[0])


@pytest.mark.problem("rnn")
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_rnn_cell_initial(subject, rng, device, bias):
    """A new cell's weights and biases have the right shapes and are uniform in ±1/sqrt(hidden)."""
    sizes = {"input_size": 31, "hidden_size": 64}
    got = subject(probes.initial_cell, cell="RNNCell", **sizes, bias=bias, seed=rng.integer(0, 1 << 31))
    shapes = {"W_ih": (31, 64), "W_hh": (64, 64)} | ({"bias_ih": (64,), "bias_hh": (64,)} if bias else {})
    for name, shape in shapes.items():
        assert_uniform(getattr(got, name), shape, 1 / 8, name)
    assert_unlike({name: getattr(got, name) for name in shapes})
    assert_same(got.number_of_parameters, len(shapes), "the number of parameters")
    assert_places(got, device)


@pytest.mark.problem("rnn")
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_rnn_network_initial(subject, rng, device, bias):
    """A new network's cells have the right shapes, and weights of their own, uniform in ±1/sqrt(hidden)."""
    sizes = {"input_size": 7, "hidden_size": 49, "num_layers": 3}
    got = subject(probes.initial_network, network="RNN", **sizes, bias=bias, seed=rng.integer(0, 1 << 31))
    shapes = {}
    for k in range(3):
        shapes |= {f"rnn_cells[{k}].W_ih": (49 if k else 7, 49), f"rnn_cells[{k}].W_hh": (49, 49)}
        if bias:
            shapes |= {f"rnn_cells[{k}].bias_ih": (49,), f"rnn_cells[{k}].bias_hh": (49,)}
    assert_same(got.number_of_cells, 3, "the number of rnn_cells")
    for name, shape in shapes.items():
        assert_uniform(getattr(got, name), shape, 1 / 7, name)
    assert_unlike({name: getattr(got, name) for name in shapes})
    assert_same(got.number_of_parameters, len(shapes), "the number of parameters")
    assert_places(got, device)


@pytest.mark.problem("rnn")
@pytest.mark.parametrize("layer", ["RNNCell", "RNN"], ids=["cell", "network"])
def test_rnn_device(subject, device, layer):
    """A layer keeps to the device it is made for, and so does the zero state that it begins with."""
    assert_places(subject(probes.elsewhere, layer=layer), no_default(device))


@pytest.mark.problem("rnn")
def test_rnn_initial_order(subject, rng, device):
    """Weights are drawn layer by layer, W_ih, W_hh, bias_ih, bias_hh, from NumPy's global generator."""
    seed = rng.integer(0, 1 << 31)
    sizes = {"input_size": 3, "hidden_size": 4, "num_layers": 2}
    got = subject(probes.initial_network, network="RNN", **sizes, bias=True, seed=seed)
    draws = np.random.RandomState(seed)
    for k in range(2):
        for name, shape in [("W_ih", (4 if k else 3, 4)), ("W_hh", (4, 4)), ("bias_ih", (4,)), ("bias_hh", (4,))]:
            assert_close(getattr(got, f"rnn_cells[{k}].{name}"), draws.rand(*shape) - 0.5)
