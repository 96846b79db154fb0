"""Notebooks in grader.derive: the regions in their code cells, in the text and in the .ipynb, and misused markers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import ROOT
from small_notebook import BEGIN, END, FRONT, SECRET, cell

from grader.derive import MarkerError, derive_text, fill_region, find_regions
from grader.derive.myst import is_notebook, read_cells
from grader.derive.notebook import to_ipynb
from grader.derive.written import is_written

# ---------------------------------------------------------------------------------------------------- regions


def test_regions_of_a_notebook() -> None:
    """Regions are found in code cells, named by the function in the cell, else by the heading above it."""
    found = [(r.name, r.in_function, r.first, r.last) for r in find_regions(SECRET, "hw4.md")]
    lines = SECRET.split("\n")
    begins = [number for number, line in enumerate(lines, start=1) if line.strip() == BEGIN]
    ends = [number for number, line in enumerate(lines, start=1) if line.strip() == END]
    assert found == [
        ("rule", True, begins[0], ends[0]),
        ("Part 3: flip and its strides", True, begins[1], ends[1]),
    ]


def test_stubs_of_a_notebook() -> None:
    """A stub names its task and the .ipynb, and a cell that is one raises when it is run; all else stays."""
    derived = derive_text(SECRET, "hw4.md")
    rule = '    raise NotImplementedError("rule is yours to write (hw4.ipynb)")'
    whole = 'raise NotImplementedError("Part 3: flip and its strides is yours to write (hw4.ipynb)")'
    lines = SECRET.split("\n")
    first, second = find_regions(SECRET, "hw4.md")
    want = [*lines[: first.first], rule, *lines[first.last - 1 : second.first], whole, *lines[second.last - 1 :]]
    assert derived.split("\n") == want


def test_deriving_a_notebook_twice_is_deriving_once() -> None:
    """What students get derives to itself."""
    once = derive_text(SECRET, "hw4.md")
    assert derive_text(once, "hw4.md") == once


def test_cell_under_no_heading() -> None:
    """A cell before the first heading has a name as well."""
    assert [region.name for region in find_regions(cell(BEGIN, "x = 1", END), "hw4.md")] == ["this cell"]


def test_heading_in_a_fence_is_none() -> None:
    """A comment in a block of Python names nothing, whatever quotes stand in the block."""
    text = f"{FRONT}\n# Real\n\n````python\n```\n# not\n````\n" + cell(BEGIN, "x = 1", END)[len(FRONT) :]
    assert [region.name for region in find_regions(text, "hw4.md")] == ["Real"]


def test_block_of_a_cell() -> None:
    """A region may be all that a loop at cell level consists of: its stub is a statement."""
    derived = derive_text(cell("for x in y:", f"    {BEGIN}", "    print(x)", f"    {END}"), "hw4.md")
    assert '    raise NotImplementedError("this cell is yours' in derived


def test_class_body_in_a_cell_has_no_stub() -> None:
    """A place for helpers in a class body stays empty, as in a .py file: the class must be defined all the same."""
    text = cell("class A:", "    x = 0", f"    {BEGIN}", "    y = 1", f"    {END}")
    assert [(region.name, region.in_function) for region in find_regions(text, "hw4.md")] == [("A", False)]


@pytest.mark.parametrize("line", ["%load_ext autoreload", "!ls -l $HOME", "    !ls", "%%time", "%time x = (1,"])
def test_lines_of_ipython(line: str) -> None:
    """Magics and shell commands are no Python, and no error."""
    indented = line.startswith(" ")
    lines = ["if True:", line] if indented else [line]
    assert len(find_regions(cell(*lines, BEGIN, "x = 1", END), "hw4.md")) == 1


def test_operator_at_the_start_of_a_line() -> None:
    """A line of an expression may begin with %, which is no magic there."""
    text = cell("x = (", '    "%d"', "    % 3", ")", BEGIN, "y = x", END)
    assert len(find_regions(text, "hw4.md")) == 1


def test_magic_in_a_region_is_kept() -> None:
    """The lines of a region are the cell's own, not what was parsed in their place."""
    text = cell("!true", BEGIN, "%pip list", END)
    assert find_regions(text, "hw4.md")[0].lines == ("%pip list\n",)


@pytest.mark.parametrize("path", ["README.md", "docs/guide.md"])
def test_plain_markdown_has_no_cells(path: str) -> None:
    """Without jupytext's front matter a .md is text, where a marker is refused, in whatever fence."""
    text = cell("x = 1").removeprefix(FRONT)
    assert derive_text(text, path) == text
    with pytest.raises(MarkerError, match="in a file type that has none"):
        derive_text(cell(BEGIN, "x = 1", END).removeprefix(FRONT), path)


