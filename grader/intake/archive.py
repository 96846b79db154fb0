"""Read a zip or a tar entry by entry, streaming, under caps, and believe nothing that it says of itself.

Python's own `extractall` is not used: the filter that makes it safe is missing in 3.11.2, and it knows no caps. Its
parsers are, with a guard before each place where they would take as much memory as a header asks for.
"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import re
import stat
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, cast

from grader.errors import GraderError
from grader.intake.entries import Caps, Entry, Refused
from grader.intake.unpacking import Xz, Zst, is_zst

_CHUNK = 1 << 16
_BLOCK = 512  # bytes of a tar's header
_MAX_HEADER = 256 << 10  # bytes that a tar's header may ask for at once: a name, or a table of attributes
_MAX_DIRECTORY = 16 << 20  # bytes of a zip's table of contents: 100,000 entries take 10 MB
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the parsers raise for damaged or forged input (found by 100,000 damaged archives). RecursionError: a chain of
# headers. OSError: bz2 and gzip raise it for damage, with no errno.
_BROKEN = (
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


class ArchiveSource:
    """An archive: its entries, under names that are relative and do not lead out of it."""

    def __init__(self, file: Path, caps: Caps, read: Callable[[IO[bytes], Meter], Iterator[Entry]]) -> None:
        self._file = file
        self._caps = caps
        self._read = read

    @classmethod
    def open(cls, file: Path, caps: Caps) -> ArchiveSource | None:
        """The archive, told by its first bytes and not by its name; None where it is of no known kind."""
        with open(file, "rb") as stream:
            head = stream.read(512)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return cls(file, caps, _zip_entries)
        if head[:2] == b"\x1f\x8b":
            return cls(file, caps, lambda raw, meter: _tar_entries(cast(IO[bytes], gzip.GzipFile(fileobj=raw)), meter))
        if head[:3] == b"BZh":
            return cls(file, caps, lambda raw, meter: _tar_entries(cast(IO[bytes], bz2.BZ2File(raw)), meter))
        if head[:6] == b"\xfd7zXZ\x00":
            return cls(file, caps, lambda raw, meter: _tar_entries(cast(IO[bytes], io.BufferedReader(Xz(raw))), meter))
        if is_zst(head):
            return cls(file, caps, lambda raw, meter: _tar_entries(cast(IO[bytes], io.BufferedReader(Zst(raw))), meter))
        if head[257:262] == b"ustar" or _is_old_tar(head):
            return cls(file, caps, _tar_entries)
        return None

    def has(self, paths: Sequence[str]) -> bool:
        """See Source: an archive must be gone through."""
        return False

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """See Source."""
        size = self._file.stat().st_size
        if size > self._caps.archive_bytes:
            raise Refused(f"is {size >> 20} MiB large; expected at most {self._caps.archive_bytes >> 20} MiB")
        with open(self._file, "rb") as raw, _explained(""):
            for entry in self._read(raw, Meter(size, self._caps)):
                if entry.kind != "folder" and _all_wanted(entry.path, wanted):
                    yield entry


class Meter:
    """Counts what comes out of an archive, against what went into it."""

    ANY_SIZE: Final = sys.maxsize  # as `packed`, where there is no one size that went into it

    def __init__(self, packed: int, caps: Caps) -> None:
        self._packed = packed
        self._caps = caps
        self._unpacked = 0
        self._entries = 0
        self._end = time.monotonic() + caps.seconds

    def unpacked(self, count: int, where: str) -> None:
        """Add bytes that were unpacked. Raises Refused past the caps."""
        self._unpacked += count
        if time.monotonic() > self._end:  # forged headers can make a parser slow in ways that no other cap sees
            raise Refused(f"was not unpacked within {self._caps.seconds} s; {where} was reached")
        if self._unpacked > self._caps.unpacked_bytes:
            limit = f"{self._caps.unpacked_bytes >> 20} MiB"
            raise Refused(f"unpacks to more than {limit}; the limit was passed by {where}")
        if self._unpacked > max(self._caps.ratio_from, self._packed * self._caps.ratio):
            raise Refused(f"unpacks to more than {self._caps.ratio} times its size; the limit was passed by {where}")

    def entry(self, where: str) -> None:
        """Add an entry. Raises Refused past the cap."""
        self._entries += 1
        if self._entries > self._caps.entries:
            raise Refused(f"holds more than {self._caps.entries} entries; the limit was passed by {where}")


def _all_wanted(path: str, wanted: Callable[[str], bool]) -> bool:
    """Whether neither the entry nor a folder that it lies in is declined."""
    parts = path.split("/")
    return all(wanted("/".join(parts[:count])) for count in range(1, len(parts) + 1))


def _safe_path(name: str) -> str:
    """The entry's relative path, "" for the top itself. Raises Refused for one that leads out of the archive."""
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise Refused(f"holds {_quoted(name)}, an absolute name; expected names relative to the tree")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"holds {_quoted(name)}, a name that leads out of the archive")
    return "/".join(parts)


