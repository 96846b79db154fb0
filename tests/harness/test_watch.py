"""`watch`: which saves count, what is run then, and what is said of it. Nothing here waits for a file or a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TOY, lay_over
from rich.console import Console
from toy_grades import ERROR, FAIL, PASS, RUN, WRONG, made, result

from grader import watch
from grader.assignment import Assignment
from grader.errors import UsageError
from grader.failing import Failing, News, Round
from grader.report.audience import Audience, seen_by
from grader.report.document import to_json
from grader.report.rounds import print_news, print_saved, print_start
from grader.run import RunOptions
from grader.verdict import CaseResult, Verdict

A, B, C = (result(name, 0, PASS).case.id for name in ("add", "scale", "total"))


class Tree:
    """A tree in which some cases fail; what is run of it is written down."""

    def __init__(self, *bad: str, fault: str = "") -> None:
        self.bad, self.fault = set(bad), fault
        self.ran: list[tuple[str, ...]] = []
        self.told: list[News] = []

    def run(self, cases: tuple[str, ...]) -> Round:
        """As watch.Rounds."""
        self.ran.append(cases)
        found = [self._judged(name) for name in ("add", "scale", "total")]
        return Round(tuple(r for r in found if not cases or r.case.id in cases), self.fault, not cases)

    def _judged(self, name: str) -> CaseResult:
        passed = result(name, 0, PASS)
        return replace(passed, verdict=FAIL, message=WRONG) if passed.case.id in self.bad else passed

    def settle(self, failing: Failing) -> News:
        """The last news of a save."""
        failing.settle(self.run, self.told.append)
        return self.told[-1]


def ids(results: Sequence[CaseResult]) -> list[str]:
    return [item.case.id for item in results]


# -- what is run ----------------------------------------------------------------------------------------------------


def test_without_a_grade_everything_is_run() -> None:
    """And what fails in it is known from then on."""
    tree, failing = Tree(B), Failing()
    news = tree.settle(failing)
    assert (tree.ran, ids(news.lost), news.everything) == ([()], [B], True)
    assert failing.ids == (B,)


def test_only_what_fails_is_run() -> None:
    """As long as some of it does; what is mended is told, and left out the next time."""
    tree, failing = Tree(B), Failing([A, B])
    news = tree.settle(failing)
    assert (ids(news.mended), ids(news.lost), news.everything) == ([A], [B], False)
    tree.settle(failing)
    assert tree.ran == [(A, B), (B,)]


def test_everything_is_run_once_nothing_fails() -> None:
    """In the same round: what was broken on the way is seen."""
    tree, failing = Tree(C), Failing([B])
    news = tree.settle(failing)
    assert tree.ran == [(B,), ()]
    assert (ids(tree.told[0].mended), ids(news.lost), news.everything) == ([B], [C], True)
    assert failing.ids == (C,)


def test_everything_is_not_run_twice() -> None:
    """Where all there is has failed, running that was running everything."""
    tree, failing = Tree(A, B, C), Failing()
    tree.settle(failing)
    tree.bad = set()
    assert tree.settle(failing).everything
    assert tree.ran == [(), (A, B, C)]


def test_a_fault_tells_nothing_of_cases() -> None:
    """A syntax error is shown and waited out; what failed before it is still known to."""
    tree, failing = Tree(fault="importing the tree raised SyntaxError"), Failing([A, B])
    assert tree.settle(failing).fault == "importing the tree raised SyntaxError"
    assert failing.ids == (A, B)
    assert tree.ran == [(A, B)]
    tree.fault = ""
    assert tree.settle(failing).everything


def test_cases_that_are_gone_do_not_count() -> None:
    """Ids of an earlier suite select nothing; then everything is run."""
    tree, failing = Tree(), Failing(["test_gone.py::test_x"])
    assert tree.settle(failing).passed == 3
    assert tree.ran == [("test_gone.py::test_x",), ()]


# -- which saves ----------------------------------------------------------------------------------------------------


def test_a_save_that_changes_nothing_is_none() -> None:
    """Neither a touch, nor a file that is not graded."""
    hashes = iter(["1", "1", "2", "2"])
    settled: list[Sequence[Path]] = []
    one, two, three = ([Path(name)] for name in "abc")
    watch.follow([one, two, three], lambda: next(hashes), settled.append)
    assert settled == [(), two]


def test_what_is_saved_during_a_run_starts_another() -> None:
    """The hash is taken before the run: what changes in it is new to the next look."""
    tree = {"hash": "1"}

    def settle(files: Sequence[Path]) -> None:
        settled.append(files)
        if len(settled) == 1:
            tree["hash"] = "2"  # somebody saves while the first round runs

    settled: list[Sequence[Path]] = []
    watch.follow([[Path("a")], [Path("b")]], lambda: tree["hash"], settle)
    assert settled == [(), [Path("a")]]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("python/needle/ops.py", True),
        ("src/kernel.cu", True),
        ("python/needle/.ops.py.swp", False),
        ("python/needle/ops.py~", False),
        ("python/needle/4913", False),
        ("python/needle/#ops.py#", False),
        ("python/needle/.#ops.py", False),
        ("python/needle/ops.py.tmp", False),
        ("python/needle/__pycache__/ops.pyc", False),
        ("build/CMakeCache.txt", False),
        (".git/index", False),
        ("python/needle/backend.so", False),
        ("/build/elsewhere.py", False),
    ],
)
def test_files_of_editors_and_compilers_do_not_count(path: str, wanted: bool) -> None:
    """They come and go with every save."""
    top = Path("/build/tree")  # a folder above that is called `build` is none of the tree's
    assert watch.matters(top, top / path) == wanted


# -- what is known at the start -------------------------------------------------------------------------------------


def test_failures_of_the_last_grade(toy: Assignment, tmp_path: Path) -> None:
    """Of the same selection, and of files that there still are: a student's hidden cases have no ids to run."""
    found = [result("add", 0, ERROR), result("scale", 0, PASS), result("total", 0, FAIL, hidden=True)]
    grade = made(found, tree="good")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "grade.json").write_text(to_json(seen_by(grade, Audience.STUDENT)))
    document = watch.remembered(toy, TOY / "good", tmp_path, "")
    assert watch.known_to_fail(toy, document) == [A]
    assert watch.remembered(toy, TOY / "good", tmp_path, "add") == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"assignment": "other"}', '{"assignment": "toy", "fault": "x", "selection": ""}']
)
def test_no_grade_to_go_by(toy: Assignment, tmp_path: Path, text: str) -> None:
    """One that is cut off, another's, or of a tree that could not be graded: then everything is run first."""
    assert watch.remembered(toy, TOY / "good", tmp_path, "") == {}
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "grade.json").write_text(text)
    assert watch.remembered(toy, TOY / "good", tmp_path, "") == {}


