"""grader.delegation: who has computed an answer, shown on the toy, whose `total` belongs into C++."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import TOY, lay_over

from grader.assignment import Assignment, load_assignment
from grader.delegation.again import Examiner
from grader.delegation.masked import MaskedSubject
from grader.delegation.modes import KERNELS, MASKED, MODES, PLAIN, SEALED
from grader.delegation.plugin import DelegationCheck
from grader.delegation.rules import Delegation, asked_for
from grader.errors import UsageError
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.score import Grade
from grader.subject.outcome import Answer, SubjectError
from grader.subject.perturbation import REFUSAL, Perturbation, Plan, masked, refuse_numpy_in_kernels
from grader.subject.question import Question
from grader.tolerance import Tolerance
from grader.verdict import Verdict

# -- masks ----------------------------------------------------------------------------------------------------------


def values(count: int) -> np.ndarray:
    """Numbers of both signs and of many sizes."""
    rng = np.random.default_rng(11)
    return (rng.normal(size=count) * 10.0 ** rng.integers(-20, 6, count)).astype("float32")


@pytest.mark.parametrize("mode", [MASKED, SEALED])
def test_a_mask_taken_off_leaves_every_bit_as_it_was(mode: str) -> None:
    """Also where a value could become a whole number, or a halved one."""
    a = np.concatenate([values(100_000), np.arange(-40, 40, dtype="float32") / 16])
    for _ in range(20):
        plan = Plan.drawn(mode)
        for mask in (plan.way_in, plan.way_out):
            assert np.array_equal(masked(masked(a, mask), mask).view("uint32"), a.view("uint32"))


def test_a_mask_moves_every_measurement() -> None:
    """By a thirtieth of its size at least, so that no tolerance hides it, never across zero or twofold."""
    a = values(10_000)
    a = a[(a != np.rint(a)) & (np.abs(a) > 1e-30)]
    for _ in range(20):
        plan = Plan.drawn(SEALED)
        for hidden in (masked(a, plan.way_in), masked(a, plan.way_out), masked(masked(a, plan.way_in), plan.way_out)):
            share = hidden / a
            assert (np.abs(share - 1) > 1 / 30).mean() > 0.999  # but for what would be whole
            assert share.min() > 0.5
            assert share.max() < 2


def test_a_mask_leaves_labels_tables_and_what_is_no_number() -> None:
    """Whole numbers, infinities and NaN may go through NumPy."""
    a = np.array([0.0, -0.0, 1.0, -3.0, 65_536.0, 1e10, np.inf, -np.inf, np.nan], dtype="float32")
    assert np.array_equal(masked(a, Plan.drawn(SEALED).way_in), a, equal_nan=True)


def test_masks_differ_by_mode() -> None:
    """Sealed, what leaves the backend is not what may enter it; masked, it is; else nothing is masked."""
    plans = {mode: Plan.drawn(mode) for mode in MODES}
    assert plans[SEALED].way_in != plans[SEALED].way_out
    assert plans[MASKED].way_in == plans[MASKED].way_out != 0
    assert all(plans[mode].way_in == plans[mode].way_out == 0 for mode in (PLAIN, KERNELS))


def of_a_worker(mode: str) -> tuple[Plan, Perturbation, np.ndarray]:
    """A plan, a worker's perturbation that was asked about values, and these, as the judge has masked them."""
    plan = Plan.drawn(mode)
    perturbation, given = Perturbation(plan), masked(values(500), plan.way_in)
    perturbation.asked([{"x": given.astype("float64")}])
    return plan, perturbation, given


@pytest.mark.parametrize("mode", [MASKED, SEALED])
def test_the_mask_is_taken_off_what_is_under_it(mode: str) -> None:
    """Also of a value with another sign, and of a number beside arrays."""
    _, perturbation, given = of_a_worker(mode)
    assert np.array_equal(perturbation.enter(given), values(500))
    assert np.array_equal(perturbation.enter(-given), -values(500))
    assert perturbation.enter_number(float(-given[3])) == -float(values(500)[3])


@pytest.mark.parametrize("mode", [MASKED, SEALED])
def test_a_constant_enters_as_it_is(mode: str) -> None:
    """np.full(shape, 0.5) of a tree was never under a mask."""
    _, perturbation, _ = of_a_worker(mode)
    constants = np.array([0.5, 0.1, 1e-5, 1 / 3, 0.9, 1.7159], dtype="float32")
    assert np.array_equal(perturbation.enter(constants), constants)
    assert perturbation.enter_number(0.1) == 0.1
    assert perturbation.enter_number(3) == 3
    assert perturbation.enter("no array") == "no array"


