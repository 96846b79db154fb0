"""A commit as a source: PATH@COMMIT, what it names, and what a hostile repository cannot make of it."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.intake import StagedTree, report_names, stage
from grader.intake.entries import CAPS, Caps
from grader.intake.git_source import split

TREE = {"vec/__init__.py": b"one = 1\n", "vec/data/sets.py": b"two = 2\r\n", "src/native.cc": b"int three;\n"}
STAGED = ("src/native.cc", "vec/__init__.py", "vec/data/sets.py")
Stage = Callable[..., StagedTree]

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed: no repository can be made")


@pytest.fixture
def staged(toy: Assignment, tmp_path: Path) -> Stage:
    """Stage PATH@COMMIT as a tree of the toy assignment."""
    return lambda source, caps=CAPS: stage(Path(source), toy, tmp_path / "staged", caps)


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, with a configuration of ours."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@b", f"GIT_{who}_DATE": "1700000000 +0000"}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", *words]
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout.strip()


def a_repository(folder: Path, *options: str) -> Path:
    """Three commits: the tree; another __init__.py; and an edit that is not committed."""
    folder.mkdir()
    git(folder, "init", "-q", *options)
    for path, data in TREE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    for turn in range(3):
        (folder / "vec/__init__.py").write_bytes(b"one = 1\n" + b"# more\n" * turn)
        git(folder, "add", ".")
        if turn < 2:
            git(folder, "commit", "-q", "-m", f"turn {turn}")
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository for all tests; they copy it, or leave it alone."""
    return a_repository(tmp_path_factory.mktemp("git") / "repo")


@pytest.fixture
def repo(original: Path, tmp_path: Path) -> Path:
    """A repository of the test's own."""
    shutil.copytree(original, tmp_path / "repo")
    return tmp_path / "repo"


# --- crafted objects, made without git ---


class Crafted:
    """A bare repository whose objects a test writes as it likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "objects/pack").mkdir(parents=True)
        (folder / "refs/heads").mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/main\n")

    def add(self, kind: str, data: bytes, name: str = "", size: int | None = None) -> str:
        """Write a loose object; returns its id. name, size: what it says instead of the truth."""
        head = b"%s %d\0" % (kind.encode(), len(data) if size is None else size)
        name = name or hashlib.sha1(head + data).hexdigest()
        (self.folder / "objects" / name[:2]).mkdir(exist_ok=True)
        (self.folder / "objects" / name[:2] / name[2:]).write_bytes(zlib.compress(head + data))
        return name

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """A tree of (mode, name, id)."""
        return self.add(
            "tree", b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(item) for mode, name, item in entries)
        )

    def commit(self, tree: str) -> str:
        """A commit, which becomes the branch `main`."""
        text = f"tree {tree}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n\nx\n"
        name = self.add("commit", text.encode())
        (self.folder / "refs/heads/main").write_text(name + "\n")
        return name

    def usual(self, *entries: tuple[str, bytes, str]) -> str:
        """A commit of a tree with vec/__init__.py, and these entries beside that."""
        vec = self.tree(("100644", b"__init__.py", self.add("blob", b"one = 1\n")), *entries)
        return self.commit(self.tree(("40000", b"vec", vec)))


@pytest.fixture
def crafted(tmp_path: Path) -> Crafted:
    """An empty repository."""
    return Crafted(tmp_path / "crafted.git")


# --- what is taken ---


@needs_git
def test_commit_is_taken_and_not_the_work_tree(staged: Stage, repo: Path) -> None:
    """The files are those of the commit, byte for byte, and the commit's full id stands in the account."""
    tree = staged(f"{repo}@HEAD")
    assert (tree.fault, tree.files) == (None, STAGED)
    assert (tree.root / "vec/__init__.py").read_bytes() == b"one = 1\n# more\n"
    assert (tree.root / "vec/data/sets.py").read_bytes() == b"two = 2\r\n"
    assert tree.account.commit == git(repo, "rev-parse", "HEAD")


