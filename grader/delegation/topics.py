"""Which cases stand for which: a topic is what one test asks on one device about one thing.

Asking all cases again would double a run. Of a topic the first few that pass are asked again, and for that the cases of
a topic change places among themselves by the run's seed: who hands over the work only for large inputs, or only for
strides, is found in one run or the next, and cannot know in which. Once a case of it was handed over, every case of
the topic is asked again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import pytest

Topic = tuple[str, ...]


def topic_of(item: pytest.Item, device: str) -> Topic:
    """The item's test, device, and the first word among its parameters: "matmul" of test_op[matmul-3x4]."""
    function = item.nodeid.partition("[")[0]
    given = item.callspec.params if hasattr(item, "callspec") else {}
    order = [name for name in getattr(item, "fixturenames", ()) if name in given and name != "device"]
    words = [given[name] for name in order if isinstance(given[name], str)]
    return (function, device, *words[:1])


def shuffled(items: list[pytest.Item], topics: list[Topic], seed: int) -> list[pytest.Item]:
    """The items, those of a topic in an order that depends on the seed, on the places that the topic's had before."""
    places: dict[Topic, list[int]] = defaultdict(list)
    for place, topic in enumerate(topics):
        places[topic].append(place)
    result = list(items)
    for own in places.values():
        for place, source in zip(own, sorted(own, key=lambda k: _rank(seed, items[k].nodeid)), strict=True):
            result[place] = items[source]
    return result


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
