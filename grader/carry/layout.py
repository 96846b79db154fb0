"""The modules of a tree: which file a module is, and which names it offers."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.carry.python.file import Imported, PythonFile, statements


@dataclass(frozen=True)
class Modules:
    """The Python files of a tree as modules."""

    files: Mapping[str, PythonFile]  # by path
    roots: Sequence[str]  # the folders that are on Python's path: "python", "apps", "."

    @functools.cached_property
    def by_name(self) -> dict[str, str]:
        """Module -> path; the root that comes first counts."""
        found: dict[str, str] = {}
        for path in self.files:
            for root in self.roots:
                name = _module(path, root)
                if name is not None:
                    found.setdefault(name, path)
        return found

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Names of packages, whether or not they have an __init__.py."""
        return frozenset(".".join(name.split(".")[:n]) for name in self.by_name for n in range(1, name.count(".") + 1))

    @functools.cached_property
    def attributes(self) -> frozenset[str]:
        """Every attribute that something in these files has: of its classes and of its modules."""
        found: set[str] = set()
        for file in self.files.values():
            found |= file.bindings.keys()
            for node in file.definitions.values():
                if isinstance(node, ast.ClassDef):
                    found |= own_names(node)
        return frozenset(found)

    def name_of(self, path: str) -> str:
        """The module that a file is: "needle.ops" of python/needle/ops/__init__.py."""
        names = (_module(path, root) for root in self.roots)
        return next((name for name in names if name is not None), "")

    def absolute(self, path: str, module: str) -> str:
        """A module as an import in the file writes it, "..init", by its full name."""
        dots = len(module) - len(module.lstrip("."))
        if not dots:
            return module
        package = self.name_of(path).split(".")
        if not path.endswith("/__init__.py"):
            package = package[:-1]
        head = package[: len(package) - (dots - 1)]
        return ".".join([*head, *([module[dots:]] if module[dots:] else [])])

    def has(self, module: str) -> bool:
        """Whether a module or package is one of this tree."""
        return module in self.by_name or module in self.folders

    def offers(self, module: str, name: str, depth: int = 0) -> bool:
        """Whether `from module import name` finds something, by way of star imports too."""
        if self.has(f"{module}.{name}"):
            return True
        path = self.by_name.get(module)
        if path is None or depth > 4:
            return False
        file = self.files[path]
        if name in file.bindings:
            return True
        return any(self.offers(self.absolute(path, star), name, depth + 1) for star in file.stars)

    def class_names(self, path: str, node: ast.ClassDef, depth: int = 0) -> set[str]:
        """The methods and attributes that a class and its base classes in this tree define, wherever they do."""
        found = own_names(node)
        for base in node.bases:
            name = base.id if isinstance(base, ast.Name) else base.attr if isinstance(base, ast.Attribute) else ""
            place = self.find_class(path, name) if name and depth < 8 else None
            if place is not None and place[1] is not node:
                found |= self.class_names(*place, depth + 1)
        return found

    def find_class(self, path: str, name: str) -> tuple[str, ast.ClassDef] | None:
        """The class of that name: of this file, else of any other one."""
        for place in [path, *sorted(self.files)]:
            node = self.files[place].definitions.get(name) if place in self.files else None
            if isinstance(node, ast.ClassDef):
                return place, node
        return None

    def origin(self, path: str, imported: Imported) -> tuple[str, str | None]:
        """What an import of a file means: the full name of the module, and the name in it."""
        return self.absolute(path, imported.module), imported.attribute


def own_names(node: ast.ClassDef) -> set[str]:
    """The methods and class attributes of a class, and what its methods set on their first parameter."""
    found = set()
    for item in statements(node.body):
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(item.name)
            found |= set_on_self(item)
        elif isinstance(item, ast.ClassDef):
            found.add(item.name)
        elif isinstance(item, (ast.Assign, ast.AnnAssign)):
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def set_on_self(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The attributes that a method sets on its first parameter."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    return attributes_set(function, arguments[0].arg) if arguments else set()


def attributes_set(node: ast.AST, own: str) -> set[str]:
    """The attributes that a piece of code sets on what it calls `own`."""
    return {
        item.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name)
        and item.value.id == own
    }


def _module(path: str, root: str) -> str | None:
    prefix = "" if root == "." else f"{root}/"
    if not path.startswith(prefix) or not path.endswith(".py"):
        return None
    parts = path[len(prefix) : -3].split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts)
