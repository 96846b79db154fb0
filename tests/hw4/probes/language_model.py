"""Probes of the language model: embedding, the model, the loss, SGD, and training on text.

A model's weights are sent: {"embedding": (words, embedding), "layers": [see probes/sequence.py], "linear_weight":
(hidden, words), "linear_bias": (words,)}. They are assigned to the parts of the model by what these parts are, because
only their order, not their names, belongs to needle's interface.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from probes._common import no_default, noted_losses, tensor, to_numpy, training
from probes._layers import always_3, assign, backward_all, gradients, noted, places, tensors_in

Weights = dict[str, Any]


def embedding(
    needle: Any, device: Any, ids: np.ndarray, weight: np.ndarray, output_grad: np.ndarray | None = None
) -> dict[str, Any]:
    """An Embedding's output, and with output_grad its weight's gradient."""
    layer = needle.nn.Embedding(*weight.shape, device=device)
    (parameter,) = layer.parameters()
    assign(needle, device, "the weight", parameter, weight)
    output = layer(tensor(needle, device, ids, requires_grad=False))
    answer = {"output": to_numpy(output)}
    if output_grad is not None:
        backward_all(needle, device, [output], [output_grad])
        answer.update(gradients({"weight": parameter}))
    return answer


def initial_embedding(needle: Any, device: Any, *, words: int, size: int, seed: int) -> dict[str, Any]:
    """A new Embedding's weight, drawn after NumPy's global generator was seeded."""
    np.random.seed(seed)
    parameters = needle.nn.Embedding(words, size, device=device).parameters()
    answer = {f"parameter {k}": to_numpy(parameter) for k, parameter in enumerate(parameters)}
    return {**answer, "number_of_parameters": len(parameters), **places(parameters)}


def model(
    needle: Any,
    device: Any,
    ids: np.ndarray,
    state: list[np.ndarray] | None,
    weights: Weights,
    *,
    recurrent: str,
    output_grads: list[np.ndarray] | None = None,
) -> dict[str, Any]:
    """A LanguageModel's logits and state, and the gradients of state and weights with respect to all of these outputs.

    recurrent: "rnn" or "lstm". output_grads: of the logits and of every part of the state.
    """
    net, parameters, values = _with_weights(needle, device, weights, recurrent)
    before = [tensor(needle, device, part) for part in state or ()]
    argument = [] if not before else before if len(before) == 1 else [tuple(before)]
    logits, after = net(tensor(needle, device, ids, requires_grad=False), *argument)
    results = [logits, *_parts(after)]
    names = ("logits", "h", "c")
    answer = {name: to_numpy(part) for name, part in zip(names, results, strict=False)}
    if output_grads is not None:
        backward_all(needle, device, results, output_grads)
        initial = dict(zip(("h0", "c0"), before, strict=False))
        answer.update(gradients({**initial, **parameters}, values))
    return answer


def initial_model(
    needle: Any,
    device: Any,
    *,
    recurrent: str,
    embedding_size: int,
    words: int,
    hidden_size: int,
    num_layers: int,
    seed: int,
) -> dict[str, Any]:
    """A new LanguageModel's parameters, drawn after NumPy's global generator was seeded."""
    make = _language_model()  # before the seed: trees' models.py may seed the generator when it is imported
    np.random.seed(seed)
    net = make(embedding_size, words, hidden_size, num_layers, seq_model=recurrent, device=device)
    named = _named_parameters(needle, net, recurrent)
    if missing := [name for name, parameter in named.items() if parameter is None]:
        raise ValueError(f"{missing[0]} is None; expected a parameter")
    answer = {name: to_numpy(parameter) for name, parameter in named.items()}
    return {**answer, "number_of_parameters": len(net.parameters()), **places(net.parameters())}


def elsewhere(needle: Any, device: Any, *, recurrent: str) -> dict[str, Any]:
    """A LanguageModel made for a device that is no default, run without a state: where everything is."""
    place = no_default(needle, device)
    net = _language_model()(3, 7, 5, 2, seq_model=recurrent, device=place)
    logits, state = net(tensor(needle, place, np.ones((4, 2), dtype=np.float32), requires_grad=False))
    return places([*net.parameters(), logits, *_parts(state)])


def loss(needle: Any, device: Any, logits: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """SoftmaxLoss, and the gradient of the logits for an output gradient of 1."""
    leaf = tensor(needle, device, logits)
    value = needle.nn.SoftmaxLoss()(leaf, tensor(needle, device, y, requires_grad=False))
    answer = {"loss": to_numpy(value)}
    value.backward()
    return {**answer, **gradients({"logits": leaf})}


def clip(needle: Any, device: Any, grads: list[np.ndarray], *, max_norm: float, optimizer: str) -> dict[str, Any]:
    """The gradients after clip_grad_norm, and the parameters, which must stay as they were: 1 everywhere."""
    params = [needle.nn.Parameter(tensor(needle, device, np.ones_like(grad))) for grad in grads]
    _give_gradients(needle, device, params, grads)
    getattr(needle.optim, optimizer)(params).clip_grad_norm(max_norm)
    answer = {f"gradient {k}": to_numpy(param.grad) for k, param in enumerate(params)}
    return {**answer, **{f"parameter {k}": to_numpy(param) for k, param in enumerate(params)}}


def train(
    needle: Any,
    device: Any,
    batches: np.ndarray,
    weights: Weights,
    *,
    recurrent: str,
    seq_len: int,
    optimizer: str = "SGD",
    curve: bool = False,
    **options: float,
) -> dict[str, Any]:
    """train_ptb's accuracy and loss, and the weights afterwards. options: n_epochs, lr, weight_decay, clip.

    curve: whether to give the loss of every chunk, too.
    """
    net, parameters, values = _with_weights(needle, device, weights, recurrent)
    kind = getattr(needle.optim, optimizer)
    with noted_losses(needle, curve) as losses:
        result = training().train_ptb(
            net, batches, seq_len=seq_len, optimizer=kind, device=device, dtype="float32", **options
        )
    return {**_measured(result), **_after(parameters, values), **({"losses": losses} if curve else {})}


def trained_elsewhere(
    needle: Any, device: Any, batches: np.ndarray, *, recurrent: str, optimizer: str, told: bool
) -> dict[str, Any]:
    """train_ptb and evaluate_ptb of a small model on a device that is no default.

    Where everything is that the model and the optimizer hold afterwards, and that went in and out of the model: words,
    logits, states. told: whether the functions are given the device; else it is the model's, here the device itself,
    for cpu_numpy(), as no_default has it, is the default of Tensor.
    """
    place = no_default(needle, device) if told else device
    net = _language_model()(3, int(batches.max()) + 1, 5, 2, seq_model=recurrent, device=place)
    seen: list[Any] = []

    class Watched(needle.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Any, h: Any = None) -> Any:
            after = self.net(x, h)
            seen.extend([x, h, *after])
            return after

    made: list[Any] = []
    model, options = Watched(), {"seq_len": 4, "dtype": "float32", **({"device": place} if told else {})}
    kind = noted(getattr(needle.optim, optimizer), made)
    training().train_ptb(model, batches, optimizer=kind, n_epochs=2, lr=0.1, clip=0.25, **options)
    training().evaluate_ptb(model, batches, **options)
    through = tensors_in(needle, seen)
    return {
        **places([*tensors_in(needle, net, made), *through]),
        "gradients": all(getattr(item, "grad", None) is not None for item in net.parameters()),
        "through": len(through),
    }


def evaluate(
    needle: Any, device: Any, batches: np.ndarray, weights: Weights, *, recurrent: str, seq_len: int
) -> dict[str, Any]:
    """evaluate_ptb's accuracy and loss, and the weights afterwards."""
    net, parameters, values = _with_weights(needle, device, weights, recurrent)
    result = training().evaluate_ptb(net, batches, seq_len=seq_len, device=device, dtype="float32")
    return {**_measured(result), **_after(parameters, values)}


