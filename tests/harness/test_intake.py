"""Intake: what of a folder or an archive is staged, and what is refused in which words."""

from __future__ import annotations

import importlib.util
import io
import lzma
import os
import random
import stat
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.intake import StagedTree, report_names, stage
from grader.intake.entries import CAPS, Caps, FolderSource, Refused

TREE = {"vec/__init__.py": b"one = 1\n", "vec/data/sets.py": b"two = 2\n", "src/native.cc": b"int three;\n"}
STAGED = ("src/native.cc", "vec/__init__.py", "vec/data/sets.py")
Stage = Callable[..., StagedTree]
HAS_ZST = importlib.util.find_spec("compression.zstd" if sys.version_info >= (3, 14) else "zstandard") is not None
needs_zst = pytest.mark.skipif(not HAS_ZST, reason="neither the package zstandard nor Python 3.14 is here")
ZST = pytest.param("tar.zst", marks=needs_zst)


@pytest.fixture
def staged(toy: Assignment, tmp_path: Path) -> Stage:
    """Stage a source as a tree of the toy assignment, whose required file is vec/__init__.py."""
    return lambda source, caps=CAPS: stage(source, toy, tmp_path / "staged", caps)


def a_folder(folder: Path, files: Mapping[str, bytes] = TREE) -> Path:
    """A folder with these files."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def a_zip(file: Path, files: Mapping[str, bytes] = TREE, top: str = "") -> Path:
    """A zip with these files under the folder `top`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(top + path, data)
    return file


def a_tar(
    file: Path, files: Mapping[str, bytes] = TREE, top: str = "", packing: str = "", *extra: tarfile.TarInfo
) -> Path:
    """A tar with these files under the folder `top`, and with further members that have no content."""
    with tarfile.open(file, f"w:{packing if packing != 'zst' else ''}") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(top + path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member)
    if packing == "zst":
        file.write_bytes(zst(file.read_bytes()))
    return file


def zst(data: bytes) -> bytes:
    """Packed by what this Python has for it."""
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.compress(data)
    return bytes(importlib.import_module("zstandard").compress(data))


def a_member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A tar member without content."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


# --- what is taken ---


def test_folder_is_copied(staged: Stage, tmp_path: Path) -> None:
    """The files of a folder are staged byte for byte, and the staged tree lists them."""
    tree = staged(a_folder(tmp_path / "tree"))
    assert (tree.fault, tree.files, tree.name) == (None, STAGED, "tree")
    assert {path: (tree.root / path).read_bytes() for path in tree.files} == TREE


def test_modes_are_normalised(staged: Stage, tmp_path: Path) -> None:
    """Whatever their modes were, files become 0644 and folders 0755, so that another user's worker can read them."""
    folder = a_folder(tmp_path / "tree")
    (folder / "vec/__init__.py").chmod(0o600)
    (folder / "src/native.cc").chmod(0o4777)
    before = os.umask(0o077)
    root = staged(folder).root
    os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert {modes["__init__.py"], modes["native.cc"]} == {0o644}
    assert {modes["vec"], modes["src"]} == {0o755}


@pytest.mark.parametrize("top", ["", "./", "hw4/", "alice/hw4/student/"])
@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2", ZST])
def test_archive_is_unpacked(packing: str, top: str, staged: Stage, tmp_path: Path) -> None:
    """An archive of every kind gives the same files, whatever folders lie around the tree, and says which it took."""
    file = tmp_path / f"alice.{packing}"
    tree = staged(a_zip(file, top=top) if packing == "zip" else a_tar(file, TREE, top, packing.partition(".")[2]))
    assert (tree.fault, tree.files, tree.name) == (None, STAGED, "alice")
    assert tree.notes == ((f"taken from its folder {top[:-1]}",) if top.strip("./") else ())


def test_kind_is_told_by_content(staged: Stage, tmp_path: Path) -> None:
    """A .tar.gz that was renamed to .zip is unpacked all the same."""
    assert staged(a_tar(tmp_path / "renamed.zip", packing="gz")).files == STAGED


def test_tree_nearest_to_the_top_counts(staged: Stage, tmp_path: Path) -> None:
    """An old copy deeper inside does not make a submission ambiguous."""
    tree = staged(a_zip(tmp_path / "a.zip", {**TREE, "vec/old/vec/__init__.py": b"old"}, top="hw4/"))
    assert (tree.root / "vec/__init__.py").read_bytes() == TREE["vec/__init__.py"]


