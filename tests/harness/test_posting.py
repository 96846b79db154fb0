"""Posting answers: each case once, whatever is interrupted, and nothing that could not be judged."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_mugrade
import numpy as np
import pytest
from fake_mugrade import KEY, LOSE, FakeMugrade, say

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.submission import posting
from grader.submission.answers import CaseAnswer, ProblemAnswers
from grader.submission.posting import CaseOutcome, Poster, ProblemOutcome, Refused, Result, nothing_to_post
from grader.submission.state import Attempt, States

RIGHT: dict[str, list[Any]] = {"scale": [np.array([1.0, 2.0]), np.array([3.0]), np.array([4.0])]}
DOWN = [say(503, "It is away.")] * 20
Outcomes = list[tuple[Result, bool]]


@pytest.fixture
def fake(toy: Assignment) -> Iterator[FakeMugrade]:
    """A server that has answers to the toy's `scale`, of three cases."""
    with fake_mugrade.running(toy, RIGHT) as found:
        yield found


class Student:
    """A checkout of one student."""

    def __init__(self, fake: FakeMugrade, toy: Assignment, folder: Path) -> None:
        self.folder = folder / "submissions"
        self.toy = toy
        self.client = Client(fake.url, KEY, sleep=lambda seconds: None)
        self.seen: list[CaseOutcome] = []
        self.notes: list[str] = []
        self.resumed = 0

    def answers(self, *values: Any) -> ProblemAnswers:
        """Answers to `scale`: an exception stands for the reason why there is none."""
        problem = self.toy.problem("scale")
        cases = [
            CaseAnswer(i, title, *((None, str(value)) if isinstance(value, Exception) else (value, "")))
            for i, (title, value) in enumerate(zip(problem.submission_cases, values, strict=True))
        ]
        return ProblemAnswers(problem, tuple(cases))

    def post(self, values: Sequence[Any], tree_hash: str = "ab" * 32, *, through: bool = True) -> ProblemOutcome:
        """Post these values, as a run of its own would; not `through`: it is interrupted after this problem."""
        self.seen.clear()
        self.notes.clear()
        poster = Poster(self.client, States(self.folder), self.toy, "ada", tree_hash)
        with States(self.folder).exclusively(lambda: None):
            outcome = poster.post(self.answers(*values), self._resumed, self.seen.append, self.notes.append)
            if through:
                poster.forget()
        return outcome

    def _resumed(self) -> None:
        self.resumed += 1

    def states(self) -> list[Path]:
        """The submissions that are remembered."""
        return sorted(self.folder.glob("*.json"))

    @property
    def results(self) -> Outcomes:
        """What was told of each case: its result, and whether it was judged before."""
        return [(case.result, case.before) for case in self.seen]


@pytest.fixture
def student(fake: FakeMugrade, toy: Assignment, tmp_path: Path) -> Student:
    """A student of that server."""
    return Student(fake, toy, tmp_path)


CORRECT, WRONG, NO_ANSWER, NOT_POSTED = Result.CORRECT, Result.WRONG, Result.NO_ANSWER, Result.NOT_POSTED
VALUES = RIGHT["scale"]


# -- one run --------------------------------------------------------------------------------------------------------


def test_whole_problem_is_posted(fake: FakeMugrade, student: Student) -> None:
    """Every case is judged once, the points are the server's, and nothing is left to be remembered."""
    outcome = student.post(VALUES)
    assert student.results == [(CORRECT, False)] * 3
    assert (outcome.points, outcome.max_points, outcome.correct) == (3.0, 3.0, 3)
    assert fake.judgements == [("s1", 0), ("s1", 1), ("s1", 2)]
    assert fake.opened[0].tree_hash == "ab" * 32
    assert student.states() == []


