"""One file from servers that cut off, lie, hang up or are not there: resumed, checked, or told in words."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from course_apps import app
from file_server import (
    FileServer,
    answer,
    at_once,
    cut_off,
    hang_up,
    honest,
    ignore_range,
    instead,
    other_range,
    serving,
)

fetching = app("data_sets.fetch")
sources = app("data_sets.sources")

CONTENT = b"".join(hashlib.sha256(bytes([k])).digest() for k in range(200))  # 6,400 bytes, no two parts alike


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch, fetching)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A web server that has /file and /copy with the same content."""
    with serving() as running:
        running.files = {"/file": CONTENT, "/copy": CONTENT}
        yield running


@pytest.fixture
def file(server: FileServer) -> Any:
    """The download of that content, from /file, else from /copy."""
    return sources.Download(
        "file", (f"{server.url}/file", f"{server.url}/copy"), f"sha256:{hashlib.sha256(CONTENT).hexdigest()}", 10_000
    )


def holds(folder: Path) -> dict[str, bytes]:
    """All files of the folder, by name."""
    return {item.name: item.read_bytes() for item in folder.iterdir()}


def test_arrives(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A file from a server that behaves is there, and nothing else is."""
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked == [("/file", "")]


def test_is_resumed_within_a_run(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A connection that ends early is taken up again where it ended, as often as something new arrives."""
    server.behaviours = [cut_off(1000)] * 6
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert [asked for _, asked in server.asked] == ["", *(f"bytes={k}000-" for k in range(1, 7))]


def test_is_resumed_by_the_next_run(server: FileServer, file: Any, tmp_path: Path) -> None:
    """What has arrived stays in .part when all servers fail, and the next run asks for the rest only."""
    server.behaviours = [cut_off(4000), *[hang_up] * fetching.ATTEMPTS, answer(503)]
    with pytest.raises(fetching.FetchError):
        fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file.part": CONTENT[:4000]}
    server.asked.clear()
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked == [("/file", "bytes=4000-")]


def test_is_resumed_from_another_server(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A mirror goes on with what the first server has sent: the checksum is over the whole."""
    server.behaviours = [cut_off(4000), answer(500)]
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked[-1] == ("/copy", "bytes=4000-")


def test_starts_over_where_ranges_are_ignored(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A server that sends all when asked for the rest is taken at its word, once."""
    server.behaviours = [cut_off(4000), ignore_range]
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}


def test_starts_over_where_the_parts_do_not_fit(server: FileServer, file: Any, tmp_path: Path) -> None:
    """The beginning of another version of the file costs one download more, not the set."""
    (tmp_path / "file.part").write_bytes(b"x" * 4000)
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked == [("/file", "bytes=4000-"), ("/file", "")]


def test_starts_over_where_the_file_has_become_shorter(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A range behind the end (416) is answered by starting over."""
    (tmp_path / "file.part").write_bytes(b"x" * 7000)
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}


def test_starts_over_once(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A server that cuts every reply off, and whose file is another, is given up, and not asked for ever."""
    server.files["/file"] = CONTENT[::-1]
    server.behaviours = [cut_off(len(CONTENT) // 2), honest] * 3
    with pytest.raises(fetching.FetchError, match="another checksum than the published one"):
        fetching.fetch(replace(file, urls=file.urls[:1]), tmp_path)
    assert len(server.asked) == 4


def test_writes_through_no_link(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A .part that is a link, maybe somebody else's in a shared folder, leads no byte elsewhere."""
    (tmp_path / "theirs").write_bytes(b"precious")
    (tmp_path / "file.part").symlink_to(tmp_path / "theirs")
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT, "theirs": b"precious"}
    assert not (tmp_path / "file").is_symlink()


def test_is_taken_where_all_of_it_had_arrived(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A run that ended between the last byte and the move is finished without downloading again."""
    (tmp_path / "file.part").write_bytes(CONTENT)
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked == [("/file", f"bytes={len(CONTENT)}-")]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answer(404), id="404"),
        pytest.param(answer(503), id="503"),
        pytest.param(hang_up, id="hangs-up"),
        pytest.param(instead(b"x" * len(CONTENT)), id="wrong-bytes"),
        pytest.param(instead(CONTENT[:-1]), id="shorter"),
        pytest.param(instead(b"x" * 10_001), id="too-long"),
        pytest.param(instead(b"<html>log in</html>", Content_Type="text/html; charset=utf-8"), id="login-page"),
        pytest.param(other_range, id="other-range"),
        pytest.param(answer(302, Location="/nowhere"), id="redirect-to-nowhere"),
        pytest.param(answer(302, Location="/file"), id="redirect-then-404"),
    ],
)
def test_comes_from_the_next_server(
    server: FileServer, file: Any, tmp_path: Path, behaviour: Any, request: pytest.FixtureRequest
) -> None:
    """Whatever is wrong with one server, the next is asked, and nothing wrong stays in the folder."""
    server.behaviours = [behaviour, answer(404)] if "then-404" in request.node.callspec.id else [behaviour]
    if behaviour is other_range:
        (tmp_path / "file.part").write_bytes(CONTENT[:50])
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}
    assert server.asked[-1][0] == "/copy"


def test_follows_redirects(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A file that has moved is fetched from where it is now."""
    server.files["/moved"] = CONTENT
    server.behaviours = [answer(302, Location="/moved")]
    fetching.fetch(file, tmp_path)
    assert [path for path, _ in server.asked] == ["/file", "/moved"]


def test_without_a_length_is_not_read_for_ever(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A server that does not say how much it sends is cut off beyond what the file can have."""

    def endless(handler: Any, _content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    server.behaviours = [endless]
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT}


def test_says_what_was_tried(server: FileServer, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address is named with what was wrong there, in words."""
    look_up = socket.getaddrinfo

    def offline(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    server.behaviours = [answer(404), instead(b"other")]
    closed = replace(file, urls=(*file.urls, "http://127.0.0.1:1/file", "http://nowhere.invalid/file"))
    with pytest.raises(fetching.FetchError) as caught:
        fetching.fetch(closed, tmp_path)
    assert str(caught.value).splitlines() == [
        "file could not be downloaded:",
        f"  {server.url}/file: it answered 404 Not Found",
        f"  {server.url}/copy: it sent a file with another checksum than the published one",
        "  http://127.0.0.1:1/file: the connection was refused",
        "  http://nowhere.invalid/file: its name cannot be resolved: no network, or none that reaches it",
    ]


def test_comes_from_the_mirror_first(server: FileServer, file: Any, tmp_path: Path) -> None:
    """The folder that --mirror names is asked before the published addresses, by the file's name."""
    server.files["/mirror/file"] = CONTENT
    fetching.fetch(file, tmp_path, f"{server.url}/mirror/")
    assert server.asked == [("/mirror/file", "")]


def test_survives_an_address_that_is_none(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A mirror without http:// is passed over."""
    fetching.fetch(file, tmp_path, "mirror")
    assert holds(tmp_path) == {"file": CONTENT}


def test_fetched_by_hand_is_taken(server: FileServer, file: Any, tmp_path: Path) -> None:
    """A whole file that somebody has put there needs no server."""
    (tmp_path / "file").write_bytes(CONTENT)
    fetching.fetch(file, tmp_path)
    assert server.asked == []


def test_fetched_by_hand_and_wrong_is_kept_aside(file: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not the published one is said to be, kept under another name, and downloaded."""
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "file.old").write_bytes(b"older")
    fetching.fetch(file, tmp_path)
    assert holds(tmp_path) == {"file": CONTENT, "file.old": b"older", "file.old2": b"mine"}
    assert "was not the published file" in capsys.readouterr().out


def test_is_quiet_in_a_log(file: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody watches there is no progress bar, only the line that says what is downloaded."""
    fetching.fetch(file, tmp_path)
    captured = capsys.readouterr()
    assert captured.out == f"Downloading {file.urls[0]}\n"
    assert captured.err == ""
