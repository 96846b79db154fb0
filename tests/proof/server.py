"""A process that has imported and collected everything, and forks for every tree: a judge in 20 ms instead of 4 s.

    python -m proof.server LISTENER SUITE DEVICE...

LISTENER: the descriptor of a listening socket. The process ends when its stdin does. Each connection gets a fork of its
own. It reads lines of JSON: first {"list": true}, which is answered with the cases, or a tree ({"tree", "shown",
"delegation", "limits"}); then {"run": [id, ...], "seed": n, "until_lost": bool} again and again. It answers with the
events of the judging plugin, {"event": "ran"} after each run, and in the end {"event": "ended", "cpu": seconds}.

This is the judges' own path: the same plugin, fixtures, isolated workers and verdicts; only collection is not repeated.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, TextIO

import pytest

from grader.build import BuiltTree
from grader.delegation.plugin import DelegationCheck
from grader.judge import ROOT
from grader.judging.cases import case_id, case_of, device_of, is_case
from grader.judging.run import Run
from grader.subject.ask import Ask


class JudgeServer:
    """A plugin of pytest's: instead of running what is collected, it serves."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork for every connection until stdin ends."""
        if session.testsfailed:
            raise session.Interrupted("the suite cannot be collected")
        if "torch" in sys.modules:
            # Its backward() imports this when it is first called, and with it SymPy: 1.4 s for every fork.
            importlib.import_module("torch.fx.experimental.symbolic_shapes")
        gc.collect()
        gc.freeze()  # else a fork's first collection writes to every page that it shares with this process
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that have ended are not waited for
        while True:
            ready, _, _ = select.select([self._listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return True
            connection, _ = self._listener.accept()
            if os.fork() == 0:
                _serve(session, connection, self._listener)
            connection.close()


def _serve(session: pytest.Session, connection: socket.socket, listener: socket.socket) -> None:
    """Answer one connection, and end this process."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener.close()
        connection.set_inheritable(False)
        with connection.makefile("r", encoding="utf-8") as asked, connection.makefile("w", encoding="utf-8") as answers:
            _Examination(session, answers).serve(asked)
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        pass  # whoever asked is gone
    finally:
        sys.stdout.flush()
        os._exit(status)


class _Examination:
    """Runs cases over one tree."""

    def __init__(self, session: pytest.Session, answers: TextIO) -> None:
        self._session = session
        self._answers = _Answers(answers)
        run = session.config.pluginmanager.get_plugin("grader-run")
        assert isinstance(run, Run)
        self._run = run
        self._items = {case_id(item): item for item in session.items if is_case(item)}
        self._delegation = False

    def serve(self, asked: TextIO) -> None:
        """Answer line after line until there is none."""
        first = json.loads(asked.readline())
        if "list" in first:
            cases = [asdict(case_of(item, self._run.choice.assignment_of(item.path))) for item in self._items.values()]
            self._answers.write(json.dumps({"event": "collected", "cases": cases}) + "\n")
            return
        self._prepare(first)
        try:
            for line in asked:
                request = json.loads(line)
                self._run_cases([self._items[name] for name in request["run"]], request["seed"], request["until_lost"])
                self._answers.write(json.dumps({"event": "ran"}) + "\n")
        except pytest.exit.Exception as end:  # a fault of ours; nothing can be said of the tree
            self._answers.write(json.dumps({"event": "broken", "message": str(end)}) + "\n")
        finally:
            self._run.delegation.close()
            self._run.tree.close()
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in spent)
        self._answers.write(json.dumps({"event": "ended", "cpu": cpu}) + "\n")

    def _prepare(self, first: dict[str, Any]) -> None:
        self._run.verdicts.events = self._answers
        tree = self._run.tree
        tree.tree = BuiltTree.from_json(first["tree"])
        # A plain worker without a spare one that starts beside it: most bugs need no second, and a start takes 0.2 s.
        tree._open_subject = lambda assignment, _, simulated: tree.open_traced(assignment, simulated)  # type: ignore
        self._session.config.option.tree = first["shown"]
        self._delegation = first["delegation"]
        for place, assignment in self._run.choice.assignments.items():
            self._run.choice.assignments[place] = replace(
                assignment,
                limits=replace(assignment.limits, **first["limits"]),
                delegation=assignment.delegation if self._delegation else None,
            )

    def _run_cases(self, items: Sequence[pytest.Item], seed: int, until_lost: bool) -> None:
        self._session.config.option.seed = seed
        if self._delegation:
            self._run.delegation.close()
            self._run.delegation = DelegationCheck(seed, self._run.tree.open_planned, Ask)
            items = self._run.delegation.order(items, [device_of(item) for item in items])
        for item, following in zip(items, [*items[1:], None], strict=True):
            # With nothing that follows, all fixtures are closed: this may be the last one.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None if until_lost else following)
            if until_lost and self._answers.lost:
                break
        self._answers.lost = False


class _Answers:
    """The stream that verdicts go to; it notices that points are lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def write(self, line: str) -> None:
        """A line of JSON."""
        self.lost = self.lost or json.loads(line).get("verdict") in ("fail", "error")
        self._stream.write(line)
        self._stream.flush()

    def flush(self) -> None:
        """Each line is written at once."""

    def close(self) -> None:
        """The connection is closed by its owner."""


def main() -> None:
    """See the module."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    command = [sys.argv[2], "-c", str(ROOT / "pyproject.toml"), "-q", "--tb=short"]
    command += ["-p", "no:cacheprovider", "--capture=no", "--sandbox", "none", "--isolation", "worker", "--seed", "0"]
    command += ["--prepared", os.devnull]  # each connection brings its own
    for device in sys.argv[3:]:
        command += ["--device", device]
    sys.exit(pytest.main(command, plugins=[JudgeServer(listener)]))


if __name__ == "__main__":
    main()
