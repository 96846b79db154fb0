"""Functions of a suite and whatever they use of it, flattened into one text without the suite's modules.

What a definition uses is read from its bytecode, where a local name is no global one. Its text stays as it is, comments
included; only the names by which it reaches into other modules are replaced.
"""

from __future__ import annotations
import __future__

import ast
import dis
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType

from grader.errors import GraderError

Place = tuple[str, str]  # (module, name in it)


@dataclass(frozen=True)
class Flattened:
    """One text instead of several modules."""

    imports: tuple[str, ...]  # lines, of what is no part of the suite
    code: str  # the definitions, what is used first
    names: Mapping[Place, str]  # what each of them is called there


@dataclass(frozen=True)
class _Import:
    """What an import statement at a module's top binds a name to."""

    module: str
    name: str  # in that module; empty for the module itself
    line: str  # the statement for this name alone


class Sources:
    """The modules of one suite, read when they are needed."""

    def __init__(self, suite: Path, stand_ins: Mapping[Place, str] | None = None) -> None:
        """suite: its folder. stand_ins: definitions that take the place of others, of the grader's for instance."""
        self._suite = suite
        self._stand_ins = dict(stand_ins or {})
        self._modules: dict[str, _Module] = {}

    def has(self, module: str) -> bool:
        """Whether that is a module of the suite."""
        return self._file(module) is not None

    def flatten(self, roots: Sequence[Place], reserved: frozenset[str] = frozenset()) -> Flattened:
        """The definitions of `roots` with all that they use. reserved: names that a definition may not have.

        Raises GraderError for a root that is not there, and for a use of the suite that cannot be flattened.
        """
        order: dict[Place, None] = {}
        for root in roots:
            self._visit(self._origin(root), order, [])
        names = _names(order, reserved, self._avoided(order))
        imports = {line: None for place in order for line in self._imports_of(place)}
        code = "\n\n\n".join(self._text(place, names) for place in order)
        return Flattened(tuple(sorted(imports, key=lambda line: (line.startswith("from"), line))), code, names)

    def _visit(self, place: Place, order: dict[Place, None], above: list[Place]) -> None:
        if place in order or place in above:
            return
        for used in self._uses(place).values():
            if not isinstance(used, _Import):
                self._visit(used, order, [*above, place])
        order[place] = None

    def _avoided(self, places: Mapping[Place, None]) -> dict[Place, set[str]]:
        """Names that a definition may not have: the local ones of those that call it by a module.

        Such as `loader = _common.loader(...)`.
        """
        found: dict[Place, set[str]] = {}
        for place in places:
            for written, used in self._uses(place).items():
                if not isinstance(used, _Import) and written != used[1]:
                    local = _locals(self._module(place[0]).definitions[place[1]])
                    found.setdefault(used, set()).update(local)
        return found

    def _uses(self, place: Place) -> dict[str, Place | _Import]:
        """What a definition uses beyond itself, by how it is written there: a name, or "module.name"."""
        if place in self._stand_ins:
            return {}
        module = self._module(place[0])
        found: dict[str, Place | _Import] = {}
        for name in sorted(_globals(module.definitions[place[1]])):
            if name in module.definitions:
                found[name] = (place[0], name)
            elif name in module.imports:
                found.update(self._imported(name, module.imports[name], module.definitions[place[1]]))
        return found

    def _imported(self, name: str, source: _Import, node: ast.stmt) -> dict[str, Place | _Import]:
        inner = f"{source.module}.{source.name}" if source.name else source.module
        if self.has(inner):  # a module of the suite: only its attributes can be flattened
            attributes = {use.attr for use in _attributes(node, name)}
            if not attributes or len([use for use in ast.walk(node) if _is_name(use, name)]) > len(
                list(_attributes(node, name))
            ):
                raise GraderError(f"{name}, a module of the suite, is used as a value, and cannot be flattened")
            return {f"{name}.{attribute}": self._origin((inner, attribute)) for attribute in sorted(attributes)}
        if (source.module, source.name) in self._stand_ins or self.has(source.module):
            return {name: self._origin((source.module, source.name))}
        if source.module.partition(".")[0] == "grader":
            raise GraderError(f"{source.module}.{source.name} belongs to the grader, and no script has it")
        return {name: source}

    def _origin(self, place: Place) -> Place:
        """Where the definition itself stands, behind imports from module to module."""
        if place in self._stand_ins:
            return place
        module = self._module(place[0])
        if place[1] in module.definitions:
            return place
        if place[1] in module.imports and module.imports[place[1]].name:
            source = module.imports[place[1]]
            return self._origin((source.module, source.name))
        raise GraderError(f"the suite's module {place[0]} has no {place[1]} that a script could take along")

    def _imports_of(self, place: Place) -> Iterator[str]:
        if place in self._stand_ins:
            return
        for used in self._uses(place).values():
            if isinstance(used, _Import):
                yield used.line
        # Annotations are never evaluated, but a reader's editor looks their names up.
        module = self._module(place[0])
        for node in ast.walk(module.definitions[place[1]]):
            if isinstance(node, ast.Name) and node.id in module.imports:
                source = module.imports[node.id]
                if source.module in ("typing", "collections.abc"):
                    yield source.line

    def _text(self, place: Place, names: Mapping[Place, str]) -> str:
        if place in self._stand_ins:
            return self._stand_ins[place]
        module = self._module(place[0])
        node, uses = module.definitions[place[1]], self._uses(place)
        edits: list[tuple[int, int, int, str]] = []  # line, first and last byte, new text
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                used = uses.get(f"{part.value.id}.{part.attr}")
            elif isinstance(part, ast.Name):
                used = uses.get(part.id)
            else:
                continue
            if used is not None and not isinstance(used, _Import):
                edits.append((part.lineno, part.col_offset, part.end_col_offset or 0, names[used]))
        return module.text(node, edits, place[1], names[place])

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            file = self._file(name)
            if file is None:
                raise GraderError(f"{name} is no module of the suite {self._suite}")
            self._modules[name] = _Module(file.read_text(encoding="utf-8"))
        return self._modules[name]

    def _file(self, name: str) -> Path | None:
        base = self._suite.joinpath(*name.split("."))
        return next((file for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file()), None)


