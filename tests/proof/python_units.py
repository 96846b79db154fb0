"""A Python file as units that change and run by themselves: its functions and methods, and what is around them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Unit:
    """A function at module level or a method; what is nested in it is part of it."""

    name: str  # "Conv.gradient"
    first: int  # its lines, from the first decorator to the last line of the body
    last: int
    memoised: bool = False  # whether it remembers what it gave: it runs in the first case that calls it, and no other


@dataclass
class Parsed:
    """The units of a file, and the rest of it."""

    units: list[Unit] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)  # unit -> all that is in it, signature and decorators too
    rest: str = ""  # all else, and which methods there are

    def unit_at(self, line: int) -> str:
        """The unit that this line is in; "" where it is in none."""
        return next((unit.name for unit in self.units if unit.first <= line <= unit.last), "")

    @property
    def memoised(self) -> list[str]:
        """The functions that a trace sees in too few cases."""
        return [unit.name for unit in self.units if unit.memoised]


def parse(text: str) -> Parsed:
    """The units of a source text. Raises SyntaxError."""
    found = Parsed()
    tree = ast.parse(text)
    found.rest = ast.dump(_emptied(tree, "", found))
    return found


def changed_units(old: str, new: str) -> set[str] | None:
    """The units whose code differs; None where something outside of them does, which any case may run."""
    before, after = parse(old), parse(new)
    if before.rest != after.rest or set(before.bodies) - set(after.bodies):
        return None
    added = set(after.bodies) - set(before.bodies)
    if any(re.search(rf"\b{re.escape(name)}\b", old) for name in added):  # it takes another's place, as an import's
        return None
    return {name for name, body in before.bodies.items() if after.bodies[name] != body}


def _is_memoised(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(re.search(r"\bcache|cache\b", ast.unparse(decorator)) for decorator in function.decorator_list)


def _emptied(node: ast.AST, prefix: str, found: Parsed) -> ast.AST:
    """The node without its units. A new function at module level changes nothing by itself; a new method overrides."""
    assert isinstance(node, (ast.Module, ast.ClassDef))
    kept: list[ast.stmt] = []
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = prefix + item.name
            first = min([item.lineno, *(decorator.lineno for decorator in item.decorator_list)])
            found.units.append(Unit(name, first, item.end_lineno or item.lineno, _is_memoised(item)))
            # A property's getter and setter have one name.
            found.bodies[name] = found.bodies.get(name, "") + ast.dump(item)
            if prefix:
                kept.append(ast.Expr(ast.Constant(name)))
        elif isinstance(item, ast.ClassDef):
            kept.append(_emptied(item, f"{prefix}{item.name}.", found))  # type: ignore[arg-type]
        elif not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):  # a docstring does nothing
            kept.append(item)
    node.body = kept
    return node
