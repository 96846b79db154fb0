import sys

sys.path.append("./python")
import needle as ndl
import needle.nn as nn
import math
import numpy as np

np.random.seed(0)


def conv_bn(a, b, k, s, device, dtype="float32"):
    """Convolution, normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv(a, b, k, stride=s, device=device, dtype=dtype),
        nn.BatchNorm2d(b, device=device, dtype=dtype),
        nn.ReLU(),
    )


class ResNet9(ndl.nn.Module):
    def __init__(self, device=None, dtype="float32"):
        super().__init__()
        ### BEGIN YOUR SOLUTION
        def block(*sizes):
            return conv_bn(*sizes, device=device, dtype=dtype)

        self.stages = [
            block(3, 16, 7, 4),
            block(16, 32, 3, 2),
            nn.Residual(nn.Sequential(block(32, 32, 3, 1), block(32, 32, 3, 1))),
            block(32, 64, 3, 2),
            block(64, 128, 3, 2),
            nn.Residual(nn.Sequential(block(128, 128, 3, 1), block(128, 128, 3, 1))),
        ]
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(128, 128, device=device, dtype=dtype)
        self.relu = nn.ReLU()
        self.classify = nn.Linear(128, 10, device=device, dtype=dtype)
        ### END YOUR SOLUTION

    def forward(self, x):
        ### BEGIN YOUR SOLUTION
        for stage in self.stages:
            x = stage(x)
        return self.classify(self.relu(self.hidden(self.flatten(x))))
        ### END YOUR SOLUTION


class LanguageModel(nn.Module):
    def __init__(
        self, embedding_size, output_size, hidden_size, num_layers=1, seq_model="rnn", seq_len=40, device=None, dtype="float32"
    ):
        """
        An embedding, an RNN or an LSTM, and a linear layer.
        Parameters:
        output_size: how many words there are
        seq_model: 'rnn' or 'lstm'
        """
        super(LanguageModel, self).__init__()
        ### BEGIN YOUR SOLUTION
        recurrent = {"rnn": nn.RNN, "lstm": nn.LSTM}[seq_model]
        self.embedding = nn.Embedding(output_size, embedding_size, device=device, dtype=dtype)
        self.seq_model = recurrent(embedding_size, hidden_size, num_layers, device=device, dtype=dtype)
        self.linear = nn.Linear(hidden_size, output_size, device=device, dtype=dtype)
        self.hidden_size = hidden_size
        ### END YOUR SOLUTION

    def forward(self, x, h=None):
        """
        Words of shape (seq_len, bs), and the state of the recurrent network.
        Returns the logits (seq_len*bs, output_size) of each next word, and the new state.
        """
        ### BEGIN YOUR SOLUTION
        features, state = self.seq_model(self.embedding(x), h)
        steps, bs, _ = features.shape
        return self.linear(features.reshape((steps * bs, self.hidden_size))), state
        ### END YOUR SOLUTION


if __name__ == "__main__":
    print(sum(np.prod(p.shape) for p in ResNet9().parameters()), "parameters")
