"""Verdicts: what a test raised becomes what is told, to pytest's own report and to whoever reads the events."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, TOY

from grader.assignment import HandoutText, load_assignment
from grader.compare import assert_close, assert_same
from grader.evidence import Lines
from grader.findings import Findings, gathered, note_call, note_margin
from grader.judging.choice import Choice
from grader.judging.tracing import Tracing
from grader.judging.verdicts import FOUND, OUR_FAULT, Verdicts, judged
from grader.subject.outcome import IMPORTING, Answer, SubjectError, raised
from grader.subject.question import describe
from grader.verdict import Case, Verdict

SUITE = TOY / "assignment"
CASE = "test_toy.py::test_add[cpu-3]"
RUN = f"python -m grader repro '{CASE}' 'my tree' --seed 7 --suite tests/submissions/toy/assignment"


class Item:
    """What a verdict needs of an item of pytest's; a real one comes with a session and a collected suite."""

    def __init__(self, name: str = "test_add[cpu-3]", file: str = "test_toy.py", suite: Path = SUITE) -> None:
        self.path, self.name, self.originalname = suite / file, name, name.partition("[")[0]
        self.nodeid = f"some/where/{file}::{name}"
        self.callspec = SimpleNamespace(params={"device": "gpu-sim" if "gpu-sim" in name else "cpu"})
        self.obj = SimpleNamespace(__doc__="The sum is right.")
        self.stash, self.user_properties = pytest.Stash(), []

    def get_closest_marker(self, name: str) -> Any:
        is_case = name == "problem" and self.name.startswith("test_add")
        return SimpleNamespace(args=("add",), kwargs={}) if is_case else None

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        return "a long traceback"


