"""Gets the data sets, CIFAR-10 and Penn Treebank, into data/, and leaves alone what is there and whole.

python apps/download_dataset.py                  # both, 180 MB; interrupted, it goes on where it stopped
python apps/download_dataset.py ptb              # one of them
python apps/download_dataset.py --synthetic      # small ones in the same format, drawn here without a network
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

if __package__:
    from . import data_folder
    from .data_sets.fetch import FetchError, fetch, is_whole, put_aside
    from .data_sets.sources import DATA_SETS, DataSet
    from .data_sets.unpack import UnpackError, unpack
else:  # apps/ itself is on the path
    import data_folder
    from data_sets.fetch import FetchError, fetch, is_whole, put_aside
    from data_sets.sources import DATA_SETS, DataSet
    from data_sets.unpack import UnpackError, unpack

DEFAULT_FOLDER = data_folder.TREE.parent / "data"  # where the tests look, too
DOWNLOADS = "downloads"  # in the data folder: what has arrived, and what somebody has put there by hand
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def get(data_set: DataSet, data: Path, mirror: str | None = None) -> Path:
    """Make the data set in the folder `data` complete and whole; gives the set's folder.

    Files that are there and have the published checksum stay; others are renamed to NAME.old and fetched anew.
    `mirror`: the address of a folder with the downloads, asked first. Raises FetchError, UnpackError, OSError.
    """
    folder = data / data_set.folder
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data):
        lacking = [name for name, checksum in data_set.files.items() if not is_whole(folder / name, checksum)]
        if not lacking:
            print(f"{folder}: already there, and every checksum is right")
            return folder
        for name in lacking:
            if (folder / name).exists():
                print(f"{folder / name} is damaged, or not the published file: its checksum is another")
        prefix = f".{data_set.folder}-"
        for left_over in data.glob(f"{prefix}*"):  # by runs that were killed
            shutil.rmtree(left_over)
        _check_space(data_set, data)
        # Files move to their place only when all are complete: an interrupted run is never taken for a data set.
        with tempfile.TemporaryDirectory(prefix=prefix, dir=data) as scratch:
            arrived = _make(data_set, lacking, data / DOWNLOADS, Path(scratch), mirror)
            _move(lacking, Path(scratch), folder)
        for file in arrived:
            file.unlink()
        with contextlib.suppress(
            OSError
        ):  # not empty: somebody's own files are in it, or what a killed run had fetched
            (data / DOWNLOADS).rmdir()
        print(f"{folder}: complete")
        for file in data_set.downloads:
            if (data / DOWNLOADS / file.name).exists():
                print(f"{data / DOWNLOADS / file.name} is not needed any more; delete it if you like")
        return folder


def _make(data_set: DataSet, lacking: list[str], downloads: Path, folder: Path, mirror: str | None) -> list[Path]:
    """Fill `folder` with the lacking files, each checked; gives what was downloaded, and has served then."""
    downloads.mkdir(exist_ok=True)
    ours = []
    for name, file in zip(data_set.files, data_set.downloads, strict=False):  # an archive is one for all names
        if not data_set.archived and name not in lacking:
            continue
        by_hand = (downloads / file.name).is_file()
        arrived = fetch(file, downloads, mirror)
        if data_set.archived:
            unpack(arrived, data_set.archived, lacking, folder)
        else:
            shutil.copyfile(arrived, folder / name)
        if not by_hand:
            ours.append(arrived)
    for name in lacking:
        if not is_whole(folder / name, data_set.files[name]):
            raise UnpackError(f"{name} of {data_set.title} has another checksum than the published one.")
    return ours


def _move(names: list[str], source: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        if (folder / name).exists():
            print(f"{folder / name} is now {put_aside(folder / name).name}")
        (source / name).replace(folder / name)


def _check_space(data_set: DataSet, data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < data_set.needs_bytes:
        needed = f"it needs {data_set.needs_bytes / 1e6:.0f} MB, where {free / 1e6:.0f} MB are free"
        raise OSError(errno.ENOSPC, needed, str(data))


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """While no other run works in the folder; the system ends the lock with the run, however that ends."""
    with open(data / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run is filling {data}; waiting for it to end ...", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:  # network drives may have none: there two runs at once fetch it twice
                raise
        yield


def get_all(names: Sequence[str], data: Path, mirror: str | None = None) -> dict[str, Exception]:
    """`get` for each of the names; gives what went wrong, by the name of the set that could not be had."""
    faults: dict[str, Exception] = {}
    for name in names:
        try:
            get(DATA_SETS[name], data, mirror)
        except (FetchError, UnpackError, OSError) as error:
            faults[name] = error
    return faults


def told(name: str, fault: Exception, data: Path) -> str:
    """A fault in words, with the remedy where it is the disk's; `advice` has that for what could not be downloaded."""
    if not isinstance(fault, OSError):
        return f"{DATA_SETS[name].title} could not be had. {fault}"
    where = fault.filename or data
    return (
        f"{DATA_SETS[name].title} could not be written to {where}: {fault.strerror or fault}. "
        "Mend that, or name another folder with --dir."
    )


def write_synthetic(names: Sequence[str], data: Path) -> list[str]:
    """The synthetic sets of those names in data/synthetic/; gives what went wrong, as `get_all`."""
    makers = {"cifar10": data_folder.cifar10, "ptb": data_folder.ptb}
    faults = []
    for name in names:
        try:
            print(f"{makers[name](data, synthetic=True)}: complete")
        except OSError as error:
            faults.append(f"The synthetic {DATA_SETS[name].title} could not be written: {error}")
    return faults


def advice(names: Sequence[str], data: Path) -> str:
    """What to do where these sets could not be downloaded."""
    files = [file.name for name in names for file in DATA_SETS[name].downloads]
    them = "them" if len(files) > 1 else "it"
    return f"""What you can do:
  - Go online and run this again. What has arrived is kept, and gone on with.
  - Fetch {", ".join(files)} in another way, put {them} into {data / DOWNLOADS}, and run this again.
  - Work with small synthetic sets meanwhile: `--synthetic`; SYNTHETIC = True in the notebook."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit status: 0, or 1 where a set could not be had."""
    parser = argparse.ArgumentParser(description="Get CIFAR-10 and Penn Treebank, skipping what is there and whole.")
    parser.add_argument("names", nargs="*", metavar="cifar10|ptb", help="which sets (default: both)")
    parser.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, help="where to put them (default: %(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="small sets in the same format, without a network")
    parser.add_argument("--mirror", metavar="URL", help="the address of a folder that has the downloads; asked first")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in DATA_SETS]:
        parser.error(f"there is no data set {unknown[0]!r}; expected {' or '.join(DATA_SETS)}")
    names, data = chosen.names or list(DATA_SETS), chosen.dir.expanduser().resolve()
    if chosen.synthetic:
        faults = write_synthetic(names, data)
        print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
        return 1 if faults else 0
    found_wrong = get_all(names, data, chosen.mirror)
    if found_wrong:
        print("", *(told(name, fault, data) for name, fault in found_wrong.items()), sep="\n", file=sys.stderr)
    if missing := [name for name, fault in found_wrong.items() if isinstance(fault, FetchError)]:
        print(advice(missing, data), file=sys.stderr)
    return 1 if found_wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
        sys.exit(130)
