"""The two models of the assignment: an image classifier and a language model."""

from __future__ import annotations

import needle.nn as nn
from needle import Tensor

### BEGIN YOUR SOLUTION
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
        raise NotImplementedError("ResNet9.__init__ is yours to write (apps/models.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("ResNet9.forward is yours to write (apps/models.py)")
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
        raise NotImplementedError("LanguageModel.__init__ is yours to write (apps/models.py)")
        ### END YOUR SOLUTION

    def forward(
        self, x: Tensor, h: Tensor | tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Logits for the word after each word, and the state after the last one.

        x (seq_len, batch) of word ids; h the recurrent network's state, or None for zeros ->
        logits (seq_len*batch, output_size), time step by time step, and the network's new state.
        """
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("LanguageModel.forward is yours to write (apps/models.py)")
        ### END YOUR SOLUTION
