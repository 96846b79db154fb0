"""grader.subject.guard: what Python code of a submission may not do in a worker, and what it may."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# A worker without a judge: the guard is installed, then each attempt is made and its outcome noted.
SCRIPT = """
import json, os, sys
sys.path[:0] = [{kit!r}]
import numpy, numpy.random
from grader.subject import guard
sys.path[:0] = [{tree!r}]
guard.install({tree!r}, ["."], [], [os.path.dirname(numpy.__file__), os.path.realpath(os.path.dirname(numpy.__file__))])
sys.path.append({foreign!r})
found = {{}}
for name, code in json.loads(sys.stdin.read()).items():
    try:
        exec(code, {{"numpy": numpy}})
    except BaseException as error:
        found[name] = f"{{type(error).__name__}}: {{error}}"
    else:
        found[name] = ""
print(json.dumps(found))
"""

REFUSED = {
    "another package": ("import torch_like", "No module named 'torch_like' here: points are for your own code"),
    "by importlib": ("import importlib; importlib.import_module('torch_like.nn')", "No module named 'torch_like"),
    "a library": ("import ctypes; ctypes.CDLL('libm.so.6')", "loading the library 'libm.so.6'"),
    "the program itself": ("import ctypes; ctypes.CDLL(None)", "loading the library None"),
    "a symbol": ("import ctypes; ctypes.pythonapi.PySys_SetObject", "looking up 'PySys_SetObject'"),
    "memory": ("import ctypes; ctypes.c_int.from_address(1)", "reading memory by its address"),
    "a program": ("import subprocess; subprocess.run(['true'])", "starting a program"),
    "a shell": ("import os; os.system('true')", "starting a program"),
    "a fork": ("import os; os.fork()", "starting a program"),
    "a spawn": ("import os; os.posix_spawn('/bin/true', ['true'], {})", "starting a program"),
    "an exec": ("import os; os.execv('/bin/true', ['true'])", "starting a program"),
    "a pool": ("import multiprocessing; multiprocessing.Pool(1)", ""),
    "a socket": ("import socket; socket.socket()", "using the network"),
    "a download": ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')", "using the network"),
    "an interpreter": ("import _xxsubinterpreters", "No module named '_xxsubinterpreters' here"),
    "an emptied guard": (
        "import sys; g = sys.modules['grader.subject.guard']; g._EVENTS.clear(); g.KIT = ('torch_like',)\n"
        "import os; os.system('true')",
        "starting a program",
    ),
}
ALLOWED = {
    "the tree": "import own_part",
    "the standard library": "import asyncio, csv, decimal, gzip, http.client, json, pickle, sqlite3, ssl, tempfile",
    "NumPy throughout": "import numpy.fft, numpy.linalg, numpy.ma, numpy.polynomial, numpy.ctypeslib, numpy.lib.format",
    "NumPy's pickles": "import pickle; assert pickle.loads(pickle.dumps(numpy.ones(3))).sum() == 3",
    "drawing": "numpy.random.seed(1); numpy.random.default_rng(1).normal(size=3); numpy.random.permutation(4)",
    "arithmetic": "numpy.einsum('ij,jk', numpy.ones((3, 3)), numpy.linalg.inv(numpy.eye(3)))",
    "saving": "import io; numpy.savez_compressed(io.BytesIO(), a=numpy.ones(2))",
    "threads": "import threading; t = threading.Thread(target=int); t.start(); t.join()",
    "a test of what is there": "import importlib.util\ntry:\n    import torch_like\nexcept ImportError:\n    pass",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of every attempt: empty, or the exception."""
    from grader.subject.kit import build_kit

    folder = tmp_path_factory.mktemp("guard")
    (folder / "tree").mkdir()
    (folder / "tree" / "own_part.py").write_text("")
    (folder / "foreign" / "torch_like").mkdir(parents=True)
    (folder / "foreign" / "torch_like" / "__init__.py").write_text("")
    build_kit(folder / "kit", ROOT / "tests" / "submissions" / "toy" / "assignment" / "probes")
    names = {"kit": str(folder / "kit"), "tree": str(folder / "tree"), "foreign": str(folder / "foreign")}
    attempts = {**{name: code for name, (code, _) in REFUSED.items()}, **ALLOWED}
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", SCRIPT.format(**names)],
        input=json.dumps(attempts),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(folder),
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_do_the_work_for_a_tree_is_refused(name: str, outcomes: dict[str, str]) -> None:
    """With a sentence that says what, and why not."""
    assert outcomes[name]
    assert REFUSED[name][1] in outcomes[name]


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_tree_needs_is_there(name: str, outcomes: dict[str, str]) -> None:
    """NumPy with its own late imports, the standard library, the tree's own modules."""
    assert outcomes[name] == ""


def test_a_refusal_is_an_error_of_the_system() -> None:
    """So that code which can do without, `except OSError`, goes on as it would on a machine without the thing."""
    from grader.subject.guard import Refused

    assert issubclass(Refused, OSError)


PROBES = """
import sys
sys.path[:0] = [{kit!r}]
from grader.subject.worker import Runner
Runner({tree!r}, ["."], {{}}, "probes")
import probes, probes.vectors
print(probes.__file__, probes.vectors.__file__)
"""


@pytest.mark.parametrize("name", ["probes.py", "probes/__init__.py"])
def test_a_tree_with_probes_of_its_own_is_asked_by_ours(name: str, tmp_path: Path) -> None:
    """A tree goes before the kit on the path, so the probes are imported before it is there."""
    from grader.subject.kit import build_kit

    kit, tree = tmp_path / "kit", tmp_path / "tree"
    build_kit(kit, ROOT / "tests" / "submissions" / "toy" / "assignment" / "probes")
    (tree / name).parent.mkdir(parents=True)
    (tree / name).write_text("raise SystemExit('these are the tree's own')")
    command = [sys.executable, "-I", "-S", "-B", "-c", PROBES.format(kit=str(kit), tree=str(tree))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert run.stdout.split() == [str(kit / "probes" / file) for file in ("__init__.py", "vectors.py")], run.stderr
