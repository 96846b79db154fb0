__version__ = "99"
