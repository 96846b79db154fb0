"""A new release taken over a student's folder: what is taken, merged, kept and refused, and that all can be undone."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import ROOT

from grader.carry.upgrade import write as upgrade_write
from grader.carry.upgrade.plan import Fate
from grader.carry.upgrade.table import lines
from grader.carry.upgrade.upgrade import UpgradeReport, upgrade
from grader.derive import derive_text, find_regions, handout
from grader.derive.syntax import decode, encode
from grader.derive.tree import File, read_tree
from grader.errors import UsageError

TYPES = (".py", ".cc", ".cu", ".h")  # of a tree's sources
STUB = "    ### BEGIN YOUR SOLUTION\n    raise NotImplementedError('yours')\n    ### END YOUR SOLUTION\n"
OPS = f"# old words\n\n\ndef flip(a):\n{STUB}\n\ndef pad(a):\n{STUB}"
OLD = {
    "Makefile": "grade:\n\techo old\n\n# second\n\ndoctor:\n",
    "README.md": "old\n",
    "pyproject.toml": '[project]\nversion = "1.0"\n',
    "grader/cli.py": "old = 1\n",
    "grader/gone/away.py": "gone = 1\n",
    "tests/hw4/test_ops.py": "old = 1\n",
    "student/ops.py": OPS,
    "student/gone.py": "gone = 1\n",
    "student/data.bin": "\0old",
    "student/run.sh": "#!/bin/sh\n",
}
NEW = {
    **{path: text for path, text in OLD.items() if "gone" not in path},
    "Makefile": "grade:\n\techo old\n\n# second\n\ndoctor:\n\techo new\n",
    "README.md": "new\n",
    "pyproject.toml": '[project]\nversion = "1.1"\n',
    "grader/cli.py": "new = 1\n",
    "grader/more.py": "more = 1\n",
    "student/ops.py": OPS.replace("old words", "new words").replace("'yours'", "'yours to write'"),
    "student/data.bin": "\0new",
    "student/sub/more.py": "more = 1\n",
}
WORK = OPS.replace("raise NotImplementedError('yours')", "return a[::-1]", 1)


def files_of(texts: Mapping[str, str | bytes]) -> dict[str, File]:
    return {
        path: File(text.encode() if isinstance(text, str) else text, path.endswith(".sh"))
        for path, text in texts.items()
    }


def pack(
    archive: Path, texts: Mapping[str, str | bytes], assignment: str = "hw4", *, knows_itself: bool = True
) -> Path:
    """A release of these files."""
    files = files_of(texts)
    if knows_itself:
        files |= handout.describe(assignment, handout.version_of(files["pyproject.toml"].data), files)
    with zipfile.ZipFile(archive, "w") as opened:
        for path, file in files.items():
            info = zipfile.ZipInfo(f"hw4/{path}")
            info.external_attr = (stat.S_IFREG | file.mode) << 16
            opened.writestr(info, file.data)
    return archive


def unpack(archive: Path, place: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            (place / opened.extract(info, place)).chmod(info.external_attr >> 16 & 0o777)
    return place / "hw4"


def change(root: Path, texts: Mapping[str, str | bytes | None]) -> None:
    """What a student does: write files, or delete them."""
    for path, text in texts.items():
        if text is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode() if isinstance(text, str) else text)


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a folder, but for backups."""
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("backups/")}


def fates(report: UpgradeReport) -> dict[str, str]:
    return {item.path: item.fate.value for item in report.items}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The old release, unpacked."""
    return unpack(pack(tmp_path / "old.zip", OLD), tmp_path)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The new release."""
    return pack(tmp_path / "new.zip", NEW)


# ------------------------------------------------------------------------------------------------- what it does


def test_a_folder_that_nobody_has_changed(root: Path, new: Path, tmp_path: Path) -> None:
    """It becomes the new release to the byte; the report says which."""
    report = upgrade(root, new)
    assert contents(root) == contents(unpack(new, tmp_path / "fresh"))
    assert (report.old, report.new, report.order, report.backup) == ("1.0", "1.1", "newer", "backups/hw4-1.zip")
    assert {item.path for item in report.of(Fate.NEW)} == {"grader/more.py", "student/sub/more.py"}
    assert {item.path for item in report.of(Fate.REMOVED)} == {"grader/gone/away.py", "student/gone.py"}
    assert not (root / "grader/gone").exists()
    assert report.of(Fate.CONFLICT, Fate.KEPT, Fate.REPLACED) == []


