"""Numbers of the system calls that the seccomp filter names, and what tells the architectures apart.

x86_64: Linux 6.1, asm/unistd_64.h. aarch64: Linux 6.1, asm-generic/unistd.h. A number is never given to another call
later, so the table cannot grow old; calls that came after it are refused by their number alone (`NEWEST`).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One architecture as the kernel names it to a filter."""

    audit: int  # AUDIT_ARCH_*, linux/audit.h: the ELF machine | 64 bits 0x80000000 | little endian 0x40000000
    column: int  # of the table below
    x32: bool  # whether calls with bit 30 set are those of the x32 ABI (asm/unistd.h: __X32_SYSCALL_BIT)


MACHINES = {
    "x86_64": Machine(audit=0xC000003E, column=0, x32=True),
    "aarch64": Machine(audit=0xC00000B7, column=1, x32=False),
}
X32_BIT = 0x40000000
NEWEST = 450  # set_mempolicy_home_node: the last call of Linux 6.1, on both


def machine(name: str = "") -> Machine | None:
    """The architecture of that name, this machine's by default; None: the filter knows nothing of it."""
    return MACHINES.get(name or platform.machine())


def number(call: str, on: Machine) -> int | None:
    """The number of a system call on that architecture; None: it has none. KeyError: the table lacks it."""
    return _NUMBERS[call][on.column]


def _read(table: str) -> dict[str, tuple[int | None, ...]]:
    rows = (line.split() for line in table.split("\n") if line)
    return {name: tuple(None if n == "-" else int(n) for n in numbers) for name, *numbers in rows}


# call, x86_64, aarch64; - where there is none
_NUMBERS = _read("""
acct 163 89
add_key 248 217
adjtimex 159 171
bpf 321 280
chmod 90 -
chown 92 -
chroot 161 51
clock_adjtime 305 266
clock_settime 227 112
clone 56 220
clone3 435 435
connect 42 203
create_module 174 -
delete_module 176 106
execve 59 221
execveat 322 281
fanotify_init 300 262
fanotify_mark 301 263
fchmod 91 52
fchmodat 268 53
fchown 93 55
fchownat 260 54
fcntl 72 25
finit_module 313 273
fork 57 -
fremovexattr 199 16
fsconfig 431 431
fsetxattr 190 7
fsmount 432 432
fsopen 430 430
fspick 433 433
futimesat 261 -
get_kernel_syms 177 -
getpid 39 172
init_module 175 105
inotify_add_watch 254 27
inotify_init 253 -
inotify_init1 294 26
io_setup 206 0
io_uring_enter 426 426
io_uring_register 427 427
io_uring_setup 425 425
ioctl 16 29
ioperm 173 -
iopl 172 -
ioprio_set 251 30
kcmp 312 272
kexec_file_load 320 294
kexec_load 246 104
keyctl 250 219
kill 62 129
lchown 94 -
lookup_dcookie 212 18
lremovexattr 198 15
lsetxattr 189 6
memfd_create 319 279
memfd_secret 447 447
migrate_pages 256 238
modify_ldt 154 -
mount 165 40
mount_setattr 442 442
move_mount 429 429
move_pages 279 239
mq_open 240 180
msgget 68 186
name_to_handle_at 303 264
nfsservctl 180 42
open_by_handle_at 304 265
open_tree 428 428
perf_event_open 298 241
personality 135 92
pidfd_getfd 438 438
pidfd_open 434 434
pidfd_send_signal 424 424
pivot_root 155 41
prctl 157 167
prlimit64 302 261
process_madvise 440 440
process_mrelease 448 448
process_vm_readv 310 270
process_vm_writev 311 271
ptrace 101 117
query_module 178 -
quotactl 179 60
quotactl_fd 443 443
read 0 63
reboot 169 142
removexattr 197 14
request_key 249 218
rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240
sched_setaffinity 203 122
sched_setattr 314 274
sched_setparam 142 118
sched_setscheduler 144 119
semget 64 190
setdomainname 171 162
sethostname 170 161
setns 308 268
setpgid 109 154
setpriority 141 140
setsid 112 157
settimeofday 164 170
setxattr 188 5
shmat 30 196
shmget 29 194
socket 41 198
socketpair 53 199
swapoff 168 225
swapon 167 224
sysfs 139 -
syslog 103 116
tgkill 234 131
tkill 200 130
truncate 76 45
umount2 166 39
unshare 272 97
uselib 134 -
userfaultfd 323 282
utime 132 -
utimensat 280 88
utimes 235 -
vfork 58 -
vhangup 153 58
""")
