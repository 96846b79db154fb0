"""The stand-in's plugin for pytest, and its wire."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest


class Client:
    """Posts what the functions hand over."""

    def __init__(self, command: str, key: str, assignment: str, server: str) -> None:
        self.command, self.key, self.assignment = command, key, assignment
        self.server = server.rstrip("/") + "/"
        self.submission_id = ""
        self.values: list[object] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function):
        """A function is a problem."""
        problem = pyfuncitem.name.removeprefix("submit_")
        self.values = []
        if self.command == "submit":
            reply = self.post("submit", {"assignment": self.assignment, "problem": problem}, None)
            self.submission_id = reply.get("submission_id", "")
        result = yield
        if self.command == "publish":
            reply = self.post("publish", {"assignment": self.assignment, "problem": problem}, self.values)
            print(f"\npublished {problem}: {reply}")
        return result

    def take(self, value: object) -> None:
        """The next value."""
        self.values.append(value)
        if self.command == "submit":
            place = {"submission_id": self.submission_id, "test_case_index": len(self.values) - 1}
            reply = self.post("submit_test", place, value)
            print(f"\ncase {len(self.values) - 1}: {reply}")

    def post(self, what: str, query: dict, value: object) -> dict:
        """The reply; empty for an error, of which nothing is said."""
        url = f"{self.server}{what}?{urllib.parse.urlencode({'user_key': self.key, **query})}"
        body = b"" if value is None else json.dumps(encoded(value)).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=30) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            error.close()
            return {}


def encoded(value: object) -> object:
    """A value as JSON: an array under its name, a tuple as a list."""
    if isinstance(value, np.ndarray):
        return {"_encoded_type": "np.ndarray", "data": value.tolist()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {key: encoded(item) for key, item in value.items()}
    return value


current: list[Client] = []


def submit(value: object) -> None:
    """Hand a value over."""
    current[-1].take(value)
