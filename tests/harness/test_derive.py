"""Solution regions, the stubs that take their place, and student/ derived from reference/."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.derive import (
    Difference,
    MarkerError,
    check_tree,
    derive_text,
    derive_tree,
    find_regions,
)
from grader.derive.syntax import decode, encode, fill_region
from grader.derive.tree import notebook_sources, read_tree
from grader.errors import UsageError

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
BEGIN, END = "### BEGIN YOUR SOLUTION", "### END YOUR SOLUTION"
CPP_BEGIN, CPP_END = "/// BEGIN YOUR SOLUTION", "/// END YOUR SOLUTION"

# No time limit (machines differ), and the same examples in every run.
steady = settings(derandomize=True, deadline=None, max_examples=150)


def python(text: str) -> str:
    return dedent(text).lstrip("\n").replace("<<", BEGIN).replace(">>", END)


def cpp(text: str) -> str:
    return dedent(text).lstrip("\n").replace("<<", CPP_BEGIN).replace(">>", CPP_END)


# ---------------------------------------------------------------------------------------------------- regions

PLACES = python(
    '''
    <<
    import secret
    >>
    class Conv:
        """A layer."""

        <<
        def helper(self): ...
        >>

        def gradient(self, grad):
            <<
            return grad
            >>

        class Inner:
            async def run(self):
                def step():
                    if True:
                        <<
                        return 1
                        >>
                <<
                # a comment only
                >>

    def make():
        class Local:
            x = 0
            <<
            y = 1
            >>
        return Local
    '''
)


def test_region_names() -> None:
    """A region knows the qualified name of what encloses it, and whether a stub there would be run."""
    regions = find_regions(PLACES, "a.py")
    assert [(region.name, region.in_function) for region in regions] == [
        ("", False),
        ("Conv", False),
        ("Conv.gradient", True),
        ("Conv.Inner.run.step", True),
        ("Conv.Inner.run", True),
        ("make.Local", True),
    ]


def test_region_place() -> None:
    """A region carries its path, its marker lines, its indentation and the lines between."""
    region = find_regions(PLACES, "python/a.py")[2]
    assert (region.path, region.first, region.last, region.indent) == ("python/a.py", 12, 14, " " * 8)
    assert region.lines == ("        return grad\n",)


def test_lines_are_counted_as_python_counts_them() -> None:
    """A form feed or a line separator in a string does not shift the line numbers."""
    text = 'a = "\x0c\u2028"\ndef f():\n    ' + BEGIN + "\n    return 1\n    " + END + "\n"
    assert [(region.first, region.last) for region in find_regions(text, "a.py")] == [(3, 5)]


@pytest.mark.parametrize("suffix", ["cc", "cpp", "cu", "cuh", "h", "hpp", "CU"])
def test_cpp_regions(suffix: str) -> None:
    """C++ and CUDA regions begin with `///`; indented ones are in a function, the others at namespace scope."""
    text = cpp("<<\nint help();\n>>\nvoid f() {\n  <<\n  help();\n  >>\n}\n")
    regions = find_regions(text, f"src/a.{suffix}")
    assert [(r.first, r.last, r.in_function, r.name) for r in regions] == [(1, 3, False, ""), (5, 7, True, "f")]


@pytest.mark.parametrize("path", ["README.md", "CMakeLists.txt", "Makefile", "hw4.ipynb", "data.bin"])
def test_other_files_have_no_regions(path: str) -> None:
    """A file type without markers is copied as it is, and may speak of them in a sentence."""
    text = f"Write between `{BEGIN}` and `{END}`.\n"
    assert find_regions(text, path) == []
    assert derive_text(text, path) == text


# ------------------------------------------------------------------------------------------------- violations


@dataclass(frozen=True)
class Bad:
    """A misuse of markers."""

    id: str
    path: str
    text: str
    expected: tuple[tuple[int, str], ...]  # line and a phrase of the sentence, for every violation


BAD = [
    Bad("unterminated", "a.py", f"x = 1\n{BEGIN}\ny = 1\n", ((2, "never closed; add '### END YOUR SOLUTION'"),)),
    Bad("unterminated-in-cpp", "a.cc", f"{CPP_BEGIN}\nint x;\n", ((1, "add '/// END YOUR SOLUTION'"),)),
    Bad("short-unterminated", "a.py", "### BEGIN SOLUTION\n", ((1, "add '### END SOLUTION'"),)),
    Bad("forgotten-end", "a.py", f"{BEGIN}\n{BEGIN}\n{END}\n", ((2, "inside the one that began on line 1"),)),
    Bad(
        "nested",
        "a.py",
        f"{BEGIN}\n{BEGIN}\n{END}\n{END}\n",
        ((2, "regions do not nest"), (4, "no region is open here")),
    ),
    Bad("stray-end", "a.py", f"x = 1\n{END}\n", ((2, "add '### BEGIN YOUR SOLUTION'"),)),
    Bad("code-before", "a.py", f"x = 1  {BEGIN}\n{END}\n", ((1, "alone on its line"),)),
    Bad("text-after", "a.py", f"{BEGIN}\n{END} (hw2)\n", ((2, "alone on its line"),)),
    Bad("both-on-one-line", "a.py", f"# from {BEGIN} to {END}\n", ((1, "alone on its line"),)),
    Bad(
        "spelt-differently",
        "a.py",
        f"{BEGIN}\n### END SOLUTION\n",
        ((2, "close it with '### END YOUR SOLUTION'"),),
    ),
    Bad("indented-differently", "a.py", f"def f():\n    {BEGIN}\n    return 1\n  {END}\n", ((4, "indent both"),)),
    Bad("cpp-marker-in-python", "a.py", f'"""\n{CPP_BEGIN}\n{CPP_END}\n"""\n', ((2, f"{BEGIN!r}"), (3, f"{END!r}"))),
    Bad("python-marker-in-cpp", "a.cu", f"{BEGIN}\n{END}\n", ((1, f"{CPP_BEGIN!r}"), (2, f"{CPP_END!r}"))),
    Bad("two-signs", "a.py", f"## BEGIN YOUR SOLUTION\n{END}\n", ((1, "looks like a solution marker"),)),
    Bad("four-signs", "a.py", f"#### BEGIN YOUR SOLUTION\n{END}\n", ((1, "alone on its line"),)),
    Bad("no-space", "a.py", f"###BEGIN YOUR SOLUTION\n{END}\n", ((1, "looks like a solution marker"),)),
    Bad("lower-case", "a.cc", f"/// begin your solution\n{CPP_END}\n", ((1, "looks like a solution marker"),)),
    Bad("title-case", "a.py", f"### Begin Your Solution\n{END}\n", ((1, "looks like a solution marker"),)),
    Bad("plural", "a.py", f"{BEGIN}\n### END YOUR SOLUTIONS\n", ((2, "looks like a solution marker"),)),
    Bad("misspelt-word", "a.py", f"### BEGN YOUR SOLUTION\n{END}\n", ((1, "looks like"), (2, "no region is open"))),
    Bad("in-markdown", "README.md", f"text\n{BEGIN}\n", ((2, "in a file type that has none"),)),
    Bad("in-a-notebook", "hw4.ipynb", f'[\n  "    {BEGIN}\\n",\n  "x"]\n', ((2, "handed out"),)),
    Bad("not-python", "a.py", "x = (\n", ((1, "not valid Python"),)),
    Bad("null-byte", "a.py", "x = 1\0\n", ((1, "not valid Python"),)),
    Bad("in-a-string", "a.py", f'x = """\n{BEGIN}\n{END}\n"""\n', ((2, "inside a string"),)),
    Bad("in-a-list", "a.py", f"x = [\n    {BEGIN}\n    1,\n    {END}\n]\n", ((2, "whole statements"),)),
    Bad(
        "only-the-head-of-an-if",
        "a.py",
        f"{BEGIN}\nif x:\n    y\n{END}\nelse:\n    z\n{BEGIN}\nw\n{END}\n",
        ((1, "without this region line 5 is not valid Python"),),
    ),
    Bad(
        "empty-class", "a.py", f"class A:\n    {BEGIN}\n    x = 1\n    {END}\n", ((2, "all that class A consists of"),)
    ),
    Bad(
        "empty-class-of-two-regions",
        "a.py",
        f"class A:\n    {BEGIN}\n    x = 1\n    {END}\n    {BEGIN}\n    y = 1\n    {END}\n",
        ((2, "all that class A consists of"),),
    ),
    Bad(
        "empty-block",
        "a.py",
        f"try:\n    {BEGIN}\n    x = 1\n    {END}\nfinally:\n    {BEGIN}\n    y\n    {END}\n",
        ((2, "leave a docstring or `pass`"), (6, "all that a block consists of")),
    ),
    Bad(
        "swallows-a-function",
        "a.py",
        f"def f():\n    {BEGIN}\n    return 1\n\ndef g():\n    return 2\n    {END}\n",
        ((5, "another block than the markers of its region, which begins on line 2"),),
    ),
    Bad(
        "markers-left-of-the-body",
        "a.py",
        f'def f():\n    """Doc."""\n{BEGIN}\n    return 1\n{END}\n',
        ((4, "another block"),),
    ),
    Bad(
        "code-right-of-the-markers",
        "a.py",
        f"def f():\n    if x:\n        y\n    {BEGIN}\n    # so\n        z\n    {END}\n",
        ((6, "which begins on line 4"),),
    ),
    Bad(
        "markers-left-of-the-body-in-cpp",
        "a.cc",
        f"int f() {{\n{CPP_BEGIN}\n  return 1;\n{CPP_END}\n}}\n",
        ((2, "whether a region is in a function"),),
    ),
    Bad(
        "swallows-a-brace",
        "a.cc",
        f"int f() {{\n  {CPP_BEGIN}\n  return '}}';\n}} // }}\nint g() {{ char* x = \"}}\"; }} }}\n  {CPP_END}\n",
        ((2, "(1 opened, 3 closed)"),),
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_violation(bad: Bad) -> None:
    """Every misuse of markers is an error with its file, line and a sentence, and nothing else is reported."""
    with pytest.raises(MarkerError) as caught:
        derive_text(bad.text, bad.path)
    violations = caught.value.violations
    assert [violation.line for violation in violations] == [line for line, _ in bad.expected], str(caught.value)
    for violation, (line, phrase) in zip(violations, bad.expected, strict=True):
        assert phrase in violation.sentence
        assert str(violation).startswith(f"{bad.path}:{line}: ")
    assert str(caught.value).splitlines() == [str(violation) for violation in violations]


def test_marker_error_is_bad_usage() -> None:
    """A misused marker ends the command with the status of bad usage, not of a fault of the grader."""
    assert MarkerError([]).exit_status == UsageError.exit_status == 2


@pytest.mark.parametrize(
    "line", ["# begin your solution with a sketch", "x = 'the END of this solution'", "# SOLUTION: none", "BEGIN = 1"]
)
def test_prose_is_no_marker(line: str) -> None:
    """A sentence that speaks of solutions is no marker, and no error."""
    assert find_regions(line + "\n", "a.py") == []


# ------------------------------------------------------------------------------------------------------ stubs


def test_python_stub() -> None:
    """In a function the stub raises NotImplementedError with the task's name and file, indented as the markers."""
    text = python("class Conv:\n    def gradient(self):\n        <<\n        return 1\n        >>\n        return 2\n")
    want = python(
        """
        class Conv:
            def gradient(self):
                <<
                raise NotImplementedError("Conv.gradient is yours to write (python/needle/ops.py)")
                >>
                return 2
        """
    )
    assert derive_text(text, "python/needle/ops.py") == want


