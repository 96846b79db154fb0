"""A commit of a local git repository as a source: PATH@COMMIT, read object by object, never checked out.

COMMIT is a full id or the beginning of one, HEAD, a tag, a branch or another ref, as git understands them, with any
number of `~3`, `^2` and `^{commit}` behind it. What needs a reflog (`@{yesterday}`) or a search (`:/text`) has no
meaning in somebody else's repository.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from grader.errors import UsageError
from grader.intake.archive import Meter
from grader.intake.entries import Caps, Entry, Refused, shown
from grader.intake.git_objects import Objects

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_STEP = re.compile(r"~(?P<back>\d{0,6})|\^(?P<parent>\d{1,3})?(?!\{)|\^\{(?:commit)?\}")
_PLACES = (
    "{}",
    "refs/{}",
    "refs/tags/{}",
    "refs/heads/{}",
    "refs/remotes/{}",
    "refs/remotes/{}/HEAD",
)  # gitrevisions(7)
_MOST_LINKS = 5  # of refs that stand for other refs, and of tags upon tags: git's own limit to the former
_KINDS = {b"120000": "a link", b"160000": "a submodule"}  # by a tree entry's mode; files are 100644, 100755, 100664


def split(source: Path) -> tuple[Path, str] | None:
    """PATH and COMMIT of `PATH@COMMIT`; None where `source` is there under that very name, or no such PATH is."""
    text = str(source)
    if os.path.lexists(source):
        return None
    for at in reversed([match.start() for match in re.finditer("@", text)]):  # either may have an @ itself
        path, commit = text[:at], text[at + 1 :]
        # /home/ann@uni/misspelt is no commit of /home/ann, while repo@feature/x is one of repo.
        if path and commit and os.path.lexists(path) and ("/" not in commit or _is_repository(path)):
            return Path(path), commit
    return None


def _is_repository(path: str) -> bool:
    return any(os.path.lexists(os.path.join(path, name)) for name in (".git", "HEAD"))


@contextlib.contextmanager
def open_commit(repository: Path, revision: str, caps: Caps) -> Iterator[GitSource]:
    """The commit. Raises UsageError where `repository` is no folder, Refused for whatever is wrong inside of it."""
    with contextlib.ExitStack() as stack:
        try:
            top = os.open(repository, _FOLDER)
            stack.callback(os.close, top)
        except OSError as error:
            raise UsageError(
                f"{repository} cannot be read as a folder ({error.strerror}); expected PATH@COMMIT, where PATH is a "
                "git repository on this machine."
            ) from None
        folder = _git_folder(top)
        stack.callback(os.close, folder)
        objects = Objects(folder, caps, Meter(Meter.ANY_SIZE, caps))
        stack.callback(objects.close)
        yield GitSource(objects, _Revisions(objects).commit(revision), caps)


class GitSource:
    """A commit: the entries of its tree."""

    def __init__(self, objects: Objects, commit: str, caps: Caps) -> None:
        self.commit = commit  # its full id
        self._objects = objects
        self._caps = caps

    def has(self, paths: Sequence[str]) -> bool:
        """See Source: only the folders on the way are looked at."""
        found = {
            entry.path for entry in self.entries(lambda path: any(f"{want}/".startswith(f"{path}/") for want in paths))
        }
        return found.issuperset(paths)

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """See Source; in git's order."""
        tree = _header(self._objects.get(self.commit, "commit"), b"tree", self.commit)
        yield from self._below(tree[0], "", wanted, Meter(Meter.ANY_SIZE, self._caps))

    def _below(self, tree: str, prefix: str, wanted: Callable[[str], bool], count: Meter) -> Iterator[Entry]:
        if prefix.count("/") >= self._caps.depth:
            raise Refused(f"holds {shown(prefix)}, more than {self._caps.depth} folders deep")
        for mode, name, identity in self._listed(tree, prefix):
            path = f"{prefix}{name}"
            count.entry(shown(path))
            if not wanted(path):
                continue
            if mode == b"40000":
                yield from self._below(identity, f"{path}/", wanted, count)
            elif mode.startswith(b"100"):
                yield Entry(path, "file", lambda identity=identity, path=path: self._content(identity, path))  # type: ignore[misc]
            else:
                yield Entry(path, _KINDS.get(mode, "of a kind that git does not know"), _nothing)

    def _listed(self, tree: str, prefix: str) -> Iterator[tuple[bytes, str, str]]:
        """Mode, name and id of what a tree holds: `MODE NAME\\0ID`, one after the other."""
        data, at, size = self._objects.get(tree, "tree"), 0, self._objects.size
        while at < len(data):
            blank, end = data.find(b" ", at, at + 8), data.find(b"\0", at)
            name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
            if blank < 0 or end < blank or end + 1 + size > len(data):
                raise Refused(f"is damaged: its tree {tree} ends in the middle of an entry")
            if name in ("", ".", "..") or "/" in name:  # git refuses to make such a name; a crafted tree may hold it
                raise Refused(f"holds {shown(prefix + name)!r}, a name that leads out of its folder")
            yield data[at:blank], name, data[end + 1 : end + 1 + size].hex()
            at = end + 1 + size

    def _content(self, identity: str, path: str) -> IO[bytes]:
        try:
            return io.BytesIO(self._objects.get(identity, "blob"))
        except Refused as refusal:
            raise Refused(f"{refusal} (the file {shown(path)})") from None


def _nothing() -> IO[bytes]:
    raise AssertionError("only a file has content")


