"""The seccomp filter: interpreted for both architectures, and before this machine's kernel."""

from __future__ import annotations

import errno
import json
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.sandbox import bpf, confine, seccomp, syscalls

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}
ALLOWED, KILLED = "allowed", "killed"
EVERY = [
    pytest.param(forks, gpu, shared, id=f"{forks=}-{gpu=}-{shared=}")
    for forks in (False, True)
    for gpu in (False, True)
    for shared in (False, True)
]

linux_only = pytest.mark.skipif(
    sys.platform != "linux" or not seccomp.supported(), reason="seccomp is Linux's, and the table is of two machines"
)


# -- an interpreter ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kernel:
    """What obeys a filter in the kernel's place."""

    architecture: str
    program: bytes

    def call(self, name: str, *arguments: int) -> str:
        """What the filter says to the system call: allowed, killed, or an error's name."""
        machine = syscalls.MACHINES[self.architecture]
        number = syscalls.number(name, machine)
        assert number is not None, f"{self.architecture} has no {name}"
        return self.raw(machine.audit, number, *arguments)

    def raw(self, audit: int, number: int, *arguments: int) -> str:
        """The same by number, as the architecture that `audit` tells of."""
        six = [argument & (1 << 64) - 1 for argument in (*arguments, *[0] * 6)][:6]
        data = struct.pack("<IIQ6Q", number, audit, 0, *six)
        steps = [struct.unpack_from("<HBBI", self.program, at) for at in range(0, len(self.program), 8)]
        action = _run(steps, data)
        if action == 0x7FFF0000:
            return ALLOWED
        if action == 0x80000000:
            return KILLED
        assert action & 0xFFFF0000 == 0x00050000, hex(action)
        return errno.errorcode[action & 0xFFFF]


def _run(steps: list[tuple[int, int, int, int]], data: bytes) -> int:
    accumulator, at = 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x06:
            return k
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:
            accumulator &= k
        elif code in (0x15, 0x35):
            at += yes if (accumulator == k if code == 0x15 else accumulator >= k) else no
        else:
            raise AssertionError(f"instruction {code:#x} is not one that the assembler makes")


@pytest.fixture(params=list(syscalls.MACHINES))
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def worker(architecture: str) -> Kernel:
    return Kernel(architecture, seccomp.program(forks=False, architecture=architecture))


@pytest.fixture
def build(architecture: str) -> Kernel:
    return Kernel(architecture, seccomp.program(forks=True, architecture=architecture))


@pytest.fixture
def shared(architecture: str) -> Kernel:
    return Kernel(architecture, seccomp.program(forks=False, shared=True, architecture=architecture))


# -- the program ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("forks", "gpu", "shared_"), EVERY)
def test_every_path_ends_with_an_answer(architecture: str, forks: bool, gpu: bool, shared_: bool) -> None:
    """No number, whatever its arguments, runs off the end, and what is read stays inside seccomp_data."""
    kernel = Kernel(architecture, seccomp.program(forks=forks, gpu=gpu, shared=shared_, architecture=architecture))
    audit = syscalls.MACHINES[architecture].audit
    for number in range(syscalls.NEWEST + 10):
        for argument in (0, 1, (1 << 64) - 1):
            assert kernel.raw(audit, number, *[argument] * 6)


@pytest.mark.parametrize(
    "calls", ["read", "write", "openat", "mmap", "futex", "exit_group", "rt_sigaction", "close_range"]
)
def test_ordinary_calls_pass(architecture: str, calls: str, worker: Kernel) -> None:
    """What every program does is not in the way of the filter."""
    numbers = {
        "x86_64": {"read": 0, "write": 1, "openat": 257, "mmap": 9, "futex": 202, "exit_group": 231}
        | {"rt_sigaction": 13, "close_range": 436},
        "aarch64": {"read": 63, "write": 64, "openat": 56, "mmap": 222, "futex": 98, "exit_group": 94}
        | {"rt_sigaction": 134, "close_range": 436},
    }
    assert (
        worker.raw(syscalls.MACHINES[architecture].audit, numbers[architecture][calls], *[(1 << 64) - 1] * 6) == ALLOWED
    )


