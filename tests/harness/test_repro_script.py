"""grader/repro_script: the script that shows a failure without the grader."""

from __future__ import annotations

import ast
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from grader import compare
from grader.errors import GraderError, UsageError
from grader.repro_script.finding import Check, Comparison, Spot, Unknown, find
from grader.repro_script.handed import hand_over, place
from grader.repro_script.head import Case
from grader.repro_script.script import STAND_INS, Asked, Script, write
from grader.repro_script.sources import Sources
from grader.repro_script.values import SMALL, Writer, literal
from grader.subject.outcome import Answer
from grader.subject.question import Question

PROBES = '''\
def load():
    """Import the tree."""
    import vec

    return vec


def device(vec, name):
    return name
'''
COMMON = """\
import math
from typing import Any

FACTOR = 2.0


def loader(value: Any) -> Any:
    return value


def unused():
    return math.pi


def twice(value):
    # A comment that stays.
    return FACTOR * value
"""
SCALE = '''\
from __future__ import annotations

import numpy as np

from probes import _common
from probes._common import twice as doubled

Alias = dict[str, np.ndarray]


def scale(vec, device, a: np.ndarray, factor, *, names=()) -> Alias:
    """The tree's scale."""
    loader = _common.loader(a)
    return {"out": np.asarray(vec.scale(loader, factor)), "twice": doubled(2), "list": [1, 2], "none": None}


def twice(vec, device, a):
    return {"out": _common.twice(a)}
'''
CHECKS = '''\
from grader.compare import assert_true


def assert_small(got, bound, name):
    """All are within the bound."""
    assert_true(bool((abs(got) < bound).all()), f"{name} is beyond {bound}.")


def judge(answer):
    total = float(answer.out.sum())
    assert_true(total < 0, "the sum is too large.")
'''


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of two probes, and a tree beside it."""
    folder = tmp_path / "suite"
    (folder / "probes").mkdir(parents=True)
    for name, text in (("__init__", PROBES), ("_common", COMMON), ("vectors", SCALE)):
        (folder / "probes" / f"{name}.py").write_text(text)
    (folder / "checks.py").write_text(CHECKS)
    (tmp_path / "tree").mkdir()
    return folder


def tree(suite: Path, body: str) -> Path:
    """A tree whose scale has that body."""
    folder = suite.parent / "tree"
    (folder / "vec.py").write_text(f"def scale(a, factor):\n    {body}\n")
    return folder


def answered(**values: Any) -> Answer:
    return Answer(Question("scale", "a (3,)"), values)


def raised(judge: Callable[[], None]) -> BaseException:
    """What a comparison raises."""
    with pytest.raises(compare.Mismatch) as caught:
        judge()
    return caught.value


def asked(*args: Any, **kwargs: Any) -> Asked:
    """A question for the scale of these."""
    return Asked("probes.vectors", "scale", "cpu", args, kwargs, ["vec", "device", "a", "factor"][: 2 + len(args)])


def case_of(folder: Path, /, **others: Any) -> Case:
    """A case that was lost, but for what is given."""
    case = Case("t.py::t[cpu]", 7, "it is wrong", folder.parent / "tree", (".",), {}, {}, "tests/x", "script.py")
    return replace(case, **others)


def script_of(suite: Path, found: Any, *args: Any, **kwargs: Any) -> Script:
    return write(case_of(suite), [asked(*args, **kwargs)], found, Sources(suite, STAND_INS))


def run(script: Script, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"
    file.write_text(script.text)
    if script.npz:
        file.with_suffix(".npz").write_bytes(script.npz)
    return subprocess.run([sys.executable, "-B", str(file)], capture_output=True, text=True, check=False, cwd="/")


# -- sources -----------------------------------------------------------------------------------------------------


def test_what_is_not_used_is_left_out(suite: Path) -> None:
    """And what is used comes first, whichever module has it; comments stay."""
    flat = Sources(suite).flatten([("probes.vectors", "scale")])
    assert list(flat.names) == [
        ("probes._common", "loader"),
        ("probes._common", "FACTOR"),
        ("probes._common", "twice"),
        ("probes.vectors", "scale"),
    ]
    assert "# A comment that stays." in flat.code
    assert "unused" not in flat.code
    assert flat.imports == ("import numpy as np", "from typing import Any")


def test_local_name_does_not_hide_what_a_module_was_asked_for(suite: Path) -> None:
    """`loader = _common.loader(...)` would otherwise call what is not yet there."""
    assert "loader = common_loader(a)" in Sources(suite).flatten([("probes.vectors", "scale")]).code


def test_two_functions_of_one_name_are_told_apart(suite: Path) -> None:
    """One of them takes its module's name along, and who uses it says so."""
    code = Sources(suite).flatten([("probes.vectors", "twice")]).code
    assert 'return {"out": twice(a)}' in code
    assert "def vectors_twice(vec" in code