def test_only_a_folder_is_watched(toy: Assignment, tmp_path: Path) -> None:
    """Nobody edits an archive."""
    with pytest.raises(UsageError, match=r"a\.zip is not a folder"):
        watch.Rounds(toy, tmp_path / "a.zip", RunOptions(1, (), "", "worker", "none"), 1)


# -- the whole, once ------------------------------------------------------------------------------------------------


def test_rounds_on_a_tree(toy: Assignment, tmp_path: Path) -> None:
    """Mended, broken in another way, and not to be imported: each round sees the tree as it is."""
    tree = lay_over("wrong", tmp_path / "tree")
    rounds = watch.Rounds(toy, tree, RunOptions(1, ("cpu",), "scale", "worker", "none"), 1)
    try:
        first = rounds.run(())
        bad = [item for item in first.results if item.verdict is not Verdict.PASS]
        assert first.everything
        assert bad
        before = rounds.identity()
        file = tree / "vec" / "elementwise.py"
        good = (TOY / "good" / "vec" / "elementwise.py").read_text()
        file.write_text(good)
        assert rounds.identity() != before
        again = rounds.run((bad[0].case.id,))
        assert [(item.case.id, item.verdict) for item in again.results] == [(bad[0].case.id, Verdict.PASS)]
        file.write_text(good + "\ndef (:\n")
        assert "SyntaxError" in rounds.run((bad[0].case.id,)).fault
    finally:
        rounds.close()


# -- what is said ---------------------------------------------------------------------------------------------------


def printed(news: News) -> list[str]:
    console = Console(record=True, width=200, color_system=None, quiet=False)
    with console.capture() as text:
        print_news(console, news)
    return text.get().splitlines()


def test_news_of_a_round() -> None:
    """What was mended, how much still fails, and the first failure in full, its command included."""
    lost = (result("add", 3, FAIL, WRONG + RUN), result("scale", 0, ERROR, "scale raised E: x\nmore" + RUN))
    assert printed(News((result("total", 0, PASS),), lost)) == [
        "mended: test_toy.py::test_total[cpu-0]",
        "still fails: 2 cases",
        "  test_toy.py::test_add[cpu-3]",
        f"    {WRONG}",
        f"    {RUN.strip()}",
        "  test_toy.py::test_scale[cpu-0]",
        "    scale raised E: x",
    ]


def test_news_of_a_fault_and_of_success() -> None:
    """A compiler's first errors; or that nothing fails, and how much that was."""
    assert printed(News((), (), 0, "a.cc does not compile:\n  a.cc:3: error: x\x1b[31m")) == [
        "cannot be run:",
        "  a.cc does not compile:",
        "    a.cc:3: error: x\\x1b[31m",
    ]
    assert printed(News((), (), 7, "", True)) == ["nothing fails; 7 cases passed"]


def test_what_is_not_implemented_is_named() -> None:
    """Not told case by case."""
    lost = tuple(
        result("add", i, ERROR, "not implemented: Add.compute is yours to write (a.py)" + RUN) for i in range(3)
    )
    assert printed(News((), lost, 0, "", True)) == ["fails: 3 cases", "  not implemented: Add.compute (3)"]


def test_first_line_and_files_that_were_saved(capsys: pytest.CaptureFixture[str]) -> None:
    """Which tree, with which seed; then the files, not all of a hundred."""
    console = Console(width=200, color_system=None)
    print_start(console, Path("student"), 2, 7)
    print_start(console, Path("student"), 0, 7)
    print_saved(console, [Path(f"python/{name}.py") for name in "abcde"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "watching student, seed 7; first 2 cases that failed in the last grade. Ctrl-C ends."
    assert lines[1] == "watching student, seed 7; first everything. Ctrl-C ends."
    assert lines[3].endswith(" python/a.py, python/b.py, python/c.py and 2 more")
