"""A pytest plugin for `grader repro`: it watches the one case, and leaves a script that shows the same.

The script for an error is written before each question, because a crash or Ctrl-C ends this process; an answer that is
judged wrong replaces it by one that compares. A case that passes leaves none.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.assignment import Assignment, load_assignment
from grader.compare import Mismatch
from grader.errors import GraderError
from grader.judging.cases import case_id, device_of, is_case
from grader.repro_script.finding import Comparison, Found, find, wanted
from grader.repro_script.head import Case
from grader.repro_script.script import STAND_INS, Asked, write
from grader.repro_script.sources import Sources
from grader.subject.ask import Ask
from grader.subject.inprocess import round_trip
from grader.subject.outcome import Answer, SubjectError, plain
from grader.subject.question import Probe
from grader.subject.showing import shown


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    parser.addoption("--script", help="where the script goes (used by `grader repro`)")
    parser.addoption("--script-tree", help="the tree that it is about (used by `grader repro`)")
    parser.addoption("--script-file", default="", help="what it will be called (used by `grader repro`)")


class Watched:
    """The test's `subject`, which notes what passes."""

    def __init__(self, inner: Ask, device: str, writer: Writer) -> None:
        self._inner, self._device, self._writer = inner, device, writer

    def __call__(self, probe: Probe, *args: Any, **kwargs: Any) -> Answer:
        self._writer.asks(probe, self._device, args, kwargs)
        answer = self._inner(probe, *args, **kwargs)
        self._writer.answers.append(answer)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Writer:
    """What is known of the case so far, and the file."""

    def __init__(self, item: pytest.Item, assignment: Assignment, file: Path, tree: Path) -> None:
        """file: becomes the script. tree: that it is about."""
        self._file = file
        self._suite = assignment.suite
        self._sources = Sources(assignment.suite, STAND_INS)
        self._asked: list[Asked] = []
        self.answers: list[Answer] = []
        self._case = Case(
            case_id(item),
            item.config.getoption("seed"),
            "",
            tree,
            assignment.layout.paths,
            assignment.layout.env,
            assignment.devices.simulates,
            f"tests/{assignment.suite.name}/probes",
            item.config.getoption("script_file"),
        )

    def asks(self, probe: Probe, device: str, args: Any, kwargs: Mapping[str, Any]) -> None:
        sent = round_trip({"args": list(args), "kwargs": dict(kwargs)})  # as the probe gets them
        parameters = [item.name for item in inspect.signature(probe).parameters.values()]
        self._asked.append(
            Asked(
                probe.__module__, probe.__qualname__, device, sent["args"], sent["kwargs"], parameters[: 2 + len(args)]
            )
        )
        self._write(None, "The submission gave no answer: it crashed, or was stopped.")

    def failed(self, error: BaseException) -> None:
        if isinstance(error, Mismatch) and self._asked:
            found = find(error, self.answers, self._sources, self._suite)
            _show(found, self.answers)
            self._write(found, str(error))
        elif isinstance(error, SubjectError) and len(self._asked) > len(self.answers):
            self._write(None, str(error))
        else:
            self.passed()  # no question has led to it

    def passed(self) -> None:
        self._file.unlink(missing_ok=True)
        self._file.with_suffix(".npz").unlink(missing_ok=True)

    def _write(self, found: Found | None, message: str) -> None:
        try:
            script = write(replace(self._case, message=message), self._asked, found, self._sources)
        except (
            GraderError
        ) as error:  # a suite may be written in a way that does not fit a script: its cases count all the same
            print(f"\nThere is no script without the grader for this case: {error}")
            self.passed()
            return
        data = self._file.with_suffix(".npz")
        if script.npz:
            data.write_bytes(script.npz)
        else:
            data.unlink(missing_ok=True)
        self._file.write_text(script.text, encoding="utf-8")


def _show(found: Found, answers: Sequence[Answer]) -> None:
    """What was expected, beside what was got: the answers themselves were shown when they came."""
    if not isinstance(found, Comparison):
        return
    got = found.got.of(answers)
    lines = [f"\n{found.called}", *shown("  got", got), *shown("  expected", wanted(found.want))]
    if isinstance(got, np.ndarray) and np.shape(got) == np.shape(found.want) and got.dtype.kind == "f":
        with np.errstate(all="ignore"):
            lines += shown("  got - expected", plain(got) - plain(found.want))
    print("\n".join(lines))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Watch the case."""
    subject, option = pyfuncitem.funcargs.get("subject"), pyfuncitem.config.getoption
    if not is_case(pyfuncitem) or not isinstance(subject, Ask):
        return (yield)
    assignment = load_assignment(pyfuncitem.path.parent)
    writer = Writer(pyfuncitem, assignment, Path(option("script")), Path(option("script_tree")))
    pyfuncitem.funcargs["subject"] = Watched(subject, device_of(pyfuncitem), writer)
    try:
        result = yield
    except (AssertionError, SubjectError) as error:
        writer.failed(error)
        raise
    writer.passed()
    return result
