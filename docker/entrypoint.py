"""What a container of the image does: grade /submission, leave the reports in /out, and end with the grader's status.

Without arguments, or with options of `python -m grader grade`, it grades what is mounted at /submission. `health` is
the image's health check. Everything else is a command of `python -m grader`. docs/docker.md shows each of them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRADER = (sys.executable, "-m", "grader")
REPORTS = ("report.json", "summary.md", "grade.json")  # the last one is laid last: where it is, all are
STATUS = "exit-status"  # a file beside them: a run that was cut off leaves none
BAD_USAGE, OUR_FAULT = 2, 3  # as the grader's own

_KEYS = ("MUGRADE_KEY", "MUGRADE_KEY_FILE")
_MIB = 1 << 20
_JUDGE = 1500 * _MIB  # bytes of a judge with PyTorch (0.4 GiB) and its worker in an ordinary case (under 1 GiB)
_USER = 'run the container as yourself: --user "$(id -u):$(id -g)"'


class Refused(Exception):
    """Why nothing is done, in a sentence with the remedy."""


@dataclass(frozen=True)
class Places:
    """Where things are in a container."""

    submission: Path = Path("/submission")
    out: Path = Path("/out")
    prepared: Path = Path("/opt/cache")  # what the image has compiled ahead, in the form of the grader's build cache
    control_groups: Path = Path("/sys/fs/cgroup")


def main(arguments: Sequence[str], places: Places) -> int:
    """Do what the arguments say. Returns the exit status: the grader's, or 2 for what is refused here."""
    try:
        if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
            return grade_submission(arguments, places)
        if arguments[0] == "health":
            return health()
        if arguments[0] == "post":
            return run([*GRADER, *arguments], with_key(os.environ))
        _refuse_keys(os.environ)
        if arguments[0] == "grade":
            _check_temporary()
            _check_box(arguments)
            _warm_cache(places.prepared)
            arguments = ["grade", *defaults(arguments, places), "--out", str(places.out), *arguments[1:]]
        return run([*GRADER, *arguments], os.environ)
    except Refused as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_USAGE


def grade_submission(options: Sequence[str], places: Places) -> int:
    """Grade what is mounted at /submission; then its reports and the exit status are in /out."""
    _forget(places.out)  # before anything can fail: an earlier run's grade must not pass for this one's
    status = OUR_FAULT
    try:
        _refuse_keys(os.environ)
        _check_submission(places.submission)
        _check_temporary()
        _check_box(options)
        if _given(options, "--out"):
            raise Refused(f"--out is given, but the reports go to {places.out}; mount another folder there.")
        _warm_cache(places.prepared)
        with tempfile.TemporaryDirectory(prefix="reports-", ignore_cleanup_errors=True) as reports:
            command = [*GRADER, "grade", str(places.submission), *defaults(options, places), *options]
            status = run([*command, "--out", reports], os.environ)
            if status == 0:
                status = _publish(Path(reports), places.out)
    except Refused:
        status = BAD_USAGE
        raise
    finally:
        (places.out / STATUS).write_text(f"{status}\n", encoding="ascii")
    return status


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command's exit status, or 128 + n where signal n ended it. A signal to end is left to the command."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # tini sends it to both
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the command would inherit
    status = subprocess.run(command, env=dict(environment), check=False).returncode
    return status if status >= 0 else 128 - status


def health() -> int:
    """0 where grading works in here; else 1, and what is missing."""
    from grader import doctor
    from grader.assignment import load_assignment
    from grader.judge import ROOT

    findings = doctor.examine(load_assignment(ROOT / "tests" / "hw4"))
    missing = [finding for finding in findings if finding.status == "missing"]
    for finding in missing:
        print(f"{finding.name}: {finding.found}")
    return 1 if missing else 0


# -- what the command line leaves open ------------------------------------------------------------------------------


def defaults(options: Sequence[str], places: Places) -> list[str]:
    """What to grade on, and with how many processes, where the options do not say it."""
    added: list[str] = []
    if not _given(options, "--device"):
        added += ["--device", "auto"]
    if not _given(options, "--jobs"):
        added += ["--jobs", str(jobs(places.control_groups))]
    return added


def jobs(control_groups: Path) -> int:
    """As many processes as the container has cores and memory for: 64 judges in 4 GiB would be killed."""
    count = float(len(os.sched_getaffinity(0)))
    if (cores := _cores_allowed(control_groups)) is not None:
        count = min(count, cores)
    if (memory := _memory_allowed(control_groups)) is not None:
        count = min(count, memory / _JUDGE)
    return max(1, int(count))


def _memory_allowed(control_groups: Path) -> int | None:
    """Bytes; None: no limit. Control groups come in two versions."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _words(control_groups / name)[:1]
        if text and text[0].isdigit():
            return int(text[0])
    return None


def _cores_allowed(control_groups: Path) -> float | None:
    """Cores' worth of time (--cpus); None: no limit."""
    words = _words(control_groups / "cpu.max") or [
        *_words(control_groups / "cpu" / "cpu.cfs_quota_us"),
        *_words(control_groups / "cpu" / "cpu.cfs_period_us"),
    ]
    if len(words) != 2 or not all(word.isdigit() for word in words):  # "max 100000" and "-1 100000": no limit
        return None
    quota, period = map(int, words)
    return quota / period