def test_other_architectures_end_the_process(architecture: str, worker: Kernel) -> None:
    """Their numbers mean other calls: 41 is socket on x86_64 and a pivot_root on aarch64."""
    own = syscalls.MACHINES[architecture].audit
    foreign = {0x40000003, 0x40000028, *(machine.audit for machine in syscalls.MACHINES.values())} - {own}  # i386, ARM
    assert {worker.raw(audit, 0) for audit in foreign} == {KILLED}


def test_x32_ends_the_process() -> None:
    """The x32 ABI of x86_64 has the same architecture and a bit in the number, with which no check would match."""
    kernel = Kernel("x86_64", seccomp.program(forks=True, architecture="x86_64"))
    audit = syscalls.MACHINES["x86_64"].audit
    assert kernel.raw(audit, 0x40000000 | 41, 2) == KILLED
    assert kernel.raw(audit, 0xFFFFFFFF) == KILLED


def test_later_calls_do_not_exist(worker: Kernel, architecture: str) -> None:
    """What the table cannot know is answered like on the older kernel that the table is of."""
    assert worker.raw(syscalls.MACHINES[architecture].audit, syscalls.NEWEST + 1) == "ENOSYS"


REFUSED = """
ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd mount umount2 pivot_root chroot
open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr unshare setns keyctl add_key request_key bpf
io_uring_setup io_uring_enter io_uring_register userfaultfd perf_event_open kexec_load kexec_file_load init_module
finit_module delete_module quotactl quotactl_fd acct swapon swapoff reboot settimeofday clock_settime adjtimex
clock_adjtime open_by_handle_at name_to_handle_at fanotify_init fanotify_mark memfd_secret lookup_dcookie shmget
msgget semget mq_open pidfd_open process_mrelease syslog vhangup sethostname ioprio_set io_setup
"""


@pytest.mark.parametrize("call", REFUSED.split())
def test_refused_whoever_asks(call: str, worker: Kernel, build: Kernel) -> None:
    """In a worker as in a build."""
    assert worker.call(call) == "EPERM"
    assert build.call(call) == "EPERM"


def test_sockets_of_the_unix_family_only(build: Kernel) -> None:
    """IP, netlink, packets, vsock, Bluetooth, crypto; the family is an int, so what stands above it is no way round."""
    for call in ("socket", "socketpair"):
        assert build.call(call, 1, 1) == ALLOWED
        assert {build.call(call, family, 1) for family in (0, 2, 10, 16, 17, 38, 40, 1 << 31 | 1)} == {"EPERM"}
        assert build.call(call, 1 << 32 | 2, 1) == "EPERM"


def test_namespaces_by_clone(build: Kernel) -> None:
    """None of the flags, alone or among others; nor a child of the judge's."""
    plain = 0x01200011  # CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD: fork by glibc
    assert build.call("clone", plain) == ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30, 15):
        assert build.call("clone", plain | 1 << bit) == "EPERM"
    assert build.call("clone3") == "ENOSYS"


def test_threads_and_no_processes(worker: Kernel, build: Kernel) -> None:
    """A worker's clone makes threads; a build forks."""
    thread, vfork = 0x003D0F00, 0x4111  # pthread_create, posix_spawn
    assert worker.call("clone", thread) == build.call("clone", thread) == ALLOWED
    assert (worker.call("clone", 17), worker.call("clone", vfork)) == ("EPERM", "EPERM")
    assert (build.call("clone", 17), build.call("clone", vfork)) == (ALLOWED, ALLOWED)
    assert (worker.call("setsid"), build.call("setsid")) == ("EPERM", ALLOWED)


def test_forks_of_x86() -> None:
    """The two calls that aarch64 does not have."""
    for forks, said in ((False, "EPERM"), (True, ALLOWED)):
        kernel = Kernel("x86_64", seccomp.program(forks=forks, architecture="x86_64"))
        assert {kernel.call("fork"), kernel.call("vfork")} == {said}


def test_terminals_signals_and_leases_by_file(build: Kernel) -> None:
    """TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP; F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY."""
    assert {build.call("ioctl", 0, request) for request in (0x5412, 0x541C, 0x8901, 0x8902)} == {"EPERM"}
    assert build.call("ioctl", 0, 1 << 32 | 0x5412) == "EPERM"  # the kernel reads 32 bits
    assert {build.call("ioctl", 0, request) for request in (0x5401, 0x5413, 0xC020462A)} == {ALLOWED}
    assert {build.call("fcntl", 0, command) for command in (8, 10, 15, 1024, 1026)} == {"EPERM"}
    assert {build.call("fcntl", 0, command) for command in (1, 2, 3, 4, 1030)} == {ALLOWED}


