def total(a):
    return float(a.sum()) * 1.001
