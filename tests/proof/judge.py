"""Ask the judge server: which cases there are, and what becomes of them over a tree."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.errors import GraderError
from grader.evidence import Margin
from grader.judge import ROOT, judging_environment
from grader.verdict import LOST, Case, Verdict

TESTS = ROOT / "tests"


@dataclass(frozen=True)
class Result:
    """What became of a case with one seed."""

    case: str  # its id
    seed: int
    verdict: Verdict
    message: str
    seconds: float
    margins: tuple[Margin, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether it costs points."""
        return self.verdict in LOST


class Examination:
    """One tree, and a judge that runs cases over it."""

    def __init__(self, connection: socket.socket, log: Path) -> None:
        self.cpu_seconds = 0.0  # of the judge and the tree's workers, once it is closed
        self._connection = connection
        self.answers: TextIO = connection.makefile("r", encoding="utf-8")
        self._log = log

    def run(self, cases: Sequence[str], seed: int, *, until_lost: bool = False) -> list[Result]:
        """What becomes of the cases, in their order; until_lost: up to the first that costs points."""
        if not cases:
            return []
        self.tell({"run": list(cases), "seed": seed, "until_lost": until_lost})
        results = []
        for event in self.events():
            if event["event"] == "verdict":
                results.append(_result(event, seed))
            elif event["event"] in ("fault", "broken"):
                raise GraderError(f"the harness is at fault in {event.get('id', cases[0])}: {event['message']}")
            elif event["event"] == "ran":
                break
        seen = {result.case for result in results}
        missing = [name for name in cases if name not in seen]
        if missing and not (until_lost and any(result.lost for result in results)):
            raise GraderError(f"the judge gave no verdict on {missing[0]}")
        return results

    def tell(self, request: Mapping[str, Any]) -> None:
        """Send a line."""
        with contextlib.suppress(OSError):  # the judge has ended; who waits for its answer is told
            self._connection.sendall(json.dumps(request).encode() + b"\n")

    def events(self) -> Iterator[dict[str, Any]]:
        """The answers as they come. Raises GraderError where the judge has ended."""
        with contextlib.suppress(ConnectionResetError):
            for line in self.answers:
                yield json.loads(line)
        raise GraderError(f"a judge ended before it was done. The end of its log:\n{self._log.read_text()[-4000:]}")

    def finish(self) -> None:
        """Nothing more is asked: wait until the judge has ended its workers."""
        self._connection.shutdown(socket.SHUT_WR)
        for line in self.answers:
            self.cpu_seconds = json.loads(line).get("cpu", 0.0)


def _result(event: Mapping[str, Any], seed: int) -> Result:
    margins = tuple(
        Margin(item["name"], float("inf") if item["error"] is None else item["error"])
        for item in (event.get("evidence") or {}).get("margins", ())
    )
    return Result(event["id"], seed, Verdict(event["verdict"]), event["message"], event["seconds"], margins)


def judge_environment() -> dict[str, str]:
    """As a judge's, with this package to be imported."""
    return {**judging_environment(os.environ), "PYTHONPATH": str(TESTS)}


class Judge:
    """The server as a context: it runs until the end of the block."""

    def __init__(self, assignment: Assignment, devices: Sequence[str]) -> None:
        self._assignment = assignment
        self._devices = devices

    def __enter__(self) -> Judge:
        self._folder = tempfile.TemporaryDirectory(prefix="proof-judge-")
        self._address = str(Path(self._folder.name) / "socket")
        self._log = Path(self._folder.name) / "log"
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("wb") as log:
            listener.bind(self._address)
            listener.listen(64)
            arguments = [str(listener.fileno()), str(self._assignment.suite), *self._devices]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "proof.server", *arguments],
                cwd=ROOT,
                env=judge_environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def cases(self) -> list[Case]:
        """All cases of the suite on the server's devices, in the suite's order."""
        with self._connected() as examination:
            examination.tell({"list": True})
            event = next(examination.events())
        return [Case(**item) for item in event["cases"]]

    @contextmanager
    def examine(
        self, tree: BuiltTree, *, delegation: bool = False, limits: Mapping[str, float] | None = None
    ) -> Iterator[Examination]:
        """A judge for the tree. delegation: ask again what passes; limits: in the place of the assignment's."""
        with self._connected() as examination:
            shown = tree.name
            examination.tell(
                {"tree": tree.to_json(), "shown": shown, "delegation": delegation, "limits": dict(limits or {})}
            )
            yield examination

    @contextmanager
    def _connected(self) -> Iterator[Examination]:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(self._address)
            except OSError as error:
                raise GraderError(f"the judge cannot be reached: {error}\n{self._log.read_text()[-4000:]}") from None
            examination = Examination(connection, self._log)
            with examination.answers:
                yield examination
                examination.finish()  # not after an exception: the judge finds that whoever asked is gone