def test_other_front_matter_is_no_notebook() -> None:
    """A page of the documentation with front matter of its own stays text."""
    with pytest.raises(MarkerError, match=r"page\.md:5: .* in a file type that has none"):
        derive_text(f"---\ntitle: jupytext\n---\n\n{BEGIN}\n", "page.md")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("---\r\njupytext : x\r\n--- \r\n", True),
        ("---\na: 1\n# b\njupytext:\n---\n", True),
        ("", False),
        ("---\njupytext: x\n", False),
        ("---\n---\njupytext: x\n---\n", False),
        ("# A text\njupytext: x\n---\n", False),
        ("jupytext: x\n---\n", False),
    ],
    ids=["Windows", "last key", "empty file", "unclosed", "empty front matter", "no front matter", "first line"],
)
def test_only_front_matter_makes_a_notebook(text: str, is_one: bool) -> None:
    """It begins on the first line and ends at the first `---` after that; what a page says below makes it none."""
    assert is_notebook(text) == is_one


OPENING = "```{code-cell} ipython3\n"


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        (f"{FRONT}{OPENING}x = 1\n```\n{OPENING}y = 2\n```\n", [(12, ["x = 1\n"]), (15, ["y = 2\n"])]),
        (f"{OPENING}```\n{OPENING}y = 2\n```\n", [(2, []), (4, ["y = 2\n"])]),
        (f"{OPENING}:a: 1\nx = 1\n```\n", [(3, ["x = 1\n"])]),
        (f"{OPENING}:a: 1\n:b: 2\n\nx = 1\n```\n", [(5, ["x = 1\n"])]),
        (f"{OPENING}---\n---\nx = 1\n---\n```\n", [(4, ["x = 1\n", "---\n"])]),
        (f"{OPENING}---\na: 1\n---\n\n\nx = 1\n```\n", [(6, ["\n", "x = 1\n"])]),
        (OPENING, [(2, [])]),
        (f"{OPENING}:a: 1\n", [(3, [])]),
        (f"{OPENING}---\na: 1\n", [(4, [])]),
    ],
    ids=["adjacent", "empty", "option", "options", "no YAML", "YAML", "unclosed", "unclosed option", "unclosed YAML"],
)
def test_lines_of_a_cell(text: str, cells: list[tuple[int, list[str]]]) -> None:
    """A cell's source begins behind its fence, its options and one blank line, and ends where its fence is closed."""
    assert [(cell.first, list(cell.lines)) for cell in read_cells(text)] == cells


def test_fence_without_a_language_hides_headings() -> None:
    """What opens a fence does not close it, though it says nothing either."""
    (one,) = read_cells(f"# Real\n```\n# not\n```\n{OPENING}x = 1\n```\n")
    assert one.heading == "Real"


# ------------------------------------------------------------------------------------------------- violations

PROSE = "outside of a code cell"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{FRONT}\n{BEGIN}\nx = 1\n{END}\n", [(12, PROSE), (14, PROSE)]),
        (f"{FRONT}\n```python\n{BEGIN}\nx = 1\n{END}\n```\n", [(13, PROSE), (15, PROSE)]),
        (f"{FRONT}\n- {BEGIN}\n- x\n- {END}\n", [(12, PROSE), (14, PROSE)]),
        (f"{FRONT}\n> {BEGIN}\n", [(12, PROSE)]),
        (f"{FRONT}\n# Begin your solution\n", [(12, PROSE)]),
        (
            f"{FRONT}\n- ```{{code-cell}} ipython3\n  {BEGIN}\n  {END}\n  ```\n",
            [(12, "begin it at"), (13, ""), (14, "")],
        ),
        (cell(BEGIN, "x = 1"), [(13, "never closed")]),
        (cell("x = 1", END), [(14, "no region is open")]),
        (cell(BEGIN) + cell(END)[len(FRONT) :], [(13, "never closed"), (17, "no region is open")]),
        (cell("x = 1", "## BEGIN YOUR SOLUTION", END), [(14, "looks like a solution marker")]),
        (cell("x = (", BEGIN, "1", END), [(13, "not valid Python")]),
        (cell("%%bash", BEGIN, "ls -l $HOME", END), [(15, "not valid Python")]),
        (cell("def f():", f"    {BEGIN}", "  return 1", f"    {END}"), [(15, "another block")]),
        (cell("def f():", BEGIN, "    return 1", END), [(15, "another block")]),
    ],
)
def test_violations_in_a_notebook(text: str, expected: list[tuple[int, str]]) -> None:
    """Every misuse is told with the line of the .md: in prose, in a plain fence, across cells, in no Python."""
    with pytest.raises(MarkerError) as caught:
        derive_text(text, "hw4.md")
    found = [(violation.line, violation.sentence) for violation in caught.value.violations]
    assert [line for line, _ in found] == [line for line, _ in expected], str(caught.value)
    assert all(phrase in sentence for (_, sentence), (_, phrase) in zip(found, expected, strict=True)), found


# ------------------------------------------------------------------------------------ regions in an .ipynb itself


def test_regions_of_an_ipynb() -> None:
    """A student's .ipynb has the same regions; their lines are those of the file, and what they say is the code."""
    data = to_ipynb(SECRET, "hw4.md").decode()
    wanted, found = find_regions(SECRET, "hw4.md"), find_regions(data, "hw4.ipynb")
    assert [(r.name, r.in_function, r.lines) for r in found] == [(r.name, r.in_function, r.lines) for r in wanted]
    lines = data.split("\n")
    assert all(BEGIN in lines[r.first - 1] and END in lines[r.last - 1] for r in found)