def test_two_trees_are_ambiguous(staged: Stage, tmp_path: Path) -> None:
    """Two trees side by side are refused by name: neither may be graded by chance."""
    files = {f"{top}/{path}": data for top in ("student", "solution") for path, data in TREE.items()}
    assert staged(a_zip(tmp_path / "both.zip", files)).fault == (
        "both.zip holds 2 trees (solution, student); name one of them, or hand in only one"
    )


def test_backslashes_of_windows_are_separators(staged: Stage, tmp_path: Path) -> None:
    """A zip written on Windows with backslashes in its names is a tree all the same."""
    file = a_zip(tmp_path / "a.zip", {path.replace("/", "\\"): data for path, data in TREE.items()})
    assert staged(file).files == STAGED


@pytest.mark.parametrize(
    "path",
    [
        "vec/native.cpython-311-x86_64-linux-gnu.so",
        "vec/native.pyd",
        "vec/__pycache__/__init__.cpython-311.pyc",
        "vec/stale.pyc",
        "vec/x.pth",
        "src/build/CMakeCache.txt",
        "vec/.git/config",
        "vec/.hidden.py",
        "vec/conftest.py",
        "vec/sitecustomize.py",
        "conftest.py",
        "sitecustomize.py",
        "pytest.ini",
        "pyproject.toml",
        "data/cifar/train.bin",
        "build/native.o",
        "notes.ipynb",
        "CMakeLists.txt",
        "__MACOSX/vec/._ops.py",
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_never_staged(form: str, path: str, staged: Stage, tmp_path: Path) -> None:
    """What is compiled, what Python or pytest would obey, and what lies outside the graded folders stays behind."""
    files = {**TREE, path: b"?"}
    make = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form]
    tree = staged(make(tmp_path / "submission", files))
    assert (tree.fault, tree.files) == (None, STAGED)


def test_identity_hangs_on_paths_and_contents_only(toy: Assignment, tmp_path: Path) -> None:
    """A folder, a zip and a tar of the same files are one submission; another byte or another name is another one."""
    files = dict(reversed(TREE.items()))
    sources = [a_folder(tmp_path / "f"), a_zip(tmp_path / "z.zip", files), a_tar(tmp_path / "t.tar", TREE, "hw4/")]
    sources.append(a_zip(tmp_path / "byte.zip", {**TREE, "vec/__init__.py": b"one = 2\n"}))
    sources.append(a_zip(tmp_path / "name.zip", {**TREE, "vec/more.py": b""}))
    found = [stage(source, toy, tmp_path / f"staged{i}").identity for i, source in enumerate(sources)]
    assert len(set(found[:3])) == 1
    assert len(set(found)) == 3


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_file_that_hides_a_module_is_left_out(form: str, staged: Stage, tmp_path: Path) -> None:
    """The toy's top is on Python's path: a numpy.py there would be imported instead of NumPy. The note says which."""
    names = ["numpy.py", "typing.py", "probes.py", "grader.py", "imp.py", "compression.py"]
    make = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form]
    own = {"helper.py": b"", "vec/typing.py": b"", "vec/numpy.py": b""}  # inside a package they hide nothing
    tree = staged(make(tmp_path / "sub", {**TREE, **own, **dict.fromkeys(names, b"")}))
    assert set(tree.files) == {*STAGED, *own}
    assert [name.partition(" ")[0] for name in tree.account.unused] == sorted(names)
    assert "numpy.py (it would hide the module numpy; give it another name)" in tree.account.unused


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_account_of_what_is_left_out(form: str, staged: Stage, tmp_path: Path) -> None:
    """What would be obeyed is named; what is compiled or only lies around is counted, the same in every form."""
    obeyed = ["conftest.py", "vec/conftest.py", "vec/x.pth", "pytest.ini", "vec/Sitecustomize.PY"]
    compiled = ["vec/__pycache__/a.pyc", "vec/__pycache__/b.pyc", "vec/a.so", "vec/a.so.1", "src/x.h.gch"]
    around = ["data/a.bin", "data/b.bin", "notes.ipynb", ".venv/bin/python", ".git/config"]
    make = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form]
    tree = staged(make(tmp_path / "sub", {**TREE, **dict.fromkeys([*obeyed, *compiled, *around], b"")}))
    account = tree.account
    assert tree.files == STAGED
    assert account.unused == tuple(f"{name} (Python or pytest would obey it unasked)" for name in sorted(obeyed))
    assert (account.taken, account.compiled, account.passed_over) == (3, 4, 4)