def test_work_is_merged(root: Path, new: Path) -> None:
    """Work stays in its region, the given lines and the other stubs become the new ones."""
    change(root, {"student/ops.py": WORK})
    report = upgrade(root, new)
    want = NEW["student/ops.py"].replace("raise NotImplementedError('yours to write')", "return a[::-1]", 1)
    assert (root / "student/ops.py").read_text() == want
    assert fates(report)["student/ops.py"] == "merged"


def test_what_is_in_no_release_is_not_touched(root: Path, new: Path) -> None:
    """Data sets, environments, reports, builds and a student's own files stay as they are."""
    own = {
        "data/ptb/train.txt": "text",
        ".venv/bin/python": "python",
        "out/student/grade.json": "{}",
        "student/build/x.o": "object",
        "student/data/x": "data",
        "student/mine.py": "mine = 1\n",
        "notes.md": "mine\n",
        "backups/hw4-7.zip": "older",
    }
    change(root, own)
    upgrade(root, new)
    assert {path: (root / path).read_text() for path in own} == own


def test_the_next_release_after_that(root: Path, new: Path, tmp_path: Path) -> None:
    """A folder that was upgraded knows what it is, and can be upgraded again."""
    change(root, {"student/ops.py": WORK})
    upgrade(root, new)
    newest = {
        **NEW,
        "pyproject.toml": 'version = "1.2"\n',
        "student/ops.py": NEW["student/ops.py"].replace("new", "3rd"),
    }
    report = upgrade(root, pack(tmp_path / "newest.zip", newest))
    assert fates(report) == {"pyproject.toml": "updated", "student/ops.py": "merged"}
    assert "return a[::-1]" in (root / "student/ops.py").read_text()
    assert "3rd words" in (root / "student/ops.py").read_text()


def test_the_same_release_again(root: Path, new: Path) -> None:
    """There is nothing to do, and nothing is written, a backup neither."""
    change(root, {"student/ops.py": WORK})
    upgrade(root, new)
    before = contents(root)
    report = upgrade(root, new)
    assert (report.order, report.items, report.backup) == ("same", (), None)
    assert lines(report) == ["This folder is release 1.1 already; there is nothing to do."]
    assert contents(root) == before
    assert len([*(root / "backups").iterdir()]) == 1


def test_a_dry_run(root: Path, new: Path) -> None:
    """It says the same, and does nothing."""
    change(root, {"student/ops.py": WORK})
    before = contents(root)
    report = upgrade(root, new, dry_run=True)
    assert contents(root) == before
    assert not (root / "backups").exists()
    assert report.items == upgrade(root, new).items


def test_an_older_release(root: Path, new: Path, tmp_path: Path) -> None:
    """It is refused, and with --force it is taken."""
    upgrade(root, new)
    with pytest.raises(UsageError, match=r"release 1\.0 is older than 1\.1.*--force"):
        upgrade(root, tmp_path / "old.zip")
    assert upgrade(root, tmp_path / "old.zip", force=True).order == "older"
    assert contents(root) == contents(unpack(tmp_path / "old.zip", tmp_path / "fresh"))


def test_the_same_version_with_other_contents(root: Path, tmp_path: Path) -> None:
    """A release whose version was not raised is taken all the same, and is told."""
    report = upgrade(root, pack(tmp_path / "again.zip", {**NEW, "pyproject.toml": OLD["pyproject.toml"]}))
    assert report.order == "same"
    assert "the same version with other contents" in lines(report)[0]


def test_ten_comes_after_nine(root: Path, tmp_path: Path) -> None:
    """Versions are numbers, and no words."""
    nine = pack(tmp_path / "nine.zip", {**OLD, "pyproject.toml": 'version = "1.9"\n'})
    ten = pack(tmp_path / "ten.zip", {**OLD, "pyproject.toml": 'version = "1.10"\n'})
    assert [upgrade(root, archive).order for archive in (nine, ten)] == ["newer", "newer"]


# ------------------------------------------------------------------------------------------- files of each kind


