"""Wrong functions, and a tracer that looks at what the worker's loop does with their answers."""
import sys

KEPT = []


def tracer(frame, event, argument):
    if frame.f_code.co_name == "encode" and event == "call" and frame.f_locals.get("kind") == "answer":
        KEPT.append(frame.f_locals["body"])
        frame.f_locals["body"].update(KEPT[0], id=frame.f_locals["body"]["id"], verdict="pass")
    return tracer


sys.settrace(tracer)
sys.setprofile(lambda frame, event, argument: None)


def add(a, b):
    sys.settrace(tracer)
    at = sys._getframe()
    while at is not None:
        at.f_trace = tracer
        at = at.f_back
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
