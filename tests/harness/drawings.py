"""The notebook's figures for their tests: a module of them by its name, and what is written in a drawing."""

from __future__ import annotations

from types import ModuleType
from xml.etree import ElementTree

from course_apps import app


def figures(name: str) -> ModuleType:
    """The module reference/apps/figures/NAME.py."""
    return app(f"figures.{name}")


def texts(frame: str) -> list[str]:
    """What is written in a drawing, which is read as XML."""
    return [element.text or "" for element in ElementTree.fromstring(frame).iter() if element.tag.endswith("text")]
