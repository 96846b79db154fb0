"""Verified grades: what is stated of a grade, signed with the key of the grader that found it.

A grader's key is a bearer key; its Ed25519 private key is SHA-256(b"needle-grader signature v1\\0" + key). The server
keeps the public half only, so that whoever reads its database can neither speak as the grader nor sign. The server
judges the statement's text as it was signed, and so never has to write it again the same.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from grader.report.document import SCHEMA as GRADE_SCHEMA

if TYPE_CHECKING:  # a student's machine does not have it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA = "needle-verified/1"
_PURPOSE = b"needle-grader signature v1\0"  # else a hash of the key that somebody else stores could be the private key


def statement(
    document: dict[str, Any],
    *,
    student: str,
    suite_hash: str,
    submitted_at: str | None,
    graded_at: str | None = None,
) -> str:
    """What is stated of a grade: canonical JSON (sorted keys, no blanks) with the schema needle-verified/1.

    document: the content of grade.json. submitted_at, graded_at: ISO 8601 with an offset; no graded_at is now. Raises
    ValueError where the document is not a whole grade of a tree.
    """
    if document.get("schema") != GRADE_SCHEMA:
        raise ValueError(f"the grade has the schema {document.get('schema')!r:.80}; expected {GRADE_SCHEMA!r}")
    if document.get("selection") != "":
        raise ValueError(f"only a part was graded (-k {document.get('selection')}); expected a grade of everything")
    try:
        stated = {
            "schema": SCHEMA,
            "assignment": document["assignment"],
            "student": student,
            "submission_hash": document["tree_hash"],
            "suite_hash": suite_hash,
            "seed": document["seed"],
            "devices": document["devices"],
            "submitted_at": submitted_at,
            "graded_at": graded_at or datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "grader_version": document["environment"]["grader"],
            "points": {name: [item["score"], item["max_score"]] for name, item in document["problems"].items()},
            "verdicts": [[case["id"], case["verdict"]] for case in document["cases"]],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the grade is not complete: {type(error).__name__} {error}") from None
    return json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sign(statement: str, key: str) -> str:
    """The signature of the statement's UTF-8, hexadecimal (128 digits)."""
    return _private_key(key).sign(statement.encode("utf-8")).hex()


def verify(statement: str, signature_hex: str, public_key_hex: str) -> bool:
    """Whether the holder of the private key signed exactly this statement. False for whatever is malformed, too."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex))
        public_key.verify(bytes.fromhex(signature_hex), statement.encode("utf-8"))
    except (ValueError, InvalidSignature):  # UnicodeEncodeError is a ValueError
        return False
    return True


def public_key(key: str) -> str:
    """The public half of the key's signing key, hexadecimal (64 digits)."""
    return _private_key(key).public_key().public_bytes_raw().hex()


def _private_key(key: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(_PURPOSE + key.encode("utf-8")).digest())
