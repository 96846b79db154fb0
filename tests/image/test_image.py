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
# Where the container's own limits are tried: a box inside refuses the attempts before they are met.
UNBOXED = (*FEW, "--sandbox", "none")
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
# What the first call of Flip does besides: it tries to get at the judge, at the answers and at the grade, by itself and
# by the two programs that started it, and says what it got. PermissionError and the like are what a box answers.
PRYING = """
_flip = Flip.compute
def _prying(self, a):
    import glob, os, signal, socket
    def read(path):
        with open(path, "rb") as file: return file.read(1)
    def write(path):
        with open(path, "ab") as file: file.write(b"x")
    judge = os.getppid()
    tries = {
        "list /": lambda: os.listdir("/"),
        "list /proc": lambda: os.listdir("/proc"),
        "read the judge's command": lambda: read(f"/proc/{judge}/cmdline"),
        "read the judge's environment": lambda: read(f"/proc/{judge}/environ"),
        "read the judge's memory": lambda: read(f"/proc/{judge}/mem"),
        "list the judge's files": lambda: os.listdir(f"/proc/{judge}/fd"),
        "write the judge's memory": lambda: write(f"/proc/{judge}/mem"),
        "read the suite": lambda: read("/opt/grader/tests/hw4/assignment.toml"),
        "list the oracles": lambda: os.listdir("/opt/grader/tests/hw4"),
        "read the grader": lambda: read("/opt/grader/grader/cli.py"),
        "read PyTorch": lambda: read(glob.glob("/opt/venv/lib/python3*/site-packages/torch/__init__.py")[0]),
        "read PyTorch by name": lambda: __import__("torch"),
        "read an account": lambda: read("/etc/passwd"),
        "write the grader": lambda: write("/opt/grader/grader/cli.py"),
        "write the grade": lambda: write("/out/grade.json"),
        "write beside the grade": lambda: write("/out/prying"),
        "empty the exit status": lambda: os.truncate("/out/exit-status", 0),
        "close the reports": lambda: os.chmod("/out", 0),
        "write to /tmp": lambda: write("/tmp/prying"),
        "write the cache": lambda: write("/cache/prying"),
        "share memory": lambda: write("/dev/shm/prying"),
        "signal the judge": lambda: os.kill(judge, 0),
        "signal its parent": lambda: os.kill(1, 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "start a process": os.fork,
        "start a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "have a socket": lambda: socket.socket(socket.AF_INET),
        "limit the judge": lambda: __import__("resource").prlimit(judge, 9, (1, 1)),
        "leave the group": os.setsid,
    }
    got = []
    for name, attempt in tries.items():
        try:
            attempt()
            got.append(name)
        except (OSError, ImportError, IndexError):
            pass
    raise RuntimeError(f"{len(tries)} tries, got: {got}")
Flip.compute = _prying
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


# -- the box inside -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--sandbox", "landlock"), ("--sandbox", "auto")], ids=lambda words: words[-1])
def test_submission_gets_at_nothing(grade: Grade, tmp_path: Path, options: tuple[str, ...]) -> None:
    """As the documented command runs it: no judge, no suite, no oracle, no report, no signal; the run goes on."""
    done = grade(changed(tmp_path / "prying", PRYING), *FEW, *options)
    assert done.status == 0, done.said
    lost = [case["message"] for case in done.grade["cases"] if case["verdict"] != "pass"]
    assert lost
    assert [message for message in lost if "29 tries, got: []" not in message] == []
    assert done.grade["environment"]["sandbox"].split(":")[0] in ("landlock", "bubblewrap")
    assert {file.name for file in done.out.iterdir()} == REPORTS


def test_no_grade_without_a_box(runner: Runner, image: str, tmp_path: Path) -> None:
    """Where the container refuses Landlock and namespaces, nothing is graded, unless `none` is asked for by name."""
    profile, out = tmp_path / "profile.json", new_out(tmp_path)
    calls = ["landlock_create_ruleset", "unshare", "clone3"]
    new_user = {"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}
    refused = {"action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    rules = [{**refused, "names": calls[:2]}, {**refused, "names": calls[2:], "errnoRet": 38}]
    rules.append({**refused, "names": ["clone"], "args": [new_user]})
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
    mounts = ["-v", f"{STUDENT}:/submission:ro", "-v", f"{out}:/out", "--security-opt", f"seccomp={profile}"]
    status, text = contained(runner, image, [*LOCKED, *mounts], [])
    assert status == 2, text
    assert text.startswith("error: no box works in this container, so that a submission could change its own grade")
    assert "--sandbox none" in text
    assert {file.name for file in out.iterdir()} == {"exit-status"}
    status, text = contained(runner, image, [*LOCKED, *mounts], ["-k", "flip", "--device", "cpu", "--sandbox", "none"])
    assert status == 0, text


# -- limits ---------------------------------------------------------------------------------------------------------


def test_case_that_needs_too_much_memory_is_cut_off(grade: Grade, tmp_path: Path) -> None:
    """It costs the one case that takes too much, and no other, although the limit is the container's."""
    done = grade(changed(tmp_path / "greedy", GREEDY), *UNBOXED, options=(*LOCKED, *LITTLE_MEMORY))
    assert done.status == 0, done.said
    lost = [case for case in done.grade["cases"] if case["verdict"] != "pass"]
    assert [case["verdict"] for case in lost] == ["error"]
    assert "SIGKILL" in lost[0]["message"]
    assert len(done.grade["cases"]) > 50


def test_judge_outlives_a_flood_of_processes(grade: Grade, tmp_path: Path) -> None:
    """Where the judge is the largest process, the submission's many small ones are what has to go."""
    done = grade(changed(tmp_path / "family", GREEDY_FAMILY), *UNBOXED, options=(*LOCKED, *LITTLE_MEMORY))
    assert done.status == 0, done.said
    assert len([case for case in done.grade["cases"] if case["verdict"] != "pass"]) <= 1


def test_case_that_leaves_processes_behind_ends_nothing_else(grade: Grade, tmp_path: Path) -> None:
    """The container's limit on processes is met by the case, and the run goes on."""
    done = grade(changed(tmp_path / "breeding", BREEDING), *UNBOXED, options=(*LOCKED, "--pids-limit", "100"))
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
    """Neither reference/ nor a line of it, neither history nor server; student/ is what everybody was given."""
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
        "student",
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
