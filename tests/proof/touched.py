"""Which cases a change of the reference can touch: those that run what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.assignment import Assignment
from proof.native_units import touched_exports
from proof.python_units import changed_units


@dataclass(frozen=True)
class Seen:
    """What a case ran of the reference."""

    units: frozenset[str]  # Python: "python/needle/optim.py:SGD.step"
    kernels: frozenset[str]  # functions of the compiled module, by their names in Python
    seconds: float  # in the judge and the tree together


@dataclass(frozen=True)
class TouchMap:
    """What every case of some devices ran."""

    cases: Mapping[str, Seen]  # by the case's id
    imported: frozenset[str]  # units that run when the tree is imported: every case depends on them


@dataclass(frozen=True)
class Change:
    """What a tree does in another way than the reference."""

    everything: str  # why any case may be touched; "" where only those that run one of these:
    units: frozenset[str] = frozenset()
    kernels: frozenset[str] = frozenset()

    def touches(self, seen: Seen) -> bool:
        """Whether a case that ran this may come out otherwise."""
        return bool(self.everything or self.units & seen.units or self.kernels & seen.kernels)

    def through(self, seen: Seen) -> str:
        """By which of the changed functions."""
        found = sorted((self.units & seen.units) | (self.kernels & seen.kernels))
        return ", ".join(found) or self.everything


def change_of(
    old: Mapping[str, str], new: Mapping[str, str], assignment: Assignment, imported: Iterable[str]
) -> Change:
    """What the sources `new` change of `old`: path -> text, both."""
    units: set[str] = set()
    kernels: set[str] = set()
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        if before is None or after is None:
            return Change(f"{path} is {'new' if before is None else 'gone'}")
        if path.endswith(".py"):
            found = changed_units(before, after)
            if found is None:
                return Change(f"{path}, outside of functions")
            units |= {f"{path}:{name}" for name in found}
        elif path in assignment.layout.modules.values():
            exports = touched_exports(path, _of_module(path, old, assignment), _of_module(path, new, assignment))
            if exports is None:
                return Change(f"{path}, by all of its functions")
            kernels |= exports
        else:
            return Change(f"{path} is part of everything that is compiled")
    if at_import := units & set(imported):
        return Change(f"{sorted(at_import)[0]} runs when the tree is imported")
    return Change("", frozenset(units), frozenset(kernels))


def _of_module(path: str, texts: Mapping[str, str], assignment: Assignment) -> dict[str, str]:
    """The texts that the module of this source is compiled from: the source, its companions and the headers."""
    module = next(name for name, source in assignment.layout.modules.items() if source == path)
    own = {path, *assignment.layout.companions.get(module, ())}
    return {name: text for name, text in texts.items() if name in own or name.endswith(".h")}
