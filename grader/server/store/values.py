"""Posted values and answers as the database holds them: zlib over their canonical JSON.

Kept whole, so that every submission can be judged anew under other answers. Nothing guards `unpack` against a small
blob that swells: only what `pack` wrote is ever unpacked, and that came from a body of at most 8 MB.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.mugrade import codec
from grader.server.errors import BadBody
from grader.server.store.models import Answer

_LEVEL = 3  # a third of the time of the default for a twentieth more bytes; a class posts thousands within a minute
_CACHED = 32  # answers, of the ten or so that an assignment has; each at most 8 MB as it came


@dataclass(frozen=True)
class Packed:
    """A value, ready to be stored."""

    data: bytes
    digest: str  # codec.digest of the value
    size: int  # bytes of its canonical JSON


def pack(value: Any) -> bytes:
    """The value's bytes for the database. Raises codec.CodecError."""
    return packed(value).data


def packed(value: Any) -> Packed:
    """`pack` and `codec.digest` in one pass over the value. Raises codec.CodecError."""
    text = codec.dumps(value)
    return Packed(zlib.compress(text, _LEVEL), hashlib.sha256(text).hexdigest(), len(text))


def unpack(data: bytes) -> Any:
    """The value that was packed."""
    return codec.loads(zlib.decompress(data))


def decoded(body: bytes) -> Any:
    """The value that a request's body is. Raises errors.BadBody."""
    try:
        return codec.loads(body)
    except codec.CodecError as error:
        sentence = str(error)
        raise BadBody(f"{sentence[:1].upper()}{sentence[1:]}.") from None


@dataclass(frozen=True)
class Answers:
    """A version of the answers to a problem, decoded."""

    id: int
    values: Sequence[Any]
    rtol: float
    atol: float


class AnswerCache:
    """The answers last judged by, decoded once. They never change, so an entry is never out of date."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[int, Answers] = OrderedDict()

    def get(self, session: Session, answer_id: int) -> Answers:
        """The answers of that id, which must be there."""
        with self._lock:
            if answer_id in self._found:
                self._found.move_to_end(answer_id)
                return self._found[answer_id]
        row = session.execute(select(Answer.values, Answer.rtol, Answer.atol).where(Answer.id == answer_id)).one()
        answers = Answers(answer_id, unpack(row[0]), row[1], row[2])
        with self._lock:
            self._found[answer_id] = answers
            while len(self._found) > _CACHED:
                self._found.popitem(last=False)
        return answers
