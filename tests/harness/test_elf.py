"""What a compiled module may link: the loader's view of real modules, and of forged ones."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.build import prepare
from grader.reading.elf import Checked, check_module, read
from grader.reading.modules import read_modules
from grader.sandbox.none import PlainProcess

TOY = Path(__file__).parents[1] / "submissions" / "toy"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="modules are ELF files on Linux only")

SQUARE = 'extern "C" __attribute__((visibility("default"))) double square(double x) { return x * x; }\n'


def compiled(folder: Path, source: str, *options: str) -> bytes:
    """A shared object as the build makes them."""
    compiler = shutil.which("c++") or pytest.skip("there is no C++ compiler")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.cc").write_text(SQUARE + source)
    command = [compiler, "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "a.cc", "-o", "a.so", *options]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "a.so").read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A module that links what every module links."""
    source = '#include <stdexcept>\nvoid f(int n) { if (n) throw std::runtime_error("n"); }\nauto* kept = f;\n'
    return compiled(tmp_path_factory.mktemp("plain"), source)


def test_an_ordinary_module_may_be_used(plain: bytes) -> None:
    """The C and C++ run time, and nothing that anybody is told of."""
    assert check_module(plain, cuda=False) == Checked()
    assert any(name.startswith("libstdc++") for name in read(plain).libraries)
    assert "__cxa_throw" in read(plain).imports


def test_another_library_is_refused(tmp_path: Path) -> None:
    """One of the system's, and one that lies beside it."""
    compiled(tmp_path / "blas", "")
    (tmp_path / "blas" / "a.so").rename(tmp_path / "libmyblas.so")
    data = compiled(tmp_path, "", "-Wl,--no-as-needed", f"-L{tmp_path}", "-lmyblas")
    assert check_module(data, cuda=False).refused == (
        "links libmyblas.so, and may link nothing but the C and C++ run time: take out what needs it"
    )


def test_a_folder_to_search_is_refused(tmp_path: Path) -> None:
    """RUNPATH, and the older RPATH."""
    for tag in ("--enable-new-dtags", "--disable-new-dtags"):
        data = compiled(tmp_path, "", f"-Wl,-rpath,$ORIGIN/lib,{tag}")
        assert check_module(data, cuda=False).refused == (
            "has libraries searched in $ORIGIN/lib (RPATH), and may name no folder but the compiler's own: let CXX "
            "name a compiler that adds none"
        )


@pytest.mark.parametrize(
    ("searched", "may"),
    [
        ("/opt/conda/lib", True),
        ("/opt/conda/lib:/opt/conda/lib64", True),
        ("/opt/conda/lib:/tmp", False),
        ("/opt/conda/../../tmp", False),
        ("/opt/conda/$ORIGIN", False),
        ("/opt/conda2/lib", False),
        ("lib", False),
        ("/opt/conda/lib:", False),  # an empty one is the current folder
    ],
)
def test_a_compilers_own_folder_may_be_searched(tmp_path: Path, searched: str, may: bool) -> None:
    """Conda's g++ names the lib of its environment in whatever it makes, and no student is to blame for it."""
    data = compiled(tmp_path, "", f"-Wl,-rpath,{searched}")
    assert (check_module(data, cuda=False, compiler="/opt/conda/bin/g++").refused == "") is may
    assert check_module(data, cuda=False, compiler="/g++").refused


def test_glibcs_vectors_may_be_linked(tmp_path: Path) -> None:
    """Where code is compiled with -ffast-math, or asks for it, expf is a function of libmvec: glibc's own."""
    (tmp_path / "mvec").mkdir()
    compiled(tmp_path / "mvec", "", "-Wl,-soname,libmvec.so.1")
    data = compiled(tmp_path, "", "-Wl,--no-as-needed", str(tmp_path / "mvec/a.so"))
    assert check_module(data, cuda=False) == Checked()
    assert "libmvec.so.1" in read(data).libraries


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("#include <dlfcn.h>\nvoid* f() { return dlopen(\"x.so\", RTLD_NOW); }\nauto* kept = f;", "imports dlopen"),
        # Visible and its own, so not undefined: the loader binds the call to libc's all the same.
        (
            "extern \"C\" __attribute__((weak, visibility(\"default\"))) void* dlopen(const char*, int) { return 0; }\n"
            "extern \"C\" __attribute__((visibility(\"default\"))) void* f() { return dlopen(\"libblas.so\", 2); }",
            "imports dlopen",
        ),
        (
            "extern \"C\" __attribute__((visibility(\"default\"))) void cblas_sgemm();\nvoid (*kept)() = cblas_sgemm;",
            "imports cblas_sgemm",
        ),
        (
            "extern \"C\" __attribute__((visibility(\"default\"))) void sgemm_();\nvoid (*kept)() = sgemm_;",
            "imports sgemm_",
        ),
        # Not by its name in the source.
        ("#define CAT(a, b) a##b\n#include <dlfcn.h>\nauto* kept = CAT(dl, sym);", "imports dlsym"),
    ],
    ids=["dlopen", "dlopen of its own", "cblas", "fortran", "pasted"],
)  # fmt: skip
def test_loading_and_libraries_of_linear_algebra_are_refused(tmp_path: Path, source: str, said: str) -> None:
    """However the source spells them, the module imports them by name."""
    source = source.replace("auto* kept", 'extern "C" __attribute__((visibility("default"))) auto* kept')
    assert check_module(compiled(tmp_path, source), cuda=False).refused.startswith(said)


