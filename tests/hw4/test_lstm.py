"""Part 5: the LSTM cell and the multi-layer LSTM."""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_gradients, assert_places, assert_shapes, assert_uniform, assert_unlike, no_default
from draws import recurrent_layers
from oracle import sequence as oracle
from probes import sequence as probes

from grader.compare import assert_close, assert_same

# batch, input, hidden, biases, initial state
CELLS = [
    pytest.param(1, 1, 1, True, True, id="all-sizes-1"),
    pytest.param(3, 11, 12, True, True, id="plain"),
    pytest.param(15, 1, 7, True, True, id="1-input"),
    pytest.param(4, 4, 4, True, True, id="all-sizes-4"),
    pytest.param(3, 11, 1, False, True, id="1-hidden-no-bias"),
    pytest.param(1, 4, 12, True, False, id="no-state"),
    pytest.param(7, 3, 33, False, False, id="no-bias-no-state"),
]

# steps, batch, input, hidden, layers, biases, initial state
NETWORKS = [
    pytest.param(1, 1, 1, 1, 1, True, True, id="all-sizes-1"),
    pytest.param(13, 3, 5, 12, 1, True, True, id="1-layer-13-steps"),
    pytest.param(13, 1, 11, 7, 2, True, True, id="2-layers-13-steps"),
    pytest.param(5, 3, 11, 12, 3, True, True, id="3-layers"),
    pytest.param(1, 3, 4, 5, 3, True, True, id="3-layers-1-step"),
    pytest.param(7, 15, 1, 1, 2, True, False, id="2-layers-no-state-1-hidden"),
    pytest.param(4, 3, 3, 3, 2, False, True, id="2-layers-no-bias-all-sizes-3"),
    pytest.param(6, 2, 7, 5, 3, False, False, id="3-layers-no-bias-no-state"),
]


def draw_network(rng, steps, batch, inputs, hidden, layers, bias, state):
    """X, the state [h0, c0] or None, and the weights."""
    weights = recurrent_layers(rng, inputs, hidden, layers, bias=bias, gates=4)
    before = [rng.normal(layers, batch, hidden) for _ in range(2)] if state else None
    return rng.normal(steps, batch, inputs), before, weights


@pytest.mark.problem("lstm")
@pytest.mark.parametrize(("batch", "inputs", "hidden", "bias", "state"), CELLS)
def test_lstm_cell_forward(subject, rng, device, batch, inputs, hidden, bias, state):
    """A cell's new h and c are PyTorch's."""
    X, before, layers = draw_network(rng, 1, batch, inputs, hidden, 1, bias, state)
    h, c = (part[0] for part in before) if state else (None, None)
    got = subject(probes.lstm_cell, X[0], h, c, layers[0])
    want = oracle.lstm(X, before, layers)
    assert_close(got.new_h, want.state[0][0])
    assert_close(got.new_c, want.state[1][0])


@pytest.mark.problem("lstm")
@pytest.mark.parametrize(("batch", "inputs", "hidden", "bias", "state"), CELLS)
def test_lstm_cell_backward(subject, rng, device, batch, inputs, hidden, bias, state):
    """The gradients of a cell's input, h, c, weights and biases are PyTorch's."""
    X, before, layers = draw_network(rng, 1, batch, inputs, hidden, 1, bias, state)
    h, c = (part[0] for part in before) if state else (None, None)
    grads = [rng.normal(batch, hidden) for _ in range(2)]
    got = subject(probes.lstm_cell, X[0], h, c, layers[0], output_grads=grads)
    network_grads = [np.zeros((1, batch, hidden)), *(grad[None] for grad in grads)]  # of its output, h_n and c_n
    assert_gradients(got, oracle.cell_gradients(oracle.lstm(X, before, layers, network_grads)))


@pytest.mark.problem("lstm", weight=2)
@pytest.mark.parametrize(("steps", "batch", "inputs", "hidden", "layers", "bias", "state"), NETWORKS)
def test_lstm_network_forward(subject, rng, device, steps, batch, inputs, hidden, layers, bias, state):
    """A network's output at every step, and every layer's last h and c, are PyTorch's."""
    X, before, weights = draw_network(rng, steps, batch, inputs, hidden, layers, bias, state)
    got = subject(probes.lstm, X, *(before or (None, None)), weights)
    want = oracle.lstm(X, before, weights)
    assert_close(got.output, want.output)
    assert_close(got.h_n, want.state[0])
    assert_close(got.c_n, want.state[1])


@pytest.mark.problem("lstm", weight=2)
@pytest.mark.parametrize(("steps", "batch", "inputs", "hidden", "layers", "bias", "state"), NETWORKS)
def test_lstm_network_backward(subject, rng, device, steps, batch, inputs, hidden, layers, bias, state):
    """The gradients of a network's input, initial h and c, weights and biases are PyTorch's."""
    X, before, weights = draw_network(rng, steps, batch, inputs, hidden, layers, bias, state)
    grads = [rng.normal(steps, batch, hidden), *(rng.normal(layers, batch, hidden) for _ in range(2))]
    got = subject(probes.lstm, X, *(before or (None, None)), weights, output_grads=grads)
    assert_gradients(got, oracle.lstm(X, before, weights, grads).gradients)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("used", ["output", "h_n", "c_n"])
