"""Statements about verified grades, and their signatures."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.mugrade import signature

pytest.importorskip("cryptography", reason="signatures need the package cryptography")

KEY, OTHER = "grader-key-of-a-test", "another-key"
TIMES = {"submitted_at": "2026-03-01T10:00:00+00:00", "graded_at": "2026-03-02T10:00:00+00:00"}
DOCUMENT: dict[str, Any] = {
    "schema": "needle-grade/1",
    "assignment": "hw4",
    "tree": "mwu7",
    "tree_hash": "ab" * 32,
    "seed": 7,
    "devices": ["cpu"],
    "selection": "",
    "score": 12.5,
    "max_score": 20.0,
    "problems": {
        "conv": {"bucket": "conv", "score": 2.5, "max_score": 10.0, "cases": 2},
        "rnn": {"bucket": "rnn", "score": 10.0, "max_score": 10.0, "cases": 1},
    },
    "cases": [
        {"id": "test_conv.py::test_a", "verdict": "pass", "message": "né"},
        {"id": "test_conv.py::test_b", "verdict": "fail", "message": ""},
    ],
    "environment": {"grader": "0.1.0"},
}


def stated(**changes: Any) -> str:
    """The statement about the grade with these changes."""
    return signature.statement({**DOCUMENT, **changes}, student="mwu7", suite_hash="cd" * 32, **TIMES)


def test_statement_says_everything_that_was_agreed() -> None:
    """Its content is the grade's, the student's and the times."""
    assert json.loads(stated()) == {
        "schema": "needle-verified/1",
        "assignment": "hw4",
        "student": "mwu7",
        "submission_hash": "ab" * 32,
        "suite_hash": "cd" * 32,
        "seed": 7,
        "devices": ["cpu"],
        **TIMES,
        "grader_version": "0.1.0",
        "points": {"conv": [2.5, 10.0], "rnn": [10.0, 10.0]},
        "verdicts": [["test_conv.py::test_a", "pass"], ["test_conv.py::test_b", "fail"]],
    }


def test_statement_is_canonical() -> None:
    """The same grade with its keys in another order is the same statement, without blanks."""
    assert stated() == stated(**dict(reversed(DOCUMENT.items())))
    assert stated() == json.dumps(json.loads(stated()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_statement_without_a_time_says_now() -> None:
    """A grade that does not know when it was made was made now, and the time has its offset."""
    text = signature.statement(DOCUMENT, student="mwu7", suite_hash="", submitted_at=None)
    assert datetime.fromisoformat(json.loads(text)["graded_at"]).tzinfo is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": "needle-grade/2"}, "the schema 'needle-grade/2'"),
        ({"selection": "conv"}, "only a part was graded"),
        ({"cases": [{"id": "a"}]}, "not complete: KeyError 'verdict'"),
        ({"problems": None}, "not complete"),
    ],
)
def test_statement_about_no_whole_grade_is_refused(changes: dict[str, Any], words: str) -> None:
    """What is not a grade of everything cannot be stated."""
    with pytest.raises(ValueError, match=words):
        stated(**changes)


def test_signature_is_verified() -> None:
    """What the holder of the key signed is found to be theirs."""
    assert signature.verify(stated(), signature.sign(stated(), KEY), signature.public_key(KEY))


@settings(derandomize=True, deadline=None)
@given(st.integers(0, len(stated()) - 1), st.characters(exclude_categories=["Cs"]))
def test_another_statement_has_another_signature(place: int, char: str) -> None:
    """One character changed, and the signature is none."""
    changed = stated()[:place] + char + stated()[place + 1 :]
    good = signature.verify(changed, signature.sign(stated(), KEY), signature.public_key(KEY))
    assert good == (changed == stated())


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 511))
def test_one_bit_makes_another_signature(bit: int) -> None:
    """One bit of the signature changed, and it is none."""
    changed = f"{int(signature.sign(stated(), KEY), 16) ^ (1 << bit):0128x}"
    assert not signature.verify(stated(), changed, signature.public_key(KEY))


@pytest.mark.parametrize(
    ("text", "sign", "key"),
    [
        ("x", "", ""),
        ("x", "zz" * 64, "00" * 32),
        ("x", "00" * 63, "00" * 32),
        ("x", "00" * 64, "00" * 31),
        ("x", "00" * 64, "é"),
        ("\ud800", "00" * 64, "00" * 32),
    ],
)
def test_what_is_malformed_is_not_verified(text: str, sign: str, key: str) -> None:
    """Whatever came over the wire, the answer is no and not an exception."""
    assert not signature.verify(text, sign, key)


def test_another_key_signs_otherwise() -> None:
    """Nobody else can sign for the grader."""
    assert not signature.verify(stated(), signature.sign(stated(), OTHER), signature.public_key(KEY))


def test_stored_hash_of_a_key_is_not_its_private_key() -> None:
    """A database that keeps SHA-256 of the key does not hold what one signs with."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    stored = hashlib.sha256(KEY.encode()).digest()
    assert Ed25519PrivateKey.from_private_bytes(stored).public_key().public_bytes_raw().hex() != (
        signature.public_key(KEY)
    )


def test_module_needs_no_package_that_students_lack() -> None:
    """Only who signs or verifies needs `cryptography`."""
    code = "import sys; import grader.mugrade.signature; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