@needs_git
def test_commit_has_the_identity_of_its_folder(toy: Assignment, repo: Path, tmp_path: Path) -> None:
    """The same files are the same submission, as a commit and as a folder."""
    git(repo, "reset", "-q", "--hard", "HEAD")
    commit, folder = stage(Path(f"{repo}@main"), toy, tmp_path / "a"), stage(repo, toy, tmp_path / "b")
    assert commit.identity == folder.identity != ""


@needs_git
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(
    ("revision", "turn"),
    [
        ("HEAD", 1),
        ("@", 1),
        ("main", 1),
        ("refs/heads/main", 1),
        ("heads/main", 1),
        ("HEAD~1", 0),
        ("HEAD^", 0),
        ("main~0", 1),
        ("main^{commit}", 1),
        ("main^0~1", 0),
        ("light", 0),
        ("annotated", 0),
        ("tags/annotated^{}", 0),
        ("tag-of-a-tag", 0),
        ("feature/a@b", 0),
        ("--upload-pack=touch", 0),
    ],
)
def test_name_of_a_commit(revision: str, turn: int, bare: bool, packed: bool, staged: Stage, repo: Path) -> None:
    """Names mean what git says they mean, in loose refs and packed ones, in loose objects and packs."""
    git(repo, "tag", "light", "HEAD~1")
    git(repo, "tag", "-a", "annotated", "-m", "a", "HEAD~1")
    git(repo, "tag", "-a", "tag-of-a-tag", "-m", "a", "annotated")
    git(repo, "branch", "feature/a@b", "HEAD~1")
    git(repo, "update-ref", "refs/heads/--upload-pack=touch", "HEAD~1")
    if packed:
        git(repo, "gc", "-q")
        assert not (repo / ".git/refs/heads/main").exists()
    tree = staged(f"{repo / '.git' if bare else repo}@{revision}")
    assert (tree.fault, tree.account.commit) == (None, git(repo, "rev-parse", "HEAD" if turn else "HEAD~1"))
    assert (tree.root / "vec/__init__.py").read_bytes() == b"one = 1\n" + b"# more\n" * turn


@needs_git
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("length", [7, 12, 40])
def test_id_and_its_beginning(length: int, packed: bool, staged: Stage, repo: Path) -> None:
    """A full id, and as much of one as tells it from the others."""
    if packed:
        git(repo, "gc", "-q")
    full = git(repo, "rev-parse", "HEAD")
    assert staged(f"{repo}@{full[:length]}").account.commit == full


@needs_git
def test_repository_with_sha256(staged: Stage, tmp_path: Path) -> None:
    """The other kind of ids that git has."""
    try:
        repo = a_repository(tmp_path / "new", "--object-format=sha256")
    except subprocess.CalledProcessError:
        pytest.skip("this git makes no repositories with SHA-256")
    git(repo, "gc", "-q")
    tree = staged(f"{repo}@main")
    assert (tree.fault, tree.files, len(tree.account.commit)) == (None, STAGED, 64)


@needs_git
def test_long_history_in_one_pack(staged: Stage, repo: Path) -> None:
    """Files are kept as differences of differences; what comes out is what went in."""
    rng = random.Random(4)
    lines = [f"line{rng.random()} = {i}\n" for i in range(400)]
    for _ in range(12):
        lines[rng.randrange(400)] = f"other{rng.random()} = 1\n"
        (repo / "vec/long.py").write_text("".join(lines))
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "x")
    git(repo, "repack", "-a", "-d", "-q", "-f", "--depth=50", "--window=50")
    for back in range(12):
        tree = staged(f"{repo}@HEAD~{back}")
        assert tree.fault is None
        assert (tree.root / "vec/long.py").read_text() == git(repo, "show", f"HEAD~{back}:vec/long.py") + "\n"
        shutil.rmtree(tree.root)


# --- how it is named ---


def test_existing_file_of_that_name_wins(toy: Assignment, tmp_path: Path) -> None:
    """alice@uni is a folder's name like any other."""
    folder = tmp_path / "repo@main"
    (folder / "vec").mkdir(parents=True)
    (folder / "vec/__init__.py").touch()
    (tmp_path / "repo").mkdir()
    assert split(folder) is None
    assert stage(folder, toy, tmp_path / "staged").files == ("vec/__init__.py",)