def test_emptied_ipynb() -> None:
    """Emptying the .ipynb gives what the emptied text makes."""
    derived = derive_text(to_ipynb(SECRET, "hw4.md").decode(), "hw4.ipynb")
    assert derived.encode() == to_ipynb(derive_text(SECRET, "hw4.md"), "hw4.md")


def test_filling_an_ipynb() -> None:
    """Work that is put into a region of an .ipynb is in its cell, quotes and all, and the rest is as it was."""
    starter = to_ipynb(derive_text(SECRET, "hw4.md"), "hw4.md").decode()
    filled = starter
    for empty, solved in reversed(
        [*zip(find_regions(starter, "hw4.ipynb"), find_regions(SECRET, "hw4.md"), strict=True)]
    ):
        assert not is_written(empty)
        assert is_written(solved)
        filled = fill_region(filled, empty, solved.lines)
    assert filled.encode() == to_ipynb(SECRET, "hw4.md")


@pytest.mark.parametrize("indent", [1, 2, 4])
def test_ipynb_that_another_editor_saved(indent: int) -> None:
    """Other editors indent otherwise, order the keys otherwise, and keep outputs, which may quote the cell."""
    notebook = json.loads(to_ipynb(SECRET, "hw4.md"))
    for one in notebook["cells"]:
        if one["cell_type"] == "code":
            one["execution_count"] = 3
            one["outputs"] = [{"output_type": "stream", "name": "stdout", "text": list(one["source"])}]
            one["outputs"].append({"output_type": "display_data", "data": {"a/json": {"source": ["x\n", "y"]}}})
    notebook["cells"] = [dict(reversed(one.items())) for one in notebook["cells"]]
    text = json.dumps(notebook, indent=indent)
    assert [r.lines for r in find_regions(text, "hw4.ipynb")] == [r.lines for r in find_regions(SECRET, "hw4.md")]


def test_ipynb_on_one_line() -> None:
    """A notebook whose lines are not apart is refused with the remedy where it has markers; else it has no regions."""
    notebook = json.loads(to_ipynb(SECRET, "hw4.md"))
    with pytest.raises(MarkerError, match="open it in Jupyter and save it again"):
        find_regions(json.dumps(notebook), "hw4.ipynb")
    notebook["cells"] = notebook["cells"][:3]
    assert find_regions(json.dumps(notebook), "hw4.ipynb") == []


def test_marker_in_the_prose_of_an_ipynb() -> None:
    """A student who has turned a code cell into text is told which."""
    data = to_ipynb(SECRET, "hw4.md").decode()
    notebook = json.loads(data)
    notebook["cells"][3]["cell_type"] = "markdown"
    text = json.dumps(notebook, indent=1)
    with pytest.raises(MarkerError, match="a solution marker outside of a code cell marks nothing") as caught:
        find_regions(text, "hw4.ipynb")
    (violation,) = caught.value.violations
    first = notebook["cells"][3]["source"][0]
    assert text.split("\n")[violation.line - 1].strip() == f"{json.dumps(first)},"


def test_cells_of_the_same_source() -> None:
    """Each of two equal cells has its own region, under the heading of Markdown, and not of raw text, before it."""
    data = json.loads(to_ipynb(SECRET, "hw4.md"))
    one = data["cells"][3]
    data["cells"] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Given\n"]},
        {"cell_type": "raw", "metadata": {}, "source": ["# Raw\n"]},
        {**one, "source": [f"{BEGIN}\n", "x = 1\n", f"{END}\n"]},
        {**one, "source": [f"{BEGIN}\n", "x = 1\n", f"{END}\n"]},
    ]
    text = json.dumps(data, indent=1)
    found = find_regions(text, "hw4.ipynb")
    marked = [number for number, line in enumerate(text.split("\n"), start=1) if BEGIN in line]
    assert [(region.first, region.name) for region in found] == [(line, "Given") for line in marked]


def test_letters_of_any_language_stay_as_they_are() -> None:
    """What is filled in is written as Jupyter writes it, without escapes."""
    text = to_ipynb(derive_text(SECRET, "hw4.md"), "hw4.md").decode()
    assert '"é = 1\\n",' in fill_region(text, find_regions(text, "hw4.ipynb")[0], ["é = 1"])


def test_what_is_nested_too_deeply_is_no_notebook() -> None:
    """A hostile file has no regions, and stops nothing."""
    assert find_regions("[" * 200_000, "hw4.ipynb") == []


def test_course_only_libraries_are_not_loaded() -> None:
    """What students run finds regions, and derives what has no notebook, without jupytext and its relatives."""
    command = (
        "import sys, grader.derive; grader.derive.find_regions(sys.stdin.read(), 'hw4.md'); "
        "print(sorted(set(sys.modules) & {'jupytext', 'nbformat', 'yaml', 'markdown_it', 'nbconvert'}))"
    )
    run = [sys.executable, "-c", command]
    done = subprocess.run(run, input=SECRET, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"
