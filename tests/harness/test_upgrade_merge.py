"""Three-way merging: of lines, and of files with solution regions. What a student wrote is never lost."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.carry.upgrade.merge import BETWEEN, NEW, OLD, YOURS, merge_text, unresolved
from grader.carry.upgrade.merge_regions import merge_source

STEADY = settings(derandomize=True, deadline=None, max_examples=300)
LINES = st.lists(st.sampled_from(["a", "b", "c", "", "    d", "a = 1  "]), max_size=12)


def text(lines: list[str]) -> str:
    return "\n".join(lines)


def source(code: str) -> str:
    return textwrap.dedent(code).lstrip("\n")


# ------------------------------------------------------------------------------------------------------ properties


@STEADY
@given(LINES, LINES)
def test_one_side_alone(base: list[str], other: list[str]) -> None:
    """Where one side has changed nothing, the result is the other side, to the byte."""
    assert merge_text(text(base), text(base), text(other)).text == text(other)
    assert merge_text(text(base), text(other), text(base)).text == text(other)
    assert merge_text(text(base), text(other), text(other)).text == text(other)


@st.composite
def changed(draw: st.DrawFn, base: list[str], name: str) -> list[str]:
    """Some lines of `base`, in their order, and new ones that nobody else has."""
    kept = [line for line in base if draw(st.booleans())]
    for number in range(draw(st.integers(0, 4))):
        kept.insert(draw(st.integers(0, len(kept))), f"{name} {number}")
    return kept


@STEADY
@given(st.data())
def test_no_line_is_lost(data: st.DataObject) -> None:
    """Each new line of either side is in the result, the student's in their order; and every mark has its reason."""
    base = data.draw(LINES)
    mine, theirs = data.draw(changed(base, "mine")), data.draw(changed(base, "theirs"))
    merged = merge_text(text(base), text(mine), text(theirs))
    found = merged.text.split("\n")
    assert [line for line in found if line.startswith("mine")] == [line for line in mine if line.startswith("mine")]
    assert {line for line in theirs if line.startswith("theirs")} <= set(found)
    assert [number for number, line in enumerate(found, start=1) if line == YOURS] == [*merged.conflicts]
    assert found.count(OLD) == found.count(BETWEEN) == found.count(NEW) == len(merged.conflicts)


def module(functions: dict[str, str], imports: str = "") -> str:
    """A file of functions, each with a region."""
    bodies = "".join(
        f"\n\ndef {name}(x):\n    ### BEGIN YOUR SOLUTION\n{body}    ### END YOUR SOLUTION\n"
        for name, body in functions.items()
    )
    return f"import math\n\n### BEGIN YOUR SOLUTION\n{imports}### END YOUR SOLUTION\n{bodies}"


def stub(name: str, words: str = "is yours to write") -> str:
    return f'    raise NotImplementedError("{name} {words}")\n'


@STEADY
@given(st.data())
def test_no_work_in_a_region_is_lost(data: st.DataObject) -> None:
    """Whatever a release does to the functions of a file, all that a student wrote into them is in the file still."""
    names = ["f", "g", "h", "i"]
    written = data.draw(st.lists(st.sampled_from(names), unique=True))
    base = module({name: stub(name) for name in names})
    mine = module(
        {name: f"    return work_{name}\n" if name in written else stub(name) for name in names}, "import os\n"
    )
    kept = data.draw(st.permutations([*names, "j", "k"]))[: data.draw(st.integers(0, 6))]
    theirs = module({name: stub(name, "has to be written") for name in kept})
    merged = merge_source(base, mine, theirs, "ops.py", "2.0")
    for name in written:
        assert merged.merged.text.count(f"return work_{name}\n") >= 1, merged.merged.text
    assert "import os\n" in merged.merged.text


# ----------------------------------------------------------------------------------------------------------- lines


def test_both_sides_changes() -> None:
    """Changes in different places are both taken."""
    assert merge_text("a\nb\nc\nd\n", "a\nB\nc\nd\n", "a\nb\nc\nD\n").text == "a\nB\nc\nD\n"


def test_a_conflict_is_marked() -> None:
    """Where both have changed the same lines, all three versions are shown, and the line is told."""
    merged = merge_text("a\nb\nc\n", "a\nmine\nc\n", "a\nnew\nc\n")
    assert merged.text == f"a\n{YOURS}\nmine\n{OLD}\nb\n{BETWEEN}\nnew\n{NEW}\nc\n"
    assert merged.conflicts == (2,)
    assert unresolved(merged.text) == 2
    assert unresolved("a\n") is None


