"""Asking a submission: what the client makes of answers, deaths, silence and lies."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TOY, lay_over

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.errors import GraderError
from grader.sandbox import open_sandbox
from grader.subject.client import PATIENCE, IsolatedSubject
from grader.subject.inprocess import InProcessSubject
from grader.subject.outcome import SubjectError

A = np.arange(4, dtype=np.float32)


# The probes' signatures; the worker runs the kit's own functions of these names.
def scale(vec: object, device: object, a: object, factor: float) -> None: ...


def add(vec: object, device: object, a: object, b: object) -> None: ...


scale.__module__ = add.__module__ = "probes.vectors"


def tree(name: str, folder: Path) -> BuiltTree:
    """The toy's submission of that name, without its compiled part."""
    root = lay_over(name, folder / name)
    (root / "vec" / "reduction.py").write_text("total = sum\n")
    return BuiltTree(name, root, {"vec._native": "", "vec._cuda": ""}, None)


@pytest.fixture
def ask(toy: Assignment, tmp_path: Path) -> Iterator[object]:
    """Opens subjects by the submission's name, and closes them at the end."""
    opened: list[IsolatedSubject] = []

    def open_subject(name: str, assignment: Assignment = toy) -> IsolatedSubject:
        subject = IsolatedSubject(assignment, tree(name, tmp_path), open_sandbox("none"), gpu=False)
        opened.append(subject)
        return subject

    yield open_subject
    for subject in opened:
        subject.close()


def failure(subject: IsolatedSubject, probe: object = scale) -> str:
    """The message of a question that must not be answered."""
    with pytest.raises(SubjectError) as caught:
        subject.ask(probe, "cpu", [A, 2.5], {})  # type: ignore[arg-type]
    return str(caught.value)


def worker_pid(subject: IsolatedSubject) -> int:
    """The process id of the subject's worker."""
    assert subject._worker is not None
    return subject._worker._running.pid


def test_answer_arrives_whole(ask) -> None:
    """An array comes back with its values, shape and dtype."""
    out = ask("good").ask(scale, "cpu", [A], {"factor": 2.5}).out
    assert out.dtype == np.float32
    assert out.tolist() == [0.0, 2.5, 5.0, 7.5]


def test_worker_serves_many_questions(ask) -> None:
    """The same process answers one question after another."""
    subject = ask("good")
    subject.ask(scale, "cpu", [A, 1.0], {})
    first = worker_pid(subject)
    subject.ask(scale, "cpu", [A, 2.0], {})
    assert worker_pid(subject) == first


def test_exception_keeps_the_worker(ask) -> None:
    """An ordinary exception unwinds cleanly: the next question needs no new process."""
    subject = ask("raises")
    subject.ask(add, "cpu", [A, A], {})
    first = worker_pid(subject)
    assert "raised IndexError" in failure(subject)
    subject.ask(add, "cpu", [A, A], {})
    assert worker_pid(subject) == first


def test_exception_shows_the_submissions_own_lines(ask) -> None:
    """The message has the file, line, function and code inside the tree, and the question's input."""
    message = failure(ask("raises"))
    assert "vec/elementwise.py:9 in scale\n    return a[8] * factor" in message
    assert "Input: a (4,), factor 2.5." in message


def test_exception_in_code_of_no_file_is_told(ask, tmp_path: Path) -> None:
    """A code object may say that it comes from anywhere, and from what is no path too."""
    subject = ask("raises")
    with (tmp_path / "raises" / "vec" / "elementwise.py").open("a") as file:
        file.write('\n\nscale.__code__ = scale.__code__.replace(co_filename="a" + chr(0))\n')
    assert failure(subject).startswith("scale raised IndexError: index 8 is out of bounds")


def test_worker_killed_from_outside_costs_one_case(ask) -> None:
    """A worker that is killed in the middle of a question loses that question; the next gets a new worker."""
    subject = ask("sleeps")
    subject.ask(add, "cpu", [A, A], {})
    victim = worker_pid(subject)
    killer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
    killer.start()
    assert failure(subject).startswith("scale crashed with SIGKILL")
    assert subject.ask(add, "cpu", [A, A], {}).out.tolist() == [0, 2, 4, 6]
    assert worker_pid(subject) != victim