# --- links and other things that are not files ---


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../secret.txt", "nowhere", "/etc", "../..", "link.py", "__init__.py", "../src", ".."]
)
def test_link_in_a_folder_is_left_out(target: str, staged: Stage, tmp_path: Path) -> None:
    """No link is followed, not even one inside the tree: a folder gives what a zip of it gives. The note names it."""
    (tmp_path / "secret.txt").write_text("answers")
    folder = a_folder(tmp_path / "tree")
    (folder / "vec/link.py").symlink_to(target)
    tree = staged(folder)
    assert (tree.files, tree.notes) == (STAGED, ("left out: vec/link.py (a link)",))


def test_link_to_a_folder_of_the_tree_is_left_out(staged: Stage, tmp_path: Path) -> None:
    """Where a graded folder is itself a link, there is no tree: what it leads to can be changed while it is copied."""
    folder = a_folder(tmp_path / "tree")
    (folder / "vec").rename(tmp_path / "elsewhere")
    (folder / "vec").symlink_to(tmp_path / "elsewhere")
    fault = str(staged(folder).fault)
    assert "vec/__init__.py is not in it; vec is a link, and only files count" in fault


def test_link_to_a_tree_is_followed(staged: Stage, tmp_path: Path) -> None:
    """What the command line names may be a link: that is the caller's. The note says where it led."""
    (tmp_path / "link").symlink_to(a_folder(tmp_path / "tree"))
    tree = staged(tmp_path / "link")
    assert (tree.files, tree.notes) == (STAGED, (f"link is a link to {tmp_path / 'tree'}",))


def test_hard_link_to_somebody_elses_file_is_left_out(staged: Stage, tmp_path: Path) -> None:
    """A second name for a file that the student may not read, and the instructor may: it would be graded as hers."""
    if os.getuid() != 0:
        pytest.skip("only root can make a file of another user")
    (tmp_path / "answers.py").write_text("answers")
    os.chown(tmp_path / "answers.py", 12345, 12345)
    folder = a_folder(tmp_path / "tree")
    os.link(tmp_path / "answers.py", folder / "vec/mine.py")
    os.link(folder / "vec/__init__.py", tmp_path / "backup.py")
    tree = staged(folder)
    assert tree.files == STAGED  # also the one with a second name of her own
    assert tree.notes == ("left out: vec/mine.py (a hard link to another user's file)",)


def test_folder_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    """Its owner swaps a folder for a link between the look at it and its opening: nothing is read through the link."""
    folder = a_folder(tmp_path / "tree")
    a_folder(tmp_path / "secret", {"data/answers.py": b"answers"})

    def wanted(path: str) -> bool:
        if path == "vec/data":
            (folder / "vec/data").rename(tmp_path / "away")
            (folder / "vec/data").symlink_to(tmp_path / "secret/data")
        return True

    found = [(entry.path, entry.kind) for entry in FolderSource(folder, CAPS).entries(wanted)]
    assert ("vec/data", "a link") in found
    assert not any("answers" in path for path, _ in found)


def test_parent_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    """A folder that is open stays the one that it was, whatever its name leads to meanwhile."""
    folder = a_folder(tmp_path / "tree")
    a_folder(tmp_path / "secret", {"__init__.py": b"answers"})
    for entry in FolderSource(folder, CAPS).entries(lambda path: True):
        if entry.path == "vec/__init__.py":
            (folder / "vec").rename(tmp_path / "away")
            (folder / "vec").symlink_to(tmp_path / "secret")
            with entry.open() as stream:
                assert stream.read() == TREE["vec/__init__.py"]
            break


@pytest.mark.parametrize("what", ["link", "pipe", "gone"])
def test_file_that_becomes_something_else_is_refused(what: str, tmp_path: Path) -> None:
    """A file that is a link, a pipe or nothing when it is opened is not read, and nobody waits for it."""
    folder = a_folder(tmp_path / "tree", {"x.py": b""})
    entries = FolderSource(folder, CAPS).entries(lambda path: True)
    entry = next(entries)
    (folder / "x.py").unlink()
    if what == "link":
        (folder / "x.py").symlink_to("/etc/passwd")
    elif what == "pipe":
        os.mkfifo(folder / "x.py")
    with pytest.raises(Refused, match=r"x\.py, which (cannot be read|is no regular file any more)"):
        entry.open()
    entries.close()


