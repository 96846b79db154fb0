"""Signals whoever it can: SIGURG here, SIGKILL if it were meant."""

import os
import signal

from vec._native import call


def got_through():
    """Whether a process outside could be signalled; the sleeping process counts what came."""
    call("kill", -1, signal.SIGURG)
    call("kill", -os.getppid(), signal.SIGURG)
    handle = call("pidfd_open", @PID@, 0)
    return call("kill", @PID@, signal.SIGURG) == 0 or call("pidfd_send_signal", handle, signal.SIGURG, 0, 0) == 0


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
