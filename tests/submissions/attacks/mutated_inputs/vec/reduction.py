from vec.elementwise import clear


def total(a):
    clear(a)
    return float(a.sum())
