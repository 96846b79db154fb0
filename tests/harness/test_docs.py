"""README and docs/ are true: what they name exists, and what exists is named."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import ROOT
from proof.command import command_line

import grader
from grader import first_aid
from grader.assignment import load_assignment
from grader.cli import app
from grader.evidence import Curve, Evidence, Lines, Margin, Picture, Wrong
from grader.judging import plugin, single_case, some_cases
from grader.reading.flag import Flag
from grader.report.document import to_document
from grader.repro_script import plugin as script_plugin
from grader.score import score
from grader.tolerance import DEFAULT
from grader.verdict import Case, CaseResult, Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGES = [ROOT / "README.md", ROOT / "HANDOUT.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = sorted((ROOT / "grader").rglob("*.py"))
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
GRADING = (ROOT / "docs" / "grading.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HW4 = load_assignment(ROOT / "tests" / "hw4")

# The expressions that the course's students are used to, and the problems whose cases each may select.
MEANT = {
    "nd_backend": {"nd_backend"},
    "new_nd_backend": {"nd_backend"},
    "cifar10": {"cifar10", "resnet9"},  # -k looks for substrings, and train_cifar10 is to select cases of resnet9
    "test_cifar10": {"cifar10"},
    "new_ops": {"new_ops"},
    "pad_forward": {"new_ops"},
    "flip": {"new_ops"},
    "dilate": {"new_ops"},
    "conv": {"conv_forward", "conv_backward", "resnet9"},
    "conv and forward": {"conv_forward"},
    "conv_forward": {"conv_forward"},
    "op_conv and forward": {"conv_forward"},
    "conv_backward": {"conv_backward"},
    "op_conv and backward": {"conv_backward"},
    "kaiming_uniform": {"conv_forward"},
    "nn_conv_forward": {"conv_forward"},
    "nn_conv_backward": {"conv_backward"},
    "resnet9": {"resnet9"},
    "train_cifar10": {"resnet9"},
    "rnn": {"rnn"},
    "test_rnn": {"rnn"},
    "lstm": {"lstm"},
    "test_lstm": {"lstm"},
    "ptb": {"ptb"},
    "language_model": {"language_model"},
    "language_model_implementation": {"language_model"},
    "language_model_training": {"language_model"},
}


def code(text: str) -> list[str]:
    """The code of a page: a line of a block each, and spans."""
    fences = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for fence in fences for line in fence.splitlines()]
    rest = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ").partition(" #")[0].strip() for line in lines] + re.findall(r"`([^`]+)`", rest)


def all_code() -> list[str]:
    """The code of all pages, and of the messages in the grader's own sources."""
    return [line for page in PAGES for line in code(page.read_text())] + [
        span for source in SOURCES for span in re.findall(r"`([^`\n]+)`", source.read_text())
    ]


# -- make -----------------------------------------------------------------------------------------------------------

TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))


def test_every_make_target_named_exists() -> None:
    """`make X` in a page or in a message is a target of the Makefile."""
    named = {word for line in all_code() for word in re.findall(r"^make ([a-z][a-z-]*)", line)}
    assert {"grade", "test", "student"} <= named <= TARGETS


def test_every_make_target_is_documented() -> None:
    """docs/reference.md lists every target."""
    listed = set(re.findall(r"^\| `make ([a-z-]+)` \|", REFERENCE, re.MULTILINE))
    assert listed == TARGETS


def test_help_lists_what_is_meant_for_it() -> None:
    """`make` prints every target that has a `##` comment, and the Makefile says that none is a file."""
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    commented = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE)) == commented
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].replace("\\", "").split()) == TARGETS


def test_every_make_variable_is_documented() -> None:
    """Every variable that a user may set is in docs/reference.md, and nothing else is called one."""
    own = (ROOT / "reference" / "Makefile").read_text()
    settable = set(re.findall(r"^(\w+) \?=", MAKEFILE + own, re.MULTILINE)) | set(
        re.findall(r"\$\(if \$\((\w+)\)", MAKEFILE)
    )
    listed = re.search(r"\| variable \| of \| means \|\n\|.*\n((?:\|.*\n)+)", REFERENCE)
    assert listed is not None
    assert set(re.findall(r"^\| `(\w+)`", listed[1], re.MULTILINE)) == settable


# -- python -m grader -----------------------------------------------------------------------------------------------


