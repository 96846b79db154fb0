"""Convolution: the op, the layer, and the weights that the layer begins with."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes import _common
from probes._common import gradient, tensor, to_numpy
from probes._layers import assign


def conv_forward(
    needle: Any,
    device: Any,
    z: np.ndarray,
    w: np.ndarray,
    *,
    stride: int,
    padding: int,
    layout: str = "compact",
    **options: int,
) -> dict[str, Any]:
    """needle.ops.conv(z, w)."""
    z_, w_ = tensor(needle, device, z, layout=layout), tensor(needle, device, w, layout=layout)
    return {"out": to_numpy(needle.ops.conv(z_, w_, stride=stride, padding=padding, **options))}


def conv_backward(
    needle: Any,
    device: Any,
    z: np.ndarray,
    w: np.ndarray,
    out_grad: np.ndarray,
    *,
    stride: int,
    padding: int,
    layout: str = "compact",
    **options: int,
) -> dict[str, Any]:
    """The gradients of sum(conv(z, w) * out_grad)."""
    z_, w_ = tensor(needle, device, z, layout=layout), tensor(needle, device, w, layout=layout)
    out = needle.ops.conv(z_, w_, stride=stride, padding=padding, **options)
    if not _common.backward(needle, device, out, out_grad):
        return {"out": to_numpy(out)}
    return {"out": to_numpy(out), "z_grad": gradient(z_, "z"), "w_grad": gradient(w_, "w")}


def conv_backward_one(
    needle: Any,
    device: Any,
    z: np.ndarray,
    w: np.ndarray,
    out_grad: np.ndarray,
    *,
    stride: int,
    padding: int,
    wanted: str,
) -> dict[str, Any]:
    """The gradient of only z or w, the other being a constant."""
    z_, w_ = tensor(needle, device, z, wanted == "z"), tensor(needle, device, w, wanted == "w")
    out = needle.ops.conv(z_, w_, stride=stride, padding=padding)
    if not _common.backward(needle, device, out, out_grad):
        return {"out": to_numpy(out)}
    return {"out": to_numpy(out), "grad": gradient(z_ if wanted == "z" else w_, wanted)}


def nn_conv_forward(
    needle: Any, device: Any, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, *, stride: int
) -> dict[str, Any]:
    """nn.Conv with these weights, applied to x (N, C_in, H, W)."""
    return {"out": to_numpy(_layer(needle, device, weight, bias, stride)(tensor(needle, device, x)))}


def nn_conv_backward(
    needle: Any,
    device: Any,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out_grad: np.ndarray,
    *,
    stride: int,
) -> dict[str, Any]:
    """The gradients of sum(nn.Conv(x) * out_grad)."""
    layer, x_ = _layer(needle, device, weight, bias, stride), tensor(needle, device, x)
    out = layer(x_)
    if not _common.backward(needle, device, out, out_grad):
        return {"out": to_numpy(out)}
    grads = {"x_grad": gradient(x_, "x"), "weight_grad": gradient(layer.weight, "weight")}
    if bias is not None:
        # A bias of shape (1, n) where (n,) was asked for works just as well; the tests of the initial weights judge it.
        grads["bias_grad"] = gradient(layer.bias, "bias").reshape(-1)
    return {"out": to_numpy(out), **grads}


def nn_conv_initial(
    needle: Any, device: Any, in_channels: int, out_channels: int, kernel_size: int, bias: bool, seed: int
) -> dict[str, Any]:
    """A new nn.Conv's parameters, with NumPy's global generator seeded before."""
    np.random.seed(seed)
    layer = needle.nn.Conv(in_channels, out_channels, kernel_size, bias=bias, device=device)
    return {
        "weight": to_numpy(layer.weight),
        "bias": None if layer.bias is None else to_numpy(layer.bias),
        "parameters": sorted(int(np.prod(parameter.shape)) for parameter in layer.parameters()),
    }


def initial(
    needle: Any, device: Any, function: str, fan_in: int, fan_out: int, seed: int, **options: Any
) -> dict[str, Any]:
    """init.<function>(fan_in, fan_out, ...), with NumPy's global generator seeded before."""
    np.random.seed(seed)
    arguments = {name: _common.tuples(value) for name, value in options.items()}
    return {"weight": to_numpy(getattr(needle.init, function)(fan_in, fan_out, device=device, **arguments))}


def fans(needle: Any, device: Any, shape: list[int]) -> dict[str, Any]:
    """(fan_in, fan_out) that init._calculate_fans gives for a weight's shape."""
    return {"fans": [float(fan) for fan in needle.init._calculate_fans(tuple(shape))]}


def _layer(needle: Any, device: Any, weight: np.ndarray, bias: np.ndarray | None, stride: int) -> Any:
    size, _, channels_in, channels_out = weight.shape
    layer = needle.nn.Conv(
        channels_in, channels_out, size, stride=stride, bias=bias is not None, device=device, dtype="float32"
    )
    assign(needle, device, "Conv.weight", layer.weight, weight)
    if bias is not None:
        assign(needle, device, "Conv.bias", layer.bias, bias)
    return layer