def test_windows_line_ends_are_no_change() -> None:
    """An editor that writes other line ends changes nothing, and keeps them."""
    merged = merge_text("a\nb\nc\n", "\ufeffa\r\nmine\r\nc\r\n", "a\nb\nC\n")
    assert merged.conflicts == (2,)
    assert merge_text("a\nb\nc\nd\n", "\ufeffa\r\nB\r\nc\r\nd\r\n", "a\nb\nc\nD\n").text == "\ufeffa\r\nB\r\nc\r\nD\r\n"


def test_blanks_at_the_end_of_a_line_are_no_change() -> None:
    """Editors remove them unasked: a line that differs by them alone is in conflict with nothing."""
    assert merge_text("a  \nb\nc\n", "a\nB\nc\n", "new\nb\nc\n").conflicts == (1,)  # neighbours: one stretch
    assert merge_text("a  \nx\nb\nc\n", "a\nx\nB\nc\n", "new\nx\nb\nc\n").text == "new\nx\nB\nc\n"


def test_the_last_line_end() -> None:
    """A missing line end at the end of a file is a change like any other."""
    assert merge_text("a\nb\nc", "a\nb\nc\n", "A\nb\nc").text == "A\nb\nc\n"
    assert merge_text("a\nb\nc\n", "a\nb\nc", "A\nb\nc\n").text == "A\nb\nc"


# --------------------------------------------------------------------------------------------------------- regions

BASE = source('''
    """Ops."""

    ### BEGIN YOUR SOLUTION
    ### END YOUR SOLUTION


    class Conv:
        """Old words."""

        def compute(self, a):
            ### BEGIN YOUR SOLUTION
            raise NotImplementedError("Conv.compute is yours to write (ops.py)")
            ### END YOUR SOLUTION

        def gradient(self, a):
            ### BEGIN YOUR SOLUTION
            raise NotImplementedError("Conv.gradient is yours to write (ops.py)")
            ### END YOUR SOLUTION

        ### BEGIN YOUR SOLUTION
        ### END YOUR SOLUTION
''')
MINE = (
    BASE.replace("SOLUTION\n### END", "SOLUTION\nimport mine\n### END")
    .replace('        raise NotImplementedError("Conv.compute is yours to write (ops.py)")', "        return a @ 2")
    .replace("SOLUTION\n    ### END", "SOLUTION\n    def helper(self):\n        return 3\n    ### END")
)


def merged(mine: str, theirs: str, path: str = "ops.py") -> str:
    """The merged text of a merge that leaves nothing to be decided."""
    result = merge_source(BASE, mine, theirs, path, "2.0")
    assert (result.merged.conflicts, result.left) == ((), ())
    return result.merged.text


def test_another_stub_is_no_conflict() -> None:
    """Work wins over a stub that is worded otherwise; a stub that was left alone becomes the new one."""
    theirs = BASE.replace("is yours to write", "has to be written")
    assert merged(MINE, theirs) == MINE.replace("is yours to write", "has to be written")


def test_given_code_changes_around_work() -> None:
    """Given lines become the new ones, and regions stay what they were: at module level and of a class, too."""
    theirs = BASE.replace("Old words", "New words").replace("def compute(self, a)", "def compute(self, a, b=None)")
    assert merged(MINE, theirs) == MINE.replace("Old words", "New words").replace(
        "(self, a):\n        ### BEGIN YOUR SOLUTION\n        return",
        "(self, a, b=None):\n        ### BEGIN YOUR SOLUTION\n        return",
    )


def test_a_file_in_the_middle_of_being_written() -> None:
    """Work that is no valid Python yet is carried like any other."""
    mine = MINE.replace("return a @ 2", "return (a @")
    assert merged(mine, BASE.replace("Old", "New")) == mine.replace("Old", "New")


