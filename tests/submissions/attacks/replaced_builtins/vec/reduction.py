from vec.elementwise import world


def total(a):
    world()
    return -1000.0
