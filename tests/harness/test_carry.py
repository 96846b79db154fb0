"""`grader carry`: earlier code into this handout's regions, small files first, whole trees in test_carry_trees.py."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

from grader.assignment import Assignment, load_assignment
from grader.carry.editions import Change, Editions, load_editions
from grader.carry.old_tree import OldTree, read_old
from grader.carry.outcome import Fate, Item
from grader.carry.transfer import Planned, carry, plan
from grader.derive import derive_text
from grader.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "### BEGIN YOUR SOLUTION", "### END YOUR SOLUTION"
ONE_FILE = Editions({"python/needle/ops/*.py": ("python/needle/ops.py",)})


@pytest.fixture(scope="module")
def hw4() -> Assignment:
    """The assignment, for the places of a tree's files."""
    return load_assignment(ROOT / "tests" / "hw4")


def text(source: str) -> str:
    return dedent(source).lstrip("\n").replace("<<", BEGIN).replace(">>", END)


def starter(source: str, path: str = "python/needle/a.py") -> str:
    """What students get of a file with these regions, a stub in each."""
    return derive_text(re.sub(r"(?m)^( *)### BEGIN.*\n", r"\g<0>\1pass\n", text(source)), path)


def moved(
    hw4: Assignment,
    old: dict[str, str] | str,
    new: dict[str, str] | str,
    editions: Editions | None = None,
    *,
    force: bool = False,
) -> Planned:
    """Plan a transfer between files; a text alone is python/needle/a.py."""
    old = {"python/needle/a.py": old} if isinstance(old, str) else old
    new = {"python/needle/a.py": new} if isinstance(new, str) else new
    tree = OldTree({path: text(said) for path, said in old.items()}, ())
    planned = plan(tree, {path: said.encode() for path, said in new.items()}, hw4, editions or Editions(), force=force)
    for path, said in planned.texts.items():
        if path.endswith(".py"):
            ast.parse(said)
    return planned


def region(said: str, line: str) -> str:
    """The contents of the first region after a line that begins so, dedented."""
    inside: list[str] | None = None
    found = False
    for row in said.split("\n"):
        found = found or row.strip().startswith(line)
        if found and row.strip() == BEGIN:
            inside = []
        elif row.strip() == END and inside is not None:
            return dedent("\n".join(inside)).strip("\n")
        elif inside is not None:
            inside.append(row)
    raise AssertionError(f"no region after {line!r} in:\n{said}")


def item(planned: Planned, name: str) -> Item:
    return next(item for item in planned.items if item.name == name)


def run(source: str) -> dict[str, object]:
    """The names of a module; the sources here are this file's own."""
    names: dict[str, object] = {}
    exec(compile(source, "carried.py", "exec"), names)
    return names


# ---------------------------------------------------------------------------------------------------- bodies

NEW = starter(
    '''
    """A module."""

    from __future__ import annotations

    import math


    class Op:
        def __init__(self, size):
            self.size = size

        def compute(self, Z, W):
            """Multiplies."""
            if Z is None:
                raise ValueError("no Z")
            <<
            >>


    def twice(x, by=2):
        <<
        >>
    '''
)


def test_a_region_goes_to_the_region_of_the_same_function(hw4: Assignment) -> None:
    """Lines and comments arrive as they are, indented as the new region is."""
    planned = moved(
        hw4, "class Op:\n  def compute(self, Z, W):\n    <<\n    # a product\n    return Z * W\n    >>\n", NEW
    )
    assert region(planned.texts["python/needle/a.py"], "def compute") == "# a product\nreturn Z * W"
    assert item(planned, "Op.compute").fate is Fate.CARRIED


def test_renamed_parameters_are_bound(hw4: Assignment) -> None:
    """Parameters that have other names here keep their earlier ones in the carried code."""
    planned = moved(hw4, "class Op:\n    def compute(self, A, B):\n        <<\n        return A * B\n        >>\n", NEW)
    said = region(planned.texts["python/needle/a.py"], "def compute")
    assert said == "A, B = Z, W  # named so in your earlier code\nreturn A * B"


def test_parameters_are_told_by_name_before_order(hw4: Assignment) -> None:
    """The same names in another order need no binding, and none is made."""
    planned = moved(hw4, "def twice(by, x):\n    <<\n    return by * x\n    >>\n", NEW)
    assert region(planned.texts["python/needle/a.py"], "def twice") == "return by * x"


def test_a_parameter_that_is_gone_takes_its_default(hw4: Assignment) -> None:
    """Earlier code that had one parameter more gets its default; without a default it cannot be placed."""
    planned = moved(hw4, "def twice(x, by=2, more=1):\n    <<\n    return by * x + more\n    >>\n", NEW)
    assert region(planned.texts["python/needle/a.py"], "def twice").startswith("more = 1  #")
    planned = moved(hw4, "def twice(x, by, more):\n    <<\n    return by * x + more\n    >>\n", NEW)
    assert item(planned, "twice").fate is Fate.UNPLACED
    assert "more" in item(planned, "twice").why