def test_programs_and_sockets_are_told_of(tmp_path: Path) -> None:
    """The box holds them back; what they are for is for a person to find out."""
    source = "#include <cstdlib>\n#include <sys/socket.h>\n"
    source += 'int f() { return system("x") + socket(1, 1, 0); }\nauto* kept = f;'
    data = compiled(tmp_path, source)
    checked = check_module(data, cuda=False)
    assert checked == Checked("", (("socket", "uses the network"), ("system", "starts programs")))
    assert not any(name == "socket" for name, _ in check_module(data, cuda=True).suspicions)  # CUDA's run time has it
    (tmp_path / "m.so").write_bytes(data)
    flags = read_modules({"vec._native": str(tmp_path / "m.so"), "vec._cuda": ""}, cuda=frozenset({"vec._cuda"}))
    assert [(flag.place, flag.what, flag.why) for flag in flags] == [
        ("vec._native", "imports socket", "it uses the network"),
        ("vec._native", "imports system", "it starts programs"),
    ]


def test_what_no_linux_loads_is_not_looked_at() -> None:
    """A module of macOS, for one."""
    assert check_module(b"\xcf\xfa\xed\xfe and so on", cuda=False) == Checked()


def patched(data: bytes, tag: int, to: int, value: int | None = None) -> bytes:
    """The module with one entry of its dynamic section under another tag, or of another value."""
    (table,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    out = bytearray(data)
    for number in range(count):
        kind, _, start, _, _, size = struct.unpack_from("<IIQQQQ", data, table + 56 * number)
        for at in range(start, start + size, 16) if kind == 2 else ():
            if struct.unpack_from("<Q", data, at)[0] == tag:
                struct.pack_into("<Q", out, at, to)
                if value is not None:
                    struct.pack_into("<Q", out, at + 8, value)
                return bytes(out)
    raise AssertionError(f"no entry {tag}")


@pytest.mark.parametrize("tag", [0x7FFFFFFD, 0x7FFFFFFF, 0x6FFFFEFC, 0x6FFFFEFB, 15, 29])
def test_a_forged_dynamic_section_is_refused(plain: bytes, tag: int) -> None:
    """Filters, auditors and folders: whatever makes the loader load something more."""
    assert check_module(patched(plain, 0x6FFFFFF9, tag, 1), cuda=False).refused  # in the place of DT_RELACOUNT


def test_a_forged_file_is_refused_in_words(plain: bytes) -> None:
    """Offsets beyond the file, tables named twice, a header of another machine, nothing behind the header."""
    for forged in (
        patched(plain, 5, 5, 1 << 63),
        patched(plain, 10, 10, 1 << 40),
        patched(plain, 6, 5),
        patched(plain, 8, 8, 25),
        plain[:18] + b"\x03" + plain[19:],
        plain[:64],
        b"\x7fELF",
    ):
        assert check_module(forged, cuda=False).refused.startswith("is not a shared object that Linux would load: ")


def test_segments_that_share_a_page_are_refused(plain: bytes) -> None:
    """Of a page that two segments share, the loader takes the later one's bytes; so for one that begins within a page.

    The first segment is said to reach one byte further in memory than the second one's first page begins; then the
    second one's bytes are taken from a place that is not as far into a page as its address.
    """
    table = struct.unpack_from("<Q", plain, 32)[0]
    loads = [at for at in range(table, table + 56 * plain[56], 56) if plain[at : at + 4] == b"\1\0\0\0"]
    second = struct.unpack_from("<Q", plain, loads[1] + 16)[0]
    for at, value in ((loads[0] + 40, second // 4096 * 4096 + 1), (loads[1] + 8, 16)):
        forged = bytearray(plain)
        struct.pack_into("<Q", forged, at, value)
        assert "its segments overlap" in check_module(bytes(forged), cuda=False).refused


def test_forged_files_never_fail(plain: bytes) -> None:
    """Random bytes written over a real module: an answer, whatever they are."""
    draw = random.Random(6)
    for _ in range(2000):
        forged = bytearray(plain[: draw.choice([len(plain), draw.randrange(len(plain))])])
        for _ in range(draw.choice([1, 4, 32])):
            if forged:
                forged[draw.randrange(min(len(forged), draw.choice([64, 1024, len(plain)])))] = draw.randrange(256)
        assert isinstance(check_module(bytes(forged), cuda=False), Checked)


def test_a_module_that_may_not_be_used_is_the_trees_fault(
    tmp_path: Path, toy: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence; and again when the module comes from the cache."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    shutil.copytree(TOY / "good", tmp_path / "tree")
    source = tmp_path / "tree" / "src" / "native.cc"
    source.write_text(
        source.read_text().replace("double sum = 0;", 'double sum = dlopen("libblas.so", 1) ? 1 : 0;', 1)
        .replace("#include <Python.h>", "#include <Python.h>\n#include <dlfcn.h>", 1)
    )  # fmt: skip
    for again in ("first", "cached"):
        tree = prepare(tmp_path / "tree", toy, PlainProcess(), tmp_path / again)
        assert tree.fault == (
            "the module compiled from src/native.cc imports dlopen, and may load no other library: "
            "take out what needs it"
        )