def test_what_belongs_to_the_grader_is_refused(suite: Path) -> None:
    """Unless something stands in for it."""
    with pytest.raises(GraderError, match=r"grader\.compare\.assert_true belongs to the grader"):
        Sources(suite).flatten([("checks", "assert_small")])
    assert "def assert_true(" in Sources(suite, STAND_INS).flatten([("checks", "assert_small")]).code


def test_every_probe_of_the_suite_can_be_taken_along() -> None:
    """The flattened text of all of hw4's probes compiles, and reaches into no module of the suite."""
    folder = ROOT / "tests" / "hw4"
    sources = Sources(folder, STAND_INS)
    places = [
        (f"probes.{file.stem}", line.split("(")[0].removeprefix("def "))
        for file in sorted((folder / "probes").glob("[a-z]*.py"))
        for line in file.read_text().splitlines()
        if line.startswith("def ") and not line.startswith("def _")
    ]
    assert len(places) > 90
    flat = sources.flatten(places)
    compile(flat.code, "flat", "exec")
    assert not [line for line in flat.imports if "probes" in line or "grader" in line]
    assert "_common." not in flat.code
    assert len(set(flat.names.values())) == len(flat.names)


# -- values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, -2.5e-30], [np.nan, np.inf]], dtype=np.float32),
        np.array([0.1, 1 / 3]),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.array([True, False]),
        np.zeros((0, 3), dtype=np.float32),
        np.array(2.5, dtype=np.float32),
        {"a": [np.ones(2), None, "it's \\ \u202e"], "b": (1, 2.5, True), "c": float("-inf"), "d": (1,)},
        [float("nan")],
        np.float32(0.1),
        np.random.default_rng(1).normal(size=(4, 15)).astype(np.float32),
    ],
    ids=str,
)
def test_values_are_written_exactly(value: Any) -> None:
    """What is read again is equal, of the same dtype and shape."""
    text = Writer().statement("value", value)
    known: dict[str, Any] = {"np": np}
    exec(text, known)
    np.testing.assert_equal(known["value"], value)
    assert getattr(known["value"], "dtype", None) == getattr(value, "dtype", None)
    assert max(map(len, text.split("\n"))) <= 110


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "it's",
        '"',
        "'\"",
        "\\'",
        '\\"',
        "\\",
        'a\nb\r\0\x1b"""',
        "\u202e\u2028é",
        "\U0001f600",
        "\udcff",
        "{x}",
    ],
    ids=ascii,
)
def test_a_text_is_a_literal_whatever_it_holds(text: str) -> None:
    """In ASCII, in one line, in double quotes; also beyond 16 bits, where JSON's would be another text."""
    written = literal(text)
    assert ast.literal_eval(written) == text
    assert written.isascii()
    assert written.isprintable()
    assert (written[0], written[-1]) == ('"', '"')


