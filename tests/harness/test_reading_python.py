"""Python code that is worth a look, and ordinary code, about which nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.reading.python import module_names, read_python
from grader.reading.settings import FILE, Settings, load_settings

HW4 = Path(__file__).parents[1] / "hw4"
OPS = "python/needle/ops/ops_mathematic.py"
NDARRAY = "python/needle/backend_ndarray/ndarray.py"
PROGRAMS = frozenset({"apps.hosted", "hosted"})

# What is handed in, and what is told of it first.
SUSPECT = [
    (OPS, "import torch", "imports torch"),
    (OPS, "from torch import nn", "imports torch"),
    (OPS, "import torch.nn.functional as F", "imports torch"),
    (OPS, 'import importlib\nt = importlib.import_module("to" + "rch")', "imports torch"),
    (OPS, 't=__import__("".join(["to","rch"]))', "imports torch"),
    (OPS, 'import sys\nm = sys.modules["torch"].matmul', "torch.matmul"),
    (OPS, 'exec("import torch")', "calls exec()"),
    (OPS, "import importlib\nimportlib.import_module(NAME)", "imports a module whose name is made at run time"),
    (OPS, "from scipy.signal import convolve", "imports scipy"),
    (
        OPS,
        "import numpy as np\nclass C:\n def compute(self,a,b):\n  return np.matmul(a,b)",
        "compute() calls numpy.matmul on an array",
    ),
    (
        OPS,
        "import numpy\nclass C:\n def compute(self,a,b):\n  x=a.numpy()\n  return array_api.array(x@b.numpy())",
        "compute() takes an array out to NumPy (.numpy())",
    ),
    (
        OPS,
        "import numpy\ndef helper(a,b):\n  x=a.numpy()\n  return array_api.array(x*2)",
        "helper() makes an array of what NumPy has worked on",
    ),
    (
        OPS,
        'import numpy as np\ndef helper(a,b):\n  return NDArray(np.einsum("ij,jk",a.numpy(),b.numpy()))',
        "helper() makes an array of what NumPy has worked on",
    ),
    (
        NDARRAY,
        "import numpy as np\nclass NDArray:\n def __matmul__(self,o):\n  return NDArray(self.numpy() @ o.numpy())",
        "__matmul__() makes an array of what NumPy has worked on",
    ),
    (
        NDARRAY,
        "import numpy as np\nclass NDArray:\n def sum(self,axis):\n  return NDArray(self.numpy().sum(axis))",
        "sum() makes an array of what NumPy has worked on",
    ),
    (
        NDARRAY,
        "import numpy as np\nclass NDArray:\n def flip(self,axis):\n  return NDArray(np.flip(self.numpy(),axis))",
        "flip() makes an array of what NumPy has worked on",
    ),
    (
        NDARRAY,
        "import numpy as np\nclass NDArray:\n def __getitem__(self,i):\n  return NDArray(self.numpy()[i])",
        "__getitem__() makes an array of what NumPy has worked on",
    ),
    (
        NDARRAY,
        "from numpy import dot as d\n"
        "class NDArray:\n"
        " def mm(self,o):\n"
        "  a=self.device.to_numpy(self._handle)\n"
        "  return NDArray(d(a,o))",
        "mm() makes an array of what NumPy has worked on",
    ),
    (
        OPS,
        "C={}\nclass M:\n def compute(self,a):\n  C[a.shape]=a*2\n  return C[a.shape]",
        "compute() keeps an array beyond the call",
    ),
    (OPS, "C={}\nclass M:\n def compute(self,a):\n  C[id(a)]=1", "compute() keeps an array beyond the call"),
    (
        OPS,
        "import functools\nclass M:\n @functools.lru_cache(None)\n def compute(self,a):\n  return a",
        "compute() keeps its results by its arguments",
    ),
    (OPS, "class M:\n def compute(self,a):\n  return a.to(cpu_numpy()) @ a", "compute() names cpu_numpy"),
    (
        NDARRAY,
        'from . import ndarray_backend_numpy\ndef cpu():\n  return BackendDevice("cpu", ndarray_backend_numpy)',
        "cpu() names ndarray_backend_numpy",
    ),
    (NDARRAY, "cpu = cpu_numpy", "cpu() names cpu_numpy"),
    (OPS, "import ctypes", "imports ctypes"),
    (OPS, 'import numpy as np\nnp.ctypeslib.load_library("x",".")', ".load_library"),
    (OPS, 'import os\nos.system("x")', "os.system"),
    (OPS, "from os import system as s", "imports os.system"),
    (OPS, 'import os\ngetattr(os,"sys"+"tem")("x")', "getattr for system"),
    (OPS, "import sys\nf=sys._getframe(1).f_back.f_locals", ".f_locals"),
    (OPS, "import inspect\ninspect.stack()", "inspect.stack"),
    (OPS, "import gc\nx=gc.get_objects()", "gc.get_objects"),
    (OPS, "import numpy as np\nnp.testing.assert_allclose = lambda *a: None", "changes numpy.testing.assert_allclose"),
    (OPS, 'import numpy\nsetattr(numpy,"sum",1)', "setattr(numpy, ...)"),
    (OPS, "import builtins\nbuiltins.float=int", "changes builtins.float"),
    (OPS, 'import sys\nsys.modules["probes"]=1', "changes sys.modules"),
    (
        OPS,
        'import sys\nsys.path.insert(0,"/usr/lib/python3/dist-packages")',
        "adds '/usr/lib/python3/dist-packages' to sys.path",
    ),
    (OPS, "import sys\nsys.meta_path.append(1)", "sys.meta_path"),
    (OPS, 'open("/proc/self/maps")', "names '/proc/self/maps'"),
    (OPS, 'p="/proc/self/environ"', "names '/proc/self/environ'"),
    (OPS, 'open("tests/hw4/oracle.py")', "names 'tests/hw4/oracle.py'"),
    (OPS, "import atexit", "imports atexit"),
    (OPS, "import os\nos._exit(0)", "os._exit"),
    (OPS, "T=[" + "1.5," * 300 + "]", "a table of 300 numbers"),
    (OPS, 'T="' + "a" * 5000 + '"', "a string of 5000 characters"),
    (OPS, "import probes", "imports probes"),
    (OPS, "class A(numpy.ndarray): pass\nimport numpy", "class A inherits from numpy.ndarray"),
    (OPS, "().__class__.__bases__[0].__subclasses__()", ".__subclasses__"),
    (OPS, "def f(g): return g.__closure__[0].cell_contents", ".__closure__"),
    (OPS, "import subprocess as sp", "imports subprocess"),
    (OPS, "import socket", "imports socket"),
    (OPS, "import signal", "imports signal"),
    (OPS, 'eval("1")', "calls eval()"),
    (OPS, 'import os\nos.write(3,b"")', "os.write"),
    (OPS, "import sys\nsys.settrace(None)", "sys.settrace"),
    (OPS, "import sys\nsys.stdout = None", "changes sys.stdout"),
    (OPS, "import apps.hosted", "imports apps.hosted"),
    (
        OPS,
        "import numpy as np\nn=np\nclass C:\n def compute(self,a,b):\n  return n.exp(a)",
        "compute() calls numpy.exp on an array",
    ),
    (
        OPS,
        "import numpy as np\nimport functools\ndef h(*a): return functools.reduce(np.matmul,a)",
        "h() uses numpy.matmul",
    ),
    (
        "python/needle/mine.py",
        "import operator\ndef h(a,b): return NDArray(operator.matmul(a.numpy(),b))",
        "h() calls operator.matmul on an array of NumPy's",
    ),
    (
        "python/needle/mine.py",
        "def h(a,b): return NDArray(a.numpy().__matmul__(b))",
        "h() calls .__matmul__() of an array of NumPy's",
    ),
]

# Right code, in the ways that students write it.
ORDINARY = [
    (OPS, "import numpy as np\nclass C:\n def compute(self,a,b):\n  n=int(np.prod(a.shape))\n  return a.reshape((n,))"),
    (
        OPS,
        "import numpy\n"
        "class C:\n"
        " def compute(self,Z,W):\n"
        "  N,H,W_,C=Z.shape\n"
        "  Ns,Hs,Ws,Cs=Z.strides\n"
        "  inner=numpy.prod([3,C])\n"
        "  A=Z.as_strided((N,H,W_),(Ns,Hs,Ws)).compact().reshape((N*H,inner))\n"
        "  out=A@W.compact().reshape((inner,C))\n"
        "  return out.compact().reshape((N,H,C))",
    ),
    (
        OPS,
        "class C:\n"
        " def compute(self,Z):\n"
        "  m=array_api.max(Z,axis=self.axes,keepdims=True)\n"
        "  self.m=m\n"
        "  return array_api.log(array_api.sum(array_api.exp(Z-m),self.axes))+m",
    ),
    (
        OPS,
        "import numpy as np\n"
        "class C:\n"
        " def gradient(self,g,node):\n"
        "  axes=np.argsort(self.axes)\n"
        "  return transpose(g,tuple(axes))",
    ),
    (
        OPS,
        "import numpy as np\n"
        "class C:\n"
        " def gradient(self,g,node):\n"
        "  s=node.inputs[0].shape\n"
        "  k=[i for i in range(len(s)) if np.array(s)[i]*2>1]\n"
        "  return summation(g,tuple(k))",
    ),
    (
        OPS,
        "CACHE={}\n"
        "class C:\n"
        " def compute(self,a):\n"
        "  if a.shape not in CACHE: CACHE[a.shape]=tuple(range(a.ndim))\n"
        "  return a.permute(CACHE[a.shape])",
    ),
    (OPS, "import functools\n@functools.lru_cache(None)\ndef strides(shape):\n  return 1"),
    (
        NDARRAY,
        "import numpy as np\n"
        "class NDArray:\n"
        " def __repr__(self):\n"
        '  return "NDArray("+str(self.numpy())+")"\n'
        " def to(self,d):\n"
        "  return NDArray(self.numpy(),device=d)\n"
        " def item(self): return self.numpy().reshape(-1)[0]",
    ),
    (
        "apps/models.py",
        "import sys\n"
        'sys.path.append("./python")\n'
        "import needle as ndl\n"
        "import math\n"
        "import numpy as np\n"
        "np.random.seed(0)",
    ),
    (
        "python/needle/data/x.py",
        "import numpy as np\nclass T:\n def __call__(self,x):\n  return np.flip(x,1)*np.sum(x)",
    ),
    (
        "python/needle/nn/nn_sequence.py",
        "import numpy as np\n"
        "class R:\n"
        " def forward(self,X,h=None):\n"
        "  k=np.sqrt(1/self.h)\n"
        "  hs=[]\n"
        "  for x in ops.split(X,0): hs.append(self.c(x,h))\n"
        "  self.cache=hs\n"
        "  return ops.stack(hs,0)",
    ),
    (
        "python/needle/nn/nn_basic.py",
        "import builtins\n"
        "import functools\n"
        "import operator\n"
        "class S:\n"
        " def forward(self,x):\n"
        "  return functools.reduce(operator.mul,x.shape,1)",
    ),
    (
        "python/needle/init.py",
        "import numpy as np\n"
        "def one_hot(n,i,device=None):\n"
        '  return Tensor(device.one_hot(n,i.numpy().astype("int32")))',
    ),
    (
        OPS,
        'import os\nos.environ["OMP_NUM_THREADS"]="1"\nimport warnings\nwarnings.simplefilter("ignore")\nimport time',
    ),
    (
        OPS,
        "class C:\n"
        " def compute(self,*args):\n"
        "  out=array_api.empty(args[0].shape)\n"
        "  for i,a in enumerate(args): out[i]=a\n"
        "  return out",
    ),
    (OPS, "from typing import Optional\nimport inspect\ns=inspect.signature(int)\nimport gc\ngc.collect()"),
    (
        OPS,
        "class T:\n"
        " def __init__(self): self.numpy_cache={}\n"
        " def compute(self,a):\n"
        "  self.numpy_cache[a.shape]=a\n"
        "  return a",
    ),
    (
        OPS,
        "class P:\n"
        " def compute(self,a):\n"
        "  print(a.shape, a.numpy())\n"
        "  assert (a.numpy() > 0).all(), a.numpy()\n"
        "  return a",
    ),
    (OPS, 'try:\n  from .x import y\nexcept ImportError:\n  y=None\nprint("see tests/hw4 for more")'),
]


def ids(cases: list[tuple[str, ...]]) -> list[str]:
    """A number and what is said, for each."""
    return [f"{number}: {case[-1][:40]}" for number, case in enumerate(cases)]


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Those of needle."""
    return load_settings(HW4)


