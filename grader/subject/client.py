"""The judge's side of a conversation: ask a submission to compute something, believe nothing, survive everything."""

from __future__ import annotations

import contextlib
import copy
import itertools
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from grader.assignment import Assignment, CaseLimits
from grader.build import BuiltTree
from grader.checks import environment as checks_environment
from grader.delegation.modes import PLAIN
from grader.sandbox import Limits, Sandbox
from grader.subject import protocol
from grader.subject.kit import build_kit
from grader.subject.outcome import IMPORTING, Answer, SubjectError, raised
from grader.subject.perturbation import Plan
from grader.subject.process import Clock, WorkerDied, WorkerProcess, WorkerTooSlow
from grader.subject.question import Probe, Question, describe

# A hanging op would cost its limit once a case, and there are hundreds. After this many time-outs of the same probe on
# the same op its later cases get a tenth of the time: still ample for an answer that comes at all.
PATIENCE = 3
# Where CUDA is run on the CPU a case may take so many times longer; with checks, as the second number says. The
# reference's slowest case takes 2 s there, 4 s with `--check memory`, 30 s with `--check race`, which repeats kernels.
SIMULATED, CHECKED = 3, 12
_FILE_BYTES = 64 << 20  # that a worker may write, in one file and together; no probe of ours writes any


