"""What the server refuses, with the status and the one sentence that the person reads.

    Problem
    ├── BadBody        400   not JSON, or not a value that the wire knows
    ├── Unauthorized   401   no key, or one that is not known or was revoked
    ├── Forbidden      403   not this person, not this role, not at this time
    ├── NotFound       404   no such assignment, problem, submission, student
    ├── Conflict       409   it would contradict what is stored
    ├── TooLarge       413   a body over the limit
    ├── Invalid        422   understood, and wrong: an index, a kind, a time
    ├── TooMany        429   an attempt limit
    └── Unavailable    503   the database cannot be reached or is busy: the same request will do later

Nothing of a refused request is stored. The sentences may be shown as they are; they are text, never HTML.
"""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """A request that is refused; its text is one sentence for a person: the thing, its value, what was expected."""

    status = 500

    def __init__(self, sentence: str, *, retry_after: int | None = None) -> None:
        """retry_after: seconds after which the same request may be accepted."""
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to the status."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class BadBody(Problem):
    """The body is not JSON, or holds what the wire does not know."""

    status = 400


class Unauthorized(Problem):
    """Nobody said who they are, or what they said is not true."""

    status = 401

    @property
    def headers(self) -> Mapping[str, str]:
        """RFC 9110 asks for WWW-Authenticate with every 401."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """It is known who they are, and they may not do this, or not now."""

    status = 403


class NotFound(Problem):
    """There is no such thing."""

    status = 404


class Conflict(Problem):
    """It would contradict what is stored."""

    status = 409


class TooLarge(Problem):
    """A body over the limit."""

    status = 413


class Invalid(Problem):
    """It was understood and is wrong."""

    status = 422


class TooMany(Problem):
    """An attempt limit is reached; `retry_after` says for how long."""

    status = 429


class Unavailable(Problem):
    """The database cannot be reached or is busy."""

    status = 503