def _commands(command: Any, name: str = "") -> dict[str, Any]:
    """The commands below `command` by their whole names: "roster add"."""
    if not hasattr(command, "commands"):
        return {name: command}
    found: dict[str, Any] = {}
    for word, below in command.commands.items():
        found.update(_commands(below, f"{name} {word}".strip()))
    return found


COMMANDS = _commands(typer.main.get_command(app))


def options(command: str) -> set[str]:
    """The options of a command of `python -m grader`."""
    parameters = COMMANDS[command].params
    return {name for parameter in parameters for name in parameter.opts if name.startswith("-")} - {"--help"}


def section(title: str) -> str:
    """A section of docs/reference.md."""
    return re.split(r"^## ", REFERENCE, flags=re.MULTILINE)[1:][[*_titles()].index(title)]


def _titles() -> list[str]:
    return re.findall(r"^## (.*)$", REFERENCE, re.MULTILINE)


def test_every_command_named_exists_with_its_options() -> None:
    """`python -m grader COMMAND --option` in a page or in a message is a command, and the option is one of its own."""
    seen = set()
    for line in all_code():
        for words in re.findall(r"(?:python3?|bin/python) -m grader (\w.*)", line):
            first, *arguments = shlex.split(words)
            command = first if first in COMMANDS else " ".join([first, *arguments[:1]])
            if not arguments and any(name.startswith(f"{first} ") for name in COMMANDS):
                continue  # `python -m grader roster`: a group
            assert command in COMMANDS, line
            assert {word for word in arguments if re.match(r"--?\w", word)} <= options(command), line
            seen.add(command)
    assert {"grade", "repro"} <= seen


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_of_a_command_is_documented(command: str) -> None:
    """docs/reference.md has the command, and each of its options."""
    text = section("python -m grader")
    assert re.search(rf"`{command}\b", text)
    assert options(command) <= set(re.findall(r"`(--?\w[\w-]*)", text) + re.findall(r" (--[\w-]+) ", text))


def test_no_option_is_documented_that_is_not_there() -> None:
    """And no other."""
    listed = set(re.findall(r"^\| `(--?\w[\w-]*)", section("python -m grader"), re.MULTILINE))
    assert listed == options("grade")


