"""The objects of a git repository, read by ourselves: loose ones and packs, each checked against its own name.

Git's own commands are not run on a stranger's repository. "It is not safe to run Git commands in a .git directory when
that .git directory itself comes from an untrusted source" (git(1), SECURITY): its config names programs (fsmonitor,
sshCommand, textconv, filters) and other files, alternates and promisor remotes lead to other repositories, and the
code that unpacks is C. Here nothing but objects/, refs/, HEAD and packed-refs is opened, no link is followed, no size
that is claimed is believed, and what a crafted pack can reach is a sentence. Object, pack and index formats:
gitformat-pack(5); object ids: SHA-1 or SHA-256 over "TYPE SIZE\\0CONTENT".
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from grader.intake.archive import Meter
from grader.intake.entries import Caps, Refused, names_inside, open_inside

_CHUNK = 1 << 16
_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_NAME = 6, 7  # an object as a difference from one further up in the pack, or from one of that name
_MOST_PACKS = 200  # two open files each; `git gc` leaves one, and runs by itself at 50
_MOST_DELTAS = 4_095  # git's own limit to a chain of differences
_MOST_TEXT = 16 << 20  # bytes of packed-refs, and of a commit, a tag or a tree: 300,000 names


@dataclass(frozen=True)
class Found:
    """An object."""

    kind: str  # "commit", "tree", "blob", "tag"
    data: bytes


class Objects:
    """The objects of the repository whose git folder is open as `folder`."""

    def __init__(self, folder: int, caps: Caps, meter: Meter) -> None:
        self._folder = folder
        self._caps = caps
        self._meter = meter
        config = self.text("config") or b""
        sha256 = re.search(rb'objectformat\s*=\s*"?sha256', config, re.IGNORECASE)
        self.hash = hashlib.sha256 if sha256 else hashlib.sha1
        self.size = self.hash().digest_size  # bytes of an id

    def text(self, path: str) -> bytes | None:
        """The content of a file of the git folder; None where there is none. Raises Refused for one of 16 MiB."""
        descriptor = open_inside(self._folder, path)
        if descriptor is None:
            return None
        with open(descriptor, "rb") as file:
            data = file.read(_MOST_TEXT + 1)
        if len(data) > _MOST_TEXT:
            raise Refused(f"has {path} of more than {_MOST_TEXT >> 20} MiB in its repository")
        return data

    def get(self, name: str, kind: str) -> bytes:
        """The content of the object of that id. Raises Refused where it is missing, damaged, too large or another kind.

        The id is computed anew: an index of packs may say of any content that it is any object, and the commit's id in
        a report must be that of what was graded.
        """
        found = self.find(name)
        if found.kind != kind:
            raise Refused(f"has {name} as a {found.kind}, expected a {kind}")
        return found.data

    def find(self, name: str) -> Found:
        """The object of that id, whatever its kind; see `get`."""
        found = self._loose(name) or self._packed(name)
        if found is None:
            raise Refused(
                f"lacks the object {name}: it is shallow or partial, or borrows from another repository; "
                "a whole copy is made by `git clone --bare --no-local --dissociate`"
            )
        if self.hash(b"%s %d\0" % (found.kind.encode(), len(found.data)) + found.data).hexdigest() != name:
            raise Refused(f"is damaged: its object {name} has another content than its name says")
        return found

    def beginning_with(self, start: str) -> set[str]:
        """The ids that begin with these hexadecimal digits, four at least."""
        found = {f"{start[:2]}{rest}" for rest in self.names(f"objects/{start[:2]}") if rest.startswith(start[2:])}
        found = {name for name in found if re.fullmatch(rf"[0-9a-f]{{{2 * self.size}}}", name)}
        for pack in self._packs:
            found.update(pack.beginning_with(start))
        return found

    # -- loose -----------------------------------------------------------------------------------------------------

    def _loose(self, name: str) -> Found | None:
        descriptor = open_inside(self._folder, f"objects/{name[:2]}/{name[2:]}")
        if descriptor is None:
            return None
        with open(descriptor, "rb") as file:
            unpacked = _Unpacked(iter(lambda: file.read(_CHUNK), b""), name, self._meter)
            head = unpacked.read(32)  # "commit 18446744073709551616\0" is the longest
            match = re.match(rb"(commit|tree|blob|tag) (\d{1,20})\0", head)
            if match is None:
                raise Refused(f"is damaged: its object {name} does not begin as one")
            size, kind = int(match[2]), match[1].decode()
            self._check_size(size, kind, name)
            data = head[match.end() :] + unpacked.read(size - len(head) + match.end())
        if len(data) != size:
            raise Refused(f"is damaged: its object {name} is not as long as it says")
        return Found(kind, data)

    def _check_size(self, size: int, kind: str, name: str) -> None:
        limit = self._caps.file_bytes if kind == "blob" else min(_MOST_TEXT, self._caps.file_bytes)
        if size > limit:
            raise Refused(f"has the object {name}, a {kind} of {size} bytes; expected at most {limit}")

    # -- packed ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the packs."""
        for pack in self.__dict__.get("_packs", ()):
            pack.close()

    @functools.cached_property
    def _packs(self) -> list[_Pack]:
        names = [name for name in self.names("objects/pack") if name.endswith(".idx")]
        if len(names) > _MOST_PACKS:
            raise Refused(f"has {len(names)} packs; expected at most {_MOST_PACKS}: `git gc` makes them one")
        opened: list[_Pack] = []
        for name in names:
            try:
                pack = _Pack.open(self._folder, f"objects/pack/{name[:-4]}", self.size)
            except Refused:
                for other in opened:
                    other.close()
                raise
            opened += [pack] if pack is not None else []
        return opened

    def names(self, folder: str) -> list[str]:
        """The names in a folder of the git folder, sorted; none where it is not there, or is a link."""
        return names_inside(self._folder, folder, self._caps.entries)

    def _packed(self, name: str) -> Found | None:
        for pack in self._packs:
            offset = pack.offset(name)
            if offset is not None:
                return self._unpack(pack, offset, name)
        return None

    def _unpack(self, pack: _Pack, offset: int, name: str) -> Found:
        """The object at that place: a base, and a chain of differences upon it."""
        deltas: list[bytes] = []
        held = 0
        while True:
            self._meter.unpacked(0, f"the object {name}")  # looks at the clock
            number, size, base, at = pack.head(offset, name)
            kind = _TYPES.get(number, "blob")
            self._check_size(size, kind, name)
            data = _Unpacked(pack.packed(at), name, self._meter).read(size)
            if len(data) != size:
                raise Refused(f"is damaged: its object {name} is not as long as its pack says")
            if number in _TYPES:
                break
            deltas.append(data)
            held += size
            if len(deltas) > _MOST_DELTAS or held > self._caps.file_bytes:
                raise Refused(f"has the object {name} as too long a chain of differences")
            if isinstance(base, str):
                found = pack.offset(base)
                if found is None:
                    raise Refused(f"is damaged: its object {name} differs from {base}, which is not in the same pack")
                offset = found
            else:
                offset = base
        for delta in reversed(deltas):
            data = self._applied(delta, data, kind, name)
        return Found(kind, data)

    def _applied(self, delta: bytes, base: bytes, kind: str, name: str) -> bytes:
        """What a difference makes of its base: sizes of both, then pieces to be copied and pieces to be inserted."""
        try:
            expected, at = _number(delta, 0)
            size, at = _number(delta, at)
            self._check_size(size, kind, name)
            result = bytearray()
            while at < len(delta):
                at = _piece(delta, at, base, result)
                if len(result) > size:  # seven bytes copy 16 MiB, again and again
                    break
        except IndexError:
            raise Refused(f"is damaged: a difference for its object {name} is cut short") from None
        if expected != len(base) or size != len(result):
            raise Refused(f"is damaged: a difference for its object {name} does not fit")
        self._meter.unpacked(len(result), f"the object {name}")
        return bytes(result)


