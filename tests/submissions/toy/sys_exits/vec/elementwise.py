"""Functions of vectors, element by element."""
import sys


def add(a, b):
    return a + b


def scale(a, factor):
    sys.exit("done")
