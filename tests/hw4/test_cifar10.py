"""Part 2: the CIFAR-10 data set, the transforms and the loader.

The files are made at run time in the real files' format. Where the real data set is there (see oracle/real.py), a few
more cases read it; they weigh next to nothing, so that no grade depends on whether the data was there.
"""

from __future__ import annotations

import numpy as np
import pytest
from checks import assert_places, assert_shapes
from oracle import images as oracle
from oracle import real
from probes import cifar10 as probes

from grader.compare import assert_close, assert_equal, assert_same, assert_true

TRAIN = [f"data_batch_{k}" for k in range(1, 6)]
KEYS = ["batch_label", "labels", "data", "filenames"]


def draw_files(rng, train_sizes, test_size=3):
    """Batch files of these numbers of images, with labels and the dicts' keys in random order."""
    files = {}
    for name, size in zip([*TRAIN, "test_batch"], [*train_sizes, test_size], strict=True):
        files[name] = {
            "data": rng.integers(0, 256, size, 3072).astype(np.uint8),
            "labels": [int(label) for label in rng.integers(0, 10, size)],
            "keys": [KEYS[k] for k in rng.permutation(len(KEYS))],
        }
    files["test_batch"]["data"][0, :2] = 0, 255  # both ends of the range
    files[TRAIN[0]]["data"][0, :2] = 0, 255
    return files


def split_of(files, train):
    """All images and labels of a split, in the order of the files."""
    names = TRAIN if train else ["test_batch"]
    images = np.concatenate([oracle.images(files[name]["data"]) for name in names])
    return images, [label for name in names for label in files[name]["labels"]]


# -- the data set ------------------------------------------------------------------------------------------------

SPLITS = [
    pytest.param(True, (2, 2, 2, 2, 2), 1, id="learning-equal-files"),
    pytest.param(True, (3, 1, 4, 2, 5), 2, id="learning-files-of-different-sizes"),
    pytest.param(True, (1, 1, 1, 1, 1), 7, id="learning-1-image-a-file"),
    pytest.param(True, (33, 31, 7, 3, 1), 3, id="learning-75-images"),
    pytest.param(False, (2, 3, 1, 2, 1), 1, id="test-1-image"),
    pytest.param(False, (1, 2, 1, 2, 1), 31, id="test-31-images"),
]


@pytest.mark.problem("cifar10", weight=2)
@pytest.mark.parametrize(("train", "sizes", "test_size"), SPLITS)
def test_cifar10_dataset_images(subject, rng, train, sizes, test_size):
    """Every image of the split, in the order of the files, channels first, with pixels divided by 255."""
    files = draw_files(rng, sizes, test_size)
    images, _ = split_of(files, train)
    got = subject(probes.dataset, files, train=train, items=list(range(len(images))))
    assert_same(got.length, len(images), "the length of the data set")
    assert_close(got.images, images)


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize(("train", "sizes", "test_size"), SPLITS)
def test_cifar10_dataset_labels(subject, rng, train, sizes, test_size):
    """Every image's label, in the order of the files."""
    files = draw_files(rng, sizes, test_size)
    _, labels = split_of(files, train)
    got = subject(probes.dataset, files, train=train, items=list(range(len(labels))))
    assert_same(got.labels, labels, "the labels")


@pytest.mark.problem("cifar10")
def test_cifar10_dataset_items_in_any_order(subject, rng):
    """Items can be read in any order and again, and are the same each time."""
    files = draw_files(rng, (3, 2, 4, 1, 2))
    images, labels = split_of(files, True)
    items = [11, 0, 5, 5, 0, *rng.permutation(12)]
    got = subject(probes.dataset, files, train=True, items=items)
    assert_close(got.images, images[items])
    assert_same(got.labels, [labels[k] for k in items], f"the labels of the items {items}")


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("transforms", [None, [["mirror", 1.0], ["crop", 2]]], ids=["plain", "transformed"])
def test_cifar10_dataset_item_types(subject, rng, transforms):
    """An item is a tuple of a float32 NumPy array (3, 32, 32) and a single label, also after transforms."""
    got = subject(probes.item_types, draw_files(rng, (2, 1, 1, 1, 1)), transforms=transforms)
    assert_same(got.item, "tuple", "the type of an item")
    assert_same(got.parts, 2, "the number of an item's parts")
    assert_same(got.image, "ndarray", "the type of an image")
    assert_same(got.dtype, "float32", "the dtype of an image")
    assert_same(got.shape, [3, 32, 32], "the shape of an image")
    assert_same(got.label_shape, [], "the shape of a label")