class _Unpacked:
    """A zlib stream, unpacked no further than asked for."""

    def __init__(self, packed: Iterator[bytes], name: str, meter: Meter) -> None:
        self._packed = packed
        self._name = name
        self._meter = meter
        self._zlib = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """So many bytes, or all that there are."""
        out = bytearray()
        while len(out) < size and not self._zlib.eof:
            packed = self._zlib.unconsumed_tail or next(self._packed, b"")
            if not packed:
                break
            try:
                part = self._zlib.decompress(packed, size - len(out))
            except zlib.error as error:
                raise Refused(f"is damaged: its object {self._name} cannot be unpacked ({error})") from None
            self._meter.unpacked(len(part), f"the object {self._name}")
            out += part
        return bytes(out)


class _Pack:
    """A pack and its index, both open."""

    def __init__(self, index: IO[bytes], pack: IO[bytes], size: int, fanout: tuple[int, ...]) -> None:
        self._index = index
        self._pack = pack
        self._size = size
        self._fanout = fanout  # how many names begin with a byte of at most this
        self._names_at = 8 + 1024
        self._offsets_at = self._names_at + fanout[-1] * (size + 4)  # behind the names and their checksums
        self._large_at = self._offsets_at + fanout[-1] * 4

    @classmethod
    def open(cls, folder: int, path: str, size: int) -> _Pack | None:
        """The pack; None where one of its two files is missing, as it is while git writes it."""
        with contextlib.ExitStack() as stack:
            files: list[IO[bytes]] = []
            for suffix in ("idx", "pack"):
                descriptor = open_inside(folder, f"{path}.{suffix}")
                if descriptor is None:
                    return None
                files.append(stack.enter_context(open(descriptor, "rb", buffering=0)))
            index, pack = files
            head = os.pread(index.fileno(), 8 + 1024, 0)
            fanout = struct.unpack_from(">256L", head, 8) if len(head) == 8 + 1024 else (1, 0)
            # At least: names, checksums and places, and two hashes at the end; large packs have a further table.
            whole = 8 + 1024 + fanout[-1] * (size + 8) + 2 * size
            if (
                head[:8] != b"\xfftOc\0\0\0\2"
                or list(fanout) != sorted(fanout)
                or whole > os.fstat(index.fileno()).st_size
            ):
                raise Refused(f"has {path}.idx, which is damaged or of an old form; `git repack -a -d` makes another")
            stack.pop_all()
            return cls(index, pack, size, fanout)

    def close(self) -> None:
        """Close both."""
        self._index.close()
        self._pack.close()

    def offset(self, name: str) -> int | None:
        """Where in the pack the object of that id begins; None where it is not in it."""
        wanted = bytes.fromhex(name)
        low, high = self._range(wanted[0])
        while low < high:
            middle = (low + high) // 2
            found = self._name(middle)
            if found == wanted:
                return self._offset(middle)
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return None

    def beginning_with(self, start: str) -> Iterator[str]:
        """The ids that begin with these digits: at most two of them, which is one too many."""
        low, high = self._range(int(start[:2], 16))
        first = low
        while first < high:  # the first that is not smaller
            middle = (first + high) // 2
            first, high = (middle + 1, high) if self._name(middle).hex() < start else (first, middle)
        for position in range(first, min(first + 2, self._fanout[int(start[:2], 16)])):
            if (name := self._name(position).hex()).startswith(start):
                yield name

    def head(self, offset: int, name: str) -> tuple[int, int, int | str, int]:
        """What stands before an object's content: type, size, what it differs from, and where the content begins."""
        data = os.pread(self._pack.fileno(), 64, offset)
        try:
            first = data[0]
            size, at, shift = first & 15, 1, 4
            while data[at - 1] & 0x80:
                size |= (data[at] & 0x7F) << shift
                at, shift = at + 1, shift + 7
            number, base = first >> 4 & 7, 0
            if number == _BY_OFFSET:
                back, at = _distance(data, at)
                base = offset - back
                if not 0 < back < offset:
                    raise Refused(f"is damaged: its object {name} differs from one outside of its pack")
            elif number == _BY_NAME:
                reference = data[at : at + self._size].hex()
                if len(reference) != 2 * self._size:
                    raise IndexError
                return number, size, reference, offset + at + self._size
            elif number not in _TYPES:
                raise IndexError
        except IndexError:
            raise Refused(f"is damaged: its object {name} does not begin as one in its pack") from None
        return number, size, base, offset + at

    def packed(self, at: int) -> Iterator[bytes]:
        """The pack's bytes from there on."""
        while part := os.pread(self._pack.fileno(), _CHUNK, at):
            yield part
            at += len(part)

    def _range(self, first: int) -> tuple[int, int]:
        return (self._fanout[first - 1] if first else 0), self._fanout[first]

    def _name(self, position: int) -> bytes:
        return os.pread(self._index.fileno(), self._size, self._names_at + position * self._size)

    def _offset(self, position: int) -> int:
        (offset,) = struct.unpack(">L", os.pread(self._index.fileno(), 4, self._offsets_at + position * 4))
        if offset < 1 << 31:
            return int(offset)
        data = os.pread(self._index.fileno(), 8, self._large_at + (offset - (1 << 31)) * 8)
        if len(data) < 8 or data[0] & 0x80:
            raise Refused("is damaged: an index of its packs points outside of itself")
        return int(struct.unpack(">Q", data)[0])


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A size in a difference: seven bits a byte, the lowest first; and where it ends. Raises IndexError."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at
        if shift > 63:
            raise IndexError


def _distance(data: bytes, at: int) -> tuple[int, int]:
    """How far up in the pack a base is: seven bits a byte, the highest first, one added at each step."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | data[at] & 0x7F
    return value, at + 1


def _piece(delta: bytes, at: int, base: bytes, result: bytearray) -> int:
    """Do one instruction of a difference; returns where the next one begins. Raises IndexError."""
    code, at = delta[at], at + 1
    if not code:  # reserved
        raise IndexError
    if not code & 0x80:
        if at + code > len(delta):
            raise IndexError
        result += delta[at : at + code]
        return at + code
    offset = size = 0
    for bit in range(7):
        if code >> bit & 1:
            if bit < 4:
                offset |= delta[at] << 8 * bit
            else:
                size |= delta[at] << 8 * (bit - 4)
            at += 1
    size = size or 0x10000
    if offset + size > len(base):
        raise IndexError
    result += base[offset : offset + size]
    return at
