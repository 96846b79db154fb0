"""What comes along into a Python file of the target, because carried code needs it: imports, helpers, class members."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grader.carry.outcome import Addition
from grader.carry.python.body import is_stub
from grader.carry.python.file import FUNCTION, Binding, Function, PythonFile, bound, docstring_of, loaded, statements
from grader.carry.python.names import Needed, of_definitions
from grader.carry.python.needs import BringIt, CopyIt, ImportIt, Resolver, SayIt, says_the_same
from grader.carry.python.state import Lost, lazily, method, read_on_self, restart, sets


@dataclass
class Helper:
    """A definition of OLD that comes along to the top of the module."""

    name: str  # in the target
    source: PythonFile
    node: ast.stmt
    at_once: frozenset[str]  # names that must be there before it
    before: list[str] = field(default_factory=list)  # lines in front of it
    inside: dict[int, list[str]] = field(default_factory=dict)  # lines in front of a line of OLD's file
    rename: str = ""  # its name in OLD, where that is another one

    def lines(self) -> list[str]:
        """Its text."""
        first = min([self.node.lineno, *(item.lineno for item in getattr(self.node, "decorator_list", []))])
        numbers = range(first, (self.node.end_lineno or first) + 1)
        numbers_kept = [number for number in numbers if not self.source.is_marker(number)]
        text = self.source.source(self.node)
        comments = len(text) - len(numbers_kept)
        found = [*self.before, *text[:comments]]
        for number, line in zip(numbers_kept, text[comments:], strict=True):
            found += [*self.inside.get(number, []), line]
        if self.rename:
            old, new = re.escape(self.rename), self.name
            found = [re.sub(rf"^((?:async )?def|class) {old}\b", rf"\1 {new}", line) for line in found]
            found = [re.sub(rf"^{old}(?=\s*[:=.\[])", new, line) for line in found]
        return found


@dataclass
class Member:
    """A method or class attribute that comes along into a class."""

    name: str
    lines: tuple[str, ...]  # not indented
    first: int  # the index of the line in front of which its body begins
    inside: list[str] = field(default_factory=list)  # lines at the beginning of its body, not indented

    def text(self, indent: str) -> list[str]:
        """Its text, indented."""
        body = self.lines[self.first] if self.first < len(self.lines) else ""
        deeper = body[: len(body) - len(body.lstrip())] or "    "
        lines = [*self.lines[: self.first], *(deeper + line for line in tidied(self.inside)), *self.lines[self.first :]]
        return [indent + line if line.strip() else "" for line in lines]


@dataclass
class Carried:
    """Code of OLD that goes into a region."""

    file: PythonFile  # of OLD
    needed: Needed
    node: Function | None  # the function of OLD, where it is one
    owner: str  # the class of the target that the region is in; "" for none
    old_owner: ast.ClassDef | None  # and that of OLD
    head: list[str] = field(default_factory=list)  # lines to be said first, not indented
    notes: list[str] = field(default_factory=list)  # what a student should look at


class Along:
    """What comes along into one file of the target."""

    def __init__(self, file: PythonFile, resolver: Resolver) -> None:
        self.file = file
        self.additions: list[Addition] = []
        self.imports: dict[str, None] = {}
        self.helpers: dict[str, Helper] = {}
        self.members: dict[str, dict[str, Member]] = {}
        self.own_files: set[str] = set()  # of OLD, which code that comes here imports
        self.notes: list[str] = []  # what to look at in what comes along
        self.carried: list[Carried] = []
        self._done = 0  # how many of these have what they need
        self._resolver = resolver
        self._have: dict[str, Binding | None] = dict(file.bindings)

    def complete(self, others: Mapping[str, Along]) -> None:
        """Bring what carried code needs; `others` are the target's files by path, this one among them.

        What comes along may need something in turn, here or in another file: to be called until nothing is added.
        """
        while self._done < len(self.carried):
            carried = self.carried[self._done]
            self._done += 1
            self._names(carried.needed.all, carried.file, carried.head, carried.notes)
            self._hints(carried.needed.hints, carried.file)
            self._of_imports(carried.needed, carried.file, carried.notes, others)
            self._of_modules(carried.needed, carried.file, carried.notes, others)
            self._of_objects(carried.needed, carried.file, others)
            self._state(carried)

    def _state(self, carried: Carried) -> None:
        """Bring what code of a method reads on `self`."""
        target = self.file.definitions.get(carried.owner)
        if carried.node is None or carried.old_owner is None or not isinstance(target, ast.ClassDef):
            return
        functions = [item.node for item in self.carried if item.owner == carried.owner and item.node is not None]
        for name in sorted(read_on_self(carried.node)):
            self._attribute(name, carried, target, functions, carried.head)

    def member(self, owner: str, file: PythonFile, old_owner: ast.ClassDef, node: ast.stmt, name: str) -> None:
        """Bring a method or class attribute of OLD into a class of the target."""
        members = self.members.setdefault(owner, {})
        if name in members:
            return
        said = file.untabbed(node.lineno)
        column = len(said) - len(said.lstrip())
        lines = tuple(line[column:] if line[:column].isspace() else line.lstrip() for line in file.source(node))
        first = len(lines)
        if isinstance(node, FUNCTION) and node.body[0].lineno > node.lineno:
            body = [item for item in node.body if item is not docstring_of(node)] or node.body
            first = len(lines) - ((node.end_lineno or 0) - body[0].lineno + 1)
        made = members[name] = Member(name, lines, first)
        self.additions.append(Addition(self.file.path, f"{owner}.{name}", f"{file.path}:{node.lineno}"))
        function = node if isinstance(node, FUNCTION) else None
        self.carried.append(
            Carried(
                file,
                of_definitions([node], file.bindings),
                function,
                owner,
                old_owner,
                head=made.inside,
                notes=self.notes,
            )
        )

    def helper(self, file: PythonFile, name: str, rename: str = "") -> str:
        """Bring a definition of OLD's `file` to the top of this module; what it is called here.

        And what is said there at the top of the module to change it: `table["x"] = 1`.
        """
        binding = file.bindings.get(name)
        if binding is None:
            return name
        number, made_name = 2, rename or name
        while made_name in self._have:
            there = self._have[made_name]
            if not rename or there is None or says_the_same(binding.node, there.node):
                return made_name
            number, made_name = number + 1, f"{rename}{number}"
        node = binding.node
        for other, _ in bound(node) if not rename else ():
            self._have.setdefault(other, None)
        self._have[made_name] = Binding(node)
        self.additions.append(Addition(self.file.path, made_name, f"{file.path}:{node.lineno}"))
        for part in (node, *file.acting_on(name)):
            key = made_name if part is node else f"{made_name}, line {part.lineno}"
            self._statement(file, part, key, made_name, name)
        return made_name

    def _statement(self, file: PythonFile, node: ast.stmt, key: str, made_name: str, name: str) -> None:
        """Bring a statement that defines `name` of OLD, or changes it, with what it needs."""
        needed = of_definitions([node], file.bindings)
        rename = name if made_name != name else ""
        made = self.helpers[key] = Helper(made_name, file, node, needed.at_once, rename=rename)
        # For what it reads of modules and objects.
        self.carried.append(Carried(file, needed, None, "", None, notes=self.notes))
        self._names(needed.at_once - {name}, file, made.before, self.notes)
        for function in _outermost_functions(node):
            called = of_definitions([function], file.bindings)
            lines: list[str] = [f"{name} = {made_name}"] if rename and name in loaded(function) else []
            self._names(called.all - needed.at_once - {name}, file, lines, self.notes)
            body = [item for item in function.body if item is not docstring_of(function)] or function.body
            if body[0].lineno > function.lineno:
                said = file.untabbed(body[0].lineno)
                indent = said[: len(said) - len(said.lstrip())]
                made.inside.setdefault(body[0].lineno, []).extend(indent + line for line in tidied(lines))
            else:
                made.before += tidied(lines)  # the body is on the line of the `def`

    def bring_import(self, statement: str) -> None:
        """Have an import at the top of the module."""
        node = ast.parse(statement).body[0]
        for name, imported in bound(node):
            if name not in self._have:
                self._have[name] = Binding(node, imported)
                self.imports[statement] = None

    def unwritten(self, file: PythonFile, names: Iterable[str]) -> str | None:
        """Which of these is a function that OLD has as a stub."""
        for name in sorted(names):
            binding = file.bindings.get(name)
            node = binding.node if binding is not None and name not in self.file.bindings else None
            if isinstance(node, FUNCTION) and is_stub([item for item in node.body if item is not docstring_of(node)]):
                return name
        return None

    def _names(self, names: Iterable[str], file: PythonFile, say: list[str], notes: list[str]) -> None:
        for name in sorted(names):
            answer = self._resolver.answer(name, file, self.file, self._have)
            if isinstance(answer, ImportIt):
                self.bring_import(answer.statement)
                self.additions.append(Addition(self.file.path, answer.statement, file.path))
            elif isinstance(answer, SayIt):
                if answer.line not in say:
                    say.append(answer.line)
                if answer.line.startswith(f"{name} = "):  # an alias of something that may have to come along itself
                    now = answer.line.split(" = ")[1].split()[0]
                    if now not in self._have:
                        source = self._resolver.home(file, name)
                        if source is not None:
                            self.helper(source, now)
            elif isinstance(answer, BringIt):
                now = self.helper(answer.file, answer.name, answer.rename)
                if now != name and f"{name} = {now}" not in say:
                    say.append(f"{name} = {now}")
            elif isinstance(answer, CopyIt):
                self.own_files.add(answer.path)
                if answer.line not in say:
                    say.append(answer.line)
            elif answer is not None:
                notes.append(f"{name} is defined nowhere in OLD")

    def _hints(self, names: Iterable[str], file: PythonFile) -> None:
        """Imports for annotations. Nothing evaluates these, so that what is not there is not missed."""
        for name in sorted(names):
            answer = self._resolver.answer(name, file, self.file, self._have)
            if isinstance(answer, ImportIt):
                self.bring_import(answer.statement)
                self.additions.append(Addition(self.file.path, answer.statement, file.path))

    def _of_modules(self, needed: Needed, file: PythonFile, notes: list[str], others: Mapping[str, Along]) -> None:
        """`ops.pad`, where OLD's needle.ops has a pad of the student's own."""
        resolver = self._resolver
        for base, attribute in sorted(needed.of_modules):
            binding = file.bindings.get(base)
            if binding is None or binding.imported is None:
                continue
            module, name = resolver.old.origin(file.path, binding.imported)
            if not resolver.old.has(module) and self._is_ours(base) and attribute not in resolver.target.attributes:
                notes.append(f"{base}.{attribute} is {module}'s, and what is called {base} here has no {attribute}")
            whole = module if name is None else f"{module}.{name}"
            if not resolver.target.has(whole) or resolver.target.offers(whole, attribute):
                continue
            self._bring_into(whole, attribute, f"{base}.{attribute}", notes, others)

    def _of_imports(self, needed: Needed, file: PythonFile, notes: list[str], others: Mapping[str, Along]) -> None:
        """`from needle.ops import pad` inside of the code, where only OLD has such a pad, or such a module."""
        resolver = self._resolver
        for written, name in sorted(needed.imports):
            module = resolver.old.absolute(file.path, written)
            found = (resolver.own_module(item) for item in (module, f"{module}.{name}"))
            own = {path for path in found if path is not None}
            self.own_files |= own
            if (
                not own
                and name not in ("", "*")
                and resolver.target.has(module)
                and not resolver.target.offers(module, name)
            ):
                self._bring_into(module, name, f"{module}.{name}", notes, others)

    def _bring_into(self, module: str, name: str, said: str, notes: list[str], others: Mapping[str, Along]) -> None:
        """Bring what OLD's module has under this name into a file of the target that the module here has it from."""
        resolver = self._resolver
        path = resolver.old.by_name.get(module)
        source = resolver.home(resolver.old.files[path], name) if path is not None else None
        if source is None:
            return
        for place, along in sorted(others.items(), key=lambda item: (item[0] != source.path, item[0])):
            if source.path in resolver.editions.paths(place) and self._exports(module, place):
                along.helper(source, name)
                return
        notes.append(f"{said} is your own in OLD ({source.path}), and has no place here")

    def rebased(self, lines: Sequence[str], file: PythonFile) -> list[str]:
        """Lines of OLD's `file` with such imports that mean the same here: `from .autograd` is another module here."""
        old, target = self._resolver.old, self._resolver.target

        def meant(match: re.Match[str]) -> str:
            module = old.absolute(file.path, match["module"])
            return (
                match[0] if target.absolute(self.file.path, match["module"]) == module else f"{match['head']}{module}"
            )

        return [re.sub(r"^(?P<head>\s*from\s+)(?P<module>\.+[\w.]*)", meant, line) for line in lines]

    def _is_ours(self, name: str) -> bool:
        """Whether a name of this module is imported from the target: `array_api`, NumPy in a first homework."""
        binding = self.file.bindings.get(name)
        if binding is None or binding.imported is None:
            return False
        return self._resolver.target.has(self._resolver.target.origin(self.file.path, binding.imported)[0])

    def _exports(self, module: str, path: str) -> bool:
        """Whether what is defined in the file can be had from the module."""
        target = self._resolver.target
        name = target.name_of(path)
        place = target.by_name.get(module)
        if name == module or place is None:
            return name == module
        return any(target.absolute(place, star) == name for star in target.files[place].stars)

    def _of_objects(self, needed: Needed, file: PythonFile, others: Mapping[str, Along]) -> None:
        """`array.process_slice()`, where OLD's class has such a method, and nothing here has one."""
        resolver = self._resolver
        unknown = needed.attributes - resolver.target.attributes
        if not unknown:
            return
        for old in resolver.old.files.values():
            for owner, node in old.definitions.items():
                if not isinstance(node, ast.ClassDef):
                    continue
                for item in statements(node.body):
                    if isinstance(item, FUNCTION) and item.name in unknown:
                        for path, along in others.items():
                            if old.path in resolver.editions.paths(path) and owner in along.file.definitions:
                                along.member(owner, old, node, item, item.name)

    def _attribute(
        self, name: str, carried: Carried, target: ast.ClassDef, functions: Sequence[Function], say: list[str]
    ) -> None:
        """Have `self.NAME` in a class of the target as OLD's class has it."""
        assert carried.old_owner is not None
        members = self.members.get(carried.owner, {})
        old_init, new_init = method(carried.old_owner, "__init__"), method(target, "__init__")
        moved = old_init is not None and any(function is old_init for function in functions)
        have = self._resolver.target.class_names(self.file.path, target)
        if name in have:
            if old_init is not None and new_init is not None and not moved:
                lines, value = restart(name, old_init, new_init)
                if value is not None and lines[0] not in say:
                    self._names(
                        of_definitions([ast.Expr(value)], carried.file.bindings).all, carried.file, say, carried.notes
                    )
                    say += lines
            return
        if name in members:
            return
        own = _member_of(self._resolver, carried, name)
        if own is not None:
            self.member(carried.owner, own[0], own[1], own[2], name)
        elif old_init is not None and not moved and sets(old_init, name):
            self._lazy(name, carried, old_init, new_init)

    def _lazy(self, name: str, carried: Carried, old_init: Function, new_init: Function | None) -> None:
        try:
            lazy = lazily(name, old_init, new_init)
        except Lost as lost:
            carried.notes.append(str(lost))
            return
        made = Member(name, lazy.lines, 2)
        self.members.setdefault(carried.owner, {})[name] = made
        self.additions.append(
            Addition(self.file.path, f"{carried.owner}.{name}", f"{carried.file.path}:{old_init.lineno}")
        )
        self.bring_import("import functools")
        parameters = {item.arg for item in (*old_init.args.args, *old_init.args.kwonlyargs)}
        self._names(
            of_definitions(lazy.reads, carried.file.bindings).all - parameters, carried.file, made.inside, carried.notes
        )


