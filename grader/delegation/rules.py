"""Which answers the compiled modules must have computed: the table `delegation` of an assignment.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from grader.delegation.modes import KERNELS, MASKED, MODES, PLAIN, SEALED
from grader.tables import Table


@dataclass(frozen=True)
class Delegation:
    """What is asked again, and how."""

    # Of a topic (see topics.py): how many cases that pass are asked again; of one that may only be asked with altered
    # kernels one, because the others would say the same, and training takes longest.
    cases: int
    devices: tuple[str, ...]  # where a compiled module computes; elsewhere nothing is asked again
    # Patterns of what is asked: "module.function" of the probes' package, and ":word" where its first word follows, as
    # in "ops.forward:matmul". What is in several counts as the weakest says; what is in none is not asked again.
    sealed: tuple[str, ...] = ()  # NumPy may neither compute nor carry what these answer
    masked: tuple[str, ...] = ()  # NumPy may not compute it
    kernels: tuple[str, ...] = ()  # NumPy may compute some of it, but not all
    exempt: tuple[str, ...] = ()  # NumPy may compute it

    def mode_of(self, asked: str) -> str:
        """The mode for what is asked, as `asked_for` names it; PLAIN where it is not to be asked again."""
        kinds = ((PLAIN, self.exempt), (KERNELS, self.kernels), (MASKED, self.masked), (SEALED, self.sealed))
        for mode, patterns in kinds:
            if any(fnmatchcase(asked, pattern) for pattern in patterns):
                return mode
        return PLAIN

    def mode_for(self, asked: Iterable[str], device: str) -> str:
        """The mode for a case that asks all this on this device: the weakest of them."""
        modes = [self.mode_of(name) for name in asked] if device in self.devices else []
        return min(modes, key=MODES.index, default=PLAIN)

    def cases_for(self, mode: str) -> int:
        """How many cases of a topic that allows this mode are asked again."""
        return 1 if mode == KERNELS else self.cases


def asked_for(probe: Callable[..., Any], args: Sequence[Any]) -> str:
    """What a question asks for, in a word: "ops.forward:matmul", "conv.conv_forward"."""
    word = next((f":{value}" for value in args if isinstance(value, str)), "")
    return f"{probe.__module__.partition('.')[2]}.{probe.__qualname__}{word}"


def read_delegation(table: Table) -> Delegation:
    """The table's content. Raises UsageError for what is missing, misspelt or of the wrong kind."""
    kinds = (SEALED, MASKED, KERNELS, "exempt")
    patterns = {kind: table.texts(kind) if kind in table.data else () for kind in kinds}
    found = Delegation(table.whole("cases"), table.texts("devices"), **patterns)
    table.finish()
    return found
