"""The language model's twin in PyTorch, in float64, and what training makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from oracle import optim, sequence
from oracle.text import chunk

Array = npt.NDArray[Any]
Weights = Mapping[str, Any]  # see probes/language_model.py

# Two words' logits nearer than this may change places by rounding: either may be called the likeliest.
UNDECIDED = 1e-3


@dataclass(frozen=True)
class Epoch:
    """What an epoch over a text measures."""

    loss: float  # mean over the predicted words
    accuracy: float  # of the words that are decided, and half of the undecided ones, as a share of all
    accuracy_error: float  # what rounding may make of it: half of the undecided ones, as a share of all
    losses: tuple[float, ...] = ()  # of every chunk, and of a training in all its epochs


class Twin(torch.nn.Module):
    """Embedding, recurrent network, linear layer, with the weights that the submission was given."""

    def __init__(self, weights: Weights, recurrent: str) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.embedding = torch.nn.Parameter(sequence.double(weights["embedding"], needs_grad=False))
        kind = torch.nn.RNN if recurrent == "rnn" else torch.nn.LSTM
        self.network = sequence.module(kind, weights["layers"])
        self.weight = torch.nn.Parameter(sequence.double(weights["linear_weight"], needs_grad=False))
        self.bias = torch.nn.Parameter(sequence.double(weights["linear_bias"], needs_grad=False))

    def forward(self, ids: Array, state: Any) -> tuple[torch.Tensor, Any]:
        """ids (seq, batch); state as PyTorch's. Returns (logits (seq*batch, words), state)."""
        vectors = self.embedding[torch.from_numpy(ids.astype(np.int64))]
        output, state = self.network(vectors, state)
        return output.reshape(-1, output.shape[2]) @ self.weight + self.bias, state

    def named(self) -> dict[str, Array]:
        """The weights by the names of probes/language_model.py."""
        return self._by_name(lambda parameter: parameter.detach().numpy().copy())

    def named_gradients(self) -> dict[str, Array]:
        """The gradients under these names, "gradient of ..."."""
        gradients = self._by_name(lambda parameter: parameter.grad.numpy().copy())
        return {f"gradient of {name}": value for name, value in gradients.items()}

    def _by_name(self, read: Any) -> dict[str, Array]:
        named = {"the embedding": read(self.embedding)}
        for k in range(self.network.num_layers):
            for name, torch_name in sequence.WEIGHTS.items():
                named[f"{self.recurrent}_cells[{k}].{name}"] = read(getattr(self.network, f"{torch_name}_l{k}")).T
        return {**named, "the linear layer's weight": read(self.weight), "the linear layer's bias": read(self.bias)}


def embedding(ids: Array, weight: Array, output_grad: Array) -> tuple[Array, Array]:
    """The rows that the ids pick, and the weight's gradient: the sum of the output gradients at its row's places."""
    numbers = ids.astype(np.int64)
    gradient = np.zeros(weight.shape)
    np.add.at(gradient, numbers, output_grad)
    return weight[numbers], gradient


def model(
    ids: Array,
    state: Sequence[Array] | None,
    weights: Weights,
    recurrent: str,
    output_grads: Sequence[Array] | None = None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(logits, h and c by name; the gradients by name, of sum(output * its gradient) over all outputs)."""
    twin = Twin(weights, recurrent)
    before = [sequence.double(part) for part in state or ()]
    logits, after = twin(ids, None if not before else before[0] if len(before) == 1 else tuple(before))
    results = [logits, *(after if isinstance(after, tuple) else (after,))]
    gradients: dict[str, Array] = {}
    if output_grads is not None:
        torch.autograd.backward(results, [sequence.double(grad, needs_grad=False) for grad in output_grads])
        initial = zip(("h0", "c0"), before, strict=False)
        gradients = {f"gradient of {name}": part.grad.numpy() for name, part in initial} | twin.named_gradients()
    values = zip(("logits", "h", "c"), results, strict=False)
    return {name: result.detach().numpy() for name, result in values}, gradients


def loss(logits: Array, y: Array) -> tuple[float, Array]:
    """The mean cross-entropy, and the logits' gradient."""
    leaf = sequence.double(logits)
    value = torch.nn.functional.cross_entropy(leaf, torch.from_numpy(y.astype(np.int64)))
    value.backward()
    return value.item(), leaf.grad.numpy()


def train(
    batches: Array,
    weights: Weights,
    recurrent: str,
    *,
    seq_len: int,
    n_epochs: int,
    optimizer: str = "SGD",
    lr: float,
    weight_decay: float = 0.0,
    clip: float | None = None,
) -> tuple[Epoch, dict[str, Array]]:
    """The last epoch, and the weights afterwards."""
    twin = Twin(weights, recurrent)
    made = optim.make(optimizer, twin.parameters(), {"lr": lr, "weight_decay": weight_decay})
    epochs = [_epoch(twin, batches, seq_len, made, clip) for _ in range(n_epochs)]
    losses = tuple(loss for epoch in epochs for loss in epoch.losses)
    return replace(epochs[-1], losses=losses), twin.named()


def evaluate(batches: Array, weights: Weights, recurrent: str, seq_len: int) -> Epoch:
    """An epoch without a step."""
    with torch.no_grad():
        return _epoch(Twin(weights, recurrent), batches, seq_len)


def _epoch(
    twin: Twin,
    batches: Array,
    seq_len: int,
    optimizer: optim.Optimizer | None = None,
    clip: float | None = None,
) -> Epoch:
    state: Any = None
    total = right = undecided = 0.0
    losses = []
    for i in range(0, len(batches) - 1, seq_len):
        ids, y = chunk(batches, i, seq_len)
        targets = torch.from_numpy(y.astype(np.int64))
        logits, state = twin(ids, state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        mean = torch.nn.functional.cross_entropy(logits, targets)
        if optimizer is not None:
            twin.zero_grad()
            mean.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(twin.parameters(), clip)
            optimizer.step()
        total += mean.item() * len(y)
        losses.append(mean.item())
        best = logits.detach().topk(2)
        close = best.values[:, 0] - best.values[:, 1] < UNDECIDED
        right += float(((best.indices[:, 0] == targets) & ~close).sum())
        undecided += float(close.sum())
    words = (len(batches) - 1) * batches.shape[1]
    return Epoch(total / words, (right + undecided / 2) / words, undecided / 2 / words, tuple(losses))
