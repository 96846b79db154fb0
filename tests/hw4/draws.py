"""Random inputs that several test files share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from grader.inputs import Inputs

Layer = dict[str, npt.NDArray[Any]]


def recurrent_layers(
    rng: Inputs, inputs: int, hidden: int, layers: int, *, bias: bool = True, gates: int = 1
) -> list[Layer]:
    """Weights of a recurrent network in needle's layout, for an LSTM with gates=4.

    Sums of the size of 1, so that activations are neither linear nor saturated, and biases that matter and differ. An
    RNN's matrices make no state larger, on its way through the steps and the layers: with a weight of 1.5 seven steps
    would multiply a rounding error by 11. An LSTM's gates are below 1 by themselves.
    """
    drawn = []
    for k in range(layers):
        rows = inputs if k == 0 else hidden
        layer = {
            "W_ih": rng.normal(rows, gates * hidden, std=rows**-0.5),
            "W_hh": rng.normal(hidden, gates * hidden, std=hidden**-0.5),
        }
        if gates == 1:
            layer["W_hh"] = _not_enlarging(layer["W_hh"])
            layer["W_ih"] = layer["W_ih"] if k == 0 else _not_enlarging(layer["W_ih"])
        if bias:
            layer |= {f"bias_{of}": rng.normal(gates * hidden, std=0.5) for of in ("ih", "hh")}
        drawn.append(layer)
    return drawn


def _not_enlarging(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The matrix divided by its largest singular value where that is above 1."""
    return matrix / np.float32(max(1.0, np.linalg.norm(matrix.astype(np.float64), ord=2)))
