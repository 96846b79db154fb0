"""The collection of attacks is whole: every folder says what it is, and everything that has to be covered is."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter

import pytest
from attack_page import CATEGORIES, PAGE, page
from attacks import FOLDER, Attack, assignment_of, collection

from grader.sandbox import KINDS
from grader.verdict import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What an attack must be in the collection for, by category; at least one folder has each in its `covers`.
ITEMS = {
    "forging": (
        "conftest hooks",
        "printed reports",
        "written reports",
        "exit codes",
        "atexit",
        "inherited descriptors",
        "forged frames",
        "oversized frames",
        "always-equal objects",
        "lying array subclasses",
        "NaN",
        "empty and broadcastable arrays",
        "only the first elements right",
        "constants within tolerance",
    ),
    "tampering": (
        "pytest.ini",
        "plugins",
        ".pth",
        "sitecustomize",
        "shadowed numpy",
        "patched np.testing",
        "skip from inside an op",
        "a device that says it is not enabled",
        "files at the suite's paths",
        "mutated inputs",
        "signals to the parent",
    ),
    "theft": (
        "frames and gc",
        "reading tests or reference from disk",
        "/proc",
        "network",
        "hard-coded and replayed outputs",
        "caching by shape or identity",
    ),
    "delegation": ("delegation",),
    "exhaustion": ("fork bomb", "memory", "disk", "inodes", "/dev/shm", "output flood", "sleep", "busy loop"),
    "build": (
        "compile-time bomb",
        "include of /etc/shadow",
        "a header that prints gigabytes",
        "symlinked build output",
    ),
    "escape": (
        "setsid daemons",
        "nested user namespaces",
        "ptrace",
        "shared memory left for the next submission",
    ),
    "archive": (
        "traversal by ..",
        "absolute names",
        "links and hard links",
        "zip bomb",
        "nested bombs",
        "odd encodings",
        "a file named like a device",
    ),
}
ALL = {item for items in ITEMS.values() for item in items}
AT_LEAST = 60  # distinct attacks
EVERY = pytest.mark.parametrize("attack", collection(), ids=lambda attack: attack.name)
RAW = {attack.name: tomllib.loads((attack.folder / "expected.toml").read_text("utf-8")) for attack in collection()}


def test_folders_are_attacks() -> None:
    """Every folder is in the collection, but for the base trees: none is forgotten for want of an expected.toml."""
    folders = {item.name for item in FOLDER.iterdir() if item.is_dir() and item.name != "__pycache__"}
    assert folders - {attack.name for attack in collection()} == {"bases"}


def test_there_are_enough() -> None:
    """At least sixty, and each tries something else: no two say the same of themselves."""
    assert len(collection()) >= AT_LEAST
    assert not [about for about, count in Counter(attack.about for attack in collection()).items() if count > 1]


@pytest.mark.parametrize("item", sorted(ALL))
def test_item_is_covered(item: str) -> None:
    """Something in the collection is an example of what the model of attacks names."""
    assert any(item in attack.covers for attack in collection())


@EVERY
def test_attack_says_what_it_is(attack: Attack) -> None:
    """A known category, known items and a base that is there; what it tries, and what stops it, in a line each."""
    assert attack.category in ITEMS
    assert set(attack.covers) <= ALL
    assert attack.about.endswith(".")
    assert attack.about[0].isupper()
    assert attack.stopped_by
    assert "\n" not in attack.about + attack.stopped_by
    assert attack.assignment in ("toy", "hw4")
    assert attack.base in ("good", "none") or (FOLDER / "bases" / attack.base).is_dir() or attack.assignment == "hw4"
    assert attack.select or attack.assignment == "toy", "a whole grade of hw4 takes half a minute; select some cases"


@EVERY
def test_attack_is_tried_in_every_box_that_contains_it(attack: Attack) -> None:
    """Under bubblewrap, and under none where no kernel is needed; an archive that is refused reaches no box at all."""
    assert set(attack.kinds) <= set(KINDS)
    assert len(set(attack.kinds)) == len(attack.kinds)
    assert "bubblewrap" in attack.kinds or (attack.category == "archive" and attack.only == ("none",))
    assert not (attack.needs_box and "none" in attack.kinds)


@EVERY
def test_attack_expects_what_wrong_code_gets(attack: Attack) -> None:
    """Points are only expected over a base that earns them by itself, and verdicts and messages are for real cases."""
    problems = {problem.name: problem for problem in assignment_of(attack).problems}
    assert set(attack.verdicts) | set(attack.says) <= set(problems)
    values = [value for item in attack.verdicts.values() for value in (item if isinstance(item, list) else [item])]
    assert set(values) <= {verdict.value for verdict in Verdict}
    # One problem's points at most for each whose cases pass: a forged point would have to be expected here as well.
    passing = sum(problems[name].points for name, value in attack.verdicts.items() if "pass" in value)
    assert 0 <= attack.score <= passing
    assert attack.base == "good" or attack.score == 0


@EVERY
def test_attack_has_no_unknown_key(attack: Attack) -> None:
    """A misspelt key would be an expectation that nobody checks; Attack(**table) refuses it, and types are as said."""
    lists = {"covers", "also", "only"}
    kinds = {"score": (int, float), "build_seconds": (int, float), "needs_box": bool, "verdicts": dict, "says": dict}
    for key, value in RAW[attack.name].items():
        assert isinstance(value, list if key in lists else kinds.get(key, str)), f"{key} has value {value!r}"
    assert set(RAW[attack.name]) < {field.name for field in dataclasses.fields(Attack)}


def test_page_lists_them_all() -> None:
    """docs/attacks.md is what the folders say, so that what docs/security.md claims can be looked up."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python tests/harness/attack_page.py`"


def test_page_has_every_category() -> None:
    """No category is left out of the page."""
    assert set(CATEGORIES) == set(ITEMS)
