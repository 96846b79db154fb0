"""`submit.py`, as a student runs it: what it says, how it exits, what it leaves behind, and what nobody sees."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fake_mugrade
import numpy as np
import pytest
from conftest import ROOT, TOY, lay_over
from fake_mugrade import KEY, FakeMugrade, Fault, closed_port, say

from grader.assignment import Assignment, load_assignment
from grader.submission.answers import compute
from grader.submission.posting import CaseOutcome, ProblemOutcome, Result
from grader.submission.submit import own_tests

SUITE = TOY / "assignment"
# What the environment of whoever runs these tests may say.
OURS = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "MUGRADE_KEY", "MUGRADE_SERVER", "MAKEFLAGS", "MFLAGS"}
CLEAN = {name: value for name, value in os.environ.items() if name not in OURS}


@pytest.fixture(scope="module")
def right(toy: Assignment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The good tree's answers to the toy's submission cases."""
    tree = lay_over("good", tmp_path_factory.mktemp("right") / "good")
    answers = compute(toy, tree, select="", sandbox="none", watch=lambda event: None)
    assert answers.fault is None
    return {item.problem.name: [np.asarray(case.value) for case in item.cases] for item in answers.problems}


@pytest.fixture
def fake(toy: Assignment, right: dict[str, list[Any]]) -> Iterator[FakeMugrade]:
    """A server that knows the right answers."""
    with fake_mugrade.running(toy, right) as found:
        yield found


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some of the toy's submissions."""
    folder = tmp_path_factory.mktemp("trees")
    for name in ("good", "wrong", "unfinished", "raises", "does_not_compile"):
        lay_over(name, folder / name)
    return folder


class Runs:
    """Runs of submit.py over one checkout's state."""

    def __init__(self, fake: FakeMugrade, trees: Path, out: Path) -> None:
        self.fake = fake
        self.trees = trees
        self.out = out

    def command(self, tree: str, *arguments: object, server: str = "") -> list[str]:
        """The command line."""
        command = [sys.executable, str(ROOT / "submit.py"), "--assignment", str(SUITE), "--out", str(self.out)]
        return [*command, "--server", server or self.fake.url, "--tree", str(self.trees / tree), *map(str, arguments)]

    def start(self, tree: str, *arguments: object, **environ: str) -> subprocess.Popen[str]:
        """Start it."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        env = {**CLEAN, "MUGRADE_KEY": KEY, **environ}
        return subprocess.Popen(self.command(tree, *arguments), env=env, start_new_session=True, **pipes)

    def __call__(
        self, tree: str = "good", *arguments: object, server: str = "", cwd: Path = ROOT, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        env = {**CLEAN, "MUGRADE_KEY": KEY, **environ}
        command = self.command(tree, *arguments, server=server)
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def run(fake: FakeMugrade, trees: Path, tmp_path: Path) -> Runs:
    """submit.py against that server."""
    return Runs(fake, trees, tmp_path / "out")


# -- what it says ---------------------------------------------------------------------------------------------------


def test_everything_right(fake: FakeMugrade, run: Runs, tmp_path: Path) -> None:
    """Every case has its line, the points are added up, there is a link, and the status is 0; from any folder."""
    done = run("good", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "toy: three functions on vectors",
        f"to {fake.url} as ada (Lovelace, Ada)",
        "",
        "add",
        "  correct      1  short vectors",
        "  correct      2  long vectors",
        "  2 of 2 cases correct: 4.0 / 4.0",
        "",
        "scale",
        "  correct      1  by 2.5",
        "  correct      2  by a negative number",
        "  correct      3  by zero",
        "  3 of 3 cases correct: 3.0 / 3.0",
        "",
        "total",
        "  correct      1  one number",
        "  correct      2  many numbers",
        "  2 of 2 cases correct: 3.0 / 3.0",
        "",
        "add         4.0 / 4.0",
        "scale       3.0 / 3.0",
        "total       3.0 / 3.0",
        "Total: 10.0 / 10.0 points",
        f"Everything you have submitted: {fake.url}a/toy",
    ]
    assert done.stderr.splitlines() == ["building the tree", "computing 7 cases"]
    assert len(fake.judgements) == 7
    assert not list(run.out.rglob("*.json"))


def test_wrong_answers(fake: FakeMugrade, run: Runs) -> None:
    """A wrong case says why, a case that could not be posted too; the status is 1."""
    done = run("wrong", "-k", "scale")
    assert done.returncode == 1
    assert "  wrong        1  by 2.5\n                  some values differ, the first at [0]\n" in done.stdout
    assert "  no answer    3  by zero\n                  the value holds infinity at index [0]" in done.stdout
    assert "  0 of 3 cases correct: 0.0 / 3.0\n" in done.stdout
    assert {request.query.get("problem", "scale") for request in fake.requests} == {"scale"}


def test_untouched_problem_is_one_line(fake: FakeMugrade, run: Runs) -> None:
    """What is not implemented takes a line, and nothing of it is posted."""
    done = run("unfinished", "-k", "multiply")
    assert done.returncode == 1
    assert done.stdout.splitlines()[2:] == [
        "",
        "scale: 0.0 / 3.0; not implemented: scale",
        "",
        "Total: 0.0 / 3.0 points",
        "Nothing was posted. What you submitted before still counts.",
    ]
    assert fake.opened == []


def test_tree_that_does_not_compile(fake: FakeMugrade, run: Runs) -> None:
    """The compiler's errors are told once, and every problem has its nothing."""
    done = run("does_not_compile")
    assert done.returncode == 1
    assert done.stdout.count("src/native.cc does not compile") == 1
    assert "Total: 0.0 / 10.0 points\nNothing was posted. What you submitted before still counts.\n" in done.stdout
    assert fake.opened == []


