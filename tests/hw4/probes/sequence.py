"""Probes of the recurrent cells and networks, and of the sigmoid.

Weights are sent: a layer is a dict of W_ih, W_hh and, unless it has no biases, bias_ih and bias_hh.
Gradients come back under names such as "gradient of rnn_cells[0].W_ih"; None where nothing reached a parameter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probes._common import no_default, tensor, to_numpy
from probes._layers import assign, backward_all, gradients, places

Layer = dict[str, np.ndarray]


def rnn_cell(needle, device, X, h, weights, *, nonlinearity, output_grad=None):
    """One step of an RNNCell."""
    sizes = (X.shape[1], weights["W_hh"].shape[0])
    cell = needle.nn.RNNCell(*sizes, bias="bias_ih" in weights, nonlinearity=nonlinearity, device=device)
    state = [] if h is None else [h]
    grads = None if output_grad is None else [output_grad]
    return _step(needle, device, cell, X, state, weights, grads)


def lstm_cell(needle, device, X, h, c, weights, *, output_grads=None):
    """One step of an LSTMCell; output_grads are those of h' and c'."""
    cell = needle.nn.LSTMCell(X.shape[1], weights["W_hh"].shape[0], bias="bias_ih" in weights, device=device)
    state = [] if h is None else [h, c]
    return _step(needle, device, cell, X, state, weights, output_grads)


def rnn(needle, device, X, h0, layers, *, nonlinearity, output_grads=None, earlier=None):
    """An RNN over a sequence; output_grads are those of output and h_n. See `_run` for `earlier`."""
    sizes = (X.shape[2], layers[0]["W_hh"].shape[0], len(layers))
    bias = "bias_ih" in layers[0]
    network = needle.nn.RNN(*sizes, bias=bias, nonlinearity=nonlinearity, device=device)
    state = [] if h0 is None else [h0]
    return _run(needle, device, network, "rnn_cells", X, state, layers, output_grads, earlier)


def lstm(needle, device, X, h0, c0, layers, *, output_grads=None, earlier=None):
    """An LSTM over a sequence; output_grads are those of output, h_n and c_n. See `_run` for `earlier`."""
    sizes = (X.shape[2], layers[0]["W_hh"].shape[0], len(layers))
    network = needle.nn.LSTM(*sizes, bias="bias_ih" in layers[0], device=device)
    state = [] if h0 is None else [h0, c0]
    return _run(needle, device, network, "lstm_cells", X, state, layers, output_grads, earlier)


def sigmoid(needle, device, x, output_grad):
    """nn.Sigmoid and its gradient."""
    x = tensor(needle, device, x)
    y = needle.nn.Sigmoid()(x)
    value = to_numpy(y)
    backward_all(needle, device, [y], [output_grad])
    return {"y": value, **gradients({"x": x})}


def initial_cell(needle, device, *, cell, input_size, hidden_size, bias, seed):
    """The weights of a new cell, drawn after NumPy's global generator was seeded."""
    np.random.seed(seed)
    layer = getattr(needle.nn, cell)(input_size, hidden_size, bias=bias, device=device)
    return {
        **{name: to_numpy(weight) for name, weight in _weights(layer).items()},
        "number_of_parameters": len(layer.parameters()),
        **places(layer.parameters()),
    }


def initial_network(needle, device, *, network, input_size, hidden_size, num_layers, bias, seed):
    """The weights of a new network, drawn after NumPy's global generator was seeded."""
    np.random.seed(seed)
    layer = getattr(needle.nn, network)(input_size, hidden_size, num_layers, bias=bias, device=device)
    cells_name = f"{network.lower()}_cells"
    cells = getattr(layer, cells_name)
    named = {f"{cells_name}[{k}]": _weights(cell) for k, cell in enumerate(cells)}
    return {
        **{f"{cell}.{name}": to_numpy(w) for cell, weights in named.items() for name, w in weights.items()},
        "number_of_cells": len(cells),
        "number_of_parameters": len(layer.parameters()),
        **places(layer.parameters()),
    }


