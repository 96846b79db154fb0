"""The submission's own lines behind a wrong answer, and what sets failing cases apart."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from grader.assignment import Part, load_assignment
from grader.evidence import Lines
from grader.findings import Call
from grader.judging import own_code
from grader.judging.contrast import Told, contrast, features
from grader.judging.own_code import OwnCode
from grader.judging.suspicion import Suspicion, Trace
from grader.judging.tracing import PATIENCE, Tracing
from grader.subject.outcome import Answer, SubjectError
from grader.subject.question import Question

OPS = '''"""Ops."""

import functools


def given(x):
    return x


class Add:
    """Markers in this file: what has none in it was given."""

    def compute(self, a, b):
        ### BEGIN YOUR SOLUTION
        text = """
no code """
        return a + b
        ### END YOUR SOLUTION

    @functools.cache
    @property
    def gradient(self):
        ### BEGIN YOUR SOLUTION
        def nested(): return (1,
            2)
        return nested()
        ### END YOUR SOLUTION


async def last(x): return x
'''
KERNELS = """/// The sum.
void ReduceSum(const Array& a, Array* out,
               size_t size) {
  /// BEGIN YOUR SOLUTION
  for (;;) {}
  /// END YOUR SOLUTION
}

/// BEGIN YOUR SOLUTION
static void Helper(int a) {}
/// END YOUR SOLUTION
"""
PARTS = (Part("Sums", ("add",), ("vec/ops.py:Add.*",)), Part("Rest", ("rest",), ("vec/free.py", "src/native.cc")))


@pytest.fixture
def own(tmp_path: Path) -> OwnCode:
    """A tree with two Python files, the second without markers, and a C++ file."""
    (tmp_path / "tree" / "vec").mkdir(parents=True)
    (tmp_path / "tree" / "src").mkdir()
    (tmp_path / "tree" / "vec" / "ops.py").write_text(OPS)
    (tmp_path / "tree" / "vec" / "free.py").write_text("def free(x):\n    return x\n")
    (tmp_path / "tree" / "src" / "native.cc").write_text(KERNELS)
    (tmp_path / "outside.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "tree" / "vec" / "link.py").symlink_to(tmp_path / "outside.py")
    return OwnCode(tmp_path / "tree", PARTS)


def test_functions_are_found_by_where_they_begin(own: OwnCode) -> None:
    """As a code object tells it: at the first decorator. The lines are the function's own, nested ones included."""
    assert own.function("vec/ops.py", 13) == Lines("vec/ops.py", 13, 17, "Add.compute")
    assert own.function("vec/ops.py", 20) == Lines("vec/ops.py", 22, 26, "Add.gradient")
    assert own.function("vec/ops.py", 24) == Lines("vec/ops.py", 24, 25, "Add.gradient.nested")
    assert own.function("vec/free.py", 1) == Lines("vec/free.py", 1, 2, "free")


def test_what_was_given_is_not_the_students(own: OwnCode) -> None:
    """Of a file with solution regions, only functions that have one or stand in one; and no line that begins none."""
    assert own.function("vec/ops.py", 6) is None
    assert own.function("vec/ops.py", 31) is None
    assert own.function("vec/ops.py", 14) is None


@pytest.mark.parametrize(
    "file",
    [
        "vec/none.py",
        "../outside.py",
        "/etc/passwd",
        "vec",
        "",
        "vec/\x1b[2J.py",
        "vec/../vec/free.py",
        "vec/link.py",
        "x" * 300 + ".py",
        "vec/\0.py",
        "\udcff.py",
    ],
)
def test_a_worker_may_name_anything(own: OwnCode, file: str) -> None:
    """What is no file of the tree has no functions, and is not read; no name of one ends the run."""
    assert own.function(file, 1) is None
    assert own.natives(file, ["f"]) == []


def test_a_file_whose_name_would_act_is_none(tmp_path: Path) -> None:
    """A line break in it could make a line of a report."""
    (tmp_path / "a\nb.py").write_text("def f(x):\n    return x\n")
    assert OwnCode(tmp_path, ()).function("a\nb.py", 1) is None


