"""Tables of names, written as words with blanks between them."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of the text."""
    return frozenset(text.split())


def because(why: str, text: str, prefix: str = "") -> dict[str, str]:
    """Each word of the text, the prefix before it -> why it is worth a look."""
    return {prefix + word: why for word in text.split()}
