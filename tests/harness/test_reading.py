"""Reading a whole tree, in a process of its own: the trees that are right, and the files that are made to stop it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from toy_grades import EVIL, made

from grader.assignment import Assignment, load_assignment
from grader.build import BuiltTree
from grader.children import Children
from grader.errors import GraderError
from grader.intake import stage
from grader.reading import apart
from grader.reading.apart import read_tree
from grader.reading.flag import MOST, Flag, tidy
from grader.reading.settings import Settings, load_settings
from grader.reading.tree import MOST_FILE
from grader.report.document import to_document
from grader.report.markdown import to_markdown
from grader.run import _Judge, _run_share

ROOT = Path(__file__).parents[2]
STALLS = "is not read: Python's parser crashed, or took too long"


def wrote(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """The files, written below a folder; their paths."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return sorted(files)


@pytest.mark.parametrize(
    ("tree", "suite"),
    [
        ("reference", "tests/hw4"),
        ("student", "tests/hw4"),
        ("tests/submissions/earlier", "tests/hw4"),
        ("examples/statistics/reference", "examples/statistics/suite"),
        ("examples/statistics/student", "examples/statistics/suite"),
    ],
)
def test_nothing_is_said_of_trees_that_are_right(tmp_path: Path, tree: str, suite: str) -> None:
    """The reference, what is handed out, another edition's tree, the example."""
    assignment: Assignment = load_assignment(ROOT / suite)
    staged = stage(ROOT / tree, assignment, tmp_path / "tree")
    sources = list(assignment.layout.modules.values())
    assert staged.files
    assert read_tree(staged.root, staged.files, sources, load_settings(ROOT / suite)) == ()


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    """Python, C++, and what lies beside a module's source under any name; not programs for students."""
    files = {
        "a/b.py": "import torch\n",
        "src/k.cu": '// nothing\nvoid f() { dlopen("x", 1); }\n',
        "src/table.txt": "1, 2, asm\n",
        "a/table.txt": "asm",
        "apps/train.py": "import torch\n",
    }
    settings = Settings(programs=("apps/*",))
    found = read_tree(tmp_path, wrote(tmp_path, files), ["src/k.cu"], settings)
    assert [(flag.place, flag.what) for flag in found] == [
        ("a/b.py:1", "imports torch"),
        ("src/k.cu:2", "dlopen"),
        ("src/table.txt:1", "asm"),
    ]


def test_a_program_that_is_imported_is_told_of(tmp_path: Path) -> None:
    """It is not read, so nothing of it may be used; also by a relative import."""
    files = {
        "apps/train.py": "import torch\n",
        "apps/models.py": "from .train import run\n",
        "needle/ops.py": "import apps.train\n",
        "needle/train.py": "",
        "needle/nn.py": "from . import train\n",
    }
    found = read_tree(tmp_path, wrote(tmp_path, files), [], Settings(programs=("apps/train.py",)))
    assert [flag.place for flag in found] == ["apps/models.py:1", "needle/ops.py:1"]


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "-" * 200_000 + "1",
        "x = " + "+".join("a" * 100_000),
        "x" + ".a" * 200_000,
        "x" + "[0]" * 100_000,
        "if x:\n" + "".join(" " * i + "if x:\n" for i in range(1, 200)) + " " * 200 + "pass",
        "x = " + "lambda: " * 20_000 + "1",
        "x = " + "{" * 90 + "1:",
        b"\x00" * 1000,
        b"\xff\xfe" * 1000,
        "# coding: rot13\nimport torch",
        "\ud800".encode("utf-16-le", "surrogatepass"),
    ],
    ids=[
        *("parentheses", "minus", "plus", "dots", "brackets", "ifs", "lambdas", "braces"),
        *("null", "no utf-8", "rot13", "surrogate"),
    ],
)  # fmt: skip
def test_a_file_made_to_stop_the_parser_costs_no_other_file(tmp_path: Path, source: str | bytes) -> None:
    """The files behind it are read, whatever becomes of it."""
    files = wrote(tmp_path, {"a.py": source, "b.py": "import torch\n"})
    found = read_tree(tmp_path, files, [], Settings())
    assert Flag("b.py", 1, "imports torch", found[-1].why) == found[-1]
    assert all("is not read" in flag.what for flag in found[:-1])


