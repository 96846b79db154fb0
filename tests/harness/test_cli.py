"""The command line, as it is run: exit statuses, messages, what is written where, and what is left behind."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, TOY, lay_over

from grader import cli
from grader.commands import options
from grader.grading import REPORTS
from grader.judge import judging_environment

SUITE = ["--suite", str(TOY / "assignment")]
ESCAPE = "\x1b"
# What the environment of whoever runs these tests may say about colours.
COLOURS = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"}
CLEAN = {name: value for name, value in os.environ.items() if name not in COLOURS}


def run(*arguments: object, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python -m grader ARGUMENTS`, to its end."""
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    env = {**CLEAN, **environ}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)


def run_on_terminal(*arguments: object, **environ: str) -> tuple[int, str]:
    """The same on a terminal: exit status, and what came to the screen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    env = {**CLEAN, "TERM": "xterm-256color", "COLUMNS": "100", **environ}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        try:
            while part := os.read(ours, 1 << 16):
                screen += part
        except OSError:  # Linux's word for the end of a terminal that nobody holds any more
            pass
    os.close(ours)
    return process.returncode, screen.decode()


def leave_reports(folder: Path) -> None:
    """What an earlier run left."""
    folder.mkdir(parents=True)
    for name in REPORTS:
        (folder / name).write_text("of yesterday")


def suite_with(folder: Path, body: str) -> Path:
    """A copy of the toy's suite whose first test, and only that, has another body."""
    suite = Path(shutil.copytree(TOY / "assignment", folder / "suite"))
    text = (suite / "test_toy.py").read_text()
    (suite / "test_toy.py").write_text(text.replace("    a, b = rng.normal(n), rng.normal(n)\n", f"    {body}\n", 1))
    return suite


@dataclass(frozen=True)
class Graded:
    """A run of `grade`."""

    result: subprocess.CompletedProcess[str]
    out: Path
    trees: dict[str, Path]  # by the report's name

    def document(self, tree: str, name: str = "grade.json") -> dict:
        return json.loads((self.out / tree / name).read_text())


@pytest.fixture(scope="module")
def class_of_three(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Three trees at once, two of one name, by a user with a wish for pytest that is none of ours."""
    folder = tmp_path_factory.mktemp("class")
    trees = {
        "good": lay_over("good", folder / "good"),
        "alice-hw": lay_over("wrong", folder / "alice" / "hw"),
        "bob-hw": lay_over("raises", folder / "bob" / "hw"),
    }
    out = folder / "out"
    result = run("grade", *trees.values(), *SUITE, "--seed", 5, "--out", out, PYTEST_ADDOPTS="-k add", TERM="xterm")
    return Graded(result, out, trees)


@pytest.fixture(scope="module")
def shared_out(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The wrong tree by more processes than it has problems."""
    folder = tmp_path_factory.mktemp("shared")
    tree = lay_over("wrong", folder / "wrong")
    result = run("grade", tree, *SUITE, "--seed", 5, "--out", folder / "out", "--jobs", 4)
    return Graded(result, folder / "out", {"wrong": tree})


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graded, str]:
    """A part of the wrong tree, by one process, on a terminal whose user wants no colours; and what was on it."""
    folder = tmp_path_factory.mktemp("part")
    tree = lay_over("wrong", folder / "wrong")
    command = ["grade", tree, *SUITE, "--seed", 5, "--out", folder / "out", "--jobs", 1, "-k", "scale or add"]
    status, screen = run_on_terminal(*command, NO_COLOR="1")
    return Graded(subprocess.CompletedProcess([], status, screen, ""), folder / "out", {"wrong": tree}), screen


# -- what was graded ------------------------------------------------------------------------------------------------


def test_status_is_zero_whatever_the_score(class_of_three: Graded) -> None:
    """Lost points are a result, not an error."""
    assert class_of_three.result.returncode == 0, class_of_three.result.stderr
    assert class_of_three.document("alice-hw")["score"] == 7.0


