"""A Python file of the target, region by region: what OLD has for each, and the file with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.carry.edits import Edits
from grader.carry.outcome import Addition, Fate, Item, Notes
from grader.carry.python.along import Along, Carried, Helper, tidied
from grader.carry.python.body import Body, fit, written
from grader.carry.python.file import FUNCTION, Definition, Function, PythonFile, Unreadable, statements
from grader.carry.python.names import NOTHING, imports_in, of_body, of_definitions
from grader.carry.python.needs import Resolver
from grader.carry.python.parameters import Misfit
from grader.carry.python.taken import Taken, outermost
from grader.derive import MarkerError, Region, find_regions
from grader.derive.written import is_written

_NOWHERE = "OLD has no function of this name"
_CAME = "# Came along with your earlier code."
BEGIN, END = "### BEGIN YOUR SOLUTION", "### END YOUR SOLUTION"


@dataclass(frozen=True)
class Chosen:
    """What goes into a region."""

    lines: tuple[str, ...]  # without line ends, indented
    carried: Carried
    source: str  # where it is in OLD


class PythonPlan:
    """The plan for one file: `choose` says what goes where, `text` gives the file."""

    def __init__(self, taken: Taken, resolver: Resolver, unreadable: Mapping[str, str], force: bool) -> None:
        self.file = taken.file
        self.regions = taken.regions
        self.along = Along(taken.file, resolver)
        self._notes = Notes(taken.regions, force, taken.items)
        self._taken = taken
        self._resolver = resolver
        self._unreadable = unreadable  # files of OLD -> why
        self._chosen: dict[int, Chosen] = {}

    @property
    def path(self) -> str:
        """The file's, from the tree's root."""
        return self.file.path

    def choose(self) -> None:
        """Decide for each region what OLD has for it."""
        old = self._resolver.old.files.get(self.path)
        for number, nodes in self._taken.pieces.items():
            assert old is not None
            self._choose_piece(number, old, nodes)
        for number in self._taken.whole:
            assert old is not None
            found = imports_in(ast.Module(outermost(old, old.marked[number]), []))
            self.along.carried.append(Carried(old, replace(NOTHING, imports=found), None, "", None))
        for number, region in enumerate(self.regions):
            if region.in_function and number not in self._notes.items:
                self._of_function(number, region)
        self._own_members()

    def checked_text(self) -> str:
        """The file with everything in it; what would make it invalid is left out, and noted."""
        try:
            return self._checked(self._text())
        except (Unreadable, MarkerError):
            pass
        for number in list(self._chosen):
            kept, self._chosen = self._chosen, {number: self._chosen[number]}
            try:
                self._checked(self._text())
            except (Unreadable, MarkerError) as error:
                why = f"it would not be valid Python there ({str(error).partition(': ')[2]}); put it there by hand"
                self._notes.items[number] = Item(self.regions[number], Fate.UNPLACED, kept[number].source, why)
                kept.pop(number)
            self._chosen = kept
        return self._checked(self._text())

    def _checked(self, text: str) -> str:
        PythonFile.read(self.path, text)
        if len(find_regions(text, self.path)) < len(self.regions):
            raise Unreadable(f"{self.path}:1: a region has gone")
        return text

    def additions(self) -> list[Addition]:
        """What came along, each once."""
        return list(dict.fromkeys(self.along.additions))

    def remarks(self) -> list[str]:
        """What to look at in what came along."""
        told = {note for chosen in self._chosen.values() for note in chosen.carried.notes}
        return [f"{self.path}: {note}" for note in dict.fromkeys(self.along.notes) if note not in told]

    def _text(self) -> str:
        """The file with everything in it."""
        edits = Edits()
        lines = self.file.lines
        places = _Places(self.file, self.regions)
        into: dict[int, list[str]] = {}  # what comes along, by region
        for (number, line), helpers in self._helpers_by_place(places).items():
            block = _separated([self.along.rebased(helper.lines(), helper.source) for helper in helpers])
            if number is not None:
                into[number] = block
            else:
                edits.insert(line, ["", "", BEGIN, _CAME, "", "", *block, "", "", END])
        if self.along.imports:
            number, line = places.of_imports()
            statements_ = tidied(list(self.along.imports))
            if number is not None:
                into[number] = [*statements_, *(["", "", *into[number]] if into.get(number) else [])]
            else:
                edits.insert(line, ["", BEGIN, _CAME, *statements_, END])
        for owner, members in self.along.members.items():
            number, line, indent = places.of_members(owner)
            block = _separated([member.text(indent) for member in members.values()], blank=1)
            if number is not None:
                into[number] = block
            else:
                edits.insert(line, ["", indent + BEGIN, *block, "", indent + END])
        for number, region in enumerate(self.regions):
            content = self._content(number, region, into.get(number, []))
            if content is not None:
                edits.replace(region.first, region.last, content)
        return "\n".join(edits.make(lines))

    def _content(self, number: int, region: Region, along: Sequence[str]) -> list[str] | None:
        """What is to stand in a region; None for what stands there."""
        chosen = self._chosen.get(number)
        if chosen is None and not along:
            return None
        if chosen is not None:
            head = [region.indent + line for line in tidied(chosen.carried.head)]
            lines = [*head, *chosen.lines]
        else:
            lines = [line.rstrip("\r\n") for line in region.lines] if is_written(region) else []
        if not along:
            return lines
        while lines and not lines[-1].strip():
            lines.pop()
        gap = [""] * (2 if not region.indent else 1)
        if not region.name and not _is_only_imports(along):
            return [*lines, *(gap if lines else []), *along, *gap]
        return [*lines, *(gap if any(line.strip() for line in lines) else []), *along, *([""] if region.name else [])]

    # ---- what OLD has ----

    def _choose_piece(self, number: int, old: PythonFile, nodes: Sequence[ast.stmt]) -> None:
        """What was taken over outside of functions may need something."""
        region = self.regions[number]
        owner = old.definitions.get(region.name)
        carried = Carried(
            old,
            of_definitions(nodes, old.bindings),
            None,
            region.name,
            owner if isinstance(owner, ast.ClassDef) else None,
        )
        lines = tuple(line.rstrip("\r\n") for line in region.lines)
        self._chosen[number] = Chosen(lines, carried, self._notes.items[number].source)
        self.along.carried.append(carried)

    def _of_function(self, number: int, region: Region) -> None:
        """Find a function's code in OLD."""
        target = self.file.definitions.get(region.name)
        place = self._find(region)
        if isinstance(place, str):
            fate = Fate.UNWRITTEN if place == _NOWHERE else Fate.UNPLACED
            self._notes.note(number, fate, "", place)
            return
        old, node = place
        source = f"{old.path}:{node.lineno}"
        if not isinstance(node, FUNCTION) or not isinstance(target, FUNCTION):
            self._notes.note(
                number, Fate.UNPLACED, source, f"{region.name} is no function in both; write it anew from there"
            )
            return
        why = next((why for line, why in old.broken.items() if node.lineno < line <= (node.end_lineno or 0)), None)
        if why is not None:
            self._notes.note(number, Fate.UNPLACED, source, f"OLD's {why}; mend it there and carry again")
            return
        if not written(old, node):
            self._notes.note(number, Fate.UNWRITTEN, source, "is a stub in OLD")
            return
        if sum(other.name == region.name for other in self.regions) > 1:
            self._notes.note(number, Fate.UNPLACED, source, "it has several places here; put its parts there by hand")
            return
        if self._notes.is_kept(number, source):
            return
        try:
            body = fit(old, node, self.file, target, region.indent)
        except Misfit as misfit:
            self._notes.note(number, Fate.UNPLACED, source, str(misfit))
            return
        self._put_body(number, region, old, node, body, source)

    def _put_body(self, number: int, region: Region, old: PythonFile, node: Function, body: Body, source: str) -> None:
        owner = region.name.rpartition(".")[0]
        needed = of_body(body.nodes, body.available, old.bindings)
        stub = self.along.unwritten(old, needed.all)
        if stub is not None:
            self._notes.note(number, Fate.UNWRITTEN, source, f"it calls {stub}, which is a stub in OLD")
            return
        old_owner = next(
            (item for item in old.definitions.values() if isinstance(item, ast.ClassDef) and node in item.body), None
        )
        lines = body.lines
        notes = list(body.notes)
        for change in self._resolver.editions.changes_of(region.path, region.name):
            pattern = re.compile(rf"(?<![\w.]){re.escape(change.old)}(?!\w)")
            if any(pattern.search(line) for line in lines):
                lines = tuple(pattern.sub(change.new.replace("\\", r"\\"), line) for line in lines)
                notes.append(f"{change.old} became {change.new}: {change.why}")
        carried = Carried(old, needed, node, owner, old_owner, notes=notes)
        self._put(number, tuple(self.along.rebased(lines, old)), carried, source)

    def _find(self, region: Region) -> tuple[PythonFile, Definition] | str:
        """Where OLD has a function: in the file of this path, an earlier edition's, or the only one that has it."""
        editions, old = self._resolver.editions, self._resolver.old
        spellings = editions.spellings(region.name)
        first: tuple[PythonFile, Definition] | None = None
        for path in editions.paths(region.path):
            node = old.files[path].find(spellings) if path in old.files else None
            if isinstance(node, FUNCTION):
                if written(old.files[path], node):
                    return old.files[path], node
                first = first or (old.files[path], node)
        if first is not None:
            return first
        others = [
            (file, file.definitions[name])
            for path, file in old.files.items()
            for name in spellings
            if name in file.definitions and not path.startswith("tests/")
        ]
        same_name = [item for item in others if item[0].path.rpartition("/")[2] == region.path.rpartition("/")[2]]
        if len(same_name or others) == 1:
            return (same_name or others)[0]
        for path in editions.paths(region.path):
            if path in self._unreadable:
                return f"OLD's {self._unreadable[path]}; mend it there and carry again"
        if others:
            places = ", ".join(file.path for file, _ in others[:3])
            return f"OLD has it in {len(others)} files ({places}); put the right one here by hand"
        return _NOWHERE

    def _own_members(self) -> None:
        """Methods that a student has added to a class of which something is carried, `__next__` for instance."""
        for carried in list(self.along.carried):
            target = self.file.definitions.get(carried.owner)
            if carried.old_owner is None or not isinstance(target, ast.ClassDef):
                continue
            have = self._resolver.target.class_names(self.file.path, target)
            for item in statements(carried.old_owner.body):
                if not isinstance(item, FUNCTION) or item.name in have:
                    continue
                pair = item.name == "__next__" and getattr(carried.node, "name", "") == "__iter__"
                if (pair or self._is_marked(carried.file, item)) and written(carried.file, item):
                    self.along.member(carried.owner, carried.file, carried.old_owner, item, item.name)

    def _is_marked(self, file: PythonFile, node: ast.stmt) -> bool:
        """Whether a student has written it, or all in it."""
        last = node.end_lineno or node.lineno
        return file.is_students(node) or any(node.lineno < mark.first <= last for mark in file.marked)

    # ---- taking note ----

    def _put(self, number: int, lines: tuple[str, ...], carried: Carried, source: str) -> None:
        self._chosen[number] = Chosen(lines, carried, source)
        self.along.carried.append(carried)
        self._notes.items[number] = Item(self.regions[number], Fate.CARRIED, source)

    def outcome(self) -> list[Item]:
        """What became of each region, in order; places for helpers only where OLD had something for them."""
        found = []
        for number in sorted(self._notes.items):
            item = self._notes.items[number]
            if number in self._chosen:
                notes = tuple(dict.fromkeys(self._chosen[number].carried.notes))
                item = Item(item.region, item.fate, item.source, item.why, notes)
            if item.region.in_function or item.fate is not Fate.UNWRITTEN:
                found.append(item)
        return found

    # ---- where what comes along goes ----

    def _helpers_by_place(self, places: _Places) -> dict[tuple[int | None, int], list[Helper]]:
        """The helpers for each place at the top of the module, each behind what it needs at once."""
        placed: dict[tuple[int | None, int], list[Helper]] = {}
        where: dict[str, int] = {}
        spots = places.of_helpers()
        for helper in _in_order(self.along.helpers):
            least = max(
                [0, *(where[name] for name in helper.at_once if name in where)]
                + [line for name, line in places.defined.items() if name in helper.at_once]
            )
            spot = next(spot for spot in spots if spot[1] >= least)
            placed.setdefault(spot, []).append(helper)
            where[helper.name] = spot[1]
        return placed