def test_deep_folder_is_refused_and_not_walked(staged: Stage, tmp_path: Path) -> None:
    """A chain of folders does not use up the descriptors of the process."""
    deep = tmp_path / "tree/vec"
    for _ in range(100):
        deep /= "d"
    deep.mkdir(parents=True)
    a_folder(tmp_path / "tree")
    assert "more than 32 folders deep" in str(staged(tmp_path / "tree").fault)


def test_pipe_in_a_folder_is_left_out(staged: Stage, tmp_path: Path) -> None:
    """A named pipe is not opened, which would wait for ever."""
    folder = a_folder(tmp_path / "tree")
    os.mkfifo(folder / "vec/pipe.py")
    assert staged(folder).notes == ("left out: vec/pipe.py (a device, pipe or socket)",)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device or pipe"),
        (tarfile.BLKTYPE, "a device or pipe"),
        (tarfile.FIFOTYPE, "a device or pipe"),
        (tarfile.GNUTYPE_SPARSE, "a file with holes"),
    ],
)
def test_special_member_of_a_tar_is_left_out(kind: bytes, words: str, staged: Stage, tmp_path: Path) -> None:
    """Links and devices of a tar are never made, and the note names them."""
    tree = staged(a_tar(tmp_path / "a.tar", TREE, "", "", a_member("vec/x.py", kind, "/etc/passwd")))
    assert (tree.fault, tree.files, tree.notes) == (None, STAGED, (f"left out: vec/x.py ({words})",))


def test_link_in_a_zip_is_left_out(staged: Stage, tmp_path: Path) -> None:
    """A zip marks a link by its mode; its content, the target, must not become a file."""
    file = a_zip(tmp_path / "a.zip")
    link = zipfile.ZipInfo("vec/x.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert staged(file).notes == ("left out: vec/x.py (a link)",)


def test_write_through_a_link_is_impossible(staged: Stage, tmp_path: Path) -> None:
    """A link followed by a file under its name writes nothing outside: the classic way out of an unpacker."""
    outside = tmp_path / "outside"
    outside.mkdir()
    file = tmp_path / "a.tar"
    with tarfile.open(file, "w") as archive:
        archive.addfile(a_member("vec/way", tarfile.SYMTYPE, str(outside)))
        for path in (*TREE, "vec/way/out.py"):
            archive.addfile(tarfile.TarInfo(path))
    staged(file)
    assert list(outside.iterdir()) == []


def test_required_file_as_a_link_is_no_tree(staged: Stage, tmp_path: Path) -> None:
    """A required file that is a link out of the tree is not there."""
    folder = a_folder(tmp_path / "tree")
    (folder / "vec/__init__.py").unlink()
    (folder / "vec/__init__.py").symlink_to("/etc/passwd")
    assert "vec/__init__.py is not in it; vec/__init__.py is a link" in str(staged(folder).fault)


# --- names ---


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("name", ["../vec/x.py", "vec/../../x.py", "/etc/cron.d/x", "C:/x.py", "vec/.."])
def test_name_that_leads_out_is_refused(name: str, form: str, staged: Stage, tmp_path: Path) -> None:
    """An absolute name or one with `..` is no accident: the whole archive is refused, by that name."""
    tree = staged({"zip": a_zip, "tar": a_tar}[form](tmp_path / "evil", {**TREE, name: b"!"}))
    assert tree.fault is not None
    assert repr(name) in tree.fault
    assert tree.files == ()


@pytest.mark.parametrize("name", ["vec/a\nb.py", "vec/a\x1b[2J.py", "vec/\udcff.py", "vec/\u202egpj.py"])
def test_odd_name_is_refused(name: str, staged: Stage, tmp_path: Path) -> None:
    """Names that are no text, or that would garble a report, are refused in printable words."""
    tree = staged(a_tar(tmp_path / "odd.tar", {**TREE, name: b""}))
    assert tree.fault is not None
    assert tree.fault.isprintable()
    assert "cannot be printed" in tree.fault


def test_blanks_of_other_widths_are_welcome(staged: Stage, tmp_path: Path) -> None:
    """The Mac writes a narrow blank before the AM of a screenshot's name, and a screenshot costs nobody a grade."""
    name = "vec/Screenshot 2026-03-01 at 10.15.03\u202fAM.png"
    tree = staged(a_zip(tmp_path / "a.zip", {**TREE, name: b""}))
    assert (tree.fault, tree.files) == (None, tuple(sorted([*STAGED, name])))


def test_odd_name_outside_the_graded_folders_costs_nothing(staged: Stage, tmp_path: Path) -> None:
    """A report with a mojibake name beside the tree is passed over like everything there."""
    assert staged(a_tar(tmp_path / "a.tar", {**TREE, "\udcc4\udce3.pdf": b""})).files == STAGED


def test_foreign_letters_are_welcome(staged: Stage, tmp_path: Path) -> None:
    """A name in another script is an ordinary name."""
    assert "vec/größe_大小.py" in staged(a_zip(tmp_path / "a.zip", {**TREE, "vec/größe_大小.py": b""})).files


@pytest.mark.parametrize("name", ["vec/größe.py", "vec/gro\u0308ße.py"])
@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_foreign_letters_are_of_one_form(form: str, name: str, toy: Assignment, tmp_path: Path) -> None:
    """The Mac writes ö as o and two dots; Python looks for the other form, and both are the same submission."""
    make = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form]
    tree = stage(make(tmp_path / "sub", {**TREE, name: b""}), toy, tmp_path / "staged")
    assert unicodedata.normalize("NFC", name) in tree.files


