"""The system calls that a box refuses: a seccomp filter as a classic BPF program.

A list of what is refused, not of what is allowed: Python, compilers and the CUDA driver use some 150 calls between
them, other ones with every version of libc, and a call that such a list lacks ends an honest submission's run.
What came after Linux 6.1 does not exist in a box. A refused call fails (EPERM; ENOSYS where libc then takes another
way) and nobody is killed for trying: Python raises PermissionError, which a student can read. A call by another
architecture's numbers ends the process: no honest program makes one.

The filter is a second line behind what the kernel itself allows an unprivileged user with no_new_privs, and shuts off
parts of the kernel where most holes have been.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from errno import ENOSYS, EPERM

from grader.errors import GraderError
from grader.sandbox import bpf, syscalls
from grader.sandbox.confine import OWN_PID

ANY = 0xFFFFFFFF


@dataclass(frozen=True)
class Group:
    """Calls that are refused whatever their arguments are."""

    why: str
    calls: str  # names, with blanks between them
    errno: int = EPERM


@dataclass(frozen=True)
class Check:
    """A call that is refused because of one of its arguments: its lower 32 bits, which is all that the kernel reads."""

    why: str
    call: str
    argument: int
    only: tuple[int, ...] = ()  # refused unless it is one of these,
    never: tuple[int, ...] = ()  # or, without those, if it is one of these
    mask: int = ANY  # what is looked at of it


_ALWAYS: list[Group | Check] = [
    Group(
        "Reading and steering other processes. Those of the same user are open to it: the judge among them under `none`"
        " and `landlock`. A pidfd is a handle to do it with.",
        "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_open pidfd_getfd",
    ),
    Group(
        "Another view of the file system, by the old and the new interface. Allowed to root of a user namespace only;"
        " refused as well where somebody finds a way to become that.",
        "mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr",
    ),
    Group(
        "New namespaces give a process all capabilities over parts of the kernel that were never meant for users: most"
        " of the escapes of the last ten years began with one.",
        "unshare setns",
    ),
    Group(
        "clone3 has its flags in memory, where a filter cannot look. With ENOSYS libc takes clone instead.",
        "clone3",
        ENOSYS,
    ),
    Group(
        "Keyrings are the user's, not the box's: what is left there the next submission finds.",
        "keyctl add_key request_key",
    ),
    Group(
        "Shared memory, semaphores and queues of System V and POSIX outlive a process; where the box has no IPC"
        " namespace the next submission would find them, and no limit on address space counts them.",
        "shmget shmat semget msgget mq_open",
    ),
    Group(
        "Large interfaces of the kernel that run programs, or work on their own beside the filter (io_uring opens"
        " sockets that no filter sees), or measure and stop what others do (perf, userfaultfd).",
        "bpf io_uring_setup io_uring_enter io_uring_register userfaultfd perf_event_open lookup_dcookie",
    ),
    Group(
        "Files by a handle in place of a name: with the capability for it the way out of any container.",
        "open_by_handle_at name_to_handle_at",
    ),
    Group("Asynchronous requests to disks, of which the whole machine has one supply.", "io_setup"),
    Group("Watching, and holding up, what others do with files.", "fanotify_init fanotify_mark"),
    Group(
        "Memory that neither the grader nor root may look at.",
        "memfd_secret",
    ),
    Group(
        "Other code in the kernel's place, or in it.",
        "kexec_load kexec_file_load init_module finit_module delete_module create_module query_module get_kernel_syms",
    ),
    Group(
        "The machine's own business: clock, name, swap, quotas, accounting, power, kernel log, consoles.",
        "settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname swapon swapoff quotactl"
        " quotactl_fd acct reboot syslog vhangup nfsservctl sysfs uselib",
    ),
    Group("Ports and segments: x86's own doors into old code.", "iopl ioperm modify_ldt"),
    Group("The disk's order of service, of other processes too.", "ioprio_set"),
    Check("Every network, and every other kernel service with an address family.", "socket", 0, only=(1,)),  # AF_UNIX
    Check("The same for pairs.", "socketpair", 0, only=(1,)),
    Check(
        "Namespaces by clone: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. CLONE_PARENT makes the"
        " child one of the judge's, which a walk down from the worker does not find.",
        "clone",
        0,
        only=(0,),
        mask=0x7E020000 | 0x8000,
    ),
    Check(
        "No other kind of process: no 32-bit addresses, no executable data, no fixed addresses.",
        "personality",
        0,
        only=(0, ANY),
    ),
    Check(
        "TIOCSTI types into the terminal as if the user had; TIOCLINUX pastes. FIOSETOWN and SIOCSPGRP as F_SETOWN.",
        "ioctl",
        1,
        never=(0x5412, 0x541C, 0x8901, 0x8902),
    ),
    Check(
        "F_SETOWN(_EX) and F_SETSIG have the kernel send a signal, SIGKILL too, to any process of the user. A lease"
        " (F_SETLEASE) holds up whoever opens the file, for 45 seconds; F_NOTIFY watches.",
        "fcntl",
        1,
        never=(8, 10, 15, 1024, 1026),
    ),
    Check("Limits of other processes: RLIMIT_AS 0 for the judge is its end.", "prlimit64", 0, only=(0,)),
    *(
        Check("Where and when other processes run.", call, 0, only=(0,))
        for call in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
    ),
    Check("The same, and PRIO_USER is all of the user's.", "setpriority", 0, only=(0,)),
    Check("The same.", "setpriority", 1, only=(0,)),
    *(Check("Other processes' memory.", call, 0, only=(0,)) for call in ("move_pages", "migrate_pages")),
]

_NO_FORKS: list[Group | Check] = [
    Group(
        "No second process: it could outlive the worker, and every limit is for each process.",
        "fork vfork",
    ),
    Check("Threads only: CLONE_THREAD.", "clone", 0, only=(0x10000,), mask=0x10000),
    Group("The worker stays in the group that is killed with it.", "setsid setpgid"),
]

_NO_GPU: list[Group | Check] = [
    Group(
        "Memory without an address, which no limit on address space counts; only the CUDA driver has a use for it.",
        "memfd_create",
    ),
]

_SHARED: list[Group | Check] = [
    Group(
        "Landlock does not look at sockets in the file system. The user's message bus takes orders to start programs"
        " outside the box.",
        "socket connect",
    ),
    Check("Only streams: a datagram can be sent to a name without connect.", "socketpair", 1, only=(1,), mask=0xF),
    Check("PR_SET_PDEATHSIG: the box is to die with its judge.", "prctl", 0, never=(1,)),
    Group("A session is how all of a box is found that has neither a PID namespace nor a control group.", "setsid"),
    Group("By name Landlock refuses it from Linux 6.2 on only.", "truncate"),
    Group("Landlock does not look at who watches files.", "inotify_init inotify_init1 inotify_add_watch"),
]

_SHARED_NO_FORKS: list[Group | Check] = [
    Group(
        "Modes, owners, times and attributes, which Landlock does not look at: a worker with the user's own uid could"
        " make all that the user has unreadable. A build may: the linker makes its output executable.",
        "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr"
        " fsetxattr removexattr lremovexattr fremovexattr",
    ),
    Check("Signals to itself only (abort). Landlock sees to it from Linux 6.12 on only.", "kill", 0, only=(OWN_PID,)),
    Check("The same.", "tgkill", 0, only=(OWN_PID,)),
    Group("The same, by rarer ways.", "tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"),
]


@functools.cache  # 0.3 ms, for every box
def program(*, forks: bool, gpu: bool = False, shared: bool = False, architecture: str = "") -> bytes:
    """The filter, for prctl(2) PR_SET_SECCOMP, seccomp(2) or `bwrap --seccomp FD`: an array of struct sock_filter.

    forks: whether processes may be started, and not only threads. gpu: whether the CUDA driver is to work. shared: for
    a box without namespaces, which has the machine's file system and processes in common with everything else; without
    `forks` it holds for one process, whose number `confine.filter_calls` puts in. architecture: as platform.machine()
    says it, this machine's by default. Raises GraderError for one that the table of calls does not know (`supported`).
    """
    machine = syscalls.machine(architecture)
    if machine is None:
        name = architecture or platform.machine()
        raise GraderError(f"There is no seccomp filter for {name!r}, only for: {', '.join(syscalls.MACHINES)}.")
    rules: list[Group | Check] = [*_ALWAYS]
    rules += [] if gpu else _NO_GPU
    rules += [] if forks else _NO_FORKS
    rules += _SHARED if shared else []
    rules += _SHARED_NO_FORKS if shared and not forks else []
    return bpf.encode(_assemble(rules, machine))


def supported(architecture: str = "") -> bool:
    """Whether there can be a filter on that architecture, this machine's by default."""
    return syscalls.machine(architecture) is not None