def test_a_file_that_takes_too_long_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And after some of them no more is read, and that is told, too."""
    monkeypatch.setattr(apart, "MOST_STARTS", 2)
    monkeypatch.setattr(
        apart, "_START", apart._START.replace("apart.serve()", "apart.FILE_SECONDS = 0.02; apart.serve()")
    )
    slow = "\n".join(f"v{i} = [f(x, {i}) for x in range({i})]" for i in range(9000))
    files = wrote(tmp_path, {"a.py": slow, "b.py": "import torch\n", "c.py": slow, "d.py": "import torch\n"})
    found = read_tree(tmp_path, files, [], Settings())
    assert [(flag.place, flag.what) for flag in found] == [
        ("a.py", STALLS),
        ("b.py:1", "imports torch"),
        ("c.py", STALLS),
        ("d.py", "is not read: files before it took too long"),
    ]


def test_a_huge_file_is_not_read_and_told_of(tmp_path: Path) -> None:
    """A link is not followed either."""
    files = wrote(tmp_path, {"a.py": b"#" * (MOST_FILE + 1)})
    (tmp_path / "b.py").symlink_to("/etc/passwd")
    found = read_tree(tmp_path, [*files, "b.py"], [], Settings())
    assert [flag.place for flag in found] == ["a.py", "b.py"]
    assert all(flag.what.startswith("is not read: it is no plain file, or too large") for flag in found)


def test_mutated_files_are_read(tmp_path: Path) -> None:
    """Lines of the reference in any order, with bytes changed: never a fault of ours."""
    draw = random.Random(6)
    text = (ROOT / "reference/python/needle/ops/ops_mathematic.py").read_bytes()
    lines = text.splitlines(keepends=True)
    files: dict[str, bytes] = {}
    for number in range(60):
        mutated = bytearray(b"".join(draw.choices(lines, k=40)) if number % 2 else text[: draw.randrange(6000)])
        for _ in range(draw.choice([0, 2, 8])):
            if mutated:
                mutated[draw.randrange(len(mutated))] = draw.randrange(256)
        files[f"needle/m{number:02}.py"] = bytes(mutated)
    found = read_tree(tmp_path, wrote(tmp_path, files), [], Settings(computing=("*",), methods=("compute",)))
    assert not [flag for flag in found if "is not read" in flag.what]


def test_a_reader_that_does_not_start_is_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no submission's."""
    monkeypatch.setattr(apart, "_START", "import nothing_of_this_name")
    with pytest.raises(GraderError, match="does not start: ModuleNotFoundError"):
        read_tree(tmp_path, wrote(tmp_path, {"a.py": ""}), [], Settings())


# -- what becomes of flags -----------------------------------------------------------------------------------------


def test_flags_are_sorted_and_few() -> None:
    """Each once, in the order of the places, and not more than a report can hold."""
    flags = [Flag("b.py", 2, "x", "y"), Flag("a.py", 1, "x", "y"), Flag("b.py", 2, "x", "y")]
    assert [flag.place for flag in tidy(flags)] == ["a.py:1", "b.py:2"]
    many = tidy(Flag("a.py", line, "x", "y") for line in range(1, MOST + 11))
    assert len(many) == MOST + 1
    assert many[-1].what == "... and 10 more"


def test_flags_in_the_reports() -> None:
    """In grade.json each by itself; in summary.md those that say the same together; without any, not a word."""
    flags = [Flag("a.py", 3, "imports torch", "why"), Flag("b.py", 1, "imports torch", "why"), Flag("", 0, "ran", "so")]
    grade = made(flags=flags)
    assert to_document(grade)["flags"] == [
        {"file": "", "line": 0, "what": "ran", "why": "so"},
        {"file": "a.py", "line": 3, "what": "imports torch", "why": "why"},
        {"file": "b.py", "line": 1, "what": "imports torch", "why": "why"},
    ]
    assert "For the instructor" in to_markdown(grade)
    assert "- `ran: so`\n- `a.py:3 and 1 more`: `imports torch: why`\n" in to_markdown(grade)
    assert "For the instructor" not in to_markdown(made())
    assert grade.score == made().score


def test_what_shows_while_a_tree_runs_is_flagged_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge's event of the kind `suspicion`."""
    events = [
        {"event": "collected", "cases": []},
        {"event": "suspicion", "file": "", "line": 0, "what": "kept the kernels unused", "why": "of no use"},
    ]
    script = f"""
import json, os, pathlib, sys
with os.fdopen(int(sys.argv[-1]), "w") as told:
    for event in {events!r}:
        print(json.dumps(event), file=told)
pathlib.Path({str(tmp_path / "report.json")!r}).write_text("{{}}")
"""

    def start(arguments: Sequence[str], log: Path, children: Children) -> tuple[subprocess.Popen[bytes], int]:
        reader, writer = os.pipe()
        process = children.judge([sys.executable, "-c", script, str(writer)], pass_fds=[writer])
        os.close(writer)
        return process, reader

    monkeypatch.setattr("grader.run.start", start)
    judge = _Judge([], tmp_path / "log", tmp_path / "report.json")
    tree = BuiltTree("student", tmp_path, {}, None)
    seen: list[str] = []
    part = _run_share(judge, tree, lambda event: seen.append(event["event"]), Children())
    assert part.flags == [Flag("", 0, "kept the kernels unused", "of no use")]
    assert seen == ["collected", "suspicion"]


def test_a_submissions_words_in_a_flag_do_nothing() -> None:
    """Neither in Markdown nor in JSON."""
    grade = made(flags=[Flag(EVIL, 1, EVIL, "why")])
    line = next(line for line in to_markdown(grade).splitlines() if line.startswith("- "))
    assert line.isprintable()
    json.dumps(to_document(grade), ensure_ascii=False).encode()
    assert to_markdown(grade).count("\n## ") == 0