def test_worker_killed_between_questions_costs_one_case(ask) -> None:
    """A worker that died while nobody asked is noticed at the next question, and only there."""
    subject = ask("good")
    subject.ask(add, "cpu", [A, A], {})
    os.kill(worker_pid(subject), signal.SIGKILL)
    time.sleep(0.05)
    with pytest.raises(SubjectError, match="crashed with SIGKILL"):
        subject.ask(add, "cpu", [A, A], {})
    assert subject.ask(add, "cpu", [A, A], {}).out.tolist() == [0, 2, 4, 6]


def test_memory_limit_costs_a_new_worker(ask) -> None:
    """After it ran out of memory a worker is replaced: nobody knows what it still holds."""
    subject = ask("hoards")
    subject.ask(add, "cpu", [A, A], {})
    first = worker_pid(subject)
    assert "ran out of memory (2048 MiB)" in failure(subject)
    subject.ask(add, "cpu", [A, A], {})
    assert worker_pid(subject) != first


OURS = resource.getrlimit(resource.RLIMIT_AS)[0] >> 20  # what a worker has whose memory is not limited: ours
TELLING = """
import importlib.util, os, resource

def settings(vec, device):
    found = importlib.util.find_spec("vec._cuda")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0] >> 20
    return {"file": found.origin, "checks": os.environ.get("CUDASIM_CHECK", ""), "memory": limit}
"""


def settings(vec: object, device: object) -> None: ...


settings.__module__ = "probes.telling"


@pytest.fixture
def telling(toy: Assignment, tmp_path: Path) -> Assignment:
    """The toy with a probe that tells how its worker was set up."""
    suite = Path(shutil.copytree(TOY / "assignment", tmp_path / "suite"))
    (suite / "probes" / "telling.py").write_text(TELLING)
    return replace(toy, suite=suite)


@pytest.mark.parametrize(
    ("how", "file", "checks", "memory"),
    [
        ({"gpu": False}, "/real.so", "", 2048),
        ({"gpu": False, "checks": ["race"]}, "/real.so", "", 2048),
        ({"gpu": False, "simulated": True}, "/simulated.so", "", 2048),
        ({"gpu": False, "simulated": True, "checks": ["memory", "race"]}, "/simulated.so", "memory,race", 2048),
        ({"gpu": True}, "/real.so", "", OURS),
    ],
    ids=["cpu", "checks of others", "simulated", "simulated and checked", "gpu"],
)
def test_worker_is_set_up_for_its_devices(
    how: dict[str, Any], file: str, checks: str, memory: int, telling: Assignment, tmp_path: Path
) -> None:
    """A worker loads the build for its devices, heeds the checks where it simulates, and is unlimited on a GPU."""
    built = replace(tree("good", tmp_path), modules={"vec._native": "", "vec._cuda": "/real.so"})
    built = replace(built, simulated={"vec._cuda": "/simulated.so"})
    subject = IsolatedSubject(telling, built, open_sandbox("none"), **how)
    try:
        answer = subject.ask(settings, "gpu", [], {})
        assert (answer.file, answer.checks, answer.memory) == (file, checks, memory)
    finally:
        subject.close()


@pytest.mark.parametrize(("checks", "seconds"), [((), 3), (("memory",), 12)], ids=["plain", "checked"])
def test_simulation_has_more_time(checks: tuple[str, ...], seconds: int, toy: Assignment, tmp_path: Path) -> None:
    """What runs CUDA on the CPU is slower, and slower still where every access is looked at."""
    brief = replace(toy, limits=replace(toy.limits, case_cpu_seconds=30, case_wall_seconds=0.1))
    built = tree("sleeps", tmp_path)
    subject = IsolatedSubject(brief, built, open_sandbox("none"), gpu=False, simulated=True, checks=checks)
    try:
        assert f"was stopped after {seconds / 10:g} s" in failure(subject)
    finally:
        subject.close()


def test_time_limit_shrinks_after_repeated_timeouts(ask, toy: Assignment) -> None:
    """After a few time-outs of a probe its next one gets a tenth of the time; other probes keep theirs."""
    limits = replace(toy.limits, case_cpu_seconds=5, case_wall_seconds=0.5)
    subject = ask("sleeps", replace(toy, limits=limits))
    messages = [failure(subject) for _ in range(PATIENCE + 1)]
    assert all("stopped after 0.5 s" in message for message in messages[:PATIENCE])
    assert "stopped after 0.05 s" in messages[PATIENCE]