def _quoted(name: str) -> str:
    return ascii(name[:120])


# ---------------------------------------------------------------------------------------------------------------- zip


def _zip_entries(raw: IO[bytes], meter: Meter) -> Iterator[Entry]:
    _check_directory(raw)
    with zipfile.ZipFile(raw) as archive:
        for item in archive.infolist():
            # Some tools of Windows write backslashes, against the format's rule.
            path = _safe_path(_zip_name(item).replace("\\", "/"))
            meter.entry(_quoted(path))
            if path:
                yield Entry(path, _zip_kind(item), _zip_opener(archive, item, path, meter))


def _check_directory(raw: IO[bytes]) -> None:
    """Look at the size of the table of contents, which ZipFile reads into memory: some 500 bytes for every 46 of it.

    The record at a zip's end: signature, ..., size of the table at byte 12, its place at 16, a comment of up to 64 KiB
    behind it; the larger form of it (zip64) is announced 20 bytes before (APPNOTE.TXT 4.3.14 to 4.3.16).
    """
    size = raw.seek(0, io.SEEK_END)
    raw.seek(max(0, size - (1 << 16) - 42))
    tail = raw.read()
    records = [match.start() for match in re.finditer(b"PK\\x05\\x06", tail) if match.start() + 22 <= len(tail)]
    if not records:
        raise Refused("is a broken archive: a zip without its table of contents, probably cut short")
    for at in records:  # a forged comment holds a second record: which one ZipFile takes must not matter
        if tail[max(0, at - 20) : at][:4] == b"PK\x06\x07":
            raise Refused("is a zip in the format for more than 65,535 entries or 4 GiB; hand in only the tree")
        (table,) = struct.unpack_from("<L", tail, at + 12)
        if table > _MAX_DIRECTORY:
            raise Refused(f"has a table of contents of {table >> 20} MiB; expected at most {_MAX_DIRECTORY >> 20} MiB")


def _zip_name(item: zipfile.ZipInfo) -> str:
    """The entry's name, the same with every Python: ZipFile cuts it at a NUL, and from 3.13 on obeys an extra field.

    Marked as UTF-8 (bit 11 of the flags), or in the code page of DOS, 437: then a field of Info-ZIP may have it as
    UTF-8 (APPNOTE.TXT 4.6.9), and the Mac's own tool writes UTF-8 without a mark.
    """
    name = item.orig_filename
    if "\0" in name:
        raise Refused(f"holds {_quoted(name)}, a name with a NUL in it")
    if item.flag_bits & 0x800 or name.isascii():
        return name
    try:
        raw = name.encode("cp437")
    except UnicodeEncodeError:  # ZipFile was told of another code page; ours is not
        return name
    return _unicode_field(item.extra, raw) or _as_utf8(raw) or name


def _as_utf8(raw: bytes) -> str:
    """Text where these bytes are UTF-8; else ""."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _unicode_field(extra: bytes, raw: bytes) -> str:
    """The name of an entry's field 0x7075, where that has version 1 and the checksum of the name it stands for."""
    at = 0
    while at + 4 <= len(extra):
        number, size = struct.unpack_from("<HH", extra, at)
        field, at = extra[at + 4 : at + 4 + size], at + 4 + size
        if number == 0x7075 and field[:5] == struct.pack("<BL", 1, zlib.crc32(raw)):
            return _as_utf8(field[5:])
    return ""