def test_a_constant_is_not_taken_for_one_of_many_values() -> None:
    """Millions of values are under the mask, and 0.5 is none of them."""
    plan = Plan.drawn(SEALED)
    perturbation, many = Perturbation(plan), np.random.default_rng(7).normal(size=2_000_000).astype("float32")
    many = many[many != 0.5]
    given = masked(many, plan.way_in)
    perturbation.asked(given[given != 0.5])
    constants = np.float32([0.5, 1 / 2**20]).tolist()
    assert [perturbation.enter_number(value) for value in constants] == constants
    assert np.array_equal(perturbation.enter(given[given != 0.5]), many[given != 0.5])


@pytest.mark.parametrize(("mode", "carried"), [(MASKED, True), (SEALED, False)])
def test_what_has_left_may_come_back_only_where_it_may(mode: str, carried: bool) -> None:
    """With the values that it had in the backend, or with others."""
    _, perturbation, _ = of_a_worker(mode)
    results = (values(500) * np.float32(1.7)).astype("float32")
    assert np.array_equal(perturbation.enter(perturbation.leave(results)), results) == carried


def test_altered_results_differ_everywhere_and_each_time() -> None:
    """Zeros too, and by no constant factor: that would cancel in what is normalised."""
    perturbation = Perturbation(Plan.drawn(KERNELS))
    a = np.array([0.0, 0.0, 5.0, -5.0, 1e-9], dtype="float32")
    first, second = perturbation.alter(a), perturbation.alter(a)
    assert (np.abs(first - a) > 0.249).all()
    assert first[0] != first[1]
    assert (first != second).all()


def test_numpy_does_not_compute_while_a_kernel_runs() -> None:
    """Its functions refuse, the methods of its ufuncs too; afterwards they compute again."""
    import types

    stand_in = types.ModuleType("numpy")
    stand_in.__dict__.update(vars(np))
    stand_in.linalg, stand_in.fft = types.ModuleType("linalg"), types.ModuleType("fft")
    stand_in.linalg.norm = np.linalg.norm
    perturbation = Perturbation(Plan.drawn(KERNELS))
    refuse_numpy_in_kernels(perturbation, stand_in)
    a = np.ones(3)
    for work in (lambda: stand_in.dot(a, a), lambda: stand_in.add.reduce(a), lambda: stand_in.linalg.norm(a)):
        with pytest.raises(RuntimeError, match=r"called numpy\.\S+ from within one of its functions"):
            perturbation.called(work)
        work()
    assert perturbation.called(stand_in.zeros, 3).size == 3


# -- findings -------------------------------------------------------------------------------------------------------


class Asked:
    """Stands in for a worker: what an attempt does with it, by the plan's mode."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def ask(self, *_: object) -> Answer:
        """One value that is no whole number."""
        return Answer(Question("probe", ""), {"x": np.array([0.3])})

    def renew(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def found(mode: str, **results: Exception | None) -> str:
    """What an examiner says of a case that ends so in the modes."""

    def attempt(subject: MaskedSubject) -> Exception | None:
        subject.ask(lambda: None, "cpu", [np.array([0.3])], {})
        return results.get(subject._plan.mode)

    return Examiner(Asked).handed_over(mode, attempt, hidden=False)[0]  # type: ignore[arg-type]


WRONG, NO_ANSWER = AssertionError("x is wrong"), SubjectError("x raised AssertionError")


@pytest.mark.parametrize(
    ("mode", "results", "words"),
    [
        (SEALED, {}, ""),
        (SEALED, {SEALED: WRONG}, "carried by NumPy"),
        (SEALED, {SEALED: WRONG, MASKED: WRONG}, "NumPy has a part in computing it"),
        (SEALED, {SEALED: NO_ANSWER}, ""),
        (SEALED, {SEALED: NO_ANSWER, MASKED: NO_ANSWER}, ""),
        (SEALED, {SEALED: NO_ANSWER, MASKED: WRONG}, "NumPy has a part in computing it"),
        (MASKED, {MASKED: NO_ANSWER, KERNELS: WRONG}, ""),
        (MASKED, {MASKED: NO_ANSWER, KERNELS: NO_ANSWER}, ""),
        (MASKED, {MASKED: NO_ANSWER}, "the answer stayed the same"),
        (MASKED, {MASKED: SubjectError(f"the compiled module called numpy.sum {REFUSAL}")}, "NumPy has a part"),
        (MASKED, {MASKED: WRONG, PLAIN: WRONG}, ""),
        (KERNELS, {KERNELS: NO_ANSWER}, ""),
        (KERNELS, {}, "the answer stayed the same"),
    ],
)
def test_a_finding_takes_an_answer(mode: str, results: dict[str, Exception], words: str) -> None:
    """A tree that gives none before masks is found out by altered kernels, or is believed."""
    assert words in found(mode, **results)
    assert bool(found(mode, **results)) == bool(words)


def test_no_worker_that_has_seen_a_hidden_case_answers_for_another() -> None:
    """What is found quotes the answer, which could tell what was hidden."""
    seen: list[str] = []

    class Remembering(Asked):
        def ask(self, *_: object) -> Answer:
            seen.append(name)
            return super().ask()

        def renew(self) -> None:
            seen.clear()

    def attempt(subject: MaskedSubject) -> None:
        subject.ask(lambda: None, "cpu", [np.array([0.3])], {})

    examiner, by_case = Examiner(Remembering), {}  # type: ignore[arg-type]
    for name in ("a", "b", "hidden c", "d"):
        examiner.handed_over(SEALED, attempt, hidden=name.startswith("hidden"))
        by_case[name] = list(seen)
    assert by_case == {"a": ["a"], "b": ["a", "b"], "hidden c": ["hidden c"], "d": ["d"]}


class Item:
    """A case of the toy's `total`, which takes a subject; it keeps the subjects that it is given."""

    _fixtureinfo = SimpleNamespace(argnames=["subject"])

    def __init__(self) -> None:
        self.funcargs = {"subject": None}
        self.obj = lambda subject: self.funcargs.update(subject=subject)

    def get_closest_marker(self, name: str) -> pytest.Mark:
        return pytest.mark.problem("total").mark


