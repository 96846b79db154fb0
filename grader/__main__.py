"""`python -m grader`: where this Python lacks the packages, and a .venv beside has them, that one goes on."""

import importlib.util
import os
import sys

from grader.first_aid import OLDEST_PYTHON

VENV = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".venv")
PACKAGES = ("numpy", "rich", "torch", "typer")  # for the command line two would do, and grading needs the others
UNABLE = "error: this Python lacks the packages of the course, and so does .venv; run `make setup` once."


def main() -> None:
    """Go on in .venv where that helps, else say what would; then the command."""
    old = sys.version_info < OLDEST_PYTHON
    lacking = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    python = os.path.join(VENV, "bin", "python")
    if (old or lacking) and os.path.exists(python) and os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        sys.stdout.flush()
        os.execv(python, [python, "-m", "grader"] + sys.argv[1:])  # noqa: RUF005 -- parsed by any Python 3
    if old or "rich" in lacking or "typer" in lacking:
        sys.stderr.write(UNABLE + "\n")
        sys.exit(2)
    from grader.cli import main as command

    command()


if __name__ == "__main__":
    main()
