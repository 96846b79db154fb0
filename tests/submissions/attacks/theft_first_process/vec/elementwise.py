"""The first process of the box was started by the grader: what does it still know?"""

import contextlib
import os


TELLING = [path.encode() for path in ("@OUT@", "@SECRET@", "@CHECKOUT@/grader", "@CHECKOUT@/tests")]


def got_through():
    """Whether it tells of the grader's files, or holds one of them open."""
    told = [*(read(f"/proc/1/{part}") for part in ("cmdline", "environ", "maps", "mountinfo")), *memory(), *files()]
    return any(path in text for path in TELLING for text in told)


def read(file):
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def memory():
    for line in read("/proc/1/maps").decode().splitlines():
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        if " rw" in line:
            with contextlib.suppress(OSError), open("/proc/1/mem", "rb", buffering=0) as stream:
                stream.seek(start)
                yield stream.read(end - start)


def files():
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/1/fd"):
            yield os.readlink(f"/proc/1/fd/{name}").encode()


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
