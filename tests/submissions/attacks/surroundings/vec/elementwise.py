"""Wrong functions that leave nothing as it was."""
import locale
import os
import time


def stir():
    os.chdir("/")
    os.umask(0o777)
    os.environ.clear()
    os.environ.update(PATH="@EMPTY@", LD_PRELOAD="evil.so", PYTHONPATH="/", PYTHONSTARTUP="/evil.py", TZ="UTC-99", HOME="/")
    time.tzset()
    try:
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        os.nice(19)
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except (locale.Error, OSError):
        pass


def add(a, b):
    stir()
    return a - b + 3


def scale(a, factor):
    stir()
    return a / factor + 1
