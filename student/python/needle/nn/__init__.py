"""Neural-network modules: layers, the loss, and recurrent networks."""

from .nn_basic import (
    BatchNorm1d,
    BatchNorm2d,
    Dropout,
    Flatten,
    Identity,
    LayerNorm1d,
    Linear,
    Module,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    SoftmaxLoss,
    Tanh,
)
from .nn_conv import Conv
from .nn_sequence import LSTM, RNN, Embedding, LSTMCell, RNNCell, Sigmoid

__all__ = [
    "LSTM",
    "RNN",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "LSTMCell",
    "LayerNorm1d",
    "Linear",
    "Module",
    "Parameter",
    "RNNCell",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "SoftmaxLoss",
    "Tanh",
]
