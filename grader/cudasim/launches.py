"""`kernel<<<grid, block, shared, stream>>>(args)` becomes a call of the runtime's Launcher."""

from __future__ import annotations

from grader.cudasim.code import Region, Scope
from grader.cudasim.edits import Edits, brief, joined, repeatable, split

_KEYWORDS = {"return", "else", "do", "case", "throw", "goto", "co_return", "co_yield", "co_await", "and", "or", "not"}
_WITH_CONDITION = {"if", "while", "for", "switch", "catch", "constexpr"}  # the parenthesis after these ends no operand


def rewrite(region: Region, edits: Edits, all_marked: bool) -> None:
    """Rewrite every launch of a region. all_marked: every kernel says when it begins, so that what does not is none.

    A launch stays one expression of one line's code, so that it works in a macro, in an `if` without braces and in a
    template. The kernel is called from a generic lambda: a template's arguments and overloads are found as they were.
    """
    for at, token in enumerate(region.tokens):
        if token.text == "<<<" and region.text(at - 1) != "operator":
            _launch(region, at, edits, all_marked)
        elif token.text.startswith("<<<<<<<"):
            edits.reject(token, "a conflict that git left here (<<<<<<<); decide which of the two versions stays")


def _launch(region: Region, at: int, edits: Edits, all_marked: bool) -> None:
    token = region.tokens[at]
    if region.scopes[at] is Scope.DEVICE:
        edits.reject(
            token,
            "cuda-sim does not support a launch inside a kernel or device function (dynamic parallelism); "
            "launch from the host, once the kernel that decides has run",
        )
        return
    start, plain = kernel_start(region, at - 1)
    if start is None:
        hint = "write the kernel into the macro, too" if region.macro else "expected kernel<<<grid, block>>>(arguments)"
        edits.reject(token, f"a launch without a kernel's name before <<<; {hint}")
        return
    if not (brief(region.tokens[start], region.tokens[at - 1]) and repeatable(region.tokens[start:at])):
        edits.reject(token, "the kernel before <<< cannot be understood; give its name, or a variable that holds it")
        return
    name = joined(region.tokens[start:at])
    end = _configuration_end(region, at + 1)
    if end is None:
        edits.reject(token, f"the launch of {name} has no >>> for its <<<; expected {name}<<<grid, block>>>(arguments)")
        return
    if len(split(region, at + 1, end, templates=False)) < 2 and not region.macro:
        edits.reject(
            token,
            f"the launch of {name} needs at least two values between <<< and >>>: "
            f"{name}<<<blocks, threads of a block>>>(arguments)",
        )
        return
    if region.text(end + 3) != "(":
        edits.reject(
            region.tokens[end],
            f"the launch of {name} has no arguments after >>>; expected {name}<<<grid, block>>>(arguments)",
        )
        return
    # Captured by value: under --check memory a kernel's thread that read a host variable would be a finding.
    capture, called = ("=", name) if plain else (f"cudasim_kernel = {name}", "cudasim_kernel")
    ended = " ::cudasim::kernel_ended();" if all_marked else ""
    edits.replace(region.tokens[start].start, token.end, "::cudasim::Launcher(::cudasim::Config(")
    edits.replace(
        region.tokens[end].start,
        region.tokens[end + 2].end,
        f"), CUDASIM_NAME({name}), __FILE__, __LINE__, "
        f"[{capture}](auto... cudasim_args) -> void {{ {called}(cudasim_args...);{ended} }})",
    )
    _arguments(region, end + 3, name, edits)


