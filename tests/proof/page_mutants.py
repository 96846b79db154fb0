"""docs/proof.md, what became of the mutants of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proof.markdown import code, table
from proof.mutant_list import Mutated, Survivor

_HEAD = """`python -m proof --mutants all` changes single places in the solution regions of the reference, by the
operators of [cosmic-ray](https://cosmic-ray.readthedocs.io), and runs the cases that run the place, with three seeds at
most. This is what it found when it was run last. Changes that are right all the same stand below with the reason. What
earns nothing by itself, as MNISTDataset, is not mutated: no case asks for it.
"""


def mutation(files: Sequence[Mutated], sources: Mapping[str, str]) -> str:
    """The section; sources: file -> its hash now."""
    rows = [
        (
            item.file + ("" if sources.get(item.file) == item.source else " (changed since)"),
            str(item.made),
            str(item.made - len(item.survivors)),
            *_numbers_of(item.survivors),
        )
        for item in files
    ]
    made = [sum(int(row[column]) for row in rows) for column in range(1, 5)]
    rows.append(("**all**", *map(str, made)))
    alive = [
        (item.file, code(one.old), code(one.new), one.why or "**a hole**") for item in files for one in item.survivors
    ]
    text = "## Mutation\n\n" + _HEAD + "\n" + table(("file", "mutants", "noticed", "right", "holes"), rows)
    return text + ("\n" + table(("file", "is", "becomes", "why it may"), alive) if alive else "")


def _numbers_of(survivors: Sequence[Survivor]) -> tuple[str, str]:
    """Those that are right all the same, and holes."""
    right = sum(bool(one.why) for one in survivors)
    return str(right), str(len(survivors) - right)
