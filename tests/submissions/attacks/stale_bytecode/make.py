"""Bytecode that Python takes without a look at the source, and a file that it would load as the native module."""

from __future__ import annotations

import py_compile
import shutil
import sys
import sysconfig
from pathlib import Path


def make(folder: Path, told: dict[str, str]) -> Path:
    tree = folder / told["@NAME@"]
    shutil.copytree(told["@BASE@"], tree)
    source = folder / "other.py"
    source.write_text("raise RuntimeError('the bytecode was used')\n")
    cache = tree / "vec" / "__pycache__"
    cache.mkdir()
    for name in ("elementwise", "__init__", "reduction"):
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        places = [cache / f"{name}.{sys.implementation.cache_tag}.pyc", tree / "vec" / f"{name}_.pyc"]
        for place in places:
            py_compile.compile(str(source), cfile=str(place), doraise=True, invalidation_mode=unchecked)
    for suffix in (sysconfig.get_config_var("EXT_SUFFIX"), ".so", ".abi3.so"):
        (tree / "vec" / f"_native{suffix}").write_bytes(b"\x7fELF, but not really")
    return tree
