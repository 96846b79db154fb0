"""The release archive: what is in it, the same bytes each time, and the proof that it holds no solution."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from grader.derive import CONTENTS, LeakError, derive_text, derive_tree, find_regions, leaks, release
from grader.derive.archive import Handout
from grader.derive.handout import MANIFEST, PRISTINE, parse_manifest
from grader.derive.leakage import LINE_CHARACTERS, RUN_CHARACTERS, leaks_in, read_solutions
from grader.derive.links import dead_links
from grader.derive.markers import Region, split_lines
from grader.derive.syntax import decode, encode
from grader.derive.tree import IGNORED_ANYWHERE, derive_files, read_tree
from grader.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]

# A solution with a one-line region, a long one and a helper; `return total` is also in given code.
SOLVED = '''\
"""Needle."""

### BEGIN YOUR SOLUTION
import secret_module
### END YOUR SOLUTION


def given(values):
    """Add them up."""
    return total


def short(x):
    ### BEGIN YOUR SOLUTION
    return x ** 2
    ### END YOUR SOLUTION


def long(values):
    ### BEGIN YOUR SOLUTION
    # the squares, from the right
    total = 0
    for value in reversed(values):

        total = total * 2 + short(value)
    }
    return total
    ### END YOUR SOLUTION
'''.replace("    }\n", "")
CPP_SOLVED = """\
void Kernel(float* out) {
  /// BEGIN YOUR SOLUTION
  #pragma omp parallel for
  for (size_t i = 0; i < n; i++) *out++ = secret[i];
  /// END YOUR SOLUTION
}
"""
# The code of `long` as someone would copy it.
COPIED = ["total = 0", "for value in reversed(values):", "    total = total * 2 + short(value)", "return total"]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository with all that a release needs, and much that it must not take."""
    top = tmp_path / "repository"
    write(top / "reference/python/needle/ops.py", SOLVED)
    write(top / "reference/src/kernel.cc", CPP_SOLVED)
    write(top / "reference/tool.sh", "#!/bin/sh\n").chmod(0o755)
    derive_tree(top / "reference", top / "student")
    for path in (
        "tests/hw4/assignment.toml",
        "tests/hw4/test_ops.py",
        "tests/hw4/data/make.py",
        "grader/cli.py",
        "grader/build/cmake.py",
    ):
        write(top / path, f"# {path}\n")
    for path in (
        "Makefile",
        "pyproject.toml",
        "LICENSE",
        "submit.py",
        "requirements.lock",
        "requirements-notebook.lock",
        "docs/student.md",
        "HANDOUT.md",
        ".devcontainer/devcontainer.json",
        ".vscode/settings.json",
    ):
        write(top / path, f"{path}\n")
    write(top / "pyproject.toml", '[project]\nversion = "1.2"\n')
    for path in (
        "tests/harness/test_x.py",
        "tests/hw4/test_hidden_ops.py",
        "tests/submissions/bad.py",
        "CHANGELOG.md",
        "README.md",
        ".vscode/launch.json",
        "docs/server.md",
        "out/grade.json",
        "grader/server/web/app.py",
        "requirements-course.lock",
    ):
        write(top / path, "not for students\n")
    for path in ("student/build/x.o", "student/data/batch", "grader/__pycache__/a.pyc", "student/python/needle/b.so"):
        write(top / path, "made\n")
    return top


def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


# ---------------------------------------------------------------------------------------------- what is in it


def test_contents(root: Path) -> None:
    """The archive holds student/, its tests, the grader and the files around them below one folder; nothing else."""
    found = [name for name in names(release(root)) if not name.startswith("hw4/.handout/")]
    assert found == [
        "hw4/.devcontainer/devcontainer.json",
        "hw4/.vscode/settings.json",
        "hw4/LICENSE",
        "hw4/Makefile",
        "hw4/README.md",
        "hw4/docs/student.md",
        "hw4/grader/build/cmake.py",
        "hw4/grader/cli.py",
        "hw4/pyproject.toml",
        "hw4/requirements-notebook.lock",
        "hw4/requirements.lock",
        "hw4/student/python/needle/ops.py",
        "hw4/student/src/kernel.cc",
        "hw4/student/tool.sh",
        "hw4/submit.py",
        "hw4/tests/hw4/assignment.toml",
        "hw4/tests/hw4/data/make.py",
        "hw4/tests/hw4/test_ops.py",
    ]


def test_renamed_entry(root: Path) -> None:
    """Students get a README of their own, under that name."""
    with zipfile.ZipFile(release(root)) as archive:
        assert archive.read("hw4/README.md") == b"HANDOUT.md\n"