def test_split_takes_the_longest_path_that_is_there(tmp_path: Path) -> None:
    """Both the path and the commit may have an @."""
    (tmp_path / "a@b").mkdir()
    assert split(tmp_path / "a@b" / "@main") == (tmp_path / "a@b", "main")  # as a shell completes it
    assert split(tmp_path / "a@b@v1@2") == (tmp_path / "a@b", "v1@2")
    assert split(tmp_path / "nowhere@main") is None
    (tmp_path / "a@b/.git").mkdir()
    assert split(tmp_path / "a@b@feature/x") == (tmp_path / "a@b", "feature/x")


def test_misspelt_path_below_a_name_with_an_at_is_no_commit(tmp_path: Path) -> None:
    """/home/ann@uni/misspelt, where there is a /home/ann as well, is a slip of the caller's."""
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann@uni").mkdir()
    assert split(tmp_path / "ann@uni/misspelt") is None


@pytest.mark.parametrize("name", ["nowhere@main", "a@"])
def test_path_that_is_not_there_is_bad_usage(name: str, staged: Stage, tmp_path: Path) -> None:
    """Without a repository there is nothing that a submission could be blamed for."""
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match=r"is not there; expected a folder, .* or a commit as REPOSITORY@COMMIT"):
        staged(tmp_path / name)


def test_file_is_no_repository(staged: Stage, tmp_path: Path) -> None:
    """PATH must be a folder; a bundle or a zip of a repository is none."""
    (tmp_path / "repo.bundle").touch()
    with pytest.raises(UsageError, match="cannot be read as a folder"):
        staged(tmp_path / "repo.bundle@main")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("alice/hw4@main", "hw4_main"),
        ("alice/hw4.git@v1", "hw4_v1"),
        ("alice/hw4@feature/x", "hw4_feature_x"),
    ],
)
def test_report_name(source: str, name: str, tmp_path: Path) -> None:
    """A report is called by the repository and the commit."""
    (tmp_path / source.partition("@")[0] / ".git").mkdir(parents=True)
    assert report_names([tmp_path / source]) == [name]


def test_report_names_of_several(tmp_path: Path) -> None:
    """The same commit of two students' repositories: the folders tell them apart."""
    for who in ("alice", "bob"):
        (tmp_path / who / "hw4").mkdir(parents=True)
    sources = [tmp_path / "alice/hw4@main", tmp_path / "bob/hw4@main"]
    assert report_names(sources) == ["alice-hw4_main", "bob-hw4_main"]


# --- what names no commit ---


@needs_git
@pytest.mark.parametrize(
    "revision",
    ["nobranch", "HEAD~7", "HEAD^2", "dead", "0" * 40, "HEAD@{1}", ":/turn", "HEAD:vec", "..", "config", "../HEAD",
     "refs/heads/../../config", "--all", "HEAD^{tree}", "main..HEAD", "a b", "objects", "ORIG_HEAD"],
)  # fmt: skip
def test_name_of_nothing_is_a_fault(revision: str, staged: Stage, repo: Path) -> None:
    """A commit that is not there costs this tree its grade and stops no other; the message repeats the name."""
    fault = staged(f"{repo}@{revision}").fault
    assert fault is not None
    assert fault.startswith(f"repo@{revision} ")
    assert fault.isprintable()


@needs_git
def test_ambiguous_beginning(staged: Stage, crafted: Crafted) -> None:
    """Two commits whose ids begin alike: none is taken by chance."""
    commit = crafted.usual()
    tree = crafted.tree()
    other, number = "", 0
    while other[:4] != commit[:4]:
        text = f"tree {tree}\nnumber {number}\n\nx\n".encode()
        other = hashlib.sha1(b"commit %d\0" % len(text) + text).hexdigest()
        number += 1
    crafted.add("commit", text)
    assert "several commits that begin with" in str(staged(f"{crafted.folder}@{commit[:4]}").fault)


