"""What of the machine a box shows, besides what its caller names: shared libraries and Python, as little as will do.

A worker finds NumPy, and no other package of Python's: site-packages and dist-packages are hidden wherever they lie,
for PyTorch is in there. Of libraries for linear algebra it finds the one that NumPy brought with it. A build finds
compilers and headers besides (`build_tools`).
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = ("site-packages", "dist-packages")
# A submission is to compute by itself. Debian's openblas can be loaded with one call, and Eigen is all in headers.
_MATHS = re.compile(
    r"(lib)?(c?blas|open_?blas|f77blas|[ts]?atlas|lapack|mkl|blis|flexiblas|nvblas|cublas|cudnn|cutlass|cusolver|torch"
    r"|c10|caffe2|dnnl|onednn|tensorflow|onnx|ggml|armadillo|eigen|gsl|fftw|arpack|xtensor|gmm|viennacl|arrayfire)",
    re.IGNORECASE,
)
_ROOT_LINKS = ("/bin", "/lib", "/lib32", "/lib64", "/sbin")  # into /usr on a merged system, folders on others


@dataclass(frozen=True)
class View:
    """What a box shows, by the names that it has outside; nothing of it can be written to."""

    shown: tuple[Path, ...]  # folders and files
    hidden: tuple[Path, ...]  # below those: folders to appear empty, files to appear as unreadable
    links: tuple[tuple[str, str], ...]  # (where it lies, what it says) of links that the system's own names go through


def view(readable: Iterable[Path]) -> View:
    """The view of a box whose caller wants these shown."""
    base = _base()
    extra = [_without_root_link(path) for path in readable]
    hidden = dict.fromkeys(
        [*base.hidden, *(entry for path in extra if str(path) in _SYSTEM for entry in _to_hide(path))]
    )
    shown: dict[Path, None] = {}
    links = dict(base.links)
    # Outer ones first, so that what lies in a folder that is shown anyway is not mounted again.
    for path in sorted({*base.shown, *extra}, key=lambda path: len(path.parts)):
        while path.is_symlink() and not _is_covered(path, shown, hidden):  # nothing can be mounted on a link
            links[str(path)] = os.readlink(path)
            path = Path(os.path.normpath(path.parent / links[str(path)]))
        if not _is_covered(path, shown, hidden):
            shown[path] = None
    return View(tuple(shown), tuple(path for path in hidden if path not in shown), tuple(links.items()))


def _without_root_link(path: Path) -> Path:
    """/bin/sh as /usr/bin/sh where /bin is a link, which is shown as one."""
    path = Path(os.path.abspath(path))
    top = "/".join(path.parts[:2])[1:]
    return Path(os.path.realpath(top), *path.parts[2:]) if top in _ROOT_LINKS and os.path.islink(top) else path


def _is_covered(path: Path, shown: Iterable[Path], hidden: Iterable[Path]) -> bool:
    """Whether a folder above it, or it itself, is shown already, and nothing between them is hidden."""
    above = {path, *path.parents}
    nearest = max((len(folder.parts) for folder in shown if folder in above), default=0)
    covers = max((len(folder.parts) for folder in hidden if folder in above and folder != path), default=0)
    return nearest > covers


def interpreter() -> str:
    """The Python that runs in a box: the one that this environment was made from, which needs none of its packages."""
    return os.path.realpath(str(sys._base_executable))  # type: ignore[attr-defined]


def open_up(folder: Path) -> None:
    """Let every user read what is in `folder`, which is ours and has no links: a box may run as another user.

    tempfile makes folders that nobody else can enter, and with a umask of 077 files are no better.
    """
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def build_tools(programs: Sequence[str]) -> list[Path]:
    """What a build must be shown of the system, so that these compilers run."""
    found = [Path(path) for path in _SYSTEM if os.path.isdir(path)]
    for program in programs:
        for path in dict.fromkeys((os.path.abspath(program), os.path.realpath(program))):
            found.append(Path(path))
            home = Path(path).parent.parent
            homes = [home, *(_CUDA_HOMES if Path(path).name == "nvcc" else ())]
            found += [home for home in homes if _is_toolchain(home)]
    return list(dict.fromkeys(found))


# Compilers, headers, and what they keep in places of their own; alternatives: /usr/bin/c++ is a link through it.
_SYSTEM = (
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/include",
    "/usr/share/cmake",
    "/usr/local/include",
    "/etc/alternatives",
)


# Where CUDA is installed; the nvcc on PATH may be a script that starts the one in there.
_CUDA_HOMES = (Path("/usr/local/cuda"), Path("/opt/cuda"))


def _is_toolchain(home: Path) -> bool:
    """Whether a folder above a compiler's bin/ is a toolchain's own (/opt/gcc-14, /usr/local/cuda-13.0, a conda env).

    And not a home directory with a bin/ of its own, of which a build must see nothing else.
    """
    own = ("lib/gcc", "libexec/gcc", "lib64/gcc", "lib/clang", "nvvm")
    return str(home) not in ("/", "/usr", "/usr/local", str(Path.home())) and any(
        (home / name).is_dir() for name in own
    )


@functools.cache
def _base() -> View:
    shown = [*_library_folders(), *_python()]
    cache = Path("/etc/ld.so.cache")
    shown += [cache] if cache.is_file() else []
    if not _numpy_brings_its_own():  # a distribution's, which loads the system's, on Debian by way of a link
        shown += [path for path in [Path("/etc/alternatives")] if path.is_dir()]
    hidden = [entry for folder in shown if folder.is_dir() for entry in _to_hide(folder)]
    links = tuple((link, os.readlink(link)) for link in _ROOT_LINKS if os.path.islink(link))
    return View(tuple(dict.fromkeys(shown)), tuple(dict.fromkeys(hidden)), links)


def _library_folders() -> list[Path]:
    """Where the system keeps shared libraries, /usr/lib itself only where that is the one place."""
    triplet = f"{platform.machine()}-linux-gnu"
    names = [f"/usr/lib/{triplet}", "/usr/lib64", "/usr/lib32"]
    names += [name for name in _ROOT_LINKS if "lib" in name and not os.path.islink(name)]
    found = [Path(name) for name in names if os.path.isdir(name)]
    return found if Path(f"/usr/lib/{triplet}").is_dir() or Path("/usr/lib64").is_dir() else [*found, Path("/usr/lib")]


def _python() -> list[Path]:
    """The base interpreter, its standard library and its shared library."""
    executable = Path(sys._base_executable)  # type: ignore[attr-defined]
    found = [executable, Path(os.path.realpath(executable)), Path(sysconfig.get_path("stdlib"))]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    found.append(Path(sys.base_exec_prefix) / sys.platlibdir / version)  # lib-dynload, where it lies apart
    library, folder = sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LIBDIR")
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and library and folder:
        found += [Path(folder) / library, Path(os.path.realpath(Path(folder) / library))]
    if (Path(sys.base_prefix) / "conda-meta").is_dir():  # it has every library of its own
        found.append(Path(sys.base_prefix) / "lib")
    return [path for path in dict.fromkeys(found) if path.exists()]


def _to_hide(folder: Path) -> list[Path]:
    """What lies in a shown folder and is not for submissions."""
    found = []
    for home in (folder, *folder.glob("python*")):
        found += [home / name for name in _PACKAGES if (home / name).is_dir() and not (home / name).is_symlink()]
    if _numpy_brings_its_own():
        with os.scandir(folder) as entries:
            # A link leads to another entry, which is hidden, or out of what is shown.
            found += [folder / entry.name for entry in entries if _MATHS.match(entry.name) and not entry.is_symlink()]
    return found


@functools.cache
def _numpy_brings_its_own() -> bool:
    """Whether NumPy is a wheel of PyPI's, with its linear algebra in a folder beside it."""
    found = importlib.util.find_spec("numpy")  # not imported: this module is loaded where nothing is computed
    return found is not None and Path(str(found.origin)).parent.with_name("numpy.libs").is_dir()