def test_points_off_for_being_late(fake: FakeMugrade, run: Runs) -> None:
    """The total is what is left: nobody reads 10 of 10 here and 7 on the page."""
    fake.late = (1, 1.0)
    lines = run("good").stdout.splitlines()
    assert "  2 of 2 cases correct: 3.0 / 3.0; 1 day late, 1 point off" in lines
    assert lines[lines.index("Total: 7.0 / 10.0 points") + 1].startswith("3 points are off for being late;")


def test_self_reported_points_say_so(fake: FakeMugrade, run: Runs) -> None:
    """Where a verified grade counts, nobody is left to believe otherwise."""
    fake.official = False
    done = run("good", "-k", "add")
    assert "Self-reported: your grade is what the course's own run of your code finds.\n" in done.stdout


def test_due_time_and_late_days_are_shown(fake: FakeMugrade, run: Runs) -> None:
    """By when, in the student's time zone, and how many late days are left."""
    fake.assignment_changes = {"due_at": "2999-03-01T17:00:00Z", "closes_at": "2999-03-03T17:00:00+00:00"}
    done = run("unfinished", "-k", "scale", TZ="UTC")
    line = "due Fri 1 Mar 2999, 17:00 UTC, closes Sun 3 Mar 2999, 17:00 UTC; 2 late days left"
    assert line in done.stdout.splitlines()