def test_a_release_knows_itself(root: Path) -> None:
    """It says which release it is, what it holds, and keeps what students edit as they were given it."""
    with zipfile.ZipFile(release(root)) as archive:
        data = {name.removeprefix("hw4/"): archive.read(name) for name in archive.namelist()}
    manifest = parse_manifest(data[MANIFEST], "manifest")
    assert (manifest.assignment, manifest.version) == ("hw4", "1.2")
    own = {path: text for path, text in data.items() if not path.startswith(".handout/")}
    assert {path: stamp.sha256 for path, stamp in manifest.files.items()} == {
        path: hashlib.sha256(text).hexdigest() for path, text in own.items()
    }
    assert [path for path, stamp in manifest.files.items() if stamp.executable] == ["student/tool.sh"]
    kept = {path.removeprefix(f"{PRISTINE}/"): text for path, text in data.items() if path.startswith(PRISTINE)}
    assert kept == {path: text for path, text in own.items() if not path.startswith(("grader/", "tests/", "docs/"))}


def test_default_place(root: Path) -> None:
    """Without another place the archive is dist/hw4-student.zip, readable by all."""
    archive = release(root)
    assert archive == root / "dist/hw4-student.zip"
    assert archive.stat().st_mode & 0o777 == 0o644


def test_named_place(root: Path, tmp_path: Path) -> None:
    """The archive is written where it is wanted."""
    assert release(root, tmp_path / "a/b.zip") == tmp_path / "a/b.zip"
    assert names(tmp_path / "a/b.zip")


def test_modes(root: Path) -> None:
    """Files unpack as 0644, programs as 0755."""
    with zipfile.ZipFile(release(root)) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes.pop("hw4/student/tool.sh") == stat.S_IFREG | 0o755
    assert set(modes.values()) == {stat.S_IFREG | 0o644}


def test_same_tree_same_bytes(root: Path, tmp_path: Path) -> None:
    """Another day, place, order and umask of the same files give the same bytes."""
    first = release(root).read_bytes()
    copy = tmp_path / "elsewhere"
    shutil.copytree(root, copy)
    for number, path in enumerate(sorted(copy.rglob("*"), reverse=True)):
        os.utime(path, (time.time() - 1000 * number,) * 2)
        if path.is_file() and path.name != "tool.sh":
            path.chmod(0o600)
    assert release(copy, tmp_path / "again.zip").read_bytes() == first


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "entry",
    [
        "grader",
        "Makefile",
        "HANDOUT.md",
        "pyproject.toml",
        "LICENSE",
        "submit.py",
        "requirements.lock",
        "requirements-notebook.lock",
    ],
)
def test_missing_entry(root: Path, entry: str) -> None:
    """A release without something that students need is refused, and says what is missing."""
    target = root / entry
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    with pytest.raises(UsageError, match=rf"{entry} is (missing|not a folder)"):
        release(root)
    assert not (root / "dist").exists()


@pytest.mark.parametrize("entry", ["docs/student.md", "docs/grading.md", ".devcontainer", ".vscode/settings.json"])
def test_optional_entry(root: Path, entry: str) -> None:
    """What need not be there is left out without a complaint."""
    target = root / entry
    shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    assert not [name for name in names(release(root)) if name.startswith(f"hw4/{entry}")]


def test_another_assignment(root: Path, tmp_path: Path) -> None:
    """A release of another one has the engine, its own suite and its own README, and no page about ours."""
    for page in ("training", "tolerances"):
        write(root / f"docs/{page}.md", "ours\n")
    suite = write(tmp_path / "other/assignment.toml", "# ours to give\n").parent
    about = write(tmp_path / "about.md", "Read this.\n")
    given = Handout("other", root / "reference", root / "student", suite, about)
    with zipfile.ZipFile(release(root, given=given)) as archive:
        inside = set(archive.namelist())
        assert archive.read("other/README.md") == b"Read this.\n"
    assert {"other/grader/cli.py", "other/LICENSE", "other/tests/other/assignment.toml"} <= inside
    assert not inside & {f"other/docs/{page}.md" for page in ("student", "training", "tolerances")}
    assert "other/tests/hw4/assignment.toml" not in inside
    assert "other/README.md" not in names(release(root, given=replace(given, readme=None)))
    about.unlink()
    with pytest.raises(UsageError, match=r"about\.md is missing, and students cannot work without it"):
        release(root, given=given)


