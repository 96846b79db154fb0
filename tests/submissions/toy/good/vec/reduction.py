"""The compiled part."""

from vec import _native


def total(a):
    return _native.total([float(x) for x in a])
