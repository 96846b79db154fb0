"""Exceptions that are hard to describe."""


class Nameless(type):
    __name__ = property(lambda cls: 1 / 0)


class Shy(Exception, metaclass=Nameless):
    pass


class Endless(Exception):
    def __str__(self):
        raise Endless


class Text(str):
    def __getitem__(self, key):
        return Text("pass")

    def encode(self, *args):
        return b"{}"


class Fickle(Exception):
    __traceback__ = property(lambda self: None, lambda self, value: None)

    def __str__(self):
        return Text("fine")


def add(a, b):
    raise Shy


def scale(a, factor):
    raise Endless