def test_work_moves_with_its_function() -> None:
    """A function that has another place in the new release has the student's work there."""
    head, compute, rest = (BASE[: BASE.index("    def compute")], *[f"    def {p}" for p in BASE.split("    def ")[1:]])
    gradient, tail = rest.split("\n    ### BEGIN YOUR SOLUTION\n    ### END")
    theirs = f"{head}{gradient}\n{compute.rstrip()}\n\n    ### BEGIN YOUR SOLUTION\n    ### END{tail}"
    text = merge_source(BASE, MINE, theirs, "ops.py", "2.0").merged.text
    assert text.index("def gradient") < text.index("def compute") < text.index("return a @ 2")
    assert text.count("return a @ 2") == 1


def test_a_new_region_comes_in_with_its_stub() -> None:
    """What the new release asks for besides is there, unwritten."""
    new = "\n\ndef more():\n    ### BEGIN YOUR SOLUTION\n    raise NotImplementedError()\n    ### END YOUR SOLUTION\n"
    assert merged(MINE, BASE + new) == MINE + new


@pytest.mark.parametrize(("path", "sign"), [("ops.py", "#"), ("kernel.cc", "//")])
def test_work_without_a_region_is_kept_at_the_end(path: str, sign: str) -> None:
    """Work whose function the new release no longer has is at the end of the file, as comments, and is told."""
    old = {
        "ops.py": "def f():\n    ### BEGIN YOUR SOLUTION\n    stub\n    ### END YOUR SOLUTION\n\n\ndef g(): ...\n",
        "kernel.cc": "void f() {\n  /// BEGIN YOUR SOLUTION\n  stub;\n  /// END YOUR SOLUTION\n}\n\nvoid g() {}\n",
    }[path]
    theirs = old[old.index("def g" if sign == "#" else "void g") :]
    result = merge_source(old, old.replace("stub", "mine()"), theirs, path, "2.0")
    assert result.left == ("f",)
    assert result.merged.conflicts == ()
    text = result.merged.text
    assert text.startswith(theirs)
    assert f"{sign} ---- yours, from f: release 2.0 has no such place." in text
    assert any(line.startswith(sign) and "mine()" in line for line in text.split("\n"))
    assert all(line.startswith(sign) for line in text[len(theirs) :].split("\n") if line)


def test_a_stub_without_a_region_is_not_kept() -> None:
    """A function that the new release no longer has, and that was never written, goes without a word."""
    assert merged(BASE, BASE[: BASE.index("    def gradient")]) == BASE[: BASE.index("    def gradient")]


def test_a_conflict_outside_of_regions_keeps_the_work() -> None:
    """Given lines that both have changed are marked; the regions beside them are whole."""
    mine = MINE.replace('"""Old words."""', '"""My words."""')
    result = merge_source(BASE, mine, BASE.replace("Old words", "New words"), "ops.py", "2.0")
    lines = result.merged.text.split("\n")
    assert [lines[number - 1] for number in result.merged.conflicts] == [YOURS]
    assert result.merged.text.count("return a @ 2") == 1


def test_work_in_a_region_that_is_in_conflict() -> None:
    """A function that a student has rewritten, markers and all, and the release, too: both are shown in full."""
    mine = MINE.replace(
        "    def compute(self, a):\n        ### BEGIN YOUR SOLUTION", "    def compute(self, mine):\n        x = 1"
    )
    theirs = BASE.replace("def compute(self, a):", "def compute(self, new):")
    result = merge_source(BASE, mine, theirs, "ops.py", "2.0")
    assert len(result.merged.conflicts) == 1
    assert "return a @ 2" in result.merged.text
    assert "def compute(self, new):" in result.merged.text


CPP = source("""
    void Compact(const Array& a, Array* out,
                 size_t offset) {
      /// BEGIN YOUR SOLUTION
      throw NotImplemented(__func__);
      /// END YOUR SOLUTION
    }

    /// BEGIN YOUR SOLUTION
    /// END YOUR SOLUTION

    void Fill(Array* out) {
      /// BEGIN YOUR SOLUTION
      throw NotImplemented(__func__);
      /// END YOUR SOLUTION
    }
""")


def test_cpp_regions_go_by_their_function() -> None:
    """A new kernel before the others does not shift their work by one."""
    mine = CPP.replace("throw NotImplemented(__func__);", "compact_work();", 1)
    mine = mine.replace("throw NotImplemented(__func__);", "fill_work();", 1)
    new = CPP[: CPP.index("\n/// BEGIN") + 1].replace("Compact", "First")
    result = merge_source(CPP, mine, new + CPP, "kernel.cc", "2.0")
    assert result.merged.text == new + mine
    assert result.left == ()