class Desk:
    """The plugin, with what it is told and what it tells."""

    def __init__(self, events: Path | None, **options: Any) -> None:
        descriptor = None if events is None else os.open(events, os.O_CREAT | os.O_WRONLY)
        self.options = {"isolation": "worker", "tree": "my tree", "seed": 7, "events": descriptor, **options}
        self.choice = Choice(SimpleNamespace(getoption=self.options.get))  # type: ignore[arg-type]
        self.noted: list[tuple[Any, ...]] = []
        tracing = SimpleNamespace(note=lambda *told: self.noted.append(told))
        self.verdicts = Verdicts(self.choice, tracing)  # type: ignore[arg-type]
        self._file = events

    def judge(self, error: BaseException | None, item: Item | None = None, when: str = "call") -> SimpleNamespace:
        """The report on an item that has ended with this error."""
        excinfo = None if error is None else SimpleNamespace(value=error)
        call = SimpleNamespace(excinfo=excinfo, when=when, duration=0.5)
        hook = self.verdicts.pytest_runtest_makereport(item or Item(), call)  # type: ignore[arg-type]
        next(hook)
        with pytest.raises(StopIteration) as returned:
            hook.send(SimpleNamespace(longrepr="as pytest has it"))
        report = returned.value.value
        assert isinstance(report, SimpleNamespace)
        return report

    @property
    def told(self) -> list[dict[str, Any]]:
        """The events so far."""
        assert self._file is not None
        return [json.loads(line) for line in self._file.read_text().splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A plugin whose events are read."""
    made = Desk(tmp_path / "events")
    yield made
    made.verdicts.pytest_unconfigure()


def wrong_answer() -> BaseException:
    """What a comparison raises."""
    with pytest.raises(AssertionError) as caught:
        assert_same([3], [4], "the list")
    return caught.value


def add(vec: Any, device: Any, a: Any, b: Any) -> Any:
    """A probe, that is never asked."""


def skipped(sentence: str) -> BaseException:
    """What pytest.skip raises."""
    return pytest.skip.Exception(sentence)


NO_ANSWER = SubjectError("add raised ValueError: no")
UNIMPORTABLE = raised(IMPORTING, {"type": "SyntaxError", "text": "no", "lines": []}, 100)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, (Verdict.PASS, "")),
        (AssertionError("it is wrong"), (Verdict.FAIL, "it is wrong")),
        (SubjectError("it crashed"), (Verdict.ERROR, "it crashed")),
        (skipped("no GPU"), (Verdict.NOT_RUN, "no GPU")),
    ],
    ids=["nothing", "assertion", "no answer", "skip"],
)
def test_what_was_raised_is_the_verdict(error: BaseException | None, verdict: tuple[Verdict, str]) -> None:
    """One verdict for each kind of end."""
    assert judged(error) == verdict


def test_a_case_is_shown_unless_it_is_said_to_be_hidden() -> None:
    """Students are shown every case that nobody hides."""
    assert not Case("test_toy.py::test_add", "add", "cpu", 1.0, "The sum is right.").hidden


# -- what is told ---------------------------------------------------------------------------------------------------


def test_a_pass_is_told_with_its_margins(desk: Desk) -> None:
    """The event has all that a grade needs, pytest's own report is left alone, and the findings are let go."""
    item = Item()
    with gathered() as item.stash[FOUND]:
        note_margin("out", 0.25)
    report = desk.judge(None, item)
    margins = {"margins": [{"name": "out", "error": 0.25}]}
    verdict = {"event": "verdict", "id": CASE, "verdict": "pass", "message": "", "seconds": 0.5, "evidence": margins}
    assert desk.told == [verdict]
    assert item.user_properties == [("verdict", "pass"), ("message", "")]
    assert report.longrepr == "as pytest has it"
    assert item.stash[FOUND] == Findings()


@pytest.mark.parametrize(("error", "verdict"), [(wrong_answer(), "fail"), (NO_ANSWER, "error")], ids=["fail", "error"])
def test_a_lost_case_is_told_in_words(error: BaseException, verdict: str, desk: Desk) -> None:
    """The message is that of grader.judging.message, in the event, in pytest's report and among its properties."""
    item = Item()
    report = desk.judge(error, item)
    (event,) = desk.told
    message = f"{error}\nAsked: The sum is right.\nRun: {RUN}"
    assert (event["verdict"], event["message"]) == (verdict, message)
    assert (event["evidence"]["asked"], event["evidence"]["command"]) == ("The sum is right.", RUN)
    assert report.longrepr == message
    assert item.user_properties == [("verdict", verdict), ("message", message)]


def test_a_case_that_was_not_run_is_neither_won_nor_lost(desk: Desk) -> None:
    """Only the reason is told, and pytest shows the skip as it shows all of them."""
    report = desk.judge(skipped("no GPU"))
    assert [(event["verdict"], event["message"]) for event in desk.told] == [("not run", "no GPU")]
    assert report.longrepr == "as pytest has it"


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_around_a_case_only_an_error_is_told(when: str, desk: Desk) -> None:
    """A fixture that could ask nothing loses the case; one that worked is no second verdict."""
    desk.judge(None, when=when)
    assert desk.told == []
    desk.judge(NO_ANSWER, when=when)
    assert [event["verdict"] for event in desk.told] == ["error"]


def test_other_tests_are_left_alone(desk: Desk) -> None:
    """The harness's own tests run under the same pytest: nothing is told of them, whatever they raise."""
    item = Item("test_others")
    assert desk.judge(ValueError("a bug"), item).longrepr == "as pytest has it"
    assert desk.judge(None, item).longrepr == "as pytest has it"
    assert (desk.told, item.user_properties) == ([], [])


def test_in_this_process_pytest_shows_its_traceback() -> None:
    """--isolation=none is for debugging: the frames are the student's own."""
    item, desk = Item(), Desk(None, isolation="none")
    assert desk.judge(wrong_answer(), item).longrepr == "as pytest has it"
    assert item.repr_failure(None) == "a long traceback"


def test_beside_a_worker_no_traceback_is_rendered(desk: Desk) -> None:
    """Only of a case that has raised: it is slow, and shows nothing but our own frames."""
    passed, others, lost = Item(), Item("test_others"), Item()
    for item, error in ((passed, None), (others, ValueError("a bug")), (lost, wrong_answer())):
        desk.judge(error, item)
    assert [item.repr_failure(None) for item in (passed, others)] == ["a long traceback"] * 2
    assert lost.repr_failure(SimpleNamespace(value="its text")) == "its text"


def test_what_is_known_later_is_told_once_more(desk: Desk) -> None:
    """The message grows by what sets the case apart and by the lines behind it, in the event and in pytest's report."""
    report = desk.judge(wrong_answer())
    desk.verdicts.tell_more(CASE, "where n is 3", (Lines("vec/ops.py", 3, 9, "add"),))
    more = "Fails where n is 3.\nYour code that ran:\n  vec/ops.py:3-9 add\n"
    assert report.longrepr.endswith(f"Asked: The sum is right.\n{more}Run: {RUN}")
    own = [{"file": "vec/ops.py", "first": 3, "last": 9, "name": "add"}]
    assert desk.told[1:] == [
        {
            "event": "more",
            "id": CASE,
            "message": report.longrepr,
            "evidence": {"contrast": "where n is 3", "own": own},
        }
    ]


def test_in_this_process_what_is_known_later_leaves_the_traceback(desk: Desk) -> None:
    """Only the event tells it."""
    desk.options["isolation"] = "none"
    report = desk.judge(wrong_answer())
    desk.verdicts.tell_more(CASE, "where n is 3", ())
    assert report.longrepr == "as pytest has it"
    assert "Fails where n is 3." in desk.told[1]["message"]


# -- what stops the run ---------------------------------------------------------------------------------------------


def test_a_fault_of_ours_stops_the_run(desk: Desk) -> None:
    """It is told by the case's id, and no verdict follows: it can never become somebody's lost point."""
    with pytest.raises(pytest.exit.Exception, match=f"the harness is at fault in {re.escape(CASE)}") as caught:
        desk.judge(ValueError("a bug"))
    assert caught.value.returncode == OUR_FAULT == 3
    assert desk.told == [{"event": "fault", "id": CASE, "message": "ValueError: a bug"}]


@pytest.mark.parametrize("name", ["test_add[cpu-3]", "submit_add"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), pytest.exit.Exception("enough")], ids=["key", "exit"])
def test_what_ends_pytest_is_nobodys_fault(error: BaseException, name: str, desk: Desk) -> None:
    """Somebody who presses Ctrl-C has found no bug of ours, and the case has no verdict."""
    file = "test_submission.py" if name.startswith("submit_") else "test_toy.py"
    assert desk.judge(error, Item(name, file)).longrepr == "as pytest has it"
    assert desk.told == []


