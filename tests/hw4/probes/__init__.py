"""The probes of hw4: small functions that ask a needle tree to compute something, and return plain named arrays.

They are all that ever touches a submission, run beside it in the worker, and use only needle's public interface. A
probe has the signature `probe(needle, device, ...)` and returns a dict of names to arrays, numbers, strings, or lists
of them.
"""

from __future__ import annotations

from typing import Any


def load() -> Any:
    """Import the tree's needle; what every probe gets as its first argument."""
    import needle

    return needle


def device(needle: Any, name: str) -> Any:
    """The device of that name; what a probe gets as its second argument.

    To a tree cuda-sim is its CUDA device: it has another build of the same module.
    """
    place = getattr(needle, name.removesuffix("-sim"))()
    # The judge has already decided that the machine has this device, so a tree that denies it is broken.
    if not place.enabled():
        function = f"needle.{name.removesuffix('-sim')}()"
        raise RuntimeError(f"{function} says that it is not enabled, although its module was built for this run")
    return place
