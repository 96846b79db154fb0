"""The compiled part, and a right sum if there is one."""

from vec import _native


def total(a):
    return _native.total([float(x) for x in a])
