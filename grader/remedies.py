"""How to get what a machine lacks: the command for the system at hand first, then those for the others.

Runs under any Python from 3.6 on and needs nothing installed: first_aid.py asks it before a newer one is there.
"""

import os
import sys

# What is missing -> how to get it, by system. `{python}` is this Python as Debian's packages name it, python3.11.
_COMMANDS = {
    "make": {
        "debian": "apt-get install make",
        "fedora": "dnf install make",
        "arch": "pacman -S make",
        "macos": "xcode-select --install",
    },
    "C++ compiler": {
        "debian": "apt-get install g++",
        "fedora": "dnf install gcc-c++",
        "arch": "pacman -S gcc",
        "macos": "xcode-select --install",
    },
    "Python": {
        "debian": "apt-get install python3 python3-venv python3-dev",
        "fedora": "dnf install python3 python3-devel",
        "arch": "pacman -S python",
        "macos": "brew install python",
    },
    "Python.h": {
        "debian": "apt-get install {python}-dev",
        "fedora": "dnf install python3-devel",
        "arch": "pacman -S python",
        "macos": "brew install python",
    },
    "venv": {
        "debian": "apt-get install {python}-venv",
        "fedora": "dnf install python3",
        "arch": "pacman -S python",
        "macos": "brew install python",
    },
    "addr2line": {
        "debian": "apt-get install binutils",
        "fedora": "dnf install binutils",
        "arch": "pacman -S binutils",
        "macos": "brew install binutils",
    },
    "NVIDIA driver": {
        "debian": "apt-get install nvidia-driver",
        "ubuntu": "ubuntu-drivers install",
        "wsl": "install NVIDIA's driver in Windows, not in WSL; then `wsl --shutdown` in PowerShell",
    },
    "CUDA toolkit": {
        "debian": "apt-get install nvidia-cuda-toolkit",
        "wsl": "install cuda-toolkit from NVIDIA's packages for WSL, not those that bring a driver",
    },
}
_NAMES = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "wsl": "Windows (WSL)",
    "fedora": "Fedora",
    "arch": "Arch",
    "macos": "macOS",
}
# Without a command of its own, a system takes that of the one it descends from.
_PARENTS = {"wsl": "ubuntu", "ubuntu": "debian"}
_ELSEWHERE = ("debian", "ubuntu", "wsl", "macos")  # most people's; the others are named to those who have them
_ROOTS = ("apt-get ", "dnf ", "pacman ", "ubuntu-drivers ")  # what only root may run
_WORDS = "install "  # begins what is no command
ENTER_WSL = "work inside WSL: `wsl --install` in PowerShell, then everything there as on Ubuntu"


def system(os_release: str = "/etc/os-release", kernel: str = "/proc/version") -> str:
    """The name of this machine: debian, ubuntu, wsl, fedora, arch, macos, windows (not in WSL), linux for any other."""
    if sys.platform in ("win32", "darwin"):
        return {"win32": "windows", "darwin": "macos"}[sys.platform]
    words = []
    for line in _text(os_release).splitlines():
        key, _, value = line.partition("=")
        if key in ("ID", "ID_LIKE"):
            words += value.strip("\"'").split()
    found = "linux"
    for word, name in (("ubuntu", "ubuntu"), ("debian", "debian"), ("fedora", "fedora"), ("rhel", "fedora")):
        if word in words:
            found = name
            break
    if "arch" in words:
        found = "arch"
    in_wsl = "microsoft" in _text(kernel).lower()
    return "wsl" if in_wsl and found in ("ubuntu", "debian") else found


def remedy(thing: str, here: str = "") -> str:
    """What to do about a missing `thing`, as a clause: on this system, and in brackets on the others."""
    here = here or system()
    if here == "windows":
        return ENTER_WSL
    mine = _command(thing, here)
    groups = {}  # type: dict[str, list[str]]  # a command -> the systems that have it, so that each is said once
    for name in _ELSEWHERE:
        if name != here and _command(thing, name):
            groups.setdefault(_command(thing, name), []).append(_NAMES[name])
    same = groups.pop(mine, [])
    others = ["{}: {}".format(", ".join(names), _shown(theirs, "sudo ")) for theirs, names in groups.items()]
    if not mine:
        return "; ".join(others)
    if same:
        others.insert(0, "the same on " + ", ".join(same))
    return _shown(mine, _sudo()) + (" ({})".format("; ".join(others)) if others else "")


def together(things: "list[str]", here: str = "") -> "list[str]":
    """The commands that get all the things on this system, as few as can be; none where it is not known."""
    here = here or system()
    merged = {}  # type: dict[str, list[str]]  # "apt-get install" -> its packages
    for thing in things:
        whole = _command(thing, here)
        verb = next((verb for verb in (" install ", " -S ") if verb in whole), "")
        start, _, packages = whole.partition(verb) if verb else (whole, "", "")
        merged.setdefault(start + verb, []).extend(packages.split())
    return [
        (_sudo() if start.startswith(_ROOTS) else "") + start + " ".join(sorted(set(packages), key=packages.index))
        for start, packages in merged.items()
        if start
    ]


def _command(thing: str, here: str) -> str:
    """The command, or the words, that get `thing` on that system, without sudo; "" where there is none."""
    commands = _COMMANDS[thing]
    while here not in commands and here in _PARENTS:
        here = _PARENTS[here]
    return commands.get(here, "").format(python="python{}.{}".format(*sys.version_info[:2]))


def _sudo() -> str:
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # of a bare container, which has no sudo
    return "" if root else "sudo "


def _shown(text: str, sudo: str) -> str:
    """A command in backticks; words as they are."""
    if text.startswith(_WORDS):
        return text
    return "`{}{}`".format(sudo if text.startswith(_ROOTS) else "", text)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