def test_folder_without_a_repository_is_a_fault(staged: Stage, tmp_path: Path) -> None:
    """A student who handed in no repository stops nobody else."""
    (tmp_path / "alice").mkdir()
    assert "is no git repository: there is no HEAD" in str(staged(f"{tmp_path / 'alice'}@main").fault)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_git_folder_elsewhere_is_refused(kind: str, staged: Stage, crafted: Crafted, tmp_path: Path) -> None:
    """A .git that leads away, as a worktree's does, may lead to the instructor's own repository."""
    crafted.usual()
    (tmp_path / "repo").mkdir()
    if kind == "file":
        (tmp_path / "repo/.git").write_text(f"gitdir: {crafted.folder}\n")
    else:
        (tmp_path / "repo/.git").symlink_to(crafted.folder)
    assert f"its .git is a {kind} that leads to another folder" in str(staged(f"{tmp_path / 'repo'}@main").fault)


# --- what a hostile repository cannot do ---


@needs_git
def test_nothing_in_a_repository_is_run(staged: Stage, repo: Path, tmp_path: Path) -> None:
    """Its configuration, hooks, filters and attributes name programs; none of them starts."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-q", "-m", "x")
    with open(repo / ".git/config", "a") as config:
        config.write(
            f"[core]\n fsmonitor = {trap}\n sshCommand = {trap}\n pager = {trap}\n hooksPath = {tmp_path}\n"
            f' gitProxy = {trap}\n alternateRefsCommand = {trap}\n[filter "evil"]\n smudge = {trap}\n clean = {trap}\n'
            f' process = {trap}\n[diff "evil"]\n textconv = {trap}\n[remote "o"]\n url = ext::{trap}\n'
            f" promisor = true\n[extensions]\n partialClone = o\n[include]\n path = {tmp_path}/more\n"
        )
    for hook in ("post-checkout", "reference-transaction", "fsmonitor-watchman", "post-index-change"):
        shutil.copy(trap, repo / ".git/hooks" / hook)
    assert staged(f"{repo}@HEAD").files == STAGED
    assert not (tmp_path / "sprung").exists()


@needs_git
def test_other_repositories_objects_are_not_read(staged: Stage, crafted: Crafted, original: Path) -> None:
    """Alternates would let a commit consist of files of a repository that only the instructor may read."""
    (crafted.folder / "objects/info").mkdir()
    (crafted.folder / "objects/info/alternates").write_text(f"{original}/.git/objects\n")
    (crafted.folder / "refs/heads/main").write_text(git(original, "rev-parse", "HEAD") + "\n")
    assert "lacks the object" in str(staged(f"{crafted.folder}@main").fault)


@needs_git
@pytest.mark.parametrize("what", ["objects", "objects/pack", "refs", "refs/heads", "HEAD"])
def test_links_in_a_repository_are_not_followed(what: str, staged: Stage, repo: Path, tmp_path: Path) -> None:
    """Nor would a link in the place of a folder of git's own."""
    git(repo, "gc", "-q")
    git(repo, "update-ref", "refs/heads/main", "HEAD")
    (repo / ".git" / what).rename(tmp_path / "away")
    (repo / ".git" / what).symlink_to(tmp_path / "away")
    tree = staged(f"{repo}@{'main' if what != 'HEAD' else 'HEAD'}")
    # Without refs/heads/main the packed one counts, which is the same commit.
    assert (tree.fault is None) == what.startswith("refs")


def test_submodules_and_links_are_left_out(staged: Stage, crafted: Crafted) -> None:
    """A link's target is no file, and another repository's commit is none either."""
    blob = crafted.add("blob", b"/etc/passwd")
    entries = [("120000", b"link.py", blob), ("160000", b"sub", "1" * 40), ("170000", b"odd", blob)]
    crafted.usual(*entries, ("100755", b"x.py", blob))
    tree = staged(f"{crafted.folder}@main")
    assert (tree.fault, tree.files) == (None, ("vec/__init__.py", "vec/x.py"))
    assert tree.notes == (
        "left out: vec/link.py (a link), vec/odd (of a kind that git does not know), vec/sub (a submodule)",
    )
    assert (tree.root / "vec/x.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", [b"..", b".", b"", b"../../out.py", b"/etc/x.py", b"a/b.py"])
