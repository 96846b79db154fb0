"""ResNet9 and a smaller network in PyTorch, and their training as train_cifar10 does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from oracle import layers, optim
from oracle.calculus import Array
from oracle.layers import BatchNorm, Conv, Linear, ReLU, Residual, Weights

Batch = tuple[Array, Array]  # x (N, ...), y (N,)

PARAMETERS = 431_946

# Two logits nearer than this may change places by rounding, and with them an accuracy.
UNDECIDED = 1e-3


def resnet9() -> torch.nn.Module:
    """x (N, 3, 32, 32) -> logits (N, 10)."""
    return torch.nn.Sequential(
        _conv_bn(3, 16, 7, 4),
        _conv_bn(16, 32, 3, 2),
        Residual(torch.nn.Sequential(_conv_bn(32, 32, 3, 1), _conv_bn(32, 32, 3, 1))),
        _conv_bn(32, 64, 3, 2),
        _conv_bn(64, 128, 3, 2),
        Residual(torch.nn.Sequential(_conv_bn(128, 128, 3, 1), _conv_bn(128, 128, 3, 1))),
        torch.nn.Flatten(),
        Linear(128, 128),
        ReLU(),
        Linear(128, 10),
    )


def small() -> torch.nn.Module:
    """x (N, 60 numbers in any shape) -> logits (N, 10): quick, and with other numbers in training than in evaluation.

    No bias before the BatchNorm: its gradient is 0 but for rounding, which Adam would blow up to a whole step.
    """
    return torch.nn.Sequential(torch.nn.Flatten(), Linear(60, 12, bias=False), BatchNorm(12), ReLU(), Linear(12, 10))


def _conv_bn(channels_in: int, channels_out: int, kernel_size: int, stride: int) -> torch.nn.Module:
    return torch.nn.Sequential(Conv(channels_in, channels_out, kernel_size, stride), BatchNorm(channels_out), ReLU())


@dataclass(frozen=True)
class Step:
    """What is computed for a batch, before the optimizer's step if there is one."""

    logits: Array
    loss: float


def train(network: torch.nn.Module, batches: Sequence[Batch], optimizer: optim.Optimizer | None = None) -> list[Step]:
    """A step after each batch, in training mode; the gradients stay those of the last."""
    network.train()
    steps = []
    for x, y in batches:
        network.zero_grad()
        logits = network(layers.double(x))
        loss = layers.cross_entropy(logits, y)
        loss.backward()
        if optimizer is not None:
            optimizer.step()
            layers.note_a_step(network)
        steps.append(Step(logits.detach().numpy(), loss.item()))
    return steps


@torch.no_grad()
def evaluate(network: torch.nn.Module, batches: Sequence[Batch]) -> list[Step]:
    """The logits and the loss of each batch, in evaluation mode."""
    network.eval()
    steps = []
    for x, y in batches:
        logits = network(layers.double(x))
        steps.append(Step(logits.numpy(), layers.cross_entropy(logits, y).item()))
    return steps


@torch.no_grad()
def logits(weights: Weights, batches: Sequence[Array], modes: Sequence[str]) -> list[Array]:
    """ResNet9's logits of every batch, each in its mode: "train" or "eval"."""
    network = loaded(resnet9, weights)
    return [network.train(mode == "train")(layers.double(x)).numpy() for x, mode in zip(batches, modes, strict=True)]


def loaded(make: Callable[[], torch.nn.Module], weights: Weights) -> torch.nn.Module:
    """A new network with these weights."""
    network = make()
    layers.load(network, weights)
    return network


@dataclass(frozen=True)
class Trained:
    """ResNet9 after some batches."""

    steps: list[Step]
    gradients: list[dict[str, Array]]  # of the last batch's loss
    weights: list[dict[str, Array]]
    eval_logits: Array


def trained(
    weights: Weights, draw: Callable[[], list[Batch]], x_eval: Array, adam: dict[str, Any] | None = None
) -> tuple[list[Batch], Trained]:
    """Batches that rounding leaves alone, and ResNet9 after them, with steps of Adam in between where that is given."""

    def run(batches: list[Batch]) -> tuple[Trained, bool]:
        network = loaded(resnet9, weights)
        optimizer = None if adam is None else optim.make("Adam", network.parameters(), adam)
        steps, safe = train(network, batches, optimizer), layers.safe(network)
        found = layers.gradients(network), layers.values(network)
        with torch.no_grad():
            return Trained(steps, *found, network.eval()(layers.double(x_eval)).numpy()), safe

    return layers.undisturbed(draw, run)


@dataclass(frozen=True)
class Averages:
    """What train_cifar10 and evaluate_cifar10 give: averages over examples, not over batches."""

    accuracy: float
    loss: float
    losses: tuple[float, ...] = ()  # of a training: of every step


def train_cifar10(
    make: Callable[[], torch.nn.Module],
    weights: Weights,
    draw: Callable[[], tuple[Batch, Batch]],
    batch_size: int,
    optimizer: str,
    n_epochs: int = 1,
    **options: Any,
) -> tuple[tuple[Batch, Batch], Averages, Averages]:
    """(Training and test examples that rounding leaves alone, train_cifar10's result, then evaluate_cifar10's)."""

    def run(inputs: tuple[Batch, Batch]) -> tuple[tuple[Averages, Averages], bool]:
        training, test = (in_batches(*examples, batch_size) for examples in inputs)
        network = loaded(make, weights)
        steps = optim.make(optimizer, network.parameters(), options)
        epochs = [train(network, training, steps) for _ in range(n_epochs)]
        safe = layers.safe(network)
        after = evaluate(network, test)
        losses = tuple(step.loss for epoch in epochs for step in epoch)
        trained = replace(averages(epochs[-1], training), losses=losses)
        return (trained, averages(after, test)), safe and decided([*epochs[-1], *after])

    inputs, (train_result, evaluate_result) = layers.undisturbed(draw, run)
    return inputs, train_result, evaluate_result


def evaluate_cifar10(weights: Weights, draw: Callable[[], Batch], batch_size: int) -> tuple[Batch, Averages]:
    """Examples that rounding leaves alone, and evaluate_cifar10's result for the small network."""

    def run(examples: Batch) -> tuple[Averages, bool]:
        batches = in_batches(*examples, batch_size)
        steps = evaluate(loaded(small, weights), batches)
        return averages(steps, batches), decided(steps)

    return layers.undisturbed(draw, run)


def averages(steps: Sequence[Step], batches: Sequence[Batch]) -> Averages:
    """Over the examples of all batches."""
    found = np.concatenate([step.logits for step in steps])
    labels = np.concatenate([y for _, y in batches])
    loss = np.average([step.loss for step in steps], weights=[len(y) for _, y in batches])
    return Averages(float((found.argmax(axis=1) == labels).mean()), float(loss))


def decided(steps: Sequence[Step]) -> bool:
    """Whether every example's largest logit leads its second largest clearly."""
    ranked = np.sort(np.concatenate([step.logits for step in steps]), axis=1)
    return bool((ranked[:, -1] - ranked[:, -2]).min() > UNDECIDED)


def in_batches(x: Array, y: Array, size: int) -> list[Batch]:
    """The examples in order, in batches of `size`, the last one short."""
    return [(x[start : start + size], y[start : start + size]) for start in range(0, len(x), size)]
