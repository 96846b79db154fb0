"""Tokens as code: which of them are compiled, in which scope they stand, and where brackets end."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.cudasim.tokens import Source, Token

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {close: opener for opener, close in _OPENERS.items()}
# What a parenthesis belongs to when it is no list of parameters.
_ATTRIBUTES = {"alignas", "__align__", "__attribute__", "__declspec", "__launch_bounds__", "decltype"}
CLASSES = {"class", "struct", "union", "enum"}


class Scope(enum.Enum):
    """The innermost braces around a token."""

    FILE = "file"  # namespaces and extern "C", too
    CLASS = "class"
    FUNCTION = "function"
    DEVICE = "device"  # a function that runs on the GPU
    MACRO = "macro"  # the body of a #define, outside braces of its own: wherever it is used


@dataclass(frozen=True)
class Region:
    """Tokens that follow each other as the compiler sees them: a file's code without directives, or a macro's body."""

    tokens: Sequence[Token]
    scopes: Sequence[Scope]  # a scope a token
    macro: bool

    def text(self, index: int) -> str:
        """A token's text; "" beyond either end."""
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def adjacent(self, index: int, count: int) -> bool:
        """Whether `count` tokens of one character each follow each other from `index` with nothing between them."""
        last = index + count - 1
        return last < len(self.tokens) and self.tokens[last].start == self.tokens[index].start + count - 1

    def closing(self, index: int) -> int | None:
        """The index of the bracket that closes the one at `index`; None where there is none."""
        depth = 0
        for at in range(index, len(self.tokens)):
            if self.tokens[at].text in _OPENERS:
                depth += 1
            elif self.tokens[at].text in _CLOSERS:
                depth -= 1
                if depth == 0:
                    return at
        return None

    def opening(self, index: int) -> int | None:
        """The index of the bracket that the one at `index` closes; None where there is none."""
        depth = 0
        for at in range(index, -1, -1):
            if self.tokens[at].text in _CLOSERS:
                depth += 1
            elif self.tokens[at].text in _OPENERS:
                depth -= 1
                if depth == 0:
                    return at
        return None

    def opening_angle(self, index: int) -> int | None:
        """The index of the `<` of the template arguments that end with the `>` at `index`; None where there is none."""
        depth, at = 0, index
        while at >= 0:
            text = self.tokens[at].text
            if text in _CLOSERS:
                opening = self.opening(at)
                if opening is None:
                    return None
                at = opening
            elif text in _OPENERS or text in (";", "<<<"):
                return None
            else:
                depth += (text == ">") - (text == "<")
                if depth == 0:
                    return at
            at -= 1
        return None

    def attribute(self, index: int) -> int | None:
        """Where the bracket at `index` opens an attribute's (`alignas(`), the index of the one that closes it."""
        if self.text(index) == "(" and self.text(index - 1) in _ATTRIBUTES:
            return self.closing(index)
        return None


@dataclass(frozen=True)
class Code:
    """What of a file is compiled, as far as its conditions are known: without `#if 0` and `#ifndef CUDASIM`."""

    regions: list[Region]  # the code, then the body of each macro
    includes: list[Token]  # what stands behind each #include


def live(source: Source) -> Code:
    """The code of a file."""
    tokens: list[Token] = []
    scopes: list[Scope] = []
    macros: list[Region] = []
    includes: list[Token] = []
    braces, conditions = _Braces(Scope.FILE), _Conditions()
    for group in _groups(source.tokens):
        if group[0].directive < 0:
            if not conditions.dead:
                for token in group:
                    tokens.append(token)
                    scopes.append(braces.step(token))
        elif group[0].text == "define":
            if not conditions.dead:
                macros.append(_macro(group))
        elif group[0].text == "include":
            if not conditions.dead:
                includes += group[1:]
        else:
            braces = conditions.step(group, braces)
    return Code([Region(tokens, scopes, False), *macros], includes)