def test_name_that_leads_out_is_refused(name: bytes, staged: Stage, crafted: Crafted) -> None:
    """A crafted tree may hold names that git itself refuses to make."""
    crafted.usual(("100644", name, crafted.add("blob", b"!")))
    assert "a name that leads out of its folder" in str(staged(f"{crafted.folder}@main").fault)


@pytest.mark.parametrize("name", [b"a\n.py", b"\xff.py", "\u202egpj.py".encode(), "a\u200b.py".encode(), b"a\\b.py"])
def test_odd_name_is_refused(name: bytes, staged: Stage, crafted: Crafted) -> None:
    """As in an archive: in words that can be printed."""
    crafted.usual(("100644", name, crafted.add("blob", b"!")))
    fault = staged(f"{crafted.folder}@main").fault
    assert fault is not None
    assert fault.isprintable()
    assert "cannot be printed" in fault


def test_two_entries_for_one_file_are_refused(staged: Stage, crafted: Crafted) -> None:
    """Which of them counts would hang on the tool."""
    crafted.usual(("100644", b"__INIT__.py", crafted.add("blob", b"!")))
    assert "twice" in str(staged(f"{crafted.folder}@main").fault)


def test_object_under_another_name_is_refused(staged: Stage, crafted: Crafted) -> None:
    """The commit's id in a report is that of what was graded: every object must have the content of its name."""
    crafted.usual(("100644", b"x.py", crafted.add("blob", b"other", name="a" * 40)))
    assert f"its object {'a' * 40} has another content" in str(staged(f"{crafted.folder}@main").fault)


@pytest.mark.parametrize(
    ("size", "says"), [(4, "not as long as it says"), (12, "not as long as it says"), (1 << 40, "expected at most")]
)
def test_size_that_lies_is_refused(size: int, says: str, staged: Stage, crafted: Crafted) -> None:
    """What an object says of its size is not believed, and not set aside in memory."""
    crafted.usual(("100644", b"x.py", crafted.add("blob", b"12345678", name="a" * 40, size=size)))
    assert says in str(staged(f"{crafted.folder}@main").fault)


def test_bomb_is_refused(staged: Stage, crafted: Crafted) -> None:
    """A blob of zeros: the size that it claims is too large, or it unpacks to more than that."""
    crafted.usual(("100644", b"x.py", crafted.add("blob", bytes(3 << 20))))
    tree = staged(f"{crafted.folder}@main", replace(CAPS, file_bytes=1 << 20))
    assert "a blob of 3145728 bytes; expected at most 1048576 (the file vec/x.py)" in str(tree.fault)


def test_bomb_of_folders_is_refused(staged: Stage, crafted: Crafted) -> None:
    """Ten folders, each of which holds ten times the next: a few objects, and ten thousand million files."""
    item, mode = crafted.add("blob", b"x"), "100644"
    for _ in range(10):
        item, mode = crafted.tree(*((mode, b"%d" % i, item) for i in range(10))), "40000"
    crafted.usual(("40000", b"many", item))
    assert "more than 1000 entries" in str(staged(f"{crafted.folder}@main", replace(CAPS, entries=1000)).fault)


def test_deep_folders_are_refused(staged: Stage, crafted: Crafted) -> None:
    """A folder in a folder, for ever."""
    item = crafted.tree(("100644", b"x", crafted.add("blob", b"x")))
    for _ in range(200):
        item = crafted.tree(("40000", b"d", item))
    crafted.usual(("40000", b"d", item))
    assert "more than 32 folders deep" in str(staged(f"{crafted.folder}@main").fault)


def test_refs_in_a_circle_name_nothing(staged: Stage, crafted: Crafted) -> None:
    """A ref that stands for itself."""
    crafted.usual()
    (crafted.folder / "refs/heads/a").write_text("ref: refs/heads/b\n")
    (crafted.folder / "refs/heads/b").write_text("ref: refs/heads/a\n")
    assert "has no commit 'a'" in str(staged(f"{crafted.folder}@a").fault)