def other_loss(needle: Any, device: Any, batches: np.ndarray, *, recurrent: str) -> dict[str, Any]:
    """The losses that train_ptb and evaluate_ptb give where they are told another loss: 3 for each chunk."""
    net = _language_model()(3, int(batches.max()) + 1, 5, seq_model=recurrent, device=device)
    options = {"seq_len": 4, "loss_fn": always_3(needle), "device": device, "dtype": "float32"}
    results = training().train_ptb(net, batches, **options), training().evaluate_ptb(net, batches, **options)
    return {"losses": [float(_measured(result)["loss"].reshape(())) for result in results]}


def modes(needle: Any, device: Any, batches: np.ndarray, *, recurrent: str) -> dict[str, Any]:
    """Whether the model is in training mode at every chunk of train_ptb, and of evaluate_ptb after it."""
    net = _language_model()(3, int(batches.max()) + 1, 5, seq_model=recurrent, device=device)

    class Watched(needle.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.seen: list[bool] = []

        def forward(self, x: Any, h: Any = None) -> Any:
            self.seen.append(bool(self.training))
            return self.net(x, h)

    model, options = Watched(), {"seq_len": 4, "device": device, "dtype": "float32"}
    training().train_ptb(model, batches, lr=0.1, **options)
    trained, model.seen = model.seen, []
    training().evaluate_ptb(model, batches, **options)
    return {"trained": trained, "evaluated": model.seen}


def _parts(state: Any) -> tuple[Any, ...]:
    """What a state is made of. A list would fail, too, but on its way to the judge, in words that help nobody."""
    if isinstance(state, list):
        raise TypeError("the LanguageModel gives its state as a list; expected a tensor h, of an LSTM the tuple (h, c)")
    return state if isinstance(state, tuple) else (state,)


def _language_model() -> Any:
    return importlib.import_module("models").LanguageModel


def _with_weights(needle: Any, device: Any, weights: Weights, recurrent: str) -> tuple[Any, dict, dict]:
    """A LanguageModel with these weights; its parameters and what was assigned to them, by name."""
    words, embedding_size = weights["embedding"].shape
    hidden_size = weights["linear_weight"].shape[0]
    sizes = (embedding_size, words, hidden_size, len(weights["layers"]))
    net = _language_model()(*sizes, seq_model=recurrent, device=device)
    values = {"the embedding": weights["embedding"]}
    for k, layer in enumerate(weights["layers"]):
        values |= {f"{recurrent}_cells[{k}].{name}": value for name, value in layer.items()}
    values |= {"the linear layer's weight": weights["linear_weight"], "the linear layer's bias": weights["linear_bias"]}
    parameters = _named_parameters(needle, net, recurrent)
    if missing := values.keys() - parameters.keys():
        raise ValueError(f"the LanguageModel has no {min(missing)}; expected {len(weights['layers'])} layers of cells")
    for name, value in values.items():
        assign(needle, device, name, parameters[name], value)
    return net, parameters, values


def _named_parameters(needle: Any, net: Any, recurrent: str) -> dict[str, Any]:
    embedding_layer = _part(needle, net, needle.nn.Embedding)
    network = _part(needle, net, needle.nn.RNN if recurrent == "rnn" else needle.nn.LSTM)
    linear = _part(needle, net, needle.nn.Linear)
    named = {"the embedding": embedding_layer.parameters()[0]}
    for k, cell in enumerate(getattr(network, f"{recurrent}_cells")):
        for name in ("W_ih", "W_hh", "bias_ih", "bias_hh"):
            named[f"{recurrent}_cells[{k}].{name}"] = getattr(cell, name)
    return {**named, "the linear layer's weight": linear.weight, "the linear layer's bias": linear.bias}


def _part(needle: Any, net: Any, kind: type) -> Any:
    """The module of that kind inside the model, the outermost one where there are several."""
    waiting, seen = [net], set()
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, kind):
            return value
        if isinstance(value, needle.nn.Module) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(vars(value).values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
    raise ValueError(f"the LanguageModel holds no nn.{kind.__name__}; expected one in its attributes")


def _give_gradients(needle: Any, device: Any, params: list[Any], grads: list[np.ndarray]) -> None:
    for param, grad in zip(params, grads, strict=True):
        param.grad = tensor(needle, device, grad, requires_grad=False)


def _measured(result: Any) -> dict[str, Any]:
    accuracy, loss = result
    return {"accuracy": to_numpy(accuracy), "loss": to_numpy(loss)}


def _after(parameters: dict[str, Any], values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters' values, in the shapes in which they were sent."""
    return {name: to_numpy(parameter).reshape(values[name].shape) for name, parameter in parameters.items()}