class _Options:
    """Takes note of the options that a pytest plugin adds."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def getgroup(self, *_: str) -> _Options:
        """The one group."""
        return self

    def addoption(self, name: str, **_: object) -> None:
        """Note it."""
        self.names.add(name)


def test_every_option_for_pytest_is_documented() -> None:
    """docs/reference.md has the options of the plugins, and no others."""
    added = _Options()
    plugin.pytest_addoption(added)  # type: ignore[arg-type]
    for other in (single_case, some_cases, script_plugin):
        other.pytest_addoption(added)  # type: ignore[arg-type]
    assert set(re.findall(r"^\| `(--\w[\w-]*)", section("pytest"), re.MULTILINE)) == added.names


def test_every_option_of_the_proof_is_documented() -> None:
    """docs/reference.md has the options of `python -m proof`, and no others."""
    shown = {
        name for action in command_line()._actions if action.help != argparse.SUPPRESS for name in action.option_strings
    }
    assert set(re.findall(r"^\| `(--\w[\w-]*)", section("python -m proof"), re.MULTILINE)) == shown - {"-h", "--help"}


def test_every_setting_is_documented() -> None:
    """Every environment variable that the sources ask for is in docs/reference.md, and no other."""
    files = [*SOURCES, *(ROOT / "tests" / "hw4").rglob("*.py"), *(ROOT / "reference").rglob("*.py")]
    everybodys = {"PATH"}
    pattern = re.compile(
        r"(?:environ(?:\.get\(|\.pop\(|\[)|getenv\(|_VARIABLE =|^SETTING =)\s*[\"'](\w+)[\"']", re.MULTILINE
    )
    asked = {name for file in files for name in pattern.findall(file.read_text())} - everybodys
    assert set(re.findall(r"^\| `(\w+)`", section("Environment"), re.MULTILINE)) == asked


# -- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_readme_leads_to_every_page() -> None:
    """By itself, or by docs/index.md: nobody finds a page that neither names."""
    index = ROOT / "docs" / "index.md"
    pages = [ROOT / "README.md", index]
    linked = {
        (page.parent / link).resolve() for page in pages for link in re.findall(r"\]\(([\w/.-]+)", page.read_text())
    }
    assert index in linked
    assert [page.name for page in PAGES if page not in {*linked, *pages}] == []


def test_paths_of_the_architecture_exist() -> None:
    """What docs/architecture.md names in the first column of a table is there."""
    tables = re.split(r"^## ", (ROOT / "docs" / "architecture.md").read_text(), flags=re.MULTILINE)
    rows = re.findall(r"^\| (`.*?) \|", "".join(tables), re.MULTILINE)
    named = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / "grader" / path).exists()] == []


def test_every_module_is_in_the_architecture() -> None:
    """docs/architecture.md names each module of grader/, by itself or by its folder."""
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", (ROOT / "docs" / "architecture.md").read_text()))
    modules = [file.relative_to(ROOT / "grader") for file in SOURCES if not file.name.startswith("__")]
    missing = [str(m) for m in modules if not {str(m), *(f"{parent}/" for parent in m.parents)} & named]
    assert missing == []


def test_points_are_those_of_the_assignment() -> None:
    """The table of docs/grading.md has every bucket with its problems, other names and points."""
    rows = re.findall(r"^\| (\w+) \| (.*) \| (\d+) \|$", GRADING, re.MULTILINE)
    want = []
    for bucket in HW4.buckets:
        own = [problem for problem in HW4.problems if problem.bucket == bucket]
        several = len(own) > 1
        names = [
            problem.name
            + (f" {problem.points:g}" if several else "")
            + (f" (also called {', '.join(problem.aliases)})" if problem.aliases else "")
            for problem in own
        ]
        want.append((bucket, ", ".join(names), f"{sum(problem.points for problem in own):g}"))
    assert rows == want


def test_verdicts_are_those_of_the_grader() -> None:
    """The table of docs/grading.md has every verdict."""
    table = GRADING.split("\n## Verdicts\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([a-z ]+)` \|", table, re.MULTILINE) == [verdict.value for verdict in Verdict]


def test_tolerances_are_those_of_the_comparison() -> None:
    """docs/grading.md gives the tolerance of an assignment that says nothing."""
    text = " ".join(GRADING.split())
    found = re.search(r"rtol (\S+) and atol (\S+) unless", text)
    assert found is not None
    assert (float(found[1]), float(found[2])) == (DEFAULT.rtol, DEFAULT.atol)


def test_format_of_grade_json_is_the_one_described() -> None:
    """docs/grading.md lists the document's keys in their order."""
    results = [
        CaseResult(Case(problem.name, problem.name, "cpu", 1, ""), Verdict.PASS, 0.1, "") for problem in HW4.problems
    ]
    about = {
        "tree": "t",
        "tree_hash": "",
        "suite_hash": "",
        "seed": 1,
        "devices": ["cpu"],
        "selection": "",
        "fault": None,
    }
    document = to_document(score(HW4, results, environment={}, **about))  # type: ignore[arg-type]
    described = re.search(r"## grade.json\n\n`(.*?)`", GRADING, re.DOTALL)
    assert described is not None
    words = re.sub(r"\s+", " ", described[1])
    parts = [_shape(key, value) for key, value in document.items()]
    assert words == ", ".join(parts)


def test_evidence_in_grade_json_is_the_one_described() -> None:
    """docs/grading.md names every key of a case's evidence, and of what is in it."""
    table = GRADING.split("`evidence` of a case")[1].split("\n## ")[0]
    for part in (Evidence, Wrong, Picture, Lines, Margin, Curve):
        assert [field.name for field in fields(part) if f"`{field.name}`" not in table] == [], part


def _shape(key: str, value: object) -> str:
    if key in ("buckets", "problems"):
        assert isinstance(value, dict)
        return f"{key}{{name: {{{', '.join(next(iter(value.values())))}}}}}"
    if key == "cases":
        assert isinstance(value, list)
        return f"{key}[{{{', '.join(value[0])}}}]"
    if key == "intake":
        assert isinstance(value, dict)
        return f"{key}{{{', '.join(value)}}}"
    return f"flags[{{{', '.join(field.name for field in fields(Flag))}}}]" if key == "flags" else key


def test_versions_agree() -> None:
    """The package's version is one; so is the oldest Python, wherever it is named."""
    assert PROJECT["project"]["version"] == grader.__version__
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text()
    assert ".".join(map(str, first_aid.OLDEST_PYTHON)) == oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--python-version {oldest}" in (ROOT / "docs" / "contributing.md").read_text()


