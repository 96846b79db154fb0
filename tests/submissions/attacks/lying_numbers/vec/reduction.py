from vec.elementwise import Number, Whole


def total(a):
    return Number(0) if len(a) == 1 else Whole(0)
