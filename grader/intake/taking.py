"""Which files of a submission count: those that the assignment lets students change, and none that acts unasked."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property

from grader.assignment import TreeLayout

# Never taken, wherever they lie: what is compiled or cached (the harness compiles for itself; a precompiled header is
# read by a compiler instead of the header beside it), version control, environments, what systems leave behind,
_NEVER_FOLDERS = {"__pycache__", "build", "venv", "__macosx"}  # and those that begin with "."
_COMPILED = re.compile(
    r"\.(so(\.\d+)*|pyd|dll|dylib|pyc|pyo|o|lo|obj|a|la|lib|gch|pch|pcm|gcm|ptx|cubin|fatbin|egg-info)$", re.IGNORECASE
)
# and what Python or pytest would run or obey without being asked.
_OBEYED = {
    "conftest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
}
_PATHS = (".pth", ".egg-link")
# Names of modules that are the worker's. The standard library's differ by version, and what is graded must not: those
# that only some of Python 3.10 to 3.14 have (found by comparing sys.stdlib_module_names) are listed here.
_NOT_EVERYWHERE = """
    aifc annotationlib asynchat asyncore audioop binhex cgi cgitb chunk compression crypt distutils imghdr imp lib2to3
    mailcap msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib tomllib uu xdrlib
"""
_STANDARD = {name for name in sys.stdlib_module_names if not name.startswith("_")}.union(_NOT_EVERYWHERE.split())
_HARNESS = {"grader", "numpy", "probes"}


def is_obeyed(path: str) -> bool:
    """Whether Python or pytest would run or obey such a file by itself."""
    name = path.rpartition("/")[2].lower()
    return name in _OBEYED or name.endswith(_PATHS)


def is_never_taken(path: str) -> bool:
    """Whether a file or folder is never taken, wherever it lies."""
    parts = path.split("/")
    if any(part.lower() in _NEVER_FOLDERS or part.startswith(".") for part in parts):
        return True
    return is_obeyed(path) or _COMPILED.search(path) is not None


@dataclass(frozen=True)
class Rules:
    """What an assignment's layout says about a file by its path in the tree."""

    layout: TreeLayout

    def has_place(self, path: str) -> bool:
        """Whether grading looks there. Data sets, notebooks and environments elsewhere in a tree stay there."""
        first, _, rest = path.partition("/")
        return first in self._folders or ("." in self.layout.paths and not rest and first.endswith(".py"))

    def is_editable(self, path: str) -> bool:
        """Whether a student may change it: in a pattern `*` is any text without "/", and `**` any folders."""
        return any(pattern.fullmatch(path) for pattern in self._editable)

    def hides(self, path: str) -> str:
        """The module of Python, NumPy or the harness that a file would be imported instead of; "" where there is none.

        A tree's folders come first on the worker's path. A name of the assignment's own, such as that of a required
        package, is none of these.
        """
        return next(
            (name for name in self._modules(path) if name in _STANDARD | _HARNESS and name not in self._own), ""
        )

    @cached_property
    def _named(self) -> tuple[str, ...]:
        """Every path that the layout names."""
        layout = self.layout
        sources = [*layout.modules.values(), *(path for paths in layout.companions.values() for path in paths)]
        return (*layout.required, *layout.editable, *sources)

    @cached_property
    def _folders(self) -> frozenset[str]:
        paths = self.layout.paths
        named = {path.split("/")[0] for path in (*self._named, *paths) if "/" in path or path in paths}
        return frozenset(named - {".", "", "*", "**"})

    @cached_property
    def _editable(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_pattern(text), re.DOTALL) for text in self.layout.editable)

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(name for path in self._named for name in self._modules(path))

    def _modules(self, path: str) -> list[str]:
        """The names at the top of which a file is found by Python, for every folder on its path."""
        tops = ["" if top == "." else f"{top.rstrip('/')}/" for top in self.layout.paths]
        firsts = [path[len(top) :].split("/")[0] for top in tops if path.startswith(top)]
        return [
            first[:-3] if first.endswith(".py") else first for first in firsts if "." not in first.removesuffix(".py")
        ]


def _pattern(glob: str) -> str:
    *folders, last = glob.strip("/").split("/")
    way = "".join("(?:.*/)?" if folder == "**" else f"{_words(folder)}/" for folder in folders)
    return way + (".+" if last == "**" else _words(last))


def _words(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