def test_code_without_markers_is_found(hw4: Assignment) -> None:
    """A student who deleted the markers loses nothing: the whole body but its docstring goes over."""
    planned = moved(hw4, 'def twice(x, by=2):\n    """Old words."""\n    y = x  # why\n    return y * by\n', NEW)
    assert region(planned.texts["python/needle/a.py"], "def twice") == "y = x  # why\nreturn y * by"


def test_a_stray_marker_is_not_carried(hw4: Assignment) -> None:
    """A marker without its partner would tear the new file's regions apart; only the code goes over."""
    old = "def twice(x, by=2):\n    <<\n    return x\n"
    old += "class Op:\n    def compute(self, Z, W):\n        <<\n        return Z\n        >>\n"
    planned = moved(hw4, old, NEW)
    assert region(planned.texts["python/needle/a.py"], "def twice") == "return x"
    assert region(planned.texts["python/needle/a.py"], "def compute") == "return Z"


@pytest.mark.parametrize("body", ["raise NotImplementedError()", "pass", "...", "# later", '"""words"""'])
def test_a_stub_is_not_carried(hw4: Assignment, body: str) -> None:
    """What OLD has not written is told, and the new stub stays."""
    planned = moved(hw4, f"def twice(x, by=2):\n    <<\n    {body}\n    >>\n    return None\n", NEW)
    assert planned.texts == {}
    assert item(planned, "twice").fate is Fate.UNWRITTEN


def test_tabs_carriage_returns_and_strings(hw4: Assignment) -> None:
    """Tabs become blanks, line ends the target's; the inside of a string keeps its indentation."""
    old = "def twice(x, by=2):\r\n\t<<\r\n\tif x:\r\n\t\treturn '''a\r\n  b\r\n'''\r\n\treturn x\r\n\t>>\r\n"
    tree = OldTree({"python/needle/a.py": text(old).replace("\r\n", "\n")}, ())
    new = NEW.replace("\n", "\r\n").encode()
    planned = plan(tree, {"python/needle/a.py": new}, hw4, Editions(), force=False)
    said = planned.texts["python/needle/a.py"]
    assert "    if x:\n        return '''a\n  b\n'''\n    return x\n" in said


def test_helpers_with_tabs(hw4: Assignment) -> None:
    """A helper and a method that are indented by tabs fit in with blanks, lines put into them too."""
    old = """
        import math
        def aid(x):
        \tif x:
        \t\treturn math.floor(x)
        \treturn 0
        class Op:
        \tdef compute(self, Z, W):
        \t\treturn self.more(Z)
        \tdef more(self, Z):
        \t\tif Z:
        \t\t\treturn aid(Z)
        """
    names = run(moved(hw4, old, NEW).texts["python/needle/a.py"])
    assert names["Op"](1).compute(2.5, None) == 2  # type: ignore[operator]


def test_one_line_functions(hw4: Assignment) -> None:
    """`def f(x): return x` has a body, too."""
    planned = moved(hw4, "def twice(x, by=2): return x * by\n", NEW)
    assert region(planned.texts["python/needle/a.py"], "def twice") == "return x * by"


def test_given_code_that_draws_numbers_is_not_repeated(hw4: Assignment) -> None:
    """What the new given code has drawn is not drawn again: it gets its earlier name instead."""
    new = starter(
        """
        import random
        class Flip:
            def __call__(self, img):
                flip = random.random() < self.p
                <<
                >>
        """
    )
    old = """
        import random
        class Flip:
            def __call__(self, img):
                flip_img = random.random() < self.p
                <<
                return img[::-1] if flip_img else img
                >>
        """
    said = region(moved(hw4, old, new).texts["python/needle/a.py"], "flip =")
    assert said == "flip_img = flip  # named so in your earlier code\nreturn img[::-1] if flip_img else img"


def test_given_code_goes_along_where_it_is_read(hw4: Assignment) -> None:
    """Of OLD's given code only that comes which the student's reads, and none that only checks or seeds."""
    old = """
        def twice(x, by=2):
            seed(4)
            assert x > 0
            unused = 5
            parts = []
            for k in range(by):
                parts.append(x)
            <<
            total = sum(parts)
            >>
            return total
        """
    said = region(moved(hw4, old, NEW).texts["python/needle/a.py"], "def twice")
    assert said == "parts = []\nfor k in range(by):\n    parts.append(x)\ntotal = sum(parts)\nreturn total"


def test_a_change_of_the_edition_is_made_and_told(hw4: Assignment) -> None:
    """What the suite's carry.toml says of a function is applied to what is carried into it."""
    editions = Editions(changes=(Change("python/needle/a.py:tw*", "by()", "by", "it is made already"),))
    planned = moved(hw4, "def twice(x, by=2):\n    <<\n    return by() + baby()\n    >>\n", NEW, editions)
    assert region(planned.texts["python/needle/a.py"], "def twice") == "return by + baby()"
    assert any("it is made already" in note for note in item(planned, "twice").notes)


