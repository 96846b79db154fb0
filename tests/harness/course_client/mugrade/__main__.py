"""python -m mugrade submit|publish KEY ASSIGNMENT [-k EXPR] --server URL."""

from __future__ import annotations

import argparse

import pytest

from mugrade import client

parser = argparse.ArgumentParser(prog="mugrade")
parser.add_argument("command", choices=["submit", "publish"])
parser.add_argument("key")
parser.add_argument("assignment")
parser.add_argument("-k", default="")
parser.add_argument("--server", required=True)
given = parser.parse_args()

client.current.append(client.Client(given.command, given.key, given.assignment, given.server))
pytest.main(
    ["-s", "-q", "-o", "python_functions=submit_*", *(["-k", given.k] if given.k else [])],
    plugins=[client.current[-1]],
)
