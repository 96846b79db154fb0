"""Which names a piece of code needs from around it, when it is defined and when it is called."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__class__", "__package__", "__path__"}


@dataclass(frozen=True)
class Needed:
    """Names of the module around, built-in ones left out."""

    at_once: frozenset[str]  # when it is defined: base classes, decorators, defaults
    when_called: frozenset[str]  # inside of functions, and not at once
    of_modules: frozenset[tuple[str, str]]  # `ops.pad` as ("ops", "pad")
    attributes: frozenset[str]  # of anything: "process_slice" of `self.process_slice(...)`
    hints: frozenset[str]  # in annotations only
    imports: frozenset[tuple[str, str]] = frozenset()  # `from .ops import pad` inside of it as (".ops", "pad")

    @property
    def all(self) -> frozenset[str]:
        """All the names."""
        return self.at_once | self.when_called


_NONE: frozenset[str] = frozenset()
NOTHING = Needed(_NONE, _NONE, frozenset(), _NONE, _NONE)


def of_body(nodes: Sequence[ast.stmt], available: Iterable[str], module: Container[str] = ()) -> Needed:
    """What statements of a function need, which has the names `available` already.

    `module` has the names of the module that they are from: there `sum` may be another one than Python's.
    """
    function = ast.parse("def carried(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = [*nodes] or function.body
    found = of_definitions([function], module)
    names = found.all - frozenset(available)
    pairs = frozenset(pair for pair in found.of_modules if pair[0] in names)
    return Needed(frozenset(), names, pairs, found.attributes, found.hints - frozenset(available), found.imports)


def of_definitions(nodes: Sequence[ast.stmt], module: Container[str] = ()) -> Needed:
    """What statements at the top of a module need; `module` has the names of that module."""
    builtin = {name for name in BUILTINS if name not in module}
    tree = ast.fix_missing_locations(ast.Module(body=list(nodes), type_ignores=[]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = symtable.symtable(ast.unparse(tree), "carried", "exec")  # compiles; nothing is run
    at_once: set[str] = set()
    called: set[str] = set()
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    waiting: list[tuple[symtable.SymbolTable, bool]] = [(table, True)]
    while waiting:
        scope, now = waiting.pop()
        for symbol in scope.get_symbols():
            if symbol.is_referenced() and (scope is table or symbol.is_global()):
                (at_once if now else called).add(symbol.get_name())
        for child in scope.get_children():
            waiting.append((child, now and str(child.get_type()).rpartition(".")[2].lower() == "class"))
    hints = _in_annotations(tree) - _outside_annotations(tree)
    at_once -= own | builtin | hints
    called -= own | builtin | hints | at_once
    pairs = {
        (item.value.id, item.attr)
        for item in ast.walk(tree)
        if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name)
    }
    attributes = {item.attr for item in ast.walk(tree) if isinstance(item, ast.Attribute)}
    return Needed(
        frozenset(at_once),
        frozenset(called),
        frozenset(pair for pair in pairs if pair[0] in at_once | called),
        frozenset(attributes),
        frozenset(hints - own - builtin),
        imports_in(tree),
    )


def imports_in(tree: ast.AST) -> frozenset[tuple[str, str]]:
    """What code imports: module as it is written, and name; "" for a module itself."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {("." * node.level + (node.module or ""), alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
    return frozenset(found)


def _annotations(tree: ast.AST) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [node.returns] if node.returns is not None else []
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            found += [node.annotation] if node.annotation is not None else []
    return found


def _names(nodes: Iterable[ast.AST]) -> list[ast.Name]:
    return [item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Name)]


def _in_annotations(tree: ast.AST) -> set[str]:
    return {item.id for item in _names(_annotations(tree))}


def _outside_annotations(tree: ast.AST) -> set[str]:
    """Names that something else than an annotation reads."""
    inside = {id(item) for item in _names(_annotations(tree))}
    return {item.id for item in _names([tree]) if id(item) not in inside and isinstance(item.ctx, ast.Load)}