# ---------------------------------------------------------------------------------------------------- what comes along


def test_imports_and_helpers_come_along(hw4: Assignment) -> None:
    """Imports, helpers and constants that carried code needs, and what these need; nothing else."""
    old = """
        import os
        import functools
        from operator import mul as times
        START = 1
        def product(numbers):
            return functools.reduce(times, numbers, START)
        def unused():
            return os
        def twice(x, by=2):
            <<
            return product([x, by])
            >>
        """
    planned = moved(hw4, old, NEW)
    said = planned.texts["python/needle/a.py"]
    assert run(said)["twice"](21) == 42  # type: ignore[operator]
    assert "unused" not in said
    assert "import os" not in said
    given = [line for line in NEW.split("\n") if "NotImplementedError" not in line]
    assert [line for line in said.split("\n") if line in given and line.strip()] == [
        line for line in given if line.strip()
    ]


def test_helpers_stand_behind_what_they_need_at_once(hw4: Assignment) -> None:
    """A helper that derives from a given class comes after it, and before one that derives from the helper."""
    old = """
        class Op: pass
        class Middle(Op):
            pass
        class Last(Middle):
            pass
        def twice(x, by=2):
            <<
            return Last
            >>
        """
    names = run(moved(hw4, old, NEW).texts["python/needle/a.py"])
    assert [base.__name__ for base in names["twice"](1).__mro__] == ["Last", "Middle", "Op", "object"]  # type: ignore[operator]


def test_methods_and_state_come_along(hw4: Assignment) -> None:
    """A helper method comes; an attribute that the new __init__ does not set is made when it is first read."""
    old = """
        class Op:
            def __init__(self, length):
                self.length = length
                self.many = [length] * 2
            def compute(self, Z, W):
                <<
                return self.sized(Z) + self.length
                >>
            def sized(self, Z):
                return Z * sum(self.many)
        """
    names = run(moved(hw4, old, NEW).texts["python/needle/a.py"])
    assert names["Op"](3).compute(10, None) == 63  # type: ignore[operator]


def test_an_attribute_that_begins_with_another_value(hw4: Assignment) -> None:
    """Where __init__ made a count of what is a dict here, the carried code begins with the count."""
    new = starter(
        """
        class Adam:
            def __init__(self):
                self.t = {}
            def step(self):
                <<
                >>
        """
    )
    old = """
        class Adam:
            def __init__(self):
                self.t = 0
            def step(self):
                <<
                self.t += 1
                return self.t
                >>
        """
    adam = run(moved(hw4, old, new).texts["python/needle/a.py"])["Adam"]()  # type: ignore[operator]
    assert [adam.step(), adam.step()] == [1, 2]


def test_a_pair_of_methods_stays_together(hw4: Assignment) -> None:
    """__next__ comes along with __iter__, without markers too; given code behind a region goes with it."""
    new = starter("class Loader:\n    def __iter__(self):\n        <<\n        >>\n")
    old = """
        class Loader:
            def __iter__(self):
                <<
                self.at = 0
                >>
                return self
            def __next__(self):
                if self.at == 2:
                    raise StopIteration
                self.at += 1
                return self.at
        """
    names = run(moved(hw4, old, new).texts["python/needle/a.py"])
    assert list(names["Loader"]()) == [1, 2]  # type: ignore[operator,call-overload]


def test_one_file_becomes_several(hw4: Assignment) -> None:
    """Names of the same earlier file that another file has here are imported where they are called."""
    new = {
        "python/needle/ops/first.py": starter("def one(x):\n    <<\n    >>\n", "python/needle/ops/first.py"),
        "python/needle/ops/second.py": starter("def two(x):\n    <<\n    >>\n", "python/needle/ops/second.py"),
    }
    old = {
        "python/needle/ops.py": """
            def one(x):
                <<
                return x + own()
                >>
            def own():
                return two(1)
            def two(x):
                <<
                return one(x) if x > 5 else x
                >>
            """
    }
    planned = moved(hw4, old, new, ONE_FILE)
    assert "from needle.ops.second import two" in planned.texts["python/needle/ops/first.py"]
    assert region(planned.texts["python/needle/ops/second.py"], "def two").startswith(
        "from needle.ops.first import one\n"
    )
    assert "def own" not in planned.texts["python/needle/ops/second.py"]


def test_code_that_calls_a_stub_is_not_carried(hw4: Assignment) -> None:
    """A given function around an unwritten helper is no work."""
    old = "def help(x):\n    <<\n    raise NotImplementedError()\n    >>\ndef twice(x, by=2):\n    return help(x)\n"
    planned = moved(hw4, old, NEW)
    assert planned.texts == {}
    assert "help" in item(planned, "twice").why


def test_a_helper_with_the_name_of_a_builtin(hw4: Assignment) -> None:
    """OLD's own sum comes along under another name: the given code here means Python's."""
    old = "def sum(x):\n    return 7\ndef twice(x, by=2):\n    <<\n    return sum(x)\n    >>\n"
    names = run(moved(hw4, old, NEW).texts["python/needle/a.py"])
    assert names["twice"]([1]) == 7  # type: ignore[operator]
    assert "sum" not in names


