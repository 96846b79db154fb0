"""What the probes of layers and models share: weights that are sent, gradients that come back."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes._common import check_place, gradient, tensor


def assign(needle: Any, device: Any, name: str, parameter: Any, value: np.ndarray) -> None:
    """Give a parameter its value. `name` is for the message when its shape is wrong."""
    if parameter is None:
        raise ValueError(f"{name} is None; expected a parameter of shape {value.shape}")
    shape = tuple(parameter.shape)
    # A bias of shape (1, n) where (n,) was asked for works just as well; the tests of the initial weights judge it.
    if np.squeeze(value).shape != tuple(size for size in shape if size != 1):
        raise ValueError(f"{name} has shape {shape}; expected {value.shape}")
    parameter.data = tensor(needle, device, value.reshape(shape), requires_grad=False)


def gradients(tensors: dict[str, Any], values: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray | None]:
    """What backward() left in the tensors, under "gradient of NAME"; None where nothing arrived.

    values: what was assigned to parameters; their gradients come back in its shapes.
    """
    found = {}
    for name, item in tensors.items():
        grad = None if item.grad is None else gradient(item, name)
        if grad is not None and values and name in values and grad.size == values[name].size:
            grad = grad.reshape(values[name].shape)
        found[f"gradient of {name}"] = grad
    return found


def backward_all(needle: Any, device: Any, outputs: list[Any], output_grads: list[np.ndarray]) -> None:
    """Go back from the sum of all output * output_grad: what several outputs at once ask for."""
    total = None
    for output, grad in zip(outputs, output_grads, strict=True):
        if tuple(output.shape) != grad.shape:
            raise ValueError(f"an output has shape {tuple(output.shape)}; expected {grad.shape}")
        check_place(output, device, "an output")
        part = needle.ops.summation(output * tensor(needle, device, grad, requires_grad=False))
        total = part if total is None else total + part
    total.backward()


def tensors_in(needle: Any, *values: Any) -> list[Any]:
    """Every tensor that modules and optimizers hold, in attributes, lists, tuples and dicts; gradients are some."""
    found: list[Any] = []
    waiting, seen = list(values), set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend([*value, *value.values()])
        elif isinstance(value, (needle.Tensor, needle.nn.Module, needle.optim.Optimizer)) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, needle.Tensor):
                found.append(value)
                waiting.append(getattr(value, "grad", None))  # in some trees there is none until backward()
            else:
                waiting.append(vars(value))
    return found


def history(needle: Any, *values: Any) -> int:
    """How many tensors those that `values` hold keep alive because they were computed from them, with gradients.

    What was computed without gradients is not counted: whether it remembers how is the tree's own affair.
    """
    waiting, seen = tensors_in(needle, *values), {}
    while waiting:
        value = waiting.pop()
        if id(value) not in seen and getattr(value, "requires_grad", False):
            seen[id(value)] = value  # held, so that no other one gets its id
            waiting.extend(getattr(value, "inputs", None) or ())
    return len(seen)


def always_3(needle: Any) -> type:
    """A loss that is 3 whatever the logits are, and depends on them."""

    class Always3(needle.nn.Module):
        def forward(self, logits: Any, y: Any) -> Any:
            return needle.ops.summation(logits) * 0 + 3

    return Always3


def noted(make: Any, made: list[Any]) -> Any:
    """`make`, a kind of optimizer or the like, which also adds what it makes to `made`."""

    def making(*arguments: Any, **options: Any) -> Any:
        made.append(make(*arguments, **options))
        return made[-1]

    return making


def places(tensors: list[Any]) -> dict[str, list[str]]:
    """The devices and dtypes of tensors, each once."""
    return {
        "devices": sorted({str(item.device) for item in tensors}),
        "dtypes": sorted({str(np.dtype(item.dtype)) for item in tensors}),
    }
