"""The build: what a tree's sources become, what is told when they do not compile, and what the cache saves."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import os
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader import cudasim, devices
from grader.assignment import Assignment
from grader.build import BuiltTree, prepare
from grader.cudasim import flags, runtime
from grader.errors import GraderError
from grader.recipe import simulators_version
from grader.sandbox.none import PlainProcess, PlainRunning
from grader.toolchain import REMEDIES

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
MODULE = """
#include <Python.h>
#include "beside.h"
#include <deeper/also.hpp>
#ifdef NDEBUG
#define ASSERTS 0
#else
#define ASSERTS 1
#endif
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, nullptr};
int not_exported;
PyMODINIT_FUNC PyInit__native() {
    PyObject *module = PyModule_Create(&def);
    PyModule_AddIntConstant(module, "answer", BESIDE + ALSO);
    PyModule_AddIntConstant(module, "standard", __cplusplus);
    PyModule_AddIntConstant(module, "strict", __STRICT_ANSI__);
    PyModule_AddIntConstant(module, "optimised", __OPTIMIZE__);
    PyModule_AddIntConstant(module, "asserts", ASSERTS);
    PyModule_AddStringConstant(module, "file", __FILE__);
    return module;
}
"""
HEADERS = {"src/beside.h": "#define BESIDE 40\n", "src/deeper/also.hpp": "#define ALSO 2\n"}


class Scripted:
    """A box that runs a shell script in place of each build; configuring always works, unless it is for CUDA."""

    name = "scripted"

    def __init__(self, script: str = f"printf module > out/_native{SUFFIX}") -> None:
        self.script = script
        self.builds = 0

    def spawn(self, command: Sequence[str], **options: Any) -> PlainRunning:
        script = "exit 1" if "-DHARNESS_LANGUAGE=CUDA" in command else "exit 0"
        if "--build" in command:
            self.builds += 1
            script = self.script
        return PlainProcess().spawn(["/bin/sh", "-c", script], **options)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of each test's own."""
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of the toy assignment whose source is anything, for builds that do not look at it."""
    return write(tmp_path / "tree", {"vec/__init__.py": "", "src/native.cc": "int x;\n"})


@pytest.fixture
def built(toy: Assignment, tmp_path: Path) -> Callable[..., BuiltTree]:
    """Prepare a tree, in a plain box unless another one is given."""
    return lambda tree, box=None, **options: prepare(tree, toy, box or PlainProcess(), tmp_path / "work", **options)


def write(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def load(file: str, name: str = "_native") -> ModuleType:
    """The compiled module in a file."""
    spec = importlib.util.spec_from_loader(name, importlib.machinery.ExtensionFileLoader(name, file))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


# --- compiling ---


def test_source_becomes_a_module_by_our_flags(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """The module is compiled with the harness's flags, from the tree's source and headers, without its CMakeLists."""
    write(tree, {"src/native.cc": MODULE, **HEADERS, "CMakeLists.txt": "message(FATAL_ERROR no)"})
    result = built(tree)
    assert result.fault is None
    module = load(result.modules["vec._native"])
    assert module.answer == 42
    assert (module.standard, module.strict, module.optimised, module.asserts) == (201703, 1, 1, 0)
    assert module.file == "src/native.cc"  # and not the folder of that very build
    assert not hasattr(ctypes.CDLL(result.modules["vec._native"]), "not_exported")


def test_bindings_of_pybind11_compile(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """pybind11 of this environment is found, portable flags work, and the module runs."""
    source = """
        #include <pybind11/pybind11.h>
        PYBIND11_MODULE(_native, m) { m.def("twice", [](int i) { return 2 * i; }); }
    """
    module = load(built(write(tree, {"src/native.cc": source}), native=False).modules["vec._native"])
    assert module.twice(21) == 42


def test_compile_error_is_the_trees_fault(tree: Path, built: Callable[..., BuiltTree], cache: Path) -> None:
    """The fault shows the compiler's first errors, with paths of the tree, the same each time."""
    write(tree, {"src/native.cc": '#include "beside.h"\nint f() { return wrong; }\n', "src/beside.h": "int g(\n"})
    first = built(tree).fault
    assert first is not None
    lines = first.splitlines()
    assert lines[0] == "src/native.cc does not compile:"
    assert lines[1].startswith("  src/")
    assert all(": error: " in line for line in lines[1:])
    assert str(tree.parent) not in first
    assert len(first) < 1700
    cache.rename(cache.with_name("old"))
    assert built(tree).fault == first