def test_pages_lead_nowhere_else(root: Path) -> None:
    """Of a link to what students do not get the words stay, and an aside goes altogether; other links stay."""
    write(
        root / "docs/student.md",
        "See [the points](grading.md#x), [here](#y), [there](https://a.b/c) and [the\ntests](../tests/hw4).\n"
        "It is so ([a](server.md), [b](attacks.md#z)), and so\n([c](server.md)). A [server](server.md) is\n"
        "told ([d](grading.md), [e](server.md)) of.\n",
    )
    write(root / "docs/grading.md", "points\n")
    with zipfile.ZipFile(release(root)) as archive:
        assert archive.read("hw4/docs/student.md").decode() == (
            "See [the points](grading.md#x), [here](#y), [there](https://a.b/c) and [the\ntests](../tests/hw4).\n"
            "It is so, and so. A server is\ntold ([d](grading.md)) of.\n"
        )
        manifest = parse_manifest(archive.read(f"hw4/{MANIFEST}"), "manifest")
        stamp = hashlib.sha256(archive.read("hw4/docs/student.md")).hexdigest()
    assert manifest.files["docs/student.md"].sha256 == stamp


def released_pages() -> dict[str, str]:
    """The pages of our own release by their place in it, as they stand here."""
    found = [(entry.name, path) for entry in CONTENTS for path in ROOT.glob(entry.pattern) if path.suffix == ".md"]
    return {name or path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for name, path in found}


def test_what_students_read_first_leads_to_what_they_have() -> None:
    """In the README, the guide and the page on messages no link has to be taken out."""
    pages = released_pages()
    inside = {*pages, "student/apps/train.py", "tests/hw4/assignment.toml", ".devcontainer/devcontainer.json"}
    for path in ("README.md", "docs/student.md", "docs/messages.md", "docs/training.md"):
        assert dead_links(path, pages[path], inside) == [], path


def test_modes_are_read_on_every_system(root: Path) -> None:
    """Only in an archive that says that it was made on Unix do programs that unpack it look at the modes."""
    with zipfile.ZipFile(release(root)) as archive:
        assert {info.create_system for info in archive.infolist()} == {3}


def test_empty_folder_is_missing(root: Path) -> None:
    """A folder with nothing in it but caches is as good as none."""
    shutil.rmtree(root / "tests/hw4")
    write(root / "tests/hw4/__pycache__/a.pyc", "")
    with pytest.raises(UsageError, match=r"has no assignment\.toml"):
        release(root)


def test_stale_student_tree(root: Path) -> None:
    """A student/ that is not what reference/ derives to is refused with the places and the remedy."""
    write(root / "student/src/kernel.cc", CPP_SOLVED)
    with pytest.raises(UsageError, match=r"(?s)run `make student` first.*student/src/kernel\.cc:3: changed"):
        release(root)
    assert not (root / "dist").exists()


def test_link_in_the_release(root: Path) -> None:
    """A link among the released files is refused: it could carry anything into the archive."""
    (root / "LICENSE").unlink()
    (root / "LICENSE").symlink_to(root / "reference/python/needle/ops.py")
    with pytest.raises(UsageError, match=r"LICENSE is a link"):
        release(root)


def test_leaking_release(root: Path) -> None:
    """An archive that would hold a solution is not written, and an older one stays."""
    write(root / "dist/hw4-student.zip", "older")
    write(root / "docs/student.md", "\n".join(COPIED))
    with pytest.raises(LeakError) as caught:
        release(root)
    assert caught.value.exit_status == 2
    assert caught.value.leaks[0].startswith(
        "hw4/docs/student.md:1: holds several lines of the solution long (reference/"
    )
    assert [path.name for path in (root / "dist").iterdir()] == ["hw4-student.zip"]
    assert (root / "dist/hw4-student.zip").read_text() == "older"


# --------------------------------------------------------------------------------------------------------- leaks


def test_clean_release_leaks_nothing(root: Path) -> None:
    """Neither the archive, nor its tree, nor student/ has a leak."""
    archive = release(root)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(root / "unpacked")
    for place in (archive, root / "unpacked", root / "student"):
        assert leaks(root / "reference", place) == []


