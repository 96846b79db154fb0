"""Data sets, transforms, the loader."""

import gzip
import os
import pickle
import struct
from typing import Any, Iterable, Iterator, List, Optional, Sized, Union

import numpy as np

from needle import backend_ndarray as nd
from .autograd import Tensor


class Transform:
    def __call__(self, x):
        raise NotImplementedError


class RandomFlipHorizontal(Transform):
    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, img):
        """
        Mirrors an H x W x C image with probability p.
        """
        flip_img = np.random.rand() < self.p
        ### BEGIN YOUR SOLUTION
        return img[:, ::-1, :] if flip_img else img
        ### END YOUR SOLUTION


class RandomCrop(Transform):
    def __init__(self, padding=3):
        self.padding = padding

    def __call__(self, img):
        """
        Pads an H x W x C image with zeros, and cuts an image of the same size out of it, shifted at random.
        """
        shift_x, shift_y = np.random.randint(low=-self.padding, high=self.padding + 1, size=2)
        ### BEGIN YOUR SOLUTION
        moved = np.zeros_like(img)
        H, W = img.shape[:2]

        def ranges(n, shift):
            """Where to read and where to write along an axis of length n."""
            length = max(0, n - abs(shift))
            source, target = max(0, shift), max(0, -shift)
            return slice(source, source + length), slice(target, target + length)

        (rows, to_rows), (cols, to_cols) = ranges(H, shift_x), ranges(W, shift_y)
        moved[to_rows, to_cols] = img[rows, cols]
        return moved
        ### END YOUR SOLUTION


class Dataset:
    r"""What a data set has: its length, and its items by number."""

    def __init__(self, transforms: Optional[List] = None):
        self.transforms = transforms

    def __getitem__(self, index) -> object:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def apply_transforms(self, x):
        if self.transforms is not None:
            for tform in self.transforms:
                x = tform(x)
        return x


def collate_ndarray(batch, device=None, dtype="float32"):
    """A list of samples as tensors: one for each part of a sample."""
    ### BEGIN YOUR SOLUTION
    columns = list(zip(*batch))
    return tuple(
        Tensor(np.stack([np.asarray(item) for item in column]), device=device, dtype=dtype, requires_grad=False)
        for column in columns
    )
    ### END YOUR SOLUTION


class DataLoader:
    r"""Batches of a data set.

    Args:
        dataset (Dataset): what to load from
        batch_size (int, optional): how many samples a batch has
        shuffle (bool, optional): whether each epoch has another order
        collate_fn (callable, optional): makes a batch of samples
    """

    dataset: Dataset
    batch_size: Optional[int]

    def __init__(
        self, dataset, batch_size=1, shuffle=False, collate_fn=collate_ndarray, device=None, dtype="float32"
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.collate_fn = collate_fn
        self.device = device
        self.dtype = dtype

    def __iter__(self):
        ### BEGIN YOUR SOLUTION
        size = len(self.dataset)
        self.order = np.random.permutation(size) if self.shuffle else np.arange(size)
        self.position = 0
        return self
        ### END YOUR SOLUTION

    def __next__(self):
        ### BEGIN YOUR SOLUTION
        if self.position >= len(self.order):
            raise StopIteration
        chosen = self.order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        return self.collate_fn([self.dataset[int(k)] for k in chosen], device=self.device, dtype=self.dtype)
        ### END YOUR SOLUTION

    def __len__(self):
        ### BEGIN YOUR SOLUTION
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0)
        ### END YOUR SOLUTION


def read_idx(path, magic, dimensions):
    """The bytes of a gzipped idx file, in the shape that its header names."""
    with gzip.open(path, "rb") as f:
        head = struct.unpack(">" + "i" * (1 + dimensions), f.read(4 * (1 + dimensions)))
        assert head[0] == magic, "not an idx file of this kind"
        return np.frombuffer(f.read(), dtype=np.uint8).reshape(head[1:])


class MNISTDataset(Dataset):
    def __init__(self, image_filename: str, label_filename: str, transforms: Optional[List] = None):
        super().__init__(transforms)
        ### BEGIN YOUR SOLUTION
        pixels = read_idx(image_filename, 2051, 3)
        self.X = (pixels[..., None] / 255.0).astype(np.float32)
        self.y = read_idx(label_filename, 2049, 1)
        ### END YOUR SOLUTION

    def __getitem__(self, index) -> object:
        ### BEGIN YOUR SOLUTION
        if isinstance(index, (int, np.integer)):
            return self.apply_transforms(self.X[index]), self.y[index]
        return np.stack([self.apply_transforms(image) for image in self.X[index]]), self.y[index]
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        return len(self.X)
        ### END YOUR SOLUTION


