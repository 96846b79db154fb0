"""Says what is missing before anything can be installed: make asks it, with whatever Python there is, to begin with.

    python3 -m grader.first_aid      exit status 0: .venv can be made here; 1: it cannot, and what mends that is said

Runs under any Python from 3.6 on, needs nothing installed, and gets by with Debian's python3-minimal.
"""

import importlib.util
import os
import platform
import sys

from grader import remedies

OLDEST_PYTHON = (3, 10)
NEEDED_MB = 1800  # for .venv: PyTorch's build for the CPU alone unpacks to 0.8 GB


def faults(here: str, folder: str) -> "list[tuple[str, str, str]]":
    """What stands in the way: its name, what was found, and what it is called in `remedies`; "" where in none."""
    if here == "windows":
        return [("system", "this is Windows; the tools need Linux's or macOS's processes", "")]
    found = []
    version = platform.python_version()
    old = sys.version_info[:2] < OLDEST_PYTHON
    if old:
        wanted = "{}.{}".format(*OLDEST_PYTHON)
        found.append(("Python", f"{version} at {sys.executable}; expected {wanted} or newer", "Python"))
    elif not _has("venv") or not _has("ensurepip"):
        what = "{} cannot make virtual environments: it lacks {}".format(
            sys.executable, "venv" if not _has("venv") else "ensurepip"
        )
        found.append(("venv", what, "venv"))
    compilers = os.environ.get("CXX", "").split()[-1:] or ["c++", "g++", "clang++"]
    if not any(_on_path(name) for name in compilers):
        found.append(("C++ compiler", "none of {} is on PATH".format(", ".join(compilers)), "C++ compiler"))
    if not old and not _python_headers():
        found.append(("Python.h", f"the headers of {sys.executable} are not installed", "Python.h"))
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize // 1000000
    if free < NEEDED_MB:
        found.append(("disk", f"{free} MB free in {folder}; expected {NEEDED_MB}", ""))
    return found


def report(found: "list[tuple[str, str, str]]", here: str) -> str:
    """What is missing, a line each, and the command, or two, that mend it all."""
    width = max(len(name) for name, _, _ in found)
    lines = ["Nothing can be installed here yet:"]
    lines += ["  missing  {:{}}  {}".format(name, width, what) for name, what, _ in found]
    things = [thing for _, _, thing in found if thing]
    commands = remedies.together(things, here)
    if here == "windows":
        lines.append("What to do: " + remedies.ENTER_WSL + ".")
    elif commands:
        lines += ["What to do:", *("  " + command for command in commands)]
    elif things:
        lines += ["What to do:", *(f"  {thing}: {remedies.remedy(thing, here)}" for thing in things)]
    if "Python" in things:
        lines += _other_pythons()
    if "disk" in [name for name, _, _ in found]:
        lines.append("  Free some space, or move this folder to a disk that has more.")
    return "\n".join(lines)


def _other_pythons() -> "list[str]":
    """Where this Python is too old: another that is there, or how to get one that no distribution need have."""
    newer = [f"python3.{minor}" for minor in range(20, OLDEST_PYTHON[1] - 1, -1)]
    for name in newer:
        if _on_path(name) and _runs(name):
            return [f"  Or use the newer one that is here: add PYTHON={name} to each make command."]
    return [
        "  Where that is too old, too: `uv python install 3.12` (docs.astral.sh/uv), and add to each make command",
        '  PYTHON="$(uv python find 3.12)"',
    ]


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _on_path(name: str) -> bool:
    """As shutil.which, which Debian's python3-minimal does not have."""
    folders = [""] if os.sep in name else os.environ.get("PATH", "").split(os.pathsep)
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders)


def _runs(python: str) -> bool:
    """Whether it starts: pyenv puts a script for every version on PATH, also for those that are switched off."""
    import subprocess  # not at the top: rarely needed

    return subprocess.call([python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def _python_headers() -> bool:
    import sysconfig  # not at the top: a minimal Python may lack it, and lacks venv then, too

    return os.path.isfile(os.path.join(sysconfig.get_paths()["include"], "Python.h"))


def main() -> int:
    """The command; gives its exit status."""
    here = remedies.system()
    found = faults(here, os.getcwd())
    if found:
        sys.stderr.write(report(found, here) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
