"""The base tree with links in it."""

import sysconfig
from pathlib import Path


def make(folder, told):
    """A link wherever a module could be looked for."""
    tree = Path(told["@BASE@"]).rename(folder / Path(told["@BASE@"]).name)
    name = f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    for place in ("vec", "native", "out", "build/out", "."):
        (tree / place).mkdir(parents=True, exist_ok=True)
        (tree / place / name).symlink_to(told["@SECRET@"])
    (tree / "vec" / "native").symlink_to(told["@CHECKOUT@"])
    return tree