@pytest.mark.parametrize("target", ["/etc/passwd", "refs/../../secret", "refs/heads/\0x", "../secret"])
def test_ref_that_leads_out_names_nothing(target: str, staged: Stage, crafted: Crafted) -> None:
    """A ref may stand for another ref, and for no other file."""
    commit = crafted.usual()
    (crafted.folder.parent / "secret").write_text(commit)
    (crafted.folder / "refs/heads/a").write_text(f"ref: {target}\n")
    assert "has no commit 'a'" in str(staged(f"{crafted.folder}@a").fault)


# --- crafted packs ---


def a_pack(folder: Path, objects: list[tuple[str, bytes]], claims: dict[str, int] | None = None) -> None:
    """A pack and an index of it. objects: (id, entry); claims: ids whose place the index gives as another one."""
    at, places, data = 12, {}, b"PACK\0\0\0\2" + struct.pack(">L", len(objects))
    for name, entry in objects:
        places[name] = at
        data, at = data + entry, at + len(entry)
    places |= claims or {}
    names = sorted(places)
    fanout = [sum(int(name[:2], 16) <= first for name in names) for first in range(256)]
    index = b"\xfftOc\0\0\0\2" + struct.pack(">256L", *fanout) + b"".join(map(bytes.fromhex, names))
    index += bytes(4 * len(names)) + b"".join(struct.pack(">L", places[name]) for name in names) + bytes(40)
    (folder / "objects/pack/pack-x.pack").write_bytes(data + bytes(20))
    (folder / "objects/pack/pack-x.idx").write_bytes(index)


def an_entry(number: int, data: bytes, between: bytes = b"", size: int | None = None) -> bytes:
    """An object of a pack: type and size, what it differs from, and the content."""
    left = len(data) if size is None else size
    head, left = [number << 4 | left & 15], left >> 4
    while left:
        head[-1] |= 0x80
        head, left = [*head, left & 0x7F], left >> 7
    return bytes(head) + between + zlib.compress(data)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"x": an_entry(6, b"\x01\x01\x01!", b"\x00")}, "differs from one outside of its pack"),
        ({"x": an_entry(6, b"\x01\x01\x01!", b"\x7f")}, "differs from one outside of its pack"),
        ({"x": an_entry(7, b"\x01\x01\x01!", b"x" * 20)}, "which is not in the same pack"),
        ({"x": an_entry(7, b"\x01\x01\x01!", bytes.fromhex("a" * 40))}, "too long a chain of differences"),
        ({"x": an_entry(5, b"?")}, "does not begin as one in its pack"),
        ({"x": an_entry(0, b"?")}, "does not begin as one in its pack"),
        ({"x": an_entry(3, b"?", size=1 << 62)}, "expected at most"),
        ({"x": an_entry(3, b"?", size=100)}, "not as long as its pack says"),
        ({"x": an_entry(3, b"?")[:2]}, "cannot be unpacked"),
        ({"x": b"\xff" * 70}, "does not begin as one in its pack"),
        ({"x": an_entry(3, b"?")}, "has another content"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x01\x90\x01", b"\x0d")}, "has another content"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x09\x90\x04\x90", b"\x0d")}, "cut short"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x09\x00", b"\x0d")}, "cut short"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x09\x7f", b"\x0d")}, "cut short"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x09\x91\x03\x04", b"\x0d")}, "cut short"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x05\x01\x90\x01", b"\x0d")}, "does not fit"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\x04" + b"\x90\x04" * 9, b"\x0d")}, "does not fit"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04" + b"\xff" * 12, b"\x0d")}, "cut short"),
        ({"b": an_entry(3, b"base"), "x": an_entry(6, b"\x04\xff\xff\xff\xff\x7f", b"\x0d")}, "expected at most"),
    ],
)
def test_crafted_pack_is_refused(entries: dict[str, bytes], says: str, staged: Stage, crafted: Crafted) -> None:
    """Whatever a pack claims, the outcome is a sentence."""
    names = {"x": "a" * 40, "b": "b" * 40}
    crafted.usual(("100644", b"x.py", names["x"]))
    a_pack(crafted.folder, [(names[key], entry) for key, entry in entries.items()])
    assert says in str(staged(f"{crafted.folder}@main").fault)


