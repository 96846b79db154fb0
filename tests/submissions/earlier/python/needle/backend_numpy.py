"""Devices for NEEDLE_BACKEND=np: there is one, and NumPy works on it."""

import numpy


class Device:
    """Where an array is."""


class CPUDevice(Device):
    """The only device of NumPy."""

    def __repr__(self):
        return "cpu()"

    def __hash__(self):
        return hash("cpu")

    def __eq__(self, other):
        return isinstance(other, CPUDevice)

    def enabled(self):
        return True

    def zeros(self, *shape, dtype="float32"):
        return numpy.zeros(shape, dtype=dtype)

    def ones(self, *shape, dtype="float32"):
        return numpy.ones(shape, dtype=dtype)

    def rand(self, *shape):
        return numpy.random.rand(*shape)

    def randn(self, *shape):
        return numpy.random.randn(*shape)

    def one_hot(self, n, i, dtype="float32"):
        return numpy.eye(n, dtype=dtype)[i]

    def empty(self, shape, dtype="float32"):
        return numpy.empty(shape, dtype=dtype)

    def full(self, shape, fill_value, dtype="float32"):
        return numpy.full(shape, fill_value, dtype=dtype)


def cpu():
    return CPUDevice()


def cpu_numpy():
    return CPUDevice()


def cuda():
    raise NotImplementedError("NumPy knows no GPU; use NEEDLE_BACKEND=nd")


def default_device():
    return cpu()


def all_devices():
    return [cpu()]