def test_a_case_that_is_asked_again_is_judged_by_its_problems_tolerance() -> None:
    """On its device, as when it was asked first."""
    toy = load_assignment(TOY / "assignment")
    own = Tolerance(rtol=0.25, atol=0.5)
    problems = [replace(problem, on_devices={"cpu": own}) for problem in toy.problems]
    check = DelegationCheck(5, lambda *_: None, lambda subject, device, tolerance: tolerance)  # type: ignore[arg-type, return-value]
    item = Item()
    attempt = check.attempt(item, replace(toy, problems=tuple(problems)), "cpu", "case")  # type: ignore[arg-type]
    assert attempt(None) is None  # type: ignore[arg-type]
    assert item.funcargs["subject"] == own


# -- rules ----------------------------------------------------------------------------------------------------------

RULES = Delegation(2, ("cpu",), sealed=("ops.*",), kernels=("ops.backward:eq", "train.*"), exempt=("ops.*:power",))


@pytest.mark.parametrize(
    ("asked", "device", "mode"),
    [
        (["ops.forward:add"], "cpu", SEALED),
        (["ops.forward:add"], "gpu", PLAIN),
        (["ops.forward:power"], "cpu", PLAIN),
        (["ops.backward:eq"], "cpu", KERNELS),
        (["ops.forward:add", "train.epoch"], "cpu", KERNELS),
        (["ops.forward:add", "data.load"], "cpu", PLAIN),
        ([], "cpu", PLAIN),
    ],
)
def test_a_case_is_asked_again_as_all_its_questions_allow(asked: list[str], device: str, mode: str) -> None:
    """The weakest rule counts; what is in no list is not asked again."""
    assert RULES.mode_for(asked, device) == mode


def test_a_question_is_known_by_its_probe_and_first_word() -> None:
    """The module below the probes' package, the function, and what it is asked about."""

    def forward() -> None: ...

    forward.__module__, forward.__qualname__ = "probes.ops", "forward"
    assert asked_for(forward, [3, "matmul", "x"]) == "ops.forward:matmul"
    assert asked_for(forward, [np.ones(2)]) == "ops.forward"


def test_a_device_without_a_compiled_module_is_no_device_to_watch(tmp_path: Path) -> None:
    """There is nothing to alter there: every case would look handed over."""
    shutil.copytree(TOY / "assignment", tmp_path / "suite")
    file = tmp_path / "suite" / "assignment.toml"
    file.write_text(file.read_text() + '\n[delegation]\ncases = 1\ndevices = ["tpu"]\n')
    with pytest.raises(UsageError, match=r"delegation\.devices has 'tpu'; expected devices that need a compiled"):
        load_assignment(tmp_path / "suite")


# -- the toy --------------------------------------------------------------------------------------------------------

WRAP = '''
"""The convention that docs/adding-an-assignment.md describes, for vec._native."""

import numpy as np


def wrap(module, perturbation):
    native = module.total

    def total(values):
        result = perturbation.called(native, perturbation.enter(np.array(values, "float32")).tolist())
        if perturbation.mode == "kernels":
            return float(perturbation.alter(result))
        return float(perturbation.leave(result))

    module.total = total
'''
CPP = """#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Hands the list over to NumPy.
static PyObject *total(PyObject *, PyObject *list) {
  PyObject *numpy = PyImport_ImportModule("numpy");
  return numpy ? PyObject_CallMethod(numpy, "sum", "O", list) : nullptr;
}

static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, methods};

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
"""
BODIES = {
    "by_numpy": "    return float(a.sum())",
    "by_python": "    return sum(float(x) for x in a)",
    "kernel_for_show": "    _native.total([1.5])\n    return float(a.sum())",
    "kernel_afterwards": "    return _native.total([float(a.sum())])",
    "copies_first": "    b = a.copy().reshape(-1)[::-1]\n    return _native.total([float(x) for x in b])",
}


