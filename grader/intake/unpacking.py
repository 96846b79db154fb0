"""Streams that unpack .xz and .zst within a limit of memory: what a header asks for is not what it gets."""

from __future__ import annotations

import importlib
import io
import lzma
import sys
from collections.abc import Callable
from typing import IO, Any

from grader.errors import UsageError

_CHUNK = 1 << 16
_XZ_MEMORY = 256 << 20  # bytes for unpacking .xz: `xz -9` needs 65 MiB, a forged header asks for 4 GiB
# Bytes that a .zst may look back, as a power of two: 128 MiB is what `zstd --long` asks for and `zstd -d` allows by
# itself (zstd(1)); the format goes up to 3.75 TiB (RFC 8878, 3.1.1.1.2), which a reader would have to hold in memory.
_ZST_WINDOW_LOG = 27


class Xz(io.RawIOBase):
    """An .xz stream, unpacked within a limit of memory, which LZMAFile does not know. Raises LZMAError, EOFError."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase."""
        while not self._decompressor.eof:
            packed = self._raw.read(_CHUNK) if self._decompressor.needs_input else b""
            if not packed and self._decompressor.needs_input:
                raise EOFError("the compressed data end too early")
            if data := self._decompressor.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
        return 0

    def readable(self) -> bool:
        """See IOBase."""
        return True


class Zst(io.RawIOBase):
    """A .zst stream of any number of frames. Raises ValueError where it is damaged, or asks for too much memory."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._stream, self._error = _zst(raw)

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase."""
        try:
            data = self._stream.read(len(buffer))
        except self._error as error:
            raise ValueError(str(error)) from None
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        """See IOBase."""
        return True


def is_zst(head: bytes) -> bool:
    """Whether a file begins as a .zst: with a frame, or with one to be skipped, as `pzstd` writes (RFC 8878, 3.1)."""
    return head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5)


def _zst(raw: IO[bytes]) -> tuple[IO[bytes], type[Exception]]:
    """A stream of what is unpacked, and what it raises. Raises UsageError where this Python cannot read .zst."""
    if sys.version_info >= (3, 14):
        from compression import zstd

        options = {zstd.DecompressionParameter.window_log_max: _ZST_WINDOW_LOG}
        return zstd.ZstdFile(raw, options=options), zstd.ZstdError
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise UsageError(
            "this Python cannot unpack .zst: it needs the package zstandard (`pip install zstandard`; the course's "
            "own set-up has it) or Python 3.14; or hand in a .tar.gz or .zip."
        ) from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << _ZST_WINDOW_LOG)
    open_: Callable[..., IO[bytes]] = unpacker.stream_reader
    return open_(raw, read_size=_CHUNK, read_across_frames=True, closefd=False), zstandard.ZstdError
