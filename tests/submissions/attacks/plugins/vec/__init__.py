"""Wrong functions, and an environment for whoever is started after them."""
import os
import sys

from vec.elementwise import add, scale
from vec.reduction import total

os.environ.update(PYTEST_PLUGINS="vec_plugin", PYTEST_ADDOPTS="-p vec_plugin", PYTHONPATH=os.path.dirname(__path__[0]))
if "pluggy" in sys.modules:
    import vec_plugin

__all__ = ["add", "scale", "total"]