def test_a_helper_that_is_another_one_here(hw4: Assignment) -> None:
    """A student's own helper in the target stays what it is; OLD's comes under another name, and is called so."""
    new = starter("<<\n>>\ndef one(x):\n    <<\n    >>\ndef two(x):\n    <<\n    >>\n")
    first = "def aid(x):\n    return 1\nSIZE = 3\ndef one(x):\n    return aid(x) + SIZE\n"
    half = moved(hw4, first, new).texts["python/needle/a.py"]
    second = "def aid(x):\n    return aid(x - 1) if x else 2\nSIZE = 5\ndef two(x):\n    return aid(x) + SIZE\n"
    names = run(moved(hw4, second, half).texts["python/needle/a.py"])
    assert (names["one"](3), names["two"](3)) == (4, 7)  # type: ignore[operator]


def test_a_second_run_brings_no_helper_twice(hw4: Assignment) -> None:
    """Helpers that came along once are known again, also by the lines that were put into them."""
    new = starter("<<\n>>\ndef one(x):\n    <<\n    >>\ndef two(x):\n    <<\n    >>\n")
    old = "from needle.other import lost\ndef aid(x):\n    return lost(x)\ndef one(x):\n    return aid(x)\n"
    other = {"python/needle/other.py": "def lost(x):\n    return 1\n"}
    half = moved(hw4, {"python/needle/a.py": old, **other}, {"python/needle/a.py": new, **other})
    more = old + "def two(x):\n    return aid(x)\n"
    said = half.texts["python/needle/a.py"]
    assert "    from needle.other import lost\n    return lost(x)" in said
    again = moved(hw4, {"python/needle/a.py": more, **other}, {"python/needle/a.py": said, **other})
    assert again.texts["python/needle/a.py"].count("def aid") == 1


def test_names_that_differ_in_case_are_found_when_there_is_one(hw4: Assignment) -> None:
    """EwiseAdd is EWiseAdd, as long as nothing else could be."""
    planned = moved(hw4, "class OP:\n    def compute(self, Z, W):\n        return Z\n", NEW)
    assert item(planned, "Op.compute").fate is Fate.CARRIED


def test_earlier_names_are_looked_up(hw4: Assignment) -> None:
    """The suite's table of names is used, and a carried call of an earlier name still works."""
    old = "def double(x, by=2):\n    return x * by if x else double(1)\n"
    said = moved(hw4, old, NEW, Editions(names={"twice": ("double",)})).texts["python/needle/a.py"]
    assert run(said)["twice"](0) == 2  # type: ignore[operator]


# ---------------------------------------------------------------------------------------------------- what is told


def test_a_broken_file_is_told_and_the_rest_goes_on(hw4: Assignment) -> None:
    """A syntax error costs its file only, and says where it is."""
    new = {
        "python/needle/a.py": NEW,
        "python/needle/b.py": starter("def three(x):\n    <<\n    >>\n", "python/needle/b.py"),
    }
    old = {"python/needle/a.py": "def twice(:\n", "python/needle/b.py": "def three(x):\n    return 3\n"}
    planned = moved(hw4, old, new)
    assert "python/needle/a.py:1: is not valid Python" in item(planned, "twice").why
    assert item(planned, "twice").fate is Fate.UNPLACED
    assert item(planned, "three").fate is Fate.CARRIED


def test_a_broken_file_of_the_target_is_told_once(hw4: Assignment) -> None:
    """Where the new tree's file is no Python, nothing goes into it, and the rest goes on."""
    a, b = "python/needle/a.py", "python/needle/b.py"
    old = {a: "def twice(x, by=2):\n    <<\n    return 3\n    >>\n", b: "def three(x): return 3\n"}
    planned = moved(hw4, old, {a: NEW + "def (\n", b: starter("def three(x):\n    <<\n    >>\n", b)})
    assert item(planned, "three").fate is Fate.CARRIED
    (remark,) = planned.remarks
    assert remark.startswith("nothing was carried into python/needle/a.py:")


def test_own_functions_with_no_place_are_told(hw4: Assignment) -> None:
    """What a student wrote for another homework is named, so that nobody thinks it lost."""
    planned = moved(hw4, "def parse_mnist(x):\n    <<\n    return x\n    >>\n", NEW)
    assert any("parse_mnist" in remark for remark in planned.remarks)


# ---------------------------------------------------------------------------------------------------- C++

KERNELS = """
#include <vector>
/// BEGIN YOUR SOLUTION
/// END YOUR SOLUTION

void Compact(const Array& a, Array* out, const std::vector<int32_t>& shape, const std::vector<int32_t>& strides) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}

void EwiseMul(const Array& a, const Array& b, Array* out) {
  /// BEGIN YOUR SOLUTION
  throw NotImplemented(__func__);
  /// END YOUR SOLUTION
}
"""
CPP = "src/ndarray_backend_cpu.cc"


