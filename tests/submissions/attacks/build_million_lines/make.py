"""A source with a million wrong lines."""

from pathlib import Path


def make(folder, told):
    """The base tree with that source."""
    tree = Path(told["@BASE@"]).rename(folder / Path(told["@BASE@"]).name)
    (tree / "src" / "native.cc").write_text("int a = b;\n" * 1_000_000)
    return tree
