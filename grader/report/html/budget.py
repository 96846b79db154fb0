"""How large a page may become: 1,200 failing cases of a hostile tree must not fill a disk or stop a browser."""

from __future__ import annotations

from collections.abc import Callable

from grader.report.html.markup import Markup

DETAILS = 2_500_000  # bytes of what is told of failures in full; the lists of cases come on top and are short
MESSAGE = 20_000  # characters of one message
HEADLINE = 240  # of one in a list
KINDS = 60  # failures of a problem that are told in full


class Budget:
    """Bytes that are left, for cards with drawings and, once one of these was too large, for cards without."""

    def __init__(self, size: int = DETAILS) -> None:
        self._left = size
        self._drawn = True

    def card(self, make: Callable[[bool], Markup]) -> Markup | None:
        """What `make` makes, with drawings or without; None where not even that is left."""
        for drawn in (True, False) if self._drawn else (False,):
            made = make(drawn)
            size = len(made.encode())
            if size <= self._left:
                self._left -= size
                self._drawn = drawn
                return made
        return None


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else f"{text[: most - 4]} ..."