def test_every_dependency_is_pinned() -> None:
    """The locks have a version of everything that pyproject.toml asks for, the same one, the Makefile has PyTorch's."""
    extras = PROJECT["project"]["optional-dependencies"]
    student = PROJECT["project"]["dependencies"]
    locks: dict[str, dict[str, set[str]]] = {}
    for lock, wanted in (
        ("requirements", student),
        ("requirements-notebook", [*student, *extras["notebook"]]),
        ("requirements-course", [*student, *extras["course"], *extras["dev"]]),
    ):
        versions = locks.setdefault(lock, {})
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"{lock}.lock").read_text(), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
        names = {re.split(r"[<>=; \[]", line)[0] for line in wanted}
        assert names - set(versions) == {"torch"}
    smallest, notebook, course = locks.values()
    assert set(smallest) <= set(notebook) & set(course)
    everywhere = set(notebook) & set(course)  # `make notebook` installs over what is there, and must change nothing
    assert [
        name
        for name in everywhere
        if notebook[name] != course[name] or smallest.get(name, notebook[name]) != notebook[name]
    ] == []
    assert re.search(r"^TORCH := \d+\.\d+\.\d+$", MAKEFILE, re.MULTILINE)


# -- expressions and ids --------------------------------------------------------------------------------------------

# A plugin that says what each expression would select, from one collection.
SELECTIONS = """
import json
from _pytest.mark import deselect_by_keyword
import pytest
from grader.judging.cases import case_id, problem_marker

def pytest_addoption(parser):
    parser.addoption("--expressions")

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    found = {"": [[case_id(item), problem_marker(item).args[0]] for item in items]}
    for expression in json.loads(config.getoption("expressions")):
        config.option.keyword, chosen = expression, list(items)
        deselect_by_keyword(chosen, config)
        found[expression] = [[case_id(item), problem_marker(item).args[0]] for item in chosen]
    config.option.keyword = ""
    print("FOUND", json.dumps(found))
"""


def expressions() -> list[str]:
    """What README and docs give as an argument of -k, and what is said to select."""
    text = "\n".join(page.read_text() for page in PAGES)
    named = re.findall(r"-k (?:\"([^\"]+)\"|(\w+))", text)
    listed = re.search(r"`-k` takes pytest's expressions.*?: (.*?) and so on", text, re.DOTALL)
    assert listed is not None
    names = [first or second for first, second in named if (first or second) != "EXPR"]
    return [*names, *(span.strip('"') for span in re.findall(r"`([^`]+)`", listed[1]))]


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """[id, problem] of the cases that each expression selects; of all cases under ""."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "selections.py").write_text(SELECTIONS)
    wanted = json.dumps(sorted({*expressions(), *MEANT}))
    command = [sys.executable, "-m", "pytest", "tests/hw4", "-p", "selections", "--expressions", wanted]
    command += ["--collect-only", "-q", "-s", "-p", "no:cacheprovider", "--device", "cpu"]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("FOUND ")), "")
    assert line, done.stdout + done.stderr
    found: dict[str, list[list[str]]] = json.loads(line.removeprefix("FOUND "))
    return found


def test_every_expression_of_the_pages_is_checked_here() -> None:
    """An expression that a page gives is in MEANT, with what it is to select."""
    assert len(expressions()) > 10
    assert set(expressions()) <= set(MEANT)


@pytest.mark.parametrize("expression", MEANT)
def test_expression_selects_what_it_says(expression: str, selected: dict[str, list[list[str]]]) -> None:
    """An expression selects cases of all of the meant problems, and of no other."""
    assert {problem for _, problem in selected[expression]} == MEANT[expression]


@pytest.mark.parametrize("problem", [problem.name for problem in HW4.problems])
def test_name_of_a_problem_selects_all_of_it(problem: str, selected: dict[str, list[list[str]]]) -> None:
    """A problem's own name misses none of its cases, nor does its bucket's."""
    own = {case for case, name in selected[""] if name == problem}
    assert own
    assert own <= {case for case, _ in selected[problem]}
    assert own <= {case for case, _ in selected[HW4.problem(problem).bucket]}


def test_ids_in_the_pages_are_those_of_cases(selected: dict[str, list[list[str]]]) -> None:
    """A command in a page that repeats a case names one that there is."""
    named = [case for page in PAGES for case in re.findall(r"'(test_\w+\.py::[^']+)'", page.read_text())]
    assert named
    assert set(named) <= {case for case, _ in selected[""]}
