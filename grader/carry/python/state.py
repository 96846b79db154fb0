"""Attributes that earlier code relies on, and that the target's given `__init__` sets otherwise or not at all."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from grader.carry.layout import attributes_set
from grader.carry.python.file import Function, loaded, statements
from grader.carry.python.parameters import renamed_parameters, with_defaults


@dataclass(frozen=True)
class Lazy:
    """An attribute that is set when it is first read, as OLD's `__init__` set it."""

    name: str
    lines: tuple[str, ...]  # a method of the class, not indented
    reads: tuple[ast.stmt, ...]  # the statement of OLD in it


class Lost(Exception):
    """An attribute cannot be set here as it was in OLD; the text says why."""


def read_on_self(function: ast.AST) -> set[str]:
    """The attributes of `self` that code reads."""
    return {
        item.attr
        for item in ast.walk(function)
        if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id == "self"
    }


def first_values(function: Function | None) -> dict[str, ast.expr]:
    """What an `__init__` sets attributes to without a condition."""
    found: dict[str, ast.expr] = {}
    for node in function.body if function is not None else ():
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and value is not None:
                found[target.attr] = value
    return found


def method(owner: ast.ClassDef | None, name: str) -> Function | None:
    """A method of a class."""
    for node in statements(owner.body) if owner is not None else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return node
    return None


def restart(name: str, old: Function, new: Function) -> tuple[list[str], ast.expr | None]:
    """Lines that give an attribute the value with which OLD's `__init__` began, where this one begins with another.

    And that value; no lines and None where none are needed.
    """
    mine, theirs = first_values(old).get(name), first_values(new).get(name)
    if mine is None or theirs is None or not _is_literal(theirs):
        return [], None
    if loaded(mine) & {"self", *(parameter for parameter, _ in with_defaults(old))}:
        return [], None
    if ast.dump(mine) == ast.dump(theirs):
        return [], None
    said = ast.unparse(theirs)
    same = "is" if said in ("None", "True", "False") else "=="
    head = f"if self.{name} {same} {said}:"
    return [head, f"    self.{name} = {ast.unparse(mine)}  # what __init__ made it in your earlier code"], mine


def lazily(name: str, old: Function, new: Function | None) -> Lazy:
    """The attribute as a cached property, of what OLD's `__init__` does to set it. Raises Lost."""
    statement = next(node for node in old.body if name in attributes_set(node, "self"))
    kept = first_values(new)
    held = {attribute: attribute for attribute, value in kept.items() if attribute in loaded(value)}  # checked, say
    held |= {value.id: attribute for attribute, value in kept.items() if isinstance(value, ast.Name)}
    lines = []
    here = renamed_parameters(old, new) if new is not None else {}
    for parameter, default in with_defaults(old):
        if parameter not in loaded(statement) or parameter == "self":
            continue
        if here.get(parameter) in held:
            lines.append(f"    {parameter} = self.{held[here[parameter]]}")
        elif default is not None:
            lines.append(f"    {parameter} = {ast.unparse(default)}")
        else:
            raise Lost(f"self.{name} is made of the parameter {parameter} of __init__ in OLD, which nothing keeps here")
    value = first_values(old).get(name)
    if value is not None:
        lines.append(f"    return {ast.unparse(value)}")
    else:
        lines += [f"    {line}" for line in ast.unparse(statement).splitlines()]
        lines.append(f'    return vars(self)["{name}"]')
    head = ["@functools.cached_property  # __init__ set it in your earlier code", f"def {name}(self):"]
    return Lazy(name, (*head, *lines), (statement,))


def sets(function: Function, name: str) -> bool:
    """Whether a method sets the attribute."""
    return any(name in attributes_set(node, "self") for node in function.body)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True