def tidied(lines: Sequence[str]) -> list[str]:
    """Imports first, one a module and in the usual order, then the other lines."""
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    names: dict[str, list[str]] = {}
    for line in imports:
        if line.startswith("from "):
            module, _, name = line[5:].partition(" import ")
            names.setdefault(module, []).append(name)
    return [
        *sorted(line for line in imports if line.startswith("import ")),
        *(f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())),
        *(line for line in lines if line not in imports),
    ]


def _member_of(resolver: Resolver, carried: Carried, name: str) -> tuple[PythonFile, ast.ClassDef, ast.stmt] | None:
    """What OLD's class, or a base class of it, defines under this name."""
    place: tuple[PythonFile, ast.ClassDef] | None = (carried.file, carried.old_owner) if carried.old_owner else None
    for _ in range(8):
        if place is None:
            return None
        file, owner = place
        for item in statements(owner.body):
            if any(bound_name == name for bound_name, _ in bound(item)):
                return file, owner, item
        bases = [base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in owner.bases]
        found = next(filter(None, (resolver.old.find_class(file.path, base) for base in bases)), None)
        place = (resolver.old.files[found[0]], found[1]) if found is not None and found[1] is not owner else None
    return None


def _outermost_functions(node: ast.stmt) -> list[Function]:
    if isinstance(node, FUNCTION):
        return [node]
    if isinstance(node, ast.ClassDef):
        return [found for item in node.body for found in _outermost_functions(item)]
    return [found for item in statements([node]) if item is not node for found in _outermost_functions(item)]
