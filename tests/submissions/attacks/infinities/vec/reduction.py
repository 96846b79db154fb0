def total(a):
    return 1e308 * 10