def test_conflicts_are_told_with_their_places(root: Path, new: Path, tmp_path: Path) -> None:
    """A given line that both have changed is marked in the file; the place is in the report, and stops the next run."""
    change(root, {"student/ops.py": WORK.replace("old words", "my words")})
    report = upgrade(root, new)
    (item,) = report.of(Fate.CONFLICT)
    assert item.places == ("student/ops.py:1",)
    text = (root / "student/ops.py").read_text()
    assert text.startswith(
        "<<<<<<< yours\n# my words\n||||||| old release\n# old words\n=======\n# new words\n>>>>>>> "
    )
    assert "return a[::-1]" in text
    assert "student/ops.py:1" in "\n".join(lines(report))
    with pytest.raises(UsageError, match=r"student/ops\.py:1 is a conflict of an earlier upgrade"):
        upgrade(root, pack(tmp_path / "next.zip", {**NEW, "pyproject.toml": 'version = "2.0"\n'}))


def test_work_whose_region_is_gone(root: Path, tmp_path: Path) -> None:
    """It is at the end of its file, and the report says so."""
    change(root, {"student/ops.py": WORK})
    theirs = {**NEW, "student/ops.py": OPS[OPS.index("def pad") :]}
    report = upgrade(root, pack(tmp_path / "renamed.zip", theirs))
    assert "#     return a[::-1]\n" in (root / "student/ops.py").read_text()
    notes = [note for item in report.items for note in item.notes]
    assert notes == ["flip: the new release has no such region; yours is at the end"]
    assert "  python -m grader carry --from backups/hw4-1.zip puts what it finds there." in lines(report)


def test_files_of_the_release_that_were_changed(root: Path, new: Path) -> None:
    """A changed Makefile is merged; a changed grader is replaced, and the student's version is in the backup."""
    change(
        root, {"Makefile": "mine:\n\n" + OLD["Makefile"], "grader/cli.py": "mine = 1\n", "tests/hw4/test_ops.py": None}
    )
    report = upgrade(root, new)
    assert (root / "Makefile").read_text() == "mine:\n\n" + NEW["Makefile"]
    assert (root / "grader/cli.py").read_text() == NEW["grader/cli.py"]
    assert (root / "tests/hw4/test_ops.py").exists()
    found = fates(report)
    assert [found[path] for path in ("Makefile", "grader/cli.py", "tests/hw4/test_ops.py")] == [
        "merged",
        "replaced",
        "restored",
    ]
    with zipfile.ZipFile(root / "backups/hw4-1.zip") as backup:
        assert backup.read("hw4/grader/cli.py") == b"mine = 1\n"


def test_a_makefile_that_cannot_be_merged(root: Path, new: Path) -> None:
    """No mark of a conflict ever stands in a file that the commands need: the release's goes in."""
    change(root, {"Makefile": OLD["Makefile"].replace("doctor:\n", "doctor:\n\techo mine\n")})
    report = upgrade(root, new)
    assert (root / "Makefile").read_text() == NEW["Makefile"]
    assert fates(report)["Makefile"] == "replaced"


def test_files_of_the_students_that_cannot_be_merged(root: Path, new: Path) -> None:
    """The student's stays, and the release's goes beside it: what is no text, and what both have newly made."""
    change(root, {"student/data.bin": "\0mine", "student/sub/more.py": "mine = 1\n"})
    report = upgrade(root, new)
    found = contents(root)
    assert (found["student/data.bin"], found["student/data.from-1.1.bin"]) == (b"\0mine", b"\0new")
    assert (found["student/sub/more.py"], found["student/sub/more.from-1.1.py"]) == (b"mine = 1\n", b"more = 1\n")
    assert [item.path for item in report.of(Fate.CONFLICT)] == ["student/data.bin", "student/sub/more.py"]


def test_a_name_beside_that_is_taken(root: Path, new: Path) -> None:
    """What lies there already is not written over."""
    change(root, {"student/data.bin": "\0mine", "student/data.from-1.1.bin": "mine, too"})
    upgrade(root, new)
    found = contents(root)
    assert found["student/data.from-1.1.bin"] == b"mine, too"
    assert found["student/data.from-1.1-2.bin"] == b"\0new"