def test_other_processes_limits_and_priorities(build: Kernel) -> None:
    """Only what is about the caller itself: process 0."""
    for call in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "move_pages"):
        assert (build.call(call, 0), build.call(call, 1234)) == (ALLOWED, "EPERM")
    assert build.call("setpriority", 0, 0, 10) == ALLOWED
    assert {build.call("setpriority", which, who, 10) for which, who in ((0, 9), (1, 0), (2, 0))} == {"EPERM"}


def test_personality_is_asked_for_only(build: Kernel) -> None:
    """No READ_IMPLIES_EXEC, no ADDR_NO_RANDOMIZE."""
    assert {build.call("personality", value) for value in (0, 0xFFFFFFFF)} == {ALLOWED}
    assert {build.call("personality", value) for value in (0x0400000, 0x0040000, 8)} == {"EPERM"}


def test_memory_files_are_for_cuda(architecture: str) -> None:
    """No limit on address space counts them."""
    for gpu, said in ((False, "EPERM"), (True, ALLOWED)):
        assert (
            Kernel(architecture, seccomp.program(forks=False, gpu=gpu, architecture=architecture)).call("memfd_create")
            == said
        )


def test_shared_machine(shared: Kernel, worker: Kernel, architecture: str) -> None:
    """Where Landlock alone stands before the user's files: no names of sockets, no modes, no watching."""
    for call in ("connect", "fchmod", "fchmodat", "fchownat", "utimensat", "setxattr", "truncate", "inotify_init1"):
        assert (shared.call(call), worker.call(call)) == ("EPERM", ALLOWED)
    assert shared.call("socket", 1, 1) == "EPERM"
    stream, datagram, close_on_exec = 1, 2, 0o2000000
    assert shared.call("socketpair", 1, stream | close_on_exec) == ALLOWED
    assert shared.call("socketpair", 1, datagram | close_on_exec) == "EPERM"


def test_shared_build_may_make_its_output_executable(architecture: str) -> None:
    """The linker does, and stops where it cannot."""
    build = Kernel(architecture, seccomp.program(forks=True, shared=True, architecture=architecture))
    assert (build.call("fchmodat"), build.call("fchmod"), build.call("connect")) == (ALLOWED, ALLOWED, "EPERM")


def test_shared_build_stays_in_its_session(architecture: str) -> None:
    """By which it is ended; ninja gives each compiler a process group of its own, which is no way out."""
    build = Kernel(architecture, seccomp.program(forks=True, shared=True, architecture=architecture))
    assert (build.call("setsid"), build.call("setpgid")) == ("EPERM", ALLOWED)


def test_signals_to_itself_only(architecture: str) -> None:
    """By the number that is put in last."""
    mine = confine._with_pid(seccomp.program(forks=False, shared=True, architecture=architecture), 4321)
    kernel = Kernel(architecture, mine)
    for call in ("kill", "tgkill"):
        assert kernel.call(call, 4321, 6) == ALLOWED
        assert {kernel.call(call, pid, 9) for pid in (1, 4320, 0, -1, -4321, seccomp.OWN_PID)} == {"EPERM"}
    assert {kernel.call(call, 4321, 9) for call in ("tkill", "rt_sigqueueinfo", "pidfd_send_signal")} == {"EPERM"}


def test_unknown_architecture() -> None:
    """It is an error of ours, with what there is."""
    with pytest.raises(GraderError, match=r"^There is no seccomp filter for 'riscv64', only for: x86_64, aarch64\.$"):
        seccomp.program(forks=True, architecture="riscv64")
    assert not seccomp.supported("riscv64")


def test_a_jump_too_far_is_noticed() -> None:
    """It does not fit into the instruction."""
    with pytest.raises(struct.error):
        bpf.encode(bpf.if_equal(1, bpf.answer(0) * 256))