def test_a_tree_that_cannot_be_imported_is_told_once_to_a_person() -> None:
    """Without a reader of events the run ends there."""
    with pytest.raises(pytest.exit.Exception, match="importing the tree raised SyntaxError: no") as caught:
        Desk(None).judge(UNIMPORTABLE)
    assert caught.value.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_tree_that_cannot_be_imported_loses_every_case(desk: Desk) -> None:
    """Whoever reads the events is told of each."""
    desk.judge(UNIMPORTABLE)
    assert [event["verdict"] for event in desk.told] == ["error"]


@pytest.mark.parametrize(
    "error", [NO_ANSWER, AssertionError("importing the tree is wrong"), skipped("importing the tree is not done here")]
)
def test_nothing_else_ends_the_run_of_a_person(error: BaseException) -> None:
    """Another error, or an answer that happens to say so, is a case's own."""
    item = Item()
    Desk(None).judge(error, item)
    assert item.user_properties[1][1].startswith(str(error))


# -- submissions ----------------------------------------------------------------------------------------------------


def test_a_submission_without_an_answer_is_told_in_a_sentence(desk: Desk) -> None:
    """To the course's client, without our frames; it is no case, and gets no verdict."""
    report = desk.judge(NO_ANSWER, Item("submit_add", "test_submission.py"))
    assert report.longrepr == "add raised ValueError: no"
    assert desk.told == []


def test_a_bug_of_our_driver_is_our_fault(desk: Desk) -> None:
    """Our driver reads events: what else a submission raises, the suite did wrong."""
    with pytest.raises(pytest.exit.Exception, match="the harness is at fault"):
        desk.judge(ValueError("a bug"), Item("submit_add", "test_submission.py"))
    assert [event["event"] for event in desk.told] == ["fault"]


def test_the_courses_client_may_raise_what_it_likes() -> None:
    """Without a reader of events it is the client's matter, and pytest's to show; one that ends well is no news."""
    for error in (ValueError("refused"), None):
        assert Desk(None).judge(error, Item("submit_add", "test_submission.py")).longrepr == "as pytest has it"