def test_stub_raises_when_called() -> None:
    """A derived module can be imported, and its functions raise when they are called."""
    module: dict[str, object] = {}
    exec(derive_text(PLACES.replace("import secret", "import no_such_module"), "a.py"), module)
    conv = module["Conv"]
    assert isinstance(conv, type)
    with pytest.raises(NotImplementedError, match=r"^Conv\.gradient is yours to write \(a\.py\)$"):
        conv().gradient(1)


def test_no_stub_outside_of_functions() -> None:
    """At module and class level nothing is left between the markers."""
    assert derive_text(python("<<\nimport x\n>>\nclass A:\n    y = 1\n    <<\n    z = 1\n    >>\n"), "a.py") == python(
        "<<\n>>\nclass A:\n    y = 1\n    <<\n    >>\n"
    )


def test_cpp_stub() -> None:
    """An indented C++ region throws NotImplemented with the function's name; one at column 0 leaves nothing."""
    text = cpp("<<\nint help() { return 1; }\n>>\nvoid f() {\n\t<<\n\tif (x) { y(); }\n\t>>\n\treturn;\n}\n")
    want = cpp("<<\n>>\nvoid f() {\n\t<<\n\tthrow NotImplemented(__func__);\n\t>>\n\treturn;\n}\n")
    assert derive_text(text, "src/a.cc") == want


