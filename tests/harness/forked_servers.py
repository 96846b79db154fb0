"""`python -m grader serve`, one after another, each forked from this process, which has imported everything once.

Three quarters of a server's start are imports. For a line on stdin there is one more server: it says "process PID" and
then what any server says; "ended" follows once it is dead. Ends with stdin.
"""

from __future__ import annotations

import os
import sys

import grader.server.serve  # noqa: F401  cli.py imports it only when it is told to serve
from grader.cli import main


def run() -> None:
    """Each is the leaf of its fork: nothing that one does to its memory reaches the next."""
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            print(f"process {os.getpid()}", flush=True)
            sys.argv[1:] = ["serve", "--port", "0"]
            main()  # does not return
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    run()