def test_a_notebook(root: Path, tmp_path: Path) -> None:
    """It is merged by cells; one that cannot be read stays, and the new one goes beside it."""

    def notebook(*sources: str) -> str:
        cells = [{"cell_type": "markdown", "id": f"c{k}", "metadata": {}, "source": [s]} for k, s in enumerate(sources)]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    old = pack(tmp_path / "1.zip", {**OLD, "student/hw4.ipynb": notebook("a", "b", "c")})
    new = pack(tmp_path / "2.zip", {**NEW, "student/hw4.ipynb": notebook("A", "B", "c")})
    for number, (mine, places) in enumerate(
        {
            notebook("a", "b", "mine"): (),
            notebook("a", "mine", "c"): ("student/hw4.ipynb, cell 2",),
            '{"cells": ': ("student/hw4.ipynb",),
        }.items()
    ):
        place = unpack(old, tmp_path / str(number))
        change(place, {"student/hw4.ipynb": mine})
        report = upgrade(place, new)
        assert tuple(place for item in report.of(Fate.CONFLICT) for place in item.places) == places
        assert "mine" in (place / "student/hw4.ipynb").read_text() or (place / "student/hw4.ipynb").read_text() == mine
    assert (place / "student/hw4.from-1.1.ipynb").read_text() == notebook("A", "B", "c")
    with pytest.raises(UsageError, match=r"student/hw4\.ipynb, cell 2, is a conflict of an earlier upgrade"):
        upgrade(tmp_path / "1/hw4", pack(tmp_path / "3.zip", {**NEW, "LICENSE": ""}))


def test_deleted_files(root: Path, new: Path) -> None:
    """What the student deleted stays away unless it has changed; what the release drops stays where the student did."""
    change(root, {"student/run.sh": None, "student/data.bin": None, "student/gone.py": "mine = 1\n"})
    report = upgrade(root, new)
    found = contents(root)
    assert "student/run.sh" not in found
    assert (found["student/data.bin"], found["student/gone.py"]) == (b"\0new", b"mine = 1\n")
    assert (fates(report)["student/data.bin"], fates(report)["student/gone.py"]) == ("restored", "kept")


def test_modes(root: Path, tmp_path: Path) -> None:
    """A program stays one, and what the student has made one stays one, too."""
    (root / "student/ops.py").chmod(0o755)
    new = pack(tmp_path / "new.zip", {**NEW, "student/run.sh": "#!/bin/bash\n"})
    upgrade(root, new)
    assert (root / "student/run.sh").stat().st_mode & 0o777 == 0o755
    assert (root / "student/ops.py").stat().st_mode & 0o777 == 0o755
    assert (root / "README.md").stat().st_mode & 0o777 == 0o644


# --------------------------------------------------------------------------------------------------- undoing it


def test_the_backup_is_the_whole_folder(root: Path, new: Path, tmp_path: Path) -> None:
    """Unpacked, it is the folder as it was, less data sets and environments; a second one gets another name."""
    change(root, {"student/ops.py": WORK, "notes.md": "mine", ".vscode/settings.json": "{}"})
    before = contents(root)
    change(root, {"data/x": "large", ".venv/x": "large", "student/data/x": "large"})
    upgrade(root, new)
    assert contents(unpack(root / "backups/hw4-1.zip", tmp_path / "restored")) == before
    upgrade(root, tmp_path / "old.zip", force=True)
    assert sorted(path.name for path in (root / "backups").iterdir()) == ["hw4-1.zip", "hw4-2.zip"]