def test_preprocessor_lines_have_no_indentation() -> None:
    """A `#pragma` at column 0, a comment or a blank line does not say where a region's code stands."""
    text = cpp("void f() {\n  <<\n#pragma omp parallel for\n\n// so\n  g();\n  >>\n}\n")
    assert derive_text(text, "a.cc") == cpp("void f() {\n  <<\n  throw NotImplemented(__func__);\n  >>\n}\n")


def test_cpp_regions_are_named_by_their_function() -> None:
    """Each by its own; what stands around a function, in an indented namespace, is in none."""
    two = "void f() {\n  <<\n  first(1, 2, 3);\n  g();\n  >>\n}\nvoid h() {\n  <<\n  >>\n}\n"
    text = cpp(f"{two}namespace a {{\n  <<\n  void k() {{\n  }}\n  >>\n}}\n")
    assert [(r.name, r.in_function) for r in find_regions(text, "a.cc")] == [("f", True), ("h", True), ("", True)]


def test_braces_of_strings_and_comments_are_none() -> None:
    """A region's own braces are counted, and a number's quotes hide none of them."""
    text = cpp("void f() {\n  <<\n  if (1'000 > a) { g(\"}\", '}', R\"({)\"); }  // } 1'0\n  /* { */\n  >>\n}\n")
    assert [region.name for region in find_regions(text, "a.cc")] == ["f"]


