"""What is posted to the course's server: for each problem a handful of cases, listed in assignment.toml.

`submit_<problem>` is no test: pytest does not collect it. `python submit.py -k <problem>` runs it, and so does the
course's own client. Every case is one question; its whole answer is posted and compared with the published one. Inputs
are fixed: they come from the assignment's seed, anew at every case, so that no case depends on what others draw. They
hold weights, too, because what a submission draws by itself is its own affair.
"""

from __future__ import annotations

import numpy as np
from draws import recurrent_layers
from probes import cifar10, conv, language_model, ndarray, ptb, resnet9, sequence
from probes.several import several, shuffled_epochs

ALL = [None, None, None]  # the slice :


def op(rng, name, inputs, value_shape, layout="compact", **attributes):
    """An op's value, whose shape must be this, and its gradients for a random output gradient."""
    return ["ops", "backward", [name, inputs, rng.normal(*value_shape), layout], attributes]


# -- Part 1 ------------------------------------------------------------------------------------------------------


def submit_nd_backend(submit, rng):
    """Every op with its gradient, views and views of views, the kernels of the C++ backend, and whole graphs."""
    shape = (3, 1, 5)

    def elementwise(name, *inputs, **attributes):
        return op(rng, name, list(inputs), shape, "view", **attributes)

    submit(
        "elementwise ops and their gradients",
        several,
        {
            "cube": elementwise("power_scalar", rng.normal(*shape), scalar=3),
            "inverse root": elementwise("power_scalar", rng.uniform(*shape, low=0.3, high=2.0), scalar=-0.5),
            "power": elementwise("power", rng.uniform(*shape, low=0.3, high=2.0), rng.normal(*shape)),
            "divide": elementwise("divide", rng.normal(*shape), rng.away_from_zero(*shape)),
            "divide_scalar": elementwise("divide_scalar", rng.normal(*shape), scalar=-2.5),
            "negate": elementwise("negate", rng.normal(*shape)),
            "log": elementwise("log", rng.uniform(*shape, low=0.3, high=2.0)),
            "exp": elementwise("exp", rng.normal(*shape)),
            "relu": elementwise("relu", rng.distinct(*shape)),
            "tanh": elementwise("tanh", rng.normal(*shape, std=2.0)),
        },
    )
    submit(
        "transpose, reshape, broadcast_to",
        several,
        {
            "transpose": op(rng, "transpose", [rng.normal(2, 3, 5)], (2, 5, 3), axes=None),
            "transpose of two axes": op(rng, "transpose", [rng.normal(3, 2, 7, 4)], (4, 2, 7, 3), axes=(0, -1)),
            "transpose of a view": op(rng, "transpose", [rng.normal(2, 3, 5)], (5, 3, 2), "view", axes=(2, 0)),
            "reshape": op(rng, "reshape", [rng.normal(4, 1, 6)], (1, 8, 3, 1), shape=(1, 8, 3, 1)),
            "reshape of a view": op(rng, "reshape", [rng.normal(3, 5, 7)], (105,), "permuted", shape=(105,)),
            "new axes": op(rng, "broadcast_to", [rng.normal(2, 1, 5)], (7, 2, 3, 5), shape=(7, 2, 3, 5)),
            "a vector": op(rng, "broadcast_to", [rng.normal(4)], (3, 4), shape=(3, 4)),
            "equal lengths": op(rng, "broadcast_to", [rng.normal(3, 1, 3)], (3, 3, 3), shape=(3, 3, 3)),
        },
    )
    large = (1000 * rng.integers(-1, 2, 3, 7, 4) + rng.normal(3, 7, 4)).astype(np.float32)
    submit(
        "sums and logsumexp",
        several,
        {
            "everything": op(rng, "summation", [rng.normal(3, 7, 4)], (1,), axes=None),
            "the middle axis": op(rng, "summation", [rng.normal(3, 7, 4)], (3, 4), axes=1),
            "several axes": op(rng, "summation", [rng.normal(2, 3, 4, 5)], (2, 4), "view", axes=(1, 3)),
            "negative axes": op(rng, "summation", [rng.normal(3, 7, 4)], (7,), axes=(0, -1)),
            "logsumexp": op(rng, "logsumexp", [rng.normal(31, 9)], (31,), axes=(1,)),
            "logsumexp of the first axis": op(rng, "logsumexp", [rng.normal(3, 7, 4)], (7, 4), "permuted", axes=0),
            "logsumexp of large numbers": op(rng, "logsumexp", [large], (7,), axes=(2, 0)),
        },
    )
    submit(
        "matmul, also of broadcast batches",
        several,
        {
            "3x31 by 31x7": op(rng, "matmul", [rng.normal(3, 31), rng.normal(31, 7)], (3, 7)),
            "whole tiles": op(rng, "matmul", [rng.normal(8, 16), rng.normal(16, 8)], (8, 8)),
            "views": op(rng, "matmul", [rng.normal(9, 8), rng.normal(8, 17)], (9, 17), "view"),
            "batch by matrix": op(rng, "matmul", [rng.normal(5, 2, 3), rng.normal(3, 4)], (5, 2, 4)),
            "matrix by batch": op(rng, "matmul", [rng.normal(2, 3), rng.normal(5, 3, 4)], (5, 2, 4)),
            "both broadcast": op(rng, "matmul", [rng.normal(4, 1, 2, 3), rng.normal(5, 3, 7)], (4, 5, 2, 7)),
        },
    )
    submit(
        "stack and split",
        several,
        {
            "stack": op(rng, "stack", [rng.normal(2, 5) for _ in range(3)], (3, 2, 5), axis=0),
            "stack of views": op(rng, "stack", [rng.normal(3, 2) for _ in range(4)], (3, 2, 4), "view", axis=2),
            "split": ["ops", "split_parts", [rng.normal(4, 3, 2), 1, "view"], {}],
            "split and stack": [
                "ops",
                "split_and_stack",
                [rng.normal(2, 4, 3), rng.normal(2, 3, 4)],
                {"split_axis": 1, "order": [3, 1, 1, 0], "stack_axis": 2},
            ],
            "fused_add_scalars": [
                "ops",
                "fused_add_scalars",
                [rng.normal(3, 7), rng.normal(3, 7)],
                {"c0": 0.75, "c1": -1.5},
            ],
        },
    )
    slice_of_permuted = [["permute", [2, 0, 1]], ["getitem", [[1, 6, 2], [2, 4, None], 3]]]
    steps_with_rest = [["getitem", [[0, 10, 4], [1, 6, 3]]]]
    nested = [["permute", [1, 0]], ["compact"], ["reshape", [3, 8]], ["getitem", [[1, 3, None], [0, 8, 3]]]]
    equal = rng.away_from_zero(3, 7, 5)
    submit(
        "views, and writing through them",
        several,
        {
            "slice of permuted": ["ndarray", "view", [rng.normal(4, 5, 6), slice_of_permuted], {}],
            "view of a view": ["ndarray", "view", [rng.normal(4, 6), nested], {}],
            "broadcast": [
                "ndarray",
                "view",
                [rng.normal(4, 5), [["getitem", [ALL, [3, 4, None]]], ["broadcast_to", [2, 4, 6]]]],
                {},
            ],
            "array written": [
                "ndarray",
                "write",
                [rng.normal(4, 5, 6), slice_of_permuted, rng.normal(1, 2, 3), [["permute", [2, 1, 0]]]],
                {},
            ],
            "number written": ["ndarray", "write", [rng.normal(10, 7), steps_with_rest, -2.5, []], {}],
            "compact": ["ndarray", "compacted", [rng.normal(10, 7), steps_with_rest], {}],
            "greater or equal": ["ndarray", "binary", [equal, ">=", equal[::-1].copy(), ["view", "compact"]], {}],
            "maximum": ["ndarray", "binary", [rng.normal(4, 7), "maximum", 0.25, ["view", ""]], {}],
            "largest of negatives": [
                "ndarray",
                "reduce",
                [-rng.uniform(3, 7, 5, low=0.1, high=2.0), "max", 1, True, "view"],
                {},
            ],
        },
    )
    a, b, positive = rng.away_from_zero(103), rng.away_from_zero(103), rng.uniform(33, low=0.2, high=3.0)
    b[::3] = a[::3]
    submit(
        "kernels of the C++ backend",
        several,
        {
            "compact, steps and offset": ["backend", "compact", [rng.normal(63), [3, 1, 4], [18, 5, 2], 4], {}],
            "compact, negative strides": ["backend", "compact", [rng.normal(24), [4, 3, 2], [-1, 8, -4], 7], {}],
            "compact, stride 0": ["backend", "compact", [rng.normal(6), [3, 4], [2, 0], 1], {}],
            "compact, nothing": ["backend", "compact", [rng.normal(3), [3, 0], [1, 1], 0], {}],
            "ewise_setitem": [
                "backend",
                "ewise_setitem",
                [rng.normal(30), rng.normal(33), [5, 2, 3], [1, 15, 5], 2],
                {},
            ],
            "scalar_setitem": ["backend", "scalar_setitem", [-2.5, rng.normal(24), [3, 2, 4], [8, 4, -1], 3], {}],
            "two arrays": ["backend", "ewise", [["mul", "add", "div", "maximum", "eq", "ge"], a, b], {}],
            "with a number": ["backend", "scalar", [["mul", "add", "div", "maximum", "eq", "ge"], a, float(a[7])], {}],
            "power": ["backend", "scalar", [["power"], positive, 1.75], {}],
            **{name: ["backend", "unary", [name, positive], {}] for name in ("log", "exp", "tanh")},
            "reduce_max": ["backend", "reduce", ["max", -rng.uniform(7, 9, low=0.1, high=5.0)], {}],
            "reduce_sum": ["backend", "reduce", ["sum", rng.normal(7, 33)], {}],
            "matmul": ["backend", "matmul", [rng.normal(9, 31), rng.normal(31, 18)], {}],
            "matmul_tiled": ["backend", "matmul_tiled", [rng.normal(8, 24), rng.normal(24, 16)], {}],
        },
    )
    positive = [rng.uniform(3, 5, low=0.3, high=1.5) for _ in range(6)]
    submit(
        "gradients of whole graphs",
        several,
        {
            "used twice": ["graph", "used_twice", [rng.normal(7, 3), rng.away_from_zero(7, 3), rng.normal(7, 3)], {}],
            "two ways that meet": [
                "graph",
                "diamond",
                [rng.normal(3, 7), rng.normal(7, 2, std=0.2), rng.normal(3, 2)],
                {},
            ],
            "many ways": ["graph", "doubled", [rng.normal(3), rng.normal(3)], {"times": 20}],
            "detached": ["graph", "detached", [rng.normal(4, 3), rng.normal(4, 3)], {}],
            "backward twice": ["graph", "backward_twice", [rng.normal(5), rng.normal(5), rng.normal(5)], {}],
            "gradient of a gradient": [
                "graph",
                "second_order",
                ["cube", *positive[:2], rng.normal(3, 5), rng.normal(3, 5)],
                {},
            ],
            "and of logsumexp": [
                "graph",
                "second_order",
                ["logsumexp", *positive[2:4], rng.normal(3), rng.normal(3, 5)],
                {},
            ],
        },
    )


