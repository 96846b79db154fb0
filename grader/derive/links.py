"""The pages of a release without links to what is not in it: students get but some of docs/."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from grader.derive.tree import File

_LINK = r"\[[^\]]*\]\([^()\s]+\)"
# A link, or a parenthesis that says nothing but "see there": " ([proof](proof.md), [security](security.md#the-box))".
_PLACE = re.compile(rf"\s\({_LINK}(?:, {_LINK})*\)|{_LINK}")
_PARTS = re.compile(r"\[(?P<words>[^\]]*)\]\((?P<target>[^()\s]+)\)")


def close(files: Mapping[str, File]) -> dict[str, File]:
    """A release's files: of a link in docs/ that leads to none of them the words stay, and an aside goes altogether."""
    return {path: _closed(path, file, files) for path, file in files.items()}


def dead_links(path: str, text: str, paths: Collection[str]) -> list[str]:
    """The relative links of the page at `path` that lead to none of these files or their folders."""
    return [match["target"] for match in _PARTS.finditer(text) if not _leads(path, match["target"], paths)]


def _closed(path: str, file: File, paths: Collection[str]) -> File:
    if not (path.startswith("docs/") and path.endswith(".md")):
        return file

    def without(place: re.Match[str]) -> str:
        if not dead_links(path, place[0], paths):
            return place[0]
        alive = [part for part in _PARTS.finditer(place[0]) if _leads(path, part["target"], paths)]
        if place[0].startswith("["):
            return str(_PARTS.sub(r"\g<words>", place[0]))
        return f"{place[0][0]}({', '.join(part[0] for part in alive)})" if alive else ""

    return replace(file, data=_PLACE.sub(without, file.data.decode("utf-8")).encode("utf-8"))


def _leads(path: str, target: str, paths: Collection[str]) -> bool:
    place = target.partition("#")[0]
    if not place or "://" in target or target.startswith("mailto:"):
        return True
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), place))
    return place in paths or any(other.startswith(f"{place}/") for other in paths)
