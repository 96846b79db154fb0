"""Carry a whole tree: plan all files, check what came out, save the target, write."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment
from grader.carry import backup
from grader.carry.cpp.plan import CppPlan
from grader.carry.editions import Editions
from grader.carry.layout import Modules
from grader.carry.leftover import leftovers
from grader.carry.notebook import SUFFIX, NotebookPlan
from grader.carry.old_tree import CPP, SOURCES, OldTree, text_of
from grader.carry.outcome import Addition, Item, Report
from grader.carry.python.file import PythonFile, Unreadable
from grader.carry.python.names import imports_in
from grader.carry.python.needs import Resolver
from grader.carry.python.plan import PythonPlan
from grader.carry.python.taken import take
from grader.derive import MarkerError, Region, find_regions
from grader.derive.syntax import encode
from grader.derive.tree import write_atomically
from grader.errors import UsageError


@dataclass(frozen=True)
class Planned:
    """What a run would do."""

    texts: Mapping[str, str]  # the target's files that change, by path, with "\n" as line ends
    items: tuple[Item, ...]
    additions: tuple[Addition, ...]
    remarks: tuple[str, ...]


def carry(
    old: OldTree, target: Path, assignment: Assignment, editions: Editions, *, force: bool, dry_run: bool
) -> Report:
    """Put OLD's code into the target's regions. Nothing is written unless all files could be planned.

    Raises UsageError where the target is no tree of the assignment or cannot be written; it is then as it was.
    """
    missing = [path for path in assignment.layout.required if not (target / path).is_file()]
    if missing:
        raise UsageError(f"{target} is no tree of {assignment.name}: {missing[0]} is not in it; name it with --to.")
    present = _read_target(target)
    planned = plan(old, present, assignment, editions, force=force)
    changed = tuple(sorted(planned.texts))
    saved = None
    if changed and not dry_run:
        saved = backup.save(target)
        _write(target, {path: _encoded(planned.texts[path], present.get(path, b"")) for path in changed}, saved)
    shown = None if saved is None else _shown(saved)
    return Report(planned.items, planned.additions, planned.remarks, changed, shown)


def plan(
    old: OldTree, present: Mapping[str, bytes], assignment: Assignment, editions: Editions, *, force: bool
) -> Planned:
    """What goes where, of a target's files by path."""
    remarks = list(old.notes)
    regions: dict[str, list[Region]] = {}
    texts = {path: text_of(data, path) for path, data in present.items()}
    for path, text in texts.items():
        try:
            regions[path] = find_regions(text, path)
        except MarkerError as error:
            remarks.append(f"nothing was carried into {error}")
    python, resolver, unread = _plan_python(old, texts, regions, assignment, editions, force, remarks)
    cpp = [
        CppPlan(path, texts[path], found, old.texts, _headers(texts, path), editions, force)
        for path, found in regions.items()
        if found and path.endswith(CPP)
    ]
    items: list[Item] = []
    additions: list[Addition] = []
    changed: dict[str, str] = {}
    notebooks = [
        NotebookPlan(path, texts[path], found, old.texts[path], force)
        for path, found in regions.items()
        if path.endswith(SUFFIX) and path in old.texts
    ]
    plans: list[PythonPlan | CppPlan | NotebookPlan] = [*python, *cpp, *notebooks]
    for plan_ in sorted(plans, key=lambda item: item.path):
        text = plan_.checked_text()
        items += plan_.outcome()
        additions += plan_.additions()
        if text != texts[plan_.path]:
            changed[plan_.path] = text
    for path in _own_files(python, resolver):
        changed[path] = resolver.old.files[path].text
        remarks.append(f"A file of your own, which carried code imports, came along: {path}.")
    remarks += [remark for plan_ in python for remark in plan_.remarks()]
    remarks += [remark for plan_ in notebooks for remark in plan_.remarks()]
    remarks += [why for why in unread if not any(why in item.why for item in items)]
    readable = {path: file for path, file in resolver.old.files.items() if path not in texts or path in regions}
    remarks += leftovers(readable, resolver.target, items, additions)
    return Planned(changed, tuple(items), tuple(additions), tuple(remarks))


