"""The image does what docs/docker.md says, in real containers: `make image-test`. It takes minutes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from conftest import LOCKED, STRANGER, Grade, Graded, contained, new_out
from engines import ROOT, Runner

from grader.derive.leakage import leaks_in, read_solutions
from grader.suite import suite_hash

REFERENCE, STUDENT = ROOT / "reference", ROOT / "student"
LITTLE_MEMORY = ("--memory", "1500m", "--memory-swap", "1500m")
FEW = ("-k", "flip or dilate", "--device", "cpu", "--jobs", "1", "--seed", "1")
REPORTS = {"grade.json", "report.json", "summary.md", "exit-status"}

# What the first call of Flip does besides: it takes 3 GiB, more than the container may, less than a worker may.
GREEDY = """
_flip = Flip.compute
def _greedy(self, a):
    import os
    if not os.path.exists("/tmp/was-greedy"):
        open("/tmp/was-greedy", "w").close()
        kept = [bytearray(b"x") * (64 << 20) for _ in range(48)]
    return _flip(self, a)
Flip.compute = _greedy
"""
# The same in many processes, each of them smaller than the judge.
GREEDY_FAMILY = """
_flip = Flip.compute
def _greedy(self, a):
    import os, time
    if not os.path.exists("/tmp/was-greedy"):
        open("/tmp/was-greedy", "w").close()
        for _ in range(24):
            if os.fork() == 0:
                kept = bytearray(b"x") * (128 << 20)
                time.sleep(600)
                os._exit(0)
        time.sleep(3)
    return _flip(self, a)
Flip.compute = _greedy
"""
# It leaves processes behind, more than the container may have.
BREEDING = """
_flip = Flip.compute
def _breeding(self, a):
    import os, time
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
    return _flip(self, a)
Flip.compute = _breeding
"""


def changed(tree: Path, code: str) -> Path:
    """The reference with code at the end of its ops."""
    shutil.copytree(REFERENCE, tree, ignore=shutil.ignore_patterns("build", "__pycache__", "*.so"))
    ops = tree / "python" / "needle" / "ops" / "ops_mathematic.py"
    ops.write_text(ops.read_text() + code)
    return tree


# -- grades ---------------------------------------------------------------------------------------------------------


def test_reference_gets_everything(grade: Grade) -> None:
    """Without network, on a read-only root, as a user without a name: 100 points, by the suite of this checkout."""
    done = grade(REFERENCE, "--device", "cpu")
    assert done.status == 0, done.said
    assert (done.grade["score"], done.grade["max_score"]) == (100, 100)
    assert done.grade["suite_hash"] == suite_hash(ROOT / "tests" / "hw4")
    assert {file.name for file in done.out.iterdir()} == REPORTS
    assert (done.out / "exit-status").read_text() == "0\n"
    assert {(file.stat().st_uid, file.stat().st_gid) for file in done.out.iterdir()} == {(12345, 6789)}


def test_starter_gets_nothing(starter: Graded) -> None:
    """The shortest command, without a GPU: CPU and cuda-sim are graded, which is said; 0 points."""
    assert starter.status == 0, starter.said
    assert (starter.grade["score"], starter.grade["max_score"]) == (0, 100)
    assert starter.grade["devices"] == ["cpu", "cuda-sim"]
    assert "cuda-sim stands in for cuda" in starter.said
    assert "cuda-sim" in (starter.out / "summary.md").read_text()


def test_cuda_sim_runs_in_a_container(grade: Grade) -> None:
    """The reference's CUDA backend, compiled and run on the container's CPU, passes."""
    done = grade(REFERENCE, "-k", "flip or dilate", "--device", "cuda-sim")
    assert done.status == 0, done.said
    assert {(case["device"], case["verdict"]) for case in done.grade["cases"]} == {("cuda-sim", "pass")}


# -- limits ---------------------------------------------------------------------------------------------------------


def test_case_that_needs_too_much_memory_is_cut_off(grade: Grade, tmp_path: Path) -> None:
    """It costs the one case that takes too much, and no other, although the limit is the container's."""
    done = grade(changed(tmp_path / "greedy", GREEDY), *FEW, options=(*LOCKED, *LITTLE_MEMORY))
    assert done.status == 0, done.said
    lost = [case for case in done.grade["cases"] if case["verdict"] != "pass"]
    assert [case["verdict"] for case in lost] == ["error"]
    assert "SIGKILL" in lost[0]["message"]
    assert len(done.grade["cases"]) > 50


def test_judge_outlives_a_flood_of_processes(grade: Grade, tmp_path: Path) -> None:
    """Where the judge is the largest process, the submission's many small ones are what has to go."""
    done = grade(changed(tmp_path / "family", GREEDY_FAMILY), *FEW, options=(*LOCKED, *LITTLE_MEMORY))
    assert done.status == 0, done.said
    assert len([case for case in done.grade["cases"] if case["verdict"] != "pass"]) <= 1


def test_case_that_leaves_processes_behind_ends_nothing_else(grade: Grade, tmp_path: Path) -> None:
    """The container's limit on processes is met by the case, and the run goes on."""
    done = grade(changed(tmp_path / "breeding", BREEDING), *FEW, options=(*LOCKED, "--pids-limit", "100"))
    assert done.status == 0, done.said
    verdicts = {case["id"]: case["verdict"] for case in done.grade["cases"]}
    assert "error" in verdicts.values()
    assert {verdict for name, verdict in verdicts.items() if "dilate" in name} == {"pass"}


def test_no_network_inside(runner: Runner, image: str) -> None:
    """Where grading runs there is the loopback interface and nothing else."""
    options = [*LOCKED, "--entrypoint", "ls"]
    assert contained(runner, image, options, ["/sys/class/net"]) == (0, "lo\n")


