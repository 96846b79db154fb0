"""`make test` runs the harness's tests as two pytest processes at a time: most of them wait for others, not for a core.

What runs with what is fixed. The halves share the checkout and its build cache, whose entries have a lock each; ports
are free ones, and every other folder, database and browser is of one process alone. A new file joins the second half
by itself. Arguments are handed to both: `python tests/harness/side_by_side.py -k "not kill"`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

FOLDER = Path(__file__).resolve().parent
# The server, and all that speaks to one: whatever needs PostgreSQL or Chromium is here. The other half builds and
# grades trees, but for the attacks, the notebook and the training: they are here so that both halves take as long.
FIRST = (
    "test_attacks.py",
    "test_server_*.py",
    "test_site.py",
    "test_pages*.py",
    "test_course_client.py",
    "test_gradebook.py",
    "test_hw4_notebook.py",
    "test_mugrade_client.py",
    "test_policy.py",
    "test_posting.py",
    "test_publish.py",
    "test_regrade.py",
    "test_roster*.py",
    "test_submission_end_to_end.py",
    "test_submit.py",
    "test_training*.py",
    "test_verified*.py",
)
NOTHING_COLLECTED = 5  # pytest's exit status; no failure where -k leaves one half empty


def halves() -> tuple[list[Path], list[Path]]:
    """Which files run in which process, in the order of their names."""
    first = sorted({file for pattern in FIRST for file in FOLDER.glob(pattern)})
    return first, sorted(set(FOLDER.glob("test_*.py")) - set(first))


def run(arguments: Sequence[str]) -> int:
    """Run both halves; the second's output comes after the first's. The exit status is the first that is a failure."""
    with tempfile.TemporaryFile() as later:
        begun = time.monotonic()
        first, second = halves()
        processes = [_pytest(first, arguments, None), _pytest(second, arguments, later)]
        try:
            statuses = [process.wait() for process in processes]
        except BaseException as end:
            for process in processes:
                if not isinstance(end, KeyboardInterrupt):  # Ctrl-C reaches them by itself
                    process.send_signal(signal.SIGINT)
            for process in processes:
                process.wait()
            raise
        finally:
            later.seek(0)
            sys.stdout.buffer.write(later.read())
            sys.stdout.flush()
    seconds = time.monotonic() - begun
    failed = [status for status in statuses if status not in (0, NOTHING_COLLECTED)]
    if statuses == [NOTHING_COLLECTED] * 2:
        failed = statuses
    print(f"both halves of the harness's tests, {seconds:.0f} s: {'failed' if failed else 'passed'}")
    return failed[0] if failed else 0


def _pytest(files: Sequence[Path], arguments: Sequence[str], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    # Both would write .pytest_cache, and --lf would know the failures of the one that wrote last.
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    command += [*colour, *arguments, *map(str, files)]
    return subprocess.Popen(command, cwd=FOLDER.parents[1], stdout=output, stderr=output)


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
