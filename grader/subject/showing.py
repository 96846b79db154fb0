"""A subject that prints every question and its answer, for `grader repro`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader.subject.client import Subject
from grader.subject.outcome import Answer, plain, values_of
from grader.subject.question import Probe, arguments


class ShowingSubject:
    """Passes everything on to `inner`, and prints what passes."""

    def __init__(self, inner: Subject) -> None:
        self._inner = inner

    def ask(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """See Subject."""
        print(f"\n{probe.__module__}.{probe.__qualname__}" + (f" on {device}" if device else ""))
        for name, value in arguments(probe, args, kwargs):
            print("\n".join(shown(f"  {name}", value)))
        answer = self._inner.ask(probe, device, args, kwargs)
        for name, value in values_of(answer).items():
            print("\n".join(shown(f"  -> {name}", value)))
        return answer

    def renew(self) -> None:
        """See Subject."""
        self._inner.renew()

    def close(self) -> None:
        """See Subject."""
        self._inner.close()


def shown(name: str, value: Any) -> Iterator[str]:
    """Lines that tell a value: an array with its dtype and shape, what is in lists and dicts one by one."""
    if isinstance(value, np.ndarray):
        text = np.array2string(plain(value), precision=5, threshold=200, edgeitems=3, max_line_width=110)
        yield f"{name}  {value.dtype} {value.shape}"
        for line in text.splitlines():
            yield f"       {line}"
    elif isinstance(value, Mapping) and any(isinstance(item, np.ndarray) for item in value.values()):
        for key, item in value.items():
            yield from shown(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (np.ndarray, dict)) for item in value):
        for i, item in enumerate(value):
            yield from shown(f"{name}[{i}]", item)
    else:
        yield f"{name}  {value!r}"
