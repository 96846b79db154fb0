"""A tree's answers to the submission cases: staged, built and asked as for a grade, but judged elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import Assignment, Problem
from grader.build import BuiltTree, prepare
from grader.children import Children
from grader.errors import GraderError, UsageError
from grader.judge import ROOT, events, failure, start
from grader.judging.json_report import NOTHING_COLLECTED, PASSED
from grader.sandbox import open_sandbox
from grader.submission.cases import FILE, PREFIX, unframed

Watch = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class CaseAnswer:
    """What a tree has to say to a submission case."""

    index: int  # the case's place in Problem.submission_cases
    title: str
    value: Any | None  # numbers, strings, lists, dicts and arrays; may hold NaN. None where there is no answer
    error: str  # why there is none, for the student: a sentence, and at times further lines; "" with an answer


@dataclass(frozen=True)
class ProblemAnswers:
    """The answers to a problem's submission cases."""

    problem: Problem
    cases: tuple[CaseAnswer, ...]  # all of them, in the assignment's order


@dataclass(frozen=True)
class TreeAnswers:
    """A tree's answers."""

    problems: tuple[ProblemAnswers, ...]  # those selected, in the assignment's order
    identity: str  # sha256 over the staged files; "" where there is nothing to grade in the tree
    fault: str | None  # why no case at all has an answer (it does not compile, cannot be imported); every case's error


def compute(assignment: Assignment, tree: Path, *, select: str, sandbox: str, watch: Watch) -> TreeAnswers:
    """The answers of the tree (a folder or an archive) to the selected problems' submission cases.

    select: a -k expression over problems, aliases and buckets; empty: everything. sandbox: the kind of box. watch is
    called as things happen with {"event": "building"}, {"event": "collected", "submissions": [problem, ...]} and, for
    each case, {"event": "answered", "problem": name, "index": int, "title": str, "error": str}.
    Raises UsageError where the tree is not there or nothing is selected, GraderError where the suite is at fault.
    """
    if assignment.submission_seed is None:
        raise UsageError(f"{assignment.name} has no submission cases: its assignment.toml has no [submission].")
    children = Children()
    with tempfile.TemporaryDirectory(prefix="grader-submit-") as name:
        folder = Path(name).resolve()
        watch({"event": "building"})
        try:
            device = assignment.devices.graded[0]
            built = prepare(tree, assignment, children.box(open_sandbox(sandbox)), folder, for_devices=[device])
            (folder / "tree.json").write_text(built.to_json(), encoding="utf-8")
            answers = _ask(assignment, folder, built, select, sandbox, watch, children)
        except BaseException:
            children.stop()
            raise
    return TreeAnswers(answers, built.identity, built.fault or _shared_fault(answers))


def _ask(
    assignment: Assignment, folder: Path, built: BuiltTree, select: str, sandbox: str, watch: Watch, children: Children
) -> tuple[ProblemAnswers, ...]:
    """Run the submit_* functions in a judge, and gather what it tells."""
    log = folder / "pytest.log"
    selected: list[str] | None = None
    answers: dict[str, list[CaseAnswer]] = {}
    process, reader = start(_command(assignment, folder, select, sandbox), log, children)
    for event in events(reader):
        if event["event"] == "collected":
            selected = event["submissions"]
        elif event["event"] == "answered":
            value = event.pop("value")
            answer = CaseAnswer(event["index"], event["title"], value and unframed(value), event["error"])
            answers.setdefault(event["problem"], []).append(answer)
        watch(event)
    status = process.wait()
    if status not in (PASSED, NOTHING_COLLECTED) or selected is None:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise failure(status, text, f"computing the answers of {built.name}")
    if not selected:
        raise _nothing_selected(assignment, select)
    return _in_order(assignment, selected, answers)


def _command(assignment: Assignment, folder: Path, select: str, sandbox: str) -> list[str]:
    command = [str(assignment.suite / FILE), "-c", str(ROOT / "pyproject.toml"), "-q"]
    command += ["-o", f"python_functions={PREFIX}*", "--tb=native", "-p", "no:cacheprovider"]
    command += ["--prepared", str(folder / "tree.json"), "--sandbox", sandbox]
    if select.strip():
        command.append(f"-k{select.strip()}")  # in one word: an expression that begins with "-" is no option
    return command


def _in_order(
    assignment: Assignment, selected: Iterable[str], answers: dict[str, list[CaseAnswer]]
) -> tuple[ProblemAnswers, ...]:
    """The answers in the assignment's order. Raises GraderError where they are not those of the listed cases."""
    names = {assignment.problem(name).name for name in selected}
    ordered = []
    for problem in assignment.problems:
        if problem.name not in names:
            continue
        cases = tuple(answers.get(problem.name, ()))
        listed = list(enumerate(problem.submission_cases))
        if [(case.index, case.title) for case in cases] != listed:
            raise GraderError(
                f"{PREFIX}{problem.name} in {assignment.suite / FILE} gave {len(cases)} cases; expected those that "
                f"assignment.toml lists, {len(listed)}."
            )
        ordered.append(ProblemAnswers(problem, cases))
    return tuple(ordered)


def _nothing_selected(assignment: Assignment, select: str) -> UsageError:
    known = ", ".join(problem.name for problem in assignment.problems if problem.submission_cases)
    return UsageError(f"-k has value {select!r}, which selects no problem of {assignment.name}; expected: {known}.")


def _shared_fault(answers: Iterable[ProblemAnswers]) -> str | None:
    """The one error of a tree that could not even be imported, which otherwise stands at every case."""
    errors = {case.error for problem in answers for case in problem.cases}
    error = errors.pop() if len(errors) == 1 else ""
    return error if error.startswith("importing the tree ") else None
