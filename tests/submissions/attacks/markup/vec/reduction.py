from vec.elementwise import EVIL


def total(a):
    raise type("E\x1b[31m<i>\n\u202e", (Exception,), {})(EVIL * 5000)
