"""Training on CIFAR-10 and on Penn Treebank."""

import sys

sys.path.append("../python")
import needle as ndl
import needle.nn as nn
from models import *
import time

device = ndl.cpu()


class Meter:
    """Adds up hits and losses, and knows the averages."""

    def __init__(self):
        self.hits, self.loss, self.seen = 0, 0.0, 0

    def add(self, logits, y, loss):
        n = y.shape[0]
        self.hits += int(np.sum(logits.numpy().argmax(axis=1) == y.numpy()))
        self.loss += float(np.sum(loss.numpy())) * n
        self.seen += n

    def averages(self):
        return self.hits / self.seen, self.loss / self.seen


### CIFAR-10 training ###


def epoch_general_cifar10(dataloader, model, loss_fn=nn.SoftmaxLoss(), opt=None):
    """
    One pass over the data: training where an optimizer is given, otherwise only evaluation.
    Returns:
        avg_acc: average accuracy over the dataset
        avg_loss: average loss over the dataset
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    if opt is None:
        model.eval()
    else:
        model.train()
    meter = Meter()
    home = model.parameters()[0].device
    for X, y in dataloader:
        X, y = ndl.Tensor(X, device=home, requires_grad=False), ndl.Tensor(y, device=home, requires_grad=False)
        logits = model(X)
        loss = loss_fn(logits, y)
        meter.add(logits, y, loss)
        if opt is not None:
            opt.reset_grad()
            loss.backward()
            opt.step()
    return meter.averages()
    ### END YOUR SOLUTION


def train_cifar10(
    model, dataloader, n_epochs=1, optimizer=ndl.optim.Adam, lr=0.001, weight_decay=0.001, loss_fn=nn.SoftmaxLoss
):
    """
    Trains for n_epochs.
    Returns:
        avg_acc, avg_loss: of the last epoch
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    opt = optimizer(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(n_epochs):
        result = epoch_general_cifar10(dataloader, model, loss_fn=loss_fn(), opt=opt)
    return result
    ### END YOUR SOLUTION


def evaluate_cifar10(model, dataloader, loss_fn=nn.SoftmaxLoss):
    """
    Accuracy and loss of a model that is not trained any further.
    Returns:
        avg_acc, avg_loss
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    return epoch_general_cifar10(dataloader, model, loss_fn=loss_fn())
    ### END YOUR SOLUTION


### PTB training ###


def detached(state):
    """A hidden state without its history."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return state if state is None else state.detach()


def epoch_general_ptb(
    data, model, seq_len=40, loss_fn=nn.SoftmaxLoss(), opt=None, clip=None, device=None, dtype="float32"
):
    """
    One pass over a text: training where an optimizer is given, otherwise only evaluation.
    Args:
        data: of shape (nbatch, batch_size), from batchify
        clip: the largest norm of the gradients (None: whatever they are)
    Returns:
        avg_acc, avg_loss: over all words that were predicted
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    training = opt is not None
    model.train() if training else model.eval()
    if device is None:
        device = model.parameters()[0].device
    meter, state = Meter(), None
    row = 0
    while row < len(data) - 1:
        X, y = ndl.data.get_batch(data, row, seq_len, device=device, dtype=dtype)
        logits, state = model(X, state)
        state = detached(state)
        loss = loss_fn(logits, y)
        if training:
            opt.reset_grad()
            loss.backward()
            if clip:
                opt.clip_grad_norm(clip)
            opt.step()
        meter.add(logits, y, loss)
        row += seq_len
    return meter.averages()
    ### END YOUR SOLUTION


def train_ptb(
    model,
    data,
    seq_len=40,
    n_epochs=1,
    optimizer=ndl.optim.SGD,
    lr=4.0,
    weight_decay=0.0,
    loss_fn=nn.SoftmaxLoss,
    clip=None,
    device=None,
    dtype="float32",
):
    """
    Trains for n_epochs on a text of shape (nbatch, batch_size).
    Returns:
        avg_acc, avg_loss: of the last epoch
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    opt = optimizer(model.parameters(), lr=lr, weight_decay=weight_decay)
    options = dict(seq_len=seq_len, loss_fn=loss_fn(), opt=opt, clip=clip, device=device, dtype=dtype)
    for epoch in range(n_epochs):
        acc, loss = epoch_general_ptb(data, model, **options)
    return acc, loss
    ### END YOUR SOLUTION


def evaluate_ptb(model, data, seq_len=40, loss_fn=nn.SoftmaxLoss, device=None, dtype="float32"):
    """
    Accuracy and loss of a model on a text.
    Returns:
        avg_acc, avg_loss
    """
    np.random.seed(4)
    ### BEGIN YOUR SOLUTION
    return epoch_general_ptb(data, model, seq_len, loss_fn(), device=device, dtype=dtype)
    ### END YOUR SOLUTION


if __name__ == "__main__":
    images = ndl.data.CIFAR10Dataset("data/cifar-10-batches-py", train=True)
    batches = ndl.data.DataLoader(images, batch_size=128, shuffle=True, device=device)
    start = time.time()
    print(train_cifar10(ResNet9(device=device), batches, n_epochs=10), time.time() - start, "seconds")
