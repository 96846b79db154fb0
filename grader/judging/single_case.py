"""A pytest plugin for `grader repro`: of the suite one case, and on the terminal only what the case itself prints.

`pytest FILE::ID` would do, but for its words about an id that it does not know, and the frames of ours that it shows.
"""

from __future__ import annotations

import sys

import pytest

from grader.judging.cases import case_id, is_case


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--case`."""
    parser.addoption("--case", help="run only the case of this id (used by `grader repro`)")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let pytest itself say nothing."""
    config.pluginmanager.unregister(name="terminalreporter")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """But for a suite that cannot be collected: that is ours to mend."""
    if report.failed:
        print(report.longreprtext, file=sys.stderr)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the one case; none where there is no such case."""
    items[:] = [item for item in items if is_case(item) and case_id(item) == config.getoption("case")]
