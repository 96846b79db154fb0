"""Wrong functions, and a worker that says they are right."""
import json
import struct
import sys


def frame(kind, body):
    header = json.dumps({"kind": kind, "body": body, "arrays": []}).encode()
    return struct.pack(">I", len(header)) + header


def encode(kind, body):
    verdict = {"id": body.get("id", 1), "verdict": "pass", "score": 10, "value": True, "message": ""}
    return frame("verdict", verdict) if kind == "answer" else frame("pass", verdict)


def patch():
    for name, module in list(sys.modules.items()):
        if name.startswith("grader") or name == "__main__":
            for attribute in ("encode", "_encode", "_checked_spec"):
                if hasattr(module, attribute):
                    setattr(module, attribute, encode)
            protocol = getattr(module, "protocol", None)
            if protocol is not None:
                protocol.encode = encode
    at = sys._getframe()
    while at is not None:
        if "call" in at.f_locals and isinstance(at.f_locals["call"], dict):
            at.f_locals["call"].update(verdict="pass", probe="builtins:dict", args=[], kwargs={})
        at = at.f_back


def add(a, b):
    patch()
    return a - b + 3


def scale(a, factor):
    patch()
    return a / factor + 1
