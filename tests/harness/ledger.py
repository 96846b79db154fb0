"""What stands in a database, before and after: a refused request adds nothing, and nothing ever takes anything away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.server.store.database import Database

Rows = dict[str, list[tuple[Any, ...]]]  # table -> its rows, by id


def rows(database: Database, *, without: Sequence[str] = ()) -> Rows:
    """Every row of every table that a grade rests on; of people and keys too."""
    from sqlalchemy import select

    from grader.server.store.models import APPEND_ONLY, Base

    names = [name for name in (*APPEND_ONLY, "users", "keys", "tallies") if name not in without]
    found: Rows = {}
    with database.read() as session:
        for name in names:
            table = Base.metadata.tables[name]
            found[name] = [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
    return found


def counts(database: Database) -> dict[str, int]:
    """Rows in each table to which rows are only added, but `events`: a refusal may be an event."""
    from sqlalchemy import func, select

    from grader.server.store.models import APPEND_ONLY, Base

    names = [name for name in APPEND_ONLY if name != "events"]
    wanted = [select(func.count()).select_from(Base.metadata.tables[name]).scalar_subquery() for name in names]
    with database.read() as session:
        return dict(zip(names, session.execute(select(*wanted)).one(), strict=True))


def still_there(before: Rows, after: Rows) -> None:
    """What was stored is stored, in its place and unchanged; tallies are derived, and may be more."""
    for name, known in before.items():
        if name not in ("tallies", "users", "keys"):
            assert after[name][: len(known)] == known, f"{name} has lost or changed rows"
