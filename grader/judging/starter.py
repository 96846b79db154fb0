"""A process that has imported what every judge of a suite needs, and forks into judges: 20 ms instead of 1 to 4 s each.

    python -m grader.judging.starter DESCRIPTOR SUITE

It never sees anything of a submission, and each judge is a fork of what it was before anything was judged: no judge
knows of another. DESCRIPTOR is a SOCK_SEQPACKET socket. A message on it is the list of pytest's arguments as JSON, with
three descriptors beside it: the judge's line, its log, and where it writes its events. On a judge's line go the numbers
of signals for it, and comes back its exit status, or minus the number of the signal that has killed it. When the socket
is closed no more are started, and the process ends with the last judge.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest

MOST = 1 << 17  # bytes of a message; the kernel takes 200 KiB of a packet
# What `-p` names: pytest would import them in each judge.
_PLUGINS = ("pytest_metadata.plugin", "pytest_jsonreport.plugin", "grader.judging.plugin")
_ORACLE = ("oracle", "probes")  # of a suite, as its tests import them; an oracle brings PyTorch, 2.4 s


def main() -> None:
    """See the module."""
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    _prepare(Path(sys.argv[2]))
    _Starter(line).serve()


def _prepare(suite: Path) -> None:
    for name in _PLUGINS:
        importlib.import_module(name)
    sys.path.insert(0, str(suite))  # as pytest does in a judge
    for name in _ORACLE:  # each may have a function warm_up(), for what its first use would import
        # An assignment may do without; one that cannot be imported is the judge's to tell of, in the right words.
        with contextlib.suppress(Exception):
            package = importlib.import_module(name)
            getattr(package, "warm_up", lambda: None)()
            for file in sorted((suite / name).glob("[a-z]*.py")):
                importlib.import_module(f"{name}.{file.stem}")
    gc.collect()
    gc.freeze()  # else a judge's first collection writes to every page that it shares with the others


class _Starter:
    """Starts judges and passes on what is said to them and what becomes of them."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._open = True
        self._judges: dict[int, socket.socket | None] = {}  # process -> its line; None: nobody waits for it
        # A judge that ends wakes select().
        self._woken, wakes = socket.socketpair()
        self._woken.setblocking(False)
        wakes.setblocking(False)
        self._wakes = wakes
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the line is closed and no judge is left."""
        while self._open or self._judges:
            lines = {line: pid for pid, line in self._judges.items() if line is not None}
            waiting = [*lines, self._woken, *([self._line] if self._open else [])]
            for ready in select.select(waiting, [], [])[0]:
                if ready is self._line:
                    self._start()
                elif ready is self._woken:
                    with contextlib.suppress(BlockingIOError):
                        ready.recv(4096)
                else:
                    self._signal(lines[ready], ready)
            self._reap()

    def _start(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._line, MOST, 3)
        if not message:
            self._open = False
            return
        line, log, events = descriptors
        sys.stdout.flush()  # else the judge would write it once more
        pid = os.fork()
        if pid == 0:
            self._become_judge(json.loads(message), log, events, line)
        os.close(log)
        os.close(events)
        self._judges[pid] = socket.socket(fileno=line)

    def _signal(self, pid: int, line: socket.socket) -> None:
        """Pass a signal on. Where whoever has started the judge is gone, it is to end as well, and tidy up."""
        word = line.recv(64)
        os.kill(pid, int(word or signal.SIGINT))  # not reaped yet, so the number is still its own
        if not word:
            line.close()
            self._judges[pid] = None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if (line := self._judges.pop(pid)) is not None:
                with contextlib.suppress(OSError):  # whoever has started it is gone
                    line.send(str(os.waitstatus_to_exitcode(status)).encode())
                line.close()

    def _become_judge(self, arguments: Sequence[str], log: int, events: int, line: int) -> None:
        status = 1  # as of a Python that ends with an exception
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()  # see Children.judge
            for descriptor in (line, self._line.detach(), self._woken.detach(), self._wakes.detach()):
                os.close(descriptor)
            for other in filter(None, self._judges.values()):
                os.close(other.detach())
            null = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((null, 0), (log, 1), (log, 2)):
                os.dup2(source, target)
            os.close(null)
            os.close(log)
            # The plugins have been imported for good reason, not by mistake.
            quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
            status = int(pytest.main([*arguments, *quiet, "--events", str(events)]))
        except BaseException:
            traceback.print_exc()
        finally:
            atexit._run_exitfuncs()
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):
                    stream.flush()
            os._exit(status)


if __name__ == "__main__":
    main()
