"""What Python code of a submission may not do in a worker: let other programs and libraries do its work.

An audit hook (PEP 578) sees every import, every library that is loaded, every process and socket that Python code asks
for, and cannot be removed. What it refuses raises, with a sentence for the student. A compiled module can do all of
this without Python: against that stand what it is linked with, the reading of the code, and the box.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

KIT = ("grader", "numpy", "probes")  # what a worker may import besides the standard library and the tree
# Of the standard library: interpreters that this hook does not see, and CPython's tools for testing itself.
REFUSED = ("_interpreters", "_testcapi", "_testinternalcapi", "_xxsubinterpreters")

_OWN_CODE = "points are for your own code; a tree may use Python's standard library, NumPy and its own modules"
_OWN_KERNELS = "the functions of an assignment's compiled modules are the only native code that a tree may call"
# Audit event (https://docs.python.org/3/library/audit_events.html) -> the beginning of a sentence, and why not.
_PROGRAMS = (
    "cpython.PyInterpreterState_New",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)
_SOCKETS = (
    "socket.__new__",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.sendto",
)
_EVENTS = {
    "ctypes.dlopen": ("loading the library {0!r}", _OWN_KERNELS),
    "ctypes.dlsym": ("looking up {1!r} in a loaded library", _OWN_KERNELS),
    "ctypes.dlsym/handle": ("looking up {1!r} in a loaded library", _OWN_KERNELS),
    "ctypes.call_function": ("calling a function by its address", _OWN_KERNELS),
    "ctypes.cdata": ("reading memory by its address", "arrays are read with the backend's to_numpy"),
    "sqlite3.load_extension": ("loading the library {1!r}", _OWN_KERNELS),
    **dict.fromkeys(_PROGRAMS, ("starting a program", "a tree computes in its own process")),
    **dict.fromkeys(_SOCKETS, ("using the network", "all that a case needs is sent to it")),
}


class Refused(PermissionError):
    """A submission's Python code asked for something that a worker refuses.

    An OSError, as the system's own refusal would be: code that can do without goes on without.
    """


def install(root: str, paths: Sequence[str], modules: Collection[str], places: Sequence[str]) -> Callable[[str], None]:
    """Refuse from now on, for the rest of the process; the submission must not have been imported yet.

    root, paths: the tree and its folders for sys.path. modules: the files of its compiled modules. places: the folders
    outside the tree from which Python may load compiled modules: NumPy's.
    Returns what is to be called with a compiled module's file when it is loaded: it is loaded once and never again,
    because a second loading would undo what a worker has put around its functions.

    Everything the hook looks at is its own and made here: a submission that changes this module changes nothing.
    """
    standard = frozenset(sys.stdlib_module_names).difference(REFUSED)
    # sysconfig's table of this build has a name of its own that the list lacks; numpy.testing asks sysconfig.
    standard |= {f"_sysconfigdata_{sys.abiflags}_{sys.platform}_{getattr(sys.implementation, '_multiarch', '')}"}
    own = frozenset(KIT).union(name for path in paths for name in _modules_in(os.path.join(root, path)))
    prefixes = tuple(os.path.join(place, "") for place in (*places, *_standard_places()))
    built, loaded = frozenset(modules), set[str]()
    events, refused, own_code, own_kernels = dict(_EVENTS), Refused, _OWN_CODE, _OWN_KERNELS
    missing, known = ModuleNotFoundError, standard | own

    def check_import(name: str, file: str | None) -> None:
        if file is None:
            if name.partition(".")[0] not in known:
                raise missing(f"No module named {name!r} here: {own_code}", name=name)
        elif file in built:
            if file in loaded:
                raise refused(f"loading {name!r} a second time: the harness has loaded it already")
        elif not file.startswith(prefixes) or "/../" in file:
            raise refused(f"loading the compiled module {file!r}: {own_kernels}")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "import":
            check_import(args[0], args[1])
        elif event in events:
            # ctypes itself opens the running program when it is imported, by the name None.
            what, why = events[event]
            raise refused(f"{what.format(*args, '', '')}: {why}")

    import ctypes  # noqa: F401  # imported now: later its own look at the running program would be refused

    sys.addaudithook(hook)
    return loaded.add


def _modules_in(folder: str) -> list[str]:
    """The names that can be imported from a folder."""
    try:
        return [name.partition(".")[0] for name in os.listdir(folder)]
    except OSError:  # a tree need not have every one of its folders
        return []


def _standard_places() -> list[str]:
    """Where the standard library's own compiled modules are: lib-dynload, as it is named and as it resolves."""
    folders = [path for path in sys.path if path.endswith("lib-dynload")]
    return [*folders, *map(os.path.realpath, folders)]
