"""A module's bindings apart from its kernels."""

from __future__ import annotations

from conftest import ROOT
from proof.split import split, split_sources

from grader.assignment import load_assignment

SOURCE = """#include <cmath>
#include "bind.h"
namespace vec {
struct Array { float* ptr; };
constexpr int TILE = 8;
template <typename F>
void Each(F f) { f(); }
static float Half(float x) { return x / 2; }
void Add(const Array& a, Array* out) { out->ptr[0] = Half(a.ptr[0]) + 1; }
}
PYBIND11_MODULE(native, module) { Bind(module, "add", Add); }
"""
HEADER = "#include <pybind11/pybind11.h>\n#include <vector>\ninline void Bind() {}\n"


def test_kernels_and_bindings_come_apart():
    """The kernels include no pybind11; of a kernel the bindings have the prototype, of types and templates all."""
    parts = split("src/a.cc", SOURCE, {"src/bind.h": HEADER})
    assert parts is not None
    kernels, bindings = parts
    assert "PYBIND11_MODULE" not in kernels
    assert "bind.h" not in kernels
    assert "#include <vector>" in kernels
    assert "Half(a.ptr[0]) + 1" in kernels
    assert "void Add(const Array& a, Array* out) ;" in bindings
    assert "Half(a.ptr[0])" not in bindings
    assert "void Each(F f) { f(); }" in bindings
    assert 'Bind(module, "add", Add);' in bindings


def test_a_kernels_change_leaves_the_bindings():
    """So the cache has them."""
    changed = SOURCE.replace("+ 1", "+ 2")
    files = {"src/bind.h": HEADER}
    before, after = split("src/a.cc", SOURCE, files), split("src/a.cc", changed, files)
    assert before is not None
    assert after is not None
    assert before[1] == after[1]
    assert before[0] != after[0]


def test_what_has_state_stays_whole():
    """A variable would be in both parts, twice; and without a module there is nothing to take apart."""
    assert split("src/a.cc", SOURCE.replace("struct Array", "float kept = 0;\nstruct Array"), {}) is None
    assert split("src/a.cc", SOURCE.partition("PYBIND11_MODULE")[0], {}) is None


def test_the_layout_says_so(toy):
    """The assignment that the tree is built by has the bindings as a companion; what lacks the source stays."""
    texts, assignment = split_sources({"src/native.cc": SOURCE, "src/bind.h": HEADER}, toy)
    assert assignment.layout.companions["vec._native"] == ("src/native_bindings_apart.cc",)
    assert 'Bind(module, "add", Add);' in texts["src/native_bindings_apart.cc"]
    assert split_sources({}, toy) == ({}, toy)


def test_the_references_backend_comes_apart():
    """Else each of its planted bugs takes ten seconds to compile."""
    assignment = load_assignment(ROOT / "tests" / "hw4")
    source = "src/ndarray_backend_cpu.cc"
    folder = ROOT / "reference" / "src"
    files = {f"src/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("*")}
    kernels = split_sources(files, assignment)[0][source]
    assert "pybind11" not in kernels
    assert kernels.count("\n") > 100
