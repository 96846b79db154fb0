"""What a compiled module really links and imports, read from its bytes. It is never loaded here.

A source can spell `dlopen` in many ways; the module that comes of it can import it in one. Numbers and structures are
those of the System V ABI's ELF-64 object file format (gABI, chapters 4 and 5) as in Linux' <elf.h>. The file may be
forged by its build, so every offset and count is checked, and what the dynamic loader would read is read: program
headers and the dynamic section, never section headers, which a loader ignores.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.reading.words import because

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")  # RELA, the only kind that x86_64 and aarch64 use
_ET_DYN, _PT_LOAD, _PT_DYNAMIC = 3, 1, 2
_MACHINES = {62, 183}  # EM_X86_64, EM_AARCH64
_NEEDED, _PLTRELSZ, _STRTAB, _SYMTAB, _RELA, _RELASZ, _STRSZ = 1, 2, 5, 6, 7, 8, 10
_RPATH, _REL, _RELSZ, _JMPREL, _RUNPATH = 15, 17, 18, 23, 29
_CONFIG, _DEPAUDIT, _AUDIT, _AUXILIARY, _FILTER = 0x6FFFFEFA, 0x6FFFFEFB, 0x6FFFFEFC, 0x7FFFFFFD, 0x7FFFFFFF
_PAGE = 4096  # bytes; the smallest of either machine
_MOST_SEGMENTS = 64  # g++ makes 9 to 12
_MOST_DYNAMIC = 256  # g++ makes 25 to 30
_MOST_RELOCATIONS = 1 << 20  # needle's modules have some 2,000; a module may have 64 MiB
_MOST_NAME = 4096  # bytes; the longest of pybind11's are some 400

# The C and C++ run time; libmvec is glibc's, with expf and others for vectors. What a graphics processor's driver needs
# comes by dlopen from CUDA's static run time.
_LIBRARIES = re.compile(
    r"(libstdc\+\+|libgcc_s|libc\+\+|libc\+\+abi|libunwind|libm|libmvec|libc|libpthread|libdl|librt|libgomp|libatomic)\.so\.[0-9]+"
    r"|ld-linux-(x86-64|aarch64)\.so\.[0-9]|libc\.musl-(x86_64|aarch64)\.so\.1"
)

_BLAS = re.compile(
    r"(scipy_)?cblas_\w+|LAPACKE_\w+|(scipy_)?[sdcz](gemm|gemv|symm|trmm|trsm|syrk)_(64_)?"
    r"|(cublas|cudnn|cutensor|cusparse|cusolver|cufft|cufile|onednn|dnnl|mkl)[A-Z_]\w*"
)
_LOADING = {
    "dlopen",
    "dlmopen",
    "dlsym",
    "dlvsym",
    "__libc_dlopen_mode",
    "__libc_dlsym",
    "_dl_open",
    "_dl_sym",
    "_dl_addr",
}
_STARTS, _PYTHON = "starts programs", "runs or watches Python code"
# Worth a look; not PyFrame_GetBack, which pybind11 itself calls.
_SUSPECT = {
    **because(
        _STARTS,
        """
            system popen fork vfork _Fork clone clone3 posix_spawn posix_spawnp execl execle execlp execv execve
            execveat execvp execvpe fexecve wordexp
        """,
    ),
    **because("uses the network", "socket socketpair connect bind listen getaddrinfo gethostbyname"),
    **because(
        "reaches other processes or the kernel directly",
        """
            ptrace process_vm_readv process_vm_writev kill tgkill pidfd_open pidfd_getfd syscall
        """,
    ),
    **because("looks through what is loaded", "dl_iterate_phdr _r_debug dlinfo dladdr dladdr1"),
    **because(
        _PYTHON,
        """
            PyRun_String PyRun_StringFlags PyRun_SimpleString PyRun_SimpleStringFlags PyRun_FileExFlags
            Py_CompileString Py_CompileStringExFlags PyEval_EvalCode PyEval_SetTrace PyEval_SetProfile
            PySys_AddAuditHook PyFrame_GetLocals
        """,
    ),
}
# Our own simulator, which is linked into a simulated module, prints a stack by addr2line and walks what is loaded.
_SIMULATORS = {"posix_spawnp", "dl_iterate_phdr", "dladdr", "dladdr1"}
# In a module of nvcc's only these: CUDA's static run time (of release 13.0) imports sockets, kill and syscall for its
# daemon and for profilers, and another release may import more of that kind.
_TOLD_OF_CUDA = {_STARTS, _PYTHON}


@dataclass(frozen=True)
class Linked:
    """What the loader would do for a module."""

    libraries: tuple[str, ...]  # loaded with it: "libm.so.6"
    searched: tuple[str, ...]  # folders that it has searched (RPATH, RUNPATH), as written
    imports: frozenset[str]  # symbols that are looked up for it by name


@dataclass(frozen=True)
class Checked:
    """What is to be said of a module."""

    refused: str = ""  # why it is not used, as the end of a sentence that begins with its name; "" where it may be
    suspicions: tuple[tuple[str, str], ...] = ()  # (imported symbol, what it does)


class Malformed(ValueError):
    """The bytes are no shared object for Linux; the text says what is wrong."""


def check_module(data: bytes, *, cuda: bool, simulated: bool = False, compiler: str = "") -> Checked:
    """Look at a compiled module.

    cuda: made by nvcc; simulated: linked with our own simulator of CUDA; compiler: the path of the one that made it,
    which may name its own folder in it.

    Never fails and loads nothing. What does not begin as an ELF file, no Linux loads, and a macOS module is none: there
    is nothing to check then.
    """
    if not data.startswith(b"\x7fELF"):
        return Checked()
    try:
        linked = read(data)
    except Malformed as error:
        return Checked(f"is not a shared object that Linux would load: {error}")
    own = sorted((linked.imports & _SUSPECT.keys()) - (_SIMULATORS if simulated else set()))
    found = [(name, _SUSPECT[name]) for name in own]
    suspicions = tuple(pair for pair in found if not cuda or pair[1] in _TOLD_OF_CUDA)
    return Checked(_refusal(linked, cuda, compiler), suspicions)


def _refusal(linked: Linked, cuda: bool, compiler: str) -> str:
    if odd := [name for name in linked.libraries if not _LIBRARIES.fullmatch(name)]:
        return f"links {_few(odd)}, and may link nothing but the C and C++ run time: take out what needs it"
    if elsewhere := [folder for folder in linked.searched if not _of_compiler(folder, compiler)]:
        return (
            f"has libraries searched in {_few(elsewhere)} (RPATH), and may name no folder but the compiler's own: let "
            "CXX name a compiler that adds none"
        )
    if blas := sorted(name for name in linked.imports if _BLAS.fullmatch(name)):
        return f"imports {_few(blas)}: points are for your own kernels, not for calling a library"
    loading = sorted(linked.imports & _LOADING)
    if loading and not cuda:  # CUDA's static run time loads the driver with them
        return f"imports {_few(loading)}, and may load no other library: take out what needs it"
    return ""


def read(data: bytes) -> Linked:
    """What the module links. Raises Malformed."""
    return _Reader(data).linked()


class _Reader:
    """One file, as the loader maps it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._loads: list[tuple[int, int, int]] = []  # virtual address, offset, bytes in the file
        dynamic: list[tuple[int, int]] = []
        free = 0  # the first page that no segment before has
        for kind, offset, address, size, in_memory in self._segments():
            if kind == _PT_LOAD:
                # The loader maps whole pages, each segment over those before it: what two share is the later one's.
                if address // _PAGE * _PAGE < free or (address - offset) % _PAGE:
                    raise Malformed("its segments overlap, or begin within a page")
                free = -(-(address + max(size, in_memory)) // _PAGE) * _PAGE
                self._loads.append((address, offset, size))
            elif kind == _PT_DYNAMIC:
                dynamic.append((address, size))
        if len(dynamic) != 1:
            raise Malformed(f"it has {len(dynamic)} dynamic sections")
        self._entries = self._dynamic(*dynamic[0])

    def linked(self) -> Linked:
        """What the dynamic section says."""
        one = dict(self._entries)
        if _REL in one or _RELSZ in one:
            raise Malformed("its relocations are of another machine's kind")
        names = [self._name(offset, one) for tag, offset in self._entries if tag in (_NEEDED, _AUXILIARY, _FILTER)]
        # Each makes the loader load or obey something more; no compiler writes them.
        if others := [tag for tag, _ in self._entries if tag in (_CONFIG, _DEPAUDIT, _AUDIT)]:
            raise Malformed(f"its dynamic section asks for an auditor or a configuration (tag {others[0]:#x})")
        searched = [self._name(offset, one) for tag, offset in self._entries if tag in (_RPATH, _RUNPATH)]
        return Linked(tuple(names), tuple(searched), frozenset(self._imports(one)))

    def _segments(self) -> Iterator[tuple[int, int, int, int, int]]:
        header = self._unpack(_HEADER, 0)
        identity, kind, machine, _, _, table, _, _, _, entry_size, count, *_ = header
        # 64 bits, little endian, version 1: the two machines that the loader could be on
        if identity[:7] != b"\x7fELF\x02\x01\x01" or kind != _ET_DYN or machine not in _MACHINES:
            raise Malformed("its header is not that of one for this kind of machine")
        if entry_size != _SEGMENT.size or not 0 < count <= _MOST_SEGMENTS:
            raise Malformed(f"it has {count} program headers of {entry_size} bytes")
        for number in range(count):
            kind, _, offset, address, _, size, in_memory, _ = self._unpack(_SEGMENT, table + number * _SEGMENT.size)
            if offset + size > len(self._data) or address + size >= 1 << 64:
                raise Malformed("a segment lies outside of the file")
            yield kind, offset, address, size, in_memory

    def _dynamic(self, address: int, size: int) -> list[tuple[int, int]]:
        # By its address and not its offset in the file, which may differ: the loader has only the address.
        start = self._offset(address, size)
        found: list[tuple[int, int]] = []
        for position in range(start, start + size - _DYNAMIC.size + 1, _DYNAMIC.size):
            tag, value = self._unpack(_DYNAMIC, position)
            if tag == 0:
                break
            if len(found) == _MOST_DYNAMIC:
                raise Malformed(f"its dynamic section has more than {_MOST_DYNAMIC} entries")
            found.append((tag, value))
        else:
            raise Malformed("its dynamic section does not end")
        for tag in (_STRTAB, _SYMTAB, _RELA, _RELASZ, _JMPREL, _PLTRELSZ, _STRSZ):
            if sum(tag == other for other, _ in found) > 1:
                raise Malformed("its dynamic section names a table twice")  # which one counts is the loader's affair
        return found

    def _imports(self, one: dict[int, int]) -> set[str]:
        """The names of all symbols that a relocation asks for.

        Not only of undefined ones: a module may define a `dlopen` of its own, weak and visible, and call that; the
        loader looks a visible name up in libc first, and binds the call to libc's.
        """
        numbers: set[int] = set()
        for table, length in ((_RELA, _RELASZ), (_JMPREL, _PLTRELSZ)):
            size = one.get(length, 0)
            if size == 0:
                continue
            if size % _RELOCATION.size or size // _RELOCATION.size > _MOST_RELOCATIONS:
                raise Malformed(f"a table of relocations has {size} bytes")
            start = self._offset(one.get(table, 0), size)
            rows = _RELOCATION.iter_unpack(self._data[start : start + size])
            numbers.update(info >> 32 for _, info, _ in rows)
        found: set[str] = set()
        for number in numbers - {0}:
            start = self._offset(one.get(_SYMTAB, 0) + number * _SYMBOL.size, _SYMBOL.size)
            name, info, other, _, _, _ = self._unpack(_SYMBOL, start)
            local = info >> 4 == 0 or other & 3 in (1, 2)  # STB_LOCAL; STV_INTERNAL, STV_HIDDEN
            if name and not local:
                found.add(self._name(name, one))
        return found

    def _name(self, offset: int, one: dict[int, int]) -> str:
        size = one.get(_STRSZ, 0)
        if offset >= size:
            raise Malformed("a name lies outside of its table")
        start = self._offset(one.get(_STRTAB, 0), size)
        end = self._data.find(b"\0", start + offset, min(start + size, start + offset + _MOST_NAME))
        if end < 0:
            raise Malformed("a name does not end")
        return self._data[start + offset : end].decode("utf-8", "backslashreplace")

    def _offset(self, address: int, size: int) -> int:
        """Where in the file lies what the loader maps at `address`, of which `size` bytes are needed."""
        for begins, offset, length in self._loads:
            if begins <= address and address + size <= begins + length:
                return offset + address - begins
        raise Malformed(f"the address {address:#x} is not mapped from the file")

    def _unpack(self, form: struct.Struct, offset: int) -> tuple[Any, ...]:
        if offset < 0 or offset + form.size > len(self._data):
            raise Malformed("it is cut short")
        return form.unpack_from(self._data, offset)


def _of_compiler(searched: str, compiler: str) -> bool:
    """Whether all folders of an RPATH lie where the compiler is installed: Conda's g++ names its environment's lib."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(compiler)))
    inside = [os.path.normpath(folder).startswith(f"{home}/") for folder in searched.split(":")]
    return bool(compiler) and home != "/" and "$" not in searched and all(inside)


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(ascii(name)[1:-1][:80] or "a library without a name" for name in names[:3]) + more