@pytest.mark.problem("cifar10")
def test_cifar10_dataset_both_splits(subject, rng):
    """The two splits of a folder have nothing in common, also when both are open."""
    files = draw_files(rng, (2, 1, 1, 2, 1), 4)
    got = subject(probes.both_splits, files)
    for name, found in (("train", got.train), ("test", got.test)):
        images, labels = split_of(files, name == "train")
        assert_true(isinstance(found, dict), f"the {name} split cannot be read.")
        assert_close(found.get("images"), images, name=f"the images of the {name} split")
        assert_same(found.get("labels"), labels, f"the labels of the {name} split")


TRANSFORMS = {
    "mirror": [["mirror", 1.0]],
    "mirror-half": [["mirror", 0.5]],
    "crop": [["crop", 3]],
    "mirror-crop": [["mirror", 1.0], ["crop", 5]],
    "crop-mirror": [["crop", 5], ["mirror", 1.0]],
}


def moved_images(images, items, transforms, draws):
    """Images (3, 32, 32) after transforms, which see them channels last."""
    seen = [oracle.transformed(images[k].transpose(1, 2, 0), transforms, draws) for k in items]
    return np.stack(seen).transpose(0, 3, 1, 2)


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("train", [True, False], ids=["learning", "test"])
@pytest.mark.parametrize("transforms", TRANSFORMS.values(), ids=TRANSFORMS)
def test_cifar10_dataset_transforms(subject, rng, train, transforms):
    """Transforms are applied in order, to images with channels last, anew each time; the stored images stay."""
    files = draw_files(rng, (2, 1, 1, 1, 1), 4)
    images, _ = split_of(files, train)
    items, seed = [0, 1, 1, 0, 3, 2, 0], rng.integer(0, 1 << 31)
    got = subject(probes.dataset, files, train=train, items=items, transforms=transforms, seed=seed)
    assert_close(got.images, moved_images(images, items, transforms, np.random.RandomState(seed)))


# -- the transforms ----------------------------------------------------------------------------------------------

# height, width, channels
IMAGES = [(3, 7, 3), (8, 5, 1), (1, 4, 2), (6, 1, 3), (32, 31, 3)]


def by_sizes(shape):
    """The id of a shape: 3x7x3."""
    return "x".join(map(str, shape))


@pytest.mark.problem("cifar10", weight=0.4)
@pytest.mark.parametrize("shape", IMAGES, ids=by_sizes)
@pytest.mark.parametrize(("p", "times"), [(0.0, 5), (1.0, 5), (0.5, 60), (0.25, 60)])
def test_cifar10_transform_mirror(subject, rng, shape, p, times):
    """RandomFlipHorizontal swaps left and right with probability p, anew each time, and leaves its input alone."""
    image, seed = rng.normal(*shape), rng.integer(0, 1 << 31)
    got = subject(probes.transform, image, transform=["mirror", p], times=times, seed=seed)
    draws = np.random.RandomState(seed)
    want = [oracle.transformed(image, [["mirror", p]], draws) for _ in range(times)]
    assert_close(got.images, np.stack(want))
    assert_equal(got.given, np.stack([image] * times), name="the image that was given, afterwards")


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize(
    ("shape", "padding", "times"),
    [
        pytest.param((5, 9, 3), 1, 60, id="padding-1"),
        pytest.param((9, 5, 3), 2, 120, id="padding-2"),
        pytest.param((32, 31, 3), 3, 20, id="padding-3-large"),
        pytest.param((7, 7, 1), 3, 60, id="padding-3-square"),
        pytest.param((4, 6, 2), 0, 3, id="padding-0"),
        pytest.param((3, 4, 3), 5, 120, id="padding-beyond-the-image"),
        pytest.param((1, 6, 1), 2, 40, id="one-row"),
        pytest.param((6, 1, 2), 2, 40, id="one-column"),
    ],
)
def test_cifar10_transform_crop(subject, rng, shape, padding, times):
    """RandomCrop moves the image by up to `padding` rows and columns either way, and zeros come in at the edges."""
    image, seed = rng.away_from_zero(*shape), rng.integer(0, 1 << 31)
    got = subject(probes.transform, image, transform=["crop", padding], times=times, seed=seed)
    draws = np.random.RandomState(seed)
    want = [oracle.transformed(image, [["crop", padding]], draws) for _ in range(times)]
    assert_close(got.images, np.stack(want))
    assert_equal(got.given, np.stack([image] * times), name="the image that was given, afterwards")


