"""The way of `submit.py`: ask the server, compute the answers, post them, and say what they earned."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from grader.assignment import Assignment, Problem
from grader.errors import UsageError
from grader.judge import OWN_SUITE, ROOT
from grader.mugrade.client import MAX_WAIT, Client, SubmitError
from grader.mugrade.moments import when
from grader.mugrade.replies import Person, ServedAssignment, parsed_time
from grader.report.wording import count
from grader.sandbox import open_sandbox
from grader.submission.answers import TreeAnswers, compute
from grader.submission.cases import FILE
from grader.submission.posting import Poster, ProblemOutcome, Refused, lost, nothing_to_post
from grader.submission.screen import (
    RESUMES,
    STILL_COUNTS,
    Computing,
    Screen,
    is_wrong,
    moment,
    reason,
    refused_lines,
)
from grader.submission.selection import selected, without
from grader.submission.state import States

ALL_CORRECT, SOME_WRONG, NOT_POSTED = 0, 1, SubmitError.exit_status
OWN_TREE = ROOT / "student"  # what pytest tests where no tree is named


class Welcome(NamedTuple):
    """What the server said before anything was computed."""

    person: Person | None  # None: a server that tells neither this
    served: ServedAssignment | None  # nor that


@dataclass(frozen=True)
class Posted:
    """What became of a run's problems."""

    outcomes: tuple[ProblemOutcome, ...]  # of those that the server did not refuse
    shown: bool  # whether the cases of any were shown one by one
    refused: bool  # whether the server refused any only now


def submit(
    client: Client, assignment: Assignment, tree: Path, *, select: str, sandbox: str, states: States, screen: Screen
) -> int:
    """Submit the selected problems of the tree; the exit status.

    Raises UsageError or SubmitError with one sentence where nothing, or nothing more, could be posted.
    """
    problems = selected(assignment, select)
    open_sandbox(sandbox)
    if not tree.exists():
        raise UsageError(f"--tree has value {str(tree)!r}, which is not there; expected your tree.")
    welcome = greet(client, assignment)
    login = welcome.person.login if welcome.person is not None else ""
    refused = refusals(welcome.served, problems)
    if len(refused) < len(problems):
        if welcome.person is not None and welcome.person.role == "student":  # the course itself is bound by no times
            _check_open(welcome.served, client.now)
        # Where a run was interrupted, its attempt is made already, and goes on.
        others = [problem for problem in problems if problem.name not in refused]
        others = [p for p in others if not states.under_way(client.server, assignment.name, p.name, login)]
        refused |= without_attempts(welcome.served, others, client.now)
    if len(refused) == len(problems):
        raise _nothing_taken(refused, lambda: screen.header(assignment, client.server, *welcome), screen)
    screen.header(assignment, client.server, *welcome)
    with Computing(assignment) as computing:
        narrowed = without(assignment, select, refused)
        answers = compute(assignment, tree, select=narrowed, sandbox=sandbox, watch=computing.watch)
    if answers.fault:
        screen.fault(answers.fault)
    poster = Poster(client, states, assignment, login, answers.identity)
    try:
        with states.exclusively(lambda: screen.notice("another submit.py is posting from here; waiting for it to end")):
            posted = _post_all(poster, answers, refused, welcome.served, screen)
            _show_end(posted, refused, screen, page(client, assignment))
            poster.forget()
    except SubmitError as error:
        error.args = (f"{error} {RESUMES}",)
        raise
    outcomes = posted.outcomes
    if command := "" if answers.fault else own_tests(assignment, tree, outcomes):
        screen.line(f"Your own tests show values: {command}")
    if refused or posted.refused or lost(outcomes):
        what = "not everything" if outcomes else "nothing"
        print(f"error: {what} could be posted; see above.", file=sys.stderr)
        return NOT_POSTED
    return ALL_CORRECT if all(item.correct == len(item.cases) for item in outcomes) else SOME_WRONG


def _post_all(
    poster: Poster, answers: TreeAnswers, refused: Mapping[str, str], served: ServedAssignment | None, screen: Screen
) -> Posted:
    outcomes: list[ProblemOutcome] = []
    shown = answers.fault is not None
    refused_now = False
    for item in answers.problems:
        if item.problem.name in refused:
            continue
        nothing = nothing_to_post(item)
        if nothing is not None and (answers.fault or reason(nothing.cases)):
            outcomes.append(nothing)
            if not answers.fault:
                screen.one_line(nothing)
            continue
        screen.problem(item.problem.name)
        try:
            outcome = poster.post(item, screen.resumed, screen.case, screen.note)
        except Refused as refusal:
            refused_now = True
            screen.refused({item.problem.name: refused_sentence(refusal.error, served)})
        else:
            shown = True
            outcomes.append(outcome)
            screen.points(outcome)
    return Posted(tuple(outcomes), shown, refused_now)


