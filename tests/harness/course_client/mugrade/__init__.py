"""See ../README.md. `submit(value)` is for the functions that pytest runs; everything else is in `client`."""

from mugrade.client import submit

__all__ = ["submit"]