# -- the loader --------------------------------------------------------------------------------------------------

LOADERS = [
    pytest.param(12, 4, id="full-batches"),
    pytest.param(10, 4, id="short-last-batch"),
    pytest.param(9, 8, id="last-batch-of-1"),
    pytest.param(7, 1, id="batches-of-1"),
    pytest.param(5, 5, id="one-batch"),
    pytest.param(3, 31, id="batch-larger-than-the-set"),
    pytest.param(1, 1, id="one-item"),
    pytest.param(100, 33, id="100-items"),
]


def draw_arrays(rng, count):
    """Images, labels and the items' numbers: any two items differ in each."""
    numbers = np.arange(count, dtype=np.float32)
    return [rng.distinct(count, 2, 3), numbers[::-1].copy(), numbers]


def sizes_of_batches(count, batch_size):
    return [min(batch_size, count - start) for start in range(0, count, batch_size)]


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize(("count", "batch_size"), LOADERS)
def test_cifar10_loader_in_order(subject, rng, device, count, batch_size):
    """Without shuffle the batches go through the items in order; the last may be short; each epoch is the same."""
    arrays = draw_arrays(rng, count)
    got = subject(probes.loader, arrays, batch_size=batch_size, shuffle=False, epochs=2)
    for epoch in range(2):
        suffix = f" of epoch {epoch}"
        check_outline(got, suffix, len(arrays), sizes_of_batches(count, batch_size))
        for k, array in enumerate(arrays):
            assert_equal(getattr(got, f"part {k}{suffix}"), array, name=f"part {k} of the batches{suffix}")


def check_outline(got, suffix, parts, sizes):
    """The number of parts of an epoch's batches, and the batches' sizes."""
    assert_same(getattr(got, "number of parts" + suffix), parts, "the number of a batch's parts" + suffix)
    assert_same(getattr(got, "sizes" + suffix), sizes, "the list of the batches' sizes" + suffix)


def order_of(got, arrays, batch_size, epoch):
    """The order in which a shuffling loader gave the items, after checking that it gave each once, in one piece."""
    count, suffix = len(arrays[0]), f" of epoch {epoch}"
    check_outline(got, suffix, len(arrays), sizes_of_batches(count, batch_size))
    numbers = np.asarray(getattr(got, f"part 2{suffix}"))
    assert_same(list(numbers.shape), [count], f"the shape of the numbers of all items{suffix}")
    assert_equal(np.sort(numbers, axis=None), arrays[2], name=f"the numbers of all items{suffix}, sorted,")
    order = numbers.astype(np.int64)
    for k, array in enumerate(arrays):
        assert_equal(getattr(got, f"part {k}{suffix}"), array[order], name=f"part {k} of the batches{suffix}")
    return [int(k) for k in order]


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize(("count", "batch_size"), LOADERS)
def test_cifar10_loader_shuffled(subject, rng, device, count, batch_size):
    """With shuffle every item comes exactly once an epoch, its parts together; the last batch may be short."""
    arrays, seed = draw_arrays(rng, count), rng.integer(0, 1 << 31)
    got = subject(probes.loader, arrays, batch_size=batch_size, shuffle=True, epochs=2, seed=seed)
    orders = [order_of(got, arrays, batch_size, epoch) for epoch in range(2)]
    # Two honest epochs over 9 items are both in order once in 10^11 runs.
    shuffled = count < 9 or any(order != list(range(count)) for order in orders)
    assert_true(shuffled, "both epochs go through the items in order, in spite of shuffle=True.")


