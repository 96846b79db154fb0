"""What became of a submission's files: what counted, what did not and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from grader.intake.entries import shown
from grader.intake.taking import is_obeyed

_MOST = 50  # names of a kind in a report; of the rest the number
_TOLD = 5  # of them in a sentence


@dataclass(frozen=True)
class Account:
    """What became of a submission's files. Names are fit for a report, sorted, and cut behind 50."""

    commit: str = ""  # the full id of the commit that it was taken from; "" where it was no commit
    taken: int = 0  # files of the submission that are graded
    given: int = 0  # files of the pristine tree that were put beside them
    changed: tuple[str, ...] = ()  # given files that the submission has otherwise: the change does not count
    ignored: tuple[str, ...] = ()  # its own files in graded folders that are not among those that may be changed
    unused: tuple[str, ...] = ()  # what would act unasked, hides another module, or is a link; each with the reason
    whole: tuple[str, ...] = ()  # taken though not editable, for want of a pristine tree
    compiled: int = 0  # compiled, cached or hidden files and folders in graded folders
    passed_over: int = 0  # other files and folders at which grading does not look
    editable: tuple[str, ...] = ()  # the assignment's patterns of what may be changed

    def told(self) -> list[str]:
        """A sentence for each kind of file that somebody who reads a report should know of."""
        kinds = (
            ("changed, which does not count (graded as they were given)", self.changed),
            (f"left out, as only {', '.join(self.editable)} may be changed or added", self.ignored),
            ("left out", self.unused),
            ("taken as handed in, as the assignment names no pristine tree", self.whole),
        )
        return [f"{words}: {_some(names)}" for words, names in kinds if names]

    def to_json(self) -> dict[str, Any]:
        """As data for a report."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Account:
        """The account that became such data. Raises TypeError for other data."""
        read: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**read)


NO_ACCOUNT = Account()


@dataclass
class Ledger:
    """An account while it is being drawn up."""

    editable: tuple[str, ...] = ()
    commit: str = ""
    notes: list[str] = field(default_factory=list)
    _names: dict[str, set[str]] = field(default_factory=dict)
    _hashes: dict[str, set[int]] = field(default_factory=dict)  # of names that are only counted: 100,000 of 256 KB each

    def never_taken(self, path: str, *, has_place: bool) -> None:
        """A file that is compiled, cached or hidden, or that would be obeyed."""
        if is_obeyed(path):
            self._add("unused", f"{shown(path)} (Python or pytest would obey it unasked)")
        else:
            self._count("compiled" if has_place else "passed over", path)

    def hiding(self, path: str, module: str) -> None:
        """A file that would be imported in the place of a module of Python, NumPy or the harness."""
        self._add("unused", f"{shown(path)} (it would hide the module {module}; give it another name)")

    def no_file(self, path: str, kind: str) -> None:
        """A link, a pipe or the like, where grading looks."""
        self._add("unused", f"{shown(path)} ({kind})")

    def passed_over(self, path: str) -> None:
        """A file or folder at which grading does not look."""
        self._count("passed over", path)

    def taken_whole(self, path: str) -> None:
        """A file that is taken though not editable."""
        self._add("whole", shown(path))

    def ignored(self, path: str) -> None:
        """A file where grading looks, and that is neither editable nor given."""
        self._add("ignored", shown(path))

    def changed(self, path: str) -> None:
        """A given file that the submission has otherwise."""
        self._add("changed", shown(path))

    def closed(self, taken: int, given: int) -> Account:
        """The account; taken, given: how many files were staged from the submission, and from the pristine tree."""
        return Account(
            self.commit,
            taken,
            given,
            _cut(self._names.get("changed", ())),
            _cut(self._names.get("ignored", ())),
            _cut(self._names.get("unused", ())),
            _cut(self._names.get("whole", ())),
            len(self._hashes.get("compiled", ())),
            len(self._hashes.get("passed over", ())),
            self.editable,
        )

    def _add(self, kind: str, name: str) -> None:
        self._names.setdefault(kind, set()).add(name)

    def _count(self, kind: str, name: str) -> None:
        self._hashes.setdefault(kind, set()).add(hash(name))


def _cut(names: Iterable[str]) -> tuple[str, ...]:
    ordered = sorted(names)
    return (*ordered[:_MOST], f"... and {len(ordered) - _MOST} more") if len(ordered) > _MOST else tuple(ordered)


def _some(names: Sequence[str]) -> str:
    more = "many" if len(names) > _MOST else str(len(names) - _TOLD)
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if len(names) > _TOLD else "")