def test_trees_of_one_name_have_their_own_folders(class_of_three: Graded) -> None:
    """Each tree has a folder, named after it and where that is not enough after its parent, with three reports."""
    written = {str(path.relative_to(class_of_three.out)) for path in class_of_three.out.rglob("*") if path.is_file()}
    assert written == {f"{tree}/{report}" for tree in class_of_three.trees for report in REPORTS}


def test_every_tree_is_on_the_screen(class_of_three: Graded) -> None:
    """Without a terminal, there is a line for each tree when it is done, then all buckets side by side."""
    assert "alice-hw: 18 cases judged" in class_of_three.result.stdout
    header = next(line for line in class_of_three.result.stdout.splitlines() if line.startswith("bucket"))
    assert header.split() == ["bucket", "good", "alice-hw", "bob-hw"]


def test_no_escape_codes_without_a_terminal(class_of_three: Graded) -> None:
    """A pipe or a file gets plain text."""
    assert ESCAPE not in class_of_three.result.stdout + class_of_three.result.stderr


def test_users_wishes_for_pytest_do_not_reach_a_grade(class_of_three: Graded) -> None:
    """PYTEST_ADDOPTS, which was set to drop cases, has dropped none."""
    assert len(class_of_three.document("good")["cases"]) == 18


def test_command_to_repeat_names_the_tree_as_it_was_given(class_of_three: Graded) -> None:
    """The command in a message can be run as it stands: it has the path, not the name in reports."""
    lost = [case for case in class_of_three.document("bob-hw")["cases"] if case["verdict"] == "error"]
    assert f"{class_of_three.trees['bob-hw']} --seed 5" in lost[0]["message"]


def test_report_json_is_of_pytest_json_report(shared_out: Graded) -> None:
    """report.json has the format's keys, and a test for every case with its outcome and its verdict."""
    report = shared_out.document("wrong", "report.json")
    assert {"created", "duration", "exitcode", "root", "environment", "summary", "collectors", "tests"} <= set(report)
    assert report["exitcode"] == 1
    outcomes = {"pass": "passed", "fail": "failed", "not run": "skipped"}
    want = [(case["id"], outcomes[case["verdict"]]) for case in shared_out.document("wrong")["cases"]]
    got = [(test["nodeid"].rpartition("/")[2], test["outcome"]) for test in report["tests"]]
    assert got == want


def test_report_json_counts_every_case_once(shared_out: Graded) -> None:
    """The summary is of the whole suite, although each process ran a share of it and left out the rest."""
    report = shared_out.document("wrong", "report.json")
    assert report["summary"] == {"passed": 6, "failed": 3, "skipped": 9, "total": 18, "collected": 18}
    nodes = [node for collector in report["collectors"] for node in collector["result"]]
    assert not [node for node in nodes if "deselected" in node]
    assert len({node["nodeid"] for node in nodes}) == len(nodes)


def test_grade_does_not_hang_on_the_number_of_processes(shared_out: Graded, class_of_three: Graded) -> None:
    """The same tree with the same seed has the same verdicts and values in one process and in four."""
    wanted = ("id", "verdict", "weight", "problem", "device", "title")
    cases = [[{key: case[key] for key in wanted} for case in graded.document(tree)["cases"]]
             for graded, tree in ((shared_out, "wrong"), (class_of_three, "alice-hw"))]  # fmt: skip
    assert cases[0] == cases[1]


# -- a part, and a terminal -----------------------------------------------------------------------------------------


def test_part_is_marked_in_every_report(part: tuple[Graded, str]) -> None:
    """What -k left out must not look as if it had been graded."""
    graded, screen = part
    assert graded.document("wrong")["selection"] == "scale or add"
    assert graded.document("wrong")["max_score"] == 7.0
    assert graded.document("wrong", "report.json")["environment"]["selection"] == "scale or add"
    assert graded.document("wrong", "report.json")["summary"]["deselected"] == 6
    assert "Only a part was graded: `-k scale or add`" in (graded.out / "wrong" / "summary.md").read_text()
    assert "Only a part was graded: -k scale or add" in screen


