"""Modules: layers, recurrent networks, the loss."""

import math
from functools import reduce
from operator import mul
from typing import Any, Callable, List, Optional

import numpy as np

import needle.init as init
from needle import ops
from needle.autograd import Tensor


class Parameter(Tensor):
    """A tensor that is trained."""


def contents(value, wanted):
    """Everything of the type `wanted` in a module, a list, a tuple or a dict, however deep."""
    found = [value] if isinstance(value, wanted) else []
    if isinstance(value, Module):
        value = value.__dict__
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return found
    for item in value:
        found += contents(item, wanted)
    return found


class Module:
    def __init__(self):
        self.training = True

    def parameters(self) -> List[Tensor]:
        """All parameters, also of the modules inside."""
        return contents(self, Parameter)

    def train(self, training=True):
        for module in contents(self, Module):
            module.training = training

    def eval(self):
        self.train(False)

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)


class Identity(Module):
    def forward(self, x):
        return x


def uniform_parameter(*shape, bound, device, dtype):
    """A parameter drawn from [-bound, bound)."""
    return Parameter(
        init.rand(*shape, low=-bound, high=bound, device=device, dtype=dtype), device=device, dtype=dtype
    )


def rowwise(bias, like):
    """A bias of n numbers, for each row of `like`."""
    return ops.broadcast_to(ops.reshape(bias, (1,) * (len(like.shape) - 1) + (like.shape[-1],)), like.shape)