# -- Part 2 ------------------------------------------------------------------------------------------------------


def sparse_files(rng, sizes):
    """CIFAR-10's files with such numbers of images; most of their pixels are black, which are few bytes to post."""
    files = {}
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    for name, size in zip(names, sizes, strict=True):
        lit = rng.uniform(size, 3072) < 0.04
        files[name] = {
            "data": (lit * rng.integers(1, 256, size, 3072)).astype(np.uint8),
            "labels": [int(label) for label in rng.integers(0, 10, size)],
        }
    return files


def numbered(rng, count):
    """Images, labels and the items' numbers: any two items differ in each."""
    numbers = np.arange(count, dtype=np.float32)
    return [rng.distinct(count, 2, 3), numbers[::-1].copy(), numbers]


def submit_cifar10(submit, rng):
    """Both splits, with and without transforms, the transforms by themselves, and the loader."""
    files = sparse_files(rng, (2, 1, 3, 1, 2, 1))
    submit("learning set, an image of each file", cifar10.dataset, files, train=True, items=[0, 2, 5, 6, 7])
    submit("test set", cifar10.dataset, sparse_files(rng, (1, 1, 1, 1, 1, 4)), train=False, items=[3, 0])
    transforms = [["mirror", 1.0], ["crop", 3]]
    submit(
        "images of the learning set, transformed",
        cifar10.dataset,
        sparse_files(rng, (2, 1, 1, 1, 1, 1)),
        train=True,
        items=[1, 0, 1],
        transforms=transforms,
        seed=7,
    )
    image = rng.away_from_zero(3, 5, 3)
    submit(
        "RandomFlipHorizontal",
        several,
        {
            f"p = {p}": ["cifar10", "transform", [image], {"transform": ["mirror", p], "times": 6, "seed": 11}]
            for p in (0.0, 0.25, 1.0)
        },
    )
    image = rng.away_from_zero(4, 6, 2)
    submit(
        "RandomCrop",
        several,
        {
            f"padding {padding}": [
                "cifar10",
                "transform",
                [image],
                {"transform": ["crop", padding], "times": 8, "seed": 12 + padding},
            ]
            for padding in (0, 2, 5)
        },
    )
    submit(
        "loader in order",
        several,
        {
            "short last batch": [
                "cifar10",
                "loader",
                [numbered(rng, 10)],
                {"batch_size": 4, "shuffle": False, "epochs": 2},
            ],
            "left early": [
                "cifar10",
                "loader",
                [numbered(rng, 7)],
                {"batch_size": 2, "shuffle": False, "epochs": 2, "stop_first_after": 2},
            ],
            "number of batches": [
                "cifar10",
                "number_of_batches",
                [rng.normal(9, 2)],
                {"batch_size": 4, "shuffle": False},
            ],
            "batch larger than the set": [
                "cifar10",
                "loader",
                [numbered(rng, 3)[:1]],
                {"batch_size": 31, "shuffle": False},
            ],
            "data set of arrays": ["cifar10", "arrays_dataset", [numbered(rng, 5)], {"items": [4, 0, 0]}],
        },
    )
    submit("loader with shuffle", shuffled_epochs, numbered(rng, 33), batch_size=8, epochs=2)