@dataclass(frozen=True)
class _Module:
    source: str
    definitions: dict[str, ast.stmt] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, ast.stmt] = {}
        for node in ast.parse(self.source).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = node
        object.__setattr__(self, "definitions", found)

    @cached_property
    def imports(self) -> dict[str, _Import]:
        """What the module's imports bind, by the name here."""
        found = {}
        for node in ast.parse(self.source).body:
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                for alias in node.names:
                    line = f"from {node.module} import {_renamed(alias)}"
                    found[alias.asname or alias.name] = _Import(node.module or "", alias.name, line)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name] = _Import(alias.name, "", f"import {_renamed(alias)}")
        return found

    def text(self, node: ast.stmt, edits: Sequence[tuple[int, int, int, str]], old: str, new: str) -> str:
        """The statement with these replacements, and with its own name `old` made `new`."""
        decorators = getattr(node, "decorator_list", [])
        first, last = min([node.lineno, *(item.lineno for item in decorators)]), node.end_lineno or node.lineno
        lines = [line.encode() for line in self.source.splitlines()]
        for number, start, stop, text in sorted(set(edits), reverse=True):
            line = lines[number - 1]
            lines[number - 1] = line[:start] + text.encode() + line[stop:]
        if old != new:
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(old.encode(), new.encode(), 1)
        return b"\n".join(lines[first - 1 : last]).decode()


def _globals(node: ast.stmt) -> set[str]:
    """The global names that the statement uses when it is run or called."""
    return set(_loaded(_compiled(node)))


def _locals(node: ast.stmt) -> set[str]:
    """The names that are local to the statement's functions."""
    waiting, found = [_compiled(node)], set[str]()
    while waiting:
        code = waiting.pop()
        found.update(code.co_varnames, code.co_cellvars)
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found


def _compiled(node: ast.stmt) -> CodeType:
    module = ast.Module([node], type_ignores=[])
    code: CodeType = compile(module, "<suite>", "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    return code


def _loaded(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT")):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _attributes(node: ast.AST, name: str) -> Iterator[ast.Attribute]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and _is_name(part.value, name):
            yield part


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _renamed(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _names(
    places: Mapping[Place, None], reserved: frozenset[str], avoided: Mapping[Place, set[str]]
) -> dict[Place, str]:
    """A name for each definition: its own, unless that is taken; then its module's comes before it."""
    taken, found = set(reserved), {}
    for module, name in places:
        forbidden = taken | avoided.get((module, name), set())
        new = name if name not in forbidden else f"{module.rpartition('.')[2].strip('_')}_{name.strip('_')}"
        while new in forbidden:
            new += "_"
        taken.add(new)
        found[module, name] = new
    return found