def kernels(hw4: Assignment, old: str) -> Planned:
    return moved(hw4, {CPP: old}, {CPP: KERNELS})


def test_cpp_bodies_and_helpers(hw4: Assignment) -> None:
    """A kernel's code goes over with the helpers, types and macros that it uses, in OLD's order, and its headers."""
    planned = kernels(
        hw4,
        """
        #define STEP 1
        // adds up
        static int unused() { return 0; }
        struct Sum { int of(int x) const { return x + STEP; } };
        template <typename F> void each(Array* out, F f) { f(Sum().of(out->size)); }
        void EwiseMul(const Array& x, const Array& y, Array* result) {
          // given words
          /// BEGIN YOUR SOLUTION
          each(result, [&](int n) { result->ptr[n] = std::max(x.ptr[n], y.ptr[n]); });
          /// END YOUR SOLUTION
        }
        """,
    )
    said = planned.texts[CPP]
    places = [said.index(piece) for piece in ("#define STEP 1", "struct Sum", "void each", "each(result")]
    assert places == sorted(places)
    assert "auto&& result = out;  // named so in your earlier code" in said
    assert "#include <algorithm>" in said
    assert "unused" not in said
    assert "given words" not in said


def test_cpp_helpers_that_are_others_here(hw4: Assignment) -> None:
    """A helper that stands here already and says something else keeps its name; OLD's gets another."""
    first = "int aid(int x) { return x; }\nvoid EwiseMul(const Array& a, const Array& b, Array* out) { aid(1); }\n"
    half = kernels(hw4, first).texts[CPP]
    head = "void Compact(const Array& a, Array* out, std::vector<int32_t> shape, std::vector<int32_t> strides)"
    second = f"int aid(int x) {{ return x ? aid(x - 1) : 2; }}\n{head} {{ out->size = aid(2); }}\n"
    said = moved(hw4, {CPP: second}, {CPP: half}).texts[CPP]
    assert "int aid(int x) { return x; }" in said
    assert "int aid_of_old(int x) { return x ? aid_of_old(x - 1) : 2; }" in said
    assert "  out->size = aid_of_old(2);" in said
    assert "  aid(1);" in said
    again = moved(hw4, {CPP: second}, {CPP: said}, force=True)
    assert again.texts.get(CPP, said).count("aid_of_old(int") == 1


def test_cpp_vectors_that_are_changed_are_copied(hw4: Assignment) -> None:
    """OLD's vectors were its own to change, and unsigned; here they are constant and signed."""
    planned = kernels(
        hw4,
        """
        void Compact(const Array& a, Array* out, std::vector<uint32_t> shape, std::vector<uint32_t> strides) {
          /// BEGIN YOUR SOLUTION
          std::vector<uint32_t> at(shape.size());
          shape[0] -= strides[0];
          /// END YOUR SOLUTION
        }
        """,
    )
    said = planned.texts[CPP]
    assert "const auto& given_shape = shape;\n  {\n    auto shape = given_shape;" in said
    assert "given_strides" not in said
    assert "std::vector<int32_t> at(shape.size());" in said
    assert any("signed" in note for note in item(planned, "Compact").notes)


@pytest.mark.parametrize(
    "old",
    [
        "#define BOTH(NAME, EXPR) \\\n  void Ewise##NAME(const Array& a, const Array& b, Array* out) { \\\n"
        "    out->set(EXPR); \\\n  }\nBOTH(Mul, a * b)\n",
        'PYBIND11_MODULE(m_, m) {\n  m.def("ewise_mul",\n'
        "        [](const Array& a, const Array& b, Array* out) { out->set(a * b); });\n}\n",
    ],
    ids=["macro", "lambda"],
)
def test_cpp_functions_without_a_definition(hw4: Assignment, old: str) -> None:
    """What a macro writes, or what is bound as a lambda, is found as well."""
    said = kernels(hw4, old).texts[CPP]
    assert "  /// BEGIN YOUR SOLUTION\n  out->set(a * b);\n  /// END YOUR SOLUTION" in said


@pytest.mark.parametrize(
    "body", ['assert(false && "Not Implemented");', "throw NotImplemented(__func__);", "// later", ""]
)
def test_cpp_stubs(hw4: Assignment, body: str) -> None:
    """A kernel that is a stub, or whose kernel is one, is not carried."""
    marked = f"/// BEGIN YOUR SOLUTION\n{body}\n/// END YOUR SOLUTION\n"
    planned = kernels(hw4, f"void EwiseMul(const Array& a, const Array& b, Array* out) {{\n{marked}}}\n")
    assert item(planned, "EwiseMul").fate is Fate.UNWRITTEN
    around = "void EwiseMul(const Array& a, const Array& b, Array* out) { aid(a); }\n"
    planned = kernels(hw4, f"void aid(Array& a) {{\n  int i = 0;\n{marked}}}\n{around}")
    assert item(planned, "EwiseMul").fate is Fate.UNWRITTEN


