"""A function's body, made to fit the function of the target that it goes into.

What a student wrote goes in as it stands. Of the given code around it in OLD only that goes along which it reads and
which the target does not have: the target has given code of its own. A statement that the target's given code has
already done is left out, above all one that draws random numbers, which a second time would be others.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.carry.marks import Marked
from grader.carry.python.file import Function, PythonFile, bound, docstring_of, loaded, stored
from grader.carry.python.parameters import Misfit, match, names_of, unknown_to

_SAYS_NOTHING = ("#", "raise NotImplementedError", '"""', "'''")  # beginnings of a stub's lines


@dataclass(frozen=True)
class Body:
    """What is to stand in a region."""

    lines: tuple[str, ...]  # without line ends, indented as the region is
    nodes: tuple[ast.stmt, ...]  # the statements of OLD in it
    available: frozenset[str]  # names that they read and that the function has: parameters, what given code sets
    notes: tuple[str, ...] = ()  # what a student should look at


def is_stub(nodes: Sequence[ast.stmt]) -> bool:
    """Whether statements do nothing, or end in saying that they are not written."""
    telling = [node for node in nodes if not isinstance(node, ast.Pass) and not _is_constant(node)]
    return not telling or _is_not_implemented(telling[-1])


def written(file: PythonFile, function: Function) -> bool:
    """Whether a student (or the given code of an earlier edition) has written the function."""
    body = [node for node in function.body if node is not docstring_of(function)]
    inside = _marks_in(file, function)
    if not inside:
        return not is_stub(body)
    return any(_is_written(file, mark) for mark in inside)


def _is_written(file: PythonFile, mark: Marked) -> bool:
    for _, line in file.numbered(mark.first + 1, mark.last - 1):
        said = line.strip()
        if said not in ("", "pass", "...") and not said.startswith(_SAYS_NOTHING):
            return True
    return False


def fit(old: PythonFile, function: Function, new: PythonFile, target: Function, indent: str) -> Body:
    """What of `function` is to stand in the only region of `target`, whose markers are indented by `indent`.

    Raises Misfit.
    """
    binding, names = match(function, target)
    marks = _marks_in(old, function)
    region = next(iter(_marks_in(new, target)))
    before, after = _given(target, region)
    body = [node for node in function.body if node is not docstring_of(function)]
    alike = all(name in names_of(target) for name in names_of(function))
    if alike and _same_frame(body, marks, [*before, *after]):
        inside = [line for _, line in old.numbered(marks[0].first + 1, marks[0].last - 1)]
        if any(old.is_marker(number) for number in range(marks[0].first + 1, marks[0].last)):
            raise Misfit("a marker stands between its markers; delete it in OLD, and carry again")
        kept = [node for node in body if marks[0].holds(node.lineno)]
        available = frozenset({*names_of(target), *_stored_in(before)})
        lines = _indented(old, marks[0].first + 1, inside, kept, indent)
        return Body(lines, tuple(kept), available, tuple(_undecorated(function, target)))
    local = {*names_of(function), *(name for node in body for name in stored(node))}
    kept, aliases = _choose(body, marks, before, after, names, local)
    lines = _kept_lines(old, function, body, kept, marks, indent)
    if not lines:
        raise Misfit("all that it says is given code here")
    head = [f"{indent}{line}" for line in (*binding, *aliases)]
    available = frozenset({*names_of(function), *names_of(target), *_stored_in(before)})
    renamed = {line.partition(" = ")[0] for line in aliases}
    return Body(
        (*head, *lines),
        tuple(kept),
        available | renamed,
        (*unknown_to(function, target), *_undecorated(function, target)),
    )


