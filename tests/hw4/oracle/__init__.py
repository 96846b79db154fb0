"""What the right answers are: PyTorch's and NumPy's, in float64. The only place of the suite that imports PyTorch.

    differentiate    values and gradients of any function of tensors       oracle/calculus.py
    ops              the ops of parts 1 and 3, by needle's names           oracle/ops.py
    conv             convolution, op and layer, in needle's layouts        oracle/conv.py
    layers           the layers and the loss of ResNet9                    oracle/layers.py
    optim            Adam and SGD                                          oracle/optim.py
    resnet9          the whole network, and its training                   oracle/resnet9.py
    real             the real data sets, where they are                    oracle/real.py
    sequence, ...    recurrent networks, text, images                      oracle/sequence.py, text.py, ...

Everything that is compared with float32 is computed in float64, so that a difference is the submission's.
"""

import importlib

import torch

from oracle.calculus import Derivatives, differentiate

# One thread: the arrays are small, and on a busy machine two threads wait for each other.
torch.set_num_threads(1)

__all__ = ["Derivatives", "differentiate", "warm_up"]


def warm_up() -> None:
    """Import what PyTorch's first backward() brings in, SymPy: 1.4 s, here once for all judges of a run."""
    importlib.import_module("torch.fx.experimental.symbolic_shapes")
