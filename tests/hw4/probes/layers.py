"""The layers that ResNet9 is made of, one at a time, and its loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes import _common, _network
from probes._common import gradient, tensor, to_numpy
from probes._layers import assign, history

Values = dict[str, np.ndarray]


def linear(needle: Any, device: Any, x: np.ndarray, weights: Values, out_grad: np.ndarray) -> dict[str, Any]:
    """nn.Linear with these weights: its output, and the gradients of sum(output * out_grad)."""
    inputs, outputs = weights["weight"].shape
    layer = needle.nn.Linear(inputs, outputs, bias="bias" in weights, device=device)
    return _differentiated(needle, device, layer, x, [weights], out_grad)


def flatten(needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """nn.Flatten and nn.ReLU, one after the other."""
    return _differentiated(needle, device, needle.nn.Sequential(needle.nn.Flatten(), needle.nn.ReLU()), x, [], out_grad)


def tanh(needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """nn.Tanh."""
    return _differentiated(needle, device, needle.nn.Tanh(), x, [], out_grad)


def residual(needle: Any, device: Any, x: np.ndarray, weights: list[Values], out_grad: np.ndarray) -> dict[str, Any]:
    """Residual(Sequential(Linear, ReLU, Linear)), and after it a Linear."""
    nn = needle.nn
    sizes = [values["weight"].shape for values in weights]
    inner = nn.Sequential(nn.Linear(*sizes[0], device=device), nn.ReLU(), nn.Linear(*sizes[1], device=device))
    network = nn.Sequential(nn.Residual(inner), nn.Linear(*sizes[2], device=device))
    result = _differentiated(needle, device, network, x, weights, out_grad)
    return {**result, "parameters": sorted(int(np.prod(parameter.shape)) for parameter in network.parameters())}


def batchnorm(
    needle: Any,
    device: Any,
    layer: str,
    batches: list[np.ndarray],
    modes: list[str],
    weights: Values,
    out_grad: np.ndarray,
    **options: float,
) -> dict[str, Any]:
    """nn.BatchNorm1d or 2d over the batches, each in its mode ("train", "eval"); gradients through the last one."""
    norm = getattr(needle.nn, layer)(len(weights["weight"]), device=device, **options)
    _network.load(needle, device, norm, [weights])
    outputs, statistics, remembered = [], [], []
    for batch, mode in zip(batches, modes, strict=True):
        getattr(norm, mode)()
        x = tensor(needle, device, batch)
        out = norm(x)
        outputs.append(to_numpy(out))
        statistics += _network.statistics(needle, norm)
        remembered.append(history(needle, norm))
    answer = {
        "outputs": outputs,
        "history": remembered,
        "running_mean": [found["mean"] for found in statistics],
        "running_var": [found["var"] for found in statistics],
    }
    if _common.backward(needle, device, out, out_grad):
        answer |= {"x_grad": gradient(x, "x"), **_weight_gradients(needle, norm, [weights])[0]}
    return answer


def layernorm(
    needle: Any, device: Any, x: np.ndarray, weights: Values, out_grad: np.ndarray, **options: float
) -> dict[str, Any]:
    """nn.LayerNorm1d with these weights: its output, and the gradients of sum(output * out_grad)."""
    layer = needle.nn.LayerNorm1d(x.shape[1], device=device, **options)
    for name, value in weights.items():
        assign(needle, device, name, getattr(layer, name), value)
    x_ = tensor(needle, device, x)
    out = layer(x_)
    if not _common.backward(needle, device, out, out_grad):
        return {"out": to_numpy(out)}
    grads = {f"{name}_grad": gradient(getattr(layer, name), name).reshape(-1) for name in weights}
    return {"out": to_numpy(out), "x_grad": gradient(x_, "x"), **grads}


def dropout(
    needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray, *, p: float, mode: str, seed: int
) -> dict[str, Any]:
    """nn.Dropout(p) in the mode "train" or "eval": two outputs in a row, and the gradient through the second.

    NumPy's global generator is seeded before.
    """
    layer = needle.nn.Dropout(p)
    getattr(layer, mode)()
    np.random.seed(seed)
    first, x_ = to_numpy(layer(tensor(needle, device, x))), tensor(needle, device, x)
    out = layer(x_)
    if not _common.backward(needle, device, out, out_grad):
        return {"first": first, "out": to_numpy(out)}
    return {"first": first, "out": to_numpy(out), "x_grad": gradient(x_, "x")}


def softmax_loss(needle: Any, device: Any, logits: np.ndarray, y: np.ndarray, scale: float) -> dict[str, Any]:
    """nn.SoftmaxLoss, and the gradient of scale * loss with respect to the logits."""
    logits_ = tensor(needle, device, logits)
    loss = needle.nn.SoftmaxLoss()(logits_, tensor(needle, device, y, requires_grad=False))
    (loss * scale).backward()
    return {"loss": to_numpy(loss), "logits_grad": gradient(logits_, "the logits")}


def initial(needle: Any, device: Any, layer: str, arguments: list[int], seed: int) -> dict[str, Any]:
    """A new layer's parameters, with NumPy's global generator seeded before, and its running statistics."""
    np.random.seed(seed)
    made = getattr(needle.nn, layer)(*arguments, device=device)
    answer = {name: to_numpy(getattr(made, name)) for name in ("weight", "bias")}
    for name in ("running_mean", "running_var"):
        if hasattr(made, name):
            answer[name] = to_numpy(getattr(made, name)).reshape(-1)
    return {**answer, "parameters": [int(np.prod(parameter.shape)) for parameter in made.parameters()]}


def _differentiated(
    needle: Any, device: Any, network: Any, x: np.ndarray, weights: list[Values], out_grad: np.ndarray
) -> dict[str, Any]:
    _network.load(needle, device, network, weights)
    x_ = tensor(needle, device, x)
    out = network(x_)
    if not _common.backward(needle, device, out, out_grad):
        return {"out": to_numpy(out)}
    return {
        "out": to_numpy(out),
        "x_grad": gradient(x_, "x"),
        "layers": _weight_gradients(needle, network, weights),
    }


def _weight_gradients(needle: Any, network: Any, weights: list[Values]) -> list[Values]:
    """{"weight_grad": ..., "bias_grad": ...} of every layer."""
    found = _network.gradients(needle, network, weights)
    return [{f"{name}_grad": value for name, value in layer.items()} for layer in found]
