"""What a process does to itself before it becomes the command of a box: no new privileges, Landlock, seccomp.

For a child that has started no thread, between fork and exec; none of it can be taken back. Standard library only, and
nothing of the grader: the launcher runs as `python -I -S -E` and may read this file alone. Errors are OSError, with the
name of what failed; the box must not be used then.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import struct

TYPE_CHECKING = False  # typing's own would cost every box 7 ms
if TYPE_CHECKING:
    from collections.abc import Iterable

OWN_PID = 0x7FFFFFFE  # in a filter: the number of the process itself. No process has this one (PID_MAX_LIMIT is 2^22)

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
_SET_MODE_FILTER = 1  # linux/seccomp.h: SECCOMP_SET_MODE_FILTER
_SPEC_ALLOW = 4  # SECCOMP_FILTER_FLAG_SPEC_ALLOW: Linux before 5.16 else slows filtered processes against Spectre v4,
# with which a program reads what else is in its own process: here there is nothing else
_SECCOMP = {"x86_64": 317, "aarch64": 277}  # the system call's number
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH

# linux/landlock.h: rights on files, a bit each, and the version of the interface (ABI) that brought them.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_RIGHTS = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are a folder's
_NETWORK = 0b11  # LANDLOCK_ACCESS_NET_BIND_TCP | CONNECT_TCP, from ABI 4 on
_SCOPES = 0b11  # LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | SIGNAL, from ABI 6 on

_MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 7, 1 << 8, 1 << 12  # never sockets, pipes or devices
_REMOVE = 1 << 4 | 1 << 5  # folders; what is no folder

# What a rule may be given. EXECUTE is for starting programs; loading a library is reading.
READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV
WRITE = READ | WRITE_FILE | TRUNCATE | REFER | _REMOVE | _MAKE_DIR | _MAKE_REG
BUILD = WRITE | EXECUTE | _MAKE_SYM  # a build may run what it has compiled

_libc = ctypes.CDLL(None, use_errno=True)


def no_new_privs() -> None:
    """No program that is started from here on gets more rights than this one: setuid and file capabilities are void."""
    _checked("no_new_privs", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def die_with(parent: int) -> None:
    """Get SIGKILL when the thread that started this process ends: see prctl(2), PR_SET_PDEATHSIG.

    It holds over exec, and not for processes that are started from here. parent: the number of that thread's process,
    in case it has ended already.
    """
    _checked("die with the parent", _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def landlock_version() -> int:
    """The ABI of Landlock here, 1 or more; 0 where the kernel has none, or it is switched off."""
    size = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    return max(0, int(size))


def landlock_error() -> int:
    """Why `landlock_version` is 0: the number of the error; 0 where there is a Landlock."""
    ctypes.set_errno(0)
    landlock_version()
    return ctypes.get_errno()


def restrict_files(rules: Iterable[tuple[str, int]]) -> None:
    """From here on only these paths, and what is under them, can be opened, each with its rights. See linux/landlock.h.

    Rights that this kernel does not know are left out: what they are about is then not held back. A path that does not
    exist is left out as well, for there is nothing to open. Needs no_new_privs.
    """
    version = landlock_version()
    rights = sum(bits for since, bits in _RIGHTS.items() if since <= version)
    attributes = [rights, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    size = 8 if version < 4 else 16 if version < 6 else 24
    packed = struct.pack("=QQQ", *attributes)[:size]
    ruleset = _checked("Landlock", _libc.syscall(_CREATE_RULESET, packed, ctypes.c_size_t(size), ctypes.c_uint(0)))
    for path, allowed in rules:
        _allow(ruleset, path, allowed & rights)
    _checked("Landlock", _libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)


def filter_calls(program: bytes) -> None:
    """Obey the seccomp filter from here on (`seccomp.program`), after exec as well. Needs no_new_privs."""
    program = _with_pid(program, os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    number = _SECCOMP[os.uname().machine]
    _checked("seccomp", _libc.syscall(number, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_SPEC_ALLOW), pointer))


def _with_pid(program: bytes, pid: int) -> bytes:
    """The filter with the process's own number, which stays the same over exec, where OWN_PID stands."""
    steps = (struct.unpack_from("=II", program, at) for at in range(0, len(program), 8))
    return b"".join(struct.pack("=II", code, pid if k == OWN_PID else k) for code, k in steps)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(file).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, file)  # struct landlock_path_beneath_attr, packed
        _checked(path, _libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), _PATH_BENEATH, rule, ctypes.c_uint(0)))
    finally:
        os.close(file)


def _checked(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result