@pytest.mark.parametrize("architecture_", list(HEADERS))
def test_numbers_are_the_kernels(architecture_: str) -> None:
    """The table says what the headers installed here say, and knows every call that this module refuses."""
    header = next((file for file in HEADERS[architecture_] if file.exists()), None)
    if header is None:
        pytest.skip(f"no kernel header for {architecture_} is installed (linux-libc-dev)")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    official = {name: int(number) for name, number in found}
    machine = syscalls.MACHINES[architecture_]
    wrong = {
        name: (row[machine.column], official.get(name))
        for name, row in syscalls._NUMBERS.items()
        if row[machine.column] != official.get(name)
    }
    assert wrong == {}


# -- this machine's kernel --------------------------------------------------------------------------------------------

# A raw call with arguments that make it fail in other ways than EPERM where it is not refused. Prints the errors.
PROBE = """
import ctypes, errno, json, sys
sys.path.insert(0, {root!r})
from grader.sandbox import confine, seccomp
confine.no_new_privs()
confine.filter_calls(seccomp.program(forks={forks}, shared={shared}))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return errno.errorcode.get(ctypes.get_errno(), "?") if result < 0 else "done"
{body}
"""


def probe(body: str, *, forks: bool = False, shared: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Python code behind a filter."""
    code = PROBE.format(root=str(ROOT), forks=forks, shared=shared, body=body)
    return subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, start_new_session=True
    )


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """What the kernel answers to each refused call behind a worker's filter."""
    machine = syscalls.machine()
    assert machine is not None
    numbers = {
        call: syscalls.number(call, machine) for call in (*REFUSED.split(), "clone3", "socket", "connect", "kill")
    }
    done = probe(
        f"numbers = {numbers}\n"
        "print(json.dumps({name: call(number, *[-1] * 6) for name, number in numbers.items()}))",
        shared=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@linux_only
def test_kernel_refuses_each_call(told: dict[str, str]) -> None:
    """The kernel takes the program and answers as the interpreter does."""
    expected = dict.fromkeys((*REFUSED.split(), "socket", "connect", "kill"), "EPERM") | {"clone3": "ENOSYS"}
    assert told == expected


@linux_only
def test_numpy_computes_and_forks_do_not() -> None:
    """Threads of OpenBLAS start behind a worker's filter; processes do not, in whatever way they are asked for."""
    done = probe(
        "import numpy, os, subprocess, threading\n"
        "a = numpy.ones((512, 512), numpy.float32)\n"
        "print(float((a @ a)[0, 0]))\n"
        "thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()\n"
        "for start in (os.fork, lambda: os.posix_spawn('/bin/true', ['true'], {}), lambda: subprocess.run(['true'])):\n"
        "    try: start()\n"
        "    except PermissionError: print('refused')\n",
        shared=True,
    )
    assert done.stdout.split() == ["512.0", "thread", "refused", "refused", "refused"], done.stderr


@linux_only
def test_abort_is_still_told_by_its_signal() -> None:
    """assert() in C++ ends with SIGABRT, which a process sends to itself."""
    assert probe("import os; os.abort()", shared=True).returncode == -6


@linux_only
def test_a_signal_to_the_parent_is_refused() -> None:
    """The judge, under the same user."""
    done = probe("import os\ntry: os.kill(os.getppid(), 0)\nexcept PermissionError: print('refused')", shared=True)
    assert done.stdout == "refused\n", done.stderr


@linux_only
def test_a_build_starts_programs() -> None:
    """The shell forks behind a build's filter, and not behind a worker's; it may become another program there."""
    start = "import os; os.execv('/bin/sh', ['sh', '-c', '(echo built); echo done'])"
    assert probe(start, forks=True, shared=True).stdout == "built\ndone\n"
    assert "built" not in probe(start, shared=True).stdout


@pytest.mark.skipif(sys.platform != "linux" or syscalls.machine() is not syscalls.MACHINES["x86_64"], reason="x86")
def test_32_bit_calls_end_the_process() -> None:
    """int 0x80 with 20, getpid of i386, which is writev of x86_64. Where the kernel has no such calls it ends, too."""
    done = probe(
        "import mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))  # mov eax, 20; int 0x80; ret\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "print('reached', flush=True)\n"
        "ctypes.CFUNCTYPE(ctypes.c_long)(address)()\n"
        "print('went on', flush=True)\n"
    )
    assert done.stdout == "reached\n", done.stderr
    assert done.returncode in (-31, -11)  # SIGSYS; SIGSEGV without CONFIG_IA32_EMULATION