def test_stopped_from_outside(runner: Runner, image: str, tmp_path: Path) -> None:
    """`docker stop` ends a run at once and in good order: status 143, and no grade."""
    out, name = new_out(tmp_path), f"needle-grader-test-{os.getpid()}"
    mounts = ["--name", name, "-v", f"{out}:/out", "-v", f"{REFERENCE}:/submission:ro"]
    command = runner.container(image, [*LOCKED, *mounts], ["--device", "cpu"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        first = next(line for line in process.stdout if "seed" in line)
        assert first.startswith("hw4: ")
        began = time.monotonic()
        runner.run("stop", "--time", "120", name)
        process.stdout.read()
        assert process.wait(timeout=120) == 143
    assert time.monotonic() - began < 100  # else it was killed after all
    assert {file.name for file in out.iterdir()} == {"exit-status"}
    assert (out / "exit-status").read_text() == "143\n"


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing is mounted at /submission"),
        (("-e", "MUGRADE_KEY=k"), "MUGRADE_KEY is set"),
        (("-v", "{empty}:/submission:ro"), "/submission is empty"),
        (("-v", "{tree}:/submission:ro", "--tmpfs", "/tmp:noexec"), "/tmp is mounted noexec"),
    ],
    ids=["no-submission", "key", "empty", "noexec"],
)
def test_refusals(runner: Runner, image: str, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    """What cannot give a true grade ends with status 2 and a sentence, and an earlier grade is gone."""
    out, empty = new_out(tmp_path), tmp_path / "empty"
    empty.mkdir()
    (out / "grade.json").write_text("{}")
    given = [option.format(empty=empty, tree=STUDENT) for option in options]
    status, text = contained(runner, image, ["--user", STRANGER, "-v", f"{out}:/out", *given], [])
    assert status == 2, text
    assert text.startswith(f"error: {said}")
    assert text.count("\n") == 1
    assert {file.name: file.read_text() for file in out.iterdir()} == {"exit-status": "2\n"}


def test_out_is_missing(runner: Runner, image: str) -> None:
    """A grade that would be lost is not computed."""
    status, text = contained(runner, image, ["-v", f"{STUDENT}:/submission:ro"], [])
    assert status == 2
    assert text.startswith("error: no folder is mounted at /out")


def test_out_cannot_be_written(runner: Runner, image: str, tmp_path: Path) -> None:
    """Somebody else's folder at /out is a sentence with the remedy, before anything is compiled."""
    out = tmp_path / "out"
    out.mkdir(mode=0o755)
    mounts = ["-v", f"{STUDENT}:/submission:ro", "-v", f"{out}:/out"]
    status, text = contained(runner, image, ["--user", STRANGER, *mounts], [])
    assert status == 2
    assert text.startswith("error: /out cannot be written to by user 12345: Permission denied")
    assert '--user "$(id -u):$(id -g)"' in text


# -- the image ------------------------------------------------------------------------------------------------------


def test_runs_as_nobody_in_particular(runner: Runner, image: str) -> None:
    """Not root, unless somebody asks for it; nothing that the image holds belongs to its user."""
    assert contained(runner, image, ["--entrypoint", "id"], ["-u"]) == (0, "1000\n")
    script = "find /opt -xdev \\( -user 1000 -o -perm -0002 ! -type l \\) -print -quit"
    assert contained(runner, image, ["--entrypoint", "sh"], ["-c", script]) == (0, "")


def test_is_healthy(runner: Runner, image: str) -> None:
    """The health check is there, and passes."""
    assert contained(runner, image, LOCKED, ["health"]) == (0, "")
    inspected = runner.run("image", "inspect", image)
    config = json.loads(inspected.stdout)[0]
    check = config.get("Healthcheck") or config["Config"]["Healthcheck"]  # podman; docker
    assert check["Test"][-1] == "health"


def test_holds_no_solution(runner: Runner, image: str, tmp_path: Path) -> None:
    """Neither reference/ nor a line of it, neither history nor server; what is there is what the suite needs."""
    out = new_out(tmp_path)
    options = ["-v", f"{out}:/out", "--user", "0", "--entrypoint", "tar"]
    status, text = contained(runner, image, options, ["-C", "/opt/grader", "-cf", "/out/grader.tar", "."])
    assert status == 0, text
    with tarfile.open(out / "grader.tar") as archive:
        members = {
            entry.name.removeprefix("./"): source.read()
            for entry in archive
            if entry.isfile() and (source := archive.extractfile(entry))
        }
    tops = {name.split("/")[0] for name in members}
    assert tops <= {
        "LICENSE",
        "README.md",
        "docker",
        "grader",
        "needle_grader.egg-info",
        "pyproject.toml",
        "requirements-course.lock",
        "requirements.lock",
        "tests",
    }
    assert "grader/cli.py" in members
    assert not any(name.startswith("grader/server/") for name in members)
    texts = {name: data for name, data in members.items() if not name.endswith(".pyc")}
    assert leaks_in(read_solutions(REFERENCE), texts) == []


def test_posts_with_a_key_from_a_file(runner: Runner, image: str, starter: Graded, tmp_path: Path) -> None:
    """The second step finds the reports of the first, signs them, and says that no server answers here."""
    key = tmp_path / "key"
    key.write_text("k" * 40 + "\n")
    options = [*LOCKED, "-v", f"{starter.out}:/out:ro", "-v", f"{key}:/run/secrets/key:ro"]
    options += ["-e", "MUGRADE_KEY_FILE=/run/secrets/key"]
    arguments = ["post", "/out", "--student", "ada", "--server", "http://127.0.0.1:9/"]
    status, text = contained(runner, image, options, arguments)
    assert status == 4, text
    assert "k" * 40 not in text
