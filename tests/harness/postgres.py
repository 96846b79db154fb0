"""A real PostgreSQL for the tests: one cluster a session in a temporary folder, reached through a socket in it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg


class Cluster:
    """A running PostgreSQL that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def url(self, name: str) -> str:
        """The address of a database of it."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of `template`; its name."""
        self._made += 1
        name = f"test_{self._made}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected to it."""
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


def binaries() -> Path | None:
    """Where initdb and postgres are; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: file.parts[-3].zfill(4))
    on_path = shutil.which("postgres")
    if on_path and (Path(on_path).resolve().parent / "initdb").exists():
        return Path(on_path).resolve().parent
    return found[-1].parent if found else None


@contextlib.contextmanager
def cluster(*settings: str) -> Iterator[Cluster]:
    """A cluster that ends with the block. settings: such as "fsync=on"; off is faster, and loses more in a crash."""
    folder_of_programs = binaries()
    assert folder_of_programs is not None
    # Not pytest's own folder: PostgreSQL runs as another user, who must not need to see the rest; and the path of a
    # socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # It refuses to run as root.
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        data, log = folder / "data", folder / "log"
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(data)]
        subprocess.run(
            [folder_of_programs / "initdb", *options], check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner
        )
        # trust: only who can enter the folder, mode 0700, reaches the socket; there is no port.
        configured = [f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off", *settings]
        options_of_server = " ".join(f"-c {setting}" for setting in configured)
        server = subprocess.Popen(
            [folder_of_programs / "pg_ctl", "-D", data, "-l", log, "-w", "-s", "start", "-o", options_of_server],
            cwd=folder,
            **owner,
        )
        try:
            assert server.wait(timeout=60) == 0, log.read_text()
            yield Cluster(folder)
        finally:
            subprocess.run(
                [folder_of_programs / "pg_ctl", "-D", data, "-m", "immediate", "-s", "stop"], cwd=folder, **owner
            )