@pytest.mark.parametrize("how", ["marked", "unmarked", "field", "wrong field"])
def test_names_of_a_zip(how: str, staged: Stage, tmp_path: Path) -> None:
    """UTF-8 with its mark, without it (the Mac's tool), in a field of its own (Info-ZIP): the same with any Python."""
    raw = "vec/größe.py".encode("utf-8" if how in ("marked", "unmarked") else "cp437")
    flags = 0x800 if how == "marked" else 0
    checksum = zlib.crc32(raw) ^ (how == "wrong field")
    field = struct.pack("<BL", 1, checksum) + "vec/größe.py".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field if "field" in how else b""
    (tmp_path / "a.zip").write_bytes(a_raw_zip({b"vec/__init__.py": (0, b""), raw: (flags, extra)}))
    assert staged(tmp_path / "a.zip").files == ("vec/__init__.py", "vec/größe.py")


def a_raw_zip(names: Mapping[bytes, tuple[int, bytes]]) -> bytes:
    """A zip of empty files with names as bytes. names: flags and extra field by name."""
    files, table = b"", b""
    for name, (flags, extra) in names.items():
        head = struct.pack("<HHHHHLLLHH", 20, flags, 0, 0, 33, 0, 0, 0, len(name), len(extra))
        table += b"PK\1\2\x14\3" + head + struct.pack("<HHHLL", 0, 0, 0, 0, len(files)) + name + extra
        files += b"PK\3\4" + head + name + extra
    return files + table + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(names), len(names), len(table), len(files), 0)


def test_nul_in_a_zips_name_is_refused(staged: Stage, tmp_path: Path) -> None:
    """ZipFile would cut the name there: vec/x.py for what another tool calls something else."""
    (tmp_path / "a.zip").write_bytes(a_raw_zip({b"vec/__init__.py": (0, b""), b"vec/x.py\0.txt": (0, b"")}))
    assert "a name with a NUL in it" in str(staged(tmp_path / "a.zip").fault)


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_names_that_only_windows_minds_are_ordinary(form: str, staged: Stage, tmp_path: Path) -> None:
    """A file called like a device of Windows, or like an option, is a file."""
    names = ["vec/aux.py", "vec/CON", "vec/-rf", "vec/--seed=1.py", "vec/nul.txt", "vec/a b'\"$(x).py"]
    make = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form]
    assert set(names) < set(staged(make(tmp_path / "sub", {**TREE, **dict.fromkeys(names, b"")})).files)


@pytest.mark.parametrize("name", ["vec/x.py.", "vec/x.py ", "vec/x.PY", "vec/data./y.py"])
def test_names_that_are_one_elsewhere_are_refused(name: str, staged: Stage, tmp_path: Path) -> None:
    """What some disks take for one name is refused as a pair; alone it is an ordinary name."""
    tree = staged(a_tar(tmp_path / "a.tar", {**TREE, "vec/x.py": b"1", "vec/data/y.py": b"1", name: b"2"}))
    assert "twice" in str(tree.fault)


