"""`--format NAME[=PATH]`: which formats there are, where a report goes, and that it is there in full or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from toy_grades import FAIL, lost, made

from grader import cli
from grader.errors import GraderError, UsageError
from grader.report import formats
from grader.report.audience import Audience
from grader.report.errors import ReportError
from grader.report.formats import FORMATS, Format, Target, parse, plan, write
from grader.score import Grade

KEPT = ("grade.json", "summary.md")


def planned(out: Path, *texts: str, trees: Sequence[str] = ("student",)) -> tuple[Target, ...]:
    return plan([parse(text) for text in texts], trees, out, KEPT)


def places(targets: Sequence[Target], out: Path) -> list[str]:
    return [str(target.place.relative_to(out)) if target.place else "-" for target in targets]


@pytest.fixture(autouse=True)
def outside_of_a_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI may well be one."""
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


# -- what is asked for ----------------------------------------------------------------------------------------------


def test_names_and_paths() -> None:
    """NAME, or NAME=PATH; a path may have an = in it."""
    assert (parse("junit").format.name, parse("junit").path) == ("junit", "")
    assert parse("junit=a=b.xml").path == "a=b.xml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xml", "one of: json, markdown, html, junit, gradescope, "),
        ("", "one of: json"),
        ("JUnit=a", "one of: json"),
        ("junit=", "leave the = away, or name a file"),
    ],
)
def test_what_is_no_format(text: str, words: str) -> None:
    """The message has the value, and what there is."""
    with pytest.raises(UsageError, match=words) as raised:
        parse(text)
    assert repr(text) in str(raised.value)


# -- where it goes --------------------------------------------------------------------------------------------------


def test_default_places(tmp_path: Path) -> None:
    """In the folder of each tree's reports; a class's table beside these; what is always written is not named twice."""
    targets = planned(tmp_path, "junit", "csv", "json", trees=("a", "b"))
    assert places(targets, tmp_path) == ["a/junit.xml", "b/junit.xml", "grades.csv"]
    assert [target.trees for target in targets] == [("a",), ("b",), ("a", "b")]


def test_a_path_with_the_trees_name(tmp_path: Path) -> None:
    """A file each."""
    targets = planned(tmp_path, f"junit={tmp_path}/x/{{tree}}.xml", trees=("a", "b"))
    assert places(targets, tmp_path) == ["x/a.xml", "x/b.xml"]


@pytest.mark.parametrize("path", ["r.xml", "-"])
def test_one_place_for_several_trees_is_refused(tmp_path: Path, path: str) -> None:
    """With the remedy; the second would be all that is left."""
    with pytest.raises(UsageError, match=r"one tree, there are 2, .* junit=reports/\{tree\}-junit\.xml\."):
        planned(tmp_path, f"junit={path}", trees=("a", "b"))


def test_what_can_be_about_several_trees(tmp_path: Path) -> None:
    """A table, and Markdown, of which one may follow another."""
    targets = planned(tmp_path, f"csv={tmp_path}/c.csv", "markdown=-", trees=("a", "b"))
    write(targets, [made(tree="a"), made(tree="b")], Audience.STAFF)
    assert [line.split(",")[0] for line in (tmp_path / "c.csv").read_text().splitlines()] == ['"tree"', '"a"', '"b"']


def test_one_file_twice_is_refused(tmp_path: Path) -> None:
    """However it is spelt, and standard output as well."""
    (tmp_path / "link").symlink_to(tmp_path)
    for texts in (
        [f"junit={tmp_path}/x", f"csv={tmp_path}/link/x"],
        ["junit=-", "csv=-"],
        ["junit", f"csv={tmp_path}/student/../student/junit.xml"],
        [f"csv={tmp_path}/student/grade.json"],
    ):
        with pytest.raises(UsageError, match="where another report goes; name another file: csv=PATH"):
            planned(tmp_path, *texts)


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """A class is graded for hours; that its table has no place must not come out at the end."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"goes to .*file/x/r\.csv.*cannot be written: Not a directory; name a file"):
        planned(tmp_path, f"csv={tmp_path}/file/x/r.csv")
    with pytest.raises(UsageError, match="a folder; expected a file"):
        planned(tmp_path, f"csv={tmp_path}")


def test_an_earlier_report_does_not_pass_for_this_runs(tmp_path: Path) -> None:
    """It is gone before the grading begins."""
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "junit.xml").write_text("old")
    planned(tmp_path, "junit")
    assert not (tmp_path / "student" / "junit.xml").exists()


# -- how it is written ----------------------------------------------------------------------------------------------


def test_every_format_is_written(tmp_path: Path) -> None:
    """To its own place, as UTF-8."""
    targets = planned(tmp_path, *(f"{name}={tmp_path}/{item.file}" for name, item in FORMATS.items()))
    write(targets, [made(lost("größer", verdict=FAIL))], Audience.STAFF)
    assert {path.name for path in tmp_path.iterdir()} == {item.file for item in FORMATS.values()}
    assert all((tmp_path / item.file).read_bytes().decode("utf-8") for item in FORMATS.values())


def test_a_report_is_there_in_full_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is renamed into its place; who looks earlier finds none, and a full disk is a fault that is named."""
    targets = planned(tmp_path, f"csv={tmp_path}/r.csv")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(GraderError, match=r"r\.csv\.new cannot be written: No space left on device"):
        write(targets, [made()], Audience.STAFF)
    assert not (tmp_path / "r.csv").exists()


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """As root, renaming over /dev/null would take it from the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(planned(tmp_path, f"csv={pipe}"), [made()], Audience.STAFF)
    assert os.read(reader, 6) == b'"tree"'
    os.close(reader)


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is written."""
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    write(planned(tmp_path, f"csv={tmp_path}/link.csv"), [made()], Audience.STAFF)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith('"tree"')


