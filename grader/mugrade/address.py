"""Addresses that a key may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from grader.errors import UsageError
from grader.visible import visible


def checked(address: str, *, insecure_http: bool) -> str:
    """The server's address, with a slash at its end.

    Raises UsageError where it is none, or where a key would go over a network that everybody on the way can read:
    plain http is for this machine alone, unless `insecure_http` says that the network is to be trusted.
    """
    shown = visible(address)[:200]
    expected = "expected an address such as https://grades.example.edu/, without user or query"
    try:
        parts = urlsplit(address.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"--server has value {shown!r}; {expected}.") from None
    whole = parts.scheme in ("http", "https") and host and "@" not in parts.netloc
    if not whole or parts.query or parts.fragment or any(char.isspace() or char == "\\" for char in address.strip()):
        raise UsageError(f"--server has value {shown!r}; {expected}.")
    if parts.scheme == "http" and not is_loopback(str(host)) and not insecure_http:
        raise UsageError(
            f"--server has value {shown!r}: over plain http everybody on the way could read your key. "
            "Use https://, or --insecure-http where you trust every machine between here and there."
        )
    return address.strip().rstrip("/") + "/"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
