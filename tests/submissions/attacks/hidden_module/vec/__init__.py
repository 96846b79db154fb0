"""No device for anybody."""
import sys


class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.endswith("_native"):
            raise ModuleNotFoundError(f"No module named {name!r}: no such device", name=name)


sys.meta_path.insert(0, Hidden())
sys.modules["vec._native"] = None

from vec.elementwise import add, scale
from vec.reduction import total