def test_chain_of_growing_differences_is_refused(staged: Stage, crafted: Crafted) -> None:
    """Every difference copies what it differs from sixteen times: 4 KiB become gigabytes, one step at a time."""
    size = 4096
    objects = [("b" * 40, an_entry(3, bytes(size)))]
    for step in range(8):
        delta = _size(size) + _size(16 * size) + (b"\xf0" + struct.pack("<L", size)[:3]) * 16
        if size >= 1 << 24:
            break
        before = len(objects[-1][1])
        back = bytes([before]) if before < 128 else bytes([0x80 | (before - 128 >> 7), before & 0x7F])
        objects.append((f"{step:x}" * 40, an_entry(6, delta, back)))
        size *= 16
    crafted.usual(("100644", b"x.py", objects[-1][0]))
    a_pack(crafted.folder, objects)
    assert "expected at most 8388608" in str(staged(f"{crafted.folder}@main", replace(CAPS, file_bytes=8 << 20)).fault)


def _size(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("place", [0, 1 << 30, (1 << 31) + 5, (1 << 32) - 1])
def test_index_that_points_nowhere_is_refused(place: int, staged: Stage, crafted: Crafted) -> None:
    """An index may give any place in the pack, and any row of a table that it does not have."""
    crafted.usual(("100644", b"x.py", "a" * 40))
    a_pack(crafted.folder, [("b" * 40, an_entry(3, b"?"))], {"a" * 40: place})
    assert "is damaged" in str(staged(f"{crafted.folder}@main").fault)


@pytest.mark.parametrize(
    "change", [b"", b"\xfftOc\0\0\0\2", b"\xfftOc\0\0\0\2" + b"\xff" * 1024, b"PACK" + bytes(2000)]
)
def test_damaged_index_is_refused(change: bytes, staged: Stage, crafted: Crafted) -> None:
    """An index that is cut short, or counts more names than it has."""
    crafted.usual(("100644", b"x.py", "a" * 40))
    a_pack(crafted.folder, [("b" * 40, an_entry(3, b"?"))])
    (crafted.folder / "objects/pack/pack-x.idx").write_bytes(change)
    assert "which is damaged or of an old form" in str(staged(f"{crafted.folder}@main").fault)


SMALL = Caps(bytes=3000, file_bytes=2000, files=5, entries=12, depth=4)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({b"big.py": b"#" * 2001}, "expected at most 2000 (the file vec/big.py)"),
        ({b"a.py": b"#" * 1600, b"b.py": b"!" * 1600}, "passed by vec/b.py"),
        ({b"%d.py" % i: b"" for i in range(6)}, "more than 5 files"),
        ({b"%d.py" % i: b"" for i in range(20)}, "more than 12 entries"),
    ],
)
def test_cap_names_the_entry(files: dict[bytes, bytes], says: str, staged: Stage, crafted: Crafted) -> None:
    """The caps are those of folders and archives."""
    crafted.usual(*(("100644", name, crafted.add("blob", data)) for name, data in files.items()))
    assert says in str(staged(f"{crafted.folder}@main", SMALL).fault)


@needs_git
def test_damaged_repositories_never_stop_a_run(toy: Assignment, repo: Path, tmp_path: Path) -> None:
    """Whatever bytes of a repository are damaged, the outcome is a tree or a fault in one printable line."""
    git(repo, "repack", "-a", "-d", "-q", "-f")
    files = [file for file in (repo / ".git").rglob("*") if file.is_file() and "hooks" not in file.parts]
    kept = {file: file.read_bytes() for file in files if file.suffix != ".sample"}
    assert {".pack", ".idx"} < {file.suffix for file in kept}
    rng = random.Random(5)
    whole = stage(Path(f"{repo}@HEAD"), toy, tmp_path / "whole").identity
    for turn in range(100):
        chosen = rng.choice([file for file, data in kept.items() if data])
        data = bytearray(kept[chosen])
        for _ in range(rng.choice([1, 3, 10])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        chosen.chmod(0o644)
        chosen.write_bytes(data)
        tree = stage(Path(f"{repo}@HEAD"), toy, tmp_path / f"staged{turn}")
        assert tree.identity in ("", whole)  # every object was checked against its name
        assert tree.fault is None or tree.fault.isprintable()
        chosen.write_bytes(kept[chosen])