# -- Part 3 ------------------------------------------------------------------------------------------------------


def submit_new_ops(submit, rng):
    """NDArray.pad and flip, of arrays and of views; Flip, Dilate and UnDilate with their gradients."""
    slices = [["getitem", [[2, 6, None], [0, 4, 3], [1, 7, 2]]], ["permute", [1, 2, 0]]]
    stretched = [["broadcast_to", [3, 4, 5]]]
    submit("pad, every side by another number", ndarray.pad, rng.normal(2, 3, 4), [[0, 1], [2, 0], [1, 3]])
    submit(
        "pad of images and of views",
        several,
        {
            "images": ["ndarray", "pad", [rng.normal(2, 3, 4, 2), [[0, 0], [2, 2], [1, 1], [0, 0]]], {}],
            "permuted slice": ["ndarray", "pad", [rng.normal(6, 4, 7), [[1, 0], [0, 2], [3, 1]], slices], {}],
            "broadcast": ["ndarray", "pad", [rng.normal(3, 1, 5), [[1, 0], [0, 2], [0, 1]], stretched], {}],
        },
    )
    submit(
        "flip of arrays and of views",
        several,
        {
            "one axis": ["ndarray", "flip", [rng.normal(3, 2, 4), [1]], {}],
            "every axis": ["ndarray", "flip", [rng.normal(3, 2, 4), [0, 1, 2]], {}],
            "permuted slice": ["ndarray", "flip", [rng.normal(6, 4, 7), [0, 2], slices], {}],
            "broadcast": ["ndarray", "flip", [rng.normal(3, 1, 5), [1, 2], stretched], {}],
        },
    )
    submit(
        "Flip and its gradient",
        several,
        {
            "two axes": op(rng, "flip", [rng.normal(3, 3, 2, 5)], (3, 3, 2, 5), axes=(0, 1)),
            "the last axis": op(rng, "flip", [rng.normal(3, 2, 4)], (3, 2, 4), "view", axes=(2,)),
        },
    )
    submit(
        "Dilate and its gradient",
        several,
        {
            "two axes by 1": op(rng, "dilate", [rng.normal(2, 3, 2, 4)], (2, 6, 4, 4), axes=(1, 2), dilation=1),
            "one axis by 3": op(rng, "dilate", [rng.normal(3, 5)], (12, 5), "view", axes=(0,), dilation=3),
            "by 0": op(rng, "dilate", [rng.normal(2, 2)], (2, 2), axes=(0, 1), dilation=0),
            "an axis beyond": op(rng, "dilate", [rng.normal(3, 5)], (3, 15), axes=(1, 2), dilation=2),
        },
    )
    submit(
        "UnDilate and its gradient",
        several,
        {
            "two axes by 1": op(rng, "undilate", [rng.normal(2, 6, 4, 3)], (2, 3, 2, 3), axes=(1, 2), dilation=1),
            "one axis by 3": op(rng, "undilate", [rng.normal(12, 5)], (3, 5), "view", axes=(0,), dilation=3),
            "by 0": op(rng, "undilate", [rng.normal(2, 2)], (2, 2), axes=(0, 1), dilation=0),
        },
    )


