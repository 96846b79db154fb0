"""The way of `submit.py`: ask the server, compute the answers, post them, and say what they earned."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.assignment import Assignment, Problem
from grader.errors import UsageError
from grader.mugrade.client import Client, SubmitError
from grader.mugrade.replies import Person, ServedAssignment, parsed_time
from grader.sandbox import open_sandbox
from grader.submission.answers import TreeAnswers, compute
from grader.submission.posting import Poster, ProblemOutcome, lost, nothing_to_post
from grader.submission.screen import Computing, Screen, moment, reason
from grader.submission.selection import selected
from grader.submission.state import States

RESUMES = "The same command goes on where this one stopped."
ALL_CORRECT, SOME_WRONG, NOT_POSTED = 0, 1, SubmitError.exit_status


@dataclass(frozen=True)
class Welcome:
    """What the server said before anything was computed."""

    person: Person | None  # None: a server that tells neither this
    served: ServedAssignment | None  # nor that


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
    refused = refusals(welcome.served, problems)
    if len(refused) == len(problems):
        raise SubmitError(" ".join(dict.fromkeys(refused.values())))
    if welcome.person is not None and welcome.person.role == "student":  # the course itself is bound by no times
        _check_open(welcome.served, client.now)
    screen.header(assignment, client.server, welcome.person, welcome.served)
    with Computing(assignment) as computing:
        answers = compute(assignment, tree, select=select, sandbox=sandbox, watch=computing.watch)
    if answers.fault:
        screen.fault(answers.fault)
    login = welcome.person.login if welcome.person is not None else ""
    poster = Poster(client, states, assignment, login, answers.identity)
    try:
        with states.exclusively(lambda: screen.notice("another submit.py is posting from here; waiting for it to end")):
            outcomes, shown = _post_all(poster, answers, refused, screen)
    except SubmitError as error:
        error.args = (f"{error} {RESUMES}",)
        raise
    for name, sentence in refused.items():
        screen.line()
        screen.line(f"{name}: not posted: {sentence}", "yellow")
    if outcomes:
        screen.total(outcomes, page(client, assignment), each=shown)
    if refused or lost(outcomes):
        print("error: not everything could be posted; see above.", file=sys.stderr)
        return NOT_POSTED
    return ALL_CORRECT if all(item.correct == len(item.cases) for item in outcomes) else SOME_WRONG


def _post_all(
    poster: Poster, answers: TreeAnswers, refused: dict[str, str], screen: Screen
) -> tuple[list[ProblemOutcome], bool]:
    """The outcomes, and whether the cases of any were shown."""
    outcomes: list[ProblemOutcome] = []
    shown = False
    for item in answers.problems:
        if item.problem.name in refused:
            continue
        nothing = nothing_to_post(item)
        if nothing is not None and (answers.fault or reason(nothing.cases)):
            outcomes.append(nothing)
            if not answers.fault:
                screen.one_line(nothing)
            continue
        shown = True
        screen.problem(item.problem.name)
        outcomes.append(poster.post(item, screen.resumed, screen.case))
        screen.points(outcomes[-1])
    return outcomes, shown or answers.fault is not None


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
            found[problem.name] = f"the server does not know the problem {problem.name}."
        elif there.cases != problem.submission_cases:
            found[problem.name] = (
                f"{problem.name} has other cases on the server than here: get the course's newest release."
            )
        elif not there.published:
            found[problem.name] = f"{problem.name} cannot be submitted yet: the course has not published its answers."
    return found


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
