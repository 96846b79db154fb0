"""Runs a notebook from top to bottom, and keeps it with its outputs, as .ipynb and as HTML to look at.

    python tests/harness/notebooks.py reference/hw4.ipynb --set SYNTHETIC=True --set LIMIT=256 --out out/notebook

The kernel is this Python, whatever kernels a user has installed, without that user's IPython profile. A cell that is
tagged skip-execution is left out; --set NAME=VALUE goes into a cell after the one that is tagged parameters, as
papermill does it (https://papermill.readthedocs.io/en/latest/usage-parameterize.html). The exit status is 0 where
every cell ran, 1 where one raised: it is printed, and what ran before it is kept all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from traitlets.config import Config

# Tags of cells.
SKIP, PARAMETERS, INJECTED, FOLDED = "skip-execution", "parameters", "injected-parameters", "hide-input"
SECONDS = 600  # that a cell may take; a hung one is stopped, and a slow machine is not
# What a shell or a `make` around us has set for its own programs, and what would lead to other data or code.
_NOT_HANDED_ON = (
    *("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MPLBACKEND"),
    *("MUGRADE_KEY", "NEEDLE_BACKEND", "NEEDLE_DATA", "PYTHONPATH"),
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class OurPython(KernelSpecManager):
    """Knows one kernel: ipykernel in the Python that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The kernel, whatever a notebook calls it."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


class OurKernel(AsyncKernelManager):
    """A kernel of this Python that is spoken to through files in a folder: no port, and nobody else listens."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(kernel_spec_manager=OurPython(), transport="ipc", **settings)
        self.ip = str(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "kernel")


def code_cells(notebook: Any) -> list[Any]:
    """The code cells that are to be run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and SKIP not in cell.metadata.get("tags", ())]


def inject(notebook: Any, settings: Sequence[str]) -> None:
    """Put the assignments `settings` into a cell after the one that is tagged parameters."""
    tagged = [number for number, cell in enumerate(notebook.cells) if PARAMETERS in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        raise ValueError(f"{len(tagged)} cells are tagged {PARAMETERS!r}, expected one to put settings after")
    cell = nbformat.v4.new_code_cell("\n".join(settings), id=INJECTED, metadata={"tags": [INJECTED]})
    notebook.cells.insert(tagged[0] + 1, cell)


def execute(notebook: Any, folder: Path, private: Path) -> str | None:
    """Run the cells in `folder`, and put their outputs into `notebook`; the sentence of the first that raised, or None.

    IPython and Jupyter keep what they keep of a run (a history, sockets) in `private`.
    """
    kept = {"IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"}
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    environment |= {name: str(private / place) for name, place in kept.items()}
    os.environ["JUPYTER_RUNTIME_DIR"] = str(private)
    client = NotebookClient(
        notebook,
        kernel_manager_class=OurKernel,
        timeout=SECONDS,
        skip_cells_with_tag=SKIP,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        asyncio.run(client.async_execute(env=environment))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return _ANSI.sub("", str(error))
    return None


def html(notebook: Any) -> str:
    """The notebook as a page of its own, the code of figures folded away as in Jupyter."""
    folded = Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {FOLDED}}})
    page, _ = HTMLExporter(config=folded).from_notebook_node(notebook)
    return str(page)


def main(arguments: Sequence[str]) -> int:
    """Run the command line `arguments`; its exit status."""
    parser = argparse.ArgumentParser(description="Run a notebook from top to bottom.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a Python assignment")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the notebook with outputs")
    options = parser.parse_args(arguments)
    notebook = nbformat.read(options.notebook, as_version=4)
    if options.set:
        inject(notebook, options.set)
    with tempfile.TemporaryDirectory() as private:
        failure = execute(notebook, options.notebook.resolve().parent, Path(private))
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / options.notebook.name
    nbformat.write(notebook, target)
    target.with_suffix(".html").write_text(html(notebook), encoding="utf-8")
    print(failure or f"all {len(code_cells(notebook))} cells ran; see {target.with_suffix('.html')}")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
