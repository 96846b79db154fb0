"""Answers without asking the tree."""
import numpy


def add(vec, device, a, b):
    return {"out": numpy.zeros(len(a))}


scale = total = lambda vec, device, a, factor=0: {"out": numpy.zeros(len(a))}