class _Places:
    """Where in a file something can be added."""

    def __init__(self, file: PythonFile, regions: Sequence[Region]) -> None:
        self._file = file
        self._regions = regions
        body = file.tree.body
        self.defined = {  # name -> the line at which the module has it
            node.name: node.end_lineno or node.lineno for node in body if isinstance(node, (*FUNCTION, ast.ClassDef))
        }

    def of_helpers(self) -> list[tuple[int | None, int]]:
        """The places for definitions, from the top: a region and its line, or None and the line to put them behind."""
        spots: list[tuple[int | None, int]] = [
            (number, region.first)
            for number, region in enumerate(self._regions)
            if not region.name and not region.in_function
        ]
        last = len(self._file.lines)
        while last and not self._file.lines[last - 1].strip():
            last -= 1
        return [*spots, (None, last)]

    def of_imports(self) -> tuple[int | None, int]:
        """The region before the first definition, or the line to put imports behind."""
        first = min(self.defined.values(), default=len(self._file.lines))
        for number, line in self.of_helpers():
            if number is not None and line < first:
                return number, line
        last = 0
        for node in self._file.tree.body:
            is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if isinstance(node, (ast.Import, ast.ImportFrom)) or (is_docstring and not last):
                last = node.end_lineno or node.lineno
            elif isinstance(node, (*FUNCTION, ast.ClassDef)):
                break
        return None, last

    def of_members(self, owner: str) -> tuple[int | None, int, str]:
        """The region in a class, or the line to put members behind; and their indentation."""
        for number, region in enumerate(self._regions):
            if region.name == owner and not region.in_function:
                return number, region.first, region.indent
        node = self._file.definitions[owner]
        last = node.end_lineno or node.lineno
        for region in self._regions:
            if region.first <= last <= region.last:
                last = region.last
        return None, last, " " * node.body[0].col_offset


def _in_order(helpers: Mapping[str, Helper]) -> list[Helper]:
    """The helpers as they stand in OLD, but each behind those that it needs at once."""
    found: list[Helper] = []

    def visit(helper: Helper, way: tuple[str, ...]) -> None:
        if helper in found or helper.name in way:
            return
        for name in sorted(helper.at_once):
            if name in helpers:
                visit(helpers[name], (*way, helper.name))
        found.append(helper)

    for helper in sorted(helpers.values(), key=lambda item: (item.source.path, item.node.lineno)):
        visit(helper, ())
    return found


def _separated(blocks: Sequence[Sequence[str]], blank: int = 2) -> list[str]:
    """Definitions with blank lines between them, none between those of one line."""
    lines: list[str] = []
    for block in blocks:
        if lines:
            short = len(block) == 1 and lines[-1:] != [""] and not lines[-1].startswith(" ")
            lines += [""] * (0 if short else blank)
        lines += block
    return lines


def _is_only_imports(lines: Sequence[str]) -> bool:
    return all(line.startswith(("import ", "from ")) for line in lines)