def test_no_colour_means_no_escape_codes(part: tuple[Graded, str]) -> None:
    """With NO_COLOR a terminal gets plain text as well, and no bar that moves."""
    assert part[0].result.returncode == 0
    assert ESCAPE not in part[1]
    assert "wrong: 12 cases judged" in part[1]


def test_terminal_has_a_bar_and_a_bad_expression_its_sentence(tmp_path: Path) -> None:
    """A terminal shows a bar while trees are graded; a -k that is no expression is bad usage and says where."""
    leave_reports(tmp_path / "out" / "good")
    status, screen = run_on_terminal("grade", TOY / "good", *SUITE, "--out", tmp_path / "out", "-k", "add and (")
    assert status == 2
    assert ESCAPE in screen
    assert "'-k': add and (: at column 10" in screen
    assert not list((tmp_path / "out" / "good").iterdir())


# -- bad usage ------------------------------------------------------------------------------------------------------


def test_selection_of_nothing_is_bad_usage(tmp_path: Path) -> None:
    """A -k that selects no case gives no grade: 0 of 0 points would look like one."""
    result = run("grade", TOY / "good", *SUITE, "--out", tmp_path / "out", "-k", "-nothing")
    assert result.returncode == 2
    assert result.stderr == "error: -k has value '-nothing', which selects no case of toy.\n"
    assert not list((tmp_path / "out" / "good").iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--device", "tpu"], "error: --device has value 'tpu'; expected one of: cpu, gpu.\n"),
        (["--jobs", "0"], "error: --jobs has value 0; expected a number from 1 up.\n"),
        (["--seed", "-1"], "error: --seed has value -1; expected a number from 0 to 2^63 - 1.\n"),
        (["--isolation", "none"], "error: --isolation has value 'none'; grading needs 'worker'."),
        (["--sandbox", "jail"], "error: --sandbox has value 'jail'; expected one of: "),
        (["--check", "race"], "error: --check has value 'race', but no device of toy is simulated.\n"),
        (["--out", str(TOY / "README.md")], f"error: --out has value '{TOY}/README.md', but "),
        (["--suite", str(TOY)], f"error: {TOY}/assignment.toml is not there; expected the description of "),
    ],
    ids=["device", "jobs", "seed", "isolation", "sandbox", "check", "out is a file", "suite"],
)
def test_bad_value_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    """An option's bad value gives exit status 2 and a sentence, before anything is built."""
    result = run("grade", TOY / "good", *SUITE, "--out", tmp_path / "out", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert "judged" not in result.stdout


def test_reports_are_not_written_into_a_tree(tmp_path: Path) -> None:
    """Where the folder of a tree's reports would be the tree itself, nothing is touched."""
    tree = lay_over("good", tmp_path / "good")
    before = sorted(tree.rglob("*"))
    result = run("grade", tree, *SUITE, "--out", tmp_path)
    sentence = f"error: --out has value '{tmp_path}', so the reports on {tree} would be written into it.\n"
    assert (result.returncode, result.stderr) == (2, sentence)
    assert sorted(tree.rglob("*")) == before


def test_missing_tree_is_found_before_the_first_is_graded(tmp_path: Path) -> None:
    """One misspelt name among many costs no grading, and leaves no report of an earlier run."""
    leave_reports(tmp_path / "out" / "good")
    leave_reports(tmp_path / "out" / "nowhere")
    result = run("grade", TOY / "good", "nowhere", *SUITE, "--out", tmp_path / "out")
    assert (result.returncode, result.stderr) == (
        2,
        "error: nowhere is not there; expected a folder, .zip, .tar, .tar.gz, .tar.xz, .tar.bz2, .tar.zst, or a commit "
        "as REPOSITORY@COMMIT.\n",
    )
    assert "judged" not in result.stdout
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("arguments", [["grade"], ["frobnicate"], ["grade", "x", "--speed", "9"]], ids=" ".join)
def test_bad_command_is_bad_usage(arguments: list[str]) -> None:
    """What the command line does not know has exit status 2 too, without escape codes."""
    result = run(*arguments)
    assert result.returncode == 2
    assert "Usage: python -m grader" in result.stderr
    assert ESCAPE not in result.stderr


# -- our own faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise OSError('the disk')", "the harness is at fault in test_toy.py::test_add[cpu-"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "judging good was killed with SIGKILL"),
        ("import os; os._exit(0)", "judging good ended with status 0 before it was done"),
        ("a = (", "SyntaxError: '(' was never closed"),
    ],
    ids=["an error in a test", "a judge that is killed", "a judge that leaves", "a suite that is none"],
)
def test_fault_of_ours_gives_no_grade(body: str, words: str, tmp_path: Path) -> None:
    """Where the judging itself fails there is exit status 3, and neither a new report nor an old one."""
    leave_reports(tmp_path / "out" / "good")
    suite = suite_with(tmp_path, body)
    result = run("grade", TOY / "good", "--suite", suite, "--out", tmp_path / "out", "--jobs", 2)
    assert result.returncode == 3
    assert result.stderr.startswith("the grader itself failed, and no grade was given: judging good ")
    assert words in result.stderr
    assert not list((tmp_path / "out" / "good").iterdir())


