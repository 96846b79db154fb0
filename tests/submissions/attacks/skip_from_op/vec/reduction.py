class XFailed(BaseException):
    pytrace = False


def total(a):
    raise XFailed("expected to fail")