def _undecorated(function: Function, target: Function) -> Iterator[str]:
    """A sentence about decorators that the function does not have here."""
    here = [ast.unparse(item) for item in target.decorator_list]
    lost = [f"@{said}" for item in function.decorator_list if (said := ast.unparse(item)) not in here]
    if lost:
        yield f"{', '.join(lost)} stays in OLD, since the line with the function's name is given"


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_not_implemented(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return isinstance(raised, ast.Name) and raised.id in ("NotImplementedError", "NotImplemented")


def _marks_in(file: PythonFile, function: Function) -> list[Marked]:
    assert function.end_lineno is not None
    # The END marker of a region at the end of a function is a comment behind its last statement.
    return [mark for mark in file.marked if function.lineno < mark.first <= function.end_lineno]


def _given(target: Function, region: Marked) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements before and after the region."""
    body = [node for node in target.body if node is not docstring_of(target)]
    before = [node for node in body if (node.end_lineno or 0) < region.first]
    after = [node for node in body if node.lineno > region.last]
    if any(node.lineno < region.first and (node.end_lineno or 0) > region.last for node in body):
        raise Misfit("its place here is inside another statement; put it there by hand")
    return before, after


def _same_frame(body: Sequence[ast.stmt], marks: Sequence[Marked], given: Sequence[ast.stmt]) -> bool:
    """Whether there is one region, at the top of the function, and the same given code around it as in the target."""
    if len(marks) != 1:
        return False
    mark = marks[0]
    outside = [node for node in body if not mark.holds(node.lineno)]
    if any(node.lineno < mark.first < (node.end_lineno or 0) for node in outside):
        return False
    return [_shape(node, {}) for node in outside] == [_shape(node, {}) for node in given]


def _choose(
    body: Sequence[ast.stmt],
    marks: Sequence[Marked],
    before: Sequence[ast.stmt],
    after: Sequence[ast.stmt],
    names: Mapping[str, str],
    local: set[str],
) -> tuple[list[ast.stmt], list[str]]:
    """Which statements go along; and lines that give what the target's code has computed its earlier name."""
    done = {_shape(node, {}) for node in before}
    computed = {_shape(node.value, {}): node for node in map(_as_assignment, before) if node is not None}
    done_after = {_shape(node, {}) for node in after}
    last_mark = max((mark.last for mark in marks), default=0)
    have = _stored_in(before)
    candidates: list[tuple[ast.stmt, bool]] = []  # with whether it is wanted for its own sake
    aliases: list[str] = []
    changed: set[str] = set()  # names and attributes that what was kept so far has set or read
    for node in body:
        students = not marks or any(
            mark.holds(node.lineno) or node.lineno < mark.first < (node.end_lineno or 0) for mark in marks
        )
        if not (_places_read(node) | _places_set(node)) & changed:  # else it may mean something else by now
            if _shape(node, names) in done:
                continue
            assignment = _as_assignment(node)
            same = computed.get(_shape(assignment.value, names)) if assignment is not None else None
            if assignment is not None and same is not None and _impure(assignment):
                mine, theirs = ast.unparse(_target(assignment)), ast.unparse(_target(same))
                aliases += [f"{mine} = {theirs}  # named so in your earlier code"] if mine != theirs else []
                continue
        if node.lineno > last_mark > 0 and _shape(node, names) in done_after:
            continue
        wanted = students or node.lineno > last_mark or _leaves(node) or _adds_state(node, have)
        if not wanted and isinstance(node, (ast.Assert, ast.Raise)):
            continue
        candidates.append((node, wanted))
        if wanted:
            changed |= _places_set(node)
    return _needed(candidates, have, names, local), aliases


def _needed(
    candidates: Sequence[tuple[ast.stmt, bool]], have: set[str], names: Mapping[str, str], local: set[str]
) -> list[ast.stmt]:
    """The wanted statements, and of the others those that set what these read and the target does not set."""
    kept: list[ast.stmt] = []
    read: set[str] = set()
    for node, wanted in reversed(candidates):
        places = _places_set(node) | _acted_on(node) & local
        sets = {place for place in places if names.get(place, place) not in have}
        if wanted or sets & read:
            kept.append(node)
            read |= _places_read(node)
    return kept[::-1]


def _places_read(node: ast.AST) -> set[str]:
    """The variables, and attributes of variables, that code reads."""
    attributes = {
        f"{item.value.id}.{item.attr}"
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and isinstance(item.ctx, ast.Load)
    }
    return loaded(node) - {"self"} | attributes


def _places_set(node: ast.AST) -> set[str]:
    """The variables, and attributes of variables, that code sets or stores something into."""
    places = set(stored(node))
    if isinstance(node, ast.stmt):
        places |= {name for name, _ in bound(node)}
    for item in ast.walk(node):
        if isinstance(item, (ast.Attribute, ast.Subscript)) and isinstance(item.ctx, ast.Store):
            holder = item.value
            if isinstance(item, ast.Attribute) and isinstance(holder, ast.Name):
                places.add(f"{holder.id}.{item.attr}")
            elif isinstance(holder, ast.Name):
                places.add(holder.id)
            elif isinstance(holder, ast.Attribute) and isinstance(holder.value, ast.Name):
                places.add(f"{holder.value.id}.{holder.attr}")
    return places


def _acted_on(node: ast.AST) -> set[str]:
    """The variables whose methods code calls for what they do: `parts.append(x)`."""
    calls = [item.value for item in ast.walk(node) if isinstance(item, ast.Expr) and isinstance(item.value, ast.Call)]
    return {
        call.func.value.id
        for call in calls
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    }


def _stored_in(nodes: Sequence[ast.stmt]) -> set[str]:
    return {place for node in nodes for place in _places_set(node)}


def _leaves(node: ast.stmt) -> bool:
    """Whether a statement may end the function with a result."""
    return any(isinstance(item, (ast.Return, ast.Yield, ast.YieldFrom)) for item in ast.walk(node))


def _adds_state(node: ast.stmt, have: set[str]) -> bool:
    """Whether a statement sets an attribute that the target's given code does not: other methods may read it."""
    return any(place.startswith("self.") and place not in have for place in _places_set(node))


def _impure(value: ast.AST) -> bool:
    """Whether computing it again may give something else, or take long: whether it calls anything."""
    return any(isinstance(item, ast.Call) for item in ast.walk(value))


def _as_assignment(node: ast.stmt) -> ast.Assign | ast.AnnAssign | None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node
    return node if isinstance(node, ast.AnnAssign) and node.value is not None else None


def _target(node: ast.Assign | ast.AnnAssign) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


def _shape(node: ast.AST | None, names: Mapping[str, str]) -> str:
    """What code says, whatever its layout, quotes and annotations, with the names that it has in the target."""
    if node is None:
        return ""
    node = copy.deepcopy(node)
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        node = ast.Assign([node.target], node.value)
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            item.id = names.get(item.id, item.id)
    return ast.dump(node)


# ---- lines ----


def _kept_lines(
    old: PythonFile,
    function: Function,
    body: Sequence[ast.stmt],
    kept: Sequence[ast.stmt],
    marks: Sequence[Marked],
    indent: str,
) -> tuple[str, ...]:
    """The text of the statements that go along, with the student's comments, but without markers and given ones."""
    if body and body[0].lineno == function.lineno:  # all on one line: `def f(x): return x`
        return tuple(indent + line for node in kept for line in ast.unparse(node).splitlines())
    first, last = _extent(old, function, body)
    wanted = {n for n in range(first, last + 1) if not marks or any(mark.holds(n) for mark in marks)}
    for node in body:
        own = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        wanted = wanted | own if any(node is item for item in kept) else wanted - own
    wanted -= {number for number in wanted if old.is_marker(number)}
    lines = [(number, old.lines[number - 1]) for number in sorted(wanted)]
    while lines and not lines[0][1].strip():
        lines.pop(0)
    while lines and not lines[-1][1].strip():
        lines.pop()
    if not kept:
        return ()
    return _reindented(old, lines, old.lines[body[0].lineno - 1][: body[0].col_offset], indent)


def _extent(old: PythonFile, function: Function, body: Sequence[ast.stmt]) -> tuple[int, int]:
    """The first and the last line of a body, with the comments before and behind its statements."""
    doc = docstring_of(function)
    first = body[0].lineno
    floor = (doc.end_lineno or 0) if doc is not None else function.lineno
    while first - 1 > floor and (not old.lines[first - 2].strip() or old.lines[first - 2].lstrip().startswith("#")):
        first -= 1
    last = body[-1].end_lineno or body[-1].lineno
    while last < len(old.lines):
        line = old.lines[last]
        if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) < body[0].col_offset:
            break
        last += 1
    return first, last


def _indented(
    old: PythonFile, first: int, lines: Sequence[str], kept: Sequence[ast.stmt], indent: str
) -> tuple[str, ...]:
    numbered = list(enumerate(lines, start=first))
    was = old.lines[kept[0].lineno - 1][: kept[0].col_offset] if kept else indent
    return _reindented(old, numbered, was, indent)


def _reindented(old: PythonFile, lines: Sequence[tuple[int, str]], was: str, indent: str) -> tuple[str, ...]:
    """Lines moved from the indentation `was` to another; what is inside of a string stays where it is."""
    return tuple(line if number in old.in_strings else _moved(line, was, indent) for number, line in lines)


def _moved(line: str, was: str, indent: str) -> str:
    if not line.strip():
        return ""
    if not line.startswith(was):
        return indent + line.lstrip()  # a comment, or the inside of brackets, that hangs out to the left
    rest = line[len(was) :]
    deeper = rest[: len(rest) - len(rest.lstrip(" \t"))]
    return indent + deeper.replace("\t", "    ") + rest[len(deeper) :]
