"""What a student is shown of a compiler's output."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.compiler_errors import first_errors
from grader.toolchain import Toolchain

TREE = Path("/tmp/grader-sources-x1")
TOOLS = Toolchain("/usr/bin/c++", "c++ 12", "/py/include/python3.11", "/env/pybind11/include", "3.0", ".so")

GCC = """[1/2] Building CXX object CMakeFiles/module.dir/x.o
FAILED: CMakeFiles/module.dir/x.o
/usr/bin/c++ -Dmodule_EXPORTS -o x.o -c /tmp/grader-sources-x1/src/a.cc
In file included from /tmp/grader-sources-x1/src/a.cc:1:
/tmp/grader-sources-x1/src/a.h:3:7: error: expected ';' after class definition
    3 | class A {}
      |       ^
/tmp/grader-sources-x1/src/a.cc:4:1: fatal error: b.h: No such file or directory
compilation terminated.
ninja: build stopped: subcommand failed.
"""
TEMPLATE = """/usr/include/c++/12/bits/stl_algo.h: In instantiation of 'void std::sort(I, I)':
/tmp/grader-sources-x1/src/a.cc:9:14:   required from here
/usr/include/c++/12/bits/stl_algo.h:1938:50: error: no match for 'operator-'
/env/pybind11/include/pybind11/cast.h:7:1: error: static assertion failed
"""
NVCC = """/tmp/grader-sources-x1/src/a.cu(4): error: identifier "two" is undefined
1 error detected in the compilation of "/tmp/grader-sources-x1/src/a.cu".
"""
LINKER = """/usr/bin/ld: x.o: in function `f':
a.cc:(.text+0x5): multiple definition of `g'; y.o:a.cc:(.text+0x0): first defined here
collect2: error: ld returned 1 exit status
"""
CRASH = """c++: internal compiler error: Segmentation fault signal terminated program cc1plus
Please submit a full bug report, with preprocessed source.
"""


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (
            GCC,
            [
                "src/a.h:3:7: error: expected ';' after class definition",
                "src/a.cc:4:1: fatal error: b.h: No such file or directory",
            ],
        ),
        (
            TEMPLATE,
            [
                "<bits/stl_algo.h>:1938:50: error: no match for 'operator-' (required from src/a.cc:9:14)",
                "<pybind11/cast.h>:7:1: error: static assertion failed",
            ],
        ),
        (NVCC, ['src/a.cu(4): error: identifier "two" is undefined']),
        (
            LINKER,
            [
                "a.cc:(.text+0x5): multiple definition of `g'; y.o:a.cc:(.text+0x0): first defined here",
                "collect2: error: ld returned 1 exit status",
            ],
        ),
        (CRASH, ["c++: internal compiler error: Segmentation fault signal terminated program cc1plus"]),
        ("something\n\nelse entirely\nninja: build stopped.\n", ["something", "else entirely"]),
    ],
    ids=["gcc", "template", "nvcc", "linker", "crash", "unknown"],
)
def test_first_errors(output: str, lines: list[str]) -> None:
    """The errors are picked out, with the tree's paths; one in a header says where the student's code led to it."""
    assert first_errors(output, TREE, TOOLS).splitlines() == [f"  {line}" for line in lines]


def test_many_errors_are_cut() -> None:
    """Eight errors are enough to begin with, and the rest is counted."""
    output = "".join(f"{TREE}/src/a.cc:{line}:1: error: {'wrong ' * 10}\n" for line in range(1, 31))
    shown = first_errors(output, TREE, TOOLS).splitlines()
    assert len(shown) == 9
    assert shown[-1] == "  ... and 22 more"


@pytest.mark.parametrize("filler", ["x", "/", "/include/", ": error: ", "("])
def test_long_lines_are_cut(filler: str) -> None:
    """A template's error of a megabyte neither fills a report nor keeps a pattern busy for minutes."""
    line = f"{TREE}/src/a.cc:1:1: error: {filler * (1_000_000 // len(filler))}\n"
    assert len(first_errors(line, TREE, TOOLS)) < 400
    assert len(first_errors(filler * (1_000_000 // len(filler)), TREE, TOOLS)) < 400