def test_a_name_in_the_data_is_no_code() -> None:
    """It is made of an answer's keys, and stands between quotes."""
    writer, large = Writer(), np.arange(SMALL + 1)
    text = writer.statement("w", {'"]; print(1)#': large, "/]; print(1)#": large})
    assert [name for name in writer.arrays if re.fullmatch(r"w_\w+", name)] == [*writer.arrays]
    assert len(writer.arrays) == 2
    assert all(f'data["{name}"]' in text for name in writer.arrays)


def test_large_arrays_go_beside_the_script() -> None:
    """By the name of what holds them."""
    writer = Writer()
    large = np.arange(SMALL + 1)
    assert writer.statement("w", {"b": large}) == 'w = {"b": data["w_b"]}'
    np.testing.assert_array_equal(writer.arrays["w_b"], large)


# -- finding -----------------------------------------------------------------------------------------------------


def test_place_of_a_wrong_array_is_found(suite: Path) -> None:
    """Deep in the second answer, by the array itself, whatever the test calls it."""
    first = answered(out=np.zeros(3))
    second = answered(parts=[{"w": np.zeros(3)}, {"w": np.zeros(3)}])
    error = raised(lambda: compare.assert_close(second.parts[1]["w"], np.ones(3), atol=0.5, name="w of part 1"))
    found = find(error, [first, second], Sources(suite), suite)
    assert isinstance(found, Comparison)
    assert (found.kind, found.got, found.called) == ("assert_close", Spot(1, ("parts", 1, "w")), "w of part 1")
    assert (found.rtol, found.atol) == (1e-4, 0.5)


def test_place_of_a_number_is_read_from_the_test(suite: Path) -> None:
    """A 3 may stand in many places: what the test wrote tells which."""
    got = answered(length=3, size=3)
    error = raised(lambda: compare.assert_same(got.size, 4, "the size"))
    found = find(error, [got], Sources(suite), suite)
    assert isinstance(found, Comparison)
    assert (found.kind, found.got, found.want) == ("assert_same", Spot(0, ("size",)), 4)


def test_check_of_the_suite_is_taken_along(suite: Path) -> None:
    """With its arguments: values of answers, and what can be written down."""
    checks: dict[str, Any] = {}
    exec(compile(CHECKS, str(suite / "checks.py"), "exec"), checks)
    got = answered(out=np.full(3, 5.0))
    test = compile("def test(got): checks['assert_small'](got.out, 2.0, 'out')", str(suite / "test_x.py"), "exec")
    known: dict[str, Any] = {"checks": checks}
    exec(test, known)
    found = find(raised(lambda: known["test"](got)), [got], Sources(suite, STAND_INS), suite)
    assert found == Check("checks", "assert_small", {"got": Spot(0, ("out",)), "bound": 2.0, "name": "out"})


def test_what_a_test_computes_by_itself_is_unknown(suite: Path) -> None:
    """A script must not compare with a value that was computed from the wrong answer."""
    file = suite / "test_x.py"
    file.write_text("def test(got):\n    total = got.out + 1\n    compare.assert_close(total, [0.0])\n")
    known: dict[str, Any] = {"compare": compare}
    exec(compile(file.read_text(), str(file), "exec"), known)
    got = answered(out=np.zeros(1))
    found = find(raised(lambda: known["test"](got)), [got], Sources(suite), suite)
    assert found == Unknown("test_x.py", 3, "    compare.assert_close(total, [0.0])")


# -- the script --------------------------------------------------------------------------------------------------

A = np.arange(3, dtype=np.float32)
WANT = Comparison("assert_close", Spot(0, ("out",)), np.array([0.0, 2.0, 4.0]), 1e-4, 1e-5)
RIGHT, WRONG = "return a * factor", "return a + factor"


