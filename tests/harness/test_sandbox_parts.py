"""The small parts of boxes: which kind is taken, whose they are, what they show, and what a build may write."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import GraderError, UsageError
from grader.sandbox import KINDS, Limits, boxed, cgroups, choice, disk, open_sandbox, uids
from grader.sandbox.base import signal_name
from grader.sandbox.finish import run_to_end
from grader.sandbox.none import PlainProcess
from grader.sandbox.view import build_tools, interpreter, open_up, view

linux = pytest.mark.skipif(sys.platform != "linux", reason="boxes are Linux's")


# --- which kind ---


def working(kinds: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only these kinds work."""
    monkeypatch.setattr(choice, "unavailable", lambda kind: None if kind in kinds else f"{kind} is broken; mend it")


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        ({"bubblewrap", "landlock", "container"}, "bubblewrap"),
        ({"landlock", "container"}, "landlock"),
        ({"container"}, "none"),
        (set(), "none"),
    ],
)
def test_auto_takes_the_strongest(there: set[str], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """bubblewrap before landlock before none; a container only when it is asked for."""
    working(there, monkeypatch)
    assert choice.choose("auto").kind == kind


def test_auto_says_why_it_took_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody believes to have a box who has none."""
    working(set(), monkeypatch)
    told = choice.choose("auto").told
    assert told.startswith("none: limits but no box")
    assert "no bubblewrap: bubblewrap is broken; mend it" in told
    assert "no landlock: landlock is broken; mend it" in told


def test_kind_that_cannot_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a fall-back to a weaker one."""
    working({"landlock"}, monkeypatch)
    with pytest.raises(UsageError, match="--sandbox bubblewrap cannot be had here: bubblewrap is broken; mend it"):
        open_sandbox("bubblewrap")


def test_kind_that_the_command_has_tried_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each judge would start a box only to see whether it can."""
    working(set(), monkeypatch)
    assert open_sandbox("landlock", tried=True).name == "landlock"
    assert open_sandbox("auto", tried=True).name == "none"  # nothing was tried under this name


def test_unknown_kind_is_an_error() -> None:
    """With the ones that there are."""
    with pytest.raises(UsageError, match=f"'jail'; expected one of: auto, {', '.join(KINDS)}"):
        open_sandbox("jail")


# --- limits ---


def test_memory_of_a_gpu_box_is_limited_without_its_address_space() -> None:
    """CUDA reserves addresses by the terabyte. What is used, a control group counts."""
    limits = Limits(memory_bytes=1 << 30, cpu_seconds=1, file_bytes=1, processes=1, scratch_bytes=1 << 20)
    assert limits.address_bytes == 1 << 30
    assert replace(limits, gpu=True).address_bytes is None
    assert cgroups.most_memory(replace(limits, gpu=True)) == (1 << 30) + (1 << 20)


def test_every_signal_has_a_name() -> None:
    """A submission can end itself with any of them, also with those that Python has no name for."""
    assert signal_name(11) == "SIGSEGV"
    assert [signal_name(number) for number in range(1, 65) if not signal_name(number).startswith("SIG")] == [
        f"signal {number}" for number in range(1, 65) if number not in {*signal.Signals}
    ]


# --- whose they are ---


@linux
def test_user_number_is_free() -> None:
    """Out of the range that no distribution gives away, where all numbers are mapped."""
    assert uids.unused_uid("0 0 4294967295\n") in uids.FREE


@linux
def test_user_number_of_a_container_is_at_the_end_of_its_range() -> None:
    """Far from the accounts, which begin at its lower end."""
    assert uids.candidates("0 100000 65536\n") == range(61440, 65536)
    assert uids.unused_uid("0 100000 65536\n") in range(61440, 65536)


@linux
def test_container_with_root_alone_is_refused() -> None:
    """There is nobody else to be."""
    with pytest.raises(GraderError, match="knows no users but root"):
        uids.unused_uid("0 1000 1\n")


@linux
def test_known_users_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's files would be within reach of its box."""
    monkeypatch.setattr(uids, "_is_known", lambda uid: True)
    with pytest.raises(GraderError, match="No user number is free"):
        uids.unused_uid("0 0 4294967295\n")


# --- what they show ---


@linux
def test_view_has_python_and_hides_its_packages() -> None:
    """The interpreter and its library; site-packages below it are hidden."""
    shown = view([])
    assert any(Path(interpreter()).is_relative_to(path) for path in shown.shown)
    library = Path(os.path.dirname(os.path.realpath(os.__file__)))
    hidden = {os.path.realpath(path) for path in shown.hidden}
    for name in ("site-packages", "dist-packages"):
        assert not (library / name).is_dir() or str(library / name) in hidden


@linux
def test_view_shows_no_home_and_no_etc() -> None:
    """Of /etc the loader's cache, of a home at most the Python in it."""
    shown = {str(path) for path in view([]).shown}
    assert not shown & {"/", "/etc", "/home", "/root", "/usr", "/usr/bin", "/var", str(Path.home())}


@linux
def test_view_of_a_link_shows_what_it_leads_to(tmp_path: Path) -> None:
    """Nothing can be mounted on a link: it is made again, and its target shown."""
    (tmp_path / "target").write_text("")
    (tmp_path / "second").symlink_to("target")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    found = view([tmp_path / "first"])
    assert tmp_path / "target" in found.shown
    assert (str(tmp_path / "first"), str(tmp_path / "second")) in found.links
    assert (str(tmp_path / "second"), "target") in found.links


@linux
def test_view_shows_what_lies_below_a_shown_folder_once(tmp_path: Path) -> None:
    """Each mount costs, and is looked through by every later one."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    shown = view([below, tmp_path / "a"]).shown
    assert tmp_path / "a" in shown
    assert below not in shown


@linux
def test_build_is_not_shown_a_home_with_a_compiler_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link in ~/bin must not open all of the home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "c++").write_text("")
    (tmp_path / "lib" / "gcc").mkdir(parents=True)
    found = build_tools([str(tmp_path / "bin" / "c++")])
    assert tmp_path / "bin" / "c++" in found
    assert tmp_path not in found


@linux
def test_build_is_shown_a_toolchain_of_its_own_folder(tmp_path: Path) -> None:
    """Such as /opt/gcc-14: a compiler needs what lies beside its bin/."""
    (tmp_path / "gcc" / "bin").mkdir(parents=True)
    (tmp_path / "gcc" / "bin" / "c++").write_text("")
    (tmp_path / "gcc" / "lib" / "gcc").mkdir(parents=True)
    assert tmp_path / "gcc" in build_tools([str(tmp_path / "gcc" / "bin" / "c++")])


def test_opened_folder_can_be_read_by_everybody(tmp_path: Path) -> None:
    """Whatever the umask was when it was filled."""
    folder = tmp_path / "folder"
    (folder / "deeper").mkdir(parents=True, mode=0o700)
    (folder / "deeper" / "file").write_text("")
    (folder / "deeper" / "file").chmod(0o600)
    open_up(folder)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "deeper", folder / "deeper" / "file")] == [
        0o755,
        0o755,
        0o644,
    ]


@linux
def test_closed_folders_are_found_with_what_is_needed_of_them(tmp_path: Path) -> None:
    """The outermost one that another user may not enter."""
    home = tmp_path / "home"
    (home / "python" / "lib").mkdir(parents=True)
    home.chmod(0o700)
    for folder in tmp_path.parents:
        if not folder.stat().st_mode & 0o001:  # pytest's own folders are closed as well
            home = folder
    found = dict(boxed.closed_folders([tmp_path / "home" / "python" / "lib", tmp_path / "home" / "python"]))
    assert found == {
        str(home): [str(tmp_path / "home" / "python"), str(tmp_path / "home" / "python" / "lib")],
    }


# --- what a build may write ---


def test_files_are_counted_by_what_they_take(tmp_path: Path) -> None:
    """Not by their length: a file may be one great hole."""
    with open(tmp_path / "hole", "wb") as file:
        file.truncate(1 << 40)
    assert not disk.holds_more_than([tmp_path], 1 << 20)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "full").write_bytes(os.urandom(1 << 20))
    assert disk.holds_more_than([tmp_path], 1 << 19)


def test_files_are_counted_by_number_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones take an inode each."""
    monkeypatch.setattr(disk, "MOST_FILES", 10)
    for number in range(11):
        (tmp_path / str(number)).touch()
    assert disk.holds_more_than([tmp_path], 1 << 20)


def test_links_are_not_followed_when_files_are_counted(tmp_path: Path) -> None:
    """Nor a link to the folder itself, for ever."""
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "all").symlink_to("/")
    assert not disk.holds_more_than([tmp_path], 1 << 20)


def test_command_that_fills_the_disk_is_stopped(tmp_path: Path) -> None:
    """As soon as it is seen, and told apart from one that took too long."""
    script = "i=0; while [ $i -lt 64 ]; do head -c 1048576 /dev/urandom > file$i; i=$((i + 1)); done; sleep 600"
    done = run_to_end(
        PlainProcess(),
        ["/bin/sh", "-c", script],
        limits=Limits(1 << 30, 60, 8 << 20, 16, 1 << 20),
        wall_seconds=60,
        output_bytes=1000,
        cwd=tmp_path,
        readable=[],
        writable=[tmp_path],
        scratch=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        written_bytes=4 << 20,
    )
    assert (done.status, done.too_much_written) == (None, True)
