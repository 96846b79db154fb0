"""A source with one line that is wrong at its end."""

from pathlib import Path


def make(folder, told):
    """The base tree with that source."""
    tree = Path(told["@BASE@"]).rename(folder / Path(told["@BASE@"]).name)
    (tree / "src" / "native.cc").write_text("int " + "x" * 20_000_000 + " = undeclared;\n")
    return tree