@pytest.mark.parametrize(
    "text", ['def """\nRun: rm\n"""(x):\n    return x\n', 'class """\nRun: rm""":\n    def f():\n        0\n']
)
def test_a_function_has_a_name(own: OwnCode, tmp_path: Path, text: str) -> None:
    """What stands in its place in a file that is never imported could make a line of a report: a worker names any."""
    (tmp_path / "tree" / "vec" / "free.py").write_text(text)
    found = [own.function("vec/free.py", number) for number in range(1, 5)]
    assert [at.name for at in found if at is not None] in ([], ["f"])


@pytest.mark.parametrize(
    "text",
    ["x = 1\n" * 50_000, "x" * 2001, "x\r" + "(" * 2001],
    ids=["long", "wide", "wide after a carriage return"],
)
def test_what_would_take_long_is_not_read(own: OwnCode, tmp_path: Path, text: str) -> None:
    """Nobody writes such a file by hand, and there is no clock."""
    (tmp_path / "tree" / "vec" / "free.py").write_text("def free(x):\n    return x\n" + text, newline="")
    assert own.function("vec/free.py", 1) is None


def test_all_files_together_have_a_limit(own: OwnCode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree may have a thousand of them."""
    monkeypatch.setattr(own, "_left", len(OPS.encode()) + 9)
    assert own.function("vec/ops.py", 13) is not None
    assert own.function("vec/free.py", 1) is None
    assert own.function("vec/ops.py", 13) is not None


def test_a_word_is_looked_at_once(own: OwnCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its statement is: a table of numbers is one."""
    strings: list[int] = []

    class Token(tokenize.TokenInfo):
        @property
        def string(self) -> str:
            strings.append(1)
            return self[1]

    tokens = [Token(*token) for token in tokenize.generate_tokens(io.StringIO("x = (" + "1, " * 300 + ")\n").readline)]
    monkeypatch.setattr(tokenize, "generate_tokens", lambda readline: iter(tokens))
    assert own.function("vec/free.py", 1) is None
    assert len(strings) <= 3 * len(tokens)


def test_reading_ends_where_python_would(own: OwnCode, tmp_path: Path) -> None:
    """A quote that is never closed, again and again, has the tokenizer read the line once for each of them."""
    (tmp_path / "tree" / "vec" / "free.py").write_text("x = \\'\\'\n\ndef free(x):\n    return x\n")
    assert own.function("vec/free.py", 3) is None


def test_lines_end_where_pythons_do(own: OwnCode, tmp_path: Path) -> None:
    """At a carriage return alone, too: it must not make one endless line for the tokenizer."""
    (tmp_path / "tree" / "vec" / "free.py").write_text("def free(x):\r    return x\r", newline="")
    assert own.function("vec/free.py", 1) == FREE


def test_a_region_in_no_function_has_no_name(own: OwnCode, tmp_path: Path) -> None:
    """And is not found by a name that is as good as none."""
    (tmp_path / "tree" / "src" / "native.cc").write_text("  /// BEGIN YOUR SOLUTION\n  /// END YOUR SOLUTION\n")
    assert own.natives("src/native.cc", ["_", ""]) == []


def test_a_byte_order_mark_is_no_mistake(own: OwnCode, tmp_path: Path) -> None:
    """Python reads on, and so does this."""
    (tmp_path / "tree" / "vec" / "free.py").write_text("def free(x):\n    return x\n", encoding="utf-8-sig")
    assert own.function("vec/free.py", 1) == FREE


def test_a_source_is_read_once(own: OwnCode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions are asked for with every question that is traced."""
    read: list[str] = []
    whole = own_code.decode
    monkeypatch.setattr(own_code, "decode", lambda data: read.append("") or whole(data))
    for _ in range(3):
        assert own.natives("src/native.cc", ["reduce_sum"])
    assert len(read) == 1


@pytest.mark.parametrize(
    "text", ["def f(:\n", "(" * 5000, "if x:\n" * 200, "\tdef f():\n  pass\n", "def f():\n  '''", "\0"]
)
def test_what_is_no_python_has_no_functions(own: OwnCode, tmp_path: Path, text: str) -> None:
    """Nor does it end the run: a parser of Python's would fail, or crash."""
    (tmp_path / "tree" / "vec" / "free.py").write_text(text)
    assert own.function("vec/free.py", 2) is None


def test_the_reader_agrees_with_pythons_own() -> None:
    """On our own files: every function, its first and last line."""
    own = OwnCode(ROOT / "grader", ())
    for file in (ROOT / "grader").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                begins = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found = own.function(file.name, begins)
                assert found is not None, (file, node.name)
                assert (found.first, found.last) == (node.lineno, node.end_lineno)
                assert found.name.rpartition(".")[2] == node.name


def test_kernels_are_found_by_their_python_names(own: OwnCode) -> None:
    """reduce_sum is ReduceSum; a region outside of functions is none."""
    assert own.natives("src/native.cc", ["reduce_sum", "helper", "len"]) == [Lines("src/native.cc", 4, 6, "ReduceSum")]
    assert own.natives("src/none.cc", ["reduce_sum"]) == []


COMPUTE, GRADIENT = Lines("vec/ops.py", 13, 17, "Add.compute"), Lines("vec/ops.py", 22, 26, "Add.gradient")
INIT, FREE = Lines("vec/ops.py", 30, 60, "Add.__init__"), Lines("vec/free.py", 1, 2, "free")


def trace(failed: bool, *functions: Lines) -> Trace:
    return Trace(failed, frozenset(functions))


def likeliest(own: OwnCode, problem: str, of: Trace, traces: list[Trace], about: Any = ()) -> tuple[Lines, ...]:
    return Suspicion(own, problem, traces).likeliest(of, about)


def test_what_only_failing_kinds_run_comes_first(own: OwnCode) -> None:
    """And what passing ones run as well is not shown, if something else is more suspicious."""
    bad = trace(True, COMPUTE, GRADIENT)
    assert likeliest(own, "add", bad, [bad, trace(False, COMPUTE)]) == (GRADIENT, COMPUTE)
    assert likeliest(own, "add", bad, [bad, trace(False, COMPUTE), trace(False, COMPUTE)]) == (GRADIENT,)


def test_of_equals_the_names_decide(own: OwnCode) -> None:
    """A test of the gradient points to what is called so; constructors come last, though they may be long."""
    bad = trace(True, COMPUTE, GRADIENT, INIT)
    assert likeliest(own, "add", bad, [bad], {"add", "backward"}) == (GRADIENT, COMPUTE, INIT)
    assert likeliest(own, "add", bad, [bad], {"add", "forward"}) == (COMPUTE, GRADIENT, INIT)


def test_what_is_written_for_another_part_is_shown_only_alone(own: OwnCode) -> None:
    """A mistake there shows in the other part's problems."""
    bad, other = trace(True, COMPUTE, FREE), trace(True, FREE)
    assert likeliest(own, "add", bad, [bad, other]) == (COMPUTE,)
    assert likeliest(own, "add", other, [bad, other]) == (FREE,)


# -- asking once more ----------------------------------------------------------------------------------------------


def ask(vec: Any, device: Any, a: Any, stride: int) -> Any:
    """A probe."""


ask.__module__ = "probes.vectors"


class Worker:
    """Tells that what is asked for runs `Add.compute`; raises where it is asked with stride 0, and notes all."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.asked: list[int] = []  # the strides; -1 where it was renewed

    def trace(self, probe: Any, device: str, args: Any, kwargs: Any) -> Answer:
        self.asked.append(kwargs["stride"])
        if kwargs["stride"] == 0:
            raise SubjectError("ask crashed")
        return Answer(Question("ask", ""), self.told)

    def renew(self) -> None:
        self.asked.append(-1)

    def close(self) -> None:
        pass


def traced(own: OwnCode, cases: list[tuple[str, int, int, str | None]], told: dict[str, Any] | None = None) -> Any:
    """What is told of cases (id, size of the input, stride, what was wrong), and what the worker was asked."""
    worker = Worker({"functions": [["vec/ops.py", 13]], "natives": []} if told is None else told)
    tracing = Tracing(lambda assignment, simulated: worker)  # type: ignore[arg-type, return-value]
    for case, size, stride, wrong in cases:
        call = Call(ask, "cpu", (np.zeros(size),), {"stride": stride})
        function = case.partition("::")[2].partition("[")[0]
        tracing.note("rest" if "rest" in function else "add", function, case, [call], wrong)
    toy = load_assignment(ROOT / "tests" / "submissions" / "toy" / "assignment")
    found = dict(tracing.lines(toy, own))
    tracing.close()
    return found, worker.asked


def test_a_kind_is_asked_once_with_its_smallest_input(own: OwnCode) -> None:
    """All failing cases of the kind get what was found; of one that passed too, the failing case is asked."""
    a1, a2, a3 = (f"test_x.py::test_a[{number}]" for number in (1, 2, 3))
    found, asked = traced(
        own, [(a1, 9, 1, "out"), (a2, 3, 2, "out"), (a3, 1, 3, None), ("test_x.py::test_b", 5, 4, None)]
    )
    assert found == {a1: (COMPUTE,), a2: (COMPUTE,)}
    assert asked == [2, 4]


def test_a_problem_without_wrong_answers_costs_nothing(own: OwnCode) -> None:
    """No question is asked again."""
    assert traced(own, [("test_x.py::test_a", 9, 1, None)]) == ({}, [])


VISIBLE, HIDDEN = "test_x.py::test_a[1]", "test_hidden_x.py::test_a[1]"


def test_hidden_cases_are_asked_last_and_visible_ones_by_a_worker_that_knows_none(own: OwnCode) -> None:
    """Of two files' tests of one name, each is a kind; what passes in one says nothing of the other's lines."""
    found, asked = traced(own, [(HIDDEN, 1, 1, "out"), (VISIBLE, 9, 2, "out"), (f"{HIDDEN}[2]", 1, 3, None)])
    assert found == {HIDDEN: (COMPUTE,), VISIBLE: (COMPUTE,)}
    assert asked == [2, -1, 1]


def test_what_hidden_cases_run_does_not_rank_a_visible_ones_lines(own: OwnCode) -> None:
    """Else a tree could tell by the order of its lines what it was asked."""

    class Both(Worker):
        def trace(self, probe: Any, device: str, args: Any, kwargs: Any) -> Answer:
            ran = [["vec/ops.py", 13], *([["vec/ops.py", 20]] if kwargs["stride"] == 2 else [])]
            return Answer(Question("ask", ""), {"functions": ran, "natives": []})

    tracing = Tracing(lambda assignment, simulated: Both({}))  # type: ignore[arg-type, return-value]
    for case, stride, wrong in ((VISIBLE, 2, "out"), ("test_hidden_x.py::test_b", 1, None), (HIDDEN, 1, "out")):
        tracing.note("add", "test_a", case, [Call(ask, "cpu", (3,), {"stride": stride})], wrong)
    found = dict(tracing.lines(load_assignment(ROOT / "tests" / "submissions" / "toy" / "assignment"), own))
    assert found[VISIBLE] == (COMPUTE, GRADIENT)
    assert found[HIDDEN] == (COMPUTE,)


def test_a_hidden_test_of_the_same_name_is_another_test() -> None:
    """What sets the visible ones apart is told of visible ones alone."""
    tracing = Tracing(lambda assignment, simulated: None)  # type: ignore[arg-type, return-value]
    for number in range(20):
        wrong = "out" if number > 9 else None
        for file, failure in (("test_x.py", wrong), ("test_hidden_x.py", None)):
            call = Call(ask, "cpu", (3,), {"stride": 1 + (number > 9)})
            tracing.note("add", "test_a", f"{file}::test_a[{number}]", [call], failure)
    told = dict(tracing.contrasts())
    assert list(told) == [f"test_x.py::test_a[{number}]" for number in range(10, 20)]
    assert all(words.endswith("all 10 such cases of this test, and none of the 10 others") for words in told.values())


def test_whatever_goes_wrong_there_only_the_lines_are_missing(own: OwnCode) -> None:
    """A worker that gives no answer three times is left alone, until another problem begins."""
    found, asked = traced(
        own, [(f"test_x.py::test_{kind}_{k}", 1, 0, "out") for kind in ("add", "rest") for k in range(9)]
    )
    assert (found, asked) == ({}, [0] * PATIENCE + [-1] + [0] * PATIENCE)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"functions": 5, "natives": []},
        {"functions": [5, [1, 2], ["vec/ops.py"], ["vec/ops.py", "13"], ["vec/ops.py", True]], "natives": [7, None]},
        {"functions": [["../outside.py", 1]], "natives": []},
    ],
    ids=["nothing", "no list", "odd items", "outside"],
)
def test_a_worker_that_lies_gets_no_lines(own: OwnCode, told: dict[str, Any]) -> None:
    """What is not as it should be is passed over."""
    assert traced(own, [("test_x.py::test_a", 9, 1, "out")], told)[0] == {}


# -- what sets failing cases apart ---------------------------------------------------------------------------------


def cases_of(fails: Any, count: int = 24) -> list[Told]:
    """Cases of random strides, paddings and layouts; those fail of which `fails` says so."""
    rng = np.random.default_rng(8)
    found = []
    for _ in range(count):
        options = {
            "stride": int(rng.integers(1, 5)),
            "padding": int(rng.integers(0, 4)),
            "layout": str(rng.choice(["compact", "view"])),
            "bias": None if rng.random() < 0.5 else "given",
            "axis 0 of z": int(rng.integers(1, 40)),
        }
        found.append(Told(fails(options), options))
    return found


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda it: it["stride"] > 1, "only where stride is above 1: all "),
        (lambda it: it["layout"] == "view", "only where layout is 'view': all "),
        (lambda it: it["bias"] is not None, "only where bias is given: all "),
        (lambda it: it["bias"] is None, "only where bias is None: all "),
        (lambda it: it["axis 0 of z"] % 8 > 0, "only where axis 0 of z is no multiple of 8: all "),
        (lambda it: it["axis 0 of z"] > 9, "only where axis 0 of z is above "),
        (lambda it: it["stride"] > 1 and it["axis 0 of z"] != 20, "only where stride is above 1: "),
    ],
)
def test_what_parts_failing_from_passing_cases_is_told(fails: Any, words: str) -> None:
    """One number or word of the question, with how many such cases fail."""
    assert contrast(cases_of(fails)).startswith(words)


def test_numbers_are_told() -> None:
    """How many such cases fail, of how many, and that of the others none does."""
    cases = [Told(k > 2, {"stride": 1 + (k > 1)}) for k in range(20)]
    assert contrast(cases) == "only where stride is 2: 17 of 18 such cases of this test, and none of the 2 others"


def test_chance_is_no_contrast() -> None:
    """Where all cases fail, or few, or by chance, nothing is said."""
    rng = np.random.default_rng(3)
    assert contrast(cases_of(lambda it: True)) == ""
    assert contrast(cases_of(lambda it: False)) == ""
    assert contrast(cases_of(lambda it: it["stride"] > 1, count=3)) == ""
    told = sum(bool(contrast(cases_of(lambda it: bool(rng.random() < 0.4), 12))) for _ in range(200))
    assert told <= 10  # one in twenty, by its own reckoning


def test_features_of_a_question() -> None:
    """Numbers, words, None, the lengths of lists, and the sizes of arrays; what was asked for comes first."""

    def probe(vec: Any, device: Any, z: Any, axes: Any, bias: Any, *, stride: int) -> Any:
        """A probe."""

    found = features([Call(probe, "cpu", (np.zeros((3, 4)), [0, 2], None), {"stride": 2})])
    assert found == {
        "z": "given",
        "the number of axes": 2,
        "bias": None,
        "stride": 2,
        "axis 0 of z": 3,
        "axis 1 of z": 4,
    }
    assert list(found)[-1] == "axis 1 of z"
    assert features([]) == {}
