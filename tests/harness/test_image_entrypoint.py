"""The container's entry point: what it refuses, what it leaves, and how many processes it starts. No container here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from test_image_files import script

# Stands in for `python -m grader`: it notes how it was called, and grades.
FAKE = """
import json, os, pathlib, sys
words = sys.argv[1:]
pathlib.Path({log!r}).write_text(json.dumps([words, os.environ.get("MUGRADE_KEY")]))
if words[0] == "grade" and {status} == 0:
    folder = pathlib.Path(words[words.index("--out") + 1]) / "submission"
    folder.mkdir()
    for name in ("report.json", "summary.md", "grade.json"):
        (folder / name).write_text(name)
    if "junit" in words:
        (folder / "junit.xml").write_text("junit.xml")
    if "csv" in words:
        (folder.parent / "grades.csv").write_text("grades.csv")
sys.exit({status})
"""


class Container:
    """A container's folders, and an entry point that finds a grader of ours in it."""

    def __init__(self, entrypoint: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entrypoint, self.root, self._monkeypatch = entrypoint, root, monkeypatch
        self.places = entrypoint.Places(*(root / name for name in ("submission", "out", "cache", "cgroup")))
        (root / "submission").mkdir()
        (root / "submission" / "a.py").write_text("")
        (root / "out").mkdir()

    def run(self, *arguments: str, status: int = 0) -> int:
        """Run the entry point; status: how the grader ends."""
        code = FAKE.format(log=str(self.root / "log"), status=status)
        self._monkeypatch.setattr(self.entrypoint, "GRADER", (sys.executable, "-c", code))
        found: int = self.entrypoint.main(arguments, self.places)
        return found

    @property
    def call(self) -> Any:
        """How the grader was called: its arguments, and the key in its environment."""
        return json.loads((self.root / "log").read_text())

    @property
    def left(self) -> dict[str, str]:
        """What is in /out."""
        return {file.name: file.read_text() for file in (self.root / "out").iterdir()}


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    """A container with a submission and a folder for the reports."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "build-cache"))
    monkeypatch.delenv("MUGRADE_KEY", raising=False)
    entrypoint = script("entrypoint")
    monkeypatch.setattr(entrypoint.signal, "signal", lambda *_: None)  # pytest keeps its own
    monkeypatch.setattr(entrypoint, "_check_temporary", lambda: None)  # whatever this machine's /tmp is
    monkeypatch.setattr(entrypoint, "choose_box", lambda: ("landlock", "landlock is the first that works"))
    return Container(entrypoint, tmp_path, monkeypatch)


def test_reports_and_status_are_left(container: Container) -> None:
    """Every report is in /out itself, beside the exit status; nothing half-written stays."""
    assert container.run() == 0
    reports = {name: name for name in ("grade.json", "report.json", "summary.md")}
    assert container.left == {**reports, "exit-status": "0\n"}


def test_more_reports_are_left_as_well(container: Container) -> None:
    """Also the table, which `grade` writes beside the trees' folders; a later run that fails takes them away."""
    assert container.run("--format", "csv", "--format", "junit") == 0
    assert {"grades.csv", "junit.xml", "grade.json"} < set(container.left)
    assert container.run(status=3) == 3
    assert container.left == {"exit-status": "3\n"}


def test_grades_on_what_is_there(container: Container) -> None:
    """Without options: the GPU if there is one, else what simulates it, and as many processes as fit."""
    container.run()
    words, _ = container.call
    assert words[:4] == ["grade", str(container.places.submission), "--device", "auto"]
    assert words[4] == "--jobs"


def test_options_have_the_last_word(container: Container) -> None:
    """Options go on to `grade`, and replace what would be added."""
    container.run("--device=cpu", "--jobs", "3", "-k", "conv")
    words, _ = container.call
    assert words[2:6] == ["--device=cpu", "--jobs", "3", "-k"]
    assert "auto" not in words


def test_fault_of_the_grader_leaves_no_grade(container: Container) -> None:
    """Its status is passed on and written down, and an earlier grade does not pass for this one's."""
    container.run()
    assert container.run(status=3) == 3
    assert container.left == {"exit-status": "3\n"}


def test_full_disk_is_no_grade(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that cannot be laid in /out are our fault's status, although grading went well."""

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(container.entrypoint.shutil, "copyfile", full)
    assert container.run() == 3
    assert container.left == {"exit-status": "3\n"}


@pytest.mark.parametrize("arguments", [(), ("grade", "x"), ("repro", "c", "x"), ("doctor",)], ids=" ".join)
@pytest.mark.parametrize("name", ["MUGRADE_KEY", "MUGRADE_KEY_FILE"])
def test_no_key_where_a_submission_runs(
    container: Container, monkeypatch: pytest.MonkeyPatch, name: str, arguments: tuple[str, ...]
) -> None:
    """A submission runs as the user whose environment it could read, so a key there is refused."""
    monkeypatch.setenv(name, "k")
    assert container.run(*arguments) == 2
    assert not (container.root / "log").exists()


def test_key_from_a_file_is_for_post(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """`post` finds the key in its environment, without the line's end; it is never an argument."""
    (container.root / "key").write_text("secret\n")
    monkeypatch.setenv("MUGRADE_KEY_FILE", str(container.root / "key"))
    assert container.run("post", "/out", status=4) == 4
    assert container.call == [["post", "/out"], "secret"]


def test_key_file_that_is_not_there(
    container: Container, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence names it."""
    monkeypatch.setenv("MUGRADE_KEY_FILE", "/nowhere")
    assert container.run("post", "/out") == 2
    assert "MUGRADE_KEY_FILE has value '/nowhere', which cannot be read: No such file" in capsys.readouterr().err


def test_class_goes_to_out(container: Container) -> None:
    """`grade` with trees is the grader's own command, with the defaults of a container."""
    container.run("grade", "/trees/a.zip", status=2)
    words, _ = container.call
    assert words[-3:] == ["--out", str(container.places.out), "/trees/a.zip"]
    assert words[1:3] == ["--device", "auto"]


def test_empty_submission_is_refused(container: Container, capsys: pytest.CaptureFixture[str]) -> None:
    """docker makes an empty folder of a misspelt path; 0 points for that would be somebody's grade."""
    (container.root / "submission" / "a.py").unlink()
    assert container.run() == 2
    assert "is empty; docker makes an empty folder" in capsys.readouterr().err
    assert container.left == {"exit-status": "2\n"}


@pytest.mark.parametrize("arguments", [(), ("--sandbox", "auto"), ("--sandbox=none", "--sandbox=auto"), ("grade", "x")])
def test_no_grade_without_a_box(
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    """Where no box works the run is refused with the reason; it does not go on with a weaker one."""
    monkeypatch.setattr(container.entrypoint, "choose_box", lambda: ("none", "Landlock is not in this kernel"))
    assert container.run(*arguments) == 2
    assert "change its own grade: Landlock is not in this kernel; run it on Linux 5.13" in capsys.readouterr().err
    assert not (container.root / "log").exists()


@pytest.mark.parametrize("options", [("--sandbox", "none"), ("--sandbox=none",), ("-k", "conv", "--sandbox", "none")])
def test_no_box_by_name(container: Container, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    """Who asks for none gets it: the tree may be their own."""
    monkeypatch.setattr(container.entrypoint, "choose_box", lambda: ("none", "Landlock is not in this kernel"))
    assert container.run(*options) == 0
    words, _ = container.call
    assert words[-len(options) - 2 : -2] == list(options)


def test_folder_from_which_nothing_can_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Docker mounts --tmpfs noexec: every module would fail to load, and a right tree get no points."""
    entrypoint = script("entrypoint")

    class NoExec:
        f_flag = entrypoint.os.ST_NOEXEC

    monkeypatch.setattr(entrypoint.os, "statvfs", lambda _: NoExec)
    with pytest.raises(entrypoint.Refused, match=r"mounted noexec.*--tmpfs .*:exec"):
        entrypoint._check_temporary()


def test_nowhere_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only root without a temporary folder is a sentence with the remedy."""
    entrypoint = script("entrypoint")

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(entrypoint.tempfile, "gettempdir", none)
    with pytest.raises(entrypoint.Refused, match="--read-only add --tmpfs /tmp:exec"):
        entrypoint._check_temporary()


GIB = 1 << 30


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"memory.max": "max\n", "cpu.max": "max 100000\n"}, 8),
        ({"memory.max": f"{4 * GIB}\n", "cpu.max": "max 100000\n"}, 2),
        ({"memory.max": f"{512 << 20}\n"}, 1),
        ({"cpu.max": "350000 100000\n"}, 3),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8),
        ({"memory/memory.limit_in_bytes": f"{3 * GIB}\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
    ],
)
def test_processes_fit_into_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    """Of 8 cores as many are used as the container's limits leave room for, in both versions of control groups."""
    entrypoint = script("entrypoint")
    monkeypatch.setattr(entrypoint.os, "sched_getaffinity", lambda _: set(range(8)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert entrypoint.jobs(tmp_path) == expected


def test_cache_begins_with_what_the_image_has(container: Container) -> None:
    """What was compiled ahead is in the grader's cache, where it can be written to."""
    (container.root / "cache" / "key").mkdir(parents=True)
    (container.root / "cache" / "key" / "module").write_text("object")
    container.run()
    assert (container.root / "build-cache" / "key" / "module").read_text() == "object"