@pytest.mark.problem("cifar10", weight=2)
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_cifar10_loader_shuffles_each_epoch(subject, rng, device, batch_size):
    """With shuffle every epoch has a new order, and all items take part: none keeps to its batch."""
    count = 64
    arrays, seed = draw_arrays(rng, count), rng.integer(0, 1 << 31)
    got = subject(probes.loader, arrays, batch_size=batch_size, shuffle=True, epochs=3, seed=seed)
    orders = [order_of(got, arrays, batch_size, epoch) for epoch in range(3)]
    in_order = list(range(count))
    for epoch, order in enumerate(orders):
        assert_true(order != in_order, f"epoch {epoch} goes through the items in order, in spite of shuffle=True.")
        assert_true(order not in orders[:epoch], f"epoch {epoch} has the same order as an earlier one.")
        # An honest permutation moves a third of the way on average; 1 in 10^9 moves less than a sixth.
        distance = float(np.abs(np.array(order) - in_order).mean())
        assert_true(
            distance > count / 6, f"in epoch {epoch} items move {distance:.3g} places on average; expected about 21."
        )
        # About one item is followed by its own follower; 1 in 10^10 permutations has more than 12 of them.
        kept = int((np.diff(order) == 1).sum())
        assert_true(kept <= 12, f"in epoch {epoch} {kept} items keep their followers; expected about 1.")


@pytest.mark.problem("cifar10")
def test_cifar10_loader_repeats_by_seed(subject, rng, device):
    """The order comes from NumPy's global generator: the same seed gives the same epochs, another seed others."""
    arrays, seed = draw_arrays(rng, 31), rng.integer(0, 1 << 30)
    orders = []
    for each in (seed, seed, seed + 1):
        got = subject(probes.loader, arrays, batch_size=4, shuffle=True, epochs=2, seed=each)
        orders.append([order_of(got, arrays, 4, epoch) for epoch in range(2)])
    assert_true(orders[0] == orders[1], "two loaders gave different orders after the same np.random.seed.")
    assert_true(orders[0] != orders[2], "two loaders gave the same orders after different np.random.seed's.")


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("shuffle", [False, True], ids=["in-order", "shuffled"])
def test_cifar10_loader_left_early(subject, rng, device, shuffle):
    """An epoch that was left early changes nothing for the next, which begins at the beginning."""
    arrays = draw_arrays(rng, 22)
    options = {"batch_size": 4, "shuffle": shuffle, "epochs": 2, "stop_first_after": 2}
    got = subject(probes.loader, arrays, **options, seed=rng.integer(0, 1 << 31))
    check_outline(got, " of epoch 0", 3, [4, 4])
    order = order_of(got, arrays, 4, 1)
    assert_true(shuffle or order == list(range(22)), f"epoch 1 is not in order: it begins with {order[:8]}.")


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_cifar10_loader_parts(subject, rng, device, parts):
    """A batch has as many parts as an item."""
    arrays = draw_arrays(rng, 5)[:parts]
    got = subject(probes.loader, arrays, batch_size=2, shuffle=False)
    check_outline(got, " of epoch 0", parts, [2, 2, 1])
    for k, array in enumerate(arrays):
        assert_equal(getattr(got, f"part {k} of epoch 0"), array, name=f"part {k} of the batches")


