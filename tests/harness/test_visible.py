"""A submission's words: nothing in them acts on whoever shows them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.visible import quoted, visible

steady = settings(derandomize=True, deadline=None, max_examples=300)

any_text = st.text(st.characters(codec=None), max_size=50)  # lone surrogates too


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "größer als π", "日本語", "✓ 👍", "a\\x1b", "<b>|`*"])
def test_readable_text_stays(text: str) -> None:
    """What can be seen is left as it is, in any script."""
    assert visible(text) == text


SPELLED = {
    "\x1b[31m": r"\x1b[31m",
    "\x00": r"\x00",
    "\b": r"\x08",
    "a\rb": r"a\rb",
    "\x7f": r"\x7f",
    "\x9b": r"\x9b",
    "\x85": r"\x85",
    "\u2028": r"\u2028",
    "\u202e": r"\u202e",
    "\u200b": r"\u200b",
    "\ufeff": r"\ufeff",
    "\u00a0": r"\xa0",
    "\ud800": r"\ud800",
    "\U000e0041": r"\U000e0041",
    "\x0c": r"\x0c",
}


@pytest.mark.parametrize(("text", "shown"), SPELLED.items(), ids=list(SPELLED.values()))
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    """Escape codes, NUL, backspace, line ends of other programs, directions of writing, lone surrogates."""
    assert visible(text) == shown


def test_line_breaks_and_tabs_are_kept_as_such() -> None:
    """Windows line ends become plain ones, and a tab goes to the next column of four."""
    assert visible("if a:\r\n\treturn\n\t\tb") == "if a:\n    return\n        b"


@steady
@given(any_text)
def test_everything_can_be_written_down(text: str) -> None:
    """Any text becomes UTF-8 that splits into lines at line feeds only, and stays as it then is."""
    shown = visible(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert shown.splitlines() == shown.removesuffix("\n").split("\n") or shown == ""
    assert all(line.isprintable() for line in shown.split("\n"))
    assert visible(shown) == shown


@steady
@given(any_text)
def test_a_quotation_begins_no_line(text: str) -> None:
    """Every further line of a quoted text is indented, so it cannot pass for a line of the report."""
    _, *further = quoted(text).split("\n")
    assert all(line.startswith("    ") for line in further)