class CIFAR10Dataset(Dataset):
    def __init__(self, base_folder: str, train: bool, p: Optional[int] = 0.5, transforms: Optional[List] = None):
        """
        Parameters:
        base_folder - where the batch files are
        train - whether to read the files for training, or the one for testing

        X holds the pixels divided by 255, y the labels.
        """
        ### BEGIN YOUR SOLUTION
        super().__init__(transforms)
        files = ["data_batch_%d" % n for n in (1, 2, 3, 4, 5)] if train else ["test_batch"]
        xs, ys = [], []
        for name in files:
            with open(os.path.join(base_folder, name), "rb") as f:
                content = pickle.load(f, encoding="bytes")
            xs.append(content[b"data"])
            ys.extend(content[b"labels"])
        stacked = np.concatenate(xs, axis=0).reshape(-1, 3, 32, 32)
        self.X = stacked.astype(np.float32) / np.float32(255)
        self.y = np.array(ys)
        ### END YOUR SOLUTION

    def __getitem__(self, index) -> object:
        """
        The image of shape (3, 32, 32) and the label.
        """
        ### BEGIN YOUR SOLUTION
        image, label = self.X[index], self.y[index]
        if self.transforms:
            hwc = self.apply_transforms(np.transpose(image, (1, 2, 0)))
            image = np.ascontiguousarray(np.transpose(hwc, (2, 0, 1)))
        return image, label
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        """
        How many images there are.
        """
        ### BEGIN YOUR SOLUTION
        return self.y.size
        ### END YOUR SOLUTION


class NDArrayDataset(Dataset):
    def __init__(self, *arrays):
        self.arrays = arrays

    def __len__(self) -> int:
        return self.arrays[0].shape[0]

    def __getitem__(self, i) -> object:
        return tuple([a[i] for a in self.arrays])


class Dictionary(object):
    """
    Words and their numbers.
    word2idx: from word to number
    idx2word: the words in the order of their numbers
    """

    def __init__(self):
        self.word2idx = {}
        self.idx2word = []

    def add_word(self, word):
        """
        Gives the word's number; a word that is new gets the next one.
        """
        ### BEGIN YOUR SOLUTION
        try:
            return self.word2idx[word]
        except KeyError:
            number = self.word2idx[word] = len(self.idx2word)
            self.idx2word.append(word)
            return number
        ### END YOUR SOLUTION

    def __len__(self):
        """
        How many words there are.
        """
        ### BEGIN YOUR SOLUTION
        return len(self.word2idx)
        ### END YOUR SOLUTION


class Corpus(object):
    """
    The texts train.txt and test.txt of a folder, as lists of numbers.
    """

    def __init__(self, base_dir, max_lines=None):
        self.dictionary = Dictionary()
        self.train = self.tokenize(os.path.join(base_dir, "train.txt"), max_lines)
        self.test = self.tokenize(os.path.join(base_dir, "test.txt"), max_lines)

    def tokenize(self, path, max_lines=None):
        """
        The numbers of a text's words, with <eos> after each line, of the first max_lines lines.
        """
        ### BEGIN YOUR SOLUTION
        ids = []
        with open(path, "r", encoding="utf-8") as text:
            for count, line in enumerate(text):
                if max_lines is not None and count >= max_lines:
                    break
                for word in line.split():
                    ids.append(self.dictionary.add_word(word))
                ids.append(self.dictionary.add_word("<eos>"))
        return ids
        ### END YOUR SOLUTION


def batchify(data, batch_size, device, dtype):
    """
    Lays a text out in batch_size columns, each of consecutive words; what does not fit is left out.
    The result is a NumPy array of shape (nbatch, batch_size).
    """
    ### BEGIN YOUR SOLUTION
    columns = np.split(np.asarray(data[: len(data) // batch_size * batch_size], dtype=dtype), batch_size)
    return np.stack(columns, axis=1)
    ### END YOUR SOLUTION


def get_batch(batches, i, bptt, device=None, dtype=None):
    """
    Rows i to i+bptt of what batchify gives, and the words that follow theirs, in one row.
    data - Tensor of shape (bptt, bs); target - Tensor of shape (bptt*bs,)
    """
    ### BEGIN YOUR SOLUTION
    stop = min(i + bptt, batches.shape[0] - 1)
    data, target = batches[i:stop, :], batches[i + 1 : stop + 1, :]
    as_tensor = lambda values: Tensor(values, device=device, dtype=dtype, requires_grad=False)
    return as_tensor(data), as_tensor(target.flatten())
    ### END YOUR SOLUTION