def test_import_that_fails_is_tried_twice_only(ask) -> None:
    """A tree that cannot be imported costs two starts, not one a case."""
    subject = ask("dies_on_import")
    first = failure(subject)
    assert [failure(subject) for _ in range(50)] == [first] * 50
    assert len(list(subject._home.glob("scratch-*"))) == 2


def test_import_error_is_raised_afresh(ask) -> None:
    """Every case gets an error of its own: a shared one would gather their tracebacks, and take minutes to show."""
    subject = ask("dies_on_import")
    depths = []
    for _ in range(5):
        with pytest.raises(SubjectError) as caught:
            subject.ask(scale, "cpu", [A, 2.5], {})
        depths.append(len(caught.traceback))
    assert len(set(depths[1:])) == 1


def test_flood_of_output_is_cut(ask) -> None:
    """Output beyond the limit is dropped from the middle, and the answer still arrives."""
    subject = ask("floods")
    assert subject.ask(scale, "cpu", [A], {"factor": 1.0}).out.tolist() == A.tolist()
    assert subject._worker is not None
    assert len(subject._worker.output) < 20_000
    assert "bytes dropped" in subject._worker.output


def test_worker_sees_no_torch_and_no_grader(ask, toy: Assignment, tmp_path: Path) -> None:
    """Site-packages are out of a worker's reach by import: no PyTorch, no pytest, no module of ours but two."""
    subject = ask("good")
    (tmp_path / "good" / "vec" / "elementwise.py").write_text(
        "import importlib.util, os, sys\n"
        "def scale(a, factor):\n"
        "    names = ['torch', 'pytest', 'grader.compare', 'grader.judging.plugin', 'grader.subject.client']\n"
        "    def there(name):\n"
        "        try: return importlib.util.find_spec(name) is not None\n"
        "        except ModuleNotFoundError: return False\n"
        "    return [name for name in names if there(name)]\n"
        "def add(a, b):\n"
        "    return sorted(os.environ)\n"
    )
    assert subject.ask(scale, "cpu", [A, 1.0], {}).out == []


def test_environment_is_clean(ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker's environment has a fixed few variables: nothing of the user's, such as a key."""
    monkeypatch.setenv("MUGRADE_KEY", "secret")
    subject = ask("good")
    (tmp_path / "good" / "vec" / "elementwise.py").write_text(
        "import os\ndef add(a, b): return sorted(os.environ)\ndef scale(a, factor): return 0.0\n"
    )
    known = {
        "HOME",
        "LANG",
        "LC_CTYPE",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
    }
    assert set(subject.ask(add, "cpu", [A, A], {}).out) <= known | {"OLDPWD"}


def test_run_limit_ends_the_run(ask, toy: Assignment) -> None:
    """When the time of the whole run is used up, the cases that are left are lost and say so."""
    subject = ask("good", replace(toy, limits=replace(toy.limits, run_seconds=1e-9)))
    assert "the 1e-09 s of the whole run were used up" in failure(subject)


def test_wrong_call_of_a_probe_is_our_fault(ask) -> None:
    """A test that calls a probe with arguments it does not take stops the run; no submission pays for it."""
    with pytest.raises(GraderError, match="called wrongly by a test"):
        ask("good").ask(add, "cpu", [A], {})


def test_in_process_answers_alike(toy: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--isolation=none gives the same answers and the same messages as a worker."""
    monkeypatch.setattr(sys, "path", [str(TOY / "assignment"), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    try:
        subject = InProcessSubject(toy, tree("raises", tmp_path))
        assert subject.ask(add, "cpu", [A, A], {}).out.tolist() == [0, 2, 4, 6]
        with pytest.raises(SubjectError, match=r"raised IndexError(.|\n)*vec/elementwise.py:9 in scale"):
            subject.ask(scale, "cpu", [A, 2.5], {})
    finally:
        for name in set(sys.modules) - before:
            if name.split(".")[0] in ("vec", "probes"):
                del sys.modules[name]
