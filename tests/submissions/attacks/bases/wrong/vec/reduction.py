"""The compiled part, and a wrong sum."""

from vec import _native


def total(a):
    return _native.total([float(x) for x in a]) - 11