def test_a_failure_in_the_middle(root: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to have the folder as it was, and that works."""
    change(root, {"student/ops.py": WORK})
    before = contents(root)
    real = upgrade_write.write_atomically

    def full(target: Path, data: bytes, mode: int) -> None:
        if target.name == "ops.py":
            raise OSError(28, "No space left on device")
        real(target, data, mode)

    monkeypatch.setattr(upgrade_write, "write_atomically", full)
    with pytest.raises(UsageError, match=r"stopped at student/ops\.py.*No space left") as caught:
        upgrade(root, new)
    assert f"cd {root} && python3 -m zipfile -e backups/hw4-1.zip .." in str(caught.value)
    with zipfile.ZipFile(root / "backups/hw4-1.zip") as backup:
        backup.extractall(root.parent)
    assert {path: data for path, data in contents(root).items() if path in before} == before


def test_without_a_backup_nothing_is_written(root: Path, new: Path) -> None:
    """Where the backup cannot be written, the folder stays as it is."""
    before = contents(root)
    (root / "backups").write_text("in the way")
    with pytest.raises(UsageError, match="so nothing was changed"):
        upgrade(root, new)
    assert {path: data for path, data in contents(root).items() if path != "backups"} == before


# ------------------------------------------------------------------------------------------------ what is refused


def test_a_folder_from_before(root: Path, new: Path, tmp_path: Path) -> None:
    """A release from before this asks for its archive, and is then upgraded like any other."""
    bare = unpack(pack(tmp_path / "bare.zip", OLD, knows_itself=False), tmp_path / "bare")
    change(bare, {"student/ops.py": WORK, "grader/cli.py": "old = 1\nmine = 1\n"})
    with pytest.raises(UsageError, match=r"--base OLD\.zip"):
        upgrade(bare, new)
    report = upgrade(bare, new, base=tmp_path / "bare.zip")
    assert "return a[::-1]" in (bare / "student/ops.py").read_text()
    assert "one from before releases had versions" in lines(report)[0]
    assert upgrade(bare, new).items == ()


def test_copies_that_were_changed(root: Path, new: Path, tmp_path: Path) -> None:
    """A copy of what was given that somebody has edited (a replace over all files) is not merged with."""
    change(root, {".handout/pristine/student/ops.py": "other\n"})
    with pytest.raises(UsageError, match=r"pristine/student/ops\.py.*is missing or changed.*--base OLD\.zip"):
        upgrade(root, new)
    assert upgrade(root, new, base=tmp_path / "old.zip").new == "1.1"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1, "assignment": "hw4", "version": "1", "files": 3}'])
def test_a_broken_manifest(root: Path, new: Path, text: str) -> None:
    """It is told as such, in one sentence."""
    change(root, {".handout/manifest.json": text})
    with pytest.raises(UsageError, match=r"manifest\.json (is damaged|has the format)"):
        upgrade(root, new)


def test_another_assignment(root: Path, tmp_path: Path) -> None:
    """A release of another assignment does not go over this one."""
    with pytest.raises(UsageError, match="a release of hw3, and this folder is one of hw4"):
        upgrade(root, pack(tmp_path / "hw3.zip", NEW, "hw3"))


def test_what_is_no_release(root: Path, tmp_path: Path) -> None:
    """A missing file, something else than an archive, and an archive of something else are told apart."""
    (tmp_path / "text.zip").write_text("text")
    for archive, why in (
        (tmp_path / "nothing.zip", "is not there"),
        (tmp_path / "text.zip", "is not an archive"),
        (pack(tmp_path / "other.zip", {"pyproject.toml": "", "a": ""}), "is no release of the handout"),
        (pack(tmp_path / "bare.zip", NEW, knows_itself=False), "no release that can be taken over"),
    ):
        with pytest.raises(UsageError, match=why):
            upgrade(root, archive)


def test_an_archive_that_was_tampered_with(root: Path, tmp_path: Path) -> None:
    """Files that are not what the archive's own list says, or more than it says, are refused."""
    for change_ in ({"student/ops.py": b"other"}, {"student/extra.py": b""}):
        archive = pack(tmp_path / "new.zip", NEW)
        with zipfile.ZipFile(archive) as opened:
            data = {name: opened.read(name) for name in opened.namelist()}
        data |= {f"hw4/{path}": text for path, text in change_.items()}
        with zipfile.ZipFile(archive, "w") as opened:
            for name, text in data.items():
                opened.writestr(name, text)
        with pytest.raises(UsageError, match="is damaged: student/"):
            upgrade(root, archive)


@pytest.mark.parametrize("path", ["../evil.py", ".venv/bin/python", "data/x", ".git/hooks/pre-commit", "backups/x.zip"])
def test_an_archive_that_reaches_elsewhere(root: Path, tmp_path: Path, path: str) -> None:
    """Neither out of the folder nor into what is the student's."""
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=r"leads out|no path of a release"):
        upgrade(root, pack(tmp_path / "evil.zip", {**NEW, path: "evil"}))
    assert {name: data for name, data in contents(tmp_path).items() if name != "evil.zip"} == before


