"""Wrong functions, and an interpreter that is hard to work with."""
import gc
import sys
import threading
import warnings

import numpy as np

from vec.elementwise import add, scale
from vec.reduction import total


def excuse(*args):
    raise SystemExit(0)


warnings.simplefilter("error")
np.seterr(all="raise")
sys.setswitchinterval(100)
sys.excepthook = sys.unraisablehook = threading.excepthook = excuse
sys.displayhook = sys.breakpointhook = excuse
sys.tracebacklimit = 0
sys.stdout = sys.stderr = sys.stdin = None
gc.callbacks.append(excuse)
gc.set_threshold(1)
gc.set_debug(gc.DEBUG_SAVEALL)
sys.setrecursionlimit(60)

__all__ = ["add", "scale", "total"]