@pytest.mark.parametrize("name", ["vec/__init__.py", "vec/__INIT__.py", "vec/data", "vec/__init__.py/x.py"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_for_one_file_are_refused(name: str, staged: Stage, tmp_path: Path) -> None:
    """Which of two entries counts would hang on the tool and the disk, so neither does."""
    file = a_zip(tmp_path / "a.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, "other")
    assert "twice" in str(staged(file).fault)


# --- caps ---

SMALL = Caps(
    bytes=3000, file_bytes=2000, files=5, entries=12, depth=4, path_bytes=60, part_bytes=40, archive_bytes=40_000
)


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"vec/big.py": b"#" * 2001}, "vec/big.py, which is larger than"),
        ({"vec/a.py": b"#" * 1600, "vec/b.py": b"#" * 1600}, "passed by vec/b.py"),
        ({f"vec/{i}.py": b"" for i in range(3)}, "more than 5 files, vec/2.py"),
        ({f"other/{i}.py": b"" for i in range(12)}, "more than 12 entries"),
        ({"vec/a/b/c/d.py": b""}, "vec/a/b/c/d.py, more than 4 folders deep"),
        ({f"vec/{'n' * 60}.py": b""}, "a name that is too long (67 bytes)"),
        ({f"vec/{'n' * 40}.py": b""}, "a name that is too long (47 bytes)"),
        ({"noise": random.Random(1).randbytes(40_001)}, "expected at most 0 MiB"),
    ],
)
def test_cap_names_the_entry(form: str, extra: dict[str, bytes], says: str, staged: Stage, tmp_path: Path) -> None:
    """Every cap refuses with a message that says which cap it was, and which entry passed it."""
    tree = staged({"zip": a_zip, "tar": a_tar}[form](tmp_path / "big", {**TREE, **extra}), SMALL)
    assert says in str(tree.fault)
    assert tree.fault is not None
    assert tree.fault.startswith("big ")


@pytest.mark.parametrize("form", ["zip", "tar.gz", "tar.xz", "tar.bz2", ZST])
@pytest.mark.parametrize("place", ["vec/bomb.py", "elsewhere/bomb"])
def test_bomb_is_refused(form: str, place: str, staged: Stage, tmp_path: Path) -> None:
    """Zeros that unpack to a thousand times their size are refused while they stream, also where none is staged."""
    files = {**TREE, place: bytes(8 << 20)}
    file = tmp_path / f"bomb.{form}"
    made = a_zip(file, files) if form == "zip" else a_tar(file, files, "", form.partition(".")[2])
    tree = staged(made, replace(CAPS, ratio_from=1 << 20))
    if form == "zip" and place.startswith("elsewhere"):
        assert tree.fault is None  # an entry of a zip that is not staged is not unpacked at all
    else:
        assert "unpacks to more than 200 times its size; the limit was passed by" in str(tree.fault)


def test_unpacked_size_is_capped(staged: Stage, tmp_path: Path) -> None:
    """What a tar unpacks to is capped in all, whatever the ratio."""
    tree = staged(a_tar(tmp_path / "a.tar", {**TREE, "data/x": bytes(3 << 20)}), replace(CAPS, unpacked_bytes=2 << 20))
    assert "unpacks to more than 2 MiB" in str(tree.fault)


def test_endless_header_is_refused(staged: Stage, tmp_path: Path) -> None:
    """A tar header that asks for gigabytes at once is refused before they are read into memory."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 4 << 30
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    assert "asks for 4294967296 bytes" in str(staged(tmp_path / "a.tar").fault)


def test_header_that_points_backwards_is_refused(staged: Stage, tmp_path: Path) -> None:
    """A negative size would send a reader of tars round in circles for ever."""
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(4096))
    assert "points backwards" in str(staged(tmp_path / "a.tar").fault)


def test_greedy_xz_is_refused(staged: Stage, tmp_path: Path) -> None:
    """An .xz that asks for 1.5 GiB of memory to be unpacked is refused."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 20}]
    plain = a_tar(tmp_path / "a.tar").read_bytes()
    packed = bytearray(lzma.compress(plain, lzma.FORMAT_XZ, filters=filters))
    # The block header: its size, flags, filter 0x21, 1 byte of properties (the dictionary's size), padding, CRC32.
    at = packed.index(b"\x21\x01", 12) + 2
    packed[at] = 39  # 3 GiB
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = struct.pack("<L", zlib.crc32(bytes(packed[12 : end - 4])))
    (tmp_path / "a.tar.xz").write_bytes(packed)
    assert "emory" in str(staged(tmp_path / "a.tar.xz").fault)


