"""Wrong functions that cannot be stopped by a word."""
import os
import resource
import signal
import time

for name in dir(resource):
    if name.startswith("RLIMIT_"):
        try:
            hard = resource.RLIM_INFINITY if os.geteuid() else resource.getrlimit(getattr(resource, name))[1]
            resource.setrlimit(getattr(resource, name), (hard, hard))
        except (ValueError, OSError):
            pass
for number in signal.valid_signals():
    try:
        signal.signal(number, lambda *args: None)
    except (ValueError, OSError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
try:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000" if os.geteuid() else "0")
except OSError:
    pass


def add(a, b):
    return a - b + 3


def scale(a, factor):
    if len(a) == 1:
        time.sleep(60)
    return a / factor + 1
