"""An optimizer's state, whatever it is kept in: dicts by parameter, by id(parameter) or by number, lists, numbers.

`pack` describes it in plain JSON values and names arrays, `unpack` puts it into a new optimizer of the same kind. What
the constructor was told, such as lr, is no state: it is as the new optimizer was told.
"""

from __future__ import annotations

import inspect
from typing import Any

import needle
import numpy as np
from needle.backend_selection import NDArray


class UnknownState(Exception):
    """State of a kind that cannot be kept; the message names it."""


def pack(optimizer: Any, parameters: list[Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Its description and the arrays that the description names. Raises UnknownState.

    `parameters` are those the optimizer was made for, in the same order.
    """
    packer = _Packer(parameters)
    state = {name: packer.value(value, name) for name, value in _state(optimizer, parameters).items()}
    beside = [
        {name: packer.value(value, f"parameter {place}.{name}") for name, value in _kept_at(parameter).items()}
        for place, parameter in enumerate(parameters)
    ]
    return {"kind": type(optimizer).__name__, "state": state, "beside": beside}, packer.arrays


def unpack(optimizer: Any, parameters: list[Any], described: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Put packed state into the optimizer. Raises UnknownState, before anything is changed, where it is another's."""
    kind = type(optimizer).__name__
    if described["kind"] != kind:
        raise UnknownState(f"it is of {described['kind']}, and the optimizer is {kind}")
    unpacker = _Unpacker(parameters, arrays)
    state = {name: unpacker.value(value) for name, value in described["state"].items()}
    beside = [{name: unpacker.value(value) for name, value in kept.items()} for kept in described["beside"]]
    for name, value in state.items():
        there = getattr(optimizer, name, None)
        if isinstance(there, dict) and isinstance(value, dict):  # it may be a defaultdict: keep that
            there.clear()
            there.update(value)
        else:
            setattr(optimizer, name, value)
    for parameter, kept in zip(parameters, beside, strict=True):
        vars(parameter).update(kept)


def _state(optimizer: Any, parameters: list[Any]) -> dict[str, Any]:
    told = inspect.signature(type(optimizer).__init__).parameters
    ours = [id(parameter) for parameter in parameters]
    return {
        name: value
        for name, value in vars(optimizer).items()
        if name not in told and not callable(value) and not (isinstance(value, list) and [*map(id, value)] == ours)
    }


def _kept_at(parameter: Any) -> dict[str, Any]:
    """What an optimizer has left on a parameter, beyond what every tensor has."""
    usual = {*vars(needle.Tensor([0.0])), "grad"}
    return {name: value for name, value in vars(parameter).items() if name not in usual}


class _Packer:
    def __init__(self, parameters: list[Any]):
        self.arrays: dict[str, np.ndarray] = {}
        self._place = {id(parameter): place for place, parameter in enumerate(parameters)}

    def value(self, value: Any, where: str) -> dict[str, Any]:
        """One value; `where` is its name, for messages and arrays."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return {"is": "plain", "value": value}
        if id(value) in self._place:
            return {"is": "parameter", "place": self._place[id(value)]}
        if isinstance(value, needle.Tensor):
            return {"is": "tensor", "array": self._keep(value.numpy(), where), "grad": bool(value.requires_grad)}
        if isinstance(value, np.generic):
            return {"is": "scalar", "array": self._keep(np.asarray(value), where)}
        if isinstance(value, np.ndarray):
            return {"is": "numpy", "array": self._keep(value, where)}
        if isinstance(value, NDArray):
            return {"is": "ndarray", "array": self._keep(value.numpy(), where)}
        if isinstance(value, (list, tuple)):
            items = [self.value(item, f"{where}.{place}") for place, item in enumerate(value)]
            return {"is": "list" if isinstance(value, list) else "tuple", "items": items}
        if isinstance(value, dict):
            pairs = enumerate(value.items())
            items = [[self._key(key, where), self.value(item, f"{where}.{place}")] for place, (key, item) in pairs]
            return {"is": "dict", "items": items}
        raise UnknownState(f"{where} holds a {type(value).__name__}")

    def _key(self, key: Any, where: str) -> dict[str, Any]:
        if isinstance(key, int) and key in self._place:  # id(parameter); a number of another run means nothing in ours
            return {"is": "id", "place": self._place[key]}
        if isinstance(key, tuple):
            return {"is": "tuple", "items": [self._key(part, where) for part in key]}
        if isinstance(key, (int, str)) or id(key) in self._place:
            return self.value(key, where)
        raise UnknownState(f"{where} has a key of type {type(key).__name__}")

    def _keep(self, array: np.ndarray, where: str) -> str:
        if array.dtype.kind not in "biuf":
            raise UnknownState(f"{where} holds an array of {array.dtype}")
        self.arrays[where] = array.copy()
        return where


class _Unpacker:
    def __init__(self, parameters: list[Any], arrays: dict[str, np.ndarray]):
        self._params = parameters
        self._arrays = arrays

    def value(self, packed: dict[str, Any]) -> Any:
        kind = packed["is"]
        if kind == "plain":
            return packed["value"]
        if kind == "parameter":
            return self._params[packed["place"]]
        if kind == "id":
            return id(self._params[packed["place"]])
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in packed["items"]}
        if kind in ("list", "tuple"):
            items = [self.value(item) for item in packed["items"]]
            return items if kind == "list" else tuple(items)
        array = self._arrays[packed["array"]]
        if kind == "scalar":
            return array[()]
        if kind == "numpy":
            return array
        device = self._params[0].device
        if kind == "ndarray":
            return array if NDArray is np.ndarray else NDArray(array, device=device)
        return needle.Tensor(array, device=device, dtype=str(array.dtype), requires_grad=packed["grad"])
