"""Variables in device memory: `__shared__`, `__device__` and their like become C++, and known by their names."""

from __future__ import annotations

from dataclasses import dataclass

from grader.cudasim.code import CLASSES, Region, Scope
from grader.cudasim.edits import Edits, brief, joined, repeatable, split
from grader.cudasim.tokens import Token

_KINDS = {"__device__": "device", "__constant__": "constant", "__managed__": "managed"}
_BOUNDS = {";", "{", "}", ":", ")"}
_LOCAL = (Scope.FUNCTION, Scope.DEVICE, Scope.MACRO)


@dataclass(frozen=True)
class Declaration:
    """A declaration of variables, by indices into its region."""

    start: int  # its first token
    end: int  # of its `;`; the region's end for a macro's body without one
    declarators: list[tuple[int, int]]  # start and end of each; the first one's start is the type's

    def words(self, region: Region) -> set[str]:
        """All the texts in it."""
        return {region.text(at) for at in range(self.start, self.end)}


def rewrite(region: Region, edits: Edits) -> None:
    """Rewrite every declaration of a variable in device memory. Functions keep their words, which are macros."""
    done = -1  # what comes before it has been decided
    for at, token in enumerate(region.tokens):
        if token.text == "__noinline__" and region.text(at - 1) != "(":  # no macro: libstdc++ uses it as an attribute
            edits.replace(token.start, token.end, "__attribute__((noinline))")
        if at < done or not (token.text == "__shared__" or token.text in _KINDS):
            continue
        if token.text != "__shared__":
            if region.scopes[at] in _LOCAL[:2]:
                continue
            variable, done = _is_variable(region, at)
            if not variable:
                continue
        declaration = _declaration(region, at)
        done = declaration.end
        tokens = region.tokens[declaration.start : declaration.end]
        if not (repeatable(tokens) and (brief(tokens[0], tokens[-1]) or token.text != "__shared__")):
            edits.reject(token, f"this declaration with {token.text} cannot be understood; expected a type and names")
            continue
        if token.text != "__shared__":
            _device(region, declaration, token, edits)
        elif "extern" in declaration.words(region):
            _dynamic_shared(region, declaration, edits)
        else:
            _static_shared(region, declaration, token, edits)


def _is_variable(region: Region, at: int) -> tuple[bool, int]:
    """Whether the word at `at`, such as `__device__`, stands in a variable's declaration: no parameter list follows.

    With it comes the index of the token that decides, so that the same words before it need not be asked again.
    """
    angle, words = 0, 0
    while at + 1 < len(region.tokens):
        at += 1
        text = region.text(at)
        if text == "(":
            closing = region.attribute(at)
            if closing is None:
                return region.text(at + 1) == "*", at  # a pointer to a function or an array
            at = closing
        elif text == "operator" or text in CLASSES:
            return False, at
        elif text in ("<", ">"):
            angle += 1 if text == "<" else -1
        elif angle == 0 and text in (";", "=", "[", "{", "}"):
            return words > 0 and text != "}", at
        elif region.tokens[at].kind == "word" and text not in _KINDS:
            words += 1
    return False, at


def _declaration(region: Region, at: int) -> Declaration:
    """The declaration around the token at `at`."""
    start = at
    while start > 0:
        if region.text(start - 1) == ")" and (opening := _attribute_before(region, start - 1)) is not None:
            start = opening
        elif region.text(start - 1) in _BOUNDS:
            break
        start -= 1
    end = at
    while end < len(region.tokens) and region.text(end) != ";":
        closing = region.closing(end) if region.text(end) in ("(", "[", "{") else None
        end = end + 1 if closing is None else closing + 1
    return Declaration(start, end, split(region, start, end, templates=True))


def _attribute_before(region: Region, closing: int) -> int | None:
    """The index of the bracket that the one at `closing` closes, where the two are an attribute's."""
    opening = region.opening(closing)
    return opening if opening is not None and region.attribute(opening) is not None else None


def _name(region: Region, start: int, end: int) -> tuple[int, int] | None:
    """From where to where the name stands that a declarator declares: before its `[`, `=` or `{`; may be `a##b`."""
    name = None
    at = start
    members = any(region.text(word) in CLASSES for word in range(start, end))  # struct { int x; } a;
    while at < end and (region.text(at) not in ("[", "=", "{") or (members and region.text(at) == "{")):
        closing = region.attribute(at)
        if closing is None and region.text(at) == "{":
            closing = region.closing(at)
        if closing is not None:
            at = closing
        elif region.tokens[at].kind == "word":
            name = (name[0], at + 1) if name is not None and region.text(at - 1) == "##" else (at, at + 1)
        elif region.text(at) == "(" and region.text(at + 1) == "*":  # float (*p)[4]
            end = region.closing(at) or end
        at += 1
    return name


