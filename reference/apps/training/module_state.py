"""A model's numbers by name: parameters, and the rest of its state such as BatchNorm's running statistics.

Modules are walked by their attributes, whatever classes a tree has: `model.modules.0.weight` is the attribute weight of
item 0 of the attribute modules of the attribute model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import needle
import numpy as np
from needle.backend_selection import NDArray

from .errors import CheckpointError

KINDS = PARAMETER, TENSOR, NDARRAY, NUMPY = "parameter", "tensor", "ndarray", "numpy"


def named_arrays(model: Any) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """What kind of thing each name is (one of KINDS), and copies of all numbers of the model, by name."""
    holders, parameters = _holders(model), _identities(model)
    kinds = {name: _kind(holder, parameters) for name, holder in holders.items()}
    return kinds, {name: _numpy(holder).copy() for name, holder in holders.items()}


def put_arrays(model: Any, kinds: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write numbers that `named_arrays` gave into a model of the same structure.

    Parameters must be the same, by name and shape; otherwise CheckpointError, before anything is changed. Other state
    may have come into being, or changed its shape, only as the model was used: it is put where it was.
    """
    holders, parameters = _holders(model), _identities(model)
    here = {name for name, holder in holders.items() if id(holder) in parameters}
    there = {name for name, kind in kinds.items() if kind == PARAMETER}
    if differing := sorted(here ^ there):
        owner = "this model" if differing[0] in here else "it"
        raise CheckpointError(f"{owner} alone has the parameter {differing[0]}")
    for name in sorted(here):
        if tuple(holders[name].shape) != arrays[name].shape:
            here_shape, there_shape = tuple(holders[name].shape), arrays[name].shape
            raise CheckpointError(f"its {name} has shape {there_shape}, and here it is {here_shape}")
    device = model.parameters()[0].device
    for name, kind in kinds.items():
        holder = holders.get(name)
        if holder is not None and tuple(holder.shape) == arrays[name].shape:
            _put(holder, arrays[name])
        else:
            _plant(model, name.split("."), _made(kind, arrays[name], device))


def _kind(holder: Any, parameters: set[int]) -> str:
    if id(holder) in parameters:
        return PARAMETER
    if isinstance(holder, np.ndarray):
        return NUMPY
    return TENSOR if isinstance(holder, needle.Tensor) else NDARRAY


def _identities(model: Any) -> set[int]:
    return {id(parameter) for parameter in model.parameters()}


def _holders(model: Any) -> dict[str, Any]:
    """What holds numbers, by name. A parameter that no attribute leads to is named by its place in parameters()."""
    found = dict(_walk(model, "", set()))
    known = {id(holder) for holder in found.values()}
    for place, parameter in enumerate(model.parameters()):
        if id(parameter) not in known:
            found[f"parameters().{place}"] = parameter
    return found


def _walk(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Each holder once, although a weight may be shared and modules may form a cycle."""
    is_holder = isinstance(value, (needle.Tensor, NDArray, np.ndarray))
    if not is_holder and not isinstance(value, (needle.nn.Module, dict, list, tuple)):
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if is_holder:
        if not (isinstance(value, np.ndarray) and value.dtype.kind not in "biuf"):
            yield name, value
        return
    if isinstance(value, needle.nn.Module):
        value = vars(value)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _walk(item, f"{name}.{key}" if name else str(key), seen)


def _numpy(holder: Any) -> np.ndarray:
    return holder if isinstance(holder, np.ndarray) else holder.numpy()


def _put(holder: Any, array: np.ndarray) -> None:
    """In place: the optimizer and other modules hold the same object."""
    if isinstance(holder, needle.Tensor):
        holder.data = needle.Tensor(array, device=holder.device, dtype=holder.dtype, requires_grad=False)
    elif isinstance(holder, np.ndarray):
        holder[...] = array
    else:
        holder[tuple(slice(None) for _ in holder.shape)] = NDArray(array, device=holder.device)


def _made(kind: str, array: np.ndarray, device: Any) -> Any:
    if kind == NUMPY or (kind == NDARRAY and NDArray is np.ndarray):
        return array
    if kind == NDARRAY:
        return NDArray(array, device=device)
    return needle.Tensor(array, device=device, dtype=str(array.dtype), requires_grad=False)


def _plant(where: Any, keys: list[str], value: Any) -> None:
    """Put a value at its name, where there is such a place: a tuple, say, cannot be changed."""
    if isinstance(where, needle.nn.Module):
        where = vars(where)
    places = dict(enumerate(where)) if isinstance(where, (list, tuple)) else where
    if not isinstance(places, dict):
        return
    key = next((known for known in places if str(known) == keys[0]), keys[0])
    if len(keys) > 1:
        _plant(places.get(key), keys[1:], value)
    elif isinstance(where, list) and key == str(len(where)):  # a list that grows as the model is used
        where.append(value)
    elif isinstance(where, dict) or (isinstance(where, list) and key in places):
        where[key] = value
