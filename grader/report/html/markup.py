"""HTML and SVG from Python calls, in which a text cannot become markup: what is no `Markup` is escaped.

Jinja would do it as well, but students' set-up promises no Jinja.
"""

from __future__ import annotations

import html

from grader.visible import visible

_VOID = frozenset({"meta", "br", "hr"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None  # a Markup, a text to escape, or nothing


def text(value: str) -> Markup:
    """A text of anybody's as HTML: escaped, and with what cannot be seen spelled out."""
    return Markup(html.escape(visible(value)))


def join(*children: Child) -> Markup:
    """One after the other."""
    return Markup("".join(_markup(child) for child in children if child is not None))


def tag(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """An element.

    attributes: `class_` stands for class, and `_` for the hyphen of others. True gives the name alone, as in `open`;
    None and False leave it out. Numbers have at most two decimals.
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{opened}>")
    return Markup(f"<{name}{opened}>{join(*children)}</{name}>")


def prose(value: str) -> Markup:
    """A sentence in which code stands between backticks, as docstrings have it."""
    parts = value.split("`")
    if len(parts) % 2 == 0:
        return text(value)
    return join(*(tag("code", part) if k % 2 else part for k, part in enumerate(parts)))


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _markup(child: str) -> str:
    return child if isinstance(child, Markup) else text(child)


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    return f' {key}="{text(value if isinstance(value, str) else number(value))}"'