def test_leak_in_the_copies(root: Path, tmp_path: Path) -> None:
    """A solution in the copies that a release keeps is found as one in the tree itself is."""
    write(tmp_path / "unpacked/hw4/.handout/pristine/student/python/needle/ops.py", "    return x ** 2\n")
    assert len(leaks(root / "reference", tmp_path / "unpacked")) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("python/needle/ops.py", "import secret_module"),
        ("python/needle/ops.py", "    return x ** 2"),
        ("python/needle/ops.py", "return  x**2"),
        ("python/needle/ops.py", "    # return x ** 2"),
        ("python/needle/ops.py", "    total = 0"),
        ("src/kernel.cc", "    #pragma omp parallel for"),
        ("src/kernel.cc", "  // for (size_t i = 0; i < n; i++) *out++ = secret[i];"),
    ],
)
def test_single_line_in_a_derived_file(root: Path, path: str, line: str) -> None:
    """In a file that derives, one solution line is a leak, however short, indented or commented out."""
    target = root / "student" / path
    target.write_text(f"{target.read_text()}{line}\n")
    number = len(target.read_text().splitlines())
    assert [
        leak.split(": holds a line of the solution")[0] for leak in leaks(root / "reference", root / "student")
    ] == [f"{path}:{number}"]


@pytest.mark.parametrize("line", ["    return total", "    # the squares, from the right", "}", "", '"""Needle."""'])
def test_given_lines_are_no_leak(root: Path, line: str) -> None:
    """A line that students get anyway, a comment or a bracket is no solution line."""
    target = root / "student/python/needle/ops.py"
    target.write_text(f"{target.read_text()}{line}\n")
    assert leaks(root / "reference", root / "student") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "\n".join(COPIED)),
        ("tests/hw4/oracle.py", "def oracle(values):\n" + "\n".join("\t" + line for line in COPIED)),
        ("tests/hw4/part.py", "\n".join(COPIED[:3])),
        ("tests/hw4/commented.py", "\n".join("# " + line for line in COPIED)),
        ("tests/hw4/with_comments.py", "\n# and then\n\n".join(COPIED)),
        ("grader/quoted.md", "\n".join("> " + line for line in COPIED)),
        ("hw4.ipynb", json.dumps({"cells": [{"source": [line + "\n" for line in COPIED]}]})),
        ("one_string.ipynb", json.dumps({"cells": [{"source": "\n".join(COPIED)}]})),
        ("broken.ipynb", "\n".join(COPIED)),
        ("python/needle/ops_old.py", SOLVED),
        ("kernel.md", "for (size_t i = 0; i < n; i++) *out++ = secret[i];\n" * 2 + CPP_SOLVED),
    ],
    ids=lambda value: value if "\n" not in value and "{" not in value else "",
)
def test_copied_solution_in_another_file(root: Path, name: str, text: str) -> None:
    """A copied region is found in any file: indented, quoted, commented, in part, or in a notebook."""
    write(root / "tree" / name, text)
    found = leaks(root / "reference", root / "tree")
    assert found
    assert all(leak.startswith(name) for leak in found)


@pytest.mark.parametrize(
    "text",
    ["return x ** 2", "total = 0", "total = 0\nfor value in reversed(values):\n    pass", "import secret_module"],
    ids=["short-region", "line", "two-lines", "import"],
)
def test_chance_in_another_file(root: Path, text: str) -> None:
    """A test or an oracle may say the same small thing: that is chance, and needs no exception."""
    write(root / "tree/tests/hw4/oracle.py", text)
    assert leaks(root / "reference", root / "tree") == []


def test_given_lines_in_another_file(root: Path) -> None:
    """Lines that students get anyway may stand in any file, however many in a row."""
    body = "\n".join(f"    given_number_{number} = {number}" for number in range(5))
    given = f"def f():\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION\n\ndef g():\n{body}\n"
    write(root / "reference/python/needle/given.py", given)
    write(root / "tree/tests/hw4/oracle.py", body)
    assert leaks(root / "reference", root / "tree") == []


def test_long_line_in_another_file(root: Path) -> None:
    """A long line alone is a leak in any file: nobody writes the same one by chance."""
    long = f"    return {' + '.join(f'value_{number}' for number in range(8))}"
    assert len("".join(long.split())) >= LINE_CHARACTERS
    write(root / "reference/long.py", f"def f():\n    ### BEGIN SOLUTION\n    x = 1\n{long}\n    ### END SOLUTION\n")
    write(root / "tree/README.md", f"Hint:\n\n{long}\n")
    assert len(leaks(root / "reference", root / "tree")) == 1


def test_leak_message(root: Path) -> None:
    """A leak is told with its place, the task, the place in the reference and the line."""
    target = root / "student/python/needle/ops.py"
    target.write_text(f"    return x ** 2\n{target.read_text()}")
    place = "reference/python/needle/ops.py:14"
    assert leaks(root / "reference", root / "student") == [
        f"python/needle/ops.py:1: holds a line of the solution short ({place}): 'return x ** 2'"
    ]


