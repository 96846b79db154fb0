"""One file from the first server that has it whole: resumed where it was cut off, and checked before it counts.

pooch does what it does well: it calls a downloader, checks the checksum, and only then moves the file to its place.
The downloader here adds what pooch's own lacks, going on with a download that was cut off.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pooch
import requests
import urllib3
from tqdm.auto import tqdm

from .sources import Download

TIMEOUTS_S = (15, 60)  # to connect; of silence on a connection, not of a whole download
ATTEMPTS = 5  # on one server, each going on where the last was cut off
PAUSE_S = 2.0  # before the next attempt
_CHUNK = 1 << 18
# A file that must arrive as it lies there: resuming counts its bytes, so nobody may compress them on the way.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": f"needle-data (pooch {pooch.__version__})"}

pooch.get_logger().setLevel(logging.WARNING)  # what it would say is said here, once


class FetchError(Exception):
    """A file could not be had; the message says what was tried and what to do."""


class _Refused(Exception):
    """What this server sends is not the file: the next one is asked."""


def fetch(file: Download, folder: Path, mirror: str | None = None) -> Path:
    """The file in `folder`, downloaded unless a whole one is there already.

    What has arrived of a download that was cut off stays in NAME.part beside it, and is gone on with. `mirror` is the
    address of a folder that has the file, too, and is asked first. Raises FetchError.
    """
    target = folder / file.name
    if target.is_file():
        if is_whole(target, file.checksum):
            print(f"{target}: taken, its checksum is right")
            return target
        aside = put_aside(target)
        print(f"{target} was not the published file (its checksum is another), and is now {aside.name}")
    urls = ((f"{mirror.rstrip('/')}/{file.name}",) if mirror else ()) + file.urls
    tried = []
    for url in urls:
        print(f"Downloading {url}")
        try:
            _from_server(url, file, target)
            return target
        except (_Refused, requests.RequestException) as error:
            tried.append(f"  {url}: {_reason(error)}")
    raise FetchError("\n".join((f"{file.name} could not be downloaded:", *tried)))


def is_whole(file: Path, checksum: str) -> bool:
    """Whether the file is there and has the published checksum."""
    algorithm, _, wanted = checksum.partition(":")
    return file.is_file() and pooch.file_hash(str(file), alg=algorithm) == wanted


def put_aside(file: Path) -> Path:
    """Rename the file to the first of NAME.old, NAME.old2, ... that is free: nothing is thrown away."""
    number = 1
    while (aside := file.with_name(f"{file.name}.old{number if number > 1 else ''}")).exists():
        number += 1
    return file.rename(aside)


def _from_server(url: str, file: Download, target: Path) -> None:
    """Download to `target`; RequestException where the server cannot be reached, _Refused where it has another file."""
    downloader = ResumingDownloader(target.with_name(f"{target.name}.part"), file.most_bytes)
    for starting_over in (False, True):
        try:
            pooch.retrieve(url, file.checksum, fname=target.name, path=target.parent, downloader=downloader)
            return
        except requests.RequestException:  # some of these are ValueErrors, too
            raise
        except ValueError as error:  # pooch's word for a wrong checksum
            # What was joined may be of two versions of the file. pooch has removed it: now all of it comes anew, once.
            if starting_over or not downloader.joined:
                raise _Refused("it sent a file with another checksum than the published one") from error
            print("What had arrived earlier does not fit; starting over")


class ResumingDownloader:
    """Downloads to `part`, beginning with what is there already, and hands the complete file over.

    Called by pooch as its downloaders are: `downloader(url, output_file, pooch)`. Afterwards `joined` says whether the
    file was put together from more than one reply.
    """

    def __init__(self, part: Path, most_bytes: int):
        self.part = part
        self.most_bytes = most_bytes
        self.joined = False

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        """Raises RequestException where the connection fails, `ATTEMPTS` times in a row where something has come."""
        if self.part.is_symlink():  # none of ours: writing would go wherever somebody lets it lead
            self.part.unlink()
        self.joined = False
        answered, failures = False, 0
        while True:
            had = self._size()
            try:
                self._attempt(url)
                break
            except (requests.ConnectionError, requests.Timeout) as error:
                came = self._size() > had
                answered, failures = answered or came, 0 if came else failures + 1
                if not answered or failures == ATTEMPTS:
                    raise
                print(f"Cut off after {self._size() / 1e6:.1f} MB: {_reason(error)}. Going on", file=sys.stderr)
                time.sleep(PAUSE_S)
        os.replace(self.part, output_file)

    def _attempt(self, url: str) -> None:
        """Ask for what is lacking, and write it behind what is there."""
        had = self._size()
        headers = {**_HEADERS, "Range": f"bytes={had}-"} if had else _HEADERS
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS_S) as reply:
            if reply.status_code == requests.codes.requested_range_not_satisfiable:
                self.joined = True  # complete already, or longer than the file is now: the checksum will tell
                return
            reply.raise_for_status()
            had = self._begins_at(reply, had)
            self._write(reply, had)
            self.joined = had > 0

    def _begins_at(self, reply: requests.Response, had: int) -> int:
        """From which byte on the reply goes: `had`, or 0 where the server ignores ranges and sends all."""
        if reply.status_code != requests.codes.partial_content:
            return 0
        begins = reply.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if begins != str(had):
            raise _Refused(f"it was asked for bytes from {had} on and sent those from {begins or 'nowhere'} on")
        return had

    def _write(self, reply: requests.Response, had: int) -> None:
        length = int(reply.headers.get("Content-Length") or 0)
        if had + length > self.most_bytes:
            raise _Refused(f"it offers {(had + length) / 1e6:.0f} MB, more than the published file can have")
        if "html" in reply.headers.get("Content-Type", ""):
            raise _Refused("it sent a web page, maybe of a network that wants you to log in first")
        # Quiet where nobody watches, as in a log.
        progress = tqdm(total=had + length or None, initial=had, unit="B", unit_scale=True, disable=None, leave=False)
        with progress, open(self.part, "ab" if had else "wb") as out:
            for chunk in _as_it_arrives(reply):
                if out.tell() + len(chunk) > self.most_bytes:
                    self.part.unlink()
                    raise _Refused("it sends more than the published file can have")
                out.write(chunk)
                progress.update(len(chunk))

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def _as_it_arrives(reply: requests.Response) -> Iterator[bytes]:
    """The body, each piece as soon as it is there: `iter_content` would lose what came of a piece that is cut off."""
    try:
        while chunk := reply.raw.read1(_CHUNK):
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error


def _reason(error: Exception) -> str:
    """What went wrong, in words rather than in urllib3's nested ones."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate could not be verified"
    if isinstance(error, requests.ConnectionError):
        text = str(error)
        for sign, words in _SIGNS.items():
            if sign in text:
                return words
        return "the connection failed"
    return str(error)


_SIGNS = {
    "NameResolution": "its name cannot be resolved: no network, or none that reaches it",
    "refused": "the connection was refused",
    "unreachable": "the network is unreachable",
    "IncompleteRead": "the connection ended early",
    "Connection aborted": "the server hung up",
    "Proxy": "the proxy does not let it through",
}