class Subject(Protocol):
    """Something that answers probes."""

    def ask(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """The probe's answer. Raises SubjectError where there is none."""
        ...

    def renew(self) -> None:
        """Forget everything that earlier questions may have left behind in the submission's process."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class IsolatedSubject:
    """A built tree in a worker process, started when first asked and anew after it died."""

    def __init__(
        self,
        assignment: Assignment,
        tree: BuiltTree,
        sandbox: Sandbox,
        *,
        gpu: bool,
        simulated: bool = False,
        checks: Sequence[str] = (),
        plan: Plan | None = None,
    ) -> None:
        """gpu: CUDA reserves address space by the terabyte, so of memory only what is used has a limit.

        simulated: for the devices that simulate one. checks: what these watch for besides.
        plan: what the worker changes on purpose; by default nothing.
        """
        self._assignment = assignment
        self._plan = asdict(plan or Plan.drawn(PLAIN))
        self._spares = plan is None  # a worker that follows a plan answers few questions
        self._limits = _longer(assignment.limits, (CHECKED if checks else SIMULATED) if simulated else 1)
        self._tree = tree
        self._sandbox = sandbox
        self._gpu = gpu
        self._modules = tree.loaded(simulated=simulated)
        self._env = {**assignment.layout.env, **(checks_environment(checks) if simulated else {})}
        self._home = Path(tempfile.mkdtemp(prefix="grader-"))
        self._readable = build_kit(self._home / "kit", assignment.suite / "probes")
        self._worker: WorkerProcess | None = None
        self._spare: WorkerProcess | None = None  # importing the tree while its predecessor still answers
        self._failed_starts: list[SubjectError] = []  # beyond one, the tree is not tried again in this run
        self._timeouts: Counter[tuple[str, ...]] = Counter()
        self._ids = itertools.count(1)
        self._end = time.monotonic() + self._limits.run_seconds

    def ask(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """See Subject."""
        return self._ask(probe, device, args, kwargs)

    def trace(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """What of the tree runs for this question, as Runner.trace tells it; raises SubjectError as `ask` does."""
        return self._ask(probe, device, args, kwargs, trace=True)

    def _ask(
        self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, trace: bool = False
    ) -> Answer:
        question = describe(probe, args, kwargs)
        topic = (question.probe, *(value for value in args if isinstance(value, str)))
        if time.monotonic() > self._end:
            limit = self._limits.run_seconds
            raise SubjectError(f"not computed: the {limit:g} s of the whole run were used up", question)
        worker = self._worker or self._start()
        number = next(self._ids)
        call = {
            "id": number,
            "probe": f"{probe.__module__}:{probe.__qualname__}",
            "device": device,
            "args": list(args),
            "kwargs": dict(kwargs),
            "trace": trace,
        }
        try:
            kind, body = worker.exchange("call", call, self._clock(topic))
        except WorkerDied as death:
            raise SubjectError(f"{question.probe} {death}{self._drop()}", question) from None
        except WorkerTooSlow as slowness:
            self._drop()
            self._timeouts[topic] += 1
            raise SubjectError(f"{question.probe} {slowness}: an endless loop, or far too slow", question) from None
        except protocol.ProtocolViolation as violation:
            self._drop()
            raise SubjectError(f"{question.probe} broke the grader's protocol: it sent {violation}", question) from None
        except BaseException:
            self._drop()  # an interrupt: the worker is in the middle of an answer that nobody will read
            raise
        return self._answer(kind, body, number, question)

    def renew(self) -> None:
        """See Subject: the next question starts a new worker."""
        self._drop()

    def close(self) -> None:
        """End the workers and remove their folders."""
        self._drop()
        self._worker, self._spare = self._spare, None
        self._drop()
        # Not shutil.rmtree, which calls itself (until Python 3.13) for each folder in a folder: 2,500 of them, made by
        # a submission in its scratch folder, ended it with RecursionError, and everything was left on the disk.
        subprocess.run(["rm", "-rf", "--", str(self._home)], stderr=subprocess.DEVNULL, check=False)

    def _answer(self, kind: str, body: Any, number: int, question: Question) -> Answer:
        if not isinstance(body, dict) or body.get("id") != number or kind not in ("answer", "raised"):
            self._drop()
            raise SubjectError(f"{question.probe} broke the grader's protocol: an answer to another question", question)
        if kind == "raised":
            if body.get("memory") is True:
                self._drop()  # what it holds is unknown; the next case must not pay for it
            raise raised(question, body, self._limits.memory_mib)
        if not isinstance(body.get("value"), dict):
            raise SubjectError(f"{question.probe} gave no named values", question)
        return Answer(question, body["value"])

    def _clock(self, topic: tuple[str, ...]) -> Clock:
        limits = self._limits
        share = 0.1 if self._timeouts[topic] >= PATIENCE else 1.0
        return Clock(limits.case_cpu_seconds * share, limits.case_wall_seconds * share)

    def _start(self) -> WorkerProcess:
        """A worker with the tree imported.

        A worker that died on the way is tried once more, because somebody else may have killed it. A tree that raised,
        hung or died again would do so in every case: its error stands for the rest of the run.
        """
        while len(self._failed_starts) < 2:
            try:
                self._worker, self._spare = self._spare or self._launch(), None
                self._await_import(self._worker)
                self._spare = self._launch() if self._spares else None
            except WorkerDied as death:
                self._failed_starts.append(SubjectError(f"importing the tree {death}{self._drop()}", IMPORTING))
            except (WorkerTooSlow, protocol.ProtocolViolation) as error:
                self._failed_starts += [
                    SubjectError(f"importing the tree {_at_start(error)}{self._drop()}", IMPORTING)
                ] * 2
            except SubjectError as error:
                self._drop()
                self._failed_starts += [error] * 2
            else:
                return self._worker
        # A copy: raised again and again, one exception would gather the traceback of every case, and showing it would
        # take minutes.
        raise copy.copy(self._failed_starts[-1]).with_traceback(None) from None

    def _launch(self) -> WorkerProcess:
        """A worker that has been told to import the tree."""
        limits, layout = self._limits, self._assignment.layout
        scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=self._home))
        worker = WorkerProcess(
            self._sandbox,
            self._home / "kit",
            limits=Limits(
                memory_bytes=limits.memory_mib << 20,
                cpu_seconds=int(limits.run_seconds),
                file_bytes=_FILE_BYTES,
                processes=1,
                scratch_bytes=_FILE_BYTES,
                gpu=self._gpu,
            ),
            readable=[self._tree.root, *self._tree.folders, *self._readable],
            scratch=scratch,
            env=worker_environment(self._env, scratch),
            output_bytes=limits.output_kib << 10,
        )
        start = {
            "root": str(self._tree.root),
            "paths": list(layout.paths),
            "modules": self._modules,
            "probes": "probes",
            "perturbation": self._plan,
        }
        # A few hundred bytes: they wait in the socket. What becomes of them shows when the answer is read.
        with contextlib.suppress(WorkerDied):
            worker.send("start", start, Clock(limits.case_cpu_seconds, limits.start_wall_seconds))
        return worker

    def _await_import(self, worker: WorkerProcess) -> None:
        """Wait until the worker has imported the tree. Raises what `exchange` raises, and SubjectError."""
        limits = self._limits
        kind, body = worker.receive(Clock(limits.case_cpu_seconds, limits.start_wall_seconds))
        if kind == "ready" and isinstance(body, dict) and body.get("version") == protocol.VERSION:
            return
        if kind == "import failed" and isinstance(body, dict):
            raise raised(IMPORTING, body, limits.memory_mib)
        raise protocol.ProtocolViolation("something else than that it is ready")

    def _drop(self) -> str:
        """End the worker, if there is one. Returns what it printed last, as an aside for a message."""
        if self._worker is None:
            return ""
        worker, self._worker = self._worker, None
        worker.end()
        lines = [line.strip() for line in worker.output.splitlines() if line.strip()][-3:]
        return f' (it printed: "{" / ".join(lines)[-500:]}")' if lines else ""


def _at_start(error: Exception) -> str:
    return (
        f"broke the grader's protocol: it sent {error}" if isinstance(error, protocol.ProtocolViolation) else f"{error}"
    )


def _longer(limits: CaseLimits, times: int) -> CaseLimits:
    return replace(
        limits,
        case_cpu_seconds=times * limits.case_cpu_seconds,
        case_wall_seconds=times * limits.case_wall_seconds,
        run_seconds=times * limits.run_seconds,
    )


def worker_environment(extra: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The whole environment of a worker: a fixed few variables, so that nothing of the user's leaks in."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        # One thread: two OpenMP threads on a busy two-core machine fell from 133 to 4 GFLOP/s.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **extra,
    }