def _git_folder(top: int) -> int:
    """The git folder, open: .git in a repository with files, else itself. A .git that leads elsewhere is refused."""
    try:
        kind = os.stat(".git", dir_fd=top, follow_symlinks=False)
    except FileNotFoundError:
        folder = os.dup(top)
    except OSError as error:
        raise Refused(f"has a .git that cannot be read ({error.strerror})") from None
    else:
        try:
            folder = os.open(".git", _FOLDER | os.O_NOFOLLOW, dir_fd=top)
        except OSError:
            what = "file" if kind.st_mode & 0o170000 == 0o100000 else "link"
            raise Refused(
                f"is no repository itself: its .git is a {what} that leads to another folder; name that one"
            ) from None
    for name in ("HEAD", "objects"):
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            os.close(folder)
            raise Refused(f"is no git repository: there is no {name} in it, nor in a .git of it") from None
    return folder


class _Revisions:
    """What names of commits mean in a repository."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def commit(self, revision: str) -> str:
        """The full id of the commit. Raises Refused where it names none, or several."""
        match = re.fullmatch(r"(?P<name>[^~^:?*\[\\\x00-\x20]+)(?P<steps>[~^].*)?", revision)
        if match is None or "@{" in revision or ".." in revision:
            raise Refused(f"has no commit {revision!r}: expected an id, a tag, a branch or HEAD, and ~ or ^ behind it")
        found = self._peeled(self._named(match["name"], revision), revision)
        steps, at = match["steps"] or "", 0
        while at < len(steps):
            step = _STEP.match(steps, at)
            if step is None:
                raise Refused(
                    f"has no commit {revision!r}: {steps[at:]!r} is not known; expected ~N, ^N or ^{{commit}}"
                )
            found = self._stepped(found, step, revision)
            at = step.end()
        return found

    def _stepped(self, commit: str, step: re.Match[str], revision: str) -> str:
        if step["back"] is not None:
            for _ in range(int(step["back"] or 1)):
                commit = self._parent(commit, 1, revision)
            return commit
        if step[0].startswith("^{") or step["parent"] == "0":
            return commit
        return self._parent(commit, int(step["parent"] or 1), revision)

    def _parent(self, commit: str, number: int, revision: str) -> str:
        parents = _header(self._objects.get(commit, "commit"), b"parent", commit, least=0)
        if number > len(parents):
            raise Refused(f"has no commit {revision!r}: {commit} has {len(parents)} parents")
        return parents[number - 1]

    def _named(self, name: str, revision: str) -> str:
        """The object that a name means: a full id, else a ref, else the beginning of an id."""
        digits = 2 * self._objects.size
        if re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", name):
            return name.lower()
        for place in _PLACES:
            # "HEAD" is one at the top; "config" or "objects/..." is none.
            ref = place.format("HEAD" if name == "@" else name)
            if (ref.startswith("refs/") or re.fullmatch(r"[A-Z_]+", ref)) and (found := self._ref(ref)):
                return found
        if re.fullmatch(rf"[0-9a-fA-F]{{4,{digits}}}", name):
            found_ids = self._commits(self._objects.beginning_with(name.lower()))
            if len(found_ids) == 1:
                return found_ids.pop()
            if found_ids:
                raise Refused(f"has several commits that begin with {name!r}; give more of the id")
        hint = ""
        if self._objects.names("reftable"):
            hint = "; its refs are kept as a reftable, which is not read here: give the commit's full id"
        raise Refused(f"has no commit {revision!r}{hint}")

    def _commits(self, names: set[str]) -> set[str]:
        """Those that are commits, or tags: of several ids that begin alike, git takes the one that is meant."""
        return (
            {name for name in names if self._objects.find(name).kind in ("commit", "tag")} if len(names) > 1 else names
        )

    def _ref(self, name: str) -> str | None:
        """The id that a ref holds; None where there is no such ref."""
        for _ in range(_MOST_LINKS):
            if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
                return None
            text = self._objects.text(name)
            if text is None:
                return self._packed_refs.get(name)
            content = text[:4096].decode("utf-8", "surrogateescape").strip()
            if not content.startswith("ref:"):
                return content if re.fullmatch(rf"[0-9a-f]{{{2 * self._objects.size}}}", content) else None
            name = content[4:].strip()
            if not name.startswith("refs/"):
                return None
        return None

    @property
    def _packed_refs(self) -> dict[str, str]:
        text = (self._objects.text("packed-refs") or b"").decode("utf-8", "surrogateescape")
        lines = re.findall(rf"^([0-9a-f]{{{2 * self._objects.size}}}) (refs/\S+)$", text, re.MULTILINE)
        return {name: identity for identity, name in lines}

    def _peeled(self, name: str, revision: str) -> str:
        """The commit itself, where a name stands for a tag upon it."""
        for _ in range(_MOST_LINKS):
            found = self._objects.find(name)
            if found.kind == "commit":
                return name
            if found.kind != "tag":
                raise Refused(f"has no commit {revision!r}: it is a {found.kind}")
            name = _header(found.data, b"object", name)[0]
        raise Refused(f"has no commit {revision!r}: it is a tag upon a tag upon a tag")


def _header(data: bytes, key: bytes, name: str, least: int = 1) -> list[str]:
    """The ids behind a word in the head of a commit or a tag."""
    head = data.partition(b"\n\n")[0]
    found = [line[len(key) + 1 :] for line in head.split(b"\n") if line.startswith(key + b" ")]
    ids = [value.decode() for value in found if re.fullmatch(rb"[0-9a-f]{40}|[0-9a-f]{64}", value)]
    if len(ids) < least or len(ids) < len(found):
        raise Refused(f"is damaged: the head of its object {name} has no {key.decode()}")
    return ids
