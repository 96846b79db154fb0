"""Which known person a row of a roster is about: the one of its login, or, where a login has changed, of its IDs.

A university renames logins when names change. Taken for somebody new, such a student would be in the course twice,
their grade under the old login and their row in Canvas with the new one, to which the export would send a 0. An ID from
Canvas or the student information system stays, so it tells who somebody is. Where it leaves a doubt the file is
refused, for a guess would give one student's grade to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.server.book.roster_csv import Entry
from grader.server.store.models import User

_IDS = {"canvas_id": "Canvas ID", "sis_id": "SIS ID"}  # column of users -> in words


@dataclass(frozen=True)
class Match:
    """What is known of a row's person."""

    user: User | None  # None: they are new, or there is a fault
    fault: str = ""  # what speaks against the row, without its line


def match(entries: Sequence[Entry], known: Sequence[User]) -> list[Match]:
    """For each row, in their order, whom of the known people it is about."""
    matcher = _Matcher(entries, known)
    return [matcher.match(entry) for entry in entries]


class _Matcher:
    def __init__(self, entries: Sequence[Entry], known: Sequence[User]) -> None:
        self._logins = {user.login.casefold(): user for user in known}
        self._holders: dict[tuple[str, str], list[User]] = {}  # column and ID -> who has it
        for user in known:
            for column in _IDS:
                if value := getattr(user, column):
                    self._holders.setdefault((column, value), []).append(user)
        # Where the file has each login and each ID first, and each person whom only an ID has told.
        self._login_lines: dict[str, int] = {}
        self._id_lines: dict[tuple[str, str], int] = {}
        for entry in entries:
            self._login_lines.setdefault(entry.login.casefold(), entry.line)
            for given in _given(entry):
                self._id_lines.setdefault(given, entry.line)
        self._renamed_on: dict[int, int] = {}  # users.id -> line

    def match(self, entry: Entry) -> Match:
        if (first := self._login_lines[entry.login.casefold()]) != entry.line:
            return Match(None, f"the login {entry.login!r} is on line {first} already")
        for given in _given(entry):
            if (first := self._id_lines[given]) != entry.line:
                return Match(None, f"{_shown(given)} is on line {first} already")
        user = self._logins.get(entry.login.casefold())
        return self._renamed(entry) if user is None else self._same(entry, user)

    def _same(self, entry: Entry, user: User) -> Match:
        """A row with a known login: its IDs are nobody else's."""
        for given in _given(entry):
            for holder in self._holders.get(given, ()):
                if holder is not user:
                    return Match(
                        None,
                        f"{_shown(given)} is that of {holder.login}, and the login that of {user.login}; expected an "
                        f"ID that is nobody else's, or an empty cell to keep what is known of {user.login}",
                    )
        return Match(user)

    def _renamed(self, entry: Entry) -> Match:
        """A row with a new login: somebody new, or whom its IDs tell."""
        found = [(given, holder) for given in _given(entry) for holder in self._holders.get(given, ())]
        if not found:
            return Match(None)
        given, user = found[0]
        for other, holder in found[1:]:
            if holder is not user:
                return Match(
                    None,
                    f"nobody has the login {entry.login!r} yet, {_shown(given)} is that of {user.login}, and "
                    f"{_shown(other)} that of {holder.login}; expected IDs of one person, or of nobody",
                )
        line = self._login_lines.get(user.login.casefold()) or self._renamed_on.get(user.id)
        if line is not None:
            return Match(
                None, f"{_shown(given)} is that of {user.login}, who is on line {line}; expected one row for a person"
            )
        self._renamed_on[user.id] = entry.line
        return Match(user)


def _given(entry: Entry) -> list[tuple[str, str]]:
    """The IDs that the row has; an empty cell says nothing."""
    return [(column, entry.more[column]) for column in _IDS if entry.more.get(column)]


def _shown(given: tuple[str, str]) -> str:
    column, value = given
    return f"the {_IDS[column]} {value!r:.60}"
