"""Publish the right answers: those of the reference, all of them or none."""

from __future__ import annotations

import sys
from pathlib import Path

from grader.assignment import Assignment
from grader.mugrade.client import Client, SubmitError
from grader.mugrade.replies import Published
from grader.report.wording import count
from grader.sandbox import open_sandbox
from grader.submission.answers import TreeAnswers, compute
from grader.submission.posting import MAX_BYTES, Prepared, prepare
from grader.submission.screen import Computing, Screen
from grader.submission.selection import selected
from grader.submission.submit import greet

PUBLISHED, INCOMPLETE = 0, 1


def publish(client: Client, assignment: Assignment, tree: Path, *, select: str, sandbox: str, screen: Screen) -> int:
    """Publish the answers of the tree to the selected problems; the exit status.

    Nothing is published where a single case has no answer: half a version would judge students by what is missing.
    Raises UsageError or SubmitError.
    """
    problems = selected(assignment, select)
    open_sandbox(sandbox)
    welcome = greet(client, assignment)
    if welcome.person is not None and welcome.person.role not in ("instructor", ""):
        raise SubmitError(
            f"The key is that of {welcome.person.login}, a {welcome.person.role}: only an instructor publishes.", 403
        )
    for problem in problems if welcome.served is not None else ():
        there = welcome.served.problem(problem.name) if welcome.served is not None else None
        if there is None or there.cases != problem.submission_cases:
            raise SubmitError(
                f"{client.server} has other cases of {problem.name} than {assignment.suite}: "
                "start it anew with this checkout, it reads them when it starts."
            )
    screen.header(assignment, client.server, welcome.person, None)
    with Computing(assignment) as computing:
        answers = compute(assignment, tree, select=select, sandbox=sandbox, watch=computing.watch)
    ready = {item.problem.name: [prepare(case) for case in item.cases] for item in answers.problems}
    lacking = {name: [case for case in cases if case.data is None] for name, cases in ready.items()}
    if answers.fault or any(lacking.values()):
        _tell_lacking(answers, lacking, screen)
        return INCOMPLETE
    bodies = {name: _body(name, cases) for name, cases in ready.items()}
    versions = f"{client.server}a/{assignment.name}/answers"
    for name, body in bodies.items():
        done = client.publish(assignment.name, name, body)
        screen.line(f"{name}: {count(len(ready[name]), 'case')}; {_what_happened(done)}")
        if done.state == "pending" and done.answer_id is not None:
            screen.line(f"  see who, and apply it: {versions}/{done.answer_id}")
    if welcome.person is not None:
        screen.line(f"All versions: {versions}")
    return PUBLISHED


def _body(name: str, cases: list[Prepared]) -> bytes:
    """The list of all values, as it is sent."""
    body = b"[" + b",".join(case.data for case in cases if case.data is not None) + b"]"
    if len(body) > MAX_BYTES:
        raise SubmitError(f"the answers to {name} take {len(body):,} bytes as text; at most {MAX_BYTES:,} are taken.")
    return body


def _what_happened(done: Published) -> str:
    if done.state == "unchanged":
        return f"the same as version {done.version}, which stays"
    if done.state == "pending":
        who = count(done.changes, "student")
        return f"version {done.version} waits to be applied: it would change the points of {who}"
    return f"version {done.version} is active" if done.version else "published"


def _tell_lacking(answers: TreeAnswers, lacking: dict[str, list[Prepared]], screen: Screen) -> None:
    if answers.fault:
        screen.fault(answers.fault)
    for name, cases in lacking.items() if not answers.fault else ():
        for case in cases:
            screen.line(f"{name}, case {case.case.index + 1} ({case.case.title}): {case.reason}", "red")
    print("error: some cases have no answer that could be published; nothing was published.", file=sys.stderr)