@needs_zst
def test_greedy_zst_is_refused(staged: Stage, tmp_path: Path) -> None:
    """A .zst whose header asks for a window of 2 GiB is refused before one is set aside."""
    # Magic; a frame header without flags; the window's size as 2^(10 + 21); a raw block, the last one, of no bytes.
    (tmp_path / "a.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00")
    fault = str(staged(tmp_path / "a.tar.zst").fault)
    assert "is a broken archive" in fault
    assert "emory" in fault


@needs_zst
def test_zst_of_several_frames_is_unpacked(staged: Stage, tmp_path: Path) -> None:
    """`pzstd` writes many frames, and one to be skipped before each."""
    plain = a_tar(tmp_path / "a.tar").read_bytes()
    skipped = b"\x50\x2a\x4d\x18" + struct.pack("<L", 4) + bytes(4)
    frames = [skipped + zst(plain[at : at + 3000]) for at in range(0, len(plain), 3000)]
    (tmp_path / "a.tar.zst").write_bytes(b"".join(frames))
    assert staged(tmp_path / "a.tar.zst").files == STAGED


def test_zst_without_its_package_is_bad_usage(staged: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this Python cannot unpack it, no submission is at fault, and the message says how to mend that."""
    if sys.version_info >= (3, 14):
        pytest.skip("this Python reads .zst by itself")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "a.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    with pytest.raises(UsageError, match=r"pip install zstandard.*or hand in a \.tar\.gz or \.zip"):
        staged(tmp_path / "a.tar.zst")


def test_large_table_of_contents_is_refused(staged: Stage, tmp_path: Path) -> None:
    """A zip's table of contents is looked at before it is read into memory at ten times its size."""
    data = bytearray(a_zip(tmp_path / "a.zip").read_bytes())
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, 1 << 30)
    (tmp_path / "a.zip").write_bytes(data)
    assert "a table of contents of 1024 MiB" in str(staged(tmp_path / "a.zip").fault)


# --- what is no tree, and what is no archive ---


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.zip", b"", "is not a readable archive"),
        ("garbage.zip", b"nothing of the kind", "is not a readable archive"),
        ("garbage.tar.gz", b"nothing of the kind", "is not a readable archive"),
        ("no_files.zip", b"PK\5\6" + bytes(18), "holds no files"),
        ("start.zip", b"PK\3\4" + bytes(100), "probably cut short"),
        ("start.tgz", b"\x1f\x8b\x08" + bytes(7), "is a broken archive"),
    ],
)
def test_broken_archive_is_the_submissions_fault(
    name: str, data: bytes, says: str, staged: Stage, tmp_path: Path
) -> None:
    """An archive by name that cannot be read is data for the report, and no error of the command."""
    (tmp_path / name).write_bytes(data)
    assert says in str(staged(tmp_path / name).fault)


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2", ZST])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_archive_cut_short_is_refused(packing: str, share: float, staged: Stage, tmp_path: Path) -> None:
    """Half an upload is not graded as the half of the tree that it holds."""
    noise = {**TREE, "vec/noise.py": random.Random(2).randbytes(50_000)}
    file = tmp_path / f"a.{packing}"
    whole = a_zip(file, noise) if packing == "zip" else a_tar(file, noise, "", packing.partition(".")[2])
    file.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    assert "broken archive" in str(staged(file).fault)


def test_tar_cut_between_two_members_is_refused(staged: Stage, tmp_path: Path) -> None:
    """There every byte of what is left is sound; only the end is missing."""
    whole = a_tar(tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:2048])  # two members of two blocks each
    assert "cut short behind" in str(staged(tmp_path / "a.tar").fault)


def test_damaged_archives_never_stop_a_run(toy: Assignment, tmp_path: Path) -> None:
    """Whatever bytes of an archive are damaged, the outcome is a tree or a fault in one printable line."""
    rng = random.Random(3)
    made = [a_zip(tmp_path / "a.zip"), *(a_tar(tmp_path / f"a.{p}", packing=p) for p in ("", "gz", "xz", "bz2"))]
    contents = [file.read_bytes() for file in made]
    for turn in range(200):
        data = bytearray(rng.choice(contents))
        for _ in range(rng.choice([1, 3, 10])):
            data[rng.randrange(8, min(len(data), 1024))] = rng.randrange(256)
        (tmp_path / "damaged.zip").write_bytes(data)
        tree = stage(tmp_path / "damaged.zip", toy, tmp_path / f"staged{turn}")
        assert tree.fault is None or tree.fault.isprintable()


