"""Instead of the suite's probes: they answer themselves, and say what a device is."""


def load():
    return None


def device(vec, name):
    return None