def _words(file: Path) -> list[str]:
    return file.read_text(encoding="ascii").split() if file.is_file() else []


def _given(options: Sequence[str], name: str) -> bool:
    return any(option == name or option.startswith(f"{name}=") for option in options)


def _value(options: Sequence[str], name: str) -> str:
    """The option's value where it was given, the last one; else ""."""
    found = ""
    for option, following in itertools.zip_longest(options, options[1:], fillvalue=""):
        if option == name:
            found = following
        elif option.startswith(f"{name}="):
            found = option.partition("=")[2]
    return found


# -- the box --------------------------------------------------------------------------------------------------------


def _check_box(options: Sequence[str]) -> None:
    """Raises Refused where the submission would have no box of its own in this container, and nobody asked for that.

    Judge and submission have one user here: without a box the grade is the submission's to choose. Kinds asked for
    by name are the grader's to refuse.
    """
    if _value(options, "--sandbox") not in ("", "auto"):
        return
    kind, told = choose_box()
    if kind == "none":
        raise Refused(
            f"no box works in this container, so that a submission could change its own grade: {told}; "
            "run it on Linux 5.13 or later with Landlock, or say --sandbox none for trees that you trust."
        )


def choose_box() -> tuple[str, str]:
    """The kind of box that `auto` takes here, and why none of the stronger ones."""
    from grader.sandbox.choice import choose

    choice = choose("auto")
    return choice.kind, choice.told.partition("; ")[2]


# -- keys -----------------------------------------------------------------------------------------------------------


def with_key(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for `post`: the key is in it, if only a file with the key was named."""
    found = dict(environment)
    if (name := found.pop("MUGRADE_KEY_FILE", None)) is not None:
        try:
            found["MUGRADE_KEY"] = Path(name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Refused(f"MUGRADE_KEY_FILE has value {name!r}, which cannot be read: {error.strerror}; {_USER}.")
        except UnicodeDecodeError:
            raise Refused(f"MUGRADE_KEY_FILE has value {name!r}, which holds no text; expected a key.") from None
    return found


def _refuse_keys(environment: Mapping[str, str]) -> None:
    for name in _KEYS:
        if name in environment:
            raise Refused(
                f"{name} is set, and a submission that runs in this container could read the key; "
                "give it to `post` alone, in a container of its own."
            )


def more_reports() -> list[str]:
    """The files of `--format NAME`, where no path is given."""
    from grader.report.formats import FORMATS

    return [item.file for item in FORMATS.values() if item.file not in REPORTS]


# -- folders --------------------------------------------------------------------------------------------------------


def _forget(out: Path) -> None:
    """Remove the reports of an earlier run. Raises Refused where nothing can be written to /out."""
    if not out.is_dir():
        raise Refused(f'no folder is mounted at {out}, so the grade would be lost; add -v "$PWD/out:{out}".')
    try:
        for name in (*more_reports(), *REPORTS, STATUS):
            (out / name).unlink(missing_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise Refused(
            f"{out} cannot be written to by user {os.getuid()}: {error.strerror}; make the folder before docker does, "
            f"and {_USER}."
        ) from None


def _check_submission(submission: Path) -> None:
    if not submission.exists():
        raise Refused(f'nothing is mounted at {submission}; add -v "$PWD/student:{submission}:ro".')
    if not os.access(submission, os.R_OK | (os.X_OK if submission.is_dir() else 0)):
        raise Refused(f"{submission} cannot be read by user {os.getuid()}; {_USER}.")
    if submission.is_dir() and not any(submission.iterdir()):
        # A grade of 0 for a misspelt path would be somebody's grade.
        raise Refused(f"{submission} is empty; docker makes an empty folder where the one named in -v does not exist.")


def _check_temporary() -> None:
    """Modules are compiled to there. Where they could not be loaded from there, a right tree would get no points."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        raise Refused("nothing can be written to /tmp; with --read-only add --tmpfs /tmp:exec.") from None
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise Refused(
            f"{folder} is mounted noexec, so that nothing that is compiled can run; "
            f"with --read-only add --tmpfs {folder}:exec."
        )


def _warm_cache(prepared: Path) -> None:
    """Give the grader a build cache that it can write to, with what the image brings: cuda-sim's runtime takes 15 s."""
    folder = os.environ.setdefault("GRADER_CACHE", os.path.join(tempfile.gettempdir(), "grader-cache"))
    if prepared.is_dir():
        # One that cannot be written to is no reason to stop: the grader then compiles without, and notes it.
        with contextlib.suppress(OSError, shutil.Error):
            shutil.copytree(prepared, folder, dirs_exist_ok=True)


def _publish(reports: Path, out: Path) -> int:
    """Lay the reports in /out, and say so. Returns the exit status."""
    try:
        found = {path.name: path for path in reports.rglob("*") if path.is_file()}
        names = [name for name in (*more_reports(), *REPORTS) if name in found]
        for name in names:
            # Renamed into its place: a report is there in full or not at all.
            shutil.copyfile(found[name], out / f"{name}.new")
            (out / f"{name}.new").replace(out / name)
    except OSError as error:
        print(f"the reports were written, but not to {out}: {error.filename}: {error.strerror}.", file=sys.stderr)
        return OUR_FAULT
    print(f"In this container's {out} now: {', '.join(reversed(names))}, {STATUS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Places()))