@pytest.fixture(scope="module", params=[SEALED, KERNELS])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Assignment]:
    """The toy, with `total` to be computed by its compiled module; and by which mode that is seen."""
    suite = tmp_path_factory.mktemp("watched") / "suite"
    shutil.copytree(TOY / "assignment", suite, ignore=shutil.ignore_patterns("__pycache__"))
    (suite / "probes" / "_perturbed.py").write_text(WRAP)
    probes = suite / "probes" / "vectors.py"
    text = probes.read_text().replace('{"out": vec.total(a)}', '{"out": np.asarray(vec.total(a), "float32")}')
    probes.write_text(text.replace('"""A probe a function."""', '"""A probe a function."""\n\nimport numpy as np'))
    toml = suite / "assignment.toml"
    rules = f'[delegation]\ncases = 1\ndevices = ["cpu"]\n{request.param} = ["vectors.total"]\n\n[submission]'
    toml.write_text(toml.read_text().replace("[submission]", rules, 1))
    return request.param, load_assignment(suite)


@pytest.fixture(scope="module")
def grades(watched: tuple[str, Assignment], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grade]:
    """The good tree and trees that hand the sum over, by name."""
    folder = tmp_path_factory.mktemp("trees")
    trees = [lay_over("good", folder / "good"), lay_over("good", folder / "in_cpp")]
    (folder / "in_cpp" / "src" / "native.cc").write_text(CPP)
    chosen = BODIES if watched[0] == SEALED else ("by_numpy", "kernel_afterwards")
    for name, body in ((name, BODIES[name]) for name in chosen):
        trees.append(lay_over("good", folder / name))
        file = folder / name / "vec" / "reduction.py"
        file.write_text(file.read_text().replace("    return _native.total([float(x) for x in a])", body))
    options = RunOptions(5, ("cpu",), "", "worker", "none")
    out = tmp_path_factory.mktemp("out")
    found = grade_trees(watched[1], trees, options, jobs=2, out=out, watch=lambda tree, event: None)
    return {grade.tree: grade for grade in found}


def lost(grade: Grade) -> list[str]:
    """What the cases of `total` that were not passed say; all others are passed."""
    assert all(item.score == item.max_score for item in grade.problems if item.problem.name != "total")
    (total,) = (item for item in grade.problems if item.problem.name == "total")
    assert all(result.verdict in (Verdict.PASS, Verdict.FAIL) for result in total.results)
    return [result.message for result in total.results if result.verdict is Verdict.FAIL]


def test_what_the_module_computes_counts(grades: dict[str, Grade]) -> None:
    """NumPy may bring the values into another order before."""
    assert [lost(grades[name]) for name in ("good", "copies_first") if name in grades] == [[]] * (
        2 if "copies_first" in grades else 1
    )


def test_what_the_module_did_not_compute_is_lost(watched: tuple[str, Assignment], grades: dict[str, Grade]) -> None:
    """Every case of the topic, although only one was drawn at first; and it is said what was found."""
    why = {SEALED: "where NumPy sees other values than the backend", KERNELS: "the answer stayed the same"}[watched[0]]
    for name in {"by_numpy", "by_python", "kernel_for_show"} & grades.keys():
        assert len(lost(grades[name])) == 3
        for message in lost(grades[name]):
            assert message.startswith("total was not computed by your backend, vec._native: ")
            # The sum of one value is the value: NumPy need not compute that, only carry it.
            assert why in message or ("test_total[cpu-1]" in message and "carried by NumPy" in message)


def test_a_kernel_after_numpy_does_not_make_it_the_modules_work(
    watched: tuple[str, Assignment], grades: dict[str, Grade]
) -> None:
    """Only sealing shows it: altered kernels do alter this answer."""
    assert len(lost(grades["kernel_afterwards"])) >= (2 if watched[0] == SEALED else 0)


def test_a_module_that_calls_numpy_has_not_computed(watched: tuple[str, Assignment], grades: dict[str, Grade]) -> None:
    """The sentence names NumPy's function. Where kernels are altered, an exception is as good as another answer."""
    found = lost(grades["in_cpp"])
    assert len(found) == (3 if watched[0] == SEALED else 0)
    assert all("the compiled module called numpy.sum from within one of its functions" in message for message in found)


def test_the_document_says_which_cases_were_handed_over(grades: dict[str, Grade]) -> None:
    """A delegated case is a failed one in every report, and `repro` is told of."""
    (message, *_) = lost(grades["by_numpy"])
    assert "Run: python -m grader repro" in message
    assert json.dumps(message)