def test_compiler_sees_only_native_sources(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """What is not in the key of the cache cannot be included, so that the cache cannot be wrong."""
    write(tree, {"src/native.cc": '#include "../vec/text.txt"\n', "vec/text.txt": "int x;"})
    assert "../vec/text.txt: No such file" in str(built(tree).fault) or "file not found" in str(built(tree).fault)


def test_missing_source_is_named(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """A tree without its C++ source is told which file is missing."""
    (tree / "src/native.cc").unlink()
    assert built(tree).fault == "src/native.cc is not there, from which vec._native is compiled"


def test_time_limit(toy: Assignment, tree: Path, tmp_path: Path, cache: Path) -> None:
    """A compile that takes too long is stopped, told in words, and tried again next time."""
    impatient = replace(toy, limits=replace(toy.limits, build_seconds=0.5))
    result = prepare(tree, impatient, Scripted("sleep 600"), tmp_path / "work")
    assert result.fault == "compiling src/native.cc was stopped after 0.5 s"
    assert prepare(tree, toy, Scripted(), tmp_path / "work").fault is None


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'cc1plus: out of memory allocating 65536 bytes'; exit 1", "needed more than 2048 MiB of memory"),
        ("kill -SEGV $$", "ended with SIGSEGV"),
        ("echo 'c++: fatal error: Killed signal terminated program cc1plus'; exit 1", "Killed signal terminated"),
        ("exit 1", "the compiler printed nothing"),
    ],
)
def test_death_of_the_compiler(
    script: str, says: str, tree: Path, built: Callable[..., BuiltTree], cache: Path
) -> None:
    """A compiler that runs out of memory or crashes on a source costs that tree, in words."""
    assert says in str(built(tree, Scripted(script)).fault)


def test_flood_of_the_compiler_is_cut(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """Gigabytes of output are neither kept nor shown, and the first error is not lost in them."""
    box = Scripted("echo 'src/native.cc:1:1: error: first'; head -c 20000000 /dev/zero | tr '\\0' 'x'; exit 1")
    fault = str(built(tree, box).fault)
    assert fault.splitlines()[1] == "  src/native.cc:1:1: error: first"
    assert len(fault) < 1700


def test_nothing_goes_on_after_the_build(tree: Path, built: Callable[..., BuiltTree], tmp_path: Path) -> None:
    """A process that the build left behind is ended with it."""
    built(tree, Scripted(f"sleep 600 & echo $! > {tmp_path}/pid; printf module > out/_native{SUFFIX}"))
    pid = int((tmp_path / "pid").read_text())
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it is gone; or else a zombie of init's:
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("ln -s /etc/passwd {out}", "left no module"),
        ("rmdir out; mkdir other; printf module > other/_native; ln -s other out", "left no module"),
        ("mkdir {out}", "not a regular file"),
        ("mkfifo {out}", "not a regular file"),
        ("truncate -s 70M {out}", "larger than 64 MiB"),
        ("true", "left no module (No such file or directory)"),
    ],
)
def test_only_a_sane_file_comes_out(script: str, says: str, tree: Path, built: Callable[..., BuiltTree]) -> None:
    """A link, a pipe or a huge file in the module's place is the tree's fault, and is not followed or read."""
    result = built(tree, Scripted(script.format(out=f"out/_native{SUFFIX}")))
    assert says in str(result.fault)
    assert result.modules["vec._native"] == ""


# --- what this machine lacks is nobody's fault ---


