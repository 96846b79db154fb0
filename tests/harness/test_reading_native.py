"""C++ and CUDA that are worth a look, and ordinary kernels, about which nothing is said."""

from __future__ import annotations

import random

import pytest

from grader.reading.native import read_native

SUSPECT = [
    ("#include <dlfcn.h>", "includes dlfcn.h"),
    ('#include "/etc/shadow"', "includes /etc/shadow"),
    ("#include <cblas.h>", "includes cblas.h"),
    ("#include <Eigen/Dense>", "includes Eigen/Dense"),
    ('#include "../../x.h"', "includes ../../x.h"),
    ("#define X <dlfcn.h>\n#include X", "#include X"),
    ('void f(){ auto h=dlopen("x",1);}', "dlopen"),
    ('int main(){ system("ls"); }', "system()"),
    ('void f(){ std::system("ls"); }', "system()"),
    ('asm(".incbin \\"/etc/passwd\\"");', "asm"),
    ('void f(){ __asm__ volatile("syscall"); }', "__asm__"),
    ('extern "C" void cblas_sgemm();', "cblas_sgemm"),
    ('extern "C" void sgemm_(int*);', "sgemm_"),
    ('auto np=py::module_::import("numpy");', "module_::import"),
    ('void f(){PyImport_ImportModule("x");}', "PyImport_ImportModule"),
    ("PyObject *f(PyObject *a){return PyNumber_MatrixMultiply(a, a);}", "PyNumber_MatrixMultiply"),
    ('void f(){PyRun_SimpleString("x");}', "PyRun_SimpleString"),
    ('void f(){py::exec("x");}', "py::exec"),
    ('void f(){ x.attr("matmul")(a,b);}', 'attr("matmul")'),
    ('void f(){ x.attr("mat" "mul")(a,b);}', 'attr("matmul")'),
    ('const char*m="nu" "mpy";', "names 'numpy'"),
    ('const char*m="\\x6eumpy";', "names 'numpy'"),
    ('#pragma comment(lib,"mkl")', '#pragma comment(lib,"mkl")'),
    ("#pragma redefine_extname f dlopen", "#pragma redefine_extname f dlopen"),
    ("__attribute__((constructor)) void f(){}", "__attribute__((constructor))"),
    ("[[gnu::constructor]] void f(){}", "__attribute__((constructor))"),
    ('#define CAT(a,b) a##b\nvoid f(){ CAT(dl,open)("x",1);}', "## could make dlopen of dl and open"),
    ('void f(){ dl\\\nopen("x",1);}', "a name broken over two lines"),
    ('void f(){ std::ifstream s("x");}', "ifstream"),
    ('void f(){ auto x=fopen("/proc/self/maps","r");}', "fopen"),
    ("float t[]={" + "1.0f," * 300 + "};", "a table of 300 numbers"),
    ("float t[][2]={" + "{1.0f,-2.f}," * 300 + "};", "a table of 600 numbers"),
    ("void f(){ fork(); }", "fork()"),
    ("%:include <x>", "%: for #"),
    ('int g(int) __attribute__((alias("h")));', "__attribute__((alias))"),
    ("void f(){ return ::socket(1,2,3);}", "socket()"),
    ("#include <thrust/reduce.h>", "includes thrust/reduce.h"),
    ("void f(){ cublasSgemm(h);}", "cublasSgemm"),
    ('_Pragma("redefine_extname f dlopen")', "_Pragma('redefine_extname f dlopen')"),
    ("void f() { syscall(1); }", "syscall()"),
    ('const char *s=R"(/proc/self/mem)";', "names '/proc/self/mem'"),
]

ORDINARY = [
    '#include <cuda_runtime.h>\n#include <vector>\n#include "my/helper.h"\n#include <immintrin.h>\n#include <omp.h>',
    "struct S{ S* clone() const; void open(); int raise(int); };\n"
    "S* S::clone() const {return 0;}\n"
    "void g(S s){ s.open(); s.clone(); }",
    "int connect(int a);",
    '// dlopen("x")\n/* system("y") */ const char*s="calls dlopen and system";',
    "template<class T> void socket(T);",
    '#pragma once\n#pragma GCC optimize("O3")\n#pragma omp parallel for\n#pragma unroll',
    'm.attr("__device_name__")="cpu"; m.def("matmul",&Matmul);',
    "#define C(a,b) a##b\nvoid f(){ int C(x,y)=1;}",
    "void sgemm(float*a){} void dot(){}",
    "__attribute__((aligned(64))) float x; typedef float AlignedArray __attribute__((vector_size(32)));",
    "void f(){ int tile[4]={1,2,3,4}; " + "x=1;y=2;" * 300 + " }",
    "using alias = int; int constructor=1; int destructor(int);",
    'throw std::runtime_error("cannot open file system");',
]


def ids(cases: list[tuple[str, ...]]) -> list[str]:
    """A number and what is said, for each."""
    return [f"{number}: {case[-1][:40]}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("source", "said"), SUSPECT, ids=ids(SUSPECT))
def test_what_is_worth_a_look(source: str, said: str) -> None:
    """It is told of, with the line."""
    flags = read_native("src/a.cc", f"// a kernel\n{source}\n")
    assert said in [flag.what for flag in flags]
    assert all(flag.line > 1 and flag.file == "src/a.cc" and flag.why for flag in flags)


@pytest.mark.parametrize("source", ORDINARY, ids=[str(i) for i in range(len(ORDINARY))])
def test_ordinary_code(source: str) -> None:
    """Nothing is said of comments, messages, own functions of such names, bindings, or many numbers in a function."""
    assert read_native("src/a.cc", source) == []


def test_any_text_is_read() -> None:
    """Random bytes, and pieces of C++ in any order: an answer, in time that grows with the text."""
    draw = random.Random(6)
    pieces = [
        *"{}()[]<>\"'#\\/*%:;,.\n\t \x00\xff",
        'R"(',
        "#include",
        "##",
        "attr",
        "dlopen",
        "/*",
        "//",
        "asm",
        "1.0f",
        "::",
    ]
    for _ in range(1500):
        text = "".join(draw.choice(pieces) for _ in range(draw.randrange(200)))
        assert isinstance(read_native("src/a.cc", text), list)
