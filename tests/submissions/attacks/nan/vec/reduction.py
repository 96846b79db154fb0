def total(a):
    return float("nan")