def submit_conv_forward(submit, rng):
    """Convolutions with every kind of kernel, stride and padding, of views, and nn.Conv."""

    def forward(title, images, kernels, **options):
        submit(title, conv.conv_forward, rng.normal(*images), rng.normal(*kernels), **options)

    forward("3x3, padding 1", (2, 5, 6, 3), (3, 3, 3, 4), stride=1, padding=1)
    forward("3x3, stride 2, no rest", (2, 7, 9, 2), (3, 3, 2, 3), stride=2, padding=0)
    forward("4x4, stride 3, a rest", (1, 12, 9, 2), (4, 4, 2, 3), stride=3, padding=1)
    forward("7x7, stride 4, padding 3", (1, 14, 17, 3), (7, 7, 3, 5), stride=4, padding=3)
    forward("1x1, stride 3, of views", (2, 7, 8, 3), (1, 1, 3, 2), stride=3, padding=0, layout="view")
    forward("dilation 2", (2, 7, 9, 2), (3, 3, 2, 3), stride=1, padding=1, dilation=2)
    submit(
        "nn.Conv with a bias",
        conv.nn_conv_forward,
        rng.normal(2, 3, 8, 9),
        rng.normal(3, 3, 3, 4),
        rng.normal(4),
        stride=2,
    )
    submit(
        "nn.Conv without a bias",
        conv.nn_conv_forward,
        rng.normal(1, 2, 9, 6),
        rng.normal(5, 5, 2, 3),
        None,
        stride=1,
    )