def test_short_spelling() -> None:
    """`BEGIN SOLUTION` is a marker too, and stays as it is spelt."""
    text = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    assert derive_text(text, "a.py").splitlines()[1::2] == ["    ### BEGIN SOLUTION", "    ### END SOLUTION"]


def test_filled_lines_end_as_their_marker_does() -> None:
    """The first line of a file has the file's line end; the last may have none."""
    text = f"{BEGIN}\r\nx = 1\r\n{END}"
    (region,) = find_regions(text, "a.py")
    assert fill_region(text, region, ["y = 2\n", "z = 3"]) == f"{BEGIN}\r\ny = 2\r\nz = 3\r\n{END}"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(f"def f():\r\n    {BEGIN}\r\n    é = 1\r\n    {END}\r\n".encode(), id="crlf"),
        pytest.param(f"def f():\r    {BEGIN}\r    é = 1\r    {END}\r".encode(), id="cr"),
        pytest.param(f"def f():\n    {BEGIN}\n    é = 1\n    {END}".encode(), id="no-final-newline"),
        pytest.param(f"\ufeffdef f():\n    {BEGIN}\n    é = 1\n    {END}\n".encode(), id="byte-order-mark"),
        pytest.param(
            f"# coding: latin-1\ndef f():\n    'é'\n    {BEGIN}\n    x = 1\n    {END}\n".encode("latin-1"), id="latin-1"
        ),
    ],
)
def test_bytes_survive(data: bytes) -> None:
    """Line ends, the end of the file and its encoding are those of the reference, in the stub too."""
    derived = encode(derive_text(decode(data), "a.py"))
    end = b"\r\n" if b"\r\n" in data else data[8:9] if data[8:9] == b"\r" else b"\n"
    before, after = data.index(BEGIN.encode()) + len(BEGIN), data.index(b"    " + END.encode())
    stub = b'    raise NotImplementedError("f is yours to write (a.py)")'
    assert derived == data[:before] + end + stub + end + data[after:]
    compile(derived, "a.py", "exec")


# ------------------------------------------------------------------------------------------------- properties


@dataclass(frozen=True)
class Program:
    """A generated file: every line of a region, and no other, says SECRET."""

    path: str
    text: str
    names: tuple[str, ...]  # the qualified name around each region


