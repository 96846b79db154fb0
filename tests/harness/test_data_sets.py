"""Getting the data sets: made whole, mended, gone on with, or told what to do; and the command."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from course_apps import REFERENCE, app
from file_server import (
    FileServer,
    at_once,
    serving,
    stall,
)

download_dataset = app("download_dataset")
fetching = app("data_sets.fetch")
sources = app("data_sets.sources")
unpacking = app("data_sets.unpack")

CONTENT = b"".join(hashlib.sha256(bytes([k])).digest() for k in range(200))  # 6,400 bytes, no two parts alike
MEMBERS = {f"part_{k}": CONTENT[k * 100 : k * 100 + 90] for k in range(3)}


def sha256(content: bytes) -> str:
    """As a source names it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def archive(members: dict[str, bytes], inside: str = "inside/") -> bytes:
    """A .tar.gz of regular files, the same bytes each time."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(inside + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch, fetching)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A web server."""
    with serving() as running:
        yield running


@pytest.fixture
def packed(server: FileServer) -> Any:
    """A data set of three files in an archive."""
    content = archive(MEMBERS)
    server.files["/set.tar.gz"] = content
    download = sources.Download("set.tar.gz", (f"{server.url}/set.tar.gz",), sha256(content), 10_000)
    files = {name: sha256(content) for name, content in MEMBERS.items()}
    return sources.DataSet("The set", "the-set", files, (download,), "inside/", 10_000)


@pytest.fixture
def loose(server: FileServer) -> Any:
    """A data set of three files that are downloaded one by one."""
    server.files |= {f"/{name}": content for name, content in MEMBERS.items()}
    files = {name: sha256(content) for name, content in MEMBERS.items()}
    downloads = tuple(sources.Download(name, (f"{server.url}/{name}",), files[name], 10_000) for name in files)
    return sources.DataSet("The set", "the-set", files, downloads, "", 10_000)


def holds(folder: Path) -> dict[str, bytes]:
    """All files of the folder, by name."""
    return {item.name: item.read_bytes() for item in folder.iterdir()}