def elsewhere(needle: Any, device: Any, *, layer: str) -> dict[str, Any]:
    """A layer made for a device that is no default, run without a state: where its parameters and outputs are."""
    place = no_default(needle, device)
    made = getattr(needle.nn, layer)(3, 5, device=place)
    shape = (2, 3) if layer.endswith("Cell") else (4, 2, 3)
    outputs = _flat(made(tensor(needle, place, np.ones(shape, dtype=np.float32))))
    return places([*made.parameters(), *outputs])


def kind_of_state(needle, device, *, layer, initial):
    """How an LSTM or its cell gives its state: the type's name, and the shapes, device and dtype of its parts."""
    zeros = needle.init.zeros
    if layer == "LSTMCell":
        x, state = zeros(2, 3, device=device), [zeros(2, 5, device=device) for _ in range(2)]
        state = needle.nn.LSTMCell(3, 5, device=device)(x, *((tuple(state),) if initial else ()))
    else:
        x, state = zeros(4, 2, 3, device=device), [zeros(1, 2, 5, device=device) for _ in range(2)]
        _, state = needle.nn.LSTM(3, 5, device=device)(x, *((tuple(state),) if initial else ()))
    parts = _parts(state)
    return {"type": type(state).__name__, "shapes": [list(part.shape) for part in parts], **places(parts)}


def _step(
    needle: Any,
    device: Any,
    cell: Any,
    X: np.ndarray,
    state: list[np.ndarray],
    weights: Layer,
    output_grads: list[np.ndarray] | None,
) -> dict[str, Any]:
    """The cell's new state as new_h, new_c, and with output_grads the gradients of the inputs and the weights."""
    parameters = {name: getattr(cell, name) for name in weights}
    for name, value in weights.items():
        assign(needle, device, name, parameters[name], value)
    x, *before = (tensor(needle, device, array) for array in (X, *state))
    results = _parts(cell(x, *_state_argument(before)))
    answer = {f"new_{name}": to_numpy(part) for name, part in zip("hc", results, strict=False)}
    if output_grads is not None:
        backward_all(needle, device, results, output_grads)
        inputs = dict(zip(("X", "h", "c"), [x, *before], strict=False))
        answer.update(gradients({**inputs, **parameters}, weights))
    return answer


def _run(
    needle: Any,
    device: Any,
    network: Any,
    cells_name: str,
    X: np.ndarray,
    state: list[np.ndarray],
    layers: list[Layer],
    output_grads: list[np.ndarray] | None,
    earlier: np.ndarray | None,
) -> dict[str, Any]:
    """The network's output, h_n, c_n, and with output_grads the gradients of the inputs and the weights.

    earlier: a sequence that the same network reads first, which must not matter.
    """
    values, parameters = {}, {}
    cells = getattr(network, cells_name)
    if len(cells) != len(layers):
        raise ValueError(f"{cells_name} has {len(cells)} cells; expected {len(layers)}, one a layer")
    for k, weights in enumerate(layers):
        for name, value in weights.items():
            full_name = f"{cells_name}[{k}].{name}"
            values[full_name], parameters[full_name] = value, getattr(cells[k], name)
            assign(needle, device, full_name, parameters[full_name], value)
    if earlier is not None:
        network(tensor(needle, device, earlier))
    x, *before = (tensor(needle, device, array) for array in (X, *state))
    output, after = network(x, *_state_argument(before))
    results = [output, *_parts(after)]
    answer = {name: to_numpy(part) for name, part in zip(("output", "h_n", "c_n"), results, strict=False)}
    if output_grads is not None:
        backward_all(needle, device, results, output_grads)
        inputs = dict(zip(("X", "h0", "c0"), [x, *before], strict=False))
        answer.update(gradients({**inputs, **parameters}, values))
    return answer


def _state_argument(state: list[Any]) -> list[Any]:
    """The state as a layer's second argument: nothing, h, or the tuple (h, c)."""
    return [tuple(state)] if len(state) == 2 else state


def _parts(state: Any) -> list[Any]:
    return list(state) if isinstance(state, (tuple, list)) else [state]


def _flat(outputs: Any) -> list[Any]:
    return [leaf for part in _parts(outputs) for leaf in (_flat(part) if isinstance(part, (tuple, list)) else [part])]


def _weights(cell: Any) -> dict[str, Any]:
    named = {name: getattr(cell, name, None) for name in ("W_ih", "W_hh", "bias_ih", "bias_hh")}
    return {name: weight for name, weight in named.items() if weight is not None}
