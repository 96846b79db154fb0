"""What a release says of itself, in its folder `.handout/`: so that a student's folder can be upgraded later.

    manifest.json       the assignment, the release's version, and of each file its SHA-256 and whether it is a program
    pristine/...        files as they were handed out, of those that students edit; their own copies differ soon

The version is pyproject.toml's: releases are put in order by it, so every release gets another one. The format is
read by the grader of an older release as well, and has a number of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.derive.tree import File
from grader.errors import UsageError

FOLDER = ".handout"
MANIFEST = f"{FOLDER}/manifest.json"
PRISTINE = f"{FOLDER}/pristine"
FORMAT = 1
# What a release may hold: students have their own things under the other names, and these are never written to.
NOT_A_RELEASES = (".git", ".venv", "backups", "build", "data", "dist", "out")

_OURS = ("grader", "tests", "docs")  # folders whose files are replaced and not merged, so no copy of them is kept
_VERSION = re.compile(r'^version *= *"(?P<version>[^"\n]+)"', re.MULTILINE)
_WORD = re.compile(r"[\w.+-]{1,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stamp:
    """A file of a release, without its contents."""

    sha256: str  # of its bytes, in hexadecimal
    executable: bool  # mode 0755, otherwise 0644

    @classmethod
    def of(cls, file: File) -> Stamp:
        """The stamp of a file."""
        return cls(hashlib.sha256(file.data).hexdigest(), file.executable)


@dataclass(frozen=True)
class Manifest:
    """What a release is, and what it holds."""

    assignment: str  # "hw4"
    version: str  # "1.2.0"
    files: Mapping[str, Stamp]  # path in the release's folder -> stamp; nothing of `.handout/` itself


def version_of(pyproject: bytes) -> str:
    """The version that pyproject.toml names; "0" where it names none."""
    match = _VERSION.search(pyproject.decode("utf-8", "replace"))
    return match["version"] if match else "0"


def describe(assignment: str, version: str, files: Mapping[str, File]) -> dict[str, File]:
    """The files of `.handout/` for a release of `files`, all by their path in the release's folder."""
    stamps = {path: Stamp.of(file) for path, file in sorted(files.items())}
    document = {
        "format": FORMAT,
        "assignment": assignment,
        "version": version,
        "files": {path: {"sha256": stamp.sha256, "executable": stamp.executable} for path, stamp in stamps.items()},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    kept = {f"{PRISTINE}/{path}": File(file.data, False) for path, file in files.items() if is_kept(path)}
    return {MANIFEST: File(text.encode(), False), **kept}


def is_kept(path: str) -> bool:
    """Whether a release keeps a copy of this file as it was handed out."""
    return path.split("/")[0] not in _OURS


def is_a_releases(path: str) -> bool:
    """Whether a path stays in the release's folder, and out of what is the student's there."""
    parts = path.split("/")
    inside = not any(part in ("", ".", "..") for part in parts) and "\\" not in path and path.isprintable()
    return inside and parts[0] not in (FOLDER, *NOT_A_RELEASES)


def parse_manifest(data: bytes, where: str) -> Manifest:
    """Read manifest.json; `where` names it in messages. Raises UsageError where it is not as it should be."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(f"{where} is damaged: it is no JSON. Unpack the release once more, elsewhere.") from None
    if isinstance(document, dict) and document.get("format") != FORMAT:
        raise UsageError(
            f"{where} has the format {document.get('format')!r}, and this release of the grader reads format {FORMAT}; "
            "unpack the new release beside this folder and run its `make carry FROM=...` there."
        )
    try:
        files = {_checked(path): _stamp(entry) for path, entry in document["files"].items()}
        return Manifest(_word(document["assignment"]), _word(document["version"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{where} is damaged ({str(error)[:200]}). Unpack the release once more, elsewhere.") from None


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"{str(value)[:100]!r} is no name")
    return value


def _stamp(entry: Any) -> Stamp:
    sha256, executable = entry["sha256"], entry["executable"]
    if not _SHA256.fullmatch(sha256) or not isinstance(executable, bool):
        raise ValueError(f"{entry!r} is no stamp")
    return Stamp(sha256, executable)


def _checked(path: str) -> str:
    if not is_a_releases(path):
        raise ValueError(f"{path!r} is no path of a release")
    return path