def kernel_start(region: Region, at: int) -> tuple[int | None, bool]:
    """Where the expression begins that ends with the token at `at`: `ns::k<A>`, `(*f)`, `table[i]`, `a##b`.

    With it comes whether it is a mere name, such as the first and the last of these.
    """
    start, plain = None, True
    while at >= 0:
        token = region.tokens[at]
        if token.text == ">":
            opening = region.opening_angle(at)
            if opening is None or opening == 0:
                return None, plain
            if region.tokens[opening - 1].kind != "word" and region.text(opening - 1) != ")":  # PASTE(a, b)<T>
                return None, plain
            at = opening - 1
        elif token.text in (")", "]"):
            opening = region.opening(at)
            if opening is None:
                return None, plain
            start, plain = opening, False
            if not _is_operand(region, opening - 1):
                return start, plain
            at = opening - 1
        elif token.kind == "word" and token.text not in _KEYWORDS:
            start = at
            before = region.text(at - 1)
            if before == "template":
                at -= 1
                before = region.text(at - 1)
            if before in (".", "->", "##"):
                at, plain = at - 2, plain and before == "##"
            elif before == "::":
                start = at - 1
                if not _names(region, at - 2):
                    return start, plain
                at -= 2
            else:
                return start, plain
        else:
            return start, plain
    return start, plain


def _names(region: Region, at: int) -> bool:
    """Whether the token before a `::` belongs to it: a name, or the end of a template's arguments."""
    if at < 0:
        return False
    token = region.tokens[at]
    return token.text == ">" or (token.kind == "word" and token.text not in _KEYWORDS)


def _is_operand(region: Region, at: int) -> bool:
    """Whether the token at `at` ends an expression that a bracket after it goes on: `f(x)`, but not `if (x)`."""
    if at < 0:
        return False
    token = region.tokens[at]
    if token.text == ")":
        opening = region.opening(at)
        return opening is not None and region.text(opening - 1) not in _WITH_CONDITION
    if token.text == ">":
        opening = region.opening_angle(at)
        return opening is not None and opening > 0 and region.tokens[opening - 1].kind == "word"
    return token.text == "]" or (token.kind == "word" and token.text not in _KEYWORDS | _WITH_CONDITION)


def _configuration_end(region: Region, start: int) -> int | None:
    """The index of the first of the three `>` that end a configuration which begins at `start`; None where none do.

    A `<` after a name may open template arguments or be a comparison. The first reading is tried, then the other, in
    which the last `>>>` before an argument list counts.
    """
    runs = _angle_runs(region, start)
    depth = 0
    for at, length in runs:
        if length == 0:
            depth += 1
        elif length == depth + 3 and region.adjacent(at + depth, 3):
            return at + depth
        elif length <= depth:
            depth -= length
    plain = [at + length - 3 for at, length in runs if length >= 3 and region.adjacent(at + length - 3, 3)]
    return next((at for at in reversed(plain) if region.text(at + 3) == "("), plain[-1] if plain else None)


def _angle_runs(region: Region, start: int) -> list[tuple[int, int]]:
    """Up to the statement's end and outside of parentheses: (index, 0) for a `<`, (index, n) for n `>` in a row."""
    runs: list[tuple[int, int]] = []
    at = start
    while at < len(region.tokens) and region.text(at) not in (";", ")", "]", "}", "<<<"):
        text, step = region.text(at), 1
        if text in ("(", "[", "{"):
            closing = region.closing(at)
            if closing is None:
                break
            step = closing - at + 1
        elif text == "<":
            runs.append((at, 0))
        elif text == ">":
            while region.text(at + step) == ">" and region.adjacent(at, step + 1):
                step += 1
            runs.append((at, step))
        at += step
    return runs


def _arguments(region: Region, opening: int, name: str, edits: Edits) -> None:
    """What goes not through a lambda's parameters of any type: NULL, a number there, becomes nullptr; braces cannot."""
    closing = region.closing(opening)
    if closing is None:  # it closes beyond a directive or in another macro
        return
    for begin, end in split(region, opening + 1, closing, templates=False):
        if end == begin + 1 and region.text(begin) == "NULL":
            edits.replace(region.tokens[begin].start, region.tokens[begin].end, "nullptr")
        elif region.text(begin) == "{":
            why = f"cuda-sim does not support an argument of {name} in mere braces; write its type before them"
            edits.reject(region.tokens[begin], why)
