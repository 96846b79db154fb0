"""Keep a key out of what is seen when something goes wrong in a way that nobody foresaw."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator

from grader.errors import GraderError, HarnessError
from grader.mugrade.redaction import redacted


def taken_key(option: str | None) -> str | None:
    """The key: the option's, else the environment's.

    The variable is removed from the environment: nothing that is started later inherits the key.
    """
    found = os.environ.pop("MUGRADE_KEY", None)
    return option or found


@contextlib.contextmanager
def guarded(key: str | None) -> Iterator[None]:
    """Take the key out of every error that leaves.

    An error of the harness keeps its kind. What nobody foresaw is printed with traceback and becomes a GraderError.
    """
    try:
        yield
    except HarnessError as error:
        error.args = (redacted(str(error), key),)
        raise
    except Exception:
        print(redacted(traceback.format_exc(), key), end="", file=sys.stderr)
        raise GraderError("the cause stands above") from None