def test_cpp_other_parameters_cannot_be_placed(hw4: Assignment) -> None:
    """A function with another number of parameters is told with its place in OLD."""
    planned = kernels(hw4, "int x;\n\nvoid EwiseMul(const Array& a, Array* out) { out->set(a); }\n")
    assert item(planned, "EwiseMul").fate is Fate.UNPLACED
    assert item(planned, "EwiseMul").source == f"{CPP}:3"


# ---------------------------------------------------------------------------------------------------- files


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """An old tree and a new one on disk."""
    for name, said in (("old", text("def twice(x, by=2):\n    <<\n    return x\n    >>\n")), ("student", NEW)):
        package = tmp_path / name / "python" / "needle"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "a.py").write_text(said)
    return tmp_path / "old", tmp_path / "student"


def transfer(hw4: Assignment, trees: tuple[Path, Path], *, force: bool = False, dry_run: bool = False):  # type: ignore[no-untyped-def]
    return carry(read_old(trees[0], hw4), trees[1], hw4, Editions(), force=force, dry_run=dry_run)


def test_a_backup_is_kept_and_never_overwritten(hw4: Assignment, trees: tuple[Path, Path]) -> None:
    """The whole target is saved before it is changed, under the next free number; a second run changes nothing."""
    report = transfer(hw4, trees)
    assert report.backup == str(trees[1].parent / "backups" / "student-1.zip")
    with zipfile.ZipFile(trees[1].parent / report.backup) as saved:
        assert saved.read("student/python/needle/a.py").decode() == NEW
    again = transfer(hw4, trees)
    assert (again.backup, again.changed) == (None, ())
    (trees[0] / "python/needle/a.py").write_text("def twice(x, by=2):\n    return 5\n")
    assert transfer(hw4, trees).changed == ()
    assert (transfer(hw4, trees, force=True).backup or "").endswith("backups/student-2.zip")
    assert "return 5" in (trees[1] / "python/needle/a.py").read_text()


def test_a_dry_run_writes_nothing(hw4: Assignment, trees: tuple[Path, Path]) -> None:
    """--dry-run says what would change, and changes nothing."""
    report = transfer(hw4, trees, dry_run=True)
    assert report.changed == ("python/needle/a.py",)
    assert (trees[1] / "python/needle/a.py").read_text() == NEW
    assert not (trees[1].parent / "backups").exists()


def test_the_target_keeps_its_line_ends(hw4: Assignment, trees: tuple[Path, Path]) -> None:
    """A file with carriage returns has them on every line afterwards."""
    file = trees[1] / "python/needle/a.py"
    file.write_bytes(NEW.replace("\n", "\r\n").encode())
    transfer(hw4, trees)
    said = file.read_bytes()
    assert b"    return x\r\n" in said
    assert said.count(b"\n") == said.count(b"\r\n")


