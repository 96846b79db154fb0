"""What a change can touch: by the functions of Python files, and by the exported functions of compiled modules."""

from __future__ import annotations

import pytest
from proof.native_units import exported, touched_exports
from proof.plan import touched
from proof.python_units import changed_units, parse
from proof.touched import Change, Seen, TouchMap, change_of
from proofs import case

PYTHON = '''"""A module."""
import math

LIMIT = 3


def helper(x):
    return x + 1


class Op:
    """An op."""

    size = 1

    @property
    def shape(self):
        return [i + 1 for i in self.sizes]

    def gradient(self, out, scale=1):
        return out * scale
'''

NATIVE = """#include "b.h"
namespace vec {
float Half(float x) { return x / 2; }
template <typename F>
void Each(const Array& a, F f) {
  for (size_t i = 0; i < a.size; i++) f(a.ptr[i]);
}
void Add(const Array& a, Array* out) { Each(a, [](float x) { return x; }); }
void Scale(const Array& a, Array* out) { out->ptr[0] = Half(a.ptr[0]); }
void CopyOut(const Array& a) { Half(0); }
}
PYBIND11_MODULE(native, module) {
  BindUnary(module, "add", Add);
  BindUnary(module, "scale", Scale);
  module.def("total", [](const Array& a) { return 1.0f; });
}
"""
HEADER = "struct Array { float* ptr; size_t size; };\n"


@pytest.mark.parametrize(
    ("old", "new", "units"),
    [
        ("x + 1", "x + 2", {"helper"}),
        ("out * scale", "out", {"Op.gradient"}),
        ("scale=1", "scale=2", {"Op.gradient"}),
        ("i + 1", "i", {"Op.shape"}),
        ("@property", "@cached", {"Op.shape"}),
        ("LIMIT = 3", "LIMIT = 4", None),
        ("size = 1", "size = 2", None),
        ("def gradient", "def backward", None),
        ("class Op", "class Op(Base)", None),
        ('"""An op."""', '"""A better op."""', set()),
        ("    return x + 1", "    return x + 1  # so", set()),
        ("class Op", "def more():\n    pass\n\n\nclass Op", {"more"}),
        ("    size = 1", "    size = 1\n    def forward(self):\n        pass\n", None),
    ],
)
def test_changed_units_of_python(old, new, units):
    """A change inside of functions touches these; any other one touches everything (None), but for words."""
    assert PYTHON.count(old) == 1
    found = changed_units(PYTHON, PYTHON.replace(old, new))
    assert found == units or (units == {"more"} and found is not None and found <= units)


def test_a_line_is_in_its_unit():
    """Code objects are known by their first line: what is nested, and decorators, belong to the function."""
    parsed = parse(PYTHON)
    lines = PYTHON.splitlines()
    assert parsed.unit_at(lines.index("    @property") + 1) == "Op.shape"
    assert parsed.unit_at(lines.index("        return out * scale") + 1) == "Op.gradient"
    assert parsed.unit_at(lines.index("LIMIT = 3") + 1) == ""


def test_exports_are_found():
    """Both ways of naming a function for Python."""
    assert set(exported({"a.cc": NATIVE})) == {"add", "scale", "total"}


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("out->ptr[0] = Half", "out->ptr[1] = Half", {"scale"}),
        ("{ return x; }", "{ return -x; }", {"add"}),
        ("i < a.size", "i + 1 < a.size", {"add"}),
        ("x / 2", "x / 3", {"scale"}),
        ("void Add(", "float Twice(float x) { return 2 * x; }\nvoid Add(", None),
        ("1.0f", "2.0f", None),
        ("namespace vec {", "namespace vec {\n#define FAST 1", None),
        ("Half(0)", "Half(1)", None),
        ("float Half(float x) {", "float Half(float x) { // by two\n", set()),
    ],
)
def test_touched_exports(old, new, names):
    """A change touches what calls it, by any number of steps; in doubt, everything (None)."""
    assert NATIVE.count(old) == 1
    texts = {"a.cc": NATIVE, "b.h": HEADER}
    found = touched_exports("a.cc", texts, {**texts, "a.cc": NATIVE.replace(old, new)})
    assert (found or None) == (names or None)


def test_what_every_call_goes_through_touches_everything():
    """The header's bindings use CopyOut without naming an export."""
    texts = {"a.cc": NATIVE, "b.h": HEADER + "inline void Send(const Array& a) { CopyOut(a); }\n"}
    assert touched_exports("a.cc", texts, {**texts, "a.cc": NATIVE.replace("x / 2", "x / 3")}) is None


def test_a_change_of_a_tree(toy):
    """Functions of Python files and exports of modules come together; headers and new files touch everything."""
    old = {"vec/a.py": PYTHON, "src/native.cc": NATIVE, "src/b.h": HEADER}
    new = {**old, "vec/a.py": PYTHON.replace("x + 1", "x"), "src/native.cc": NATIVE.replace("{ return x; }", "{}")}
    assert change_of(old, new, toy, ()) == Change("", frozenset({"vec/a.py:helper"}), frozenset({"add"}))
    assert "imported" in change_of(old, new, toy, ("vec/a.py:helper",)).everything
    assert change_of(old, {**old, "src/b.h": ""}, toy, ()).everything
    assert change_of(old, {**old, "vec/b.py": ""}, toy, ()).everything


def test_touched_cases_are_ordered():
    """Only the device's own; a case that is not in the map counts as touched; what runs least comes first."""
    cases = [case("wide"), case("small"), case("other"), case("new"), case("gpu", device="gpu"), case("sum", "total")]
    seen = {
        "wide": Seen(frozenset({"a:f", "a:g", "a:h"}), frozenset(), 0.1),
        "small": Seen(frozenset({"a:f"}), frozenset(), 0.2),
        "other": Seen(frozenset({"a:g"}), frozenset({"add"}), 0.1),
        "gpu": Seen(frozenset({"a:f"}), frozenset(), 0.1),
        "sum": Seen(frozenset({"a:f"}), frozenset(), 0.1),
    }
    seen_map = TouchMap({f"test_toy.py::{name}": value for name, value in seen.items()}, frozenset())
    found = touched(cases, "cpu", Change("", frozenset({"a:f"})), seen_map, ["total", "add", "scale"])
    assert {problem: [item.id.partition("::")[2] for item in own] for problem, own in found.items()} == {
        "total": ["sum"],
        "add": ["new", "small", "wide"],
    }
    assert len(touched(cases, "cpu", Change("a.h"), seen_map, ["total", "add"])["add"]) == 4
