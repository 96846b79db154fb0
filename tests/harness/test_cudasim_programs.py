"""cuda-sim on textbook kernels (tests/cudasim/*.cu): what is right passes every check, each planted bug is named."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.cudasim import program
from grader.errors import UsageError
from grader.toolchain import cxx_compiler

HERE = Path(__file__).resolve().parents[1] / "cudasim"
Build = Callable[[str, bool], Path]

pytestmark = pytest.mark.skipif(cxx_compiler() is None, reason="no C++ compiler")


@dataclass(frozen=True)
class Bug:
    """A planted bug, and what must be said about it."""

    theme: str  # the file
    variant: str  # its argument; the file's lines with `// BUG: <variant>` are where the bug is
    check: str  # that finds it; "" where none is needed
    kernel: str  # in which it is; "" where the host is wrong
    words: str  # of the message

    def __str__(self) -> str:
        return f"{self.theme}-{self.variant}"


PAST_THE_END = "out of bounds: reads 4 bytes at"
UNSET = "uninitialised memory: reads 4 bytes at"
ORDER = "its result depends on the order in which threads run"
BUGS = [
    Bug("vector_add", "off_by_one", "memory", "AddOffByOne", PAST_THE_END),
    Bug("vector_add", "no_guard", "memory", "AddNoGuard", PAST_THE_END),
    Bug("vector_add", "unset", "memory", "AddTo", UNSET),
    Bug("vector_add", "host_pointer", "memory", "AddTo", "neither device memory nor"),
    Bug("vector_add", "wild_index", "memory", "AddBefore", "a negative number taken as unsigned is far off"),
    Bug("vector_add", "freed", "memory", "AddTo", "use of freed device memory"),
    Bug("vector_add", "empty", "memory", "Add", "the grid is (0, 1, 1) blocks, but no extent may be 0"),
    Bug("transpose", "missing_barrier", "race", "TransposeWithoutBarrier", ORDER),
    Bug("transpose", "missing_barrier", "memory", "TransposeWithoutBarrier", UNSET),
    Bug("transpose", "wrong_shared_index", "memory", "TransposeWrongIndex", UNSET),
    Bug("transpose", "out_of_tile", "memory", "TransposeOutOfTile", "out of bounds: index 32 of an array of type"),
    Bug("transpose", "swapped_guard", "memory", "TransposeSwappedGuard", PAST_THE_END),
    Bug("matmul", "missing_second_barrier", "race", "MatmulOneBarrier", ORDER),
    Bug("matmul", "no_remainder_guard", "memory", "MatmulNoRemainder", PAST_THE_END),
    Bug("matmul", "one_term_too_many", "memory", "MatmulOneTermTooMany", PAST_THE_END),
    Bug("matmul", "early_return", "", "MatmulEarlyReturn", "was reached by 64 of 256 threads"),
    Bug("reduction", "too_little_shared", "memory", "SumDynamic", "dynamic shared memory of 256 bytes"),
    Bug("reduction", "missing_barrier", "race", "SumWithoutBarrier", ORDER),
    Bug("reduction", "past_shared", "memory", "SumPastShared", "directly past the end of the __shared__ variable part"),
    Bug("reduction", "unset_accumulator", "memory", "SumUnset", "the __shared__ variable sum"),
    Bug("reduction", "race_on_shared", "race", "SumRace", ORDER),
    Bug("reduction", "unset_output", "memory", "SumInto", UNSET),
    Bug("reduction", "race_on_global", "race", "SumIntoRace", ORDER),
    Bug("scan", "missing_barrier", "race", "ScanWithoutBarrier", ORDER),
    Bug("scan", "below_zero", "memory", "ScanBelowZero", "out of bounds: index -1 of an array of type"),
    Bug("histogram", "no_atomic", "race", "HistogramNoAtomic", ORDER),
    Bug("histogram", "no_atomic_shared", "race", "HistogramNoAtomicShared", ORDER),
    Bug("histogram", "block_too_large", "", "HistogramGlobal", "2048 in all, but a block has at most 1024"),
    Bug("histogram", "too_much_shared", "", "HistogramWarps<Wide>", "131072 bytes of dynamic shared memory"),
    Bug("warp_sum", "lane_left", "", "SumLaneLeft", "which is in the mask 0xffffffff but has already returned"),
    Bug("warp_sum", "barrier_in_branch", "", "SumBarrierInBranch", "was reached by 8 of 256 threads"),
    Bug("warp_sum", "two_barriers", "", "SumTwoBarriers", "more wait in __syncthreads()"),
    Bug("warp_sum", "missing_syncwarp", "race", "SumNoSyncwarp", ORDER),
    Bug("host", "misaligned", "memory", "Double", "misaligned"),
    Bug("host", "zero_grid", "", "Double", "the grid is (0, 1, 1) blocks"),
    Bug("host", "read_on_host", "", "", "device pointer on the host"),
    Bug("host", "write_on_host", "", "", "device pointer on the host"),
    Bug("host", "read_on_host", "memory", "", "host code reads 4 bytes"),
    Bug("host", "double_free", "memory", "", "for the second time"),
    Bug("host", "copy_too_much", "", "", "reads 1044 bytes from element 0 of an allocation of 1040 bytes"),
    Bug("host", "copy_wrong_way", "memory", "", "device pointer as the destination of cudaMemcpy"),
    Bug("host", "copy_freed", "", "", "that has been freed"),
    *(
        bug
        for check in ("", "memory")
        for bug in (
            Bug("host", "no_kernel", check, "Plain", "Plain is not a kernel, and nvcc refuses to launch it"),
            Bug("host", "called_kernel", check, "", "was called as a function; launch it: Double<<<blocks, threads>>>"),
            Bug("host", "kernel_in_kernel", check, "DoubleTwice", "but was called as a function by device code; make"),
        )
    ),
]
THEMES = sorted(path.stem for path in HERE.glob("*.cu"))
PLAIN = sorted({bug.theme for bug in BUGS if not bug.check})


def variants(theme: str) -> list[str]:
    """The variants of a theme that are right, as its source names them."""
    return sorted(set(re.findall(r'"(right\w*)"', (HERE / f"{theme}.cu").read_text())))


RIGHT = [(theme, variant) for theme in THEMES for variant in variants(theme)]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compiles a theme, with or without the hooks of the checks, once."""
    built: dict[tuple[str, bool], Path] = {}

    def compiled(theme: str, checked: bool) -> Path:
        if (theme, checked) not in built:
            target = tmp_path_factory.mktemp(theme) / theme
            program.compile_program(HERE / f"{theme}.cu", target, checked=checked)
            built[theme, checked] = target
        return built[theme, checked]

    return compiled


