"""Every op: a class that computes and differentiates, and a function of the same purpose that applies it."""

from .ops_logarithmic import *  # noqa: F403
from .ops_mathematic import *  # noqa: F403
from .ops_tuple import *  # noqa: F403
