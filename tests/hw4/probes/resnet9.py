"""ResNet9, its gradients and its training; and train_cifar10 on a smaller network."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes import _common, _network
from probes._common import tensor, to_numpy
from probes._layers import always_3, noted, places, tensors_in

Weights = list[dict[str, np.ndarray]]


def parameters(needle: Any, device: Any) -> dict[str, Any]:
    """How many parameters a new ResNet9 has, in how many arrays."""
    found = _resnet9(needle, device).parameters()
    return {"parameters": sum(int(np.prod(parameter.shape)) for parameter in found), "arrays": len(found)}


def elsewhere(needle: Any, device: Any, layer: str) -> dict[str, Any]:
    """A layer made for a device that is no default: where its parameters, statistics and output are."""
    place, nn = _common.no_default(needle, device), needle.nn
    make = {
        "Linear": lambda: nn.Linear(5, 3, device=place),
        "Conv": lambda: nn.Conv(3, 4, 3, device=place),
        "BatchNorm2d": lambda: nn.BatchNorm2d(3, device=place),
        "ResNet9": lambda: _resnet9(needle, place),
    }
    shapes = {"Linear": (2, 5), "Conv": (2, 3, 4, 5), "BatchNorm2d": (2, 3, 4, 5), "ResNet9": (2, 3, 32, 32)}
    network = make[layer]()
    output = network(tensor(needle, place, np.ones(shapes[layer], dtype="float32")))
    statistics = [
        value
        for norm in _network.layers(needle, network)
        for name in ("running_mean", "running_var")
        if (value := getattr(norm, name, None)) is not None
    ]
    return places([*network.parameters(), *statistics, output])


def gradients(needle: Any, device: Any, x: np.ndarray, y: np.ndarray, weights: Weights) -> dict[str, Any]:
    """Logits and loss in training mode, and the loss's gradients."""
    network = _resnet9(needle, device, weights)
    logits, loss = _loss(needle, device, network, x, y)
    loss.backward()
    found = _network.gradients(needle, network, weights)
    return {"logits": to_numpy(logits), "loss": to_numpy(loss), "gradients": found}


def logits(needle: Any, device: Any, batches: list[np.ndarray], modes: list[str], weights: Weights) -> dict[str, Any]:
    """The logits of every batch, each in its mode: "train" or "eval"."""
    network = _resnet9(needle, device, weights)
    found = []
    for batch, mode in zip(batches, modes, strict=True):
        getattr(network, mode)()
        found.append(to_numpy(network(tensor(needle, device, batch, requires_grad=False))))
    return {"logits": found}


def adam_steps(
    needle: Any,
    device: Any,
    batches: list[list[np.ndarray]],
    x_eval: np.ndarray,
    weights: Weights,
    **options: float,
) -> dict[str, Any]:
    """A step of Adam after each batch (x, y): logits and losses before each, weights and logits in evaluation after."""
    network = _resnet9(needle, device, weights)
    optimizer = needle.optim.Adam(network.parameters(), **options)
    network.train()
    found, losses = [], []
    for x, y in batches:
        optimizer.reset_grad()
        values, loss = _loss(needle, device, network, x, y)
        loss.backward()
        optimizer.step()
        found.append(to_numpy(values))
        losses.append(to_numpy(loss))
    network.eval()
    after = network(tensor(needle, device, x_eval, requires_grad=False))
    return {
        "logits": found,
        "losses": losses,
        "weights": _network.values(needle, network, weights),
        "eval_logits": to_numpy(after),
    }


def train_cifar10(
    needle: Any,
    device: Any,
    network: str,
    x: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    weights: Weights,
    *,
    optimizer: str | None = None,
    eps: float | None = None,
    x_eval: np.ndarray,
    y_eval: np.ndarray,
    curve: bool = False,
    **options: float,
) -> dict[str, Any]:
    """train_cifar10 of "resnet9" or "small" on x, y, in order; then evaluate_cifar10, twice, on x_eval, y_eval.

    optimizer: a name in needle.optim, None for train_cifar10's own default; eps: for Adam. curve: whether to give the
    loss of every step of the training, too.
    """
    training = _common.training()
    model = _resnet9(needle, device, weights) if network == "resnet9" else _small(needle, device, weights)
    if optimizer is not None:
        kind = getattr(needle.optim, optimizer)
        options["optimizer"] = kind if eps is None else lambda params, **given: kind(params, eps=eps, **given)
    loader = _common.loader(needle, device, [x, y], batch_size)
    model.eval()  # as an evaluation before would leave it
    with _common.noted_losses(needle, curve) as losses:
        train = training.train_cifar10(model, loader, **options)
    loader = _common.loader(needle, device, [x_eval, y_eval], batch_size)
    return {
        "train": _numbers(train),
        "evaluate": _numbers(training.evaluate_cifar10(model, loader)),
        "evaluate_again": _numbers(training.evaluate_cifar10(model, loader)),
        **({"losses": losses} if curve else {}),
    }


