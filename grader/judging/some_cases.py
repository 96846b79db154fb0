"""A pytest plugin for `grader watch`: of all that is collected, only the cases whose ids a file lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.judging.cases import case_id, is_case


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--cases`."""
    parser.addoption("--cases", help="run only the cases whose ids this JSON file lists (used by `grader watch`)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep these, in the suite's order; an id that there is not any more is none of them."""
    wanted = set(json.loads(Path(config.getoption("cases")).read_text(encoding="utf-8")))
    items[:] = [item for item in items if is_case(item) and case_id(item) in wanted]
