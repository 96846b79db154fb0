"""What is remembered of a submission while it is under way, so that the same command goes on with it.

Before a submission is opened, a file says under which token, for which answers. Whatever ends us (Ctrl-C, SIGKILL, the
network), the next run with the same answers opens the same submission again by that token, asks the server which cases
it has judged, and posts the others. With other answers it is another submission. No key is in the file, and no value.

The files of complete submissions stay until the whole run is through, or a run that was interrupted in its eighth
problem would cost the other seven a second attempt each. There is one file a problem, so of two trees that take turns
only the last one is remembered; and a day later none is: who runs the same command then means to submit anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.errors import UsageError

_SCHEMA = "needle-submission/1"
_MAX_AGE = 86_400.0  # seconds since a submission was begun
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True)
class Attempt:
    """What makes two runs the same submission."""

    server: str
    assignment: str
    problem: str
    login: str  # empty where the server does not tell
    tree_hash: str
    values: Mapping[str, str]  # index of a case -> digest of its value; cases without an answer are not in it


class States:
    """The submissions under way from a checkout: a file each, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def exclusively(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the folder: two runs at once would open one submission twice, or each forget the other's.

        What is older than a day is dropped first, and what a killed run left half written. waiting: is called where
        another run holds it, before we wait. Raises UsageError where it cannot be written.
        """
        with self._errors():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            with self._errors():
                for file in [*self._folder.glob("*.json"), *self._folder.glob("*.new")]:
                    if file.suffix == ".new" or not _fresh(file):
                        file.unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)  # and with it goes the lock, as with the process, however that ends

    def under_way(self, server: str, assignment: str, problem: str, login: str) -> bool:
        """Whether an earlier run has begun a submission of the problem, with whatever answers, and was interrupted."""
        return _fresh(self._file(server, assignment, problem, login))

    def token(self, attempt: Attempt) -> tuple[str, bool]:
        """The token of the attempt, and whether it is one that was begun before."""
        known = self._read(attempt)
        if known is not None:
            return known, True
        return self.renew(attempt), False

    def renew(self, attempt: Attempt) -> str:
        """A new token for the attempt, written down before it is used."""
        token = secrets.token_urlsafe(24)
        content = json.dumps({"schema": _SCHEMA, "token": token, **asdict(attempt)}, indent=1) + "\n"
        with self._errors():
            # mkstemp: mode 0600 from the start. Renamed into its place: there in full or not at all.
            descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._of(attempt))
        return token

    def forget(self, attempt: Attempt) -> None:
        """There is nothing to go on with: the run is through, or nothing of the submission was taken."""
        with self._errors():
            self._of(attempt).unlink(missing_ok=True)

    def _file(self, server: str, assignment: str, problem: str, login: str) -> Path:
        whose = hashlib.sha256(f"{server}\0{login}".encode()).hexdigest()[:12]
        return self._folder / f"{assignment}-{problem}-{whose}.json"

    def _of(self, attempt: Attempt) -> Path:
        return self._file(attempt.server, attempt.assignment, attempt.problem, attempt.login)

    def _read(self, attempt: Attempt) -> str | None:
        try:
            data: Any = json.loads(self._of(attempt).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there, or nothing that we wrote: begin anew
            return None
        if not isinstance(data, dict):
            return None
        token = data.pop("token", None)
        same = data == {"schema": _SCHEMA, **asdict(attempt)}
        return token if same and isinstance(token, str) and _TOKEN.fullmatch(token) else None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"{self._folder} cannot be written: {error.strerror}; submissions under way are remembered there. "
                "Name another folder by --out."
            ) from None


def _fresh(file: Path) -> bool:
    """Whether the file is there and of the last day; one of tomorrow is from a clock that was wrong, and is not."""
    try:
        return abs(time.time() - file.stat().st_mtime) < _MAX_AGE
    except OSError:
        return False