class TestASet:
    @pytest.mark.parametrize("kind", ["packed", "loose"])
    def test_is_made(self, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        """The files are there under their names, and nothing of the work is left but the lock."""
        download_dataset.get(request.getfixturevalue(kind), tmp_path / "data")
        assert holds(tmp_path / "data" / "the-set") == MEMBERS
        assert sorted(item.name for item in (tmp_path / "data").iterdir()) == [".lock", "the-set"]

    @pytest.mark.parametrize("kind", ["packed", "loose"])
    def test_is_left_alone_where_it_is_whole(
        self, kind: str, server: FileServer, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        """A second run looks at the checksums and asks no server."""
        download_dataset.get(request.getfixturevalue(kind), tmp_path)
        server.asked.clear()
        download_dataset.get(request.getfixturevalue(kind), tmp_path)
        assert server.asked == []

    @pytest.mark.parametrize("kind", ["packed", "loose"])
    def test_is_mended(
        self, kind: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A truncated file is found, said, and replaced; it is kept aside, and whole ones stay as they are."""
        folder = download_dataset.get(request.getfixturevalue(kind), tmp_path)
        (folder / "part_1").write_bytes(MEMBERS["part_1"][:-1])
        untouched = (folder / "part_0").stat().st_ino
        download_dataset.get(request.getfixturevalue(kind), tmp_path)
        assert holds(folder) == {**MEMBERS, "part_1.old": MEMBERS["part_1"][:-1]}
        assert (folder / "part_0").stat().st_ino == untouched
        assert f"{folder / 'part_1'} is damaged" in capsys.readouterr().out

    def test_asks_only_for_what_is_lacking(self, server: FileServer, loose: Any, tmp_path: Path) -> None:
        """Of files that come one by one, those that are there are not downloaded again."""
        folder = download_dataset.get(loose, tmp_path)
        (folder / "part_2").unlink()
        server.asked.clear()
        download_dataset.get(loose, tmp_path)
        assert [path for path, _ in server.asked] == ["/part_2"]

    def test_that_failed_is_no_set(self, server: FileServer, loose: Any, tmp_path: Path) -> None:
        """Where one file cannot be had, none is in the set's folder, and what arrived is kept for the next run."""
        del server.files["/part_2"]
        with pytest.raises(fetching.FetchError, match="part_2 could not be downloaded"):
            download_dataset.get(loose, tmp_path)
        assert not (tmp_path / "the-set").exists()
        server.files["/part_2"] = MEMBERS["part_2"]
        server.asked.clear()
        assert holds(download_dataset.get(loose, tmp_path)) == MEMBERS
        assert [path for path, _ in server.asked] == ["/part_2"]

    def test_killed_is_no_set_and_goes_on(self, server: FileServer, packed: Any, tmp_path: Path) -> None:
        """A run that is killed in the middle leaves a part; the next one fetches the rest; no lock stays."""
        content = server.files["/set.tar.gz"]
        over = threading.Event()
        server.behaviours = [stall(100, over)]
        code = f"""
import sys
sys.path.insert(0, {str(REFERENCE)!r})
from pathlib import Path
from apps import download_dataset
from apps.data_sets.sources import *
download_dataset.get({packed!r}, Path({str(tmp_path)!r}))
"""
        run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
        part = tmp_path / "downloads" / "set.tar.gz.part"
        try:
            _wait_for(lambda: server.asked != [])
            run.send_signal(signal.SIGKILL)
        finally:
            run.kill()
            run.wait()
            over.set()
        assert not (tmp_path / "the-set").exists()
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(content[:100])  # whether those had been written is up to the system
        folder = download_dataset.get(packed, tmp_path)
        assert holds(folder) == MEMBERS
        assert server.asked[-1] == ("/set.tar.gz", "bytes=100-")

    def test_waits_for_another_run(self, packed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A second run says that it waits, and then finds the set."""
        import fcntl

        with open(tmp_path / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            second = threading.Thread(target=download_dataset.get, args=(packed, tmp_path))
            second.start()
            _wait_for(lambda: "waiting for it to end" in capsys.readouterr().out)
            assert not (tmp_path / "the-set").exists()
        second.join()
        assert holds(tmp_path / "the-set") == MEMBERS

    def test_waits_for_nobody_where_there_are_no_locks(
        self, packed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Some network drives have none; the set is made all the same."""

        def no_locks(file: Any, operation: int) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr("fcntl.flock", no_locks)
        assert holds(download_dataset.get(packed, tmp_path)) == MEMBERS

    def test_clears_away_what_killed_runs_left(self, packed: Any, tmp_path: Path) -> None:
        """Half unpacked files are gone after the next run, and nobody else's are."""
        for name in (".the-set-k2j4x", ".another-set-k2j4x"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "part_0").write_bytes(b"half")
        download_dataset.get(packed, tmp_path)
        assert sorted(item.name for item in tmp_path.iterdir()) == [".another-set-k2j4x", ".lock", "the-set"]

    def test_needs_room(self, packed: Any, tmp_path: Path) -> None:
        """A disk without room is said before anything is downloaded."""
        with pytest.raises(OSError, match="it needs 1000000000000 MB, where"):
            download_dataset.get(replace(packed, needs_bytes=10**18), tmp_path)

    def test_with_an_archive_fetched_by_hand(
        self, server: FileServer, packed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An archive that somebody has put into downloads/ is taken, and stays theirs; that it may go is said."""
        (tmp_path / "downloads").mkdir()
        (tmp_path / "downloads" / "set.tar.gz").write_bytes(server.files["/set.tar.gz"])
        assert holds(download_dataset.get(packed, tmp_path)) == MEMBERS
        assert server.asked == []
        kept = tmp_path / "downloads" / "set.tar.gz"
        assert kept.exists()
        assert f"{kept} is not needed any more" in capsys.readouterr().out

    def test_whose_archive_holds_other_files(self, server: FileServer, packed: Any, tmp_path: Path) -> None:
        """Files out of the right archive are checked each, too."""
        wrong = replace(packed, files={**packed.files, "part_1": sha256(b"other")})
        with pytest.raises(unpacking.UnpackError, match="part_1 of The set has another checksum"):
            download_dataset.get(wrong, tmp_path)
        assert not (tmp_path / "the-set").exists()


class TestUnpacking:
    def test_takes_only_what_is_named(self, tmp_path: Path) -> None:
        """Members that lead elsewhere, or that nobody asked for, are not written."""
        packed = tmp_path / "a.tar.gz"
        packed.write_bytes(archive({"good": b"1", "../../evil": b"2", "more": b"3"}))
        (tmp_path / "out").mkdir()
        unpacking.unpack(packed, "inside/", ["good"], tmp_path / "out")
        assert holds(tmp_path / "out") == {"good": b"1"}
        assert sorted(item.name for item in tmp_path.iterdir()) == ["a.tar.gz", "out"]

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
    def test_takes_regular_files_only(self, kind: bytes, tmp_path: Path) -> None:
        """A link, a folder or a pipe under a file's name is refused."""
        packed = tmp_path / "a.tar"
        with tarfile.open(packed, "w") as tar:
            member = tarfile.TarInfo("inside/good")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        with pytest.raises(unpacking.UnpackError, match=r"inside/good in .* is no regular file"):
            unpacking.unpack(packed, "inside/", ["good"], tmp_path)
        assert not (tmp_path / "good").exists()

    def test_takes_no_giants(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A member larger than any of the set's files is refused before it is unpacked."""
        monkeypatch.setattr(unpacking, "MOST_BYTES", 10)
        packed = tmp_path / "a.tar.gz"
        packed.write_bytes(archive({"good": b"12345678901"}))
        with pytest.raises(unpacking.UnpackError, match="its size is 11 bytes"):
            unpacking.unpack(packed, "inside/", ["good"], tmp_path)

    @pytest.mark.parametrize("content", [b"", b"no archive", archive({"good": b"1" * 5000})[:80]])
    def test_says_what_is_damaged(self, content: bytes, tmp_path: Path) -> None:
        """No archive, or half of one, is named."""
        packed = tmp_path / "a.tar.gz"
        packed.write_bytes(content)
        with pytest.raises(unpacking.UnpackError, match=r"a\.tar\.gz (is damaged|holds no)"):
            unpacking.unpack(packed, "inside/", ["good"], tmp_path)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _sets(self, packed: Any, loose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(download_dataset.DATA_SETS, "cifar10", packed)
        monkeypatch.setitem(download_dataset.DATA_SETS, "ptb", replace(loose, folder="loose"))

    def test_gets_both(self, tmp_path: Path) -> None:
        """Without a name, both sets; the exit status is 0."""
        assert download_dataset.main(["--dir", str(tmp_path)]) == 0
        assert holds(tmp_path / "the-set") == holds(tmp_path / "loose") == MEMBERS

    def test_gets_one(self, tmp_path: Path) -> None:
        """Only the named set."""
        assert download_dataset.main(["--dir", str(tmp_path), "ptb"]) == 0
        assert not (tmp_path / "the-set").exists()

    def test_offline_says_what_to_do(
        self, server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One message names what was tried, where a file fetched by hand goes, and --synthetic; it exits with 1."""
        server.files.clear()
        assert download_dataset.main(["--dir", str(tmp_path)]) == 1
        told = capsys.readouterr().err
        assert f"{server.url}/set.tar.gz: it answered 404 Not Found" in told
        assert f"{server.url}/part_0: it answered 404 Not Found" in told
        assert f"Fetch set.tar.gz, part_0, part_1, part_2 in another way, put them into {tmp_path}/downloads" in told
        assert "--synthetic" in told
        assert told.count("What you can do") == 1

    def test_advice_is_about_what_is_lacking(
        self, server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A set that came is not to be fetched by hand."""
        del server.files["/set.tar.gz"]
        assert download_dataset.main(["--dir", str(tmp_path)]) == 1
        assert "Fetch set.tar.gz in another way, put it into" in capsys.readouterr().err

    def test_synthetic_needs_no_server(self, server: FileServer, tmp_path: Path) -> None:
        """--synthetic writes both small sets."""
        assert download_dataset.main(["--dir", str(tmp_path), "--synthetic"]) == 0
        assert server.asked == []
        assert (tmp_path / "synthetic" / "cifar-10-batches-py" / "data_batch_5").is_file()
        assert (tmp_path / "synthetic" / "ptb" / "train.txt").is_file()

    def test_knows_its_sets(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A name that is none of them is bad usage."""
        with pytest.raises(SystemExit) as caught:
            download_dataset.main(["mnist"])
        assert caught.value.code == 2
        assert "there is no data set 'mnist'; expected cifar10 or ptb" in capsys.readouterr().err


def test_fault_of_the_disk_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a file is in the folder's place it is named; nobody is told to go online for that."""
    (tmp_path / "data").write_text("")
    assert download_dataset.main(["--dir", str(tmp_path / "data"), "ptb"]) == 1
    told = capsys.readouterr().err
    assert f"Penn Treebank could not be written to {tmp_path / 'data'}: File exists. Mend that, or name" in told
    assert "Go online" not in told


def test_published_sets_are_described_in_full() -> None:
    """Each file has a checksum of its algorithm's length, each download two https addresses that end in its name."""
    lengths = {"md5": 32, "sha256": 64}
    for data_set in sources.DATA_SETS.values():
        for checksum in (*data_set.files.values(), *(file.checksum for file in data_set.downloads)):
            algorithm, _, digits = checksum.partition(":")
            assert len(digits) == lengths[algorithm]
            assert int(digits, 16)
        for file in data_set.downloads:
            assert len(file.urls) == 2
            assert all(url.startswith("https://") and url.endswith(f"/{file.name}") for url in file.urls)
        assert len(data_set.downloads) == (1 if data_set.archived else len(data_set.files))


def test_runs_as_a_script(tmp_path: Path) -> None:
    """`python apps/download_dataset.py` works from anywhere, without needle on the path."""
    script = [sys.executable, str(REFERENCE / "apps" / "download_dataset.py")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [*script, "--dir", str(tmp_path), "--synthetic", "ptb"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"{tmp_path}/synthetic/ptb: complete\n"


def _wait_for(condition: Any) -> None:
    """Until it holds; a minute is far beyond what any machine needs."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