def _assemble(rules: Sequence[Group | Check], machine: syscalls.Machine) -> bpf.Program:
    steps = bpf.load(bpf.ARCHITECTURE) + bpf.unless_equal(machine.audit, bpf.answer(bpf.KILL)) + bpf.load(bpf.NUMBER)
    if machine.x32:
        steps += bpf.if_at_least(syscalls.X32_BIT, bpf.answer(bpf.KILL))
    steps += bpf.if_at_least(syscalls.NEWEST + 1, bpf.fail(ENOSYS))
    # Calls by number alone first: of what comes before an argument is looked at Linux keeps a map, and does not run it.
    for rule in sorted(rules, key=lambda rule: isinstance(rule, Check)):
        steps += _check(rule, machine) if isinstance(rule, Check) else _group(rule, machine)
    return steps + bpf.answer(bpf.ALLOW)


def _group(group: Group, machine: syscalls.Machine) -> bpf.Program:
    numbers = (syscalls.number(call, machine) for call in group.calls.split())
    return [step for n in numbers if n is not None for step in bpf.if_equal(n, bpf.fail(group.errno))]


def _check(check: Check, machine: syscalls.Machine) -> bpf.Program:
    number = syscalls.number(check.call, machine)
    if number is None:
        return []
    refused = bpf.fail(EPERM)
    if check.only:
        for value in check.only:
            refused = bpf.unless_equal(value, refused)
    else:
        refused = [step for value in check.never for step in bpf.if_equal(value, bpf.fail(EPERM))]
    looked = bpf.load_argument(check.argument, check.mask) + refused + bpf.load(bpf.NUMBER)
    return bpf.if_equal(number, looked)
