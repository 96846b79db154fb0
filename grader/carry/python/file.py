"""A Python file: its definitions by name, what its module binds, and its lines."""

from __future__ import annotations

import ast
import dataclasses
import functools
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grader.carry.marks import Marked, is_mark, pairs

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITION = (*FUNCTION, ast.ClassDef)


@dataclass(frozen=True)
class Imported:
    """What an import statement binds a name to."""

    module: str  # as it is written, with leading dots: "needle.ops", ".autograd"
    attribute: str | None  # the name that is taken from the module; None where it is the module itself
    name: str  # what it is bound to


@dataclass(frozen=True)
class Binding:
    """What a module binds a name to."""

    node: ast.stmt  # an import; else the statement at the top of the module that defines or assigns it
    imported: Imported | None = None  # what is imported, if it is


class Unreadable(Exception):
    """A file is not valid Python; the text says where and why."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True)
class PythonFile:
    """A parsed file."""

    path: str  # from the tree's root
    text: str  # with "\n" as line ends
    tree: ast.Module
    broken: dict[int, str] = field(default_factory=dict)  # line of a BEGIN marker -> why what follows is not read

    @classmethod
    def read(cls, path: str, text: str) -> PythonFile:
        """Parse a file. Raises Unreadable."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a student's string is no business of ours
                return cls(path, text, ast.parse(text))
        except SyntaxError as error:
            raise Unreadable(
                f"{path}:{error.lineno or 1}: is not valid Python: {error.msg}", error.lineno or 1
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise Unreadable(f"{path}:1: cannot be read as Python: {error}") from None

    @classmethod
    def read_what_can_be(cls, path: str, text: str) -> PythonFile:
        """Parse a file with a `pass` in each marked stretch that is empty or that no Python can be made of.

        So one unfinished function costs no other one. Raises Unreadable where something else is wrong.
        """
        lines = text.split("\n")
        marks = pairs(lines)
        broken: dict[int, str] = {}
        for _ in range(len(marks) + 1):
            try:
                return dataclasses.replace(cls.read(path, "\n".join(lines)), broken=broken)
            except Unreadable as why:
                if not broken and _without_empty(lines, marks):
                    continue
                mark = next((mark for mark in marks if mark.first < why.line <= mark.last + 1), None)
                if mark is None or mark.first in broken:
                    raise
                broken[mark.first] = str(why)
                _pass_in(lines, mark)
        return cls.read(path, "\n".join(lines))

    @functools.cached_property
    def lines(self) -> list[str]:
        """Its lines without their ends."""
        return self.text.split("\n")

    @functools.cached_property
    def marked(self) -> list[Marked]:
        """The marked stretches."""
        return pairs(self.lines)

    @functools.cached_property
    def in_strings(self) -> frozenset[int]:
        """The lines (from 1) that begin inside a string: their indentation is the string's."""
        inside: set[int] = set()
        opened: list[int] = []
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
                kind = tokenize.tok_name[token.type]
                if kind == "STRING":
                    inside.update(range(token.start[0] + 1, token.end[0] + 1))
                elif kind in ("FSTRING_START", "TSTRING_START"):  # from Python 3.12 on, in pieces
                    opened.append(token.start[0])
                elif kind in ("FSTRING_END", "TSTRING_END"):
                    inside.update(range(opened.pop() + 1, token.end[0] + 1))
        except (tokenize.TokenError, SyntaxError):
            pass  # it has been parsed; what tokenize dislikes at the very end changes nothing
        return frozenset(inside)

    @functools.cached_property
    def bindings(self) -> dict[str, Binding]:
        """What the module binds each name to; the last one counts, as when it is run."""
        found: dict[str, Binding] = {}
        for outer in self.tree.body:
            for statement in statements([outer]) if not _is_main_guard(outer) else ():
                for name, imported in bound(statement):
                    found[name] = Binding(statement if imported is not None else outer, imported)
        return found

    def acting_on(self, name: str) -> list[ast.stmt]:
        """The statements at the top of the module that change what has this name: `table["x"] = 1`, `f.calls = 0`."""
        return [node for node in self.tree.body if name in changed_by(node)]

    @functools.cached_property
    def stars(self) -> list[str]:
        """The modules of `from MODULE import *`."""
        return [
            "." * node.level + (node.module or "")
            for node in statements(self.tree.body)
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        ]

    @functools.cached_property
    def definitions(self) -> dict[str, Definition]:
        """Its functions and classes, and those in classes, by qualified name: "Conv.gradient"."""
        return dict(_defined(self.tree.body, ""))

    def find(self, spellings: Sequence[str]) -> Definition | None:
        """The first of these that is defined here; else the only one that differs in upper and lower case alone."""
        for name in spellings:
            if name in self.definitions:
                return self.definitions[name]
        folded = {name.casefold() for name in spellings}
        alike = [node for name, node in self.definitions.items() if name.casefold() in folded]
        return alike[0] if len(alike) == 1 else None

    def source(self, node: ast.stmt) -> list[str]:
        """The lines of a statement, with its decorators and the comments right above, without markers and tabs."""
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
        while first > 1 and self.lines[first - 2].lstrip().startswith("#") and not self.is_marker(first - 1):
            first -= 1
        assert node.end_lineno is not None
        return [self.untabbed(n) for n, _ in self.numbered(first, node.end_lineno) if not self.is_marker(n)]

    def untabbed(self, number: int) -> str:
        """A line with four blanks for each tab that it begins with, unless it begins inside a string."""
        line = self.lines[number - 1]
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        return line if number in self.in_strings else indent.replace("\t", "    ") + line[len(indent) :]

    def numbered(self, first: int, last: int) -> Iterator[tuple[int, str]]:
        """Lines with their numbers, both ends included."""
        return ((number, self.lines[number - 1]) for number in range(first, min(last, len(self.lines)) + 1))

    def is_marker(self, line: int) -> bool:
        """Whether a line is a marker, with a partner or without."""
        return line not in self.in_strings and is_mark(self.lines[line - 1])

    def is_students(self, node: ast.stmt) -> bool:
        """Whether a statement lies between markers."""
        return any(mark.holds(node.lineno) for mark in self.marked)


def _without_empty(lines: list[str], marks: Sequence[Marked]) -> bool:
    """Put a `pass` into each marked stretch of comments only; whether there was one."""
    found = [mark for mark in marks if all(_says_nothing(line) for line in lines[mark.first : mark.last - 1])]
    for mark in found:
        _pass_in(lines, mark)
    return bool(found)


def _says_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _pass_in(lines: list[str], mark: Marked) -> None:
    """Have `pass` and nothing else between the markers, or in place of the first where they are neighbours."""
    begin = lines[mark.first - 1]
    inside = range(mark.first, mark.last - 1) or range(mark.first - 1, mark.first)
    lines[inside.start : inside.stop] = [""] * len(inside)
    lines[inside.start] = begin[: len(begin) - len(begin.lstrip())] + "pass"


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block, and those that only a condition, a `try` or a `with` is around."""
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            for part in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from statements(handler.body)


def _is_main_guard(node: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":`, which says nothing to who imports the module."""
    return isinstance(node, ast.If) and "__name__" in loaded(node.test)


def bound(node: ast.stmt) -> Iterator[tuple[str, Imported | None]]:
    """The names that a statement itself binds in its own scope."""
    if isinstance(node, _DEFINITION):
        yield node.name, None
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            name = alias.asname or top
            yield name, Imported(alias.name if alias.asname else top, None, name)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or alias.name, Imported(module, alias.name, alias.asname or alias.name)
    else:
        for name in stored(node):
            yield name, None


def changed_by(node: ast.stmt) -> set[str]:
    """The names whose attributes or items a statement sets, or whose methods it calls for what they do."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets = [node.value.func]
    return {
        target.value.id
        for target in targets
        if isinstance(target, (ast.Attribute, ast.Subscript)) and isinstance(target.value, ast.Name)
    }


def stored(node: ast.AST) -> Iterator[str]:
    """The names that a piece of code assigns, functions and classes inside of it left out."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.id
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITION):
            yield child.name
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            yield from (name for name, _ in bound(child))
        elif not isinstance(child, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from stored(child)


def loaded(node: ast.AST) -> set[str]:
    """The names that a piece of code reads anywhere in it, its own variables included."""
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)}


def docstring_of(node: Definition) -> ast.stmt | None:
    """The statement that is the docstring."""
    first = node.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return first if is_text else None


def _defined(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, Definition]]:
    for node in statements(body):
        if isinstance(node, _DEFINITION):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{prefix}{node.name}.")
