"""The reference's apps, imported under a name of their own, so that no other tree's `apps` is in the way."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
_PACKAGE = "reference_apps"


def app(name: str) -> ModuleType:
    """The module reference/apps/NAME.py; dots lead into folders."""
    if _PACKAGE not in sys.modules:
        folder = REFERENCE / "apps"
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_PACKAGE}.{name}")