def test_a_link_in_the_archive(root: Path, tmp_path: Path) -> None:
    """A release holds plain files only."""
    archive = pack(tmp_path / "new.zip", NEW)
    with zipfile.ZipFile(archive, "a") as opened:
        info = zipfile.ZipInfo("hw4/student/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(UsageError, match="holds hw4/student/link, a link"):
        upgrade(root, archive)


def test_a_folder_that_leads_elsewhere(root: Path, new: Path, tmp_path: Path) -> None:
    """A folder that is a link out of the release is not written through."""
    os.rename(root / "grader", tmp_path / "elsewhere")
    (root / "grader").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link out of"):
        upgrade(root, new)
    assert (tmp_path / "elsewhere/cli.py").read_text() == OLD["grader/cli.py"]


def test_a_folder_in_the_way(root: Path, new: Path) -> None:
    """A folder where the release has a file stops everything before it begins."""
    (root / "student/sub/more.py").mkdir(parents=True)
    before = contents(root)
    with pytest.raises(UsageError, match=r"more\.py is no file"):
        upgrade(root, new)
    assert contents(root) == before


def test_a_file_in_the_way_of_a_folder(root: Path, new: Path) -> None:
    """A file of the student's where the release has a folder does so, too."""
    change(root, {"student/sub": "mine"})
    before = contents(root)
    with pytest.raises(UsageError, match=r"student/sub is no folder"):
        upgrade(root, new)
    assert contents(root) == before


def test_the_report_on_the_screen(root: Path, new: Path) -> None:
    """What is to be decided comes last, with its places, and then the next step."""
    change(root, {"student/ops.py": WORK.replace("old words", "my words"), "grader/cli.py": "mine = 1\n"})
    assert lines(upgrade(root, new)) == [
        "Taken over: release 1.1; this folder had release 1.0.",
        "",
        "new (2):",
        "  grader/more.py",
        "  student/sub/more.py",
        "",
        "updated; you had not changed them (4):",
        "  Makefile",
        "  README.md",
        "  pyproject.toml",
        "  student/data.bin",
        "",
        "removed; the release no longer has them (2):",
        "  grader/gone/away.py",
        "  student/gone.py",
        "",
        "replaced by the release's; your version is in the backup (1):",
        "  grader/cli.py",
        "",
        "to be decided by you (1):",
        "  student/ops.py:1",
        "",
        "The folder as it was is in backups/hw4-1.zip. To go back: python3 -m zipfile -e backups/hw4-1.zip ..",
        "Next: look at each place above, keep what you need, delete the marks; then `make grade`.",
    ]


def test_what_is_no_unpacked_release(tmp_path: Path, new: Path) -> None:
    """The course's own checkout is not upgraded, and neither is any folder."""
    with pytest.raises(UsageError, match="is no unpacked release"):
        upgrade(tmp_path, new)
    for folder in ("student", "reference"):
        (tmp_path / folder).mkdir()
    with pytest.raises(UsageError, match="is no unpacked release"):
        upgrade(tmp_path, new)


# ----------------------------------------------------------------------------------------------- the real one


def test_the_real_tree(tmp_path: Path) -> None:
    """Every region of a whole solved tree survives a release that words each stub and some given line otherwise."""

    def reworded(text: str) -> str:
        return text.replace("is yours to write", "has to be written").replace("Example", "For instance")

    tree = {path: decode(file.data) for path, file in read_tree(ROOT / "reference").items() if path.endswith(TYPES)}
    solved = {path: text for path, text in tree.items() if "SOLUTION" in text}
    given = {path: derive_text(text, path) for path, text in solved.items()}
    old = {f"student/{path}": encode(text) for path, text in given.items()}
    old["pyproject.toml"] = b'version = "1.0"\n'
    new = {path: encode(reworded(decode(data))) for path, data in old.items()}
    new["pyproject.toml"] = b'version = "1.1"\n'
    root = unpack(pack(tmp_path / "old.zip", old), tmp_path)
    change(root, {f"student/{path}": encode(text) for path, text in solved.items()})
    report = upgrade(root, pack(tmp_path / "new.zip", new))
    assert report.of(Fate.CONFLICT) == []
    assert [note for item in report.items for note in item.notes] == []
    wanted = {path: find_regions(text, path) for path, text in solved.items()}
    assert sum(map(len, wanted.values())) > 100
    for path, regions in wanted.items():
        merged = decode((root / "student" / path).read_bytes())
        found = find_regions(merged, path)
        assert [(region.name, region.lines) for region in found] == [(region.name, region.lines) for region in regions]
        assert reworded(derive_text(merged, path)) == reworded(given[path]), path
