"""Where the names come from that carried code needs: the target has them, an import brings them, or they come along."""

from __future__ import annotations

import ast
import collections
import copy
import functools
import itertools
import math
import operator
import random
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from grader.carry.editions import Editions
from grader.carry.layout import Modules
from grader.carry.python.file import Binding, Imported, PythonFile
from grader.carry.python.names import BUILTINS
from grader.carry.python.parameters import call_shape

OF_OLD = "_of_old"  # behind the name of a helper whose own name means something else in the target

# Libraries that students import whole, `from math import *`, and the names that this gives.
_STARRED = {
    library.__name__: frozenset(name for name in dir(library) if not name.startswith("_"))
    for library in (collections, functools, itertools, math, operator, random, typing)
}


@dataclass(frozen=True)
class ImportIt:
    """A library's import, for the top of the module."""

    statement: str  # "import math"


@dataclass(frozen=True)
class SayIt:
    """A line at the beginning of the code that needs the name, where no order of imports can matter."""

    line: str  # "from needle.nn.nn_basic import Tanh"


@dataclass(frozen=True)
class BringIt:
    """A definition of OLD that comes along."""

    file: PythonFile  # of OLD
    name: str  # as it is called there, and in the code that needs it
    rename: str = ""  # what it is to be called in the target, where its name means something else; "" for the same


@dataclass(frozen=True)
class CopyIt:
    """A module of the student's own, which is used as a module: its file comes along."""

    path: str  # of OLD's file
    line: str  # "from needle import my_helpers", for the beginning of the code that needs it


@dataclass(frozen=True)
class Nowhere:
    """OLD does not say what the name is."""


Answer = ImportIt | SayIt | BringIt | CopyIt | Nowhere | None  # None: the target has it under this name