@pytest.mark.parametrize(
    ("found", "body", "status", "words"),
    [
        (WANT, RIGHT, 0, "right"),
        (WANT, WRONG, 1, "wrong: out at [0]: got 2.0, expected 0.0; 2 of 3 values differ"),
        (WANT, "return a[:2]", 1, "wrong: out has shape (2,); expected (3,)"),
        (WANT, "return a * float('nan')", 1, "wrong: out at [0]: got nan, expected 0.0; 3 of 3 values differ"),
        (replace(WANT, kind="assert_equal"), RIGHT, 0, "right"),
        (replace(WANT, kind="assert_equal"), "return a * 2 + 1e-9", 1, "wrong: out at [0]"),
        (replace(WANT, want=np.array([0.0, np.nan, np.inf])), "return [0.0, float('nan'), float('inf')]", 0, "right"),
        (replace(WANT, want=np.array([0.0, np.nan, np.inf])), RIGHT, 1, "wrong: out at [1]"),
        (Comparison("assert_dtype", Spot(0, ("out",)), "float64", 0, 0), RIGHT, 1, "wrong: out has dtype float32"),
        (Comparison("assert_same", Spot(0, ("list",)), [1, 3], 0, 0, "the {list}"), RIGHT, 1, "wrong: the {list}: got"),
        (Comparison("assert_same", Spot(0, ("none",)), None, 0, 0), RIGHT, 0, "right"),
        (Check("checks", "assert_small", {"got": Spot(0, ("out",)), "bound": 9.0, "name": "x"}), RIGHT, 0, "right"),
        (Check("checks", "assert_small", {"got": Spot(0, ("out",)), "bound": 1.0, "name": "x"}), RIGHT, 1, "x is bey"),
        (None, RIGHT, 0, "an answer, and no error"),
        (None, "raise IndexError('mine')", 1, "IndexError: mine"),
    ],
)
def test_script_says_what_the_grader_says(suite: Path, found: Any, body: str, status: int, words: str) -> None:
    """It needs no grader: exit status 0 where the answer is right, 1 and the reason where it is wrong."""
    tree(suite, body)
    result = run(script_of(suite, found, A, 2.0, names=["a"]), suite.parent)
    assert result.returncode == status, result.stderr
    assert words in result.stdout + result.stderr


def test_data_lies_beside_the_script(suite: Path) -> None:
    """Large inputs and large expected values."""
    tree(suite, RIGHT)
    large = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    script = script_of(suite, replace(WANT, want=large * 2), large, 2.0)
    assert sorted(np.load(io.BytesIO(script.npz))) == ["a", "want"]
    assert "Large arrays are in the .npz beside it" in script.text
    assert run(script, suite.parent).returncode == 0


def test_data_lies_inside_a_script_that_is_no_file(suite: Path) -> None:
    """One text is all that goes to standard output, whatever the message or the tree's name looks like."""
    tree(suite, RIGHT)
    large = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    words = 'import numpy as np\ndata = np.load(Path(__file__).with_suffix(".npz"))'
    case = case_of(suite, file="", message=words)
    script = write(case, [asked(large, 2.0)], replace(WANT, want=large * 2), Sources(suite, STAND_INS))
    assert script.npz == b""
    assert "Large arrays are inside" in script.text
    assert run(script, suite.parent).returncode == 0


def test_script_names_neither_the_suite_nor_the_grader(suite: Path) -> None:
    """It imports NumPy and the tree, and can be sent to somebody."""
    lines = script_of(suite, WANT, A, 2.0).text.splitlines()
    imports = [line.split()[1].partition(".")[0] for line in lines if line.strip().startswith(("import ", "from "))]
    assert set(imports) <= {"__future__", "numpy", "os", "sys", "pathlib", "typing", "vec"}


HOSTILE = [
    '"""+print("RAN")+"""',
    "a\\x b",
    "\\",
    'ends in "',
    "\\N{BULLET} \\u12",
    'data = np.load(Path(__file__).with_suffix(".npz"))',
    "python FILE",
]


