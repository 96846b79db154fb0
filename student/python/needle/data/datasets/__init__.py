"""The data sets of the course, and arrays in memory."""

from .cifar10_dataset import CIFAR10Dataset
from .mnist_dataset import MNISTDataset
from .ndarray_dataset import NDArrayDataset
from .ptb_dataset import Corpus, Dictionary, batchify, get_batch

__all__ = [
    "CIFAR10Dataset",
    "Corpus",
    "Dictionary",
    "MNISTDataset",
    "NDArrayDataset",
    "batchify",
    "get_batch",
]