def test_bug_of_ours_is_no_score(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception that nobody foresaw shows its traceback and has exit status 3 as well."""
    monkeypatch.setattr(cli, "app", lambda: {}["missing"])
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 3
    assert "KeyError: 'missing'" in capsys.readouterr().err


# -- ended early ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])
def test_interrupt_leaves_nothing_behind(number: signal.Signals, status: int, tmp_path: Path) -> None:
    """Ctrl-C in the middle of an endless case ends the judge and the worker; trees that wait are not begun."""
    tree = lay_over("good", tmp_path / "waits")
    note = tmp_path / "pids"
    (tree / "vec" / "elementwise.py").write_text(
        "import os, time\n\ndef add(a, b):\n"
        f"    with open({str(note)!r}, 'w') as file:\n        file.write(f'{{os.getpid()}} {{os.getppid()}}.')\n"
        "    time.sleep(1e6)\n\nscale = add\n"
    )
    suite = suite_with(tmp_path, "a, b = rng.normal(n), rng.normal(n)")
    config = (suite / "assignment.toml").read_text()
    (suite / "assignment.toml").write_text(config.replace("case_wall_seconds = 3", "case_wall_seconds = 600"))
    command = [sys.executable, "-m", "grader", "grade", tree, TOY / "good", "--suite", suite, "--jobs", "1"]
    command += ["--sandbox", "none"]  # in a box the note could not be written
    with subprocess.Popen(
        [*map(str, command), "--out", str(tmp_path / "out")],
        cwd=ROOT,
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs these tests in the background may have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        pids = _when_written(note, process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"judged" not in output
    assert not list((tmp_path / "out").rglob("*.json"))
    assert [pid for pid in pids if _is_running(pid)] == []


def _when_written(note: Path, process: subprocess.Popen[bytes]) -> list[int]:
    for _ in range(6000):
        if note.exists() and note.read_text().endswith("."):
            return [int(pid) for pid in note.read_text().rstrip(".").split()]
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("the tree was not asked within two minutes")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- parts that need no process -------------------------------------------------------------------------------------


def test_cores_are_counted_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no os.sched_getaffinity; the machine's cores do there."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert options.checked_jobs(None) == 6


def test_judges_environment_has_nothing_that_bends_a_grade() -> None:
    """The user's paths and options for Python and pytest stay out; the rest, such as NEEDLE_DATA, comes along."""
    bending = {"PYTHONPATH": "python", "PYTEST_PLUGINS": "x", "PYTHONHASHSEED": "9"}
    found = judging_environment({**bending, "NEEDLE_DATA": "d"})
    assert not {"PYTHONPATH", "PYTEST_PLUGINS"} & set(found)
    assert (found["NEEDLE_DATA"], found["PYTHONHASHSEED"]) == ("d", "0")


# -- the other commands ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of our own, with a tiny reference: these commands work on the checkout that they lie in."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "grader", root / "grader", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "reference").mkdir()
    (root / "reference" / "ops.py").write_text(
        'def twice(a):\n    """2 a"""\n    ### BEGIN YOUR SOLUTION\n    return a + a\n    ### END YOUR SOLUTION\n'
    )
    return root


def test_derive_then_check(checkout: Path) -> None:
    """`derive` writes student/; then `check-student` has nothing to say against it."""
    derived = run("derive", cwd=checkout)
    assert (derived.returncode, derived.stderr) == (0, "")
    assert "NotImplementedError" in (checkout / "student" / "ops.py").read_text()
    checked = run("check-student", cwd=checkout)
    assert (checked.returncode, checked.stdout) == (0, "student/ is what reference/ derives to\n")


def test_check_fails_where_student_is_stale(checkout: Path) -> None:
    """A change in student/ is exit status 1, with the file and the remedy."""
    (checkout / "student").mkdir(exist_ok=True)
    (checkout / "student" / "own.py").write_text("")
    result = run("check-student", cwd=checkout)
    (checkout / "student" / "own.py").unlink()
    assert result.returncode == 1
    assert "own.py: extra" in result.stderr
    assert "run `make student`" in result.stderr


def test_release_refuses_what_students_cannot_work_with(checkout: Path) -> None:
    """An incomplete checkout, or a stale student/, gives no archive and exit status 2."""
    result = run("release", cwd=checkout)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert not (checkout / "dist").exists()


def test_sim_runs_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Program, its own arguments and options reach the simulator; its exit status is the command's."""
    asked: list[object] = []

    def program(*arguments: object, **options: object) -> int:
        asked.extend([arguments, options])
        return 7

    monkeypatch.setattr("grader.cudasim.program.run", program)
    monkeypatch.setattr(
        sys, "argv", ["grader", "sim", "a.cu", "--check", "race", "--seeds", "9", "wrong", "--", "-n", "3"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 7
    assert asked == [
        (Path("a.cu"), ["wrong", "-n", "3"]),
        {"checks": ("race",), "seeds": 9, "executable": None},
    ]


def test_sim_takes_no_misspelt_option() -> None:
    """An option that is misspelt is not handed on to the program, which would then run unwatched."""
    result = run("sim", "a.cu", "--chek", "memory")
    assert result.returncode == 2
    assert "No such option: --chek" in result.stderr


def test_sim_of_nothing_is_bad_usage() -> None:
    """A program that is not there is one sentence, and nothing is compiled for it."""
    result = run("sim", "nowhere.cu")
    assert result.returncode == 2
    assert result.stderr.startswith("error: nowhere.cu is not there")


def test_doctor_says_whether_grading_works() -> None:
    """`doctor` prints a line a thing and a verdict, and ends well where these tests run."""
    result = run("doctor", *SUITE)
    assert result.returncode == 0
    assert "Grading works here" in result.stdout


def test_no_command_shows_them_all() -> None:
    """`python -m grader` alone lists the commands."""
    result = run()
    assert all(name in result.stdout + result.stderr for name in ("grade", "repro", "doctor", "release"))


def test_a_python_without_packages_goes_on_in_venv() -> None:
    """Who has not activated .venv is served by it; its exit status and its words come through."""
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("there is no .venv to go on in")
    command = [sys.executable, "-S", "-m", "grader", "sim", "nowhere.cu"]  # -S: no site-packages
    done = subprocess.run(command, cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere.cu is not there")


def test_no_packages_and_no_venv_is_one_sentence(tmp_path: Path) -> None:
    """Before `make setup` there is nothing to go on in: that is said, without a traceback."""
    (tmp_path / "grader").mkdir()
    for name in ("__init__.py", "__main__.py", "first_aid.py", "remedies.py"):
        shutil.copy(ROOT / "grader" / name, tmp_path / "grader")
    command = [sys.executable, "-S", "-m", "grader", "status"]
    done = subprocess.run(command, cwd=tmp_path, env=CLEAN, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: this Python lacks the packages of the course")
    assert "run `make setup` once" in done.stderr