def _plan_python(
    old: OldTree,
    texts: Mapping[str, str],
    regions: Mapping[str, Sequence[Region]],
    assignment: Assignment,
    editions: Editions,
    force: bool,
    remarks: list[str],
) -> tuple[list[PythonPlan], Resolver, list[str]]:
    """The plans of the Python files that have regions, with what comes along; and which files of OLD are no Python."""
    earlier, unreadable = _parsed(old.texts, PythonFile.read_what_can_be)
    present, broken = _parsed(texts, PythonFile.read)
    remarks += [f"nothing was carried into {why}" for path, why in broken.items() if path in regions]
    taken = {
        path: take(file, regions[path], earlier.get(path), force) for path, file in present.items() if regions.get(path)
    }
    files = {**present, **{path: item.file for path, item in taken.items()}}
    roots = assignment.layout.paths
    resolver = Resolver(Modules(earlier, roots), Modules(files, roots), editions)
    plans = {path: PythonPlan(item, resolver, unreadable, force) for path, item in taken.items()}
    for plan_ in plans.values():
        plan_.choose()
    others = {path: plan_.along for path, plan_ in plans.items()}
    done = -1
    while done != sum(len(along.carried) for along in others.values()):  # what comes along may need more
        done = sum(len(along.carried) for along in others.values())
        for along in others.values():
            along.complete(others)
    unread = [f"OLD's {why}; mend it there and carry again" for why in unreadable.values()]
    return list(plans.values()), resolver, unread


def _own_files(plans: Sequence[PythonPlan], resolver: Resolver) -> list[str]:
    """The modules of OLD that come along as they are, since carried code or one of them imports them."""
    waiting = sorted({path for plan_ in plans for path in plan_.along.own_files})
    found: list[str] = []
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.append(path)
        old = resolver.old
        names = {old.name_of(path), *(old.absolute(path, module) for module, _ in imports_in(old.files[path].tree))}
        names |= {f"{old.absolute(path, module)}.{name}" for module, name in imports_in(old.files[path].tree)}
        parents = {name.rpartition(".")[0] for name in names}  # a package's __init__.py is run with its modules
        waiting += sorted(own for name in names | parents if (own := resolver.own_module(name)) is not None)
    return sorted(found)


def _parsed(
    texts: Mapping[str, str], read: Callable[[str, str], PythonFile]
) -> tuple[dict[str, PythonFile], dict[str, str]]:
    """The Python files that can be read; and of the others, why not."""
    files, unreadable = {}, {}
    for path, text in texts.items():
        if not path.endswith(".py"):
            continue
        try:
            files[path] = read(path, text)
        except Unreadable as why:
            unreadable[path] = str(why)
    return files, unreadable


def _read_target(target: Path) -> dict[str, bytes]:
    """The target's sources, by path."""
    found = {}
    for path in backup.files_of(target):
        if path.suffix in SOURCES and not path.is_symlink():
            found[path.relative_to(target).as_posix()] = path.read_bytes()
    return found


def _headers(texts: Mapping[str, str], path: str) -> dict[str, str]:
    """The headers that lie beside a file."""
    folder = path.rpartition("/")[0]
    return {
        other: text
        for other, text in texts.items()
        if other.rpartition("/")[0] == folder and other.endswith((".h", ".hpp", ".cuh"))
    }


def _encoded(text: str, before: bytes) -> bytes:
    """A file's new text with the line ends and the byte order mark that it had."""
    if b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b"") + encode(text)


def _write(target: Path, files: Mapping[str, bytes], saved: Path) -> None:
    """Write all files, or leave all as they were."""
    before = {path: (target / path).read_bytes() for path in files if (target / path).exists()}
    written: list[str] = []
    path = ""
    try:
        for path, data in files.items():
            write_atomically(target / path, data, _mode(target / path))
            written.append(path)
    except (OSError, KeyboardInterrupt) as error:
        why = f"{target / path} cannot be written: {getattr(error, 'strerror', None) or str(error) or 'interrupted'}. "
        try:
            _put_back(target, written, before)
        except OSError:
            folder = shlex.quote(str(saved.parent.parent))
            raise UsageError(
                f"{why}Some files are new and some are old. To have the tree as it was: cd {folder} && "
                f"python3 -m zipfile -e {saved.parent.name}/{saved.name} ."
            ) from None
        raise UsageError(f"{why}The tree is as it was; a copy of it is {saved}.") from None


def _put_back(target: Path, written: Sequence[str], before: Mapping[str, bytes]) -> None:
    for path in written:
        if path in before:
            write_atomically(target / path, before[path], _mode(target / path))
        else:
            (target / path).unlink()


def _shown(saved: Path) -> str:
    """The backup's path as short as it can be from where the student is."""
    here = Path.cwd()
    return str(saved.relative_to(here) if saved.is_relative_to(here) else saved)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777 if path.exists() else 0o644
