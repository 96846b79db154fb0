"""Words of a submission, made fit for a terminal, a log, Markdown and UTF-8: what would act is shown instead."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""`text` with everything that cannot be seen spelled out, as repr() would: an escape character becomes \x1b.

    Line breaks stay and tabs become blanks. What is spelled out could move a cursor, colour a terminal, turn the
    direction of writing, end a line where only some programs see it, or (a lone surrogate) fail to be encoded at all.
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(char if char.isprintable() or char == "\n" else _spelled(char) for char in text)


def quoted(text: str) -> str:
    """`visible(text)`, further lines indented: none of them can pass for a line of ours ("Run: rm ...")."""
    return visible(text).rstrip().replace("\n", "\n    ")


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
