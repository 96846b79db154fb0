"""The script on its way to the person: into a file and onto the terminal, or as one text with its data inside."""

from __future__ import annotations

import base64
import re
import shlex
import shutil
import textwrap
from pathlib import Path

from grader.errors import UsageError

_RULE = "-" * 100
_LOAD = 'np.load(Path(__file__).with_suffix(".npz"))'


def hand_over(draft: Path, case: str, tree: Path, script: str, out: Path, *, show: bool) -> None:
    """Print the script, and leave it, unless `script` is "-", in a file with its .npz beside it.

    script: the file; empty for one in the folder of `out` in which grading leaves the tree's reports. show: whether the
    text of a file is printed as well.
    Raises UsageError where that cannot be written.
    """
    text, data = draft.read_text(encoding="utf-8"), draft.with_suffix(".npz")
    if script == "-":
        print(_whole(text, data.read_bytes()) if data.is_file() else text, end="")
        return
    file = Path(script) if script else out / _folder(tree) / f"repro_{_name(case)}.py"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("python FILE", f"python {shlex.quote(str(file))}", 1), encoding="utf-8")
        if data.is_file():
            shutil.copyfile(data, file.with_suffix(".npz"))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; name another file with --script.") from None
    print(f"\nThe same without the grader: python {shlex.quote(str(file))}")
    if show:
        print(f"{_RULE}\n{file.read_text(encoding='utf-8')}{_RULE}")


def _whole(text: str, data: bytes) -> str:
    """The script with its .npz inside."""
    lines = textwrap.wrap(base64.b64encode(data).decode(), 110)
    inside = 'np.load(io.BytesIO(base64.b64decode("""\n' + "\n".join(lines) + '\n""")))'
    text = text.replace("Large arrays are in the .npz beside it", "Large arrays are inside, as an .npz")
    return text.replace(_LOAD, inside).replace("import numpy as np", "import base64\nimport io\nimport numpy as np", 1)


def _name(case: str) -> str:
    """The case's own part of its id, as a file may be called."""
    return re.sub(r"[^\w-]+", "_", case.partition("::")[2]).strip("_")[:80]


def _folder(tree: Path) -> str:
    return tree.resolve().name.partition("@")[0].removesuffix(".zip").removesuffix(".tar.gz") or "tree"
