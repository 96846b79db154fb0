"""The set-up of a hosted notebook: it brings the handout, installs what is missing, and goes into the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from course_apps import REFERENCE, app

hosted = app("hosted")


@pytest.fixture
def handout(tmp_path: Path) -> Path:
    """A handout's folder with nothing in it but what the set-up needs."""
    root = tmp_path / "service" / "hw4"
    (root / "student" / "apps").mkdir(parents=True)
    (root / "student" / "apps" / "hosted.py").write_bytes((REFERENCE / "apps" / "hosted.py").read_bytes())
    (root / "requirements.lock").write_text("# locked\nnumpy==1.0\npytest==9.2.0 ; python_version >= '3'\n")
    return root


def zipped(handout: Path) -> bytes:
    """The handout as an archive; the folder is gone then."""
    archive = handout.parent / "made.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for item in sorted(handout.rglob("*")):
            file.write(item, item.relative_to(handout.parent))
            if item.is_file():
                item.unlink()
    content = archive.read_bytes()
    archive.unlink()
    for folder in sorted((item for item in handout.rglob("*")), reverse=True):
        folder.rmdir()
    handout.rmdir()
    return content


def cell() -> str:
    """The notebook's cell for hosted services."""
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", (REFERENCE / "hw4.md").read_text(), flags=re.S | re.M)
    (found,) = [text for text in cells if "google.colab" in text]
    return re.sub(r"^:tags:.*\n", "", found)


def run_cell(content: Path, *, hosted: bool = True) -> dict[str, str]:
    """Run the cell with that folder in the place of /content; gives where it ended, its words, and how it failed."""
    code = f"""
        import json, os, sys, types
        if {hosted}:
            sys.modules["google.colab"] = types.ModuleType("google.colab")
        exec({cell().replace("/content", str(content))!r}, {{}})
        print(json.dumps(os.getcwd()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=content, capture_output=True, text=True, check=False
    )
    *said, last = done.stdout.splitlines() or [""]
    return {
        "said": "\n".join(said),
        "failed": done.stderr,
        "ended in": json.loads(last) if last.startswith('"') else "",
    }


class TestCell:
    def test_does_nothing_elsewhere(self, tmp_path: Path) -> None:
        """On a student's own machine it says so, and that is all."""
        done = run_cell(tmp_path, hosted=False)
        assert (done["failed"], done["ended in"]) == ("", str(tmp_path))
        assert done["said"].startswith("This is no hosted notebook")

    def test_finds_an_unpacked_handout(self, handout: Path) -> None:
        """The tree becomes the current folder, where the next cell looks for it."""
        done = run_cell(handout.parent)
        assert (done["failed"], done["ended in"]) == ("", str(handout / "student"))
        assert "Run the cells below" in done["said"]

    @pytest.mark.parametrize("name", ["hw4-student.zip", "hw4-student (1).zip"])
    def test_unpacks_a_zip_that_is_there(self, name: str, handout: Path) -> None:
        """Whatever an upload called it; a second run finds what the first unpacked, with the work in it."""
        (handout.parent / name).write_bytes(zipped(handout))
        assert run_cell(handout.parent)["ended in"] == str(handout / "student")
        (handout / "student" / "mine.py").write_text("work")
        assert run_cell(handout.parent)["ended in"] == str(handout / "student")
        assert (handout / "student" / "mine.py").read_text() == "work"

    def test_prefers_the_drive(self, handout: Path) -> None:
        """What is kept goes before what is forgotten."""
        kept = handout.parent / "drive" / "MyDrive" / "hw4"
        shutil.copytree(handout, kept)
        assert run_cell(handout.parent)["ended in"] == str(kept / "student")

    def test_says_what_is_lacking(self, tmp_path: Path) -> None:
        """Without a zip it ends in one sentence."""
        assert "upload the handout's zip" in run_cell(tmp_path)["failed"].splitlines()[-1]


class TestSetUp:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # and back, afterwards

    def test_installs_only_what_is_missing(self, handout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A package that is there in another version stays; what is missing comes in the locked one, and alone."""
        (handout / "requirements.lock").write_text("numpy==1.0\nno-such-thing==2.5 ; python_version >= '3'\n")
        asked = []

        def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            asked.append((command[:-1], Path(command[-1]).read_text()))
            return subprocess.CompletedProcess(command, 0, "")

        monkeypatch.setattr(subprocess, "run", pip)
        hosted.set_up(handout / "student")
        ((command, lines),) = asked
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        assert "--no-deps" in command
        assert lines == "no-such-thing==2.5 ; python_version >= '3'"
        assert Path.cwd() == handout / "student"

    def test_reads_the_real_lock(self) -> None:
        """Where everything is installed, as here, nothing is missing but what is for another Python or system."""
        lock = (REFERENCE.parent / "requirements.lock").read_text()
        assert all(";" in line for line in hosted.missing(lock))
        assert len(hosted.missing("no-such-thing==1\nnor_this==2 ; sys_platform == 'win32'\n# nothing\n\n")) == 2

    def test_failed_installation_is_told_in_pips_words(self, handout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """And stops, before a later cell fails in words of its own."""
        (handout / "requirements.lock").write_text("no-such-thing==2.5\n")
        failed = subprocess.CompletedProcess([], 1, "ERROR: no network\n")
        monkeypatch.setattr(subprocess, "run", lambda command, **_: failed)
        with pytest.raises(RuntimeError, match="pip could not install what is missing:\nERROR: no network"):
            hosted.set_up(handout / "student")

    def test_wants_the_whole_handout(self, tmp_path: Path) -> None:
        """A student/ without what lies around it can be neither tested nor submitted."""
        with pytest.raises(RuntimeError, match="Bring the whole handout here"):
            hosted.set_up(tmp_path / "student")

    def test_says_how_to_get_a_compiler(self, handout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the service has none."""
        (handout / "requirements.lock").write_text("")
        monkeypatch.setenv("PATH", os.devnull)
        with pytest.raises(RuntimeError, match=r"apt-get install -y make g\+\+"):
            hosted.set_up(handout / "student")

    def test_says_what_is_kept(
        self, handout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Whoever works outside of their Drive is told, and nobody else is."""
        (handout / "requirements.lock").write_text("")
        hosted.set_up(handout / "student")
        assert "This machine is forgotten" in capsys.readouterr().out
        monkeypatch.setattr(hosted, "_KEPT", handout.parent)
        hosted.set_up(handout / "student")
        assert "forgotten" not in capsys.readouterr().out