class Linear(Module):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype="float32"):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features

        ### BEGIN YOUR SOLUTION
        self.weight = Parameter(
            init.kaiming_uniform(in_features, out_features, device=device, dtype=dtype), device=device, dtype=dtype
        )
        if bias:
            column = init.kaiming_uniform(out_features, 1, device=device, dtype=dtype)
            self.bias = Parameter(column.reshape((1, out_features)), device=device, dtype=dtype)
        else:
            self.bias = None
        ### END YOUR SOLUTION

    def forward(self, X: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        out = X @ self.weight
        return out if self.bias is None else out + rowwise(self.bias, out)
        ### END YOUR SOLUTION


class Flatten(Module):
    """Joins all dimensions but the batch's: (B, X_0, X_1, ...) becomes (B, X_0 * X_1 * ...)."""

    def forward(self, X):
        ### BEGIN YOUR SOLUTION
        batch, *others = X.shape
        return X.reshape((batch, reduce(mul, others, 1)))
        ### END YOUR SOLUTION


class ReLU(Module):
    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        return ops.relu(x)
        ### END YOUR SOLUTION


class Tanh(Module):
    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        return ops.tanh(x)
        ### END YOUR SOLUTION


class Sigmoid(Module):
    def __init__(self):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        # sigma(x) = (tanh(x / 2) + 1) / 2, which cannot overflow
        return (ops.tanh(x / 2) + 1) / 2
        ### END YOUR SOLUTION


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.modules = modules

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        return reduce(lambda value, module: module(value), self.modules, x)
        ### END YOUR SOLUTION


class SoftmaxLoss(Module):
    def forward(self, logits: Tensor, y: Tensor):
        ### BEGIN YOUR SOLUTION
        batch, classes = logits.shape
        truth = init.one_hot(classes, y, device=logits.device, dtype=logits.dtype)
        per_example = ops.summation(ops.logsoftmax(logits) * truth, axes=(1,))
        return -ops.summation(per_example) / batch
        ### END YOUR SOLUTION


class BatchNorm1d(Module):
    def __init__(self, dim, eps=1e-5, momentum=0.1, device=None, dtype="float32"):
        super().__init__()
        self.dim = dim
        self.eps = eps
        self.momentum = momentum
        ### BEGIN YOUR SOLUTION
        place = dict(device=device, dtype=dtype)
        self.weight = Parameter(init.ones(dim, **place), **place)
        self.bias = Parameter(init.zeros(dim, **place), **place)
        self.running_mean = init.zeros(dim, **place)
        self.running_var = init.ones(dim, **place)
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        if self.training:
            n = x.shape[0]
            mean = x.sum(axes=(0,)) / n
            centred = x - rowwise(mean, x)
            var = (centred**2).sum(axes=(0,)) / n
            keep, take = 1 - self.momentum, self.momentum
            self.running_mean = (self.running_mean * keep + mean * take).detach()
            self.running_var = (self.running_var * keep + var * take).detach()
        else:
            centred, var = x - rowwise(self.running_mean, x), self.running_var
        scale = self.weight / (var + self.eps) ** 0.5
        return centred * rowwise(scale, x) + rowwise(self.bias, x)
        ### END YOUR SOLUTION


class BatchNorm2d(BatchNorm1d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def forward(self, x: Tensor):
        # a pixel is an example, a channel a feature: channels go last, and back afterwards
        batch, channels, height, width = x.shape
        pixels = x.transpose((1, 3)).reshape((batch * width * height, channels))
        return super().forward(pixels).reshape((batch, width, height, channels)).transpose((1, 3))


class LayerNorm1d(Module):
    def __init__(self, dim, eps=1e-5, device=None, dtype="float32"):
        super().__init__()
        self.dim = dim
        self.eps = eps
        ### BEGIN YOUR SOLUTION
        self.weight = Parameter(init.ones(dim, device=device, dtype=dtype), device=device, dtype=dtype)
        self.bias = Parameter(init.zeros(dim, device=device, dtype=dtype), device=device, dtype=dtype)
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        def average(t):
            column = (t.sum(axes=(1,)) / t.shape[1]).reshape((t.shape[0], 1))
            return column.broadcast_to(t.shape)

        deviation = x - average(x)
        spread = (average(deviation * deviation) + self.eps) ** 0.5
        return deviation / spread * rowwise(self.weight, x) + rowwise(self.bias, x)
        ### END YOUR SOLUTION


class Dropout(Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        if not self.training:
            return x
        survives = init.randb(*x.shape, p=1 - self.p, device=x.device, dtype=x.dtype)
        return x * survives * (1 / (1 - self.p))
        ### END YOUR SOLUTION


class Residual(Module):
    def __init__(self, fn: Module):
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        return self.fn(x) + x
        ### END YOUR SOLUTION


class Conv(Module):
    """Convolution of images (N, C, H, W), with as much padding as keeps their size at stride 1.

    Only square kernels and equal strides.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, bias=True, device=None, dtype="float32"):
        super().__init__()
        if isinstance(kernel_size, tuple):
            kernel_size = kernel_size[0]
        if isinstance(stride, tuple):
            stride = stride[0]
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = (kernel_size - 1) // 2

        ### BEGIN YOUR SOLUTION
        field = kernel_size * kernel_size
        shape = (kernel_size, kernel_size, in_channels, out_channels)
        weight = init.kaiming_uniform(in_channels * field, out_channels * field, shape=shape, device=device, dtype=dtype)
        self.weight = Parameter(weight, device=device, dtype=dtype)
        self.bias = None
        if bias:
            bound = 1.0 / (in_channels * field) ** 0.5
            self.bias = uniform_parameter(out_channels, bound=bound, device=device, dtype=dtype)
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN YOUR SOLUTION
        nhwc = ops.permute(x, (0, 2, 3, 1))
        out = ops.conv(nhwc, self.weight, stride=self.stride, padding=self.padding)
        if self.bias is not None:
            out = out + rowwise(self.bias, out)
        return ops.permute(out, (0, 3, 1, 2))
        ### END YOUR SOLUTION


class RNNCell(Module):
    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype="float32"):
        """
        One step of an RNN, with tanh or ReLU.

        Variables:
        W_ih: the weights of the input, of shape (input_size, hidden_size).
        W_hh: the weights of the state, of shape (hidden_size, hidden_size).
        bias_ih, bias_hh: the biases, of shape (hidden_size,).

        All are drawn from U(-sqrt(k), sqrt(k)) with k = 1/hidden_size.
        """
        super().__init__()
        ### BEGIN YOUR SOLUTION
        assert nonlinearity in ("tanh", "relu")
        self.nonlinearity = nonlinearity
        self.hidden_size = hidden_size
        options = {"bound": hidden_size**-0.5, "device": device, "dtype": dtype}
        self.W_ih = uniform_parameter(input_size, hidden_size, **options)
        self.W_hh = uniform_parameter(hidden_size, hidden_size, **options)
        self.bias_ih = uniform_parameter(hidden_size, **options) if bias else None
        self.bias_hh = uniform_parameter(hidden_size, **options) if bias else None
        ### END YOUR SOLUTION

    def forward(self, X, h=None):
        """
        Inputs:
        X of shape (bs, input_size), h of shape (bs, hidden_size) or None for zeros.

        Outputs:
        h' of shape (bs, hidden_size).
        """
        ### BEGIN YOUR SOLUTION
        pre = weighted(X, self.W_ih, self.bias_ih)
        if h is not None:
            pre = pre + weighted(h, self.W_hh, self.bias_hh)
        elif self.bias_hh is not None:
            pre = pre + rowwise(self.bias_hh, pre)
        return ops.tanh(pre) if self.nonlinearity == "tanh" else ops.relu(pre)
        ### END YOUR SOLUTION


def weighted(x, weight, bias):
    """The product with a weight, and the bias where there is one."""
    out = x @ weight
    return out if bias is None else out + rowwise(bias, out)


class RNN(Module):
    def __init__(
        self, input_size, hidden_size, num_layers=1, bias=True, nonlinearity="tanh", device=None, dtype="float32"
    ):
        """
        RNN cells on top of each other, over a sequence.

        Variables:
        rnn_cells[k]: the k-th layer's cell. The first takes input_size, the others hidden_size.
        """
        super().__init__()
        ### BEGIN YOUR SOLUTION
        self.num_layers = num_layers
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.rnn_cells = [RNNCell(size, hidden_size, bias, nonlinearity, device, dtype) for size in sizes]
        ### END YOUR SOLUTION

    def forward(self, X, h0=None):
        """
        Inputs:
        X of shape (seq_len, bs, input_size), h0 of shape (num_layers, bs, hidden_size) or None for zeros.

        Outputs:
        output of shape (seq_len, bs, hidden_size), the last layer at each step;
        h_n of shape (num_layers, bs, hidden_size).
        """
        ### BEGIN YOUR SOLUTION
        hidden = [None] * self.num_layers if h0 is None else list(ops.split(h0, 0))
        outputs = []
        for x_t in ops.split(X, 0):
            for layer, cell in enumerate(self.rnn_cells):
                x_t = cell(x_t, hidden[layer])
                hidden[layer] = x_t
            outputs.append(x_t)
        return ops.stack(outputs, 0), ops.stack(hidden, 0)
        ### END YOUR SOLUTION


class LSTMCell(Module):
    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype="float32"):
        """
        One step of an LSTM.

        Variables:
        W_ih: the weights of the input, of shape (input_size, 4*hidden_size).
        W_hh: the weights of the state, of shape (hidden_size, 4*hidden_size).
        bias_ih, bias_hh: the biases, of shape (4*hidden_size,).

        All are drawn from U(-sqrt(k), sqrt(k)) with k = 1/hidden_size.
        """
        super().__init__()
        ### BEGIN YOUR SOLUTION
        self.hidden_size = hidden_size
        self.sigmoid = Sigmoid()
        self.device = device
        self.dtype = dtype
        bound = hidden_size**-0.5
        self.W_ih = uniform_parameter(input_size, 4 * hidden_size, bound=bound, device=device, dtype=dtype)
        self.W_hh = uniform_parameter(hidden_size, 4 * hidden_size, bound=bound, device=device, dtype=dtype)
        self.bias_ih = self.bias_hh = None
        if bias:
            self.bias_ih = uniform_parameter(4 * hidden_size, bound=bound, device=device, dtype=dtype)
            self.bias_hh = uniform_parameter(4 * hidden_size, bound=bound, device=device, dtype=dtype)
        ### END YOUR SOLUTION

    def forward(self, X, h=None):
        """
        Inputs: X, h
        X of shape (bs, input_size), h a tuple (h0, c0) of shape (bs, hidden_size) each, or None for zeros.

        Outputs: (h', c')
        both of shape (bs, hidden_size).
        """
        ### BEGIN YOUR SOLUTION
        bs = X.shape[0]
        if h is None:
            zeros = init.zeros(bs, self.hidden_size, device=X.device, dtype=X.dtype)
            h = (zeros, zeros)
        h0, c0 = h
        gates = weighted(X, self.W_ih, self.bias_ih) + weighted(h0, self.W_hh, self.bias_hh)
        i, f, g, o = ops.split(gates.reshape((bs, 4, self.hidden_size)), axis=1)
        c = self.sigmoid(f) * c0 + self.sigmoid(i) * ops.tanh(g)
        return self.sigmoid(o) * ops.tanh(c), c
        ### END YOUR SOLUTION


class LSTM(Module):
    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, device=None, dtype="float32"):
        """
        LSTM cells on top of each other, over a sequence.

        Variables:
        lstm_cells[k]: the k-th layer's cell. The first takes input_size, the others hidden_size.
        """
        super().__init__()
        ### BEGIN YOUR SOLUTION
        self.lstm_cells = []
        for layer in range(num_layers):
            size = hidden_size if layer else input_size
            self.lstm_cells.append(LSTMCell(size, hidden_size, bias=bias, device=device, dtype=dtype))
        ### END YOUR SOLUTION

    def forward(self, X, h=None):
        """
        Inputs: X, h
        X of shape (seq_len, bs, input_size), h a tuple (h0, c0) of shape (num_layers, bs, hidden_size) each.

        Outputs: (output, (h_n, c_n))
        output of shape (seq_len, bs, hidden_size), the last layer's h at each step;
        h_n and c_n of shape (num_layers, bs, hidden_size).
        """
        ### BEGIN YOUR SOLUTION
        sequence = [x for x in ops.split(X, 0)]
        if h is None:
            states = [None] * len(self.lstm_cells)
        else:
            states = list(zip(ops.split(h[0], 0), ops.split(h[1], 0)))
        last = []
        for cell, state in zip(self.lstm_cells, states):
            for t in range(len(sequence)):
                state = cell(sequence[t], state)
                sequence[t] = state[0]
            last.append(state)
        h_n = ops.stack([s[0] for s in last], 0)
        c_n = ops.stack([s[1] for s in last], 0)
        return ops.stack(sequence, 0), (h_n, c_n)
        ### END YOUR SOLUTION


class Embedding(Module):
    def __init__(self, num_embeddings, embedding_dim, device=None, dtype="float32"):
        """
        A table of vectors, one for each word.

        Variables:
        weight: of shape (num_embeddings, embedding_dim), drawn from N(0, 1).
        """
        super().__init__()
        ### BEGIN YOUR SOLUTION
        self.num_embeddings = num_embeddings
        self.weight = Parameter(
            init.randn(num_embeddings, embedding_dim, device=device, dtype=dtype), device=device, dtype=dtype
        )
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """
        Word ids of shape (seq_len, bs) become vectors: (seq_len, bs, embedding_dim).
        """
        ### BEGIN YOUR SOLUTION
        rows = init.one_hot(self.num_embeddings, x, device=self.weight.device, dtype=self.weight.dtype)
        return rows @ self.weight
        ### END YOUR SOLUTION
