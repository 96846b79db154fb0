from vec.elementwise import Fickle


def total(a):
    raise Fickle