def test_what_cannot_be_judged_is_not_posted(
    fake: FakeMugrade, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case without an answer, or with NaN, counts as wrong; the others keep their places."""
    outcome = student.post([ValueError("scale raised"), np.array([np.nan]), VALUES[2]])
    assert student.results == [(NO_ANSWER, False), (NO_ANSWER, False), (CORRECT, False)]
    assert [case.message for case in student.seen[:2]] == [
        "scale raised",
        "the value holds NaN at index [0]; expected finite numbers",
    ]
    assert fake.judgements == [("s1", 2)]
    assert outcome.points == 1.0


def test_value_that_is_too_large_is_not_posted(
    fake: FakeMugrade, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server would refuse for its size does not travel."""
    monkeypatch.setattr(posting, "MAX_BYTES", 60)
    student.post([np.zeros(100), VALUES[1], VALUES[2]])
    assert student.results[0] == (NO_ANSWER, False)
    assert "takes 439 bytes as text; at most 60 are taken" in student.seen[0].message


def test_nothing_to_post_opens_no_submission(fake: FakeMugrade, student: Student) -> None:
    """An untouched problem costs no attempt, and the server hears nothing of it."""
    outcome = student.post([ValueError("no")] * 3)
    assert (outcome.points, outcome.max_points, outcome.state) == (0.0, 3.0, None)
    assert fake.requests == []
    assert nothing_to_post(student.answers(*[ValueError("no")] * 3)) == outcome
    assert nothing_to_post(student.answers(ValueError("no"), 1.0, 2.0)) is None


def test_wrong_case_says_what_the_server_says(fake: FakeMugrade, student: Student) -> None:
    """The server's message is shown."""
    student.post([VALUES[0], VALUES[1] + 1, VALUES[2]])
    assert student.results == [(CORRECT, False), (WRONG, False), (CORRECT, False)]
    assert student.seen[1].message == "some values differ, the first at [0]"


def test_original_server_is_enough(fake: FakeMugrade, student: Student) -> None:
    """Without the extension the points are our own count of its verdicts."""
    fake.extension = False
    outcome = student.post([VALUES[0], VALUES[1] + 1, VALUES[2]])
    assert (outcome.state, outcome.points, outcome.max_points) == (None, 2.0, 3.0)


def test_account_that_cannot_be_had_undoes_nothing(fake: FakeMugrade, student: Student) -> None:
    """Once all cases are judged, the points are known."""
    fake.faults["/api/submissions/s1"] = DOWN
    assert student.post(VALUES).points == 3.0
    assert student.states() == []


# -- interrupted ----------------------------------------------------------------------------------------------------


def interrupt(fake: FakeMugrade, student: Student, after: int, values: Sequence[Any] = VALUES) -> None:
    """A run whose server goes away after so many cases; a case's reply is lost on top."""
    fake.faults["/submit_test"] = [say(503)] * 20
    for _ in range(after):
        fake.faults["/submit_test"].insert(0, NONE)
    fake.faults["/submit_test"].insert(after, LOSE)
    with pytest.raises(Unreachable):
        student.post(values)
    fake.faults.clear()


NONE: Any = None  # in a list of faults: this request is answered as it should be


@pytest.mark.parametrize("after", [0, 1, 2])
def test_interrupted_submission_is_gone_on_with(fake: FakeMugrade, student: Student, after: int) -> None:
    """What was judged is shown and not posted again, also the case whose reply was lost; the rest is posted."""
    interrupt(fake, student, after)
    known = after + 1
    assert fake.judgements == [("s1", i) for i in range(known)]
    outcome = student.post(VALUES)
    assert student.results == [(CORRECT, i < known) for i in range(3)]
    assert fake.judgements == [("s1", 0), ("s1", 1), ("s1", 2)]
    # Where the last reply was lost, nothing is left to be gone on with.
    assert (len(fake.opened), student.resumed, len(student.notes)) == (1, int(known < 3), int(known == 3))
    assert (outcome.points, student.states()) == (3.0, [])


def test_state_is_private_and_holds_no_secret(fake: FakeMugrade, student: Student) -> None:
    """The file is for its owner alone, has neither key nor values, and is in its place in full."""
    interrupt(fake, student, 1)
    (file,) = student.states()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(student.folder.stat().st_mode) == 0o700
    text = file.read_text()
    assert "s3cret" not in text
    assert set(json.loads(text)) == {
        "schema", "token", "server", "assignment", "problem", "login", "tree_hash", "values"
    }  # fmt: skip
    assert sorted(path.name for path in student.folder.iterdir()) == sorted([file.name, "lock"])


def test_state_is_there_before_anything_is_opened(fake: FakeMugrade, student: Student) -> None:
    """Whenever we are killed, the token that the server may have is known."""
    seen: list[str] = []
    look = fake_mugrade.Fault("lose", then=lambda: seen.extend(path.read_text() for path in student.states()))
    fake.faults["/submit"] = [look]
    student.post(VALUES)
    assert [json.loads(text)["token"] for text in seen] == [fake.opened[0].token]
    assert len(fake.opened) == 1


CHANGES: dict[str, Callable[[Student], ProblemOutcome]] = {
    "other values": lambda student: student.post([VALUES[0], VALUES[1], VALUES[2] + 1]),
    "one value less": lambda student: student.post([VALUES[0], VALUES[1], ValueError("no")]),
    "another tree": lambda student: student.post(VALUES, tree_hash="cd" * 32),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_answers_are_another_submission(fake: FakeMugrade, student: Student, change: str) -> None:
    """A changed tree begins anew: nothing of the old submission counts for it."""
    interrupt(fake, student, 0)
    CHANGES[change](student)
    assert len(fake.opened) == 2
    assert fake.opened[0].token != fake.opened[1].token
    assert student.resumed == 0
    assert not any(before for _, before in student.results)


def closed(fake: FakeMugrade) -> None:
    fake.opened[0].open = False


def other_value(fake: FakeMugrade) -> None:
    fake.opened[0].judged[0] = ("00" * 32, True, "")


def refuses(fake: FakeMugrade) -> None:
    fake.faults["/submit"] = [say(409, "This submission was open for an hour.")]


def forgotten(fake: FakeMugrade) -> None:
    fake.opened[0].token = "another"


@pytest.mark.parametrize("happens", [closed, other_value, refuses, forgotten])
def test_submission_that_cannot_be_gone_on_with_begins_anew(
    fake: FakeMugrade, student: Student, happens: Callable[[FakeMugrade], None]
) -> None:
    """Where the server no longer takes its cases, all of them are posted to a new one."""
    interrupt(fake, student, 0)
    happens(fake)
    student.post(VALUES)
    assert student.results == [(CORRECT, False)] * 3
    assert student.notes == []
    assert fake.judgements[1:] == [("s2", 0), ("s2", 1), ("s2", 2)]
    assert student.states() == []


def test_complete_submission_is_shown_again(fake: FakeMugrade, student: Student) -> None:
    """Killed between the last verdict and the end, the next run shows the verdicts; it costs no further attempt."""
    interrupt(fake, student, 2)
    closed(fake)
    assert student.post(VALUES).points == 3.0
    assert student.results == [(CORRECT, True)] * 3
    assert len(fake.opened) == 1


def test_finished_submission_is_not_the_next_one(fake: FakeMugrade, student: Student) -> None:
    """Submitting the same answers once more is a new attempt."""
    student.post(VALUES)
    student.post(VALUES)
    assert len(fake.opened) == 2


def test_problem_that_was_finished_is_not_posted_again(fake: FakeMugrade, student: Student) -> None:
    """Interrupted in a later problem, the next run shows this one's verdicts, also wrong ones, and posts nothing."""
    values = [VALUES[0], VALUES[1] + 1, ValueError("no")]
    first = student.post(values, through=False)
    fake.requests.clear()
    assert student.post(values) == replace(first, cases=tuple(replace(c, before=c.index < 2) for c in first.cases))
    assert student.results == [(CORRECT, True), (WRONG, True), (NO_ANSWER, False)]
    assert student.notes == ["posted by the run that was interrupted; nothing is posted again"]
    assert fake.paths("/submit_test") == []
    assert (len(fake.opened), student.states()) == (1, [])


@pytest.mark.parametrize("change", CHANGES)
def test_finished_problem_of_another_tree_is_posted(fake: FakeMugrade, student: Student, change: str) -> None:
    """What a changed tree answers is always posted, and then the first tree's again: the last one may count."""
    student.post(VALUES, through=False)
    CHANGES[change](student)
    assert (len(fake.opened), any(before for _, before in student.results)) == (2, False)
    student.post(VALUES)
    assert (len(fake.opened), student.results) == (3, [(CORRECT, False)] * 3)


@pytest.mark.parametrize("days", [-1.1, 1.1])
def test_state_of_another_day_is_dropped(fake: FakeMugrade, student: Student, days: float) -> None:
    """Who runs the same command a day later means to submit anew; and nothing half written stays for ever."""
    student.post(VALUES, through=False)
    (file,) = student.states()
    os.utime(file, (time.time() + days * 86_400,) * 2)
    (student.folder / "tmp1.new").write_text("{")
    states = States(student.folder)
    assert not states.under_way(student.client.server, "toy", "scale", "ada")
    student.post(VALUES)
    assert (len(fake.opened), student.results) == (2, [(CORRECT, False)] * 3)
    assert [path.name for path in student.folder.iterdir()] == ["lock"]


def test_what_is_under_way_is_known(fake: FakeMugrade, student: Student) -> None:
    """Of this problem, this server and this login, whatever the tree."""
    states, server = States(student.folder), student.client.server
    assert not states.under_way(server, "toy", "scale", "ada")
    interrupt(fake, student, 0)
    assert states.under_way(server, "toy", "scale", "ada")
    assert not states.under_way(server, "toy", "add", "ada")
    assert not states.under_way(server, "toy", "scale", "bob")
    student.post(VALUES)
    assert not states.under_way(server, "toy", "scale", "ada")


def test_server_that_does_not_tell_gets_the_cases_again(fake: FakeMugrade, student: Student) -> None:
    """Without the extension nothing is known of the earlier run, and the same values are judged the same."""
    interrupt(fake, student, 0)
    fake.extension = False
    student.post(VALUES)
    assert student.results == [(CORRECT, False)] * 3
    assert len(fake.judgements) == 3


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "x"}', '{"token": "t"}', "\udcff"], ids=lambda text: repr(text)
)
def test_broken_state_is_no_obstacle(fake: FakeMugrade, student: Student, text: str) -> None:
    """What is not ours begins anew."""
    interrupt(fake, student, 0)
    student.states()[0].write_bytes(text.encode("utf-8", "surrogateescape"))
    student.post(VALUES)
    assert len(fake.opened) == 2


