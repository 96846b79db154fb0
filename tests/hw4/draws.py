"""Random inputs that several test files share."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from grader.inputs import Inputs

Layer = dict[str, npt.NDArray[Any]]


def recurrent_layers(
    rng: Inputs, inputs: int, hidden: int, layers: int, *, bias: bool = True, gates: int = 1
) -> list[Layer]:
    """Weights of a recurrent network in needle's layout, for an LSTM with gates=4.

    Sums of the size of 1, so that activations are neither linear nor saturated, and biases that matter and differ.
    """
    drawn = []
    for k in range(layers):
        rows = inputs if k == 0 else hidden
        layer = {
            "W_ih": rng.normal(rows, gates * hidden, std=rows**-0.5),
            "W_hh": rng.normal(hidden, gates * hidden, std=hidden**-0.5),
        }
        if bias:
            layer |= {f"bias_{of}": rng.normal(gates * hidden, std=0.5) for of in ("ih", "hh")}
        drawn.append(layer)
    return drawn