def evaluate_cifar10(
    needle: Any, device: Any, x: np.ndarray, y: np.ndarray, batch_size: int, weights: Weights
) -> dict[str, Any]:
    """evaluate_cifar10 of the small network as it is, which begins in training mode."""
    model = _small(needle, device, weights)
    loader = _common.loader(needle, device, [x, y], batch_size)
    found = _numbers(_common.training().evaluate_cifar10(model, loader))
    return {"evaluate": found, "weights": _network.values(needle, model, weights)}


def trained_elsewhere(needle: Any, device: Any, x: np.ndarray, y: np.ndarray, *, optimizer: str) -> dict[str, Any]:
    """train_cifar10 and evaluate_cifar10 of a small network, with batches that come from another device.

    Where everything is afterwards that the network and the optimizer hold.
    """
    place, nn = _common.no_default(needle, device), needle.nn
    size = int(np.prod(x.shape[1:]))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(size, 5, device=place), nn.BatchNorm1d(5, device=place), nn.Linear(5, 10, device=place)
    )
    other = needle.cpu() if place == needle.cpu_numpy() else needle.cpu_numpy()
    made: list[Any] = []
    training, kind = _common.training(), noted(getattr(needle.optim, optimizer), made)
    training.train_cifar10(network, _common.loader(needle, other, [x, y], 4), n_epochs=2, optimizer=kind)
    training.evaluate_cifar10(network, _common.loader(needle, other, [x, y], 4))
    found = tensors_in(needle, network, made)
    learned = all(getattr(item, "grad", None) is not None for item in network.parameters())
    return {**places(found), "gradients": learned, "found": len(found)}


def optimizer_arguments(needle: Any, device: Any, x: np.ndarray, y: np.ndarray, **options: float) -> dict[str, Any]:
    """What train_cifar10 gives its optimizer: how many parameters, and the options by name.

    And the losses that train_cifar10 and evaluate_cifar10 give where they are told another loss: 3 for each batch.
    """
    model = needle.nn.Sequential(needle.nn.Flatten(), needle.nn.Linear(int(np.prod(x.shape[1:])), 10, device=device))
    seen: dict[str, Any] = {}

    def spy(params: Any, lr: float, weight_decay: float) -> Any:
        params = list(params)
        seen.update(parameters=len(params), lr=float(lr), weight_decay=float(weight_decay))
        return needle.optim.SGD(params, lr=lr, weight_decay=weight_decay)

    training, loader = _common.training(), _common.loader(needle, device, [x, y], 2)
    trained = training.train_cifar10(model, loader, optimizer=spy, loss_fn=always_3(needle), **options)
    evaluated = training.evaluate_cifar10(model, loader, loss_fn=always_3(needle))
    return {**seen, "losses": [float(_numbers(result)["loss"].reshape(())) for result in (trained, evaluated)]}


def _resnet9(needle: Any, device: Any, weights: Weights | None = None) -> Any:
    import models  # of the tree: apps/models.py, or models.py of the earlier edition

    network = models.ResNet9(device=device, dtype="float32")
    if weights is not None:
        _network.load(needle, device, network, weights)
    return network


def _small(needle: Any, device: Any, weights: Weights) -> Any:
    """Flatten, Linear without bias, BatchNorm1d, ReLU, Linear: other numbers in training than in evaluation."""
    nn = needle.nn
    inputs, hidden = weights[0]["weight"].shape
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, hidden, bias=False, device=device),
        nn.BatchNorm1d(hidden, device=device),
        nn.ReLU(),
        nn.Linear(hidden, 10, device=device),
    )
    _network.load(needle, device, network, weights)
    return network


def _loss(needle: Any, device: Any, network: Any, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    logits = network(tensor(needle, device, x, requires_grad=False))
    return logits, needle.nn.SoftmaxLoss()(logits, tensor(needle, device, y, requires_grad=False))


def _numbers(result: Any) -> dict[str, Any]:
    """(accuracy, loss), which some trees give as arrays or tensors of one element."""
    accuracy, loss = result
    return {"accuracy": to_numpy(accuracy).astype("float64"), "loss": to_numpy(loss).astype("float64")}