@pytest.mark.parametrize("words", [*HOSTILE, "\x1b[31m\u202e", "a\nb", "\udcff"], ids=ascii)
@pytest.mark.parametrize("part", ["message", "tree", "file", "suite", "id"])
def test_no_word_becomes_code(part: str, words: str, suite: Path) -> None:
    """Of a submission, which names its folder too, or of whoever asks: all of them are in the docstring or in texts."""
    known = script_of(suite, WANT, A, 2.0).text
    case = case_of(suite, **{part: Path("/", words) if part == "tree" else words})
    text = write(case, [asked(A, 2.0)], WANT, Sources(suite, STAND_INS)).text
    ours, plain = ([type(node) for node in ast.walk(ast.parse(code))] for code in (text, known))
    assert ours == plain
    text.encode()


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
def test_the_docstring_says_what_was_said(words: str, suite: Path) -> None:
    """Word by word, and the commands as a shell takes them."""
    case = case_of(suite, message=words, tree=Path("/", words), file=words)
    doc = ast.get_docstring(ast.parse(write(case, [asked(A, 2.0)], WANT, Sources(suite, STAND_INS)).text))
    assert doc is not None
    lines = doc.splitlines()
    assert lines[:3] == ["t.py::t[cpu], seed 7, without the grader.", "", words]
    assert f"    make -C {shlex.quote(f'/{words}')}" in lines
    assert f"    python {shlex.quote(words)} [TREE]" in lines


@pytest.mark.parametrize("name", ['the "out"', "a\nb", "\\", "{out}", "it's"], ids=ascii)
def test_a_name_of_a_value_is_said_as_it_is(name: str, suite: Path) -> None:
    """It stands within an f-string."""
    tree(suite, WRONG)
    result = run(script_of(suite, replace(WANT, name=name), A, 2.0), suite.parent)
    assert f"wrong: {name} at [0]" in result.stderr
    assert "expected 0.0" in result.stderr


def test_what_cannot_be_a_script_is_said(suite: Path) -> None:
    """The case counts all the same: a GraderError becomes a sentence in the plugin."""
    odd = replace(asked(A), parameters=["vec", "device", "a b"])
    with pytest.raises(GraderError, match=r"what was written of it is no Python: invalid syntax \(script, line \d+\)"):
        write(case_of(suite), [odd], WANT, Sources(suite, STAND_INS))


# -- on its way to the person ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tree", "folder"), [("alice.tgz", "alice"), ("a b", "a_b"), ("x/bob.tar.xz", "bob")])
def test_the_script_lies_with_the_trees_reports(tree: str, folder: str) -> None:
    """In the folder that grading makes for the tree, whatever kind of thing it is."""
    file = place("test_x.py::test_y[cpu-1.5]", Path(tree), "", Path("out"))
    assert file == Path("out", folder, "repro_test_y_cpu-1_5.py")


def test_a_place_that_was_named_is_taken() -> None:
    """And "-" is none."""
    assert place("test_x.py::test_y", Path("tree"), "a/b.py", Path("out")) == Path("a/b.py")
    assert place("test_x.py::test_y", Path("tree"), "-", Path("out")) is None


def test_a_script_is_handed_over_with_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it lies is said; what it says is shown where that is wanted."""
    draft, file = tmp_path / "draft.py", tmp_path / "a b" / "c.py"
    draft.write_text("print(1)\n")
    hand_over(draft, file, show=False)
    assert capsys.readouterr().out == f"\nThe same without the grader: python '{file}'\n"
    assert not file.with_suffix(".npz").exists()
    draft.with_suffix(".npz").write_bytes(b"data")
    hand_over(draft, file, show=True)
    assert "\nprint(1)\n---" in capsys.readouterr().out
    assert (file.read_text(), file.with_suffix(".npz").read_bytes()) == ("print(1)\n", b"data")
    hand_over(draft, None, show=True)
    assert capsys.readouterr().out == "print(1)\n"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "draft.py").write_text("")
    with pytest.raises(UsageError, match=r"c\.py cannot be written: .*; name another file with --script\."):
        hand_over(tmp_path / "draft.py", tmp_path / "draft.py" / "c.py", show=False)