# -- what counts for the lines and the contrasts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (None, None),
        (AssertionError("plain"), ""),
        (SubjectError("add gave no value 'out'", answered=True), ""),
    ],
    ids=["right", "wrong", "no value"],
)
def test_an_answer_counts(error: BaseException | None, wrong: str | None, desk: Desk) -> None:
    """With its problem, its test, what was asked, and what was wrong."""
    item = Item()
    with gathered() as item.stash[FOUND]:
        note_call(add, "cpu", (1, 2), {})
    calls = item.stash[FOUND].calls
    desk.judge(error, item)
    assert desk.noted == [("add", "test_add", CASE, calls, wrong)]
    assert len(calls) == 1


def test_what_was_wrong_has_a_name(desk: Desk) -> None:
    """That of the value that was compared."""
    answer = Answer(describe(add, (1, 2), {}), {"z_grad": np.ones(2)})
    with pytest.raises(AssertionError) as caught:
        assert_close(answer.z_grad, np.zeros(2))
    desk.judge(caught.value)
    assert [note[-1] for note in desk.noted] == ["z_grad"]


@pytest.mark.parametrize("error", [NO_ANSWER, skipped("no GPU")], ids=["no answer", "skip"])
def test_without_an_answer_nothing_counts(error: BaseException, desk: Desk) -> None:
    """An exception has told its lines already, and what was not run has none."""
    desk.judge(error)
    assert desk.noted == []


# -- the command and the section ------------------------------------------------------------------------------------


def command(desk: Desk, item: Item) -> str:
    """What a lost case says how to repeat it."""
    desk.judge(NO_ANSWER, item)
    return str(item.user_properties[1][1]).rpartition("Run: ")[2]


def test_only_a_simulated_device_is_told_what_to_watch_for() -> None:
    """--check is for simulators; a compiled module of the CPU knows no such thing."""
    desk = Desk(None, check=["race", "memory"])
    toy = load_assignment(SUITE)
    known = replace(toy.devices, known=("cpu", "gpu", "gpu-sim"), simulates={"gpu-sim": "gpu"})
    desk.choice.assignments[SUITE] = replace(toy, devices=known)
    assert "--seed 7 --check race --check memory --suite" in command(desk, Item("test_add[gpu-sim-3]"))
    assert "--check" not in command(desk, Item())


def test_a_suite_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    """A path outside of the checkout cannot be written from its folder; one with blanks is quoted."""
    suite, desk = tmp_path / "a suite", Desk(None)
    desk.choice.assignments[suite] = replace(load_assignment(SUITE), suite=suite)
    assert command(desk, Item(suite=suite)).endswith(f" --seed 7 --suite '{suite}'")


def test_the_courses_own_suite_needs_no_name() -> None:
    """It is what is meant where no suite is named."""
    suite, desk = ROOT / "tests" / "hw4", Desk(None)
    desk.choice.assignments[suite] = replace(load_assignment(SUITE), suite=suite)
    assert command(desk, Item(suite=suite)).endswith(" --seed 7")


def test_the_handout_is_named_where_there_is_one(desk: Desk) -> None:
    """By the pattern that fits the test's function."""
    text = HandoutText("hw0.ipynb", {"test_add": "Part 1 > Sums"})
    desk.choice.assignments[SUITE] = replace(load_assignment(SUITE), handout=text)
    desk.judge(NO_ANSWER)
    assert desk.told[0]["evidence"]["section"] == "hw0.ipynb > Part 1 > Sums"


# -- the events' descriptor -----------------------------------------------------------------------------------------


def test_nobody_else_can_write_verdicts(tmp_path: Path) -> None:
    """The descriptor comes inheritable, from the process that grades, and neither a compiler nor a worker gets it."""
    descriptor = os.open(tmp_path / "events", os.O_CREAT | os.O_WRONLY)
    os.set_inheritable(descriptor, True)
    options = {"events": descriptor}
    verdicts = Verdicts(Choice(SimpleNamespace(getoption=options.get)), Tracing(None))  # type: ignore[arg-type]
    assert not os.get_inheritable(descriptor)
    verdicts.pytest_unconfigure()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_without_a_reader_nothing_is_told() -> None:
    """An event goes nowhere, and there is nothing to close."""
    verdicts = Desk(None).verdicts
    verdicts.emit({"event": "collected"})
    verdicts.pytest_unconfigure()
    assert verdicts.events is None