@st.composite
def python_programs(draw: st.DrawFn) -> Program:
    lines: list[str] = []
    names: list[str] = []

    def block(indent: str, name: str, depth: int) -> None:
        for number in range(draw(st.integers(1, 3))):
            kind = draw(st.sampled_from(["given", "region", *(["def", "class", "if"] if depth < 3 else [])]))
            if kind == "given":
                lines.append(f"{indent}given_{number} = {draw(st.integers(0, 9))}  # é")
            elif kind == "region":
                names.append(name)
                noun = draw(st.sampled_from(["YOUR SOLUTION", "SOLUTION"]))
                lines.append(f"{indent}### BEGIN {noun}")
                for _ in range(draw(st.integers(0, 3))):
                    lines.append(f"{indent}if SECRET:")
                    lines.append(f"{indent}    SECRET()")
                lines.append(f"{indent}### END {noun}")
            else:
                inner = f"{kind}_{number}"
                heads = {"if": "if True:", "def": f"def {inner}():", "class": f"class {inner}:"}
                lines.append(indent + heads[kind])
                deeper = indent + draw(st.sampled_from(["    ", "  ", "\t"]))
                lines.append(f'{deeper}"""Given."""')
                qualified = name if kind == "if" else f"{name}.{inner}" if name else inner
                block(deeper, qualified, depth + 1)

    block("", "", 0)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return Program("a.py", end.join(lines) + draw(st.sampled_from(["", end, end * 2])), tuple(names))


@st.composite
def cpp_programs(draw: st.DrawFn) -> Program:
    lines: list[str] = []
    regions = 0
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["given", "namespace", "function"]))
        indent = "  " if kind == "function" else ""
        if kind == "function":
            lines.append(f"int f{number}() {{")
        if kind == "given":
            lines.append("#include <vector>  // é")
        else:
            regions += 1
            lines.append(indent + CPP_BEGIN)
            lines += [f"{indent}SECRET {{ }}  // SECRET"] * draw(st.integers(0, 3))
            lines.append(indent + CPP_END)
        if kind == "function":
            lines += ["  return 0;", "}"]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return Program("a.cu", end.join(lines) + draw(st.sampled_from(["", end])), ("",) * regions)


programs = st.one_of(python_programs(), cpp_programs())


def outside(text: str, path: str) -> list[str]:
    """The lines that are in no region, markers among them."""
    lines = text.splitlines(keepends=True)
    for region in reversed(find_regions(text, path)):
        del lines[region.first : region.last - 1]
    return lines


@steady
@given(programs)
def test_deriving_twice_is_deriving_once(program: Program) -> None:
    """What is derived derives to itself."""
    once = derive_text(program.text, program.path)
    assert derive_text(once, program.path) == once


@steady
@given(programs)
def test_outside_of_regions_nothing_changes(program: Program) -> None:
    """Every line outside of regions, and every marker, is in the derived file as it was."""
    derived = derive_text(program.text, program.path)
    assert outside(derived, program.path) == outside(program.text, program.path)


@steady
@given(programs)
def test_nothing_of_a_region_is_left(program: Program) -> None:
    """No line of a region is in the derived file."""
    assert "SECRET" not in derive_text(program.text, program.path)


@steady
@given(python_programs())
def test_names_of_generated_regions(program: Program) -> None:
    """Each region has the name of what is around it, and its stub says so where it is in a function."""
    regions = find_regions(program.text, program.path)
    assert tuple(region.name for region in regions) == program.names
    stubs = [line for line in derive_text(program.text, program.path).splitlines() if "raise" in line]
    assert stubs == [
        f'{region.indent}raise NotImplementedError("{region.name} is yours to write (a.py)")'
        for region in regions
        if "def_" in region.name
    ]


@steady
@given(python_programs())
def test_derived_python_is_python(program: Program) -> None:
    """The derived file is valid Python."""
    ast.parse(derive_text(program.text, program.path))


# ------------------------------------------------------------------------------------------------------ trees

SOLUTION = python("def f():\n    <<\n    return 1\n    >>\n")
STARTER = python(
    'def f():\n    <<\n    raise NotImplementedError("f is yours to write (python/needle/data/a.py)")\n    >>\n'
)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A small reference tree: a source file, a plain one, a program, and what builds and downloads leave."""
    top = tmp_path / "reference"
    write(top / "python/needle/data/a.py", SOLUTION)
    write(top / "README.md", "Read me.\n")
    write(top / "run.sh", "#!/bin/sh\n").chmod(0o700)
    write(top / "data/cifar/batch", "real data")
    write(top / "build/a.o", "object")
    write(top / "python/needle/__pycache__/a.pyc", "cache")
    write(top / "python/needle/backend.cpython-311.so", "module")
    return top


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def contents(top: Path) -> dict[str, str]:
    return {path.relative_to(top).as_posix(): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


DERIVED = {"README.md": "Read me.\n", "python/needle/data/a.py": STARTER, "run.sh": "#!/bin/sh\n"}


def test_tree_is_derived(reference: Path, tmp_path: Path) -> None:
    """Sources are emptied, other files copied, build products and downloads left out; `needle/data` is a source."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    assert contents(student) == DERIVED
    assert check_tree(reference, student) == []


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002], ids=oct)
def test_modes_are_normal(reference: Path, tmp_path: Path, umask: int) -> None:
    """Files are 0644, programs 0755, whatever the umask and the reference's other bits."""
    before = os.umask(umask)
    try:
        derive_tree(reference, tmp_path / "student")
    finally:
        os.umask(before)
    assert (tmp_path / "student/README.md").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "student/run.sh").stat().st_mode & 0o777 == 0o755


