"""A C++ or CUDA file of the target, region by region: what OLD has for each, and what has to come along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.carry.cpp.bindings import bound
from grader.carry.cpp.body import CppMisfit, fit, is_unwritten, signed
from grader.carry.cpp.headers import headers_of
from grader.carry.cpp.old import OldCpp, Place, blocks_of_namespaces
from grader.carry.editions import Editions
from grader.carry.edits import Edits
from grader.carry.frame import as_in_old, is_work, same
from grader.carry.marks import Marked, pairs
from grader.carry.outcome import Addition, Fate, Item, Notes
from grader.cudasim.tokens import read
from grader.derive import MarkerError, Region, find_regions
from grader.derive.cpp_code import CppDefinition, Parameter, definitions
from grader.derive.written import is_written

BEGIN, END = "/// BEGIN YOUR SOLUTION", "/// END YOUR SOLUTION"


@dataclass(frozen=True)
class _Chosen:
    lines: tuple[str, ...]
    source: str
    words: frozenset[str]  # names that it uses
    notes: tuple[str, ...] = ()


class CppPlan:
    """The plan for one file."""

    def __init__(
        self,
        path: str,
        text: str,
        regions: Sequence[Region],
        old: Mapping[str, str],
        headers: Mapping[str, str],
        editions: Editions,
        force: bool,
    ) -> None:
        self.path = path
        self._text = text
        self._regions = regions
        self._editions = editions
        self._force = force
        self._notes = Notes(regions, force)
        self._chosen: dict[int, _Chosen] = {}
        self._own = definitions(path, text)
        known = [*self._own, *(item for header, said in headers.items() for item in definitions(header, said))]
        self._have = {item.name for item in known}
        self._declared = {item.name for item in known if item.kind == "prototype"}
        self._given_functions = {item.name: item for item in self._own if item.kind == "function"}
        self._along: dict[str, list[Place]] = {}
        self._renamed: dict[str, str] = {}  # names of OLD that mean something else here
        self._signed = False  # whether vectors of unsigned numbers have to become signed ones
        here = frozenset(block.name for block in blocks_of_namespaces(path, text))
        self._olds = [OldCpp.read(place, old[place], here) for place in self._places(old) if place in old]
        self._framed = False
        self._choose()

    def _places(self, old: Mapping[str, str]) -> list[str]:
        known = self._editions.paths(self.path)
        name = self.path.rpartition("/")[2]
        return known + [place for place in sorted(old) if place not in known and place.rpartition("/")[2] == name]

    def outcome(self) -> list[Item]:
        """What became of each region, in order."""
        return [
            item
            for _, item in sorted(self._notes.items.items())
            if item.region.in_function or item.fate is not Fate.UNWRITTEN
        ]

    def additions(self) -> list[Addition]:
        """What came along."""
        return [Addition(self.path, name, found[0].source_line()) for name, found in self._along.items()]

    def checked_text(self) -> str:
        """The file with everything in it; what its braces or markers would not match with is left out, and noted."""
        text = self._render()
        if self._is_fine(text):
            return text
        chosen, fine = self._chosen, {}
        for number, item in chosen.items():
            self._only({number: item})
            if self._is_fine(self._render()):
                fine[number] = item
        self._only(fine)
        text = self._render()
        if not self._is_fine(text):
            fine, text = {}, self._text
            self._only(fine)
        for number in chosen.keys() - fine.keys():
            why = "its braces or markers, or those of what it uses, would not match here; put it there by hand"
            self._notes.items[number] = Item(self._regions[number], Fate.UNPLACED, chosen[number].source, why)
        return text

    def _is_fine(self, text: str) -> bool:
        try:
            found = find_regions(text, self.path)
        except MarkerError:
            return False
        words = [token.text for token in read(self.path, text).tokens]
        return len(found) >= len(self._regions) and words.count("{") == words.count("}")

    def _only(self, chosen: Mapping[int, _Chosen]) -> None:
        """Have these and what they need, and nothing else."""
        self._chosen = dict(chosen)
        self._along.clear()
        self._renamed.clear()
        for number in chosen if not self._framed else ():
            self._complete(number)

    # ---- what OLD has ----

    def _choose(self) -> None:
        lines = self._text.split("\n")
        exact = next((item for item in self._olds if item.path == self.path), None)
        if exact is not None:
            old_lines = exact.text.split("\n")
            marks = pairs(old_lines)
            if same(old_lines, marks, lines, self._regions) and not self._is_torn(old_lines, marks):
                for number, mark in enumerate(marks):
                    theirs = as_in_old(self._regions[number], old_lines, mark)
                    self._take(number, theirs, f"{self.path}:{mark.first}")
                self._framed = True
                return
        for number, region in enumerate(self._regions):
            if region.in_function:
                self._of_function(number, region)
        self._only(self._chosen)

    def _is_torn(self, lines: Sequence[str], marks: Sequence[Marked]) -> bool:
        """Whether helpers of OLD cannot go where they were, since there are others."""
        return not self._force and any(
            is_written(region) and is_work(theirs) and [*theirs.lines] != [line.rstrip("\n") for line in region.lines]
            for region, theirs in (
                (region, as_in_old(region, lines, mark)) for region, mark in zip(self._regions, marks, strict=True)
            )
            if not region.in_function
        )

    def _take(self, number: int, theirs: Region, source: str) -> None:
        region = self._regions[number]
        if not is_work(theirs):
            self._notes.note(number, Fate.UNWRITTEN, source, "is not written in OLD")
        elif [line.rstrip() for line in theirs.lines] == [line.rstrip() for line in region.lines]:
            self._notes.items[number] = Item(region, Fate.KEPT, source, "is the same in OLD")
        elif not self._notes.is_kept(number, source):
            self._put(number, _Chosen(theirs.lines, source, frozenset()))

    def _of_function(self, number: int, region: Region) -> None:
        new = self._given_functions.get(region.name)
        if new is None or new.body is None:
            self._notes.note(number, Fate.UNPLACED, "", "it is in no plain function here; put it there by hand")
            return
        found = self._find(region.name, new.parameters)
        if found is None:
            self._notes.note(number, Fate.UNWRITTEN, "", "OLD has no function of this name")
            return
        old, definition, text, line = found
        source = f"{old.path}:{line}"
        assert definition.body is not None
        if is_unwritten(text[definition.body[0] : definition.body[1]]):
            self._notes.note(number, Fate.UNWRITTEN, source, "is a stub in OLD")
            return
        if self._notes.is_kept(number, source):
            return
        try:
            body = fit(text, definition, new, region.indent, self._given_in(new, region))
        except CppMisfit as misfit:
            self._notes.note(number, Fate.UNPLACED, source, str(misfit))
            return
        self._signed = self._signed or any("signed" in note for note in body.notes)
        words = _words("\n".join(body.lines)) - {parameter.name for parameter in new.parameters}
        stub = self._stub_among(old, words)
        if stub is not None:
            self._notes.note(number, Fate.UNWRITTEN, source, f"it uses {stub}, which is a stub in OLD")
            return
        self._put(number, _Chosen(body.lines, source, words, body.notes))

    def _given_in(self, function: CppDefinition, region: Region) -> frozenset[str]:
        """The lines of code in a function that are around a region."""
        assert function.body is not None
        starts = self._text.count("\n", 0, function.body[0]) + 1, self._text.count("\n", 0, function.body[1]) + 1
        lines = self._text.split("\n")
        around = [*lines[starts[0] : region.first - 1], *lines[region.last : starts[1] - 1]]
        return frozenset(line.strip() for line in around if line.strip())

    def _find(self, name: str, parameters: tuple[Parameter, ...]) -> tuple[OldCpp, CppDefinition, str, int] | None:
        """A function of OLD, the text that it is in, and its line: the first that is no stub, else the first."""
        found = []
        for old in self._olds:
            for spelling in self._editions.spellings(name):
                for item in old.named(spelling):
                    if item.kind == "function" and item.body is not None:
                        found.append((old, item, old.text, old.line(item)))
                if spelling in old.written_by_macros:
                    item, said, use = old.written_by_macros[spelling]
                    found.append((old, item, said, old.line(use)))
                listed = bound(old.path, old.text, spelling, parameters)
                if listed is not None:
                    found.append((old, *listed))
        for place in found:
            body = place[1].body
            assert body is not None
            if not is_unwritten(place[2][body[0] : body[1]]):
                return place
        return found[0] if found else None

    def _stub_among(self, old: OldCpp, words: Iterable[str]) -> str | None:
        """A function of OLD that is used, is not here, and is not written."""
        for word in sorted(words):
            for item in old.named(word) if word not in self._have else ():
                if item.kind == "function" and item.body and is_unwritten(old.text[item.body[0] : item.body[1]]):
                    return word
        return None

    # ---- what comes along ----

    def _complete(self, number: int) -> None:
        """Bring along what a region uses, and what that uses in turn."""
        chosen = self._chosen[number]
        old = next(item for item in self._olds if item.path == chosen.source.rpartition(":")[0])
        waiting = sorted(chosen.words)
        while waiting:
            word = waiting.pop()
            if word in self._along or (word in self._have and not self._is_another(old, word)):
                continue
            if word in self._have:
                self._renamed[word] = self._name_for(old, word)
                if self._renamed[word] in self._have:
                    continue  # from an earlier run
            found = old.places(word)
            if found:
                self._along[word] = found
                waiting += sorted(set().union(*(place.definition.words for place in found)))

    def _is_another(self, old: OldCpp, word: str) -> bool:
        """Whether a name that both define means something else in each.

        A given definition of the same name is taken for the same, unless it is a function of other parameters. A
        student's own that stands here already is the same only where it says the same.
        """
        mine = [item for item in old.named(word) if item.kind != "prototype"]
        theirs = [item for item in self._own if item.name == word and item.kind != "prototype"]
        if not mine or not theirs:
            return False
        line = self._text.count("\n", 0, theirs[0].first) + 1
        if any(region.first < line < region.last for region in self._regions if not region.in_function):
            return [_said(item) for item in mine] != [_said(item) for item in theirs]
        counts = [{len(item.parameters) for item in found if item.kind == "function"} for found in (mine, theirs)]
        return bool(counts[0] and counts[1]) and not counts[0] & counts[1]

    def _name_for(self, old: OldCpp, word: str) -> str:
        """What OLD's definition is to be called here: a new name, or that which it got in an earlier run."""
        mine = [[text.replace(word, "") for text in _said(item)] for item in old.named(word)]
        number, name = 2, f"{word}_of_old"
        while name in self._have:
            theirs = [[text.replace(name, "") for text in _said(item)] for item in self._own if item.name == name]
            if theirs == mine:
                break
            number, name = number + 1, f"{word}_of_old{number}"
        return name

    def _rename(self, lines: Sequence[str]) -> list[str]:
        """Lines of OLD with the names that its definitions have here."""
        for old, new in self._renamed.items():
            lines = [re.sub(rf"(?<![\w.])(?<!->)(?<!::){old}\b", new, line) for line in lines]
        return list(lines)

    # ---- the file ----

    def _render(self) -> str:
        edits = Edits()
        lines = self._text.split("\n")
        block = self._block()
        place = next((n for n, region in enumerate(self._regions) if not region.in_function), None)
        for number, region in enumerate(self._regions):
            chosen = self._chosen.get(number)
            content = self._rename([line.rstrip("\r\n") for line in chosen.lines]) if chosen is not None else None
            if number == place and block:
                kept = content if content is not None else [line.rstrip("\n") for line in region.lines]
                while kept and not kept[-1].strip():
                    kept.pop()
                content = [*kept, "", *block, ""]
            if content is not None:
                edits.replace(region.first, region.last, content)
        if block and place is None:
            edits.insert(self._before_first_function(), [BEGIN, "", *block, "", END, ""])
        missing = [] if self._framed else self._missing_headers(block)
        if missing:
            edits.insert(_last_include(lines), ["", BEGIN, *missing, END])
        return "\n".join(edits.make(lines))

    def _block(self) -> list[str]:
        """The definitions that come along, in OLD's order; functions that stand below here are declared first."""
        lines: list[str] = []
        every = {(place.old.path, place.at): place for found in self._along.values() for place in found}
        order = [every[at] for at in sorted(every)]
        used: set[str] = set()
        for place in order:
            said = self._rename([signed(line) for line in place.source()] if self._signed else place.source())
            is_short = len(said) == 1 and place.definition.kind != "function"
            lines += [*([""] if lines and not is_short else []), *said]
            used |= place.definition.words
        return [*self._declarations(used), *lines]

    def _declarations(self, used: set[str]) -> list[str]:
        """Prototypes of the file's own functions that what comes along uses, and that are defined further down."""
        spot = next((region.first for region in self._regions if not region.in_function), 0)
        found = []
        for name in sorted(used & self._given_functions.keys() - self._declared):
            item = self._given_functions[name]
            if item.body is not None and self._text.count("\n", 0, item.first) + 1 > spot:
                head = " ".join(self._text[item.first : item.body[0] - 1].split())
                found.append(f"{head};")
        return [*found, ""] if found else []

    def _missing_headers(self, block: Sequence[str]) -> list[str]:
        said = "\n".join([*block, *(line for chosen in self._chosen.values() for line in chosen.lines)])
        if not said.strip():
            return []
        return [
            f"#include <{name}>" for name in headers_of(said) if not re.search(rf"#\s*include\s*<{name}>", self._text)
        ]

    def _before_first_function(self) -> int:
        """The line behind which to put what comes along: above the first function with a region, and its comment."""
        names = {region.name for region in self._regions}
        first = next(item for item in self._own if item.kind == "function" and item.name in names)
        lines = self._text.split("\n")
        line = self._text.count("\n", 0, first.first)
        while line > 0 and lines[line - 1].lstrip().startswith(("//", "*", "/*")):
            line -= 1
        return line

    # ---- taking note ----

    def _put(self, number: int, chosen: _Chosen) -> None:
        self._chosen[number] = chosen
        self._notes.items[number] = Item(self._regions[number], Fate.CARRIED, chosen.source, notes=chosen.notes)


def _words(text: str) -> frozenset[str]:
    tokens = read("", text).tokens
    return CppDefinition("function", "", 0, 0, tokens).words


def _said(item: CppDefinition) -> list[str]:
    return [token.text for token in item.tokens]


def _last_include(lines: Sequence[str]) -> int:
    """The number of the last line that includes something."""
    return max((n for n, line in enumerate(lines, start=1) if re.match(r"\s*#\s*include\b", line)), default=0)
