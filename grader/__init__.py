"""The engine: it measures a submission in a box, judges its answers outside, and reports the grade."""

__version__ = "0.1.0"