def test_lstm_network_backward_from(subject, rng, device, used):
    """The gradients are right where the loss uses the output alone, or the last h, or the last c."""
    X, before, weights = draw_network(rng, 4, 3, 2, 5, 2, True, True)
    shapes = {"output": (4, 3, 5), "h_n": (2, 3, 5), "c_n": (2, 3, 5)}
    grads = [rng.normal(*shape) * (name == used) for name, shape in shapes.items()]
    got = subject(probes.lstm, X, *before, weights, output_grads=grads)
    assert_gradients(got, oracle.lstm(X, before, weights, grads).gradients)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("layers", [1, 2])
def test_lstm_network_forgets(subject, rng, device, layers):
    """Without an initial state a network begins at zero, whatever it read before."""
    X, _, weights = draw_network(rng, 3, 2, 4, 5, layers, True, False)
    got = subject(probes.lstm, X, None, None, weights, earlier=rng.normal(6, 2, 4))
    want = oracle.lstm(X, None, weights)
    assert_close(got.output, want.output)
    assert_close(got.c_n, want.state[1])


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("initial", [True, False], ids=["state", "no-state"])
@pytest.mark.parametrize("layer", ["LSTMCell", "LSTM"], ids=["cell", "network"])
def test_lstm_state_is_a_tuple(subject, device, layer, initial):
    """The state is the tuple (h, c), of tensors on the layer's device."""
    got = subject(probes.kind_of_state, layer=layer, initial=initial)
    assert_same(got.type, "tuple", f"the type of the state that {layer} gives")
    assert_shapes(got.shapes, [(2, 5)] * 2 if layer == "LSTMCell" else [(1, 2, 5)] * 2, "the shapes of (h, c)")
    assert_places(got, device)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_lstm_cell_initial(subject, rng, device, bias):
    """A new cell's weights and biases have the right shapes and are uniform in ±1/sqrt(hidden)."""
    sizes = {"input_size": 31, "hidden_size": 25}
    got = subject(probes.initial_cell, cell="LSTMCell", **sizes, bias=bias, seed=rng.integer(0, 1 << 31))
    shapes = {"W_ih": (31, 100), "W_hh": (25, 100)} | ({"bias_ih": (100,), "bias_hh": (100,)} if bias else {})
    for name, shape in shapes.items():
        assert_uniform(getattr(got, name), shape, 1 / 5, name)
    assert_unlike({name: getattr(got, name) for name in shapes})
    assert_same(got.number_of_parameters, len(shapes), "the number of parameters")
    assert_places(got, device)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_lstm_network_initial(subject, rng, device, bias):
    """A new network's cells have the right shapes, and weights of their own, uniform in ±1/sqrt(hidden)."""
    sizes = {"input_size": 7, "hidden_size": 16, "num_layers": 3}
    got = subject(probes.initial_network, network="LSTM", **sizes, bias=bias, seed=rng.integer(0, 1 << 31))
    shapes = {}
    for k in range(3):
        shapes |= {f"lstm_cells[{k}].W_ih": (16 if k else 7, 64), f"lstm_cells[{k}].W_hh": (16, 64)}
        if bias:
            shapes |= {f"lstm_cells[{k}].bias_ih": (64,), f"lstm_cells[{k}].bias_hh": (64,)}
    assert_same(got.number_of_cells, 3, "the number of lstm_cells")
    for name, shape in shapes.items():
        assert_uniform(getattr(got, name), shape, 1 / 4, name)
    assert_unlike({name: getattr(got, name) for name in shapes})
    assert_same(got.number_of_parameters, len(shapes), "the number of parameters")
    assert_places(got, device)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("layer", ["LSTMCell", "LSTM"], ids=["cell", "network"])
def test_lstm_device(subject, device, layer):
    """A layer keeps to the device it is made for, and so does the zero state that it begins with."""
    assert_places(subject(probes.elsewhere, layer=layer), no_default(device))


@pytest.mark.problem("lstm")
def test_lstm_initial_order(subject, rng, device):
    """Weights are drawn layer by layer, W_ih, W_hh, bias_ih, bias_hh, from NumPy's global generator."""
    seed = rng.integer(0, 1 << 31)
    sizes = {"input_size": 3, "hidden_size": 4, "num_layers": 2}
    got = subject(probes.initial_network, network="LSTM", **sizes, bias=True, seed=seed)
    draws = np.random.RandomState(seed)
    for k in range(2):
        shapes = {"W_ih": (4 if k else 3, 16), "W_hh": (4, 16), "bias_ih": (16,), "bias_hh": (16,)}
        for name, shape in shapes.items():
            assert_close(getattr(got, f"lstm_cells[{k}].{name}"), draws.rand(*shape) - 0.5)


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("shape", [(1,), (7, 3), (3, 1, 31)], ids=["1", "7x3", "3x1x31"])
def test_lstm_sigmoid(subject, rng, device, shape):
    """nn.Sigmoid is 1 / (1 + exp(-x)), and its gradient y * (1 - y)."""
    x, grad = rng.normal(*shape, std=3.0), rng.normal(*shape)
    got = subject(probes.sigmoid, x, grad)
    y = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert_close(got.y, y)
    assert_gradients(got, {"gradient of x": grad * y * (1 - y)})


@pytest.mark.problem("lstm")
@pytest.mark.parametrize("size", [100.0, 1000.0])
def test_lstm_sigmoid_far_out(subject, rng, device, size):
    """nn.Sigmoid is 0 or 1 far from 0, and its gradient 0, without overflow."""
    x = rng.choice([1.0, -1.0]) * np.array([[-size, size, size / 2, -size / 2]], dtype=np.float32)
    got = subject(probes.sigmoid, x, rng.normal(1, 4))
    assert_close(got.y, (x > 0).astype(np.float32))
    assert_gradients(got, {"gradient of x": np.zeros((1, 4))})