def test_nothing_to_prove(root: Path) -> None:
    """A reference without solutions proves nothing, so it is refused rather than found clean."""
    with pytest.raises(UsageError, match="nothing can be proved"):
        leaks(root / "student", root / "student")


def test_neither_folder_nor_archive(root: Path) -> None:
    """Something that cannot be read through is refused rather than found clean."""
    with pytest.raises(UsageError, match="neither a folder nor a zip"):
        leaks(root / "reference", root / "README.md")


# ------------------------------------------------------------------------------------------- the real repository


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository, less what is made in it, with student/ derived anew."""
    top = tmp_path_factory.mktemp("real") / "repository"
    for path, file in read_tree(ROOT / "reference").items():
        (top / "reference" / path).parent.mkdir(parents=True, exist_ok=True)
        (top / "reference" / path).write_bytes(file.data)
    for folder in ("grader", "tests/hw4"):
        shutil.copytree(ROOT / folder, top / folder, ignore=shutil.ignore_patterns(*IGNORED_ANYWHERE))
    for entry in ROOT.iterdir():
        if entry.is_file():
            shutil.copy(entry, top)
    for entry in CONTENTS:
        for match in ROOT.glob(entry.pattern):
            if match.is_file() and match.parent != ROOT:
                (top / match.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(match, top / match.relative_to(ROOT))
            elif match.name == ".devcontainer":
                shutil.copytree(match, top / match.name)
    derive_tree(top / "reference", top / "student")
    return top


def test_real_release(real: Path) -> None:
    """The real archive holds every derived file, no other folder's, and no solution line."""
    archive = release(real)
    assert leaks(real / "reference", archive) == []
    inside = {name.removeprefix("hw4/") for name in names(archive)}
    assert {f"student/{path}" for path in derive_files(real / "reference")} < inside
    folders = {"student", "tests", "grader", "docs", ".handout", ".devcontainer", ".vscode", ".github"}
    assert {name.split("/")[0] for name in inside if "/" in name} <= folders
    assert not any(name.startswith(("tests/harness", "tests/submissions")) for name in inside)


def test_links_of_the_students_readme(real: Path, tmp_path: Path) -> None:
    """Every page that the README sends students to is in their archive."""
    archive = release(real, tmp_path / "release.zip")
    with zipfile.ZipFile(archive) as opened:
        links = re.findall(r"\]\(([^)#:]+)[^)]*\)", opened.read("hw4/README.md").decode())
    assert len(links) > 3
    assert [link for link in links if f"hw4/{link}" not in names(archive)] == []


def regions_of(path: str, data: bytes) -> list[Region]:
    return find_regions(decode(data), path)


def test_every_real_region_put_back_is_found(real: Path) -> None:
    """Any one region of the real reference, left unemptied in its file, is found by its name."""
    solutions = read_solutions(real / "reference")
    missed, tried = [], 0
    for path, file in read_tree(real / "reference").items():
        wanted = regions_of(path, file.data)
        derived = derive_text(decode(file.data), path)
        for solved, emptied in zip(wanted, find_regions(derived, path), strict=True):
            lines = split_lines(derived)
            lines[emptied.first : emptied.last - 1] = solved.lines
            found = leaks_in(solutions, {f"hw4/student/{path}": encode("".join(lines))})
            tried += 1
            if not found:
                missed.append(f"{path}:{solved.first} {solved.name}")
    assert tried > 50
    assert missed == []


def test_every_real_solution_file_is_found_elsewhere(real: Path) -> None:
    """Any file of the real reference that has regions is found when it is copied under another name."""
    solutions = read_solutions(real / "reference")
    tree = read_tree(real / "reference")
    # A notebook's lines are JSON strings, and are read as such where the name says that it is one.
    copies = {path: "grader/copy.ipynb" if path.endswith(".ipynb") else "grader/copy.txt" for path in solutions.paths}
    assert [path for path, copy in copies.items() if not leaks_in(solutions, {copy: tree[path].data})] == []


def test_long_real_regions_are_found_elsewhere(real: Path) -> None:
    """Any real region of some size is found when its code alone stands in another file, less its comments."""
    solutions = read_solutions(real / "reference")
    missed = []
    for path, file in read_tree(real / "reference").items():
        for region in regions_of(path, file.data):
            code = [line for line in region.lines if not line.strip().startswith(("#", "//")) and line.strip()]
            size = len("".join("".join(code).split()))
            if size >= 4 * RUN_CHARACTERS and not leaks_in(solutions, {"README.md": encode("".join(code))}):
                missed.append(f"{path}:{region.first} {region.name}")
    assert missed == []
