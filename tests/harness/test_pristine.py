"""The pristine tree: what counts of a submission is what it may change; the rest is as it was given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment import Assignment, load_assignment
from grader.derive import handout
from grader.derive.tree import File
from grader.errors import UsageError
from grader.intake import StagedTree, stage, stage_sources
from grader.intake.taking import Rules
from grader.judge import ROOT

GIVEN = {
    "vec/__init__.py": b"starter\n",
    "vec/given.py": b"given = 1\n",
    "vec/ops/__init__.py": b"starter\n",
    "src/native.cc": b"starter\n",
    "CMakeLists.txt": b"project(given)\n",
    "work.ipynb": b"{}",
    "data/set.bin": b"0",
}
EDITABLE = ("vec/__init__.py", "vec/ops/**", "vec/mine_*.py", "src/*")


def a_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A folder with these files."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture
def assignment(toy: Assignment, tmp_path: Path) -> Assignment:
    """The toy assignment with a pristine tree, in a checkout of its own: course/tests/toy and course/starter."""
    suite = tmp_path / "course/tests/toy"
    suite.mkdir(parents=True)
    a_tree(tmp_path / "course/starter", GIVEN)
    return replace(toy, suite=suite, layout=replace(toy.layout, editable=EDITABLE, pristine="../../starter"))


def staged(assignment: Assignment, tmp_path: Path, files: Mapping[str, bytes]) -> StagedTree:
    """Stage a folder with these files."""
    return stage(a_tree(tmp_path / "sub", files), assignment, tmp_path / "staged")


def contents(tree: StagedTree) -> dict[str, bytes]:
    """What was staged, by path."""
    return {path: (tree.root / path).read_bytes() for path in tree.files}


def test_editable_files_are_the_students_and_the_rest_is_given(assignment: Assignment, tmp_path: Path) -> None:
    """Of the submission's files those that may be changed, of the pristine tree's those that may not."""
    tree = staged(
        assignment, tmp_path, {"vec/__init__.py": b"mine\n", "vec/given.py": b"forged\n", "vec/mine_x.py": b""}
    )
    assert contents(tree) == {"vec/__init__.py": b"mine\n", "vec/given.py": b"given = 1\n", "vec/mine_x.py": b""}
    assert (tree.account.taken, tree.account.given) == (2, 1)


def test_editable_file_that_is_missing_is_not_filled_in(assignment: Assignment, tmp_path: Path) -> None:
    """A tree of an earlier edition has one ops.py; the package ops/ of the pristine one would go before it."""
    tree = staged(assignment, tmp_path, {"vec/__init__.py": b""})
    assert set(tree.files) == {"vec/__init__.py", "vec/given.py"}


def test_changed_given_file_is_named(assignment: Assignment, tmp_path: Path) -> None:
    """Who changed a file that is given learns that it does not count; another end of lines is no change."""
    files = {**GIVEN, "vec/given.py": b"given = 1\r\n", "CMakeLists.txt": b"project(mine)\n", "work.ipynb": b"{run}"}
    tree = staged(assignment, tmp_path, files)
    assert tree.account.changed == ("CMakeLists.txt",)
    assert tree.notes == ("changed, which does not count (graded as they were given): CMakeLists.txt",)


def test_file_that_may_not_be_added_is_named(assignment: Assignment, tmp_path: Path) -> None:
    """A helper where grading looks, but not among what may be changed, is left out by name; data are counted."""
    files = {
        **GIVEN,
        "vec/helper.py": b"",
        "helper.py": b"",
        "results/a.txt": b"",
        "results/b.txt": b"",
        "notes.md": b"",
    }
    tree = staged(assignment, tmp_path, files)
    assert tree.account.ignored == ("helper.py", "vec/helper.py")
    assert f"left out, as only {', '.join(EDITABLE)} may be changed or added: helper.py, vec/helper.py" in tree.notes
    assert "vec/helper.py" not in tree.files
    assert tree.account.passed_over == 4  # data/, results/, notes.md, and the notebook


def test_untouched_starter_is_told_nothing_of(assignment: Assignment, tmp_path: Path) -> None:
    """What is as it was given needs no note."""
    tree = staged(assignment, tmp_path, GIVEN)
    assert (tree.fault, tree.notes, tree.account.changed, tree.account.ignored) == (None, (), (), ())


def test_identity_hangs_on_taken_files_only(assignment: Assignment, tmp_path: Path) -> None:
    """Another version of the handout, or a change that does not count, is not another submission."""
    first = staged(assignment, tmp_path / "1", GIVEN).identity
    second = staged(assignment, tmp_path / "2", {**GIVEN, "vec/given.py": b"changed"}).identity
    (tmp_path / "course/starter/vec/given.py").write_text("next version\n")
    third = staged(assignment, tmp_path / "3", GIVEN)
    other = staged(assignment, tmp_path / "4", {**GIVEN, "src/native.cc": b"other"}).identity
    assert first == second == third.identity != other
    assert contents(third)["vec/given.py"] == b"next version\n"


def test_links_and_caches_in_the_pristine_tree_are_left_out(assignment: Assignment, tmp_path: Path) -> None:
    """The instructor's own tree may have been built and run."""
    starter = tmp_path / "course/starter"
    a_tree(starter, {"vec/__pycache__/given.pyc": b"", "vec/native.so": b"", "src/build/x": b"", "conftest.py": b""})
    assert set(staged(assignment, tmp_path, {"vec/__init__.py": b""}).files) == {"vec/__init__.py", "vec/given.py"}