def submit_conv_backward(submit, rng):
    """Gradients with and without rows left over by the stride, of views, of one input, and of nn.Conv."""

    def backward(title, images, kernels, outputs, **options):
        grad = rng.normal(images[0], *outputs, kernels[3])
        submit(title, conv.conv_backward, rng.normal(*images), rng.normal(*kernels), grad, **options)

    backward("3x3, padding 1", (2, 5, 6, 3), (3, 3, 3, 4), (5, 6), stride=1, padding=1)
    backward("3x3, stride 2, no rest", (2, 7, 9, 2), (3, 3, 2, 3), (3, 4), stride=2, padding=0)
    backward("4x4, stride 3, a rest", (1, 11, 9, 2), (4, 4, 2, 3), (4, 3), stride=3, padding=1)
    backward("2x2, padding 3", (2, 2, 3, 1), (2, 2, 1, 2), (7, 8), stride=1, padding=3)
    backward("1x1, stride 3, of views", (2, 9, 8, 3), (1, 1, 3, 2), (3, 3), stride=3, padding=0, layout="view")
    backward("dilation 2, stride 2", (1, 9, 8, 3), (3, 3, 3, 2), (4, 3), stride=2, padding=1, dilation=2)
    images, kernels, grad = rng.normal(2, 7, 6, 2), rng.normal(3, 3, 2, 3), rng.normal(2, 4, 3, 3)
    submit(
        "gradient of one input alone",
        several,
        {
            wanted: [
                "conv",
                "conv_backward_one",
                [images, kernels, grad],
                {"stride": 2, "padding": 1, "wanted": wanted},
            ]
            for wanted in ("z", "w")
        },
    )
    submit(
        "nn.Conv",
        conv.nn_conv_backward,
        rng.normal(2, 3, 8, 9),
        rng.normal(3, 3, 3, 4),
        rng.normal(4),
        rng.normal(2, 4, 4, 5),
        stride=2,
    )


RESNET9 = [(3, 16, 7), (16, 32, 3), (32, 32, 3), (32, 32, 3), (32, 64, 3), (64, 128, 3), (128, 128, 3), (128, 128, 3)]


def linear_weights(rng, inputs, outputs, *, bias=True):
    """Weights of a Linear that keeps the size of its signals."""
    weights = {"weight": rng.normal(inputs, outputs, std=(2 / inputs) ** 0.5)}
    return {**weights, "bias": rng.normal(1, outputs, std=0.3)} if bias else weights


def norm_weights(rng, channels):
    """Weights of a BatchNorm, none where it begins."""
    return {"weight": rng.uniform(channels, low=0.5, high=1.5), "bias": rng.normal(channels, std=0.3)}


def resnet9_weights(rng):
    """Weights of a ResNet9, layer by layer."""
    weights = []
    for channels_in, channels_out, k in RESNET9:
        std = (2 / (channels_in * k * k)) ** 0.5
        kernel = rng.normal(k, k, channels_in, channels_out, std=std)
        weights += [{"weight": kernel, "bias": rng.normal(channels_out, std=0.3)}, norm_weights(rng, channels_out)]
    return [*weights, linear_weights(rng, 128, 128), linear_weights(rng, 128, 10)]


def norm_call(rng, layer, shape, modes, **options):
    """A BatchNorm over batches with another mean and spread each."""
    batches = [rng.normal(*shape, mean=2.0 - k, std=0.5 + k) for k in range(len(modes))]
    return ["layers", "batchnorm", [layer, batches, modes, norm_weights(rng, shape[1]), rng.normal(*shape)], options]


