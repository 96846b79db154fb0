"""`post`: verified grades, signed, each once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_mugrade
import pytest
from fake_mugrade import KEY, LOSE, FakeMugrade, say
from toy_grades import made

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.mugrade import signature
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.report.document import to_json
from grader.submission import verified
from grader.submission.screen import Screen

pytest.importorskip("cryptography", reason="signatures need the package cryptography")


@pytest.fixture
def fake(toy: Assignment) -> Iterator[FakeMugrade]:
    """A server, and the key of a grader."""
    with fake_mugrade.running(toy, {}) as found:
        found.role = "grader"
        yield found


def graded(folder: Path, tree: str, **changes: Any) -> Path:
    """A folder of reports on a tree of that name."""
    (folder / tree).mkdir(exist_ok=True)
    document = {**json.loads(to_json(made(tree=tree, environment={"grader": "0.1.0"}))), **changes}
    (folder / tree / "grade.json").write_text(json.dumps(document))
    os.utime(folder / tree / "grade.json", (1_800_000_000, 1_800_000_000))
    return folder / tree


def run(fake: FakeMugrade, *folders: Path, student: str = "", submitted_at: str = "") -> int:
    """Post them; the exit status."""
    client = Client(fake.url, KEY, sleep=lambda seconds: None)
    grades = verified.read(folders, student=student, submitted_at=submitted_at)
    return verified.post(client, KEY, grades, Screen())


def test_grade_is_signed_and_posted(fake: FakeMugrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The statement is the grade's, and the signature the key's."""
    assert run(fake, graded(tmp_path, "ada"), submitted_at="2026-03-01T23:10:00+01:00") == 0
    ((statement, signed),) = fake.statements
    assert signature.verify(statement, signed, signature.public_key(KEY))
    stated = json.loads(statement)
    assert (stated["student"], stated["submission_hash"], stated["suite_hash"]) == ("ada", "0123", "4567")
    assert stated["submitted_at"] == "2026-03-01T23:10:00+01:00"
    assert stated["graded_at"] == "2027-01-15T08:00:00+00:00"
    assert capsys.readouterr().out == "ada: 5.5 / 7.0, recorded\n"