def test_file_in_the_place_of_a_given_folder_is_refused(assignment: Assignment, tmp_path: Path) -> None:
    """Two files for one path: which of them counts may not hang on the order."""
    a_tree(tmp_path / "course/starter", {"vec/mine_x.py/deep.py": b""})
    assert "or as file and folder" in str(
        staged(assignment, tmp_path, {"vec/__init__.py": b"", "vec/mine_x.py": b""}).fault
    )


def test_required_file_must_be_the_students(assignment: Assignment, tmp_path: Path) -> None:
    """An empty submission is not made a tree by what is given."""
    assert "vec/__init__.py is not in it" in str(staged(assignment, tmp_path, {"src/native.cc": b""}).fault)


def test_pristine_tree_that_is_missing_is_bad_usage(assignment: Assignment, tmp_path: Path) -> None:
    """Without it the submission's own files would count where they must not."""
    lost = replace(assignment, layout=replace(assignment.layout, pristine="../../lost"))
    with pytest.raises(UsageError, match=r"tree.pristine has value '../../lost', but .*lost is not there"):
        staged(lost, tmp_path, GIVEN)


def test_without_a_pristine_tree_all_is_taken_and_told(assignment: Assignment, tmp_path: Path) -> None:
    """An assignment that names none grades what is handed in, and the report says what that was."""
    whole = replace(assignment, layout=replace(assignment.layout, pristine=""))
    tree = staged(whole, tmp_path, {"vec/__init__.py": b"", "vec/helper.py": b"h"})
    assert contents(tree) == {"vec/__init__.py": b"", "vec/helper.py": b"h"}
    assert tree.notes == ("taken as handed in, as the assignment names no pristine tree: vec/helper.py",)


def test_sources_are_read_whatever_may_be_changed(assignment: Assignment, tmp_path: Path) -> None:
    """What `carry` reads of an old tree is all of it: nothing is given, nothing is left out."""
    tree = stage_sources(a_tree(tmp_path / "sub", GIVEN), assignment, tmp_path / "staged", (".py", ".ipynb"))
    assert set(tree.files) == {path for path in GIVEN if path.endswith((".py", ".ipynb"))}


# --- a release ---


