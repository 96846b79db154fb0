"""What a student sees: a bar while the answers are computed, then every case, then the points."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from grader.assignment import Assignment
from grader.mugrade.replies import Person, ServedAssignment, parsed_time
from grader.report.wording import count, in_line, points, shortened
from grader.submission.posting import CaseOutcome, ProblemOutcome, Result

LINES = 8  # of a case's message
NAMES = 4  # of what is not implemented in a problem
_STYLES = {Result.CORRECT: "green", Result.WRONG: "red", Result.NO_ANSWER: "red", Result.NOT_POSTED: "yellow"}
_WIDTH = max(len(result.value) for result in Result)
_NOT_IMPLEMENTED = "not implemented"
RESUMES = "The same command goes on where this one stopped."
STILL_COUNTS = "What you submitted before still counts."


def console(stream: TextIO) -> Console:
    """A console on the stream; where colours are not wanted also without bold, which is an escape code as well."""
    if os.environ.get("NO_COLOR"):
        return Console(file=stream, color_system=None, legacy_windows=False)
    return Console(file=stream)


class Computing:
    """The bar: moves on a terminal, is a few plain lines elsewhere. It is on stderr: results alone are on stdout."""

    def __init__(self, assignment: Assignment) -> None:
        self._console = console(sys.stderr)
        moving = self._console.is_interactive and self._console.file.isatty() and not self._console.no_color
        self._moving = moving
        self._assignment = assignment
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not moving,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Computing:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def watch(self, event: dict[str, Any]) -> None:
        """Take note of an event of answers.compute."""
        if event["event"] == "building":
            self._task = self._bar.add_task("building", total=None)
            self._line("building the tree")
        elif event["event"] == "collected" and self._task is not None:
            names = {self._assignment.problem(name).name for name in event["submissions"]}
            cases = sum(len(item.submission_cases) for item in self._assignment.problems if item.name in names)
            self._bar.update(self._task, total=cases, completed=0, description="computing")
            self._line(f"computing {count(cases, 'case')}")
        elif event["event"] == "answered" and self._task is not None:
            self._bar.update(self._task, advance=1, description=f"computing {event['problem']}")

    def _line(self, text: str) -> None:
        if not self._moving:
            self._console.print(Text(text), soft_wrap=True)


class Screen:
    """Prints results to stdout, and what keeps us waiting to stderr."""

    def __init__(self) -> None:
        self._out = console(sys.stdout)
        self._err = console(sys.stderr)
        self._last = ""  # the message that stands above
        self._one_line = False  # whether a problem of a single line stands above
        self._heading = ""  # of a problem of which there is nothing to show yet
        self._posting = False  # whether anything may have been posted
        self._best_counts = False  # whether a submission that is worse than an earlier one changes nothing

    def notice(self, line: str) -> None:
        """Something that explains a pause."""
        self._err.print(Text(in_line(line), style="yellow"), soft_wrap=True)

    def line(self, text: str = "", style: str = "") -> None:
        """A line of its own; never broken, so that what is in it can be copied."""
        self._out.print(Text(text, style=style), soft_wrap=True)

    def header(
        self, assignment: Assignment, server: str, person: Person | None, served: ServedAssignment | None
    ) -> None:
        """Where the answers go, as whom, and by when."""
        self.line(f"{assignment.name}: {in_line(assignment.title)}", "bold")
        name = f" ({in_line(person.name)})" if person is not None and person.name else ""
        whom = f" as {in_line(person.login)}{name}" if person is not None else ""
        self.line(f"to {server}{whom}")
        self._best_counts = served is not None and served.counts == "best"
        if served is not None and served.due_at:
            closes = f", closes {moment(served.closes_at)}" if served.closes_at not in (None, served.due_at) else ""
            left = f"; {count(served.late_days_left, 'late day')} left" if closes else ""
            self.line(f"due {moment(served.due_at)}{closes}{left}")

    def fault(self, fault: str) -> None:
        """Why no case of the tree has an answer."""
        self.line()
        self.line(shortened(fault, 3 * LINES), "red")

    # -- a problem --------------------------------------------------------------------------------------------------

    def problem(self, name: str) -> None:
        """From now on the cases are this problem's; its name stands above the first."""
        self._heading = name
        self._last = ""
        self._posting = True

    def refused(self, refused: Mapping[str, str]) -> None:
        """Why nothing of some problems was posted; where it is one reason, in one line."""
        self._heading = ""
        for line in refused_lines(refused):
            self._apart()
            self.line(in_line(line), "yellow")

    def note(self, line: str) -> None:
        """Something about the problem's submission as a whole; cases that follow begin anew."""
        self._head()
        self._last = ""
        self.line(f"  {in_line(line)}", "dim")

    def resumed(self) -> None:
        """Said where an earlier run's submission is gone on with."""
        self._head()
        self.line("  going on with the submission that was interrupted", "dim")

    def case(self, case: CaseOutcome) -> None:
        """A case: its verdict, number and title, and below it what is wrong."""
        self._head()
        before = Text("  (judged before)" if case.before else "", style="dim")
        word = Text(f"{case.result.value:<{_WIDTH}}", style=_STYLES[case.result])
        self._out.print(
            Text.assemble("  ", word, f"  {case.index + 1:>2}  {in_line(case.title)}") + before, soft_wrap=True
        )
        message = shortened(case.message, LINES).rstrip()
        if message and message == self._last:
            message = "as above"
        elif message:
            self._last = message
        for line in message.split("\n") if message else ():
            self._indented(line, _WIDTH + 8)

    def one_line(self, outcome: ProblemOutcome) -> None:
        """A problem none of whose cases has an answer, for one and the same reason."""
        self._apart()
        why = reason(outcome.cases)
        why = why if why.startswith(_NOT_IMPLEMENTED) else f"no answer to post: {why}"
        self.line(f"{outcome.problem.name}: {_points(outcome)}; {why}", "red")
        message = outcome.cases[0].message
        for line in shortened(message, LINES).split("\n")[1:] if "\n" in message.strip() else ():
            self._indented(line, 2)

    def points(self, outcome: ProblemOutcome) -> None:
        """What a problem earned."""
        late = ""
        if outcome.state is not None and outcome.state.late_days:
            late = f"; {count(outcome.state.late_days, 'day')} late"
            late += f", {_amount(outcome.penalty)} off" if outcome.penalty else ", no points off"
        right = f"{outcome.correct} of {count(len(outcome.cases), 'case')} correct"
        self.line(f"  {right}: {_points(outcome)}{late}", _colour(outcome))

    # -- the end ----------------------------------------------------------------------------------------------------

    def total(self, outcomes: Sequence[ProblemOutcome], page: str, *, each: bool) -> None:
        """The points of all problems (also of each, where there are several), if they count, and where to see more."""
        self.line()
        if each and len(outcomes) > 1:
            width = max(len(outcome.problem.name) for outcome in outcomes)
            for outcome in outcomes:
                kept = points(outcome.points - outcome.penalty, outcome.max_points)
                self.line(f"{outcome.problem.name:<{width}}  {kept:>14}", _colour(outcome))
        penalty = sum(outcome.penalty for outcome in outcomes)
        earned = sum(outcome.points for outcome in outcomes) - penalty
        most = sum(outcome.max_points for outcome in outcomes)
        self.line(f"Total: {points(earned, most)} points", "bold")
        states = [outcome.state for outcome in outcomes if outcome.state is not None]
        if penalty:
            verb = "is" if penalty == 1 else "are"
            late = f"{_amount(penalty)} {verb} off for being late; your page shows where your late days are spent."
            self.line(late, "yellow")
        if states and not all(state.official for state in states):
            self.line("Self-reported: your grade is what the course's own run of your code finds.", "yellow")
        if not any(case.result in (Result.CORRECT, Result.WRONG) for outcome in outcomes for case in outcome.cases):
            self.line(f"Nothing was posted. {STILL_COUNTS}", "yellow")
        if states:
            self.line(f"Everything you have submitted: {page}")

    def interrupted(self) -> str:
        """What stands after Ctrl-C."""
        if not self._posting:
            return f"Interrupted: nothing was posted. {STILL_COUNTS}"
        # Where the last submission counts, that is now the one in the middle of which this stopped.
        return f"Interrupted. {RESUMES}{f' {STILL_COUNTS}' if self._best_counts else ''}"

    def _head(self) -> None:
        """The heading above a problem's first line."""
        if self._heading:
            self.line()
            self.line(self._heading, "bold")
        self._heading = ""
        self._one_line = False

    def _apart(self) -> None:
        """An empty line above a problem of one line, but for the first one of several."""
        if not self._one_line:
            self.line()
        self._one_line = True

    def _indented(self, line: str, indent: int) -> None:
        """A line, wrapped where there is a width to wrap at; what it is wrapped to begins where it began."""
        indent += len(line) - len(line.lstrip(" "))
        text = Text(line.strip(" "))
        if not self._out.is_terminal:
            self._out.print(Text(" " * indent) + text, soft_wrap=True)
            return
        for part in text.wrap(self._out, max(30, self._out.width - indent)):
            part.rstrip()
            self._out.print(Text(" " * indent) + part, soft_wrap=True)


