"""Whole networks of needle: their layers with weights, in the data's way through them, and what is sent and comes back.

The weights of a network are a list with one dict a layer that has any: {"weight": ..., "bias": ...}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from probes import _common
from probes._common import to_numpy
from probes._layers import assign

Weights = list[dict[str, np.ndarray]]


def layers(needle: Any, network: Any) -> list[Any]:
    """Every Conv, BatchNorm and Linear of a network, in the order of its attributes."""
    nn = needle.nn
    kinds = (nn.Conv, nn.BatchNorm1d, nn.BatchNorm2d, nn.Linear)
    return [module for module in _walk(nn.Module, network, set()) if isinstance(module, kinds)]


def load(needle: Any, device: Any, network: Any, weights: Weights) -> None:
    """Give the network's layers these weights."""
    found = layers(needle, network)
    if len(found) != len(weights):
        raise ValueError(f"the network has {len(found)} layers with weights; expected {len(weights)}")
    for k, (layer, values) in enumerate(zip(found, weights, strict=True)):
        for name, value in values.items():
            assign(needle, device, f"{name} of layer {k} ({type(layer).__name__})", getattr(layer, name), value)


def gradients(needle: Any, network: Any, weights: Weights) -> Weights:
    """What backward() left in the layers, in the shapes of `weights`."""
    return _read(needle, network, weights, _common.gradient)


def values(needle: Any, network: Any, weights: Weights) -> Weights:
    """The layers' weights now, in the shapes of `weights`."""
    return _read(needle, network, weights, lambda parameter, _: to_numpy(parameter))


def statistics(needle: Any, network: Any) -> list[dict[str, np.ndarray]]:
    """The running statistics of every BatchNorm, as vectors."""
    return [
        {
            "mean": to_numpy(layer.running_mean).reshape(-1),
            "var": to_numpy(layer.running_var).reshape(-1),
        }
        for layer in layers(needle, network)
        if isinstance(layer, (needle.nn.BatchNorm1d, needle.nn.BatchNorm2d))
    ]


def _read(needle: Any, network: Any, weights: Weights, read: Any) -> Weights:
    result = []
    for k, (layer, sent) in enumerate(zip(layers(needle, network), weights, strict=True)):
        place = f"of layer {k} ({type(layer).__name__})"
        found = {name: read(getattr(layer, name), f"{name} {place}") for name in sent}
        # A bias of shape (1, n) where (n,) was asked for works just as well.
        result.append(
            {
                name: value.reshape(sent[name].shape) if value.size == sent[name].size else value
                for name, value in found.items()
            }
        )
    return result


def _walk(module_class: Any, value: Any, seen: set[int]) -> Iterator[Any]:
    """The modules in a value and in its attributes, lists, tuples and dicts, depth first, each once."""
    if isinstance(value, module_class):
        if id(value) in seen:
            return
        seen.add(id(value))
        yield value
        value = vars(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _walk(module_class, item, seen)
