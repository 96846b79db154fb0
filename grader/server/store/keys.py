"""Keys: secrets that speak for a person. Random, shown once, kept as a hash, revoked but never deleted.

A key is `ndl_`, 32 random letters and digits, and 6 more that follow from those. The prefix lets a secret scanner, and
a person, recognise one in the wrong place; the last six tell a key that was mistyped or cut short from one that is not
known (any more), without asking the database. Letters and digits alone: no shell and no URL changes them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from grader.mugrade.signature import public_key
from grader.server.store.models import Key, User

PREFIX = "ndl_"
_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 32  # characters of 62: 190 bits
_CHECK = 6  # one mistyped key in 62^6, about 6 * 10^10, would pass for a real one
_HINT = len(PREFIX) + 6  # characters; what is left of the secret keeps 154 bits
PATTERN = re.compile(f"{PREFIX}[A-Za-z0-9]{{{_RANDOM + _CHECK}}}")  # what a log must never hold


_FIND = (  # built once: every request asks for it
    select(User, Key)
    .join(Key, Key.user_id == User.id)
    .where(Key.hash == bindparam("hash"), Key.revoked_at.is_(None), User.active.is_(True))
)


def new_key(session: Session, user: User, now: datetime) -> str:
    """A new key for the user. It is nowhere but in what is returned; earlier keys stay valid until revoked."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    text = body + _check(body)
    session.add(Key(user_id=user.id, hash=_hash(text), hint=text[:_HINT], verify_key=public_key(text), created_at=now))
    session.flush()
    return text


def find(session: Session, text: str) -> tuple[User, Key] | None:
    """Whose key it is; None where it is not known, was revoked, or its user has left."""
    if not well_formed(text):
        return None
    row = session.execute(_FIND, {"hash": _hash(text)}).first()
    return (row[0], row[1]) if row else None


def well_formed(text: str) -> bool:
    """Whether the text is a whole key, rightly typed; it may still be one that nobody was given."""
    return PATTERN.fullmatch(text) is not None and text[-_CHECK:] == _check(text[:-_CHECK])


def revoke(session: Session, key: Key, now: datetime) -> None:
    """From now on the key speaks for nobody. Revoked again, it keeps its first time."""
    session.execute(update(Key).where(Key.id == key.id, Key.revoked_at.is_(None)).values(revoked_at=now))


def revoke_all(session: Session, user: User, now: datetime) -> int:
    """Revoke every key of the user that is not revoked yet; how many those were."""
    live = session.scalars(select(Key).where(Key.user_id == user.id, Key.revoked_at.is_(None))).all()
    for key in live:
        key.revoked_at = now
    session.flush()
    return len(live)


def _hash(text: str) -> str:
    """SHA-256 is enough, and no salt: slow hashes are for passwords that can be guessed; nobody guesses 190 bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check(body: str) -> str:
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:8], "big")
    letters = []
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)
