"""Tokens as code: which of them are compiled, in which scope they stand, and where brackets end."""

from __future__ import annotations

import copy
import enum
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.cudasim.tokens import Source, Token

_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {close: opener for opener, close in _OPENERS.items()}
# What a parenthesis belongs to when it is no list of parameters.
_ATTRIBUTES = {"alignas", "__align__", "__attribute__", "__declspec", "__launch_bounds__", "decltype"}
CLASSES = {"class", "struct", "union", "enum"}
_TELLING = {*CLASSES, "namespace", "__device__", "__global__"}  # the words that say what braces are


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
        """The index of the bracket that closes the one at `index`; None where none does, or it opens nothing."""
        return self._partners.get(index) if self.tokens[index].text in _OPENERS else None

    def opening(self, index: int) -> int | None:
        """The index of the bracket that the one at `index` closes; None where it closes none."""
        return self._partners.get(index) if self.tokens[index].text in _CLOSERS else None

    @functools.cached_property
    def _partners(self) -> dict[int, int]:
        """Each bracket's other one. A bracket of another kind closes, too: there is code that no compiler takes."""
        partners: dict[int, int] = {}
        waiting: list[int] = []
        for at, token in enumerate(self.tokens):
            if token.text in _OPENERS:
                waiting.append(at)
            elif token.text in _CLOSERS and waiting:
                opening = waiting.pop()
                partners[opening], partners[at] = at, opening
        return partners

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


@dataclass(frozen=True)
class _Level:
    """A scope, and those around it. A chain, so that an #if costs no copy of all the braces before it."""

    scope: Scope
    outer: _Level | None


class _Braces:
    """Follows the braces of code, and says in which scope each token stands."""

    def __init__(self, outermost: Scope) -> None:
        self._level = _Level(outermost, None)
        self._head = _Head()

    def copy(self) -> _Braces:
        twin = _Braces(self._level.scope)
        twin._level, twin._head = self._level, copy.copy(self._head)
        return twin

    def step(self, token: Token) -> Scope:
        scope = self._level.scope
        if token.text == "{" and token.kind == "punct":
            self._level = _Level(self._head.inside(scope), self._level)
            self._head = _Head()
        elif token.text == "}" and token.kind == "punct":
            self._level = self._level.outer or self._level
            self._head = _Head()
        elif token.text == ";":
            self._head = _Head()
        else:
            self._head.step(token.text)
        return scope


@dataclass
class _Head:
    """The statement so far, to which a `{` that follows belongs: only what matters of it."""

    begin: tuple[str, ...] = ()  # its first three tokens
    last: str = ""
    seen: frozenset[str] = frozenset()  # which of _TELLING are in it
    parameters: bool = False  # there is a parenthesis but those of attributes and of template parameters
    _attribute: int = 0  # open parentheses of an attribute: `alignas(f(`
    _angle: int = 0  # open brackets of template parameters: `template <class T, A<`

    def step(self, text: str) -> None:
        """Go on with a token."""
        before, self.last = self.last, text
        if len(self.begin) < 3:
            self.begin = (*self.begin, text)
        if text in _TELLING:
            self.seen |= {text}
        if self._attribute:
            self._attribute += (text == "(") - (text == ")")
        elif self._angle or (text == "<" and before == "template"):
            self._angle += (text == "<") - (text == ">")
        elif text == "(":
            self._attribute = int(before in _ATTRIBUTES)
            self.parameters |= before not in _ATTRIBUTES

    def inside(self, outer: Scope) -> Scope:
        """The scope of the braces that follow."""
        if self.last == "=":
            return outer
        if self.seen & {"__device__", "__global__"}:
            return Scope.DEVICE if self.parameters else Scope.CLASS
        if outer in (Scope.FUNCTION, Scope.DEVICE):
            return outer
        if "namespace" in self.seen or self.begin == ("extern", '"C"'):
            return outer
        return Scope.CLASS if CLASSES & self.seen and not self.parameters else Scope.FUNCTION


class _Conditions:
    """Follows #if, and knows the few conditions that decide here whether code is compiled."""

    def __init__(self) -> None:
        self._open: list[_Condition] = []
        self._dead = 0  # how many of them are dead

    @property
    def dead(self) -> bool:
        return self._dead > 0

    def step(self, directive: Sequence[Token], braces: _Braces) -> _Braces:
        """Take note of a directive; the braces with which the code after it goes on."""
        name, words = directive[0].text, [token.text for token in directive[1:]]
        if name in ("if", "ifdef", "ifndef"):
            truth = _truth(name, words)
            self._open.append(_Condition(truth is False, truth is True, braces.copy()))
            self._dead += truth is False
        elif not self._open:
            return braces
        elif name in ("elif", "else"):
            condition = self._open[-1]
            truth = _truth("if", words) if name == "elif" else None
            dead = condition.decided or truth is False
            self._dead += dead - condition.dead
            condition.dead = dead
            condition.decided = condition.decided or truth is True
            return condition.braces.copy()  # each branch begins where the first one did
        elif name == "endif":
            self._dead -= self._open.pop().dead
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
