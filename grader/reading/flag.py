"""A suspicion: something in a submission that an instructor should look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 200  # flags of one tree: a file made to fill a report must not


@dataclass(frozen=True, order=True)
class Flag:
    """One place, and why it is worth a look. Never a deduction."""

    file: str  # of the tree, with "/"; a compiled module's name; "" for what showed while the tree ran
    line: int  # from 1; 0 where there is none
    what: str  # what stands there or happened: "imports torch"; may hold a submission's words
    why: str  # what it could mean, in one clause, without a submission's words

    @property
    def place(self) -> str:
        """Where it is, for a person: "src/a.cc:12"; "" where there is no file."""
        return f"{self.file}:{self.line}" if self.line else self.file


def tidy(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """In the order of the places, each once, and not more than a report can hold."""
    found = sorted(set(flags))
    more = len(found) - MOST
    last = Flag("", 0, f"... and {more} more", "so many in one tree are worth a look by themselves")
    return (*found[:MOST], last) if more > 0 else tuple(found)