def _zip_kind(item: zipfile.ZipInfo) -> str:
    mode = item.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if item.orig_filename.endswith(("/", "\\")) or kind == stat.S_IFDIR:
        return "folder"
    return {0: "file", stat.S_IFREG: "file", stat.S_IFLNK: "a link"}.get(kind, "a device or pipe")


def _zip_opener(archive: zipfile.ZipFile, item: zipfile.ZipInfo, path: str, meter: Meter) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        if item.flag_bits & 1:
            raise Refused(f"holds {path} encrypted; expected an archive without a password")
        if item.compress_type not in _ZIP_METHODS:
            raise Refused(f"holds {path} packed by method {item.compress_type}; expected a plain zip (deflated)")
        with _explained(f", at {path}"):
            return cast("IO[bytes]", _Content(archive.open(item), path, meter))

    return opened


# ---------------------------------------------------------------------------------------------------------------- tar


def _tar_entries(stream: IO[bytes], meter: Meter) -> Iterator[Entry]:
    forward = _Forward(stream, meter)
    with tarfile.open(fileobj=cast("IO[bytes]", forward), mode="r:", errorlevel=1, encoding="utf-8") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # it remembers them all, for a use that is not ours
            path = _safe_path(member.name)
            forward.where = _quoted(path)
            meter.entry(forward.where)
            if path:
                yield Entry(path, _tar_kind(member), _tar_opener(archive, member, path))
        # TarFile takes a damaged header, and a file that ends, for the end of the archive: a tree with half of its
        # files would be graded. An archive's end is a block of zeros.
        if len(forward.last) < _BLOCK or any(forward.last):
            raise Refused(f"is a broken archive: damaged or cut short behind {forward.where}")


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "folder"
    if member.issym() or member.islnk():
        return "a link"
    if member.issparse():
        return "a file with holes"
    return "file" if member.isreg() else "a device or pipe"


def _tar_opener(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        stream = archive.extractfile(member)
        assert stream is not None, path
        return cast("IO[bytes]", _Content(stream, path, None))  # the stream below counts

    return opened


def _is_old_tar(head: bytes) -> bool:
    """Whether a block is a header of the tar from before POSIX: its checksum is all that tells (at byte 148)."""
    if len(head) < 512 or not head[0]:
        return False
    try:
        claimed = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return claimed == sum(head[:148]) + 8 * 32 + sum(head[156:])


# ------------------------------------------------------------------------------------------------------------ streams


class _Content(io.RawIOBase):
    """An entry's content: counted, and what is wrong with it is the submission's fault."""

    def __init__(self, stream: IO[bytes], path: str, meter: Meter | None) -> None:
        self._stream = stream
        self._path = path
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        with _explained(f", at {self._path}"):
            data = self._stream.read(size)
        if self._meter is not None:
            self._meter.unpacked(len(data), self._path)
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Forward:
    """What TarFile needs of a file, over a stream that cannot go back, with a limit on what it reads at once."""

    def __init__(self, stream: IO[bytes], meter: Meter) -> None:
        self._stream = stream
        self._meter = meter
        self._position = 0
        self.where = "its first entry"  # for messages
        self.last = b""  # what was read last

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_HEADER:  # below 0: from a forged size; it would mean all there is
            raise Refused(f"is a broken archive: a header behind {self.where} asks for {size} bytes")
        self.last = self._stream.read(size)
        self._position += len(self.last)
        self._meter.unpacked(len(self.last), self.where)
        return self.last

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or position < self._position:  # a negative size: TarFile would go round for ever
            raise Refused(f"is a broken archive: a header behind {self.where} points backwards")
        while self._position < position and self.read(min(_CHUNK, position - self._position)):
            pass
        return self._position


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what a parser raises into a refusal; a disk that cannot be read is not the submission's fault, though."""
    try:
        yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: a seek to a forged place
            raise GraderError(f"an archive cannot be read: {error.strerror}.") from error
        what = ascii(str(error))[1:-1][:200] or type(error).__name__
        raise Refused(f"is a broken archive{where}: {what}") from None
