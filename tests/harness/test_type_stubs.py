"""The .pyi files beside the compiled modules: an editor knows each function, its arguments and what it does."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.assignment import load_assignment
from grader.build import prepare
from grader.sandbox.none import PlainProcess

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "reference"
STUBS = REFERENCE / "python/needle/backend_ndarray"
MODULES = {"cpu": "ndarray_backend_cpu", "cuda": "ndarray_backend_cuda"}

# What a module is seen to hold: callables with pybind11's signature in their docstring, and plain values.
DESCRIBE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location(sys.argv[1], sys.argv[2])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
held = {name: value for name, value in vars(module).items() if not name.startswith("__")}
functions = {name: value.__doc__ for name, value in held.items() if not isinstance(value, type)}
array = {name: value.__doc__ for name, value in vars(module.Array).items() if name[0] != "_" or name == "__init__"}
values = {name: type(getattr(module, name)).__name__ for name in ("__device_name__", "__tile_size__")}
print(json.dumps({"values": values, "functions": functions, "array": array}))
"""


@dataclass(frozen=True)
class Seen:
    """What a module offers."""

    values: dict[str, str]  # its plain values, and the names of their types
    functions: dict[str, list[str]]  # its functions, and the names of their arguments
    array: dict[str, list[str]]  # what its Array has; an attribute has no arguments


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """The reference's modules, the CUDA one as the simulator runs it: compiled, or taken from the build cache."""
    assignment = load_assignment(ROOT / "tests/hw4")
    folder = tmp_path_factory.mktemp("stubs")
    tree = prepare(REFERENCE, assignment, PlainProcess(), folder, for_devices=["cpu", "cuda-sim"])
    assert tree.fault is None, tree.fault
    files = tree.loaded(simulated=True)
    return {name: describe(module, files[f"needle.backend_ndarray.{module}"]) for name, module in MODULES.items()}


def describe(module: str, file: str) -> Seen:
    """What the compiled `file` holds, found by a process that loads nothing else."""
    command = [sys.executable, "-c", DESCRIBE, module, file]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    functions, array = (
        {name: arguments(text or "") for name, text in told[key].items()} for key in ("functions", "array")
    )
    return Seen(told["values"], functions, array)


def arguments(signature: str) -> list[str]:
    """Of pybind11's "f(a: T, b: T) -> None" the names."""
    match = re.match(r"\w+\((?P<arguments>.*)\)(?: -> |$)", signature.split("\n")[0])
    return re.findall(r"(?:^|, )(\w+): ", match["arguments"]) if match else []


def stubbed(name: str) -> Seen:
    """What the stub of a module says, together with what it takes from _backend.pyi."""
    body = [
        *ast.parse((STUBS / "_backend.pyi").read_text()).body,
        *ast.parse((STUBS / f"{MODULES[name]}.pyi").read_text()).body,
    ]
    values = {
        item.target.id: ast.unparse(item.annotation)
        for item in body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    functions = {item.name: [a.arg for a in item.args.args] for item in body if isinstance(item, ast.FunctionDef)}
    (array,) = (item for item in body if isinstance(item, ast.ClassDef))
    methods = [item for item in array.body if isinstance(item, ast.FunctionDef)]
    return Seen(values, functions, {item.name: [a.arg for a in item.args.args] for item in methods})


@pytest.mark.parametrize("name", MODULES)
def test_stub_says_what_the_module_has(name: str, compiled: dict[str, Seen]) -> None:
    """Each stub has the functions, argument names, values and attributes of the compiled module, and no others."""
    want, got = compiled[name], stubbed(name)
    assert len(want.functions) > 20
    assert got.functions == want.functions
    assert got.values == want.values
    assert set(got.array) == set(want.array)
    assert got.array["__init__"] == want.array["__init__"] == ["self", "size"]


@pytest.mark.parametrize("name", ["_backend", *MODULES.values()])
def test_every_function_has_hover_help(name: str) -> None:
    """Every function of a stub says what it does, in a sentence that an editor shows."""
    tree = ast.parse((STUBS / f"{name}.pyi").read_text())
    assert ast.get_docstring(tree)
    functions = [item for item in ast.walk(tree) if isinstance(item, ast.FunctionDef | ast.ClassDef)]
    bare = [item.name for item in functions if item.name != "__init__" and not ast.get_docstring(item)]
    assert functions
    assert bare == []


PROGRAM = """\
import numpy as np
from needle import backend_ndarray as nd
from needle.backend_ndarray import ndarray_backend_cpu as backend

a, out = backend.Array(6), backend.Array(2)
backend.from_numpy(np.ones((2, 3), dtype=np.float32), a)
backend.reduce_sum(a, out, reduce_size=3)
shape: tuple[int, ...] = backend.to_numpy(out, (2,), (1,), 0).shape
total: nd.NDArray = nd.array([1.0, 2.0], device=nd.cpu()).sum()
{line}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it knows of NumPy and needle, so that it reads them once."""
    return tmp_path_factory.mktemp("mypy")


def mypy(line: str, folder: Path, cache: Path) -> list[str]:
    """What mypy says of a small program on needle, with `line` at its end."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(line=line))
    (folder / "mypy.ini").write_text(f"[mypy]\nmypy_path = {REFERENCE / 'python'}\nfollow_imports = silent\n")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        "mypy.ini",
        "--cache-dir",
        str(cache),
        "program.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [text for text in done.stdout.splitlines() if text.startswith("program.py")]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("backend.fill(out, 0.0)", ""),
        ("backend.fill(out, val='zero')", 'Argument "val" to "fill" has incompatible type "str"; expected "float"'),
        ("backend.reduce_sum(a, out)", 'Missing positional argument "reduce_size" in call to "reduce_sum"'),
        ("backend.ewise_plus(a, a, out)", 'Module has no attribute "ewise_plus"'),
        ("backend.from_numpy(np.ones(6), a)", 'Argument 1 to "from_numpy" has incompatible type'),
        ("a.size = 3", 'Property "size" defined in "Array" is read-only'),
    ],
)
def test_mypy_on_a_program(line: str, complaint: str, tmp_path: Path, cache: Path) -> None:
    """A program that uses the backends is checked as any other: a right call passes, a wrong one is told."""
    said = mypy(line, tmp_path, cache)
    if not complaint:
        assert said == []
    else:
        assert len(said) == 1
        assert said[0].startswith("program.py:10: error: ")
        assert complaint in said[0]
