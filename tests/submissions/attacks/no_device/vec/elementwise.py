"""Nothing can be tested here."""


class Device:
    name = "cpu"
    enabled = lambda self: False


def cpu():
    return Device()


def add(a, b):
    raise ModuleNotFoundError("No module named 'vec._native': it is not built for this run", name="vec._native")


scale = add