def test_token_that_is_none_is_not_sent(fake: FakeMugrade, student: Student) -> None:
    """A file that somebody wrote into cannot break a header."""
    interrupt(fake, student, 0)
    (file,) = student.states()
    file.write_text(json.dumps({**json.loads(file.read_text()), "token": "x\r\nEvil: 1"}))
    student.post(VALUES)
    assert len(fake.opened) == 2


# -- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/submit", "/submit_test"])
def test_problem_that_is_refused_is_no_ones_case(fake: FakeMugrade, student: Student, where: str) -> None:
    """A closed deadline or an attempt limit is the problem's: no case is told, and nothing is remembered of it."""
    fake.faults[where] = [say(429, "Enough.", Retry_After="1000")]
    with pytest.raises(Refused, match=r"^Enough\.") as caught:
        student.post([ValueError("no"), *VALUES[1:]])
    assert (caught.value.error.status, caught.value.error.retry_after) == (429, 1000.0)
    assert (student.seen, student.states()) == ([], [])
    student.post(VALUES)
    assert student.results == [(CORRECT, False)] * 3


def test_refused_in_the_middle_keeps_what_was_judged(fake: FakeMugrade, student: Student) -> None:
    """The cases behind it are not posted, and the next run goes on with the submission."""
    fake.faults["/submit_test"] = [NONE, say(403, "It is closed since now.")]
    outcome = student.post([VALUES[0], VALUES[1], ValueError("no")])
    assert student.results == [(CORRECT, False), (NOT_POSTED, False), (NO_ANSWER, False)]
    assert student.seen[1].message == "It is closed since now."
    assert (posting.lost([outcome]), outcome.points) == (True, 1.0)
    student.post([VALUES[0], VALUES[1], ValueError("no")])
    assert student.results == [(CORRECT, True), (CORRECT, False), (NO_ANSWER, False)]
    assert len(fake.opened) == 1


