"""`publish`: the reference's answers, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fake_mugrade
import pytest
from conftest import lay_over
from fake_mugrade import KEY, FakeMugrade, say

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.mugrade import codec
from grader.mugrade.client import Client, SubmitError
from grader.submission.publish import publish
from grader.submission.screen import Screen


@pytest.fixture
def fake(toy: Assignment) -> Iterator[FakeMugrade]:
    """A server without answers, and the key of an instructor."""
    with fake_mugrade.running(toy, {}) as found:
        found.role = "instructor"
        yield found


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some of the toy's submissions."""
    folder = tmp_path_factory.mktemp("trees")
    for name in ("good", "nan", "raises", "does_not_compile"):
        lay_over(name, folder / name)
    return folder


def run(fake: FakeMugrade, toy: Assignment, tree: Path, select: str = "") -> int:
    """Publish the tree's answers; the exit status."""
    client = Client(fake.url, KEY, sleep=lambda seconds: None)
    return publish(client, toy, tree, select=select, sandbox="none", screen=Screen())


def test_answers_are_published(
    fake: FakeMugrade, toy: Assignment, trees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each problem's values are one list; it says what became of them and where to look."""
    assert run(fake, toy, trees / "good") == 0
    assert {name: len(codec.loads(body)) for name, body in fake.published.items()} == {"add": 2, "scale": 3, "total": 2}
    assert capsys.readouterr().out.splitlines() == [
        "toy: three functions on vectors",
        f"to {fake.url} as ada (Lovelace, Ada)",
        "add: 2 cases; version 1 is active",
        "scale: 3 cases; version 1 is active",
        "total: 2 cases; version 1 is active",
        f"All versions: {fake.url}a/toy/answers",
    ]


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (
            {"version": 3, "state": "pending", "changes": 12, "answer_id": 7},
            "scale: 3 cases; version 3 waits to be applied: it would change the points of 12 students",
        ),
        ({"version": 2, "state": "unchanged"}, "scale: 3 cases; the same as version 2, which stays"),
        ({}, "scale: 3 cases; published"),
    ],
)
def test_what_becomes_of_answers_is_said(
    fake: FakeMugrade,
    toy: Assignment,
    trees: Path,
    capsys: pytest.CaptureFixture[str],
    reply: dict[str, object],
    line: str,
) -> None:
    """Active, waiting, or the same as before; the original server says nothing."""
    fake.publish_reply = reply
    assert run(fake, toy, trees / "good", "scale") == 0
    out = capsys.readouterr().out.splitlines()
    assert line in out
    assert (f"  see who, and apply it: {fake.url}a/toy/answers/7" in out) == ("answer_id" in reply)
    assert list(fake.published) == ["scale"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ("raises", "scale, case 1 (by 2.5): scale raised IndexError"),
        ("nan", "scale, case 1 (by 2.5): the value holds NaN"),
        ("does_not_compile", "src/native.cc does not compile"),
    ],
)
def test_half_an_answer_is_none(
    fake: FakeMugrade, toy: Assignment, trees: Path, capsys: pytest.CaptureFixture[str], tree: str, words: str
) -> None:
    """Where one case has no value, nothing is published, the good problems neither."""
    assert run(fake, toy, trees / tree) == 1
    out, err = capsys.readouterr()
    assert words in out
    assert err.splitlines()[-1] == "error: some cases have no answer that could be published; nothing was published."
    assert fake.published == {}


def test_only_an_instructor_publishes(fake: FakeMugrade, toy: Assignment, trees: Path) -> None:
    """It is said before anything is compiled."""
    fake.role = "student"
    with pytest.raises(SubmitError, match="a student: only an instructor publishes"):
        run(fake, toy, trees / "good")


def test_server_of_another_checkout_is_refused(fake: FakeMugrade, toy: Assignment, trees: Path) -> None:
    """Where its cases are others, the answers would be compared with the wrong ones."""
    problems = fake._described()["problems"]
    problems[1]["cases"] = ["another"]
    fake.assignment_changes = {"problems": problems}
    with pytest.raises(SubmitError, match=r"has other cases of scale than .* start it anew with this checkout"):
        run(fake, toy, trees / "good")


def test_selection_that_is_none_is_refused(fake: FakeMugrade, toy: Assignment, trees: Path) -> None:
    """Before the server is asked."""
    with pytest.raises(UsageError, match="-k has value 'nothing', which selects no problem"):
        run(fake, toy, trees / "good", "nothing")
    assert fake.requests == []


def test_lost_reply_publishes_once(fake: FakeMugrade, toy: Assignment, trees: Path) -> None:
    """A reply that did not come is asked for again."""
    fake.faults["/publish"] = [fake_mugrade.LOSE, say(503)]
    assert run(fake, toy, trees / "good", "add") == 0