def _groups(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of a directive together, and those between two directives."""
    group: list[Token] = []
    for token in tokens:
        if group and token.directive != group[0].directive:
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _macro(directive: Sequence[Token]) -> Region:
    """The body of `define NAME body` or `define NAME(parameters) body`."""
    body = list(directive[2:])
    if len(body) > 1 and body[0].text == "(" and body[0].start == directive[1].end:
        closing = next((at for at, token in enumerate(body) if token.text == ")"), len(body))
        body = body[closing + 1 :]
    braces = _Braces(Scope.MACRO)
    return Region(body, [braces.step(token) for token in body], True)


class _Braces:
    """Follows the braces of code, and says in which scope each token stands."""

    def __init__(self, outermost: Scope) -> None:
        self._stack = [outermost]
        self._head: list[str] = []  # the statement so far: what a `{` that follows belongs to

    def copy(self) -> _Braces:
        copy = _Braces(self._stack[0])
        copy._stack, copy._head = [*self._stack], [*self._head]
        return copy

    def step(self, token: Token) -> Scope:
        scope = self._stack[-1]
        if token.text == "{" and token.kind == "punct":
            self._stack.append(_inside(self._head, scope))
            self._head = []
        elif token.text == "}" and token.kind == "punct":
            if len(self._stack) > 1:
                self._stack.pop()
            self._head = []
        elif token.text == ";":
            self._head = []
        else:
            self._head.append(token.text)
        return scope


def _inside(head: Sequence[str], outer: Scope) -> Scope:
    """The scope of the braces that follow `head`."""
    if head[-1:] == ["="]:
        return outer
    if "__device__" in head or "__global__" in head:
        return Scope.DEVICE if _has_parameters(head) else Scope.CLASS
    if outer in (Scope.FUNCTION, Scope.DEVICE):
        return outer
    if "namespace" in head or list(head) == ["extern", '"C"']:
        return outer
    return Scope.CLASS if CLASSES & set(head) and not _has_parameters(head) else Scope.FUNCTION


def _has_parameters(head: Sequence[str]) -> bool:
    """Whether there is a parenthesis but those of attributes and of template parameters: `alignas(8)`, `<f(1)>`."""
    at = angle = 0
    while at < len(head):
        if head[at] == "<" and head[max(at - 1, 0)] == "template":
            angle += 1
        elif angle:
            angle += (head[at] == "<") - (head[at] == ">")
        elif head[at] == "(":
            if at == 0 or head[at - 1] not in _ATTRIBUTES:
                return True
            depth = 0
            while at < len(head):
                depth += (head[at] == "(") - (head[at] == ")")
                if depth == 0:
                    break
                at += 1
        at += 1
    return False


class _Conditions:
    """Follows #if, and knows the few conditions that decide here whether code is compiled."""

    def __init__(self) -> None:
        self._open: list[_Condition] = []

    @property
    def dead(self) -> bool:
        return any(condition.dead for condition in self._open)

    def step(self, directive: Sequence[Token], braces: _Braces) -> _Braces:
        """Take note of a directive; the braces with which the code after it goes on."""
        name, words = directive[0].text, [token.text for token in directive[1:]]
        if name in ("if", "ifdef", "ifndef"):
            truth = _truth(name, words)
            self._open.append(_Condition(truth is False, truth is True, braces.copy()))
        elif not self._open:
            return braces
        elif name in ("elif", "else"):
            condition = self._open[-1]
            truth = _truth("if", words) if name == "elif" else None
            condition.dead = condition.decided or truth is False
            condition.decided = condition.decided or truth is True
            return condition.braces.copy()  # each branch begins where the first one did
        elif name == "endif":
            self._open.pop()
        return braces


@dataclass
class _Condition:
    """An #if whose #endif is still to come."""

    dead: bool  # the branch that we are in is not compiled
    decided: bool  # a branch before was surely compiled, so that no later one is
    braces: _Braces  # as they were at its #if


def _truth(name: str, words: Sequence[str]) -> bool | None:
    """Whether a condition holds under cuda-sim; None where that is not known here."""
    words = [word for word in words if word not in ("(", ")")]
    if name == "ifdef" or (name == "if" and words[:1] == ["defined"]):
        return True if words[-1:] == ["CUDASIM"] and len(words) <= 2 else None
    if name == "ifndef" or (name == "if" and words[:2] == ["!", "defined"]):
        return False if words[-1:] == ["CUDASIM"] and len(words) <= 3 else None
    return {"0": False, "false": False, "1": True, "true": True}.get(words[0]) if len(words) == 1 else None