def test_class_is_posted_at_once(fake: FakeMugrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is refused costs the others nothing, and the status says so."""
    folders = [graded(tmp_path, name) for name in ("ada", "nobody", "bob")]
    assert run(fake, *folders) == 4
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "ada: 5.5 / 7.0, recorded",
        "nobody: not posted: There is no student 'nobody'.",
        "bob: 5.5 / 7.0, recorded",
    ]
    assert err == "error: 1 of 3 grades could not be posted; see above.\n"


def test_grades_that_change_no_total_say_so(
    fake: FakeMugrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where self-reported points count, once for all, with what would change that; not where nothing was recorded."""
    fake.verified_counts = False
    folders = [graded(tmp_path, name) for name in ("ada", "bob")]
    assert (run(fake, *folders), run(fake, *folders)) == (0, 0)
    assert capsys.readouterr().out.splitlines() == [
        "ada: 5.5 / 7.0, recorded",
        "bob: 5.5 / 7.0, recorded",
        "recorded; toy counts self-reported grades, so it stands beside them "
        "(python -m grader policy toy --official verified changes that)",
        "ada: 5.5 / 7.0, recorded before",
        "bob: 5.5 / 7.0, recorded before",
    ]


def test_server_that_does_not_tell_what_counts(
    fake: FakeMugrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said that is not known."""
    fake.verified_counts = None
    assert run(fake, graded(tmp_path, "ada")) == 0
    assert capsys.readouterr().out == "ada: 5.5 / 7.0, recorded\n"


def test_posting_again_records_nothing_new(
    fake: FakeMugrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same grade gives the same statement, whenever it is posted."""
    folder = graded(tmp_path, "ada")
    assert (run(fake, folder), run(fake, folder)) == (0, 0)
    assert capsys.readouterr().out.splitlines() == ["ada: 5.5 / 7.0, recorded", "ada: 5.5 / 7.0, recorded before"]
    assert len(fake.statements) == 1


def test_lost_reply_is_done(fake: FakeMugrade, tmp_path: Path) -> None:
    """The answer to the second attempt is that it is recorded."""
    fake.faults["/api/verified"] = [LOSE]
    assert run(fake, graded(tmp_path, "ada")) == 0
    assert len(fake.statements) == 1


def test_student_may_be_named(fake: FakeMugrade, tmp_path: Path) -> None:
    """Where the tree is not called as the student is."""
    run(fake, graded(tmp_path, "hw4"), student="ada")
    assert json.loads(fake.statements[0][0])["student"] == "ada"


def test_one_name_is_not_for_several(tmp_path: Path) -> None:
    """All would be the same student's."""
    folders = [graded(tmp_path, name) for name in ("ada", "bob")]
    with pytest.raises(UsageError, match="--student has value 'eve' for 2 folders"):
        verified.read(folders, student="eve", submitted_at="")


def test_one_student_has_one_grade(tmp_path: Path) -> None:
    """Of two folders of one student nobody could say which is meant."""
    folder = graded(tmp_path, "ada")
    with pytest.raises(UsageError, match="are both of the student 'ada'"):
        verified.read([folder, folder], student="", submitted_at="")


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T23:10:00", "2026-03-01"])
def test_time_without_its_zone_is_refused(tmp_path: Path, text: str) -> None:
    """Nobody could say which moment it is."""
    with pytest.raises(UsageError, match=r"--submitted-at has value .* ISO 8601 with the offset"):
        verified.read([graded(tmp_path, "ada")], student="", submitted_at=text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"selection": "conv"}, "only a part was graded"),
        ({"schema": "needle-grade/9"}, "the schema 'needle-grade/9'"),
        ({"suite_hash": ""}, "has no suite_hash"),
        ({"tree_hash": "", "fault": "is not a tree of toy"}, "has no tree_hash.*: is not a tree of toy"),
        ({"problems": 1}, "not complete"),
        ({"score": "x"}, "cannot be posted"),
        ({"score": None}, "cannot be posted"),
    ],
)
def test_what_is_no_whole_grade_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """Of several, none is posted then."""
    with pytest.raises(UsageError, match=words):
        verified.read([graded(tmp_path, "bob"), graded(tmp_path, "ada", **changes)], student="", submitted_at="")


@pytest.mark.parametrize("text", ["", "[]", "{", "\x80"])
def test_file_that_is_no_grade_is_refused(tmp_path: Path, text: str) -> None:
    """One sentence."""
    (tmp_path / "grade.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"grade\.json (cannot be read|holds no grade)"):
        verified.read([tmp_path], student="", submitted_at="")


def test_folder_without_a_grade_is_refused(tmp_path: Path) -> None:
    """It says who writes such folders."""
    with pytest.raises(UsageError, match=r"grade\.json is not there; expected a folder that `python -m grader grade`"):
        verified.read([tmp_path], student="", submitted_at="")


def test_grades_are_a_graders(fake: FakeMugrade, tmp_path: Path) -> None:
    """A student's key is refused before anything is signed with it."""
    fake.role = "student"
    with pytest.raises(SubmitError, match="a student: verified grades are a grader's"):
        run(fake, graded(tmp_path, "ada"))
    assert fake.paths("/api/verified") == []


@pytest.mark.parametrize("status", [401, 500, 503])
def test_server_that_takes_nothing_ends_it(fake: FakeMugrade, tmp_path: Path, status: int) -> None:
    """The others would fare no better."""
    fake.faults["/api/verified"] = [say(status, "no", Retry_After="999")]
    with pytest.raises((SubmitError, Unreachable)):
        run(fake, graded(tmp_path, "ada"), graded(tmp_path, "bob"))
    assert len(fake.paths("/api/verified")) == 1