def test_a_failing_write_leaves_the_tree_as_it_was(
    hw4: Assignment, trees: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file of several cannot be written, those before it are put back."""
    for tree, said in zip(
        trees,
        ("def three():\n    return 3\n", starter("def three():\n    <<\n    >>\n", "python/needle/b.py")),
        strict=True,
    ):
        (tree / "python/needle/b.py").write_text(said)
    before = {path: path.read_bytes() for path in trees[1].rglob("*.py")}
    import grader.carry.transfer as module

    write = module.write_atomically

    def full(target: Path, data: bytes, mode: int) -> None:
        if target.name == "b.py" and b"return 3" in data:
            raise OSError(28, "No space left on device")
        write(target, data, mode)

    monkeypatch.setattr(module, "write_atomically", full)
    with pytest.raises(UsageError, match=r"b\.py cannot be written: No space left .* as it was"):
        transfer(hw4, trees)
    assert {path: path.read_bytes() for path in trees[1].rglob("*.py")} == before


def test_an_archive_is_read_and_never_run(hw4: Assignment, trees: tuple[Path, Path], tmp_path: Path) -> None:
    """OLD may be a zip, its tree in a folder of it; its code is text."""
    bomb = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("hw3/python/needle/__init__.py", bomb)
        archive.writestr("hw3/python/needle/a.py", bomb + "def twice(x, by=2):\n    return pathlib\n")
    old = read_old(tmp_path / "old.zip", hw4)
    report = carry(old, trees[1], hw4, Editions(), force=False, dry_run=False)
    assert [item.name for item in report.of(Fate.CARRIED)] == ["twice"]
    assert not (tmp_path / "ran").exists()


def test_what_is_no_tree_is_refused(hw4: Assignment, trees: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder without needle is no OLD and no target."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    with pytest.raises(UsageError, match=r"--from wants your earlier tree"):
        read_old(tmp_path / "empty", hw4)
    with pytest.raises(UsageError, match=r"name it with --to"):
        carry(read_old(trees[0], hw4), tmp_path / "empty", hw4, Editions(), force=False, dry_run=False)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [("files = 3", "files has to be a table"), ("[[change]]\ninto = 'a'", r"each \[\[change\]\]"), ("x = 1", "'x'")],
)
def test_a_wrong_table_of_editions_is_refused(tmp_path: Path, said: str, wrong: str) -> None:
    """carry.toml is checked, and none at all is fine."""
    assert load_editions(tmp_path) == Editions()
    (tmp_path / "carry.toml").write_text(said)
    with pytest.raises(UsageError, match=wrong):
        load_editions(tmp_path)


def test_an_unfinished_function_costs_no_other_one(hw4: Assignment) -> None:
    """A region of comments only is a stub; one that is no Python is told with its line; the rest is carried."""
    old = """
        def twice(x):
            <<
            # TODO: how?
            >>


        def thrice(x):
            <<
            return 3 * (x
            >>


        def half(x):
            <<
            return x / 2
            >>
        """
    new = starter(
        "def twice(x):\n    <<\n    >>\n\n\ndef thrice(x):\n    <<\n    >>\n\n\ndef half(x):\n    <<\n    >>\n"
    )
    planned = moved(hw4, old, new.replace("def half", "MORE = 1\n\n\ndef half"))
    assert item(planned, "twice").fate is Fate.UNWRITTEN
    assert item(planned, "thrice").fate is Fate.UNPLACED
    assert re.search(r"python/needle/a\.py:\d+: is not valid Python.*mend it there", item(planned, "thrice").why)
    assert region(planned.texts["python/needle/a.py"], "def half") == "return x / 2"


def test_what_changes_a_helper_comes_along_with_it(hw4: Assignment) -> None:
    """A table that is filled below, a function with an attribute, a name that depends on a library being there."""
    old = """
        TABLE = {}
        TABLE["two"] = 2
        try:
            import fractions
            HAVE = True
        except ImportError:
            HAVE = False


        def count(x):
            count.calls += 1
            return x


        count.calls = 0


        def twice(x):
            <<
            return TABLE["two"] * count(x) * HAVE
            >>


        if __name__ == "__main__":
            print(twice(1))
        """
    planned = moved(hw4, old, starter("def twice(x):\n    <<\n    >>\n"))
    assert run(planned.texts["python/needle/a.py"])["twice"](3) == 6  # type: ignore[operator]
    assert "__main__" not in planned.texts["python/needle/a.py"]


def test_a_decorator_that_is_left_out_is_told(hw4: Assignment) -> None:
    """The line of a function's name is given, and so are its decorators."""
    planned = moved(
        hw4,
        "import functools\n\n\n@functools.cache\ndef twice(x):\n    return 2 * x\n",
        starter("def twice(x):\n    <<\n    >>\n"),
    )
    assert item(planned, "twice").notes == (
        "@functools.cache stays in OLD, since the line with the function's name is given",
    )


def test_own_modules_come_along(hw4: Assignment) -> None:
    """A file of the student's own that a region imports, and what that imports in turn; others stay where they are."""
    old = {
        "python/needle/__init__.py": "",
        "python/needle/own/__init__.py": "",
        "python/needle/own/tools.py": "from .numbers import TWO\n",
        "python/needle/own/numbers.py": "TWO = 2\n",
        "python/needle/unused.py": "raise SystemExit\n",
        "python/needle/a.py": """
            def twice(x):
                <<
                from .own import tools
                return tools.TWO * x
                >>
            """,
    }
    new = {
        "python/needle/__init__.py": "",
        "python/needle/sub/a.py": starter("def twice(x):\n    <<\n    >>\n", "python/needle/sub/a.py"),
    }
    planned = moved(hw4, old, new, Editions({"python/needle/sub/a.py": ("python/needle/a.py",)}))
    own = sorted(path for path in planned.texts if "own" in path)
    assert own == [f"python/needle/own/{name}.py" for name in ("__init__", "numbers", "tools")]
    assert "from needle.own import tools" in region(planned.texts["python/needle/sub/a.py"], "def twice")


def test_what_an_import_in_a_region_names_comes_along(hw4: Assignment) -> None:
    """A region that was taken as it stands imports a helper of another file, whose regions have work already."""
    named = "<<\nfrom .b import helper\n>>\n\n\ndef twice(x):\n    <<\n    return helper(x)\n    >>\n"
    old = {"python/needle/a.py": named, "python/needle/b.py": "<<\ndef helper(x):\n    return 2 * x\n>>\n"}
    new = {
        "python/needle/a.py": starter("<<\n>>\n\n\ndef twice(x):\n    <<\n    >>\n"),
        "python/needle/b.py": text("<<\nMINE = 1\n>>\n"),
    }
    planned = moved(hw4, old, new)
    assert "MINE = 1" in planned.texts["python/needle/b.py"]
    assert "def helper(x):" in planned.texts["python/needle/b.py"]


def test_functions_of_numpy_that_arrays_here_do_not_have(hw4: Assignment) -> None:
    """In a first homework arrays were NumPy's: what needle's own do not offer is told."""
    old = {"python/needle/a.py": "import numpy as api\n\n\ndef f(x):\n    return api.swapaxes(api.exp(x), 0, 1)\n"}
    new = {
        "python/needle/arrays.py": "def exp(x):\n    return x\n",
        "python/needle/a.py": starter("from . import arrays as api\n\n\ndef f(x):\n    <<\n    >>\n"),
    }
    notes = item(moved(hw4, old, new), "f").notes
    assert notes == ("api.swapaxes is numpy's, and what is called api here has no swapaxes",)


def test_a_notebooks_regions(hw4: Assignment) -> None:
    """They go by the function or the heading they belong to; the student's other cells stay, and are told."""

    def notebook(*cells: str) -> str:
        made = [
            {
                "cell_type": "code",
                "id": str(n),
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": text(cell).splitlines(keepends=True),
            }
            for n, cell in enumerate(cells)
        ]
        return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)

    stub = derive_text(notebook("def f(x):\n    <<\n    return x\n    >>\n"), "hw4.ipynb")
    old = notebook("mine = 1\n", "def f(x):\n    <<\n    return f'{x} \\n'\n    >>\n")
    planned = moved(hw4, {"hw4.ipynb": old}, {"hw4.ipynb": stub})
    cells = json.loads(planned.texts["hw4.ipynb"])["cells"]
    assert ["".join(cell["source"]) for cell in cells] == [text("def f(x):\n    <<\n    return f'{x} \\n'\n    >>\n")]
    assert any("make carry UPGRADE=NEW.zip" in remark for remark in planned.remarks)
    kept = moved(hw4, {"hw4.ipynb": old}, {"hw4.ipynb": stub.replace("raise NotImpl", "return NotImpl")})
    assert (item(kept, "f").fate, kept.texts) == (Fate.KEPT, {})


def test_cpp_namespaces_conditions_and_outdented_lines(hw4: Assignment) -> None:
    """A namespace comes whole, a definition with its `#if`; a brace that hangs out to the left is no trouble."""
    old = """
        #ifdef LOUD
        #define SAY(x) log(x)
        #else
        #define SAY(x)
        #endif
        namespace mine {
        template <typename T> T one(T x) { return x; }
        }  // namespace mine
        void Mul(float* out) {
            SAY(1);
            if (out)
        {
            *out = mine::one(*out);
        }
        }
        """
    new = "void Mul(float* out) {\n  /// BEGIN YOUR SOLUTION\n  /// END YOUR SOLUTION\n}\n"
    planned = moved(hw4, {"src/a.cc": old}, {"src/a.cc": derive_text(new, "src/a.cc")})
    said = planned.texts["src/a.cc"]
    assert said.count("#ifdef LOUD") == said.count("#endif") == said.count("namespace mine {") == 1
    assert "  SAY(1);\n  if (out)\n  {\n  *out" in said or "  SAY(1);\n  if (out)\n  {\n" in said


def test_cpp_a_template_with_a_default_hides_no_function(hw4: Assignment) -> None:
    """Nor does an operator: what stands behind them is found, and comes along where it is used."""
    old = """
        Pair operator+(Pair a, Pair b) { return {a.x + b.x}; }
        template <int N = 4> void fill(float* x) { *x = N; }
        void Mul(float* out) { fill<2>(out); }
        """
    new = "void Mul(float* out) {\n  /// BEGIN YOUR SOLUTION\n  /// END YOUR SOLUTION\n}\n"
    planned = moved(hw4, {"src/a.cc": old}, {"src/a.cc": derive_text(new, "src/a.cc")})
    assert item(planned, "Mul").fate is Fate.CARRIED
    assert "template <int N = 4> void fill(float* x) { *x = N; }" in planned.texts["src/a.cc"]


def test_cpp_what_cannot_stand_here_costs_no_other_function(hw4: Assignment) -> None:
    """A marker in a string cannot be handed in; the function that uses it is named, the others are carried."""
    old = """
        const char* HELP = "write below /// BEGIN YOUR SOLUTION";
        void Mul(float* out) { puts(HELP); }
        void Div(float* out) { *out = 1; }
        """
    body = "(float* out) {\n  /// BEGIN YOUR SOLUTION\n  /// END YOUR SOLUTION\n}\n"
    planned = moved(hw4, {"src/a.cc": old}, {"src/a.cc": derive_text(f"void Mul{body}\nvoid Div{body}", "src/a.cc")})
    assert (item(planned, "Mul").fate, item(planned, "Div").fate) == (Fate.UNPLACED, Fate.CARRIED)
    assert "HELP" not in planned.texts["src/a.cc"]


def test_large_files_beside_the_sources_do_not_matter(hw4: Assignment, trees: tuple[Path, Path]) -> None:
    """Data sets and checkpoints lie in earlier trees; only sources are looked at."""
    with (trees[0] / "python" / "needle" / "model.npz").open("wb") as file:
        file.truncate(100 << 20)
    assert transfer(hw4, trees).changed