LATER = say(409, "It was begun on Sunday; a case posted now would make all of it later. Submit the problem anew.")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_submission_that_ends_in_the_middle_is_begun_anew(fake: FakeMugrade, student: Student, after: int) -> None:
    """All cases go to a new one, which is said in a line; the old one keeps what it had."""
    fake.faults["/submit_test"] = [NONE] * after + [LATER]
    outcome = student.post(VALUES)
    assert fake.judgements == [*[("s1", i) for i in range(after)], ("s2", 0), ("s2", 1), ("s2", 2)]
    assert fake.opened[0].token != fake.opened[1].token
    assert student.notes == [
        "all cases go to a new submission: It was begun on Sunday; a case posted now would make all of it later."
    ]
    assert [(case.index, case.result) for case in student.seen[after:]] == [(i, CORRECT) for i in range(3)]
    assert (len(outcome.cases), outcome.points, student.states()) == (3, 3.0, [])


def test_submission_is_begun_anew_only_once(fake: FakeMugrade, student: Student) -> None:
    """A server that takes no case of the second one either is not asked for a third."""
    fake.faults["/submit_test"] = [NONE, LATER, NONE, LATER, LATER, LATER]
    outcome = student.post(VALUES)
    assert len(fake.opened) == 2
    assert [case.result for case in outcome.cases] == [CORRECT, NOT_POSTED, NOT_POSTED]