@dataclass(frozen=True)
class Resolver:
    """Answers where names come from."""

    old: Modules
    target: Modules
    editions: Editions

    def answer(self, name: str, file: PythonFile, into: PythonFile, have: Mapping[str, Binding | None]) -> Answer:
        """Where `into` gets the name from that code of OLD's `file` needs; `have` is what it binds already."""
        binding = file.bindings.get(name)
        if name in have:
            return self._against(name, binding, file, into, have[name])
        if binding is None:
            return self._of_stars(name, file, into, have)
        if binding.imported is not None:
            return self._of_import(name, binding.imported, file, into, have)
        return self._of_definition(name, file, into, have)

    def own_module(self, module: str) -> str | None:
        """The file of a module that only OLD has."""
        return None if self.target.has(module) else self.old.by_name.get(module)

    def home(self, file: PythonFile, name: str) -> PythonFile | None:
        """Which file of OLD defines what `file` calls by this name: itself, or one that it imports from."""
        return self._home(file, name, 0)

    def _against(
        self, name: str, binding: Binding | None, file: PythonFile, into: PythonFile, there: Binding | None
    ) -> Answer:
        """What to do where the target binds the name as well: nothing, unless it means something else."""
        if binding is None or there is None:
            return None
        if binding.imported is not None:
            module, attribute = self.old.origin(file.path, binding.imported)
            if self.old.has(module) or self.target.has(module):
                return None
            if there.imported is not None and self.target.has(self.target.origin(into.path, there.imported)[0]):
                return None  # `import numpy as array_api` of a first homework: this edition's arrays took its place
            same = there.imported is not None and self.target.origin(into.path, there.imported) == (module, attribute)
            return None if same else SayIt(_import_text(module, attribute, name))
        return BringIt(file, name, name + OF_OLD) if _is_another(binding.node, there.node, into) else None

    def _of_import(
        self, name: str, imported: Imported, file: PythonFile, into: PythonFile, have: Mapping[str, Binding | None]
    ) -> Answer:
        module, attribute = self.old.origin(file.path, imported)
        if not self.old.has(module) and not self.target.has(module):
            return ImportIt(_import_text(module, attribute, name))
        whole = module if attribute is None else f"{module}.{attribute}"
        own = self.own_module(whole)
        if own is not None:
            return CopyIt(own, _import_text(module, attribute, name))
        if attribute is None:
            return SayIt(_import_text(module, None, name)) if self.target.has(module) else Nowhere()
        if self.target.offers(module, attribute):
            return SayIt(_import_text(module, attribute, name))
        source = self._home_of(module, attribute, 0)
        if source is None:
            return Nowhere()
        found = self.answer(attribute, source, into, have)
        if attribute == name or not isinstance(found, BringIt | None):
            return found
        return SayIt(f"{name} = {attribute}  # an import's name for it in OLD")

    def _of_definition(
        self, name: str, file: PythonFile, into: PythonFile, have: Mapping[str, Binding | None]
    ) -> Answer:
        now = self.editions.now(name)
        if now in have:
            return SayIt(f"{name} = {now}  # what it is called here")
        for path, other in self.target.files.items():
            binding = other.bindings.get(now)
            is_public = binding is not None and binding.imported is None and not _is_private(path)
            if path != into.path and is_public and file.path in self.editions.paths(path):
                return SayIt(_import_text(self.target.name_of(path), now, name))
        return BringIt(file, name, name + OF_OLD if name in BUILTINS else "")

    def _of_stars(self, name: str, file: PythonFile, into: PythonFile, have: Mapping[str, Binding | None]) -> Answer:
        for star in file.stars:
            module = self.old.absolute(file.path, star)
            if self.target.offers(module, name):
                return SayIt(_import_text(module, name, name))
            source = self._home_of(module, name, 0)
            if source is not None:
                return self.answer(name, source, into, have)
            if name in _STARRED.get(module, ()):
                return ImportIt(_import_text(module, name, name))
        return Nowhere()

    def _home(self, file: PythonFile, name: str, depth: int) -> PythonFile | None:
        binding = file.bindings.get(name)
        if binding is not None and binding.imported is None:
            return file
        if depth > 4:
            return None
        if binding is not None and binding.imported is not None and binding.imported.attribute is not None:
            module = self.old.absolute(file.path, binding.imported.module)
            return self._home_of(module, binding.imported.attribute, depth + 1)
        for star in file.stars if binding is None else ():
            found = self._home_of(self.old.absolute(file.path, star), name, depth + 1)
            if found is not None:
                return found
        return None

    def _home_of(self, module: str, name: str, depth: int) -> PythonFile | None:
        """The file of OLD that binds what a module calls by this name, imports of libraries included."""
        path = self.old.by_name.get(module)
        if path is None:
            return None
        file = self.old.files[path]
        return self._home(file, name, depth) or (file if name in file.bindings else None)


def says_the_same(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two definitions differ in nothing but their names and the lines that carrying has put into them."""
    return _core(one) == _core(other)


def _core(node: ast.stmt) -> str:
    node = copy.deepcopy(node)
    for item in ast.walk(node):
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            item.body = [part for part in item.body if not _is_put_in(part)] or item.body
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        node.name = ""
    elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        node.targets[0].id = ""
    return ast.dump(node)


def _is_put_in(node: ast.stmt) -> bool:
    """Whether a statement may be one that gives a name its meaning of OLD."""
    is_alias = isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and OF_OLD in node.value.id
    return is_alias or isinstance(node, (ast.Import, ast.ImportFrom))


def _is_another(mine: ast.stmt, theirs: ast.stmt, into: PythonFile) -> bool:
    """Whether a name that both define means something else in each.

    A given function of the same name is taken for the same unless it cannot be called alike. A student's own that
    stands here already is the same only where it says the same.
    """
    if into.is_students(theirs):
        return not says_the_same(mine, theirs)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    if not isinstance(mine, functions) or not isinstance(theirs, functions):
        return False
    (least, most), (needs, takes) = call_shape(mine), call_shape(theirs)
    return needs > least or takes < most


def _is_private(path: str) -> bool:
    """Whether a module is for its package alone: an earlier edition's code cannot mean what is in it."""
    name = path.rpartition("/")[2]
    return name.startswith("_") and name != "__init__.py"


def _import_text(module: str, attribute: str | None, name: str) -> str:
    if attribute is not None:
        return f"from {module} import {attribute}" + (f" as {name}" if name != attribute else "")
    return f"import {module}" + (f" as {name}" if name != module else "")
