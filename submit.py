"""Submit your answers: `python submit.py --key KEY -k conv_forward`; `python submit.py --help` lists the options.

Runs from any folder and with any Python 3: where that one lacks the packages, those in .venv are used.
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv", "bin", "python")
PACKAGES = ("numpy", "pybind11", "pytest", "pytest_jsonreport", "requests", "rich", "torch", "typer")
AGAIN = "NEEDLE_SUBMIT_AGAIN"  # set where we have started ourselves anew, so that it happens once


def without_key(arguments):
    """(the arguments without --key, the key or None): a list of processes is for everybody to read."""
    rest, key = [], None
    pending = iter(arguments)
    for argument in pending:
        if argument == "--key":
            key = next(pending, "")
        elif argument.startswith("--key="):
            key = argument[len("--key=") :]
        else:
            rest.append(argument)
    return rest, key


def lacks_packages():
    """Whether this interpreter is too old, or has not got all that is needed."""
    return sys.version_info < (3, 10) or any(importlib.util.find_spec(name) is None for name in PACKAGES)


def main():
    """Make sure of an interpreter with everything in it and a command line without the key; then submit."""
    again = os.environ.pop(AGAIN, "")
    lacking = lacks_packages()
    arguments, key = without_key(sys.argv[1:])
    if lacking and (again or not os.path.exists(VENV)):
        sys.exit(usage("this Python lacks the packages of the course, and so does .venv; run `make setup` once."))
    if (lacking or key is not None) and not again:
        environment = dict(os.environ, **{AGAIN: "1"})
        if key is not None:
            environment["MUGRADE_KEY"] = key
        python = VENV if lacking else sys.executable
        sys.stdout.flush()
        os.execve(python, [python, os.path.abspath(__file__), *arguments], environment)
    sys.path.insert(0, HERE)  # `grader` beside this file, whatever else of that name is installed
    from grader.submission.main import main as submit

    submit()


def usage(sentence):
    """Say what is wrong; the exit status."""
    print("error: " + sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
