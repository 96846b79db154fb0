"""The parameters of a function in OLD and in the target: which is which."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.carry.python.file import Function


class Misfit(Exception):
    """A function's code cannot go into another function; the text says why, and what to do."""


def names_of(function: Function) -> list[str]:
    """The names of all parameters."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [item.arg for item in every if item is not None]


def match(old: Function, new: Function) -> tuple[list[str], dict[str, str]]:
    """Lines that give the target's parameters their earlier names; and earlier name -> the target's.

    Parameters are told by their names, and those that have another name here by their order.
    """
    names: dict[str, str] = {}
    lines: list[str] = []
    mine = [item.arg for item in (*old.args.posonlyargs, *old.args.args)]
    theirs = [item.arg for item in (*new.args.posonlyargs, *new.args.args)]
    every = names_of(new)
    rest = [name for name in theirs if name not in names_of(old)]
    for name in mine:
        if name in every:
            names[name] = name
        elif rest:
            names[name] = rest.pop(0)
    for one, other in ((old.args.vararg, new.args.vararg), (old.args.kwarg, new.args.kwarg)):
        if one is not None and one.arg not in every:
            if other is None:
                raise Misfit(f"it takes *{one.arg}, which the function does not have here; write it anew from there")
            names[one.arg] = other.arg
    renamed = [(name, new_name) for name, new_name in names.items() if name != new_name]
    if renamed:
        left, right = zip(*renamed, strict=True)
        lines.append(f"{', '.join(left)} = {', '.join(right)}  # named so in your earlier code")
    for name, default in with_defaults(old):
        if name not in names and name not in every:
            if default is None:
                raise Misfit(f"it takes the parameter {name}, which the function does not have here; write it anew")
            lines.append(f"{name} = {ast.unparse(default)}  # a parameter in your earlier code, with this default")
    return lines, {**{name: name for name in every}, **names}


def with_defaults(function: Function) -> Iterator[tuple[str, ast.expr | None]]:
    """Each parameter with its default; None for one without, and for *args and **kwargs."""
    positional = [*function.args.posonlyargs, *function.args.args]
    without = len(positional) - len(function.args.defaults)
    for item, default in zip(positional, [*[None] * without, *function.args.defaults], strict=True):
        yield item.arg, default
    for item, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        yield item.arg, default
    for star in (function.args.vararg, function.args.kwarg):
        if star is not None:
            yield star.arg, None


def unknown_to(old: Function, new: Function) -> Iterator[str]:
    """A sentence about parameters that `old` did not have."""
    takes_all = old.args.vararg or (old.args.kwarg and not new.args.kwarg)
    if len(names_of(new)) > len(names_of(old)) and not takes_all:
        unknown = [name for name in names_of(new) if name not in names_of(old)]
        extra = unknown[len(unknown) - (len(names_of(new)) - len(names_of(old))) :]
        if extra:
            many = len(extra) > 1
            yield (
                f"the parameter{'s' if many else ''} {', '.join(extra)} did not exist in OLD, so your code ignores "
                f"{'them' if many else 'it'}"
            )


def renamed_parameters(old: Function, new: Function) -> dict[str, str]:
    """Earlier name -> name here, of the parameters that both have."""
    try:
        return match(old, new)[1]
    except Misfit:
        return {}


def call_shape(function: Function) -> tuple[int, int]:
    """How many positional arguments it needs, and how many it takes at most."""
    positional = [*function.args.posonlyargs, *function.args.args]
    most = 1 << 20 if function.args.vararg else len(positional)
    return len(positional) - len(function.args.defaults), most