def test_deriving_cleans_up(reference: Path, tmp_path: Path) -> None:
    """Files that no longer derive are deleted, with the folders that they leave empty."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    write(student / "python/old/gone.py", "")
    write(student / "python/needle/data/gone.py", "")
    derive_tree(reference, student)
    assert contents(student) == DERIVED
    assert not (student / "python/old").exists()


def test_build_products_of_the_student_tree_stay(reference: Path, tmp_path: Path) -> None:
    """Deriving again deletes no build, no download and no cache, and no check complains of them."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    kept = ["build/x.ninja", "data/ptb/train.txt", "python/needle/backend.so", "apps/__pycache__/m.pyc", "dist/a.zip"]
    for path in kept:
        write(student / path, "kept")
    assert derive_tree(reference, student) == check_tree(reference, student) == []
    assert contents(student) == DERIVED | dict.fromkeys(kept, "kept")


def test_unchanged_files_are_not_touched(reference: Path, tmp_path: Path) -> None:
    """Only what differs is written, so that `make` builds nothing again; and it is returned."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    kept, changed = student / "README.md", student / "run.sh"
    stamp = kept.stat().st_mtime_ns, kept.stat().st_ino
    changed.write_text("edited\n")
    assert [difference.path for difference in derive_tree(reference, student)] == ["run.sh"]
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == stamp


def test_differences(reference: Path, tmp_path: Path) -> None:
    """The check names each path that is missing, extra, changed (with the line) or of another mode."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    (student / "README.md").unlink()
    write(student / "extra.txt", "")
    (student / "run.sh").chmod(0o644)
    write(student / "python/needle/data/a.py", SOLUTION)
    found = check_tree(reference, student)
    assert [(d.path, d.kind, d.line) for d in found] == [
        ("README.md", "missing", None),
        ("extra.txt", "extra", None),
        ("python/needle/data/a.py", "changed", 3),
        ("run.sh", "mode", None),
    ]
    assert str(found[2]).startswith("python/needle/data/a.py:3: changed: is '    return 1\\n'; expected '    raise")