def test_standard_output_comes_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Autolab takes the last line of all."""
    targets = planned(tmp_path, "autolab=-", f"csv={tmp_path}/r.csv")
    assert formats.on_stdout(targets)
    assert not formats.on_stdout(planned(tmp_path, "junit"))
    write(targets, [made()], Audience.STAFF)
    assert (tmp_path / "r.csv").exists()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["scores"] == {"add": 4.0, "scale": 1.5}


def test_a_report_that_fails_costs_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are written, also that for standard output; then each that failed is named, and why."""

    def broken(grade: Grade) -> str:
        raise ValueError("cannot convert float NaN to integer")

    def too_long(grade: Grade) -> str:
        raise GraderError("a report is 7 bytes long")

    failing = [
        Target(Format(name, name, render), ("student",), tmp_path / name)
        for name, render in (("broken", broken), ("long", too_long))
    ]
    targets = [*failing, *planned(tmp_path, "autolab=-", f"csv={tmp_path}/r.csv")]
    with pytest.raises(ReportError) as raised:
        write(targets, [made()], Audience.STAFF)
    assert str(raised.value) == (
        "--format broken: ValueError: cannot convert float NaN to integer\n--format long: a report is 7 bytes long"
    )
    assert isinstance(raised.value.__cause__, ValueError)
    assert (tmp_path / "r.csv").exists()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["scores"] == {"add": 4.0, "scale": 1.5}


def test_who_has_read_enough_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`grade --format json=- | head`: typer ends the command in silence."""

    def closed(target: Target, text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(formats, "_put", closed)
    with pytest.raises(BrokenPipeError):
        write(planned(tmp_path, "json=-"), [made()], Audience.STAFF)


# -- inside of GitHub Actions ---------------------------------------------------------------------------------------


def test_a_steps_files_are_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other commands of the step have written there stays."""
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("before\n")
    output.write_text("name=value\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    write(planned(tmp_path, f"markdown={summary}", f"github_classroom={output}"), [made()], Audience.STAFF)
    assert summary.read_text().startswith("before\n## toy: `student`: 5.5 / 7.0\n")
    assert output.read_text().startswith("name=value\nresult=")
    assert output.read_text().count("\n") == 2


def test_a_steps_files_hold_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another format there would end the workflow, or set outputs of its own."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    with pytest.raises(UsageError, match="which holds the outputs of a step; expected github_classroom or another"):
        planned(tmp_path, f"junit={tmp_path}/output")


def test_what_is_printed_is_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words of a submission at the beginning of a line, and GitHub's older commands anywhere."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    grade = made(lost("x\n  ::add-mask::7\n::error::y ##[error]z", verdict=FAIL))
    write(planned(tmp_path, "markdown=-"), [grade], Audience.STAFF)
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if line.strip().startswith("::") or "##[" in line] == []
    assert ": :error::y # #[error]z" in printed


@pytest.mark.parametrize("error", [ValueError, GraderError, ReportError, UsageError])
def test_no_fault_is_a_command(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither an error's words nor a traceback: both may be a submission's."""

    def app() -> None:
        raise error("x\n::notice title=Autograding complete::Points 100/100")

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "begin", lambda: None)
    with pytest.raises(SystemExit):
        cli.main()
    before, token, said = capsys.readouterr().err.partition("::stop-commands::")
    assert token
    assert "::notice" not in before
    word = said.partition("\n")[0]
    inside, end, after = said.partition(f"\n::{word}::")
    assert end
    assert "::notice" in inside
    assert "::notice" not in after


def test_where_only_a_report_failed_there_are_grades(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the last message says so; what nobody foresaw has its traceback."""

    def app() -> None:
        try:
            raise ValueError("NaN")
        except ValueError as error:
            raise ReportError("--format html: ValueError: NaN") from error

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "begin", lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 3
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith(
        "\nthe grader itself failed; grades are there, but not every report: --format html: ValueError: NaN\n"
    )
    assert "no grade was given" not in said


def test_notices_of_classroom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """These are commands, and stay such."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    write(planned(tmp_path, "github_classroom=-"), [made()], Audience.STAFF)
    assert capsys.readouterr().out == (
        "::notice title=Autograding complete::Points 5.5/7\n"
        '::notice title=Autograding report::{"totalPoints": 5.5, "maxPoints": 7}\n'
    )


def test_the_right_tree_is_in_each_file(tmp_path: Path) -> None:
    """Grades come in the trees' order, and are looked up by name all the same."""
    grades: list[Grade] = [made(tree="b"), made(tree="a")]
    write(planned(tmp_path, f"json={tmp_path}/{{tree}}.json", trees=("a", "b")), grades, Audience.STAFF)
    assert {name: json.loads((tmp_path / f"{name}.json").read_text())["tree"] for name in "ab"} == {"a": "a", "b": "b"}