def test_new_submission_that_is_refused_leaves_the_old_one(fake: FakeMugrade, student: Student) -> None:
    """What was judged stands, and the rest says why it is not posted."""
    fake.faults["/submit_test"] = [NONE, LATER]
    fake.faults["/submit"] = [NONE, say(429, "Enough.", Retry_After="1000")]
    outcome = student.post(VALUES)
    assert student.results == [(CORRECT, False), (NOT_POSTED, False), (NOT_POSTED, False)]
    assert outcome.points == 1.0
    assert outcome.cases[1].message.startswith("Enough.")


def test_value_that_is_refused_costs_one_case(fake: FakeMugrade, student: Student) -> None:
    """The cases behind it are posted."""
    fake.faults["/submit_test"] = [NONE, say(422, "A case takes an array.")]
    outcome = student.post(VALUES)
    assert student.results == [(CORRECT, False), (NOT_POSTED, False), (CORRECT, False)]
    assert posting.lost([outcome])
    assert student.states() == []


def test_key_that_is_refused_ends_it(fake: FakeMugrade, student: Student) -> None:
    """No further post would do any better."""
    fake.faults["/submit_test"] = [NONE, say(401)]
    with pytest.raises(SubmitError, match="The key was refused"):
        student.post(VALUES)
    assert len(student.states()) == 1


# -- the folder -----------------------------------------------------------------------------------------------------


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    """The second run waits until the first has ended, and says so."""
    order: list[str] = []
    inside, waiting = threading.Event(), threading.Event()

    def first() -> None:
        with States(tmp_path).exclusively(lambda: None):
            inside.set()
            assert waiting.wait(20)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    with States(tmp_path).exclusively(waiting.set):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_students_of_one_checkout_do_not_mix(tmp_path: Path) -> None:
    """Another login, server or problem has a state of its own."""
    states = States(tmp_path)
    attempts = [
        Attempt(server, "hw4", problem, login, "ab", {"0": "cd"})
        for server in ("http://a/", "http://b/")
        for problem in ("rnn", "lstm")
        for login in ("ada", "bob")
    ]
    tokens = [states.token(attempt)[0] for attempt in attempts]
    assert len(set(tokens)) == 8
    assert [states.token(attempt) for attempt in attempts] == [(token, True) for token in tokens]


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One sentence, before anything is posted."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match=r"submissions cannot be written: .*Name another folder by --out"),
        States(tmp_path / "file" / "submissions").exclusively(lambda: None),
    ):
        pass
