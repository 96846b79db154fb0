"""The two models of the assignment: an image classifier and a language model."""

from __future__ import annotations

import needle.nn as nn
from needle import Tensor

### BEGIN YOUR SOLUTION


class ConvBN(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, in_channels, out_channels, kernel_size, stride, device, dtype):
        super().__init__(
            nn.Conv(in_channels, out_channels, kernel_size, stride, device=device, dtype=dtype),
            nn.BatchNorm2d(out_channels, device=device, dtype=dtype),
            nn.ReLU(),
        )


### END YOUR SOLUTION


class ResNet9(nn.Module):
    """A small residual network for CIFAR-10: x (N, 3, 32, 32) -> logits (N, 10). It has 431,946 parameters.

    With ConvBN(in, out, kernel, stride) = Conv, BatchNorm2d, ReLU, the data goes through, and the layers are
    created in the order of:

        ConvBN(3, 16, 7, 4)
        ConvBN(16, 32, 3, 2)
        Residual: ConvBN(32, 32, 3, 1), ConvBN(32, 32, 3, 1)
        ConvBN(32, 64, 3, 2)
        ConvBN(64, 128, 3, 2)
        Residual: ConvBN(128, 128, 3, 1), ConvBN(128, 128, 3, 1)
        Flatten, Linear(128, 128), ReLU, Linear(128, 10)

    After David Page's network for DAWNBench, with a quarter of its channels, and strides in place of pooling.
    """

    def __init__(self, device=None, dtype="float32"):
        super().__init__()
        ### BEGIN YOUR SOLUTION

        def conv_bn(in_channels, out_channels, kernel_size, stride):
            return ConvBN(in_channels, out_channels, kernel_size, stride, device, dtype)

        self.model = nn.Sequential(
            conv_bn(3, 16, 7, 4),
            conv_bn(16, 32, 3, 2),
            nn.Residual(nn.Sequential(conv_bn(32, 32, 3, 1), conv_bn(32, 32, 3, 1))),
            conv_bn(32, 64, 3, 2),
            conv_bn(64, 128, 3, 2),
            nn.Residual(nn.Sequential(conv_bn(128, 128, 3, 1), conv_bn(128, 128, 3, 1))),
            nn.Flatten(),
            nn.Linear(128, 128, device=device, dtype=dtype),
            nn.ReLU(),
            nn.Linear(128, 10, device=device, dtype=dtype),
        )
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        return self.model(x)
        ### END YOUR SOLUTION


class LanguageModel(nn.Module):
    """Predicts each next word of a text: embedding, recurrent network, linear layer to the vocabulary.

    - `embedding`: Embedding(output_size, embedding_size); output_size is the number of words in the
      dictionary.
    - `seq_model`: RNN or LSTM (embedding_size, hidden_size, num_layers), as the argument `seq_model` ("rnn",
      "lstm") says.
    - `linear`: Linear(hidden_size, output_size).
    `seq_len` is the usual length of a chunk; the model takes any.
    """

    def __init__(
        self,
        embedding_size: int,
        output_size: int,
        hidden_size: int,
        num_layers: int = 1,
        seq_model: str = "rnn",
        seq_len: int = 40,
        device=None,
        dtype="float32",
    ):
        super().__init__()
        if seq_model not in ("rnn", "lstm"):
            raise ValueError(f"LanguageModel: seq_model is {seq_model!r}; expected 'rnn' or 'lstm'.")
        ### BEGIN YOUR SOLUTION
        network = nn.RNN if seq_model == "rnn" else nn.LSTM
        self.embedding = nn.Embedding(output_size, embedding_size, device=device, dtype=dtype)
        self.seq_model = network(embedding_size, hidden_size, num_layers, device=device, dtype=dtype)
        self.linear = nn.Linear(hidden_size, output_size, device=device, dtype=dtype)
        ### END YOUR SOLUTION

    def forward(
        self, x: Tensor, h: Tensor | tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Logits for the word after each word, and the state after the last one.

        x (seq_len, batch) of word ids; h the recurrent network's state, or None for zeros ->
        logits (seq_len*batch, output_size), time step by time step, and the network's new state.
        """
        ### BEGIN YOUR SOLUTION
        states, h = self.seq_model(self.embedding(x), h)
        seq_len, batch, hidden_size = states.shape
        return self.linear(states.reshape((seq_len * batch, hidden_size))), h
        ### END YOUR SOLUTION
