"""Who is in the course, and the keys that speak for them. A key is in what is returned, once, and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.server import errors
from grader.server.book.gradebook import Person, find_user, to_person
from grader.server.book.roster_csv import Entry, read
from grader.server.book.roster_match import match
from grader.server.store import events, keys
from grader.server.store.models import Key, Role, Submission, User

# A login is part of addresses, file names, signed statements and CSV cells: no blank, no separator, nothing unseen.
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}")
_LENGTHS = {"name": 200, "email": 200, "section": 100, "canvas_id": 100, "sis_id": 100}


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    added: int
    updated: int
    unchanged: int
    deactivated: int  # who the file does not have, where that was asked for
    keys: tuple[tuple[str, str, str], ...]  # login, name, key of everybody who is new; shown once
    renamed: tuple[tuple[str, str], ...] = ()  # old and new login of who has another one now; they count as updated


@dataclass(frozen=True)
class Listed:
    """A person and the keys that work."""

    person: Person
    keys: tuple[str, ...]  # their first characters


class BadRoster(errors.Invalid):
    """A CSV file with wrong rows; nothing of it was stored."""

    def __init__(self, faults: Sequence[str]) -> None:
        """faults: one sentence for each wrong row, with its line."""
        super().__init__("\n".join([*faults, "Nothing was imported; correct the file and import it again."]))
        self.faults = tuple(faults)


def add(
    session: Session,
    actor: User | None,
    *,
    login: str,
    name: str,
    role: Role,
    now: datetime,
    email: str = "",
    section: str = "",
) -> tuple[Person, str]:
    """One person more, and their key. Raises errors.Invalid, errors.Conflict where the login is taken."""
    entry = Entry(0, login.strip(), name.strip(), role, {"email": email.strip(), "section": section.strip()})
    fault = _fault(entry)
    if fault:
        raise errors.Invalid(f"{fault[0].upper()}{fault[1:]}.")
    for user in session.scalars(select(User)):
        if user.login.casefold() == entry.login.casefold():
            raise errors.Conflict(
                f"There is somebody with the login {user.login!r} already: {user.name}; rotate their key for a new one."
            )
    user = _new_user(session, entry, now)
    key = keys.new_key(session, user, now)
    events.record(session, actor, "roster.added", user.login, role=user.role.value)
    return to_person(user), key


def import_csv(
    session: Session, actor: User | None, text: str | bytes, now: datetime, *, deactivate_missing: bool = False
) -> Imported:
    """Bring the roster to what the file says: add who is new, update who is there. See roster_csv for its forms.

    Somebody is known by their login, or by their IDs where that has changed (see roster_match): their login becomes the
    new one, and their keys stay. deactivate_missing: students that the file does not have have left; they and their
    points stay, their keys stop working. Nobody loses a key, a role is only changed where the file has a column for it.
    All or nothing: raises BadRoster with a sentence for each wrong row.
    """
    entries, faults = read(text)
    known = session.scalars(select(User)).all()
    matches = match(entries, known)
    for entry, found in zip(entries, matches, strict=True):
        fault = _fault(entry) or found.fault or _role_fault(session, found.user, entry)
        if fault:
            faults.append(f"Line {entry.line}: {fault}.")
    if faults:
        raise BadRoster(sorted(faults, key=_line_of))
    made, renamed, updated = [], [], 0
    for entry, found in zip(entries, matches, strict=True):
        if found.user is None:
            user = _new_user(session, entry, now)
            made.append((user.login, user.name, keys.new_key(session, user, now)))
            continue
        login = found.user.login
        if login.casefold() != entry.login.casefold():
            found.user.login = entry.login
            renamed.append((login, entry.login))
        updated += _update(found.user, entry) or found.user.login != login
    there = {found.user.id for found in matches if found.user is not None}
    gone = [user for user in known if user.id not in there and user.role is Role.STUDENT and user.active]
    for user in gone if deactivate_missing else ():
        user.active = False
    left = len(gone) if deactivate_missing else 0
    session.flush()
    events.record(
        session,
        actor,
        "roster.imported",
        f"{len(entries)} people",
        added=[login for login, _, _ in made],
        updated=updated,
        deactivated=[user.login for user in gone] if deactivate_missing else [],
    )
    for old, new in renamed:
        events.record(session, actor, "roster.renamed", new, old=old, new=new)
    return Imported(len(made), updated, len(entries) - len(made) - updated, left, tuple(made), tuple(renamed))


def listed(session: Session) -> tuple[Listed, ...]:
    """Everybody, by role and name, with the beginnings of the keys that work."""
    hints: dict[int, list[str]] = {}
    for user_id, hint in session.execute(
        select(Key.user_id, Key.hint).where(Key.revoked_at.is_(None)).order_by(Key.id)
    ):
        hints.setdefault(user_id, []).append(hint)
    people = [to_person(user) for user in session.scalars(select(User))]
    order = [Role.INSTRUCTOR, Role.GRADER, Role.STUDENT]
    people.sort(key=lambda person: (order.index(person.role), person.name.casefold(), person.login))
    return tuple(Listed(person, tuple(hints.get(person.id, ()))) for person in people)


def rotate(session: Session, actor: User | None, login: str, now: datetime) -> str:
    """A new key in place of all earlier ones. Raises errors.NotFound, errors.Invalid where the person has left."""
    user = find_user(session, login)
    if not user.active:
        raise errors.Invalid(f"{login} has left the course; import a roster that has them before they get a new key.")
    revoked = keys.revoke_all(session, user, now)
    key = keys.new_key(session, user, now)
    events.record(session, actor, "key.rotated", user.login, revoked=revoked)
    return key


def revoke(session: Session, actor: User | None, login: str, now: datetime) -> int:
    """No key of theirs works any more; how many did. Raises errors.NotFound."""
    user = find_user(session, login)
    revoked = keys.revoke_all(session, user, now)
    events.record(session, actor, "key.revoked", user.login, revoked=revoked)
    return revoked


def _new_user(session: Session, entry: Entry, now: datetime) -> User:
    user = User(
        login=entry.login, name=entry.name, role=entry.role or Role.STUDENT, active=True, created_at=now, **entry.more
    )
    session.add(user)
    session.flush()
    return user


def _update(user: User, entry: Entry) -> bool:
    """Bring a person up to date with their row; whether anything changed."""
    # An empty cell of an ID says nothing: without it the export would not find the student's row in Canvas again.
    more = {column: text for column, text in entry.more.items() if text or column not in ("canvas_id", "sis_id")}
    wanted = {"name": entry.name, "active": True, **more}
    if entry.role is not None:
        wanted["role"] = entry.role
    changed = {column: value for column, value in wanted.items() if getattr(user, column) != value}
    for column, value in changed.items():
        setattr(user, column, value)
    return bool(changed)


def _fault(entry: Entry) -> str | None:
    """What of a person cannot be stored or would harm whoever reads it."""
    if not _LOGIN.fullmatch(entry.login):
        return (
            f"the login is {entry.login!r:.60}; expected 1 to 100 of the letters a-z, digits and . _ @ + -, "
            "a letter, digit or _ first"
        )
    if not entry.name:
        return f"the name of {entry.login} is empty"
    for column, text in {"name": entry.name, **entry.more}.items():
        if len(text) > _LENGTHS[column]:
            return f"the {column} of {entry.login} has {len(text)} characters; expected at most {_LENGTHS[column]}"
        if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
            return f"the {column} of {entry.login} is {text!r:.60}; expected one line without control characters"
        if text[:1] in ("=", "@"):  # + and - begin telephone numbers and names that somebody really has
            return f"the {column} of {entry.login} is {text!r:.60}, which a spreadsheet would run as a formula"
    return None


def _role_fault(session: Session, user: User | None, entry: Entry) -> str | None:
    """Why somebody of the staff cannot become a student: what they submitted was held to no deadline and no limit."""
    if user is None or user.role is Role.STUDENT or entry.role is not Role.STUDENT:
        return None
    count = session.scalar(select(func.count()).select_from(Submission).where(Submission.user_id == user.id)) or 0
    if not count:
        return None
    submissions = f"{count} submission{'' if count == 1 else 's'}"
    return (
        f"{user.login} has the role {user.role.value} and {submissions}; made as staff, they were held to no deadline "
        "and no limit, and would count for a student; add the student under another login"
    )


def _line_of(fault: str) -> int:
    match = re.match(r"Line (\d+)", fault)
    return int(match[1]) if match else 0