def is_wrong(case: CaseOutcome) -> bool:
    """Whether the case is one that its student may want to look into: nothing that is simply not written yet."""
    return case.result is Result.WRONG or (
        case.result is Result.NO_ANSWER and not case.message.startswith(_NOT_IMPLEMENTED)
    )


def refused_lines(refused: Mapping[str, str]) -> list[str]:
    """Problem -> why nothing of it was posted, as lines: a line a reason."""
    names: dict[str, list[str]] = {}
    for name, sentence in refused.items():
        names.setdefault(sentence, []).append(name)
    return [f"{', '.join(found)}: not posted: {sentence}" for sentence, found in names.items()]


def reason(cases: Sequence[CaseOutcome]) -> str:
    """The one reason of cases without an answer, in a line; empty where there are several."""
    if any(case.result is not Result.NO_ANSWER for case in cases):
        return ""
    heads = list(dict.fromkeys(in_line(case.message.partition("\n")[0]) for case in cases))
    if all(head.startswith(_NOT_IMPLEMENTED) for head in heads):
        # The stubs' own words: "not implemented: NAME is yours to write: ..."
        names = [
            head.removeprefix(_NOT_IMPLEMENTED).removeprefix(": ").partition(" is yours to write")[0] for head in heads
        ]
        names = [name[:80] for name in dict.fromkeys(names) if name]
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        return f"{_NOT_IMPLEMENTED}{': ' if names else ''}{', '.join(names[:NAMES])}{more}"
    return heads[0][:300] if len(heads) == 1 else ""


def moment(text: str | None) -> str:
    """A server's time, in the student's own time zone: "Sun 1 Mar 2026, 18:00 CET"."""
    if text is None:
        return "never"
    found = parsed_time(text)
    if found is None:
        return in_line(text)[:40]
    found = found.astimezone()
    return f"{found:%a} {found.day} {found:%b %Y, %H:%M %Z}"


def _points(outcome: ProblemOutcome) -> str:
    return points(outcome.points, outcome.max_points)


def _amount(penalty: float) -> str:
    """Points taken off: "1 point", "2.5 points"."""
    return f"{round(penalty, 2):g} {'point' if penalty == 1 else 'points'}"


def _colour(outcome: ProblemOutcome) -> str:
    if outcome.correct == len(outcome.cases):
        return "green"
    return "" if outcome.correct else "red"