def run(executable: Path, variant: str, *checks: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **program.settings(checks, None)}
    return subprocess.run([str(executable), variant], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("checks", ["memory", "race", "memory,race"])
@pytest.mark.parametrize(("theme", "variant"), RIGHT)
def test_right_kernels_pass_the_checks(build, theme, variant, checks):
    """No false alarm, and the same result as a loop on the host."""
    done = run(build(theme, True), variant, *checks.split(","))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.parametrize(("theme", "variant"), [case for case in RIGHT if case[0] in PLAIN])
def test_right_kernels_pass_without_checks(build, theme, variant):
    """Optimised, as a tree's kernels are when they are graded."""
    done = run(build(theme, False), variant)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_a_planted_bug_is_named(build, bug):
    """In one line: what is wrong, in which kernel, and where. The program fails."""
    done = run(build(bug.theme, bool(bug.check)), bug.variant, *filter(None, [bug.check]))
    told = done.stderr
    assert done.returncode != 0
    assert told.startswith("cuda-sim: ")
    assert bug.words in told
    assert f"kernel {bug.kernel}" in told if bug.kernel else not re.search(r"kernel \w+(,| at) ", told)
    assert "terminate called" not in told
    source = (HERE / f"{bug.theme}.cu").read_text().splitlines()
    lines = [source[int(line) - 1] for line in re.findall(rf"{bug.theme}\.cu:(\d+)", told)]
    assert any(marks(line, bug) for line in lines), told


def test_what_lies_past_the_end_is_no_number(build):
    """A read a little past the end shows in the result without any check: on a GPU, too, anything may lie there."""
    done = run(build("matmul", False), "one_term_too_many")
    assert done.returncode != 0
    assert "nan" in (done.stdout + done.stderr).lower()


def marks(line: str, bug: Bug) -> bool:
    """Whether the bug is on this line, or its kernel is launched there."""
    named = line.partition("// BUG: ")[2].split(", ")
    return bug.variant in named or (bug.kernel != "" and f"{bug.kernel}<<<" in line)


def test_every_variant_is_tested():
    """No program has a variant that no test runs."""
    for theme in THEMES:
        written = set(re.findall(r'variant == "(\w+)"', (HERE / f"{theme}.cu").read_text()))
        tested = {bug.variant for bug in BUGS if bug.theme == theme} | set(variants(theme))
        assert written == tested | (written & {"right"}), theme


def test_the_exit_status_is_the_programs_own(tmp_path, capfd):
    """A program gets its arguments and its exit status through; a signal is 128 and its number."""
    (tmp_path / "x.cu").write_text(
        "int main(int n, char** words) { if (n == 3) abort(); puts(words[1]); return 40 + n; }"
    )
    assert program.run(tmp_path / "x.cu", ["--check"]) == 42
    assert capfd.readouterr().out == "--check\n"
    assert program.run(tmp_path / "x.cu", ["a", "b"]) == 128 + 6


def test_headers_beside_the_program_are_translated(tmp_path, capfd, monkeypatch):
    """Also one that a header includes, and one above the program; a debugger's program is left where it is wanted."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.cu").write_text('#include "../a.cuh"\n#include "nowhere.h"\nint main() { go(); }')
    (tmp_path / "a.cuh").write_text('#include "sub/b.h"\ninline void go() { k<<<1, 2>>>(); cudaDeviceSynchronize(); }')
    (tmp_path / "sub" / "b.h").write_text('__global__ void k() { printf("%d of %d\\n", threadIdx.x, blockDim.x); }')
    (tmp_path / "sub" / "nowhere.h").write_text("")
    monkeypatch.chdir(tmp_path)
    assert program.run(Path("sub/x.cu"), executable=Path("out/x")) == 0
    assert capfd.readouterr().out == "0 of 2\n1 of 2\n"
    assert subprocess.run(["out/x"], capture_output=True, check=False).returncode == 0


def refused(source: str, folder: Path) -> str:
    (folder / "x.cu").write_text(source)
    with pytest.raises(UsageError) as caught:
        program.run(Path("x.cu"))
    return str(caught.value)


def test_what_cannot_be_run_is_refused_in_words(tmp_path, monkeypatch):
    """A program that is not there, not supported, or wrong: with its own path and line."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"y\.cu is not there"):
        program.run(Path("y.cu"))
    assert (
        refused("\n#include <mma.h>\nint main() {}", tmp_path).splitlines()[1].startswith("x.cu:2: cuda-sim does not")
    )
    array = "struct A { A() {} A(const A&) = delete; operator int() const { return 1; } } a;"
    told = refused(
        f"__global__ void k(int n) {{}}\nint main() {{ {array}\n  k<<<1, 1>>>(m); k<<<1, 1>>>(a);\n}}", tmp_path
    )
    assert told.startswith("x.cu does not compile:\nx.cu: In function")
    assert "x.cu:3: error: 'm' was not declared in this scope" in told
    assert "pass the pointer that is in it (array.ptr), not the object" in told
    assert "deleted function" not in told
    assert refused("void f();\nint main() { f(); }", tmp_path).startswith("x.cu cannot be linked:\n")


@pytest.mark.parametrize(
    ("checks", "seeds", "words"),
    [
        (["leaks"], None, "--check has value 'leaks'; expected one of: memory, race."),
        (["memory"], 5, "--seeds is the number of orders that --check race tries"),
        (["race"], 0, "--seeds has value 0; expected a number from 1 to 1000."),
    ],
)
def test_options_that_say_nothing_are_refused(checks, seeds, words):
    """Before anything is compiled."""
    with pytest.raises(UsageError) as caught:
        program.run(HERE / "scan.cu", checks=checks, seeds=seeds)
    assert words in str(caught.value)


def test_the_number_of_orders(tmp_path, capfd):
    """--seeds sets how many orders of the threads are tried beside the natural one."""
    (tmp_path / "x.cu").write_text(
        "__global__ void k() { if (threadIdx.x == 0) fputc('x', stderr); }\nint main() { k<<<1, 4>>>(); }"
    )
    assert program.run(tmp_path / "x.cu", checks=["race"], seeds=5) == 0
    assert capfd.readouterr().err == "x" * 6
