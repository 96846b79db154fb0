"""Networks of PyTorch modules that are twins of needle's: the same layers, with weights in needle's layouts.

The weights of a network are a list with one dict a layer that has any, in the data's way through it:
{"weight": ..., "bias": ...}, without "bias" where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from oracle.calculus import Array, Derivatives, Draw, differentiate, gradient_of
from oracle.conv import conv2d

Weights = Sequence[dict[str, Array]]
T = TypeVar("T")
R = TypeVar("R")

# Where the input of a ReLU is nearer to 0 than its rounding error, a right program may take the other side, and one of
# 26,000 activations then has another slope: in 1 of 120 runs of ResNet9 that changed a gradient by a tenth. The
# rounding errors are 1e-6 to 5e-6. Once an optimizer has taken a step, the weights differ by rounding, too, and the
# errors are four times as large (docs/tolerances.md): that came to light in 1 of 500 runs.
SAFE = 2e-5
AFTER_A_STEP = 4.0
ATTEMPTS = 300


class Conv(torch.nn.Module):
    """needle's nn.Conv: weight (K, K, C_in, C_out), padding (K - 1) // 2."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        shape = (kernel_size, kernel_size, channels_in, channels_out)
        self.fan_in, self.stride, self.padding = channels_in * kernel_size**2, stride, (kernel_size - 1) // 2
        self.weight = _empty(*shape)
        self.bias = _empty(channels_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(x, self.weight, self.stride, self.padding) + self.bias.reshape(1, -1, 1, 1)


class Linear(torch.nn.Module):
    """needle's nn.Linear: weight (in, out), bias (1, out)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.fan_in = inputs
        self.weight = _empty(inputs, outputs)
        self.bias = _empty(1, outputs) if bias else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class BatchNorm(torch.nn.Module):
    """needle's BatchNorm1d and 2d: over every axis but the second. Its running variance is biased, unlike PyTorch's."""

    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.weight, self.bias = _empty(dim), _empty(dim)
        self.eps, self.momentum = eps, momentum
        self.running_mean = torch.zeros(dim, dtype=torch.float64)
        self.running_var = torch.ones(dim, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, var = self.running_mean, self.running_var
        if self.training:
            axes = [axis for axis in range(x.ndim) if axis != 1]
            mean, var = x.mean(dim=axes), x.var(dim=axes, unbiased=False)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.detach()
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.detach()
        shape = (1, -1) + (1,) * (x.ndim - 2)
        normal = (x - mean.reshape(shape)) / (var.reshape(shape) + self.eps).sqrt()
        return normal * self.weight.reshape(shape) + self.bias.reshape(shape)


class ReLU(torch.nn.Module):
    """Remembers how near its inputs came to the kink, as a multiple of SAFE."""

    nearest = float("inf")
    error = 1.0  # of its inputs, as a multiple of what it is before any step

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.nearest = min(self.nearest, float(x.detach().abs().min()) / (SAFE * self.error))
        return torch.relu(x)


class Residual(torch.nn.Module):
    """fn(x) + x."""

    def __init__(self, fn: torch.nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fn(x) + x


@dataclass(frozen=True)
class Statistics:
    """The running statistics of a BatchNorm."""

    mean: Array
    var: Array


@dataclass(frozen=True)
class Normalised:
    """What a BatchNorm does to batches, one after the other."""

    outputs: list[Array]  # one a batch
    statistics: list[Statistics]  # after each batch
    last: Derivatives  # of the last batch's output
    weight_grad: Array  # through the last batch
    bias_grad: Array


def weighted(network: torch.nn.Module) -> Iterator[Conv | Linear | BatchNorm]:
    """The layers with weights, in the data's way."""
    return (module for module in network.modules() if isinstance(module, (Conv, Linear, BatchNorm)))


def draw_weights(network: torch.nn.Module, normal: Draw, uniform: Draw) -> list[dict[str, Array]]:
    """Random weights of sensible sizes: signals keep their scale, and no weight or bias is where it begins."""
    drawn = []
    for layer in weighted(network):
        shape = tuple(layer.weight.shape)
        if isinstance(layer, BatchNorm):
            weights = {"weight": uniform(*shape, low=0.5, high=1.5), "bias": normal(*shape, std=0.3)}
        else:
            weights = {"weight": normal(*shape, std=(2 / layer.fan_in) ** 0.5)}
            if layer.bias is not None:
                weights["bias"] = normal(*layer.bias.shape, std=0.3)
        drawn.append(weights)
    return drawn


def load(network: torch.nn.Module, weights: Weights) -> None:
    """Give the network's layers these weights."""
    for layer, values in zip(weighted(network), weights, strict=True):
        with torch.no_grad():
            for name, value in values.items():
                getattr(layer, name).copy_(torch.from_numpy(value))


def values(network: torch.nn.Module) -> list[dict[str, Array]]:
    """The network's weights now."""
    return [
        {name: parameter.detach().numpy().copy() for name, parameter in layer.named_parameters(recurse=False)}
        for layer in weighted(network)
    ]


def gradients(network: torch.nn.Module) -> list[dict[str, Array]]:
    """What backward() left in the network's weights."""
    return [
        {name: parameter.grad.numpy().copy() for name, parameter in layer.named_parameters(recurse=False)}
        for layer in weighted(network)
    ]


def statistics(network: torch.nn.Module) -> list[Statistics]:
    """The running statistics of every BatchNorm."""
    norms = (layer for layer in weighted(network) if isinstance(layer, BatchNorm))
    return [Statistics(norm.running_mean.numpy(), norm.running_var.numpy()) for norm in norms]


def safe(network: torch.nn.Module) -> bool:
    """Whether the inputs of all ReLUs were far enough from 0 since the network was made; see SAFE."""
    return all(module.nearest > 1 for module in network.modules() if isinstance(module, ReLU))


def note_a_step(network: torch.nn.Module) -> None:
    """An optimizer has changed the weights; see AFTER_A_STEP."""
    for module in network.modules():
        if isinstance(module, ReLU):
            module.error = AFTER_A_STEP


def differentiated(network: torch.nn.Module, weights: Weights, x: Array, draw: Draw) -> Derivatives:
    """The network with these weights at x; their gradients are then those that `gradients` gives."""
    load(network, weights)
    network.zero_grad()
    return differentiate(network, [x], draw)


def normalise(
    norm: BatchNorm, weights: Weights, batches: Sequence[Array], modes: Sequence[str], draw: Draw
) -> Normalised:
    """`norm` with these weights over the batches, each in its mode: "train" or "eval"."""
    outputs, statistics_after = [], []
    for batch, mode in zip(batches, modes, strict=True):
        norm.train(mode == "train")
        last = differentiated(norm, weights, batch, draw)
        outputs.append(last.value)
        statistics_after += statistics(norm)
    (found,) = gradients(norm)
    return Normalised(outputs, statistics_after, last, found["weight"], found["bias"])


def layernorm(x: Array, weights: dict[str, Array], draw: Draw, eps: float = 1e-5) -> Derivatives:
    """needle's LayerNorm1d of x (batch, dim) with these weights: the gradients are those of x, weight and bias."""

    def normal(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.layer_norm(x, x.shape[1:], weight, bias, eps)

    return differentiate(normal, [x, weights["weight"], weights["bias"]], draw)


def residual_network(inputs: int, hidden: int, outputs: int) -> torch.nn.Module:
    """Residual(Linear, ReLU, Linear), and a Linear after it."""
    inner = torch.nn.Sequential(Linear(inputs, hidden), ReLU(), Linear(hidden, inputs))
    return torch.nn.Sequential(Residual(inner), Linear(inputs, outputs))


def undisturbed(draw: Callable[[], T], run: Callable[[T], tuple[R, bool]]) -> tuple[T, R]:
    """Inputs, drawn anew until `run` says that rounding cannot change its result by much; and that result."""
    for _ in range(ATTEMPTS):
        inputs = draw()
        result, safe = run(inputs)
        if safe:
            return inputs, result
    raise RuntimeError(f"no inputs that rounding leaves alone in {ATTEMPTS} attempts; expected some in 10 or 20")


def softmax_loss(logits: Array, y: Array, scale: float) -> tuple[float, Array]:
    """The loss, and the gradient of scale * loss with respect to the logits."""
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = cross_entropy(leaf, y)
    (loss * scale).backward()
    return loss.item(), gradient_of(leaf)


def cross_entropy(logits: torch.Tensor, y: Array) -> torch.Tensor:
    """needle's SoftmaxLoss."""
    return torch.nn.functional.cross_entropy(logits, torch.from_numpy(y.astype(np.int64)))


def double(array: Array) -> torch.Tensor:
    """The array in float64."""
    return torch.from_numpy(array.astype(np.float64))


def _empty(*shape: int) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64))