@pytest.fixture
def released(assignment: Assignment, tmp_path: Path) -> Assignment:
    """The same in a student's folder, where student/ is the student's own and changed, and .handout has a record."""
    root = tmp_path / "release"
    suite = root / "tests/toy"
    suite.mkdir(parents=True)
    files = {f"student/{path}": File(data, False) for path, data in GIVEN.items()}
    for path, file in handout.describe("toy", "1.0", files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(file.data)
    a_tree(root / "student", {**GIVEN, "vec/given.py": b"changed = 1\n"})
    return replace(assignment, suite=suite, layout=replace(assignment.layout, pristine="../../student"))


def test_release_grades_what_the_course_grades(assignment: Assignment, released: Assignment, tmp_path: Path) -> None:
    """A student who changed a given file sees the points that the instructor will see, and why."""
    mine = stage(tmp_path / "release/student", released, tmp_path / "a")
    theirs = stage(tmp_path / "release/student", assignment, tmp_path / "b")
    assert mine.account.changed == ("vec/given.py",)
    assert (mine.account, mine.identity, contents(mine)) == (theirs.account, theirs.identity, contents(theirs))


@pytest.mark.parametrize("damage", ["changed", "missing", "no list", "bad list"])
def test_damaged_record_of_a_release_is_bad_usage(damage: str, released: Assignment, tmp_path: Path) -> None:
    """Rather no points than other ones than the course's; the message says how to mend it."""
    record = tmp_path / "release/.handout"
    if damage == "changed":
        (record / "pristine/student/vec/given.py").write_text("x")
    elif damage == "missing":
        (record / "pristine/student/CMakeLists.txt").unlink()
    elif damage == "no list":
        (record / "manifest.json").unlink()
    else:
        (record / "manifest.json").write_text(json.dumps({"format": 1, "files": 3}))
    with pytest.raises(UsageError, match=r"(is missing|damaged).*(copy its folder .handout|Unpack the release)"):
        stage(tmp_path / "release/student", released, tmp_path / "a")


# --- the assignments that are here ---


@pytest.mark.parametrize(
    ("suite", "tree"),
    [
        ("tests/hw4", "reference"),
        ("tests/hw4", "student"),
        ("examples/statistics/suite", "examples/statistics/reference"),
    ],
)
def test_our_own_trees_are_taken_without_a_word(suite: str, tree: str, tmp_path: Path) -> None:
    """Nothing of the reference or the starter is left out, or differs from what is given."""
    found = stage(ROOT / tree, load_assignment(ROOT / suite), tmp_path / "staged")
    assert (found.fault, found.notes) == (None, ())


def test_earlier_edition_is_covered(tmp_path: Path) -> None:
    """All code of a tree with one ops.py is taken, and no starter file comes between."""
    tree = ROOT / "tests/submissions/earlier"
    found = stage(tree, load_assignment(ROOT / "tests/hw4"), tmp_path / "staged")
    code = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.suffix in (".py", ".cc", ".cu")}
    assert code <= set(found.files)
    assert not any(path.startswith(("python/", "src/")) for path in set(found.files) - code)
    assert found.account.ignored == ()


@pytest.mark.parametrize(
    ("path", "editable"),
    [
        ("src/ndarray_backend_cpu.cc", True),
        ("src/simd.h", True),
        ("src/detail/simd.h", True),
        ("python/needle/helpers.py", True),
        ("python/needle/ops/more/helpers.py", True),
        ("apps/simple_training.py", True),
        ("apps/my_helpers.py", True),
        ("apps/training/loop.py", False),
        ("python/helpers.py", True),
        ("tests/hw4/test_conv.py", False),
        ("CMakeLists.txt", False),
        ("python", False),
    ],
)
def test_what_may_be_changed_of_hw4(path: str, editable: bool) -> None:
    """A student's own helpers may lie in the package or beside it, in src and in apps."""
    assert Rules(load_assignment(ROOT / "tests/hw4").layout).is_editable(path) is editable


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("a/*", ["a/b", "a/.b"], ["a/b/c", "a", "b/a/c"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab/c"]),
        ("a/**/x.py", ["a/x.py", "a/b/c/x.py"], ["a/b", "a/bx.py"]),
        ("**/x.py", ["x.py", "a/x.py"], ["ax.py"]),
        ("a?.py", ["ab.py"], ["a.py", "a/.py"]),
        ("a[1].py", ["a[1].py"], ["a1.py"]),
    ],
)
def test_patterns(toy: Assignment, pattern: str, inside: list[str], outside: list[str]) -> None:
    """`*` is any text without "/", `?` one character, `**` any folders; nothing else has a meaning."""
    rules = Rules(replace(toy.layout, editable=(pattern,)))
    assert all(rules.is_editable(path) for path in inside)
    assert not any(rules.is_editable(path) for path in outside)


def test_module_of_the_assignments_own_hides_nothing(toy: Assignment) -> None:
    """An assignment about a package called `code` may have it, though Python has a module of that name."""
    own = Rules(replace(toy.layout, required=("code/__init__.py",), editable=("code/**",)))
    assert own.hides("code/__init__.py") == ""
    assert own.hides("random.py") == "random"
