"""Initial weights, scaled so that signals keep their size from layer to layer.

Xavier: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
Kaiming: He et al., "Delving deep into rectifiers", 2015.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Tensor
from .init_basic import rand, randn


def _calculate_fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: how many inputs an output sums, how many outputs an input goes to.

    A linear weight has shape (in, out). A convolution's has (K, K, C_in, C_out): its two fans are the numbers
    of channels, times the receptive field K*K. Example: (3, 3, 8, 16) -> (72, 144).

    Raises:
        ValueError: the shape has fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"_calculate_fans: shape is {shape}; expected two axes or more: (..., in, out).")
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("_calculate_fans is yours to write (python/needle/init/init_initializers.py)")
    ### END YOUR SOLUTION


def xavier_uniform(
    fan_in: int | None = None,
    fan_out: int | None = None,
    gain: float = 1.0,
    shape: tuple[int, ...] | None = None,
    **kwargs: Any,
) -> Tensor:
    """Uniform in ±a, a = gain * sqrt(6 / (fan_in + fan_out)).

    Args:
        fan_in: how many inputs an output sums; default: as `shape` says.
        fan_out: how many outputs an input goes to; default: as `shape` says.
        gain: what the layer's nonlinearity takes from a signal, to be given back.
        shape: of the result; default: (fan_in, fan_out).
        kwargs: passed on to `rand`: device, dtype, requires_grad.
    """
    fan_in, fan_out, shape = _fans_and_shape("xavier_uniform", fan_in, fan_out, shape)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("xavier_uniform is yours to write (python/needle/init/init_initializers.py)")
    ### END YOUR SOLUTION


def xavier_normal(
    fan_in: int | None = None,
    fan_out: int | None = None,
    gain: float = 1.0,
    shape: tuple[int, ...] | None = None,
    **kwargs: Any,
) -> Tensor:
    """Normal with mean 0 and standard deviation gain * sqrt(2 / (fan_in + fan_out)).

    Arguments as for xavier_uniform.
    """
    fan_in, fan_out, shape = _fans_and_shape("xavier_normal", fan_in, fan_out, shape)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("xavier_normal is yours to write (python/needle/init/init_initializers.py)")
    ### END YOUR SOLUTION


def kaiming_uniform(
    fan_in: int | None = None,
    fan_out: int | None = None,
    shape: tuple[int, ...] | None = None,
    nonlinearity: str = "relu",
    **kwargs: Any,
) -> Tensor:
    """Uniform in ±a, a = gain * sqrt(3 / fan_in), with gain = sqrt(2), which suits ReLU.

    Args:
        fan_in: how many inputs an output sums, for a convolution C_in*K*K; default: as `shape` says.
        fan_out: how many outputs an input goes to, for a convolution C_out*K*K; default: as `shape` says.
        shape: of the result; default: (fan_in, fan_out).
        nonlinearity: only "relu".
        kwargs: passed on to `rand`: device, dtype, requires_grad.
    """
    _check_nonlinearity("kaiming_uniform", nonlinearity)
    fan_in, fan_out, shape = _fans_and_shape("kaiming_uniform", fan_in, fan_out, shape)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("kaiming_uniform is yours to write (python/needle/init/init_initializers.py)")
    ### END YOUR SOLUTION


def kaiming_normal(
    fan_in: int | None = None,
    fan_out: int | None = None,
    shape: tuple[int, ...] | None = None,
    nonlinearity: str = "relu",
    **kwargs: Any,
) -> Tensor:
    """Normal with mean 0 and standard deviation gain / sqrt(fan_in), with gain = sqrt(2).

    Arguments as for kaiming_uniform.
    """
    _check_nonlinearity("kaiming_normal", nonlinearity)
    fan_in, fan_out, shape = _fans_and_shape("kaiming_normal", fan_in, fan_out, shape)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("kaiming_normal is yours to write (python/needle/init/init_initializers.py)")
    ### END YOUR SOLUTION


def _check_nonlinearity(name: str, nonlinearity: str) -> None:
    if nonlinearity != "relu":
        raise ValueError(f"{name}: nonlinearity is {nonlinearity!r}; expected 'relu', the only one there is.")


def _fans_and_shape(
    name: str, fan_in: int | None, fan_out: int | None, shape: tuple[int, ...] | None
) -> tuple[int, int, tuple[int, ...]]:
    """The arguments with their defaults filled in from each other."""
    if (fan_in is None) != (fan_out is None) or (fan_in is None and shape is None):
        raise ValueError(
            f"{name}: got fan_in={fan_in}, fan_out={fan_out}, shape={shape}; expected both fans, or a shape."
        )
    if fan_in is None:
        fan_in, fan_out = _calculate_fans(shape)
    if fan_in <= 0 or fan_out <= 0:
        raise ValueError(f"{name}: fan_in is {fan_in} and fan_out {fan_out}; expected positive numbers.")
    return fan_in, fan_out, (fan_in, fan_out) if shape is None else tuple(shape)