@pytest.mark.problem("cifar10", weight=0.25)
@pytest.mark.parametrize(("count", "batch_size"), LOADERS)
def test_cifar10_loader_len(subject, rng, count, batch_size):
    """len(loader) is the number of batches, the short one included."""
    shuffle = rng.choice([False, True])
    got = subject(probes.number_of_batches, rng.normal(count, 2), batch_size=batch_size, shuffle=shuffle)
    assert_same(got.length, len(sizes_of_batches(count, batch_size)), "len(loader)")


@pytest.mark.problem("cifar10")
def test_cifar10_loader_types(subject, rng, device):
    """A batch is made of float32 tensors on the loader's device, whatever the arrays are made of."""
    X, y = rng.normal(5, 3, 2).astype(np.float64), rng.integers(0, 10, 5)
    got = subject(probes.batch_types, X, y)
    assert_same(got.parts, 2, "the number of a batch's parts")
    assert_true(got.are_tensors is True, "a batch holds something else than needle Tensors.")
    assert_shapes(got.shapes, [(2, 3, 2), (2,)], "the shapes of a batch's parts")
    assert_places(got, device)


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("transforms", [None, [["mirror", 1.0], ["crop", 3]]], ids=["plain", "transformed"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_cifar10_loader_over_the_dataset(subject, rng, device, batch_size, transforms):
    """Batches of a CIFAR10Dataset are its images, each transformed by itself, and its labels."""
    files, seed = draw_files(rng, (2, 1, 3, 2, 1)), rng.integer(0, 1 << 31)
    images, labels = split_of(files, True)
    got = subject(probes.loaded, files, batch_size=batch_size, transforms=transforms, seed=seed)
    want = moved_images(images, range(9), transforms or [], np.random.RandomState(seed))
    check_outline(got, "", 2, sizes_of_batches(9, batch_size))
    assert_close(getattr(got, "part 0"), want, name="the batches' images")
    assert_equal(getattr(got, "part 1"), labels, name="the batches' labels")


@pytest.mark.problem("cifar10")
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_cifar10_ndarray_dataset(subject, rng, parts):
    """Item i of an NDArrayDataset is the tuple of every array's item i."""
    arrays = draw_arrays(rng, 7)[:parts]
    items = [6, 0, 3, 3]
    got = subject(probes.arrays_dataset, arrays, items=items)
    assert_same(got.length, 7, "the length of the data set")
    assert_same(got.item, "tuple", "the type of an item")
    found = got.parts
    assert_true(
        isinstance(found, list) and all(isinstance(item, list) and len(item) == parts for item in found),
        f"an item does not have {parts} parts.",
    )
    assert_same(len(found), len(items), "the number of items")
    for item, k in zip(found, items, strict=True):
        for part, array in zip(item, arrays, strict=True):
            assert_equal(part, array[k], name=f"item {k}")


# -- the real images ---------------------------------------------------------------------------------------------

if real.has_cifar10():

    @pytest.mark.problem("cifar10", weight=real.WEIGHT)
    @pytest.mark.parametrize("train", [True, False], ids=["real-learning", "real-test"])
    def test_cifar10_dataset_images_real(subject, rng, train):
        """The real images and labels: a whole file as it is, and, to send less, the first images of the others."""
        first, *others = TRAIN if train else ["test_batch"]
        whole = real.cifar10(first)
        files = {first: {"content": np.frombuffer(whole.content, dtype=np.uint8)}}
        data, labels = [whole.data], [*whole.labels]
        for name in others:
            file = real.cifar10(name)
            files[name] = {"data": file.data[:20], "labels": file.labels[:20]}
            data.append(file.data[:20])
            labels += file.labels[:20]
        data = np.concatenate(data)
        items = [0, len(data) - 1, *(rng.integer(0, len(data)) for _ in range(60))]
        got = subject(probes.dataset, files, train=train, items=items)
        assert_same(got.length, len(data), "the length of the data set")
        assert_close(got.images, oracle.images(data[items]))
        assert_same(got.labels, [labels[k] for k in items], "the labels")