@pytest.mark.parametrize(
    ("text", "line", "detail"),
    [
        ("Read me.", 1, "is 'Read me.'; expected 'Read me.\\n'"),
        ("Read me.\nMore.\n", 2, "is 'More.\\n'; expected the end of the file"),
        ("", 1, "is the end of the file; expected 'Read me.\\n'"),
        ("Read me.\r\n", 1, "is 'Read me.\\r\\n'; expected 'Read me.\\n'"),
        ("x" * 120, 1, f"is '{'x' * 120}'; expected 'Read me.\\n'"),
        ("x" * 121, 1, f"is '{'x' * 117}...'; expected 'Read me.\\n'"),
    ],
    ids=["final-newline", "longer", "empty", "crlf", "120-characters", "121-characters"],
)
def test_first_differing_line(reference: Path, tmp_path: Path, text: str, line: int, detail: str) -> None:
    """A difference in the last line, its end or the length of a file is shown too."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    (student / "README.md").write_bytes(text.encode())
    assert check_tree(reference, student) == [Difference("README.md", "changed", line, detail)]


def test_all_violations_of_a_tree_at_once(reference: Path, tmp_path: Path) -> None:
    """The violations of all files are reported together, and nothing is written."""
    write(reference / "b.py", f"{END}\n")
    write(reference / "src/c.cc", f"\n{CPP_BEGIN}\n")
    with pytest.raises(MarkerError) as caught:
        derive_tree(reference, tmp_path / "student")
    assert [(v.path, v.line) for v in caught.value.violations] == [("b.py", 1), ("src/c.cc", 2)]
    assert not (tmp_path / "student").exists()


@pytest.mark.parametrize("student", ["reference", "reference/student", "."])
def test_overlapping_trees_are_refused(reference: Path, student: str) -> None:
    """Deriving into the reference, below it or above it would overwrite or delete solutions."""
    before = contents(reference)
    with pytest.raises(UsageError, match="one holds the other"):
        derive_tree(reference, reference.parent / student)
    assert contents(reference) == before


def test_another_folder_is_not_emptied(reference: Path, tmp_path: Path) -> None:
    """A folder that was never derived is not mistaken for a student tree, whose extra files would be deleted."""
    home = write(tmp_path / "home/thesis.tex", "years of work").parent
    with pytest.raises(UsageError, match="holds 1 files and none that"):
        derive_tree(reference, home)
    assert contents(home) == {"thesis.tex": "years of work"}


def test_missing_reference(tmp_path: Path) -> None:
    """A reference that is not there is bad usage, not an empty tree that deletes all of student/."""
    with pytest.raises(UsageError, match="is not a folder"):
        derive_tree(tmp_path / "nowhere", tmp_path / "student")


def test_links_in_the_reference_are_refused(reference: Path, tmp_path: Path) -> None:
    """A link in the reference could carry something into the handout that nobody looked at."""
    (reference / "apps").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=r"reference/apps is a link"):
        derive_tree(reference, tmp_path / "student")


def test_links_in_the_student_tree_are_not_followed(reference: Path, tmp_path: Path) -> None:
    """A folder of student/ that links into reference/ is replaced; the solutions behind it stay as they are."""
    student = tmp_path / "student"
    write(student / "README.md", "Read me.\n")
    (student / "python").symlink_to(reference / "python")
    (student / "run.sh").symlink_to(reference / "run.sh")
    assert [d.path for d in check_tree(reference, student)] == ["python", "python/needle/data/a.py", "run.sh"]
    derive_tree(reference, student)
    assert contents(student) == DERIVED
    assert (reference / "python/needle/data/a.py").read_text() == SOLUTION
    assert not (student / "run.sh").is_symlink()


def test_named_pipe_does_not_block(reference: Path, tmp_path: Path) -> None:
    """A named pipe is reported; reading it would wait for ever."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    os.mkfifo(student / "pipe")
    assert [(d.path, d.kind) for d in check_tree(reference, student)] == [("pipe", "extra")]


def test_file_and_folder_change_places(reference: Path, tmp_path: Path) -> None:
    """Where student/ has a file, the reference may have a folder by now, and the other way round."""
    student = tmp_path / "student"
    write(student / "run.sh/old.txt", "")
    write(student / "python", "")
    write(student / "README.md", "")
    derive_tree(reference, student)
    assert contents(student) == DERIVED


def test_folder_with_build_products_in_the_way(reference: Path, tmp_path: Path) -> None:
    """A folder that cannot give way to a file, since deriving deletes no build product, is named with the remedy."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    (student / "run.sh").unlink()
    write(student / "run.sh/a.so", "")
    with pytest.raises(UsageError, match=r"run\.sh is a folder with build products"):
        derive_tree(reference, student)


def test_failed_write_leaves_the_old_file(reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half way leaves the old file whole, and no temporary one."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    write(student / "README.md", "old")

    def full(source: str, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("grader.derive.tree.os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        derive_tree(reference, student)
    assert contents(student) == DERIVED | {"README.md": "old"}


# ------------------------------------------------------------------------------------------- the real reference


def test_real_reference_round_trip(tmp_path: Path) -> None:
    """The repository's own reference derives, and what it derives to derives to itself."""
    derive_tree(REFERENCE, tmp_path / "student")
    assert check_tree(REFERENCE, tmp_path / "student") == []
    assert check_tree(tmp_path / "student", tmp_path / "student") == []


def test_real_reference_has_a_stub_for_every_task(tmp_path: Path) -> None:
    """Each region in a function of the real reference has become exactly one stub."""
    derive_tree(REFERENCE, tmp_path / "student")
    reference, derived = read_tree(REFERENCE), read_tree(tmp_path / "student")
    notebooks = notebook_sources(reference)
    regions = 0
    for path, file in reference.items():
        want = find_regions(decode(file.data), path)
        given = notebooks.get(path, path)  # what students get of it
        got = find_regions(decode(derived[given].data), given)
        assert [(r.name, len(r.lines)) for r in got] == [(r.name, int(r.in_function)) for r in want], path
        regions += len(want)
    assert regions > 50