def submit_resnet9(submit, rng):
    """The layers, the loss and the optimizers by themselves; ResNet9 in both modes; and training."""
    inner = [linear_weights(rng, 6, 9), linear_weights(rng, 9, 6), linear_weights(rng, 6, 4)]
    submit(
        "Linear, Flatten, Residual",
        several,
        {
            "Linear": ["layers", "linear", [rng.normal(3, 7), linear_weights(rng, 7, 5), rng.normal(3, 5)], {}],
            "no bias": [
                "layers",
                "linear",
                [rng.normal(3, 2), linear_weights(rng, 2, 4, bias=False), rng.normal(3, 4)],
                {},
            ],
            "Flatten and ReLU": ["layers", "flatten", [rng.distinct(3, 2, 2, 3), rng.normal(3, 12)], {}],
            "Residual": ["layers", "residual", [rng.normal(5, 6), inner, rng.normal(5, 4)], {}],
        },
    )
    submit(
        "BatchNorm in both modes",
        several,
        {
            "1d": norm_call(rng, "BatchNorm1d", (7, 5), ["train", "train"]),
            "2d": norm_call(rng, "BatchNorm2d", (2, 3, 5, 4), ["train", "train", "eval"], eps=0.01, momentum=0.3),
            "evaluate at once": norm_call(rng, "BatchNorm2d", (2, 2, 3, 4), ["eval"]),
        },
    )
    y = rng.integers(0, 10, 7).astype(np.float32)
    large = (rng.normal(7, 10, std=2.0) + 1000).astype(np.float32)
    submit(
        "SoftmaxLoss",
        several,
        {
            "small logits": ["layers", "softmax_loss", [rng.normal(7, 10, std=2.0), y, 7.0], {}],
            "large logits": ["layers", "softmax_loss", [large, y, 7.0], {}],
        },
    )
    shapes = [(3, 5), (1, 7), (2, 1, 2, 3)]
    params = [rng.normal(*shape) for shape in shapes]
    grads = [[rng.away_from_zero(*shape, low=0.1) for shape in shapes] for _ in range(3)]
    for step in grads:  # in all of them: a parameter that takes a rest may go on with its own count of steps, or not
        step[1] = None
    adam = {"lr": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "weight_decay": 0.1}
    submit(
        "Adam",
        several,
        {
            "defaults": ["optim", "steps", ["Adam", params, grads], {}],
            "every option": ["optim", "steps", ["Adam", params, grads], adam],
        },
    )
    images = [rng.uniform(8, 3, 32, 32) for _ in range(3)]
    submit("logits of ResNet9", resnet9.logits, images, ["train", "train", "eval"], resnet9_weights(rng))
    small = [linear_weights(rng, 60, 12, bias=False), norm_weights(rng, 12), linear_weights(rng, 12, 10)]
    submit(
        "train_cifar10 of a small network",
        resnet9.train_cifar10,
        "small",
        rng.normal(21, 3, 5, 4),
        rng.integers(0, 10, 21),
        8,
        small,
        optimizer="Adam",
        eps=1e-3,
        n_epochs=2,
        lr=0.02,
        weight_decay=0.5,
        x_eval=rng.normal(13, 3, 5, 4),
        y_eval=rng.integers(0, 10, 13),
    )
    submit(
        "train_cifar10 of ResNet9",
        resnet9.train_cifar10,
        "resnet9",
        rng.uniform(16, 3, 32, 32),
        rng.integers(0, 10, 16),
        8,
        resnet9_weights(rng),
        optimizer="Adam",
        eps=1e-3,
        lr=0.01,
        weight_decay=0.01,
        x_eval=rng.uniform(5, 3, 32, 32),
        y_eval=rng.integers(0, 10, 5),
    )


# -- Parts 4 and 5 -----------------------------------------------------------------------------------------------


