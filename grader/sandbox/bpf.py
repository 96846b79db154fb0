"""A small assembler for classic BPF, as far as a seccomp filter needs it (linux/filter.h, linux/bpf_common.h).

The machine has one accumulator. Jumps only go forward, by at most 255 instructions; a program has at most 4096.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS: accumulator = 32 bits of seccomp_data at k
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

NUMBER = 0  # offsets in struct seccomp_data (linux/seccomp.h)
ARCHITECTURE = 4
_ARGUMENTS = 16

ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW
KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS, ends the whole process with SIGSYS
_ERRNO = 0x00050000  # SECCOMP_RET_ERRNO | the number
_LONGEST = 4096  # BPF_MAXINSNS


class Instruction(NamedTuple):
    """struct sock_filter."""

    code: int
    yes: int  # instructions to skip where a comparison holds
    no: int  # and where it does not
    k: int


Program = list[Instruction]


def load(offset: int) -> Program:
    """Put 32 bits of struct seccomp_data into the accumulator."""
    return [Instruction(_LOAD, 0, 0, offset)]


def load_argument(index: int, mask: int = 0xFFFFFFFF) -> Program:
    """Put the lower 32 bits of an argument, under a mask, into the accumulator; for little-endian machines."""
    masked = [] if mask == 0xFFFFFFFF else [Instruction(_AND, 0, 0, mask)]
    return load(_ARGUMENTS + 8 * index) + masked


def answer(action: int) -> Program:
    """End the program."""
    return [Instruction(_RETURN, 0, 0, action)]


def fail(errno: int) -> Program:
    """End the program: the call is not made and fails with this error."""
    return answer(_ERRNO | errno)


def if_equal(value: int, then: Program) -> Program:
    """Run `then` where the accumulator is `value`, else skip it."""
    return [Instruction(_EQUAL, 0, len(then), value), *then]


def unless_equal(value: int, then: Program) -> Program:
    """Run `then` where the accumulator is not `value`, else skip it."""
    return [Instruction(_EQUAL, len(then), 0, value), *then]


def if_at_least(value: int, then: Program) -> Program:
    """Run `then` where the accumulator is `value` or more, unsigned, else skip it."""
    return [Instruction(_AT_LEAST, 0, len(then), value), *then]


def encode(program: Program) -> bytes:
    """As the kernel takes it: an array of struct sock_filter. struct.error: a jump over more than 255 instructions."""
    assert len(program) <= _LONGEST, f"{len(program)} instructions, at most {_LONGEST} are allowed"
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