@pytest.mark.parametrize(("path", "source", "said"), SUSPECT, ids=ids(SUSPECT))
def test_what_is_worth_a_look(settings: Settings, path: str, source: str, said: str) -> None:
    """It is told of, with the line."""
    flags = read_python(path, source, settings, PROGRAMS)
    assert said in [flag.what for flag in flags]
    assert all(0 < flag.line <= source.count("\n") + 1 and flag.file == path and flag.why for flag in flags)


@pytest.mark.parametrize(("path", "source"), ORDINARY, ids=[str(i) for i in range(len(ORDINARY))])
def test_ordinary_code(settings: Settings, path: str, source: str) -> None:
    """Nothing is said of shapes, of printing, of data sets, of what an op keeps for its gradient."""
    assert read_python(path, source, settings, PROGRAMS) == []


def test_given_code_is_right_where_it_stands(settings: Settings) -> None:
    """The one line of needle that goes by way of NumPy; the same line elsewhere, and others beside it, are told of."""
    line = "    return array_api.array(a.numpy() ** b.numpy(), device=a.device)"
    given = f"def power(a, b):\n{line}\n"
    assert read_python("python/needle/ops/_arrays.py", given, settings) == []
    assert read_python(OPS, given, settings)
    assert read_python("python/needle/ops/_arrays.py", given.replace("**", "@"), settings)


def test_without_settings_the_general_rules_remain() -> None:
    """An assignment that names no files of its own."""
    source = "import torch\ndef compute(a):\n    return a.numpy() @ a.numpy()\n"
    assert [flag.what for flag in read_python("a.py", source, Settings())] == ["imports torch"]


def test_names_of_modules() -> None:
    """Wherever sys.path begins."""
    assert module_names("apps/data/text.py") == ["apps.data.text", "data.text", "text"]
    assert module_names("needle/__init__.py") == ["needle"]


def test_settings_travel_as_text(settings: Settings) -> None:
    """To the process that reads."""
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.computes(OPS)
    assert not settings.computes("python/needle/data/data_basic.py")
    assert settings.is_program("apps/training/loop.py")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("computing = 1", "computing has value 1; expected a list of strings"),
        ("reads = []", "reads is not known; expected one of:"),
        ("[stand_ins]\ncpu = 2", "stand_ins.cpu has value 2; expected a list of strings"),
        ("=", "is not valid TOML"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The file, the key, and what was expected."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError, match=said):
        load_settings(tmp_path)