def submit_rnn(submit, rng):
    """Cells and networks with every nonlinearity, with and without biases and state, and all their gradients."""
    (weights,) = recurrent_layers(rng, 4, 5, 1)
    h, grad = rng.normal(3, 5), rng.normal(3, 5)
    submit("cell, tanh", sequence.rnn_cell, rng.normal(3, 4), h, weights, nonlinearity="tanh", output_grad=grad)
    (weights,) = recurrent_layers(rng, 2, 7, 1, bias=False)
    # Without gradients: that of W_hh is 0 or, where the state of zeros was not multiplied by it, None. Both are right.
    submit("cell, relu, no bias, no state", sequence.rnn_cell, rng.normal(3, 2), None, weights, nonlinearity="relu")

    def network(title, steps, batch, inputs, hidden, layers, nonlinearity, *, state=True, bias=True, used=(1.0, 1.0)):
        weights = recurrent_layers(rng, inputs, hidden, layers, bias=bias)
        h0 = rng.normal(layers, batch, hidden) if state else None
        grads = [used[0] * rng.normal(steps, batch, hidden), used[1] * rng.normal(layers, batch, hidden)]
        grads = [grad.astype(np.float32) for grad in grads]
        X = rng.normal(steps, batch, inputs)
        submit(title, sequence.rnn, X, h0, weights, nonlinearity=nonlinearity, output_grads=grads)

    network("one layer, 9 steps", 9, 3, 5, 4, 1, "tanh")
    network("three layers", 4, 2, 3, 5, 3, "tanh")
    network("two layers, all sizes 3, no bias", 4, 3, 3, 3, 2, "tanh", bias=False)
    network("two layers, relu, no state", 5, 1, 4, 6, 2, "relu", state=False)
    network("gradient of the last states alone", 4, 3, 2, 5, 2, "tanh", used=(0.0, 1.0))
    weights = recurrent_layers(rng, 4, 5, 2)
    submit(
        "forgets an earlier sequence",
        sequence.rnn,
        rng.normal(3, 2, 4),
        None,
        weights,
        nonlinearity="tanh",
        earlier=rng.normal(6, 2, 4),
    )


def submit_lstm(submit, rng):
    """The sigmoid, cells and networks, with and without biases and state, and all their gradients."""
    x = np.concatenate([rng.normal(9, std=3.0), np.array([100, -100, 0], dtype=np.float32)])
    submit("Sigmoid", sequence.sigmoid, x, rng.normal(12))
    (weights,) = recurrent_layers(rng, 4, 5, 1, gates=4)
    h, c, grads = rng.normal(3, 5), rng.normal(3, 5), [rng.normal(3, 5), rng.normal(3, 5)]
    submit("cell", sequence.lstm_cell, rng.normal(3, 4), h, c, weights, output_grads=grads)
    (weights,) = recurrent_layers(rng, 3, 4, 1, bias=False, gates=4)
    grads = [rng.normal(2, 4), rng.normal(2, 4)]
    submit("cell, no bias, no state", sequence.lstm_cell, rng.normal(2, 3), None, None, weights, output_grads=grads)

    def network(title, steps, batch, inputs, hidden, layers, *, state=True, bias=True, used=(1.0, 1.0, 1.0)):
        weights = recurrent_layers(rng, inputs, hidden, layers, bias=bias, gates=4)
        before = [rng.normal(layers, batch, hidden) if state else None for _ in range(2)]
        shapes = [(steps, batch, hidden), (layers, batch, hidden), (layers, batch, hidden)]
        grads = [(share * rng.normal(*shape)).astype(np.float32) for share, shape in zip(used, shapes, strict=True)]
        submit(title, sequence.lstm, rng.normal(steps, batch, inputs), *before, weights, output_grads=grads)

    network("one layer, 9 steps", 9, 3, 5, 4, 1)
    network("three layers", 4, 2, 3, 5, 3)
    network("two layers, all sizes 3, no bias, no state", 4, 3, 3, 3, 2, bias=False, state=False)
    network("gradient of the last c alone", 4, 3, 2, 5, 2, used=(0.0, 0.0, 1.0))
    weights = recurrent_layers(rng, 4, 5, 2, gates=4)
    submit(
        "forgets an earlier sequence",
        sequence.lstm,
        rng.normal(3, 2, 4),
        None,
        None,
        weights,
        earlier=rng.normal(6, 2, 4),
    )


# -- Part 6 ------------------------------------------------------------------------------------------------------

WORDS = ["ka", "lo", "mi", "nu", "re", "sa", "ti", "vo", "<unk>", "N", "$", "u.s."]


def draw_text(rng, lines):
    """Lines as in the real files, which begin and end with a blank."""
    return "".join(f" {' '.join(rng.choice(WORDS) for _ in range(rng.integer(1, 9)))} \n" for _ in range(lines))


