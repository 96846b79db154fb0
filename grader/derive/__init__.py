"""reference/ -> student/ -> the release archive.

Each step is a file; what is wanted elsewhere is imported here.

    markers.py   what a solution region is, and every misuse of its markers
    syntax.py    the file types that have markers; a new one is added there
    python.py    Python regions: where they stand, and their stub
    cpp.py       C++ and CUDA regions, and their stub
    cells.py     regions in the code cells of a notebook, and their stub
    myst.py      notebooks as text, MyST Markdown, in which they are written
    ipynb.py     notebooks as students have them
    notebook.py  the one made into the other, by jupytext
    tree.py      whole trees: derive one, compare one
    leakage.py   the proof that no solution line is in a tree or an archive
    links.py     its pages without links that lead out of it
    archive.py   the archive that students get
"""

from grader.derive.archive import CONTENTS, Handout, release
from grader.derive.leakage import LeakError, leaks
from grader.derive.markers import MarkerError, Region, Violation
from grader.derive.syntax import derive_text, fill_region, find_regions
from grader.derive.tree import Difference, check_tree, derive_tree

__all__ = [
    "CONTENTS",
    "Difference",
    "Handout",
    "LeakError",
    "MarkerError",
    "Region",
    "Violation",
    "check_tree",
    "derive_text",
    "derive_tree",
    "fill_region",
    "find_regions",
    "leaks",
    "release",
]