def _show_end(posted: Posted, refused: Mapping[str, str], screen: Screen, link: str) -> None:
    if refused:
        screen.refused(refused)
    if posted.outcomes:
        screen.total(posted.outcomes, link, each=posted.shown)


def _nothing_taken(refused: Mapping[str, str], header: Callable[[], None], screen: Screen) -> SubmitError:
    """The error where no problem is taken: the reason itself, or that all of them are shown."""
    lines = refused_lines(refused)
    if len(lines) == 1:
        return SubmitError(lines[0])
    header()
    screen.refused(refused)
    return SubmitError("nothing could be posted; see above.")


def own_tests(assignment: Assignment, tree: Path, outcomes: Sequence[ProblemOutcome]) -> str:
    """The command that shows what is wrong in the problems that are; empty where there are no tests to run.

    A server tells no expected value; the tests of the release, which draw other inputs, do.
    """
    wrong = [outcome.problem.name for outcome in outcomes if any(map(is_wrong, outcome.cases))]
    if not wrong or not any(file.name != FILE for file in assignment.suite.glob("test_*.py")):
        return ""
    # Without a path pytest runs what pyproject.toml names, and that is the checkout's own suite.
    other_suite = "" if assignment.suite.resolve() == OWN_SUITE else f" {shlex.quote(str(assignment.suite))}"
    other = "" if tree.resolve() == OWN_TREE else f" --tree {shlex.quote(str(tree))}"
    return f'python3 -m pytest{other_suite} -l -v -k "{" or ".join(wrong)}"{other}'


def greet(client: Client, assignment: Assignment) -> Welcome:
    """Ask the server who we are to it, and for the assignment: what is wrong there costs no compilation.

    A server without this extension of the protocol is taken as it is. Raises SubmitError.
    """
    person = client.me()
    if person is None:
        return Welcome(None, None)
    served = client.assignment(assignment.name)
    if served is None:
        raise SubmitError(f"{client.server} has no assignment {assignment.name!r}: is it your course's server?", 404)
    return Welcome(person, served)


def refusals(served: ServedAssignment | None, problems: Sequence[Problem]) -> dict[str, str]:
    """Why a problem cannot be submitted to this server, by the problem's name."""
    found = {}
    for problem in problems if served is not None else ():
        there = served.problem(problem.name) if served is not None else None
        if there is None:
            found[problem.name] = "the server does not know this problem."
        elif there.cases != problem.submission_cases:
            newest = "it has other cases on the server than here: get the course's newest release."
            found[problem.name] = f"{newest} {STILL_COUNTS}"
        elif not there.published:
            found[problem.name] = "the course has not published its answers yet."
    return found


def without_attempts(
    served: ServedAssignment | None, problems: Sequence[Problem], now: datetime | None
) -> dict[str, str]:
    """The problems at which no attempt is left, and when the next one is free: nothing needs to be computed for them.

    now: by the server's clock. One that is free within the time that a client waits anyway is none of them.
    """
    found = {}
    for problem in problems if served is not None and now is not None else ():
        there = served.problem(problem.name) if served is not None else None
        free = parsed_time(there.next_attempt_at) if there is not None else None
        seconds = (free - now).total_seconds() if free is not None and now is not None else 0.0
        if seconds > MAX_WAIT:
            found[problem.name] = f"{_limit(served, seconds)} {STILL_COUNTS}"
    return found


def refused_sentence(error: SubmitError, served: ServedAssignment | None) -> str:
    """Why a server took nothing of a problem."""
    said = str(error)
    if error.status == 429 and error.retry_after and served is not None and served.attempts_per_hour:
        said = _limit(served, error.retry_after)
    return f"{said if said.endswith(('.', '!', '?')) else f'{said}.'} {STILL_COUNTS}"


def _limit(served: ServedAssignment | None, seconds: float) -> str:
    """That an attempt limit is reached, and for how long."""
    limit = served.attempts_per_hour if served is not None else None
    made = (
        f"{count(limit, 'attempt')} in an hour {'is' if limit == 1 else 'are'} made" if limit else "no attempt is left"
    )
    return f"{made}; the next is free {when(seconds)}."


def page(client: Client, assignment: Assignment) -> str:
    """Where the student sees their points."""
    return f"{client.server}a/{assignment.name}"


def _check_open(served: ServedAssignment | None, now: datetime | None) -> None:
    """By the server's clock: this machine's may be wrong, and must not keep anybody from handing in."""
    if served is None or now is None:
        return
    opens, closes = parsed_time(served.open_at), parsed_time(served.closes_at)
    if opens is not None and now < opens:
        raise SubmitError(f"{served.name} is not open yet: it opens {moment(served.open_at)}.", 403)
    if closes is not None and now > closes:
        due = f" (it was due {moment(served.due_at)})" if served.due_at else ""
        raise SubmitError(f"{served.name} closed on {moment(served.closes_at)}{due}.", 403)
