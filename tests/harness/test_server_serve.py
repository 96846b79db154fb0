"""grader.server.serve: the command as people start it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT, TOY

from grader.errors import UsageError
from grader.server.serve import serve
from grader.server.settings import Settings

SUITE = TOY / "assignment"


class Process:
    """`python -m grader serve`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "grader", "serve", "--port", "0", "--suite", str(SUITE), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.errors = folder / "stderr"
        self._log = self.errors.open("w")
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment
        )
        self.said: list[str] = []
        assert self.process.stdout is not None
        # A line at a time, but never ahead: what is left is for `communicate`, which would not see Python's own buffer.
        while line := self._line(self.process.stdout.fileno()):
            self.said.append(line)
            if "database" in line:
                break

    @staticmethod
    def _line(descriptor: int) -> str:
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
            line += byte
        return line.decode()

    @property
    def url(self) -> str:
        """Where it says that it listens."""
        found = re.search(r"https?://\S+/", "".join(self.said))
        assert found, (self.said, self.errors.read_text())
        return found[0]

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Its exit status; what it has said since is in `said`."""
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=60)
        self._log.close()
        self.said += rest.splitlines(keepends=True)
        return self.process.returncode

    def key(self) -> str:
        """The key that it has shown."""
        (found,) = re.findall(r"ndl_\w+", "".join(self.said))
        return str(found)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    """Starts servers, and stops those that still run."""
    running: list[Process] = []

    def start(*arguments: str) -> Process:
        running.append(Process(tmp_path, *arguments))
        return running[-1]

    yield start
    for process in running:
        if process.process.poll() is None:
            process.stop()


def test_start_work_stop_start(started: Any, tmp_path: Path) -> None:
    """The first start makes the database and shows a key, once; the key works; SIGTERM ends it; all is kept."""
    server = started()
    assert server.stop() == 0
    key = server.key()
    assert (tmp_path / "gradebook.sqlite3").exists()
    again = started()
    me = httpx.get(f"{again.url}api/me", headers={"Authorization": f"Bearer {key}"}).json()
    assert me == {"login": "instructor", "name": "Instructor", "role": "instructor"}
    toy = httpx.get(f"{again.url}api/assignments/toy", headers={"Authorization": f"Bearer {key}"}).json()
    assert toy["problems"][0]["cases"] == ["short vectors", "long vectors"]
    assert httpx.get(f"{again.url}api/me", params={"user_key": key}).status_code == 200
    assert again.stop(signal.SIGINT) == 0
    assert "ndl_" not in "".join(again.said)
    log = again.errors.read_text()
    assert key not in log
    assert "user_key" not in log
    requests = [line for line in map(json.loads, log.splitlines()) if line["event"] == "request"]
    assert [(line["path"], line["status"], line["login"]) for line in requests] == [
        ("/api/me", 200, "instructor"),
        ("/api/assignments/toy", 200, "instructor"),
        ("/api/me", 200, "instructor"),
    ]


def test_postgresql(started: Any, migrated_cluster: Any) -> None:
    """The same over PostgreSQL, whose password is not shown."""
    cluster, _ = migrated_cluster
    name = cluster.create()
    server = started("--database", cluster.url(name).replace("postgres@", "postgres:secret@"))
    assert httpx.get(f"{server.url}healthz").json()["status"] == "ok"
    server.stop()
    assert "secret" not in "".join(server.said) + server.errors.read_text()
    assert "postgres:***@" in "".join(server.said)
    cluster.drop(name)


def test_tls(started: Any, tmp_path: Path) -> None:
    """With a certificate it speaks HTTPS, and tells browsers to stay with it."""
    import ssl

    certificate, key = self_signed(tmp_path)
    server = started("--tls-cert", str(certificate), "--tls-key", str(key))
    assert server.url.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(certificate))
    reply = httpx.get(f"{server.url}healthz", verify=trusted)
    assert "max-age" in reply.headers["strict-transport-security"]


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def test_forwarded_headers_of_a_named_proxy_only(started: Any) -> None:
    """Whoever is no named proxy cannot make the server believe that a request came over TLS."""
    forwarded = {"X-Forwarded-Proto": "https"}
    plain, proxied = started(), started("--proxy", "127.0.0.1", "--database", "sqlite:///second.sqlite3")
    assert "strict-transport-security" not in httpx.get(f"{plain.url}healthz", headers=forwarded).headers
    assert "strict-transport-security" in httpx.get(f"{proxied.url}healthz", headers=forwarded).headers


def settings(tmp_path: Path, **changes: Any) -> Settings:
    made = {"database": f"sqlite:///{tmp_path / 'g.sqlite3'}", "port": 0, "suites": (SUITE,), **changes}
    return Settings(**made)


def test_port_in_use(tmp_path: Path) -> None:
    """A port that is taken is one sentence with the remedy, and nothing was made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127.0.0.1, port {port}: .*--port"):
            serve(settings(tmp_path, port=port))
    assert not (tmp_path / "g.sqlite3").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "no.such.host.invalid"}, "--host has value 'no.such.host.invalid'"),
        ({"host": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        ({"proxies": ("nginx",)}, "--proxy has value 'nginx'"),
        ({"tls_cert": Path("x.pem")}, "--tls-cert is given alone"),
        ({"tls_cert": Path("x.pem"), "tls_key": Path("y.pem")}, "cannot be used"),
        ({"suites": (Path("nowhere"),)}, "nowhere/assignment.toml is not there"),
        ({"database": "sqlite:////nowhere/g.sqlite3"}, "the folder /nowhere is not there"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """Each is one sentence that names the option."""
    with pytest.raises(UsageError, match=re.escape(words)):
        serve(settings(tmp_path, **changes))
