"""Training and evaluation of the two models.

Accuracies and losses are averages over examples: for the text over predicted words, whatever the sizes of the
batches. Batches go to the device of the model's parameters.
"""

from __future__ import annotations

from collections.abc import Iterable

import needle as ndl
import needle.nn as nn
import numpy as np
from needle import Tensor

SEED = 4  # of NumPy's global generator: training and evaluation begin with it, so that runs can be compared


def softmax_loss(Z: Tensor, y_one_hot: Tensor) -> Tensor:
    """The softmax loss averaged over the batch, as one number, for labels given as one-hot rows.

    Z (batch, classes) logits, y_one_hot (batch, classes): the mean over the batch of logsumexp(Z[i]) -
    sum(Z[i] * y_one_hot[i]). `nn.SoftmaxLoss` takes class numbers instead.
    """
    if len(Z.shape) != 2 or Z.shape != y_one_hot.shape:
        raise ValueError(
            f"softmax_loss: Z has shape {Z.shape} and y_one_hot {y_one_hot.shape}; expected (batch, classes) for both."
        )
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("softmax_loss is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def _loss(loss_fn):
    """Both nn.SoftmaxLoss and nn.SoftmaxLoss() are accepted for a loss."""
    return loss_fn() if isinstance(loss_fn, type) else loss_fn


def _device_of(model: nn.Module):
    """Where the model's parameters are; None, for wherever the data is, of a model without any."""
    parameters = model.parameters()
    return parameters[0].device if parameters else None


def _check_epochs(function: str, n_epochs: int) -> None:
    if n_epochs < 1:
        raise ValueError(f"{function}: n_epochs is {n_epochs}; expected at least 1.")


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


def epoch_general_cifar10(
    dataloader: Iterable[tuple[Tensor, Tensor]], model: nn.Module, loss_fn=nn.SoftmaxLoss, opt=None
) -> tuple[float, float]:
    """One epoch over the loader's batches (images, labels); gives (average accuracy, average loss).

    With an optimizer the model is in training mode and takes a step after every batch; without one it is in
    evaluation mode and stays as it is. Accuracy and loss are those of the logits before each step.
    """
    loss_fn = _loss(loss_fn)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("epoch_general_cifar10 is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def train_cifar10(
    model: nn.Module,
    dataloader: Iterable[tuple[Tensor, Tensor]],
    n_epochs: int = 1,
    optimizer=ndl.optim.Adam,
    lr: float = 0.001,
    weight_decay: float = 0.001,
    loss_fn=nn.SoftmaxLoss,
) -> tuple[float, float]:
    """Train for n_epochs and give the last epoch's (accuracy, loss).

    The optimizer is `optimizer(parameters, lr=lr, weight_decay=weight_decay)`.
    """
    _check_epochs("train_cifar10", n_epochs)
    np.random.seed(SEED)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("train_cifar10 is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def evaluate_cifar10(
    model: nn.Module, dataloader: Iterable[tuple[Tensor, Tensor]], loss_fn=nn.SoftmaxLoss
) -> tuple[float, float]:
    """(Average accuracy, average loss) of the model, in evaluation mode, over the loader's batches."""
    np.random.seed(SEED)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("evaluate_cifar10 is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def epoch_general_ptb(
    data: np.ndarray,
    model: nn.Module,
    seq_len: int = 40,
    loss_fn=nn.SoftmaxLoss,
    opt=None,
    clip: float | None = None,
    device=None,
    dtype="float32",
) -> tuple[float, float]:
    """One epoch over a text; gives (average accuracy, average loss) over the predicted words.

    - `data` (nbatch, batch) comes from `batchify`.
    - `get_batch` cuts chunks of seq_len rows, the last one shorter, until every row but the first has been
      predicted.
    - The hidden state goes from one chunk to the next, detached; the first chunk begins without one.
    - With an optimizer the model is in training mode and takes a step after every chunk, its gradients
      clipped to the norm `clip` first where that is given; without one it is in evaluation mode and stays as
      it is.
    - `device`: None for that of the model's parameters.
    """
    if len(data) < 2:
        raise ValueError(f"epoch_general_ptb: the text has {len(data)} rows; expected at least 2, one to predict.")
    loss_fn = _loss(loss_fn)
    device = device or _device_of(model)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("epoch_general_ptb is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def train_ptb(
    model: nn.Module,
    data: np.ndarray,
    seq_len: int = 40,
    n_epochs: int = 1,
    optimizer=ndl.optim.SGD,
    lr: float = 4.0,
    weight_decay: float = 0.0,
    loss_fn=nn.SoftmaxLoss,
    clip: float | None = None,
    device=None,
    dtype="float32",
) -> tuple[float, float]:
    """Train for n_epochs and give the last epoch's (accuracy, loss).

    The optimizer is `optimizer(parameters, lr=lr, weight_decay=weight_decay)`.
    """
    _check_epochs("train_ptb", n_epochs)
    np.random.seed(SEED)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("train_ptb is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION


def evaluate_ptb(
    model: nn.Module,
    data: np.ndarray,
    seq_len: int = 40,
    loss_fn=nn.SoftmaxLoss,
    device=None,
    dtype="float32",
) -> tuple[float, float]:
    """(Average accuracy, average loss) of the model, in evaluation mode, over the words of a text."""
    np.random.seed(SEED)
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("evaluate_ptb is yours to write (apps/simple_ml.py)")
    ### END YOUR SOLUTION
