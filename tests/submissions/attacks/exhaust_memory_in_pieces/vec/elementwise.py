"""Many small allocations, each of them used."""


MOST = 4096


def exhaust():
    """Ended by MemoryError, or by the clock."""
    kept = []
    for _ in range(MOST):
        kept.append(b"x" * (1 << 20))


def add(a, b):
    if len(a) == 1:  # one case is enough, and each costs its limit
        exhaust()
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
