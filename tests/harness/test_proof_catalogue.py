"""The catalogue of planted bugs and right solutions: each mistake in a file is found, and said in a sentence."""

from __future__ import annotations

import ast

import pytest
from conftest import ROOT
from proof.catalogue import Reference, load_bugs, load_rights
from proof.trees import files_of, reference_files
from proofs import bug_text, reference

from grader.assignment import load_assignment
from grader.errors import UsageError

BUGS, RIGHTS = ROOT / "tests" / "submissions" / "bugs", ROOT / "tests" / "submissions" / "right"


def test_a_bug_is_read(toy, tmp_path):
    """All keys of an entry arrive, with the device that its file is graded on."""
    (tmp_path / "ops.toml").write_text(bug_text() + 'depends = { total = "it adds" }\n')
    [bug] = load_bugs(tmp_path, reference(toy, tmp_path / "reference"))
    assert (bug.name, bug.area, bug.problems, bug.device) == ("subtracts", "ops", ("add",), "cpu")
    assert bug.why_depends("total") == "it adds"
    assert bug.why_depends("scale") is None


def test_more_places_are_edits(toy, tmp_path):
    """[[bug.edit]] adds places, which are edited one after the other."""
    (tmp_path / "ops.toml").write_text(
        bug_text() + '[[bug.edit]]\nfile = "vec/elementwise.py"\nold = "a - b"\nnew = "b - a"\n'
    )
    wanted = reference(toy, tmp_path / "reference")
    [bug] = load_bugs(tmp_path, wanted)
    assert files_of(bug, {"vec/elementwise.py": "a + b"}) == {"vec/elementwise.py": "b - a"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bug_text(name=None), "bug[0].name is missing"),
        (bug_text(problem='"add"'), "bug 'subtracts': problem is not known"),
        (bug_text(about='"Subtracts"'), "expected a sentence on one line, with its full stop"),
        (bug_text(old='"a * b"'), "old is 0 times in vec/elementwise.py; expected exactly once. It begins: 'a * b'."),
        (bug_text(old='"a"'), "old is 3 times in vec/elementwise.py"),
        (bug_text(new='"a + b"'), "new another text than old"),
        (bug_text(file='"vec/other.py"'), "file has value 'vec/other.py'; expected a file in reference/"),
        (bug_text(problems='["addition"]'), "expected one or more of, none twice: add, scale, total"),
        (bug_text(problems="[]"), "problems has value []"),
        (bug_text(depends='{ add = "it is it" }'), "'add' is in both problems and depends"),
        (bug_text(depends='{ sums = "it adds" }'), "depends names 'sums'"),
        (bug_text(depends='{ total = "" }'), "say why in words"),
        (bug_text() + bug_text(), "the bug 'subtracts' is in ops.toml already"),
        ("[[bug]", "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_bug_is_said(toy, tmp_path, text, said):
    """Each kind of mistake names the file, the bug and what was expected."""
    (tmp_path / "ops.toml").write_text(text)
    with pytest.raises(UsageError) as raised:
        load_bugs(tmp_path, reference(toy, tmp_path / "reference"))
    assert said in str(raised.value)
    assert "ops.toml" in str(raised.value)


def test_a_file_that_students_cannot_change_is_refused(toy, tmp_path):
    """A patch of what is taken from the handout would change nothing."""
    wanted = reference(toy, tmp_path / "reference", {"vec/elementwise.py": "a + b", "given.py": "x = 1"})
    (tmp_path / "ops.toml").write_text(bug_text(file='"given.py"', old='"x = 1"'))
    with pytest.raises(UsageError, match="a file that a student may change"):
        load_bugs(tmp_path, wanted)


def test_cuda_is_graded_where_it_is_simulated(simulating, tmp_path):
    """A bug in a .cu file is graded on the device that simulates the GPU."""
    wanted = reference(simulating, tmp_path / "reference", {"src/cuda.cu": "a + b"})
    (tmp_path / "cuda.toml").write_text(bug_text(file='"src/cuda.cu"'))
    assert load_bugs(tmp_path, wanted)[0].device == "gpu-sim"


def test_a_right_solution_is_read(toy, tmp_path):
    """Edits, removed files, and files beside right.toml, which are laid over the reference."""
    files = {"vec/elementwise.py": "a + b", "vec/reduction.py": "x"}
    wanted = reference(toy, tmp_path / "reference", files)
    folder = tmp_path / "right" / "backwards"
    (folder / "vec").mkdir(parents=True)
    (folder / "vec" / "more.py").write_text("more")
    (folder / "right.toml").write_text(
        'about = "Goes backwards."\n[[remove]]\nfile = "vec/reduction.py"\n'
        '[[edit]]\nfile = "vec/elementwise.py"\nold = "a + b"\nnew = "b + a"\n'
    )
    [right] = load_rights(tmp_path / "right", wanted)
    assert (right.name, right.devices) == ("backwards", ("cpu",))
    assert files_of(right, files) == {"vec/elementwise.py": "b + a", "vec/more.py": "more"}


def test_a_right_solution_may_be_a_tree_of_its_own(toy, tmp_path):
    """Then nothing of the reference is left but what students are given."""
    files = {"vec/elementwise.py": "a + b", "vec/reduction.py": "x"}
    wanted = reference(toy, tmp_path / "reference", files)
    description = 'about = "Another tree."\nbase = "../../other"\n'
    own = {"other/vec/elementwise.py": "b + a", "other/README.md": "About it.", "right/own/right.toml": description}
    for place, text in own.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    [right] = load_rights(tmp_path / "right", wanted)
    assert files_of(right, files) == {"vec/elementwise.py": "b + a"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('about = "Of no tree."\nbase = "../none"\n', "a folder with a tree of its own"),
        ('about = "Nothing at all."\n', "nothing differs from the reference"),
        ('about = "Nothing at all."\ndevices = ["tpu"]\n', "some of: cpu, gpu"),
    ],
)
def test_a_mistake_in_a_right_solution_is_said(toy, tmp_path, text, said):
    """What proves nothing, or nowhere, is refused."""
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "right.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        load_rights(tmp_path, reference(toy, tmp_path / "reference"))


def test_the_catalogue_fits_the_reference():
    """Every bug and every right solution applies to the reference as it is, and its Python is Python."""
    wanted = Reference(ROOT / "reference", load_assignment(ROOT / "tests" / "hw4"))
    sources = reference_files(wanted)
    items = [*load_bugs(BUGS, wanted), *load_rights(RIGHTS, wanted)]
    assert items
    for item in items:
        changed = {path: text for path, text in files_of(item, sources).items() if sources.get(path) != text}
        assert changed or item.removed, item.name
        for path, text in changed.items():
            if path.endswith(".py"):
                ast.parse(text, f"{item.name}:{path}")
