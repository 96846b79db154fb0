"""Layers for sequences: recurrent cells and networks, and the word embedding.

Sequences come time first: (seq_len, batch, features).
"""

from __future__ import annotations

from needle import init, ops
from needle.autograd import Tensor

from .nn_basic import Module, Parameter, along_last, check_first_axis, check_shape, check_sizes

NONLINEARITIES = ("tanh", "relu")


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element; finite, with a finite gradient, for x of ±1000 too.

    exp(1000) overflows float32, so the formula cannot be used as it stands; a function that saturates can.
    """

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Sigmoid.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION


def _check_nonlinearity(layer: str, nonlinearity: str) -> None:
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"{layer}: nonlinearity is {nonlinearity!r}; expected 'tanh' or 'relu'.")


def _check_pair(layer: str, state: tuple[Tensor, Tensor] | None) -> None:
    """An LSTM's state is (h, c) or None."""
    if state is not None and not (isinstance(state, tuple) and len(state) == 2):
        raise TypeError(f"{layer}: the state is a {type(state).__name__}; expected None or the tuple (h, c).")


class RNNCell(Module):
    """One step: h' = tanh(x W_ih + b_ih + h W_hh + b_hh), or relu in place of tanh.

    - Parameters, in the order in which they are drawn, each uniform in ±sqrt(1/hidden_size): `W_ih`
      (input_size, hidden_size), `W_hh` (hidden_size, hidden_size), `bias_ih` and `bias_hh` (hidden_size,);
      both biases None with `bias=False`.
    - forward: X (batch, input_size), h (batch, hidden_size) or None for zeros -> h' (batch, hidden_size).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device=None,
        dtype="float32",
    ):
        super().__init__()
        check_sizes("RNNCell", input_size=input_size, hidden_size=hidden_size)
        _check_nonlinearity("RNNCell", nonlinearity)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.nonlinearity = nonlinearity
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RNNCell.__init__ is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION

    def forward(self, X: Tensor, h: Tensor | None = None) -> Tensor:
        check_shape("RNNCell's input", X, batch=None, input_size=self.input_size)
        if h is not None:
            check_shape("RNNCell's h", h, batch=X.shape[0], hidden_size=self.hidden_size)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RNNCell.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


class RNN(Module):
    """Layers of RNNCells over a sequence: layer k reads the outputs of layer k-1 at every step.

    - `rnn_cells[k]`, created from the first layer on: RNNCell(input_size if k == 0 else hidden_size,
      hidden_size, ...).
    - forward: X (seq_len, batch, input_size), h0 (num_layers, batch, hidden_size) or None for zeros ->
      output (seq_len, batch, hidden_size), the last layer's state at every step, and
      h_n (num_layers, batch, hidden_size), every layer's state after the last step.
    Take sequences apart and together with `ops.split` and `ops.stack`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device=None,
        dtype="float32",
    ):
        super().__init__()
        check_sizes("RNN", input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        _check_nonlinearity("RNN", nonlinearity)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RNN.__init__ is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION

    def forward(self, X: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        _check_sequence(self, X)
        _check_state(self, X, "h0", h0)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RNN.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION


def _check_sequence(network: RNN | LSTM, X: Tensor) -> None:
    what = f"{type(network).__name__}'s input"
    check_shape(what, X, seq_len=None, batch=None, input_size=network.input_size)
    check_first_axis(what, X)


def _check_state(network: RNN | LSTM, X: Tensor, name: str, state: Tensor | None) -> None:
    if state is not None:
        what = f"{type(network).__name__}'s {name}"
        check_shape(what, state, num_layers=network.num_layers, batch=X.shape[1], hidden_size=network.hidden_size)


class LSTMCell(Module):
    """One step of a long short-term memory.

    The sum x W_ih + b_ih + h W_hh + b_hh (batch, 4*hidden_size) holds four gates side by side, in the order
    i, f, g, o: i, f and o go through the sigmoid, g through tanh; then c' = f*c + i*g and h' = o*tanh(c').
    - Parameters, in the order in which they are drawn, each uniform in ±sqrt(1/hidden_size): `W_ih`
      (input_size, 4*hidden_size), `W_hh` (hidden_size, 4*hidden_size), `bias_ih` and `bias_hh`
      (4*hidden_size,); None with `bias=False`.
    - forward: X (batch, input_size), h = (h, c) of (batch, hidden_size) each, or None for zeros -> (h', c').
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype="float32"):
        super().__init__()
        check_sizes("LSTMCell", input_size=input_size, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LSTMCell.__init__ is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION

    def forward(self, X: Tensor, h: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        check_shape("LSTMCell's input", X, batch=None, input_size=self.input_size)
        _check_pair("LSTMCell", h)
        for name, state in zip("hc", h or (), strict=False):
            check_shape(f"LSTMCell's {name}", state, batch=X.shape[0], hidden_size=self.hidden_size)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LSTMCell.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION


class LSTM(Module):
    """Layers of LSTMCells over a sequence: layer k reads the h of layer k-1 at every step.

    - `lstm_cells[k]`, created from the first layer on: LSTMCell(input_size if k == 0 else hidden_size,
      hidden_size, ...).
    - forward: X (seq_len, batch, input_size), h = (h0, c0) of (num_layers, batch, hidden_size) each, or None
      for zeros -> output (seq_len, batch, hidden_size), the last layer's h at every step, and the tuple (h_n,
      c_n) of (num_layers, batch, hidden_size) each, every layer's state after the last step.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        device=None,
        dtype="float32",
    ):
        super().__init__()
        check_sizes("LSTM", input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LSTM.__init__ is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION

    def forward(self, X: Tensor, h: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        _check_sequence(self, X)
        _check_pair("LSTM", h)
        for name, state in zip(("h0", "c0"), h or (), strict=False):
            _check_state(self, X, name, state)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LSTM.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION


class Embedding(Module):
    """A vector for each word: x (seq_len, batch) of word ids, as floats -> (seq_len, batch, embedding_dim).

    `weight`, Parameter (num_embeddings, embedding_dim), is drawn from N(0, 1); word i's vector is its row i.
    Rows are picked by a product with one-hot rows, so that gradients reach the weight: for 3 words, id 1 is
    [0, 1, 0], and [0, 1, 0] @ weight is row 1.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, device=None, dtype="float32"):
        super().__init__()
        check_sizes("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Embedding.__init__ is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        check_shape("Embedding's input", x, seq_len=None, batch=None)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Embedding.forward is yours to write (python/needle/nn/nn_sequence.py)")
        ### END YOUR SOLUTION
