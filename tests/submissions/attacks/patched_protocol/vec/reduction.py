from vec import _native
from vec.elementwise import patch


def total(a):
    patch()
    return _native.total([float(x) for x in a]) - 11