def _static_shared(region: Region, declaration: Declaration, token: Token, edits: Edits) -> None:
    """`__shared__ T a[4], b;` becomes members of a static struct, between red zones, and a reference to each.

    The references are static, too: a lambda then captures none. The macro marks each variable as unset once a block.
    """
    if region.scopes[declaration.start] not in _LOCAL:
        edits.reject(
            token, "cuda-sim does not support a __shared__ variable outside a function; move it into the kernel"
        )
        return
    names = []
    for start, end in declaration.declarators:
        name = _name(region, start, end)
        if name is None:
            edits.reject(token, "this __shared__ declares nothing; expected a type and a name")
            return
        if any(region.text(at) in ("=", "{") for at in range(name[1], end)):
            edits.reject(
                region.tokens[name[0]],
                f"the __shared__ variable {_text(region, name)} cannot have an initial value, nor has it one on a GPU; "
                "let one thread store it, and call __syncthreads()",
            )
            return
        names.append(name)
    edits.insert(region.tokens[declaration.start].start, f"static struct {{ {_zone(0)} ")
    _move_alignment(region, declaration, edits)
    for at in range(declaration.start, names[0][0]):
        if region.text(at) in ("__shared__", "static"):
            edits.replace(region.tokens[at].start, region.tokens[at].end, "")
    base = _type(region, declaration.start, names[0][0]).rstrip("*&( ")
    for number, (start, _) in enumerate(declaration.declarators[1:], 1):
        comma = region.tokens[start - 1]
        edits.replace(comma.start, comma.end, f"; {_zone(number)} {base}")
    home = _own_name("cudasim_shared_", region, names[0])
    statements = [
        f"CUDASIM_SHARED({home}, {_text(region, name)}, cudasim_zone_{number}, cudasim_zone_{number + 1})"
        for number, name in enumerate(names)
    ]
    _append(region, declaration, [f"{_zone(len(names))} }} {home}", *statements], edits)


def _zone(number: int) -> str:
    return f"::cudasim::RedZone cudasim_zone_{number};"


def _move_alignment(region: Region, declaration: Declaration, edits: Edits) -> None:
    """Move `alignas(n)` to the declaration's begin: C++ wants it there, and not behind what becomes `static`."""
    for at in range(declaration.start + 1, declaration.end):
        closing = region.attribute(at + 1) if region.text(at) == "alignas" else None
        if closing is not None:
            edits.insert(region.tokens[declaration.start].start, joined(region.tokens[at : closing + 1]) + " ")
            edits.replace(region.tokens[at].start, region.tokens[closing].end, "")


def _dynamic_shared(region: Region, declaration: Declaration, edits: Edits) -> None:
    """`extern __shared__ T s[];` becomes a pointer to where the block's dynamic shared memory begins."""
    statements = []
    static = "" if region.scopes[declaration.start] in _LOCAL else "static "
    base = ""
    for start, end in declaration.declarators:
        name = _name(region, start, end)
        dimensions = [at for at in range(name[1], end) if region.text(at) == "["] if name else []
        first = region.closing(dimensions[0]) if dimensions else None
        if name is None or first is None:
            edits.reject(
                region.tokens[declaration.start],
                "an extern __shared__ variable needs brackets: `extern __shared__ float s[];`",
            )
            return
        kind = _type(region, start, name[0])
        if start == declaration.start:
            base = kind.rstrip("*& ")
        else:
            kind = f"{base} {kind}".strip()
        inner = joined(region.tokens[first + 1 : end])
        text = _text(region, name)
        variable, target = (
            (f"{kind} (* const {text}){inner}", f"{kind} (*){inner}")
            if inner
            else (f"{kind}* const {text}", f"{kind}*")
        )
        statements.append(f"{static}{variable} = static_cast<{target}>(::cudasim::dynamic_shared())")
    edits.replace(region.tokens[declaration.start].start, region.tokens[declaration.end - 1].end, "; ".join(statements))


def _type(region: Region, start: int, end: int) -> str:
    """A declaration's type: its words up to the name, without those that say where the variable is and how aligned."""
    pieces = []
    at = start
    while at < end:
        attribute = region.attribute(at + 1)
        if attribute is not None and region.text(at) != "decltype":
            at = attribute
        elif region.text(at) not in ("extern", "static", "__shared__"):
            pieces.append(region.text(at))
        at += 1
    return " ".join(pieces)


def _device(region: Region, declaration: Declaration, token: Token, edits: Edits) -> None:
    """A variable on the device stays as it is; behind it stands that it is one."""
    words = declaration.words(region)
    if words & {"extern", "constexpr", "template", "typedef", "using", "friend"}:
        return  # declared elsewhere, or a constant that the host may use, too
    if region.scopes[declaration.start] is Scope.CLASS:
        edits.reject(token, f"CUDA allows no {token.text} member of a class; make it a variable of the file")
        return
    kind = next(
        kind
        for word, kind in _KINDS.items()
        if word in words and (word != "__device__" or not words & {"__constant__", "__managed__"})
    )
    statements = []
    for start, end in declaration.declarators:
        name = _name(region, start, end)
        if name is not None:
            text = _text(region, name)
            statements.append(
                f"static const ::cudasim::memory::Variable {_own_name('cudasim_variable_', region, name)}"
                f"(&{text}, sizeof({text}), CUDASIM_NAME({text}), ::cudasim::memory::VariableKind::{kind})"
            )
    _append(region, declaration, statements, edits)


def _append(region: Region, declaration: Declaration, statements: list[str], edits: Edits) -> None:
    """Put statements behind a declaration, on its last line; without the last `;` where a macro's user writes it."""
    if declaration.end < len(region.tokens):
        edits.insert(region.tokens[declaration.end].end, " " + " ".join(f"{statement};" for statement in statements))
    else:
        edits.insert(region.tokens[-1].end, "; " + "; ".join(statements))


def _text(region: Region, name: tuple[int, int]) -> str:
    return joined(region.tokens[slice(*name)])


def _own_name(prefix: str, region: Region, name: tuple[int, int]) -> str:
    """A name that belongs to a variable's; pasted together in a macro, whose parameter the variable's may be."""
    return f"{prefix}##{_text(region, name)}" if region.macro else prefix + _text(region, name)
