"""The script on its way to the person: into a file and onto the terminal, or as one text with its data inside."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from grader.errors import UsageError
from grader.intake import report_names
from grader.visible import visible

_RULE = "-" * 100


def place(case: str, tree: Path, script: str, out: Path) -> Path | None:
    """The file for the script of a case: `script`, or else one in the folder of `out` with the tree's reports.

    None where `script` is "-": it goes to standard output alone.
    """
    if script == "-":
        return None
    return Path(script) if script else out / report_names([tree])[0] / f"repro_{_name(case)}.py"


def hand_over(draft: Path, file: Path | None, *, show: bool) -> None:
    """Print the script, and leave it in `file` with its .npz beside it.

    show: whether the text of a file is printed as well. Raises UsageError where the file cannot be written.
    """
    text = draft.read_text(encoding="utf-8")
    if file is None:
        print(text, end="")
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        if (data := draft.with_suffix(".npz")).is_file():
            shutil.copyfile(data, file.with_suffix(".npz"))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; name another file with --script.") from None
    print(f"\nThe same without the grader: python {visible(shlex.quote(str(file)))}")
    if show:
        print(f"{_RULE}\n{text}{_RULE}")


def _name(case: str) -> str:
    """The case's own part of its id, as a file may be called."""
    return re.sub(r"[^\w-]+", "_", case.partition("::")[2]).strip("_")[:80]
