"""docs/integrations.md: its tables are those of the code, and what it gives to other systems is well-formed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from grader.assignment import load_assignment
from grader.report.audience import Audience
from grader.report.formats import FORMATS, parse

PAGE = (ROOT / "docs" / "integrations.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    found = [text for name, text in BLOCKS if name == language]
    assert found
    return found


def test_every_format_is_described_with_its_file() -> None:
    """In the table, in the order of the code."""
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)`", PAGE, re.MULTILINE)
    assert rows == [(item.name, item.file) for item in FORMATS.values()]


def test_every_audience_is_described() -> None:
    """And no other."""
    section = PAGE.partition("## Who sees what")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [audience.value for audience in Audience]


def test_formats_of_the_commands_exist() -> None:
    """`--format` and `--audience` have values that are taken."""
    formats = re.findall(r"--format \"?([\w]+(?:=[^\s\"`]+)?)", PAGE.replace("--format NAME", ""))
    assert len(formats) > 8
    assert {parse(text).format.name for text in formats} >= {"gradescope", "autolab", "prairielearn", "junit", "csv"}
    assert {Audience.named(text).value for text in re.findall(r"--audience (\w+)", PAGE)} == {"staff", "student"}


@pytest.mark.parametrize("script", blocks("bash"))
def test_shell_scripts_parse(script: str) -> None:
    """Each by itself."""
    assert script.startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, capture_output=True)


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_parse(text: str) -> None:
    """Also those of a terminal."""
    lines = [line.removeprefix("$ ") for line in text.splitlines()]
    subprocess.run(["bash", "-n"], input="\n".join(lines), text=True, check=True, capture_output=True)


def test_json_is_json() -> None:
    """Of PrairieLearn and Autolab."""
    found: list[Any] = [json.loads(text) for text in blocks("json")]
    grading = next(item for item in found if "gradingMethod" in item)
    assert grading["externalGradingOptions"]["entrypoint"].startswith("/grade/serverFilesCourse/needle/")
    columns = next(item for item in found if "scoreboard" in item)["scoreboard"]
    assert len(columns) == 2  # as many as report/autolab.py writes


def test_workflows_are_yaml() -> None:
    """The step's output and the reporter's variable go by one name."""
    github, gitlab = (yaml.safe_load(text) for text in blocks("yaml"))
    steps = github["jobs"]["grade"]["steps"]
    assert steps[2]["id"] == "needle"
    assert steps[3]["env"] == {"NEEDLE_RESULTS": "${{ steps.needle.outputs.result }}"}
    assert gitlab["grade"]["artifacts"]["reports"] == {"junit": "out/junit.xml"}


def test_autolabs_makefile_runs_the_grader(tmp_path: Path) -> None:
    """make reads it, and the report is what its last command prints."""
    (tmp_path / "Makefile").write_text(blocks("make")[0])
    # What a make that runs the tests hands down would make this one say where it is.
    ours = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    shown = subprocess.run(["make", "-n"], cwd=tmp_path, env=ours, capture_output=True, text=True, check=True).stdout
    assert shown.rstrip().endswith("--format autolab=-")


def test_names_of_problems_are_those_of_the_assignment() -> None:
    """Autolab's problems must have them."""
    names = re.search(r"must have the suite's names \(`(\w+)`", PAGE)
    assert names is not None
    assert names[1] in [problem.name for problem in load_assignment(ROOT / "tests" / "hw4").problems]