def test_machine_without_a_compiler(
    tree: Path, built: Callable[..., BuiltTree], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no C++ compiler no tree is graded 0; the remedy is told."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(GraderError, match=r"C\+\+ compiler was not found.*apt-get install g\+\+"):
        built(tree)


def test_machine_with_a_broken_compiler(
    tree: Path, built: Callable[..., BuiltTree], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler that cannot compile anything is the machine's fault, not the tree's."""
    monkeypatch.setenv("CXX", "/bin/false")
    with pytest.raises(GraderError, match=r"/bin/false or cmake does not work here"):
        built(tree)


def test_every_tool_has_a_remedy() -> None:
    """Whatever may be missing, there is a sentence what to do."""
    assert {"C++ compiler", "cmake", "ninja", "pybind11", "Python.h"} <= set(REMEDIES)


# --- CUDA ---


def test_no_gpu_is_a_note(tree: Path, built: Callable[..., BuiltTree], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU the CUDA module is not even tried, and the tree is graded all the same."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus((), "", "none here"))
    box = Scripted()
    result = built(write(tree, {"src/cuda.cu": ""}), box)
    assert (result.fault, result.modules["vec._cuda"], box.builds) == (None, "", 1)
    assert result.notes == ("_cuda is not built: no NVIDIA GPU: none here",)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that says nothing of itself."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus(("H200",), "570.1", None))


@pytest.mark.parametrize(
    ("source", "nvcc", "says", "whose"),
    [
        (True, "no-such-nvcc", "no CUDA compiler: H200 is here, but nvcc is not on PATH", "nobody"),
        (True, "/bin/false", "src/cuda.cu was not compiled, because the CUDA compiler does not work", "machine"),
        (False, "/bin/false", "src/cuda.cu is not there", "tree"),
    ],
)
def test_failing_cuda_does_not_break_the_cpu(
    source: bool,
    nvcc: str,
    says: str,
    whose: str,
    gpu: None,
    tree: Path,
    built: Callable[..., BuiltTree],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever keeps the CUDA module from being built, the CPU module is built, and it is told whose fault it is."""
    monkeypatch.setenv("CUDACXX", nvcc)
    if source:
        write(tree, {"src/cuda.cu": ""})
    result = built(tree, Scripted(), for_devices=("cpu", "gpu"))
    assert result.fault is None
    assert result.modules["vec._native"] != result.modules["vec._cuda"] == ""
    assert result.notes[0].startswith(f"_cuda is not built: {says}")
    assert (set(result.unbuilt), set(result.absent)) == {
        "nobody": (set(), set()),
        "machine": (set(), {"gpu"}),
        "tree": ({"gpu"}, set()),
    }[whose]


def test_device_that_is_not_graded_is_not_compiled(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """Grading on the CPU alone does not wait for nvcc."""
    assert built(tree, Scripted(), for_devices=("cpu",)).notes == (
        "_cuda is not built: no device that needs it is graded (gpu)",
    )


@pytest.mark.skipif(devices.cuda_compiler() is None, reason="no CUDA compiler on this machine")
def test_cuda_source_becomes_a_module(gpu: None, toy: Assignment, tree: Path, tmp_path: Path) -> None:
    """With nvcc a kernel compiles and is linked with bindings that the C++ compiler made; errors name their line."""
    kernel = "__global__ void kernel(float *a) { *a = 1; }\n"
    host = '#include "beside.h"\n#include <deeper/also.hpp>\nint answer() { return BESIDE + ALSO; }\n'
    write(tree, {"src/cuda.cu": kernel + host, "src/bindings.cc": BINDINGS.replace("_native", "_cuda"), **HEADERS})
    write(tree, {"src/native.cc": MODULE})
    paired = with_companions(toy, "vec._cuda")
    result = prepare(tree, paired, PlainProcess(), tmp_path / "work", for_devices=("gpu",))
    assert (result.notes, result.unbuilt) == ((), {})
    assert b"PyInit__cuda" in Path(result.modules["vec._cuda"]).read_bytes()
    write(tree, {"src/cuda.cu": kernel.replace("= 1", "= wrong")})
    result = prepare(tree, paired, PlainProcess(), tmp_path / "work", for_devices=("gpu",))
    assert result.unbuilt["gpu"].startswith(
        "_cuda is not built: src/cuda.cu does not compile:\n  src/cuda.cu(1): error"
    )


# --- companions ---

BINDINGS = """
#include <Python.h>
int answer();
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, nullptr};
PyMODINIT_FUNC PyInit__native() {
    PyObject *module = PyModule_Create(&def);
    PyModule_AddIntConstant(module, "answer", answer());
    return module;
}
"""


def with_companions(assignment: Assignment, module: str) -> Assignment:
    """The assignment whose module is linked with src/bindings.cc."""
    return replace(assignment, layout=replace(assignment.layout, companions={module: ("src/bindings.cc",)}))


class Counted(PlainProcess):
    """A plain box that counts the builds."""

    def __init__(self) -> None:
        self.builds = 0

    def spawn(self, command: Sequence[str], **options: Any) -> PlainRunning:
        self.builds += "--build" in command
        return super().spawn(command, **options)


def test_companions_are_linked_and_compiled_apart(toy: Assignment, tree: Path, tmp_path: Path) -> None:
    """A module has all of them; a change of the source compiles the source alone."""
    paired, box = with_companions(toy, "vec._native"), Counted()

    def answer(text: str) -> int:
        write(tree, {"src/native.cc": text, "src/bindings.cc": BINDINGS})
        result = prepare(tree, paired, box, tmp_path / "work")
        assert result.fault is None
        return int(load(result.modules["vec._native"]).answer)

    assert (answer("int answer() { return 1; }\n"), box.builds) == (1, 2)
    assert (answer("int answer() { return 2; }\n"), box.builds) == (2, 3)


def test_companion_that_does_not_compile_is_named(toy: Assignment, tree: Path, tmp_path: Path) -> None:
    """The compiler's words are about that file, and not about the source."""
    write(tree, {"src/native.cc": "int answer() { return 1; }\n", "src/bindings.cc": "int f() { return wrong; }\n"})
    fault = str(prepare(tree, with_companions(toy, "vec._native"), PlainProcess(), tmp_path / "work").fault)
    assert fault.startswith("src/bindings.cc does not compile:\n  src/bindings.cc:1:18: error: ")


@pytest.mark.parametrize(
    ("source", "there", "builds", "fault"),
    [
        ("PYBIND11_MODULE(_native, m) {}", True, 1, None),
        ("PyMODINIT_FUNC PyInit__native();", False, 1, None),
        ("// PYBIND11_MODULE(_native, m)\nint x;", True, 2, None),
        ('const char *x = "PYBIND11_MODULE";', True, 2, None),
        (
            "int x;",
            False,
            0,
            "src/bindings.cc is not there, and src/native.cc has no PYBIND11_MODULE of its own",
        ),
        ("/*" * 600_000, True, 0, "src/native.cc has 1200000 bytes, and a source may have at most 1048576"),
    ],
    ids=["own bindings", "own, no companion", "own in a comment", "own in a string", "none at all", "too large"],
)
def test_companions_that_are_not_needed_are_left_out(
    source: str, there: bool, builds: int, fault: str | None, toy: Assignment, tree: Path, tmp_path: Path
) -> None:
    """A tree whose source holds its own bindings is not linked with a second set; one without any is told so."""
    write(tree, {"src/native.cc": source, **({"src/bindings.cc": ""} if there else {})})
    box = Scripted(f"printf module > out/companions.a; printf module > out/_native{SUFFIX}")
    result = prepare(tree, with_companions(toy, "vec._native"), box, tmp_path / "work")
    assert (result.fault, box.builds) == (fault, builds)


# --- CUDA on the CPU ---

SIMULATED = """
#include <Python.h>
int runtime();
__global__ int kernel() { return 2; }
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "_cuda", nullptr, -1, nullptr};
PyMODINIT_FUNC PyInit__cuda() {
    PyObject *module = PyModule_Create(&def);
    PyModule_AddIntConstant(module, "answer", runtime() + kernel<<<1, 1>>>());
    PyModule_AddIntConstant(module, "checked", CHECKED);
    return module;
}
"""


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator of ten lines, which compiles in no time. It knows no textures."""

    def translate(sources: dict[str, bytes]) -> dict[str, bytes]:
        assert "src/native.cc" not in sources, "the source of another module"
        if any(b"texture" in data for data in sources.values()):
            raise cudasim.Unsupported("src/cuda.cu:3: no textures\nsrc/cuda.cu:9: no textures")
        return {path: data.replace(b"<<<1, 1>>>", b"") for path, data in sources.items()}

    def objects(folder: Path) -> list[Path]:
        (folder / "runtime.cc").write_text("int runtime() { return 40; }\n")
        subprocess.run(["c++", "-fPIC", "-c", "runtime.cc"], cwd=folder, check=True)
        return [folder / "runtime.o"]

    monkeypatch.setattr(cudasim, "translate", translate)
    monkeypatch.setattr(runtime, "objects", objects)
    monkeypatch.setattr(flags, "options", lambda checked: ["-x", "c++", "-D__global__=", f"-DCHECKED={checked:d}"])


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize("checks", [(), ("memory",)], ids=["plain", "checked"])
def test_simulated_module_stands_beside_the_real_one(
    checks: tuple[str, ...], simulating: Assignment, tree: Path, tmp_path: Path
) -> None:
    """The translated source is compiled and linked with the runtime; only a worker that simulates loads it."""
    write(tree, {"src/cuda.cu": SIMULATED})
    devices = ("cpu", "gpu-sim")
    result = prepare(tree, simulating, PlainProcess(), tmp_path / "work", for_devices=devices, checks=checks)
    assert (result.fault, result.unbuilt, result.modules["vec._cuda"]) == (None, {}, "")
    assert result.notes == ()
    file = result.simulated["vec._cuda"]
    assert result.loaded(simulated=True) == {**result.modules, "vec._cuda": file}
    assert result.loaded(simulated=False) == result.modules
    assert Path(file).parent in result.folders
    module = load(file, "_cuda")
    assert (module.answer, module.checked) == (42, bool(checks))


@pytest.mark.usefixtures("simulator")
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("int x = wrong;\n", "src/cuda.cu does not compile for gpu-sim:\n  src/cuda.cu:1:9: error: "),
        ("texture x;\n", "\n  src/cuda.cu:3: no textures\n  src/cuda.cu:9: no textures"),
        (None, "src/cuda.cu is not there, from which vec._cuda is compiled"),
    ],
    ids=["error", "unsupported", "absent"],
)
def test_what_cannot_be_simulated_is_told(
    source: str | None, why: str, simulating: Assignment, tree: Path, tmp_path: Path
) -> None:
    """It costs that device and no other; the words are the compiler's, or the translation's."""
    if source:
        write(tree, {"src/cuda.cu": source})
    box, both = Counted(), ("cpu", "gpu-sim")
    for _ in range(2):
        result = prepare(tree, simulating, box, tmp_path / "work", for_devices=both)
        assert (result.fault, bool(result.modules["vec._native"]), result.absent) == (None, True, {})
        assert result.unbuilt["gpu-sim"].startswith(f"_cuda is not built for gpu-sim: {why}")
        assert result.notes[-1] == result.unbuilt["gpu-sim"]
        assert result.loaded(simulated=True)["vec._cuda"] == ""
    assert box.builds == (2 if source and "wrong" in source else 1)


@pytest.mark.usefixtures("simulator")
def test_build_for_a_debugger_leads_to_the_users_own_files(simulating: Assignment, tree: Path, tmp_path: Path) -> None:
    """Unoptimised, and the names in it are of the tree as it was given; other modules are built as ever."""
    write(tree, {"src/cuda.cu": SIMULATED})
    told = []
    for debug in (False, True):
        result = prepare(
            tree, simulating, PlainProcess(), tmp_path / "work", for_devices=["gpu-sim"], debug=debug, checks=["race"]
        )
        data = Path(result.simulated["vec._cuda"]).read_bytes()
        told.append(f"{tree}/src".encode() in data or f"{tree}".encode() in data)
    assert told == [False, True]


@pytest.mark.usefixtures("simulator")
def test_another_simulator_compiles_anew(
    simulating: Assignment, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier version of the simulator made does not serve the next; other modules stay as they are."""
    box = Scripted(f"printf module > out/_native{SUFFIX}; printf module > out/_cuda{SUFFIX}")
    write(tree, {"src/cuda.cu": ""})
    for version in ("1", "2"):
        monkeypatch.setattr("grader.workshop.simulators_version", lambda version=version: version)
        prepare(tree, simulating, box, tmp_path / "work", for_devices=("gpu-sim",))
    assert box.builds == 3


def test_simulators_version_is_of_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file makes another version, but not what Python compiles."""
    monkeypatch.setattr("grader.recipe._SIMULATOR", tmp_path)
    version = simulators_version.__wrapped__
    found = [version()]
    for path in ("translate.py", "src/runtime.cc", "include/cudasim.h", "__pycache__/translate.pyc"):
        found.append((write(tmp_path, {path: "new"}), version())[1])
    assert len(set(found)) == 4
    assert found[3] == found[4]


# --- the cache ---


def test_second_build_starts_nothing(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """The same sources are compiled once, and the module of each tree is a file of its own."""
    box = Scripted()
    first, second = built(tree, box), built(tree, box)
    assert box.builds == 1
    assert first.modules["vec._native"] != second.modules["vec._native"]
    assert Path(second.modules["vec._native"]).read_bytes() == b"module"


@pytest.mark.parametrize(
    ("path", "builds"),
    [
        ("src/native.cc", 2),
        ("src/new.h", 2),
        ("src/table.txt", 2),
        ("vec/kernel.hpp", 2),
        ("vec/ops.py", 1),
        ("src/cuda.cu", 1),
    ],
)
def test_what_was_changed_decides(path: str, builds: int, tree: Path, built: Callable[..., BuiltTree]) -> None:
    """A changed or new native file compiles anew; a changed Python file or another module's source does not."""
    box = Scripted()
    built(tree, box)
    built(write(tree, {path: "// changed\n"}), box)
    assert box.builds == builds


def test_flags_decide(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """A module for this machine does not serve where a portable one is asked for."""
    box = Scripted()
    built(tree, box, native=True)
    built(tree, box, native=False)
    assert box.builds == 2


def test_compile_error_is_cached(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """The same errors are not waited for again."""
    box = Scripted("echo 'src/native.cc:1:1: error: no'; exit 1")
    assert (
        built(tree, box).fault
        == built(tree, box).fault
        == "src/native.cc does not compile:\n  src/native.cc:1:1: error: no"
    )
    assert box.builds == 1


@pytest.mark.parametrize("damage", ["module cut", "module gone", "entry cut", "entry of another format", "entry gone"])
def test_damaged_entry_is_rebuilt(damage: str, tree: Path, built: Callable[..., BuiltTree], cache: Path) -> None:
    """An entry that is not what was written is compiled anew."""
    box = Scripted()
    built(tree, box)
    (module,), (entry,) = cache.glob("*/module"), cache.glob("*/entry.json")
    match damage:
        case "module cut":
            module.write_bytes(b"modul")
        case "module gone":
            module.unlink()
        case "entry cut":
            entry.write_text(entry.read_text()[:20])
        case "entry of another format":
            entry.write_text("[]")
        case "entry gone":
            entry.unlink()
    assert Path(built(tree, box).modules["vec._native"]).read_bytes() == b"module"
    assert box.builds == 2
    built(tree, box)
    assert box.builds == 2


def test_cache_that_cannot_be_written_is_a_note(
    tree: Path, built: Callable[..., BuiltTree], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a cache everything works, slower, and the note says what to do."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "file" / "cache"))
    result = built(tree, Scripted())
    assert result.fault is None
    assert "cannot be written to" in result.notes[0]
    assert "GRADER_CACHE" in result.notes[0]


def test_two_at_once_compile_once(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """Whoever comes second waits for the first one's module."""
    box = Scripted(f"sleep 0.5; printf module > out/_native{SUFFIX}")
    results: list[BuiltTree] = []
    threads = [threading.Thread(target=lambda: results.append(built(tree, box))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.builds == 1
    assert [Path(result.modules["vec._native"]).read_bytes() for result in results] == [b"module"] * 3


def test_cache_does_not_grow_for_ever(
    tree: Path, built: Callable[..., BuiltTree], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not used for longest goes first."""
    monkeypatch.setattr("grader.build_cache._MAX_ITEMS", 3)
    box = Scripted()
    for version in range(5):
        built(write(tree, {"src/native.cc": f"int x{version};\n"}), box)
        for age, item in enumerate(sorted(cache.iterdir(), key=lambda item: item.stat().st_mtime)):
            os.utime(item, (1000 + age, 1000 + age))  # file systems with coarse clocks
    assert len(list(cache.iterdir())) <= 3
    built(tree, box)
    assert box.builds == 5


# --- the result ---


def test_fault_of_intake_is_passed_on(built: Callable[..., BuiltTree], tmp_path: Path) -> None:
    """What is no tree is not compiled."""
    box = Scripted()
    result = built(write(tmp_path / "letter", {"README": "dear grader"}), box)
    assert (result.fault, box.builds) == ("letter is not a tree of toy: vec/__init__.py is not in it", 0)


def test_json_round_trip(tree: Path, built: Callable[..., BuiltTree]) -> None:
    """A prepared tree reaches another process unchanged."""
    result = built(tree, Scripted(), name="alice")
    assert result.name == "alice"
    assert BuiltTree.from_json(result.to_json()) == result


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"root": 1}', '{"root": "/", "notes": [], "more": 1}'])
def test_description_of_something_else_is_our_fault(text: str) -> None:
    """A description that is not one is a fault of the harness, never a tree that scores 0."""
    with pytest.raises(GraderError, match="description of a prepared tree"):
        BuiltTree.from_json(text)
