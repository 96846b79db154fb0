"""What recurrent networks must give: PyTorch's, in float64, with the weights that the submission was given.

Weights are in needle's layout: W_ih (input, hidden), W_hh (hidden, hidden), and for the LSTM four times as wide in the
gate order i, f, g, o, which is PyTorch's too. PyTorch keeps both matrices transposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

torch.set_num_threads(1)

Array = npt.NDArray[Any]
Layer = Mapping[str, Array]  # W_ih, W_hh, and with biases bias_ih, bias_hh
WEIGHTS = {"W_ih": "weight_ih", "W_hh": "weight_hh", "bias_ih": "bias_ih", "bias_hh": "bias_hh"}


@dataclass(frozen=True)
class Network:
    """What a recurrent network gives."""

    output: Array  # (seq, batch, hidden)
    state: list[Array]  # [h_n], or for the LSTM [h_n, c_n]; each (layers, batch, hidden)
    gradients: dict[str, Array]  # "gradient of X" and so on -> array; empty where no output gradient was given


def rnn(
    X: Array,
    state: Sequence[Array] | None,
    layers: Sequence[Layer],
    output_grads: Sequence[Array] | None = None,
    *,
    nonlinearity: str = "tanh",
) -> Network:
    """The outputs of an RNN, and the gradients of sum(output * output_grads[0]) + sum(h_n * output_grads[1]).

    X (seq, batch, input); state [h0 (layers, batch, hidden)] or None for zeros.
    """
    return _run(module(torch.nn.RNN, layers, nonlinearity=nonlinearity), "rnn_cells", X, state, output_grads)


def lstm(
    X: Array, state: Sequence[Array] | None, layers: Sequence[Layer], output_grads: Sequence[Array] | None = None
) -> Network:
    """Like `rnn`; state is [h0, c0] or None, and output_grads are those of output, h_n and c_n."""
    return _run(module(torch.nn.LSTM, layers), "lstm_cells", X, state, output_grads)


def module(kind: Any, layers: Sequence[Layer], **options: Any) -> Any:
    """torch.nn.RNN or torch.nn.LSTM with these weights."""
    inputs, hidden = layers[0]["W_ih"].shape[0], layers[0]["W_hh"].shape[0]
    module = kind(inputs, hidden, len(layers), bias="bias_ih" in layers[0], dtype=torch.float64, **options)
    with torch.no_grad():
        for k, layer in enumerate(layers):
            for name, value in layer.items():
                getattr(module, f"{WEIGHTS[name]}_l{k}").copy_(torch.from_numpy(value.T))
    return module


def cell_gradients(network: Network) -> dict[str, Array]:
    """The gradients of a network of one layer over one step, under the names and in the shapes of its cell's."""
    named = {}
    for name, value in network.gradients.items():
        cell_name = name.replace("rnn_cells[0].", "").replace("lstm_cells[0].", "").replace("0", "")
        named[cell_name] = value if value.ndim < 3 else value[0]
    return named


def smallest_input_of_relu(X: Array, h0: Array | None, layers: Sequence[Layer]) -> float:
    """How near an RNN with relu comes to the kink: its smallest |x W_ih + b_ih + h W_hh + b_hh|."""
    smallest = np.inf
    sequence = X.astype(np.float64)
    for k, layer in enumerate(layers):
        h = np.zeros((X.shape[1], layer["W_hh"].shape[0])) if h0 is None else h0[k].astype(np.float64)
        outputs = []
        for x in sequence:
            total = x @ layer["W_ih"] + h @ layer["W_hh"] + layer.get("bias_ih", 0) + layer.get("bias_hh", 0)
            smallest = min(smallest, float(np.abs(total).min()))
            h = np.maximum(total, 0)
            outputs.append(h)
        sequence = np.stack(outputs)
    return smallest


def double(array: Array, *, needs_grad: bool = True) -> torch.Tensor:
    """The array as a leaf of float64."""
    return torch.tensor(array, dtype=torch.float64, requires_grad=needs_grad)


def _run(
    module: Any, cells: str, X: Array, state: Sequence[Array] | None, output_grads: Sequence[Array] | None
) -> Network:
    x = double(X)
    before = [double(part) for part in state or ()]
    output, after = module(x, None if not before else before[0] if len(before) == 1 else tuple(before))
    results = [output, *(after if isinstance(after, tuple) else (after,))]
    gradients: dict[str, Array] = {}
    if output_grads is not None:
        torch.autograd.backward(results, [double(grad, needs_grad=False) for grad in output_grads])
        leaves = {"X": x, **dict(zip(("h0", "c0"), before, strict=False))}
        gradients = {f"gradient of {name}": leaf.grad.numpy() for name, leaf in leaves.items()}
        for k in range(module.num_layers):
            for name, torch_name in WEIGHTS.items():
                if (weight := getattr(module, f"{torch_name}_l{k}", None)) is not None:
                    gradients[f"gradient of {cells}[{k}].{name}"] = weight.grad.numpy().T
    values = [result.detach().numpy() for result in results]
    return Network(values[0], values[1:], gradients)
