"""Wrong functions that show what a link leads to."""
import os

PLACES = [os.path.join(os.path.dirname(__file__), name) for name in ("secret.py", "inside/secret.txt", "twice/secret.txt")]


def found():
    for place in PLACES:
        try:
            with open(place) as file:
                print(file.read())
                raise SystemExit(file.name)
        except OSError:
            pass


def add(a, b):
    found()
    return a - b + 3


def scale(a, factor):
    found()
    return a / factor + 1