def submit_ptb(submit, rng):
    """The dictionary both ways, corpora whole and cut, columns with a rest, and chunks up to the last, short one."""
    words = [rng.choice(WORDS) for _ in range(40)]
    submit(
        "Dictionary",
        several,
        {
            "ids": ["ptb", "dictionary", [words], {}],
            "tables": ["ptb", "dictionary_tables", [["The", "the", "a", "The", ""]], {}],
            "two of them": ["ptb", "two_dictionaries", [["a", "b", "c"], ["c", "d"]], {}],
        },
    )
    submit("Corpus", ptb.corpus, draw_text(rng, 12), " new words\n" + draw_text(rng, 4))
    submit("Corpus of odd lines", ptb.corpus, " a  b \n\nc <eos> d\n\n", "\n\nd\n e a")
    submit(
        "Corpus with max_lines",
        several,
        {
            f"{lines} lines": ["ptb", "corpus", [draw_text(rng, 6), draw_text(rng, 3)], {"max_lines": lines}]
            for lines in (1, 3, 5)
        },
    )
    submit(
        "batchify",
        several,
        {
            f"{count} words in {size} columns": [
                "ptb",
                "batchify",
                [rng.integers(0, 1000, count)],
                {"batch_size": size},
            ]
            for count, size in ((26, 4), (24, 4), (13, 7), (33, 1))
        },
    )
    batches = np.array(rng.permutation(60), dtype=np.float32).reshape(20, 3)
    submit(
        "get_batch",
        several,
        {
            f"{bptt} rows from {i}": ["ptb", "get_batch", [batches], {"i": i, "bptt": bptt}]
            for i, bptt in ((0, 5), (7, 4), (15, 5), (18, 5))
        },
    )
    submit("a whole epoch", ptb.epoch, draw_text(rng, 12), batch_size=4, bptt=5)


# -- Part 7 ------------------------------------------------------------------------------------------------------


def model_weights(rng, network, words, embedding, hidden, layers):
    """The weights of a LanguageModel; logits of the size of 1."""
    return {
        "embedding": rng.normal(words, embedding),
        "layers": recurrent_layers(rng, embedding, hidden, layers, gates=4 if network == "lstm" else 1),
        "linear_weight": rng.normal(hidden, words, std=1.5 * hidden**-0.5),
        "linear_bias": rng.normal(words, std=0.5),
    }


def draw_ids(rng, words, *shape):
    """Word ids as they travel in needle: float32."""
    return rng.integers(0, words, *shape).astype(np.float32)


def submit_language_model(submit, rng):
    """The embedding, the model over both networks with all gradients, the loss, SGD, clipping, and training."""
    grads = rng.normal(5, 3, 4)
    submit("Embedding", language_model.embedding, draw_ids(rng, 7, 5, 3), rng.normal(7, 4), grads)
    for network, layers in (("rnn", 2), ("lstm", 1)):
        parts = 2 if network == "lstm" else 1
        before = [rng.normal(layers, 3, 5) for _ in range(parts)]
        submit(
            f"model over {network.upper()}",
            language_model.model,
            draw_ids(rng, 9, 4, 3),
            before,
            model_weights(rng, network, 9, 4, 5, layers),
            recurrent=network,
            output_grads=[rng.normal(12, 9), *(rng.normal(layers, 3, 5) for _ in range(parts))],
        )
    submit(
        "SoftmaxLoss",
        several,
        {
            "small logits": ["language_model", "loss", [rng.normal(7, 10), draw_ids(rng, 10, 7)], {}],
            "large logits": ["language_model", "loss", [rng.normal(3, 31, std=30.0), draw_ids(rng, 31, 3)], {}],
        },
    )
    shapes = [(3, 4), (2, 1, 3), (3, 4)]
    params = [rng.normal(*shape) for shape in shapes]
    grads = [[rng.normal(*shape) for shape in shapes] for _ in range(4)]
    submit(
        "SGD and clip_grad_norm",
        several,
        {
            "no momentum": ["optim", "steps", ["SGD", params, grads], {"lr": 0.5, "weight_decay": 0.1}],
            "momentum": ["optim", "steps", ["SGD", params, grads], {"lr": 0.3, "momentum": 0.8, "weight_decay": 0.2}],
            "clipped": ["language_model", "clip", [grads[0]], {"max_norm": 1.5, "optimizer": "SGD"}],
            "short enough": ["language_model", "clip", [grads[1]], {"max_norm": 50.0, "optimizer": "SGD"}],
        },
    )
    submit(
        "train_ptb over RNN, clipped",
        language_model.train,
        draw_ids(rng, 11, 14, 3),
        model_weights(rng, "rnn", 11, 5, 6, 2),
        recurrent="rnn",
        seq_len=5,
        n_epochs=2,
        lr=1.0,
        clip=0.5,
        weight_decay=0.02,
    )
    submit(
        "train_ptb over LSTM",
        language_model.train,
        draw_ids(rng, 11, 12, 4),
        model_weights(rng, "lstm", 11, 5, 6, 1),
        recurrent="lstm",
        seq_len=10,
        n_epochs=1,
        lr=0.5,
    )
    submit(
        "evaluate_ptb",
        language_model.evaluate,
        draw_ids(rng, 11, 14, 3),
        model_weights(rng, "lstm", 11, 5, 6, 2),
        recurrent="lstm",
        seq_len=5,
    )