def test_terminal_has_colours_and_a_pipe_has_none(fake: FakeMugrade, run: Runs) -> None:
    """Control codes go to a terminal only, and not there if they are not wanted."""
    assert "\x1b" not in "".join([(done := run("good", "-k", "add")).stdout, done.stderr])
    _, coloured = on_terminal(run.command("wrong", "-k", "scale"), TERM="xterm-256color")
    assert "\x1b[31mwrong" in coloured
    _, plain = on_terminal(run.command("wrong", "-k", "scale"), TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in plain
    assert "wrong        1  by 2.5" in plain


def on_terminal(command: list[str], **environ: str) -> tuple[int, str]:
    """Status, and what came to the screen."""
    ours, theirs = pty.openpty()
    env = {**CLEAN, "MUGRADE_KEY": KEY, "COLUMNS": "100", **environ}
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        try:
            while part := os.read(ours, 1 << 16):
                screen += part
        except OSError:  # Linux's word for the end of a terminal that nobody holds any more
            pass
    os.close(ours)
    return process.returncode, screen.decode()


# -- what is refused before anything is compiled --------------------------------------------------------------------


def no_compile(done: subprocess.CompletedProcess[str], status: int, sentence: str) -> None:
    """One line on stderr, nothing on stdout, nothing built."""
    assert done.stderr.splitlines() == [f"error: {sentence}"]
    assert (done.stdout, done.returncode) == ("", status)


def test_no_key(run: Runs) -> None:
    """Without a key."""
    sentence = "no key was given: use --key KEY or the environment variable MUGRADE_KEY. "
    no_compile(run(MUGRADE_KEY=""), 2, sentence + "Your course's staff gave you one, and can give you another.")


def test_refused_key(run: Runs) -> None:
    """With a key that the server does not know."""
    done = run(MUGRADE_KEY="nobodys")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert done.stderr.startswith("error: The key was refused by ")


def test_unreachable_server(run: Runs) -> None:
    """With no server."""
    done = run(server=f"http://127.0.0.1:{closed_port()}/")
    assert (done.returncode, done.stdout) == (4, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: No server answers at http://127.0.0.1:")
    assert last.endswith(
        "Name your course's server by --server or MUGRADE_SERVER; who runs it starts it by `python -m grader serve`."
    )


def test_unknown_problem(run: Runs, fake: FakeMugrade) -> None:
    """With an expression that selects nothing; the server is not even asked."""
    sentence = "-k has value 'conv', which selects no problem of toy; expected: add, scale, total."
    no_compile(run("good", "-k", "conv"), 2, sentence)
    for expression, where in {"add and": "ends too early", "add $": "cannot be read from '$' on"}.items():
        sentence = f"-k has value {expression!r}, which {where}; expected names of problems, joined by "
        sentence += '"and", "or" and "not", such as "add or scale".'
        no_compile(run("good", "-k", expression), 2, sentence)
    assert fake.requests == []


def test_closed_assignment(run: Runs, fake: FakeMugrade) -> None:
    """After the last deadline, by the server's clock."""
    fake.assignment_changes = {"due_at": "2020-03-01T17:00:00Z", "closes_at": "2020-03-03T17:00:00Z"}
    sentence = "toy closed on Tue 3 Mar 2020, 17:00 UTC (it was due Sun 1 Mar 2020, 17:00 UTC)."
    no_compile(run(TZ="UTC"), 4, sentence)


def test_assignment_that_is_not_open_yet(run: Runs, fake: FakeMugrade) -> None:
    """Before it opens."""
    fake.assignment_changes = {"open_at": "2999-03-01T17:00:00Z"}
    no_compile(run(TZ="UTC"), 4, "toy is not open yet: it opens Fri 1 Mar 2999, 17:00 UTC.")


def test_problem_without_published_answers(run: Runs, fake: FakeMugrade) -> None:
    """When there is nothing to compare with; beside others, it alone is left out."""
    del fake.expected["add"]
    sentence = "add: not posted: the course has not published its answers yet."
    no_compile(run("good", "-k", "add"), 4, sentence)
    done = run("good", "-k", "add or total")
    assert done.returncode == 4
    assert f"{sentence}\n" in done.stdout
    assert "computing 2 cases\n" in done.stderr
    assert "Total: 3.0 / 3.0 points\n" in done.stdout


def in_an_hour() -> str:
    """A moment in just less than an hour, as a server writes it."""
    return (datetime.now(timezone.utc) + timedelta(minutes=59, seconds=50)).isoformat()


LIMITED = r"2 attempts in an hour are made; the next is free at \d\d:\d\d UTC.* \(in (59|60) minutes\)\."
LIMITED += r" What you submitted before still counts\."


def test_no_attempt_left_is_known_before_anything_is_computed(run: Runs, fake: FakeMugrade) -> None:
    """Nothing is built where that is so for all; else only the others are computed, and count in the total."""
    fake.assignment_changes = {"attempts_per_hour": 2}
    fake.next_attempts = dict.fromkeys(("add", "scale"), in_an_hour())
    done = run("good", "-k", "add or scale", TZ="UTC")
    assert (done.returncode, done.stdout) == (4, "")
    assert re.fullmatch(rf"error: add, scale: not posted: {LIMITED}\n", done.stderr)
    done = run("good", TZ="UTC")
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "building the tree",
        "computing 2 cases",
        "error: not everything could be posted; see above.",
    ]
    assert re.search(rf"^add, scale: not posted: {LIMITED}\n\nTotal: 3.0 / 3.0 points$", done.stdout, re.MULTILINE)
    assert {item.problem for item in fake.opened} == {"total"}


def test_problems_with_a_reason_each_are_listed(run: Runs, fake: FakeMugrade) -> None:
    """Where nothing is taken for several reasons, a line each, and still nothing is built."""
    del fake.expected["total"]
    fake.next_attempts = {"add": in_an_hour(), "scale": "2999-01-01T00:00:00Z"}
    done = run("good", TZ="UTC")
    assert (done.returncode, done.stderr) == (4, "error: nothing could be posted; see above.\n")
    lines = done.stdout.splitlines()
    assert lines[3] == "total: not posted: the course has not published its answers yet."
    assert re.match(r"add: not posted: no attempt is left; the next is free at ", lines[4])
    assert re.match(r"scale: not posted: .* on Tue 1 Jan \(in \d+ hours\)\. What you submitted before", lines[5])


def test_attempt_that_is_free_in_a_moment_is_waited_for(run: Runs, fake: FakeMugrade) -> None:
    """Computing takes as long."""
    fake.next_attempts = {"add": (datetime.now(timezone.utc) + timedelta(seconds=30)).isoformat()}
    assert run("good", "-k", "add").returncode == 0


@pytest.mark.parametrize("limit", [2, None])
def test_refused_at_the_last_moment_is_one_line(run: Runs, fake: FakeMugrade, limit: int | None) -> None:
    """A problem that is refused when it is posted takes a line, no place in the total, and nothing from the others."""
    fake.assignment_changes = {"attempts_per_hour": limit}
    fake.faults["/submit"] = [say(429, "Enough of add.", Retry_After="3600")]
    done = run("good", TZ="UTC")
    assert done.returncode == 4
    said = LIMITED if limit else r"Enough of add\. You can submit again at .* What you submitted before still counts\."
    assert re.search(rf"^\nadd: not posted: {said}\n\nscale\n  correct ", done.stdout, re.MULTILINE)
    assert "Total: 6.0 / 6.0 points\n" in done.stdout
    fake.faults["/submit"] = [say(403, "It is closed")]
    done = run("good", "-k", "add")
    assert "add: not posted: It is closed. What you submitted before still counts.\n" in done.stdout
    assert "Total" not in done.stdout
    assert done.stderr.splitlines()[-1] == "error: nothing could be posted; see above."


def test_submission_that_ends_is_begun_anew(run: Runs, fake: FakeMugrade) -> None:
    """Over the due time the cases go to a new submission by themselves, and are told from the first one on."""
    nothing: Any = None
    fake.faults["/submit_test"] = [nothing, say(409, "It would be later. Submit the problem anew.")]
    done = run("good", "-k", "add")
    assert done.returncode == 0
    assert done.stdout.splitlines()[3:8] == [
        "add",
        "  correct      1  short vectors",
        "  all cases go to a new submission: It would be later.",
        "  correct      1  short vectors",
        "  correct      2  long vectors",
    ]


def test_own_tests_are_named_for_what_is_wrong() -> None:
    """The problems with wrong cases, not those that are not written yet; another tree or suite is named."""
    hw4 = load_assignment(ROOT / "tests" / "hw4")
    messages = {
        "rnn": (Result.WRONG, "3 values differ"),
        "ptb": (Result.NO_ANSWER, "raised ValueError"),
        "lstm": (Result.NO_ANSWER, "not implemented: LSTM"),
        "resnet9": (Result.CORRECT, ""),
        "cifar10": (Result.NOT_POSTED, "It is closed."),
    }
    outcomes = [
        ProblemOutcome(hw4.problem(name), (CaseOutcome(0, "title", *found),), None) for name, found in messages.items()
    ]
    command = 'python3 -m pytest -l -v -k "rnn or ptb"'
    assert own_tests(hw4, ROOT / "student", outcomes) == command
    assert own_tests(hw4, Path("/tmp/my tree"), outcomes) == f"{command} --tree '/tmp/my tree'"
    assert own_tests(hw4, ROOT / "student", outcomes[2:]) == ""
    other = f'python3 -m pytest {SUITE} -l -v -k "rnn or ptb"'
    assert own_tests(load_assignment(SUITE), ROOT / "student", outcomes) == other


def test_release_that_is_too_old(run: Runs, fake: FakeMugrade) -> None:
    """When the server has other cases than this checkout."""
    problems = fake._described()["problems"]
    problems[0]["cases"] = ["another"]
    fake.assignment_changes = {"problems": problems}
    sentence = "add: not posted: it has other cases on the server than here: get the course's newest release."
    sentence += " What you submitted before still counts."
    no_compile(run("good", "-k", "add"), 4, sentence)


def test_assignment_that_the_server_does_not_have(run: Runs, fake: FakeMugrade) -> None:
    """When it is another course's server."""
    fake.faults["/api/assignments/toy"] = [say(404, "no")]
    no_compile(run(), 4, f"{fake.url} has no assignment 'toy': is it your course's server?")


def test_tree_and_assignment_that_are_not_there(run: Runs, fake: FakeMugrade) -> None:
    """With a path that is none."""
    done = run("nothing")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nothing', which is not there; expected your tree." in done.stderr
    command = [sys.executable, str(ROOT / "submit.py"), "--assignment", "hw9"]
    done = subprocess.run(command, env={**CLEAN, "MUGRADE_KEY": KEY}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: --assignment has value 'hw9'; expected one of: hw4.\n")


def test_server_of_the_environment(run: Runs, fake: FakeMugrade) -> None:
    """MUGRADE_SERVER is used where there is no --server."""
    command = [part for part in run.command("unfinished", "-k", "scale") if part not in ("--server", fake.url)]
    env = {**CLEAN, "MUGRADE_KEY": KEY, "MUGRADE_SERVER": fake.url}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert f"to {fake.url} as ada" in done.stdout


# -- interrupted ----------------------------------------------------------------------------------------------------


def wait_for(event: threading.Event, process: subprocess.Popen[str]) -> None:
    """Until the event has come; fails with what the process said where it has ended before."""
    while not event.wait(0.05):
        if process.poll() is not None:
            stdout, stderr = process.communicate()
            pytest.fail(f"it ended with {process.returncode}: {stdout}{stderr}")


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """What it wrote to stderr before the signal ended it.

    Sent again where nothing comes of it: between looking for signals and beginning to wait for a reply CPython misses
    one until the wait is over. A person presses Ctrl-C once more, too.
    """
    for _ in range(12):
        process.send_signal(number)
        try:
            return process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"{number.name} did not end it")


def hanging(fake: FakeMugrade, after: int) -> threading.Event:
    """The server judges so many cases and then says nothing more; the event comes when it is asked for the next."""
    reached = threading.Event()
    nothing: Any = None
    fake.faults["/submit_test"] = [nothing] * after + [Fault("hang", then=reached.set)]
    return reached


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_finished_problems_cost_no_second_attempt(fake: FakeMugrade, run: Runs, number: signal.Signals) -> None:
    """Interrupted in the last problem, the next run posts its cases alone; the run after that is a new submission."""
    reached = hanging(fake, 5)  # of 2 + 2 + 2: one of scale's has no answer
    process = run.start("wrong")
    wait_for(reached, process)
    ended_by(process, number)
    before = list(fake.judgements)
    fake.requests.clear()
    # No attempt is left at any, which is no obstacle for what is under way.
    fake.next_attempts = dict.fromkeys(("add", "scale", "total"), "2999-01-01T00:00:00Z")
    done = run("wrong")
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("  posted by the run that was interrupted; nothing is posted again\n") == 2
    assert done.stdout.count("(judged before)") == len(before)
    assert len(fake.paths("/submit_test")) == len(fake.judgements) - len(before) == 1
    assert {submission for submission, _ in fake.judgements} == {"s1", "s2", "s3"}
    assert not list(run.out.rglob("*.json"))
    fake.next_attempts = {}
    assert "(judged before)" not in run("wrong").stdout
    assert len(fake.opened) == 6


def test_interrupted_before_anything_is_posted(fake: FakeMugrade, run: Runs) -> None:
    """Nothing is to be gone on with, and nobody is left to wonder."""
    reached = threading.Event()
    fake.faults["/api/me"] = [Fault("hang", then=reached.set)]
    process = run.start("good")
    wait_for(reached, process)
    stderr = ended_by(process, signal.SIGINT)
    assert (process.returncode, stderr) == (
        130,
        "Interrupted: nothing was posted. What you submitted before still counts.\n",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_interrupted_it_goes_on_where_it_stopped(fake: FakeMugrade, run: Runs, number: signal.Signals) -> None:
    """However it ended, the next run posts what is missing, once."""
    reached = hanging(fake, 2)
    process = run.start("good", "-k", "scale")
    wait_for(reached, process)
    stderr = ended_by(process, number)
    expected = {signal.SIGINT: 130, signal.SIGKILL: -9, signal.SIGTERM: 143}[number]
    assert process.returncode == expected, stderr
    if number == signal.SIGINT:
        assert stderr.splitlines()[-1] == (
            "Interrupted. The same command goes on where this one stopped. What you submitted before still counts."
        )
        assert "Traceback" not in stderr
    assert fake.judgements == [("s1", 0), ("s1", 1)]
    done = run("good", "-k", "scale")
    assert done.returncode == 0, done.stderr
    assert "  going on with the submission that was interrupted\n" in done.stdout
    assert "  correct      2  by a negative number  (judged before)\n" in done.stdout
    assert "  correct      3  by zero\n" in done.stdout
    assert fake.judgements == [("s1", 0), ("s1", 1), ("s1", 2)]


def test_server_that_goes_away_is_gone_on_with(fake: FakeMugrade, run: Runs) -> None:
    """It says how to go on; the points that were won stay."""
    fake.faults["/submit_test"] = [say(503, "Restarting.", Retry_After="3000")]
    done = run("good", "-k", "add")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == (
        f"error: {fake.url} cannot answer now (HTTP 503): Restarting. Try again later. "
        "The same command goes on where this one stopped."
    )
    assert run("good", "-k", "add").returncode == 0
    assert len(fake.opened) == 1


def test_two_at_once_do_not_mix(fake: FakeMugrade, run: Runs) -> None:
    """The second waits for the first, and opens a submission of its own."""
    reached = threading.Event()
    release = threading.Event()
    slow = say(503, "busy", Retry_After="0")
    fake.faults["/submit_test"] = [
        Fault("say", 503, b"", slow.headers, then=lambda: (reached.set(), release.wait(120)))
    ]
    first = run.start("good", "-k", "add")
    wait_for(reached, first)
    second = run.start("good", "-k", "add")
    assert second.stderr is not None
    lines = []
    for line in second.stderr:
        lines.append(line)
        if "another submit.py is posting from here" in line:
            break
    release.set()
    first_out, _ = first.communicate(timeout=120)
    second_out, _ = second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "another submit.py is posting from here; waiting for it to end\n" in lines
    assert [submission for submission, _ in fake.judgements] == ["s1", "s1", "s2", "s2"]
    assert "judged before" not in first_out + second_out


# -- the key --------------------------------------------------------------------------------------------------------


def test_key_of_the_command_line_is_seen_by_nobody(fake: FakeMugrade, run: Runs) -> None:
    """While it works, neither its own arguments nor anything of its children has the key."""
    reached = hanging(fake, 0)
    process = run.start("good", "-k", "add", "--key", KEY, MUGRADE_KEY="")
    wait_for(reached, process)
    own = Path(f"/proc/{process.pid}/cmdline").read_text()
    process.kill()
    process.communicate(timeout=60)
    assert "submit.py" in own
    assert "s3cret" not in own


SPY = """
import os, sys
from pathlib import Path
import subprocess
real = subprocess.Popen.__init__
def spy(self, command, *arguments, **options):
    env = options.get("env")
    with open(os.environ["SPY"], "a") as file:
        print(command, dict(os.environ) if env is None else dict(env), file=file)
    real(self, command, *arguments, **options)
subprocess.Popen.__init__ = spy
sys.argv = ["submit.py", *sys.argv[1:]]
sys.path.insert(0, {root!r})
{then}
from grader.submission.main import main
main()
"""


def spied(run: Runs, folder: Path, then: str = "") -> tuple[subprocess.CompletedProcess[str], str]:
    """A run in which everything that is started is noted: (how it ended, the notes)."""
    notes = folder / "notes"
    notes.write_text("")
    command = [sys.executable, "-c", SPY.format(root=str(ROOT), then=then), *run.command("good", "-k", "add")[2:]]
    env = {**CLEAN, "MUGRADE_KEY": KEY, "SPY": str(notes)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False), notes.read_text()


def test_nothing_that_is_started_has_the_key(run: Runs, tmp_path: Path) -> None:
    """Neither by its arguments nor by its environment."""
    done, notes = spied(run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pytest" in notes
    assert "s3cret" not in notes


BREAKS = {
    "encoding": "grader.submission.posting.codec.dumps",
    "posting": "grader.mugrade.client.Client.submit_test",
    "state": "grader.submission.state.States.renew",
    "compute": "grader.submission.submit.compute",
    "screen": "grader.submission.screen.Screen.total",
    "session": "requests.Session.send",
}


@pytest.mark.parametrize("where", BREAKS)
def test_fault_of_our_own_does_not_show_the_key(run: Runs, tmp_path: Path, where: str) -> None:
    """An exception that nobody foresaw, with the key in its text: there is a traceback, and status 3."""
    module, _, name = BREAKS[where].rpartition(".")
    then = (
        "import pkgutil, grader.submission.submit, grader.submission.screen\n"
        "def boom(*_, **__):\n"
        "    key = os.environ.get('MUGRADE_KEY') or REMEMBERED\n"
        "    raise RuntimeError('boom ' + key)\n"
        "REMEMBERED = os.environ['MUGRADE_KEY']\n"
        f"setattr(pkgutil.resolve_name({module!r}), {name!r}, boom)\n"
    )
    done, _ = spied(run, tmp_path, then)
    assert done.returncode == 3, done.stderr
    assert "boom [key]" in done.stderr
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("submit.py itself failed, which is no fault of your code")
    assert "s3cret" not in everything(done, run)


FAULTS: dict[str, dict[str, list[Fault]]] = {
    "refused": {"/api/me": [say(401, KEY)]},
    "closed": {"/submit": [say(403, f"Bearer {KEY} is late.")]},
    "busy": {"/api/me": [say(503, KEY, Retry_After="1000")]},
    "broken": {"/api/me": [say(500, KEY)]},
    "redirect": {"/api/me": [say(302, "", Location=f"https://x/?user_key={KEY}")]},
    "web page": {"/api/me": [say(200, f"<html>{KEY}", "text/html")]},
    "value": {"/submit_test": [say(422, f'{{"detail": "{KEY}"}}', "application/json")]},
    "reset": {"/api/me": [fake_mugrade.RESET] * 20},
    "message": {"/submit_test": [say(200, json.dumps({"correct": False, "message": KEY}), "application/json")]},
    "name": {"/api/me": [say(200, json.dumps({"login": KEY, "name": KEY, "role": KEY}), "application/json")]},
    "account": {"/submit_test": [say(401, KEY)]},
}


def everything(done: subprocess.CompletedProcess[str], run: Runs) -> str:
    """All that a run printed or left."""
    files = "".join(path.read_text() + path.name for path in run.out.rglob("*") if path.is_file())
    return done.stdout + done.stderr + files


@pytest.mark.parametrize("fault", FAULTS)
def test_no_failure_shows_the_key(fake: FakeMugrade, run: Runs, fault: str) -> None:
    """Whatever a server sends back, the key is in no output and no file."""
    fake.faults.update(FAULTS[fault])
    done = run("good", "-k", "add")
    assert done.returncode in (0, 1, 4)
    assert "s3cret" not in everything(done, run)


# -- the interpreter ------------------------------------------------------------------------------------------------


def test_other_python_is_exchanged_for_the_checkouts(run: Runs, fake: FakeMugrade) -> None:
    """A Python without the packages starts .venv's."""
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("there is no .venv to exchange it for")
    command = run.command("unfinished", "-k", "scale", "--key", KEY)
    command.insert(1, "-S")  # no site-packages
    done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "not implemented: scale" in done.stdout


def test_no_packages_and_no_checkout_is_one_sentence(tmp_path: Path) -> None:
    """Where there is nothing to exchange it for, it says what to do."""
    shutil.copy(ROOT / "submit.py", tmp_path)
    command = [sys.executable, "-S", "submit.py", "--key", KEY]
    done = subprocess.run(command, cwd=tmp_path, env=CLEAN, capture_output=True, text=True, check=False)
    sentence = "error: this Python lacks the packages of the course, and so does .venv; run `make setup` once.\n"
    assert (done.returncode, done.stderr) == (2, sentence)


def test_make_does_not_show_the_key(fake: FakeMugrade, trees: Path) -> None:
    """`make submit` prints results, and hands the key down without showing it, the part that failed included."""
    arguments = [f"KEY={KEY}", "K=no_such_problem", f"SERVER={fake.url}", f"TREE={trees / 'good'}"]
    done = subprocess.run(
        ["make", "submit", *arguments], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert "selects no problem of hw4" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
