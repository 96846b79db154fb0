"""The earlier edition's name for `simple_ml`."""

if __package__:
    from .simple_ml import (
        epoch_general_cifar10,
        epoch_general_ptb,
        evaluate_cifar10,
        evaluate_ptb,
        softmax_loss,
        train_cifar10,
        train_ptb,
    )
else:  # apps/ itself is on the path
    from simple_ml import (
        epoch_general_cifar10,
        epoch_general_ptb,
        evaluate_cifar10,
        evaluate_ptb,
        softmax_loss,
        train_cifar10,
        train_ptb,
    )

__all__ = [
    "epoch_general_cifar10",
    "epoch_general_ptb",
    "evaluate_cifar10",
    "evaluate_ptb",
    "softmax_loss",
    "train_cifar10",
    "train_ptb",
]