def test_encrypted_zip_is_refused(staged: Stage, tmp_path: Path) -> None:
    """A zip with a password is refused in words that name the remedy."""
    data = bytearray(a_zip(tmp_path / "a.zip").read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            data[at + offset] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert "encrypted; expected an archive without a password" in str(staged(tmp_path / "a.zip").fault)


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_missing_required_file_is_named(form: str, staged: Stage, tmp_path: Path) -> None:
    """A submission without a required file is no tree of the assignment, and the message names the file."""
    source = {"folder": a_folder, "zip": a_zip, "tar": a_tar}[form](tmp_path / "sub", {"src/native.cc": b""})
    assert staged(source).fault == "sub is not a tree of toy: vec/__init__.py is not in it"


def test_archive_in_an_archive_is_pointed_out(staged: Stage, tmp_path: Path) -> None:
    """A zip that holds only another archive gets a hint, and the inner one is not opened."""
    inner = a_zip(tmp_path / "hw4.zip").read_bytes()
    tree = staged(a_zip(tmp_path / "outer.zip", {"alice/hw4.zip": inner}))
    assert "it holds the archive alice/hw4.zip, which must be unpacked first" in str(tree.fault)


def test_empty_folder_is_no_tree(staged: Stage, tmp_path: Path) -> None:
    """An empty folder is a submission without anything in it."""
    (tmp_path / "empty").mkdir()
    assert staged(tmp_path / "empty").fault == "empty holds no files"


def test_path_that_is_not_there_is_bad_usage(staged: Stage, tmp_path: Path) -> None:
    """A path that does not exist is the caller's slip, not a submission that scores 0."""
    with pytest.raises(UsageError, match=r"nowhere is not there; expected a folder, .zip"):
        staged(tmp_path / "nowhere")


def test_source_that_may_not_be_read_is_bad_usage(
    staged: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree that this user may not read is the caller's affair, not a submission that scores 0."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root, who may read everything
    with pytest.raises(UsageError, match="cannot be read by this user"):
        staged(a_folder(tmp_path / "tree"))


def test_many_notes_are_cut(staged: Stage, tmp_path: Path) -> None:
    """A thousand links do not make a report of a thousand lines."""
    links = [a_member(f"vec/{i}", tarfile.SYMTYPE, "/") for i in range(1000)]
    notes = staged(a_tar(tmp_path / "a.tar", TREE, "", "", *links)).notes
    assert len(notes) == 1
    assert len(notes[0]) < 200


def test_file_that_is_no_archive_is_bad_usage(staged: Stage, tmp_path: Path) -> None:
    """A file that does not even claim to be an archive is the caller's slip."""
    (tmp_path / "ops.py").write_text("pass")
    with pytest.raises(UsageError, match=r"ops.py is not an archive; expected a folder, .zip"):
        staged(tmp_path / "ops.py")


# --- names for reports ---


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["reference", "student/"], ["reference", "student"]),
        (["in/alice.zip", "in/bob.tar.gz", "in/carol.TGZ"], ["alice", "bob", "carol"]),
        (["alice/hw4.zip", "bob/hw4.zip"], ["alice-hw4", "bob-hw4"]),
        (["a/HW.zip", "b/hw.zip"], ["a-HW", "b-hw"]),
        (["x/a/t.zip", "y/a/t.zip", "y/a/t.zip"], ["a-t", "a-t-2", "a-t-3"]),
        (["my tree; rm -rf.zip", "-rf.zip", "x/.zip", "y/..."], ["my_tree_rm_-rf", "rf", "x-tree", "y-tree"]),
    ],
)
def test_report_names(paths: list[str], names: list[str]) -> None:
    """Names are the trees' own, told apart by their folders, and safe as a folder's name."""
    assert report_names([Path(path) for path in paths]) == names


def test_report_name_is_short_enough_for_a_folder(tmp_path: Path) -> None:
    """A file system's limit counts bytes, not characters."""
    (name,) = report_names([Path("大" * 80 + ".zip")])
    (tmp_path / f"{name}-12345678").mkdir()
    assert name.startswith("大大")


def test_report_name_of_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.` and `..` are called what the folders are called."""
    (tmp_path / "mine" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine" / "deeper")
    assert report_names([Path("."), Path("..")]) == ["deeper", "mine"]
