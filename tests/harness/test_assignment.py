"""assignment.toml: read as written, and every mistake in it named with its key and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT, TOY

from grader.assignment import LOCAL_SERVER, Assignment, load_assignment
from grader.errors import UsageError
from grader.tolerance import DEFAULT, Tolerance

GOOD = (TOY / "assignment" / "assignment.toml").read_text()


def load(folder: Path, text: str) -> Assignment:
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    return load_assignment(folder)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    return str(caught.value)


# -- what is right -----------------------------------------------------------------------------------------------


def test_the_toy_is_read_as_written(toy: Assignment) -> None:
    """Every table of the file has its place in the assignment."""
    assert (toy.name, toy.title) == ("toy", "three functions on vectors")
    assert toy.suite == TOY / "assignment"
    assert [(p.name, p.bucket, p.points, p.aliases, p.about) for p in toy.problems] == [
        ("add", "elementwise", 4.0, (), "a + b"),
        ("scale", "elementwise", 3.0, ("multiply",), "a * factor"),
        ("total", "reduction", 3.0, (), "the sum of a, in C++"),
    ]
    assert (toy.limits.case_cpu_seconds, toy.limits.memory_mib) == (1.0, 2048)
    assert toy.devices.known == toy.devices.graded == ("cpu", "gpu")
    assert toy.devices.needs == {"cpu": "vec._native", "gpu": "vec._cuda"}
    assert toy.layout.modules == {"vec._native": "src/native.cc", "vec._cuda": "src/cuda.cu"}
    assert (toy.layout.companions, toy.devices.simulates) == ({}, {})
    assert (toy.layout.required, toy.layout.paths) == (("vec/__init__.py",), (".",))
    assert toy.layout.env == {}
    assert (toy.submission_seed, toy.server) == (20240601, "http://127.0.0.1:8600/")
    assert [len(p.submission_cases) for p in toy.problems] == [2, 3, 2]
    assert toy.problem("add").submission_cases == ("short vectors", "long vectors")
    assert [(p.rtol, p.atol) for p in toy.problems] == [(1e-4, 1e-5), (1e-3, 0.0), (1e-4, 1e-5)]


def test_buckets_come_in_the_order_of_their_first_problem(toy: Assignment) -> None:
    """Each once."""
    assert toy.buckets == ("elementwise", "reduction")


def test_hw4_is_worth_100_points_in_eight_buckets() -> None:
    """Problems, points and buckets as the course has them."""
    hw4 = load_assignment(ROOT / "tests" / "hw4")
    conv = ("conv_forward", "conv_backward", "resnet9")
    buckets = ("nd_backend", "cifar10", "new_ops", "conv", "rnn", "lstm", "ptb", "language_model")
    assert hw4.buckets == buckets
    assert {p.name: (p.bucket, p.points) for p in hw4.problems} == {
        **{name: (name, 10.0) for name in buckets if name != "conv"},
        **dict.fromkeys(conv, ("conv", 10.0)),
    }
    assert hw4.problem("new_nd_backend") is hw4.problem("nd_backend")


@pytest.mark.parametrize(("name", "found"), [("scale", "scale"), ("multiply", "scale"), ("total", "total")])
def test_a_problem_is_found_by_name_and_alias(toy: Assignment, name: str, found: str) -> None:
    """Both names lead to the same problem."""
    assert toy.problem(name).name == found


@pytest.mark.parametrize("name", ["scal", "elementwise", "", "Scale"])
def test_an_unknown_problem_is_named_with_the_known_ones(toy: Assignment, name: str) -> None:
    """Neither a part of a name nor a bucket is a problem."""
    with pytest.raises(UsageError, match=re.escape(f"no problem {name!r}; expected one of: add, scale, total.")):
        toy.problem(name)


def test_points_may_be_whole_or_not(tmp_path: Path) -> None:
    """4 and 2.5 are both points."""
    assert load(tmp_path, GOOD.replace("points = 4", "points = 2.5")).problem("add").points == 2.5


def test_a_tolerance_is_the_default_where_a_problem_says_nothing(toy: Assignment) -> None:
    """On every device, and for a case that depends on none."""
    assert {toy.problem("add").tolerance(device) for device in ("cpu", "gpu", "")} == {DEFAULT}


def test_a_problem_may_have_another_tolerance_on_a_device(tmp_path: Path) -> None:
    """The server, which does not know where a value was computed, has the problem's."""
    own = "{ rtol = 1e-3, atol = 0, devices = { gpu = { rtol = 0.25, atol = 0.5 } } }"
    problem = load(tmp_path, GOOD.replace("{ rtol = 1e-3, atol = 0 }", own)).problem("scale")
    assert (problem.tolerance("gpu"), problem.tolerance("cpu")) == (Tolerance(0.25, 0.5), Tolerance(1e-3, 0.0))
    assert (problem.rtol, problem.atol) == (1e-3, 0.0)


def test_an_assignment_may_have_no_submission_cases(tmp_path: Path) -> None:
    """Then there is no seed for them, and the server is the local one."""
    text = re.sub(r"\[submission\]\n(.+\n)*|^(submission|tolerance) = .*\n", "", GOOD, flags=re.MULTILINE)
    assignment = load(tmp_path, text)
    assert (assignment.submission_seed, assignment.server) == (None, LOCAL_SERVER)
    assert {problem.submission_cases for problem in assignment.problems} == {()}


@pytest.mark.parametrize("server", ["https://grades.example.org/hw/", "http://localhost", "http://[::1]:8600/"])
def test_servers_are_addresses(tmp_path: Path, server: str) -> None:
    """With and without a port and a path, also IPv6."""
    assert load(tmp_path, GOOD.replace("http://127.0.0.1:8600/", server)).server == server


def test_a_module_may_have_companions(tmp_path: Path) -> None:
    """Of a list the first is the source, the rest is linked with it; a list of one is that one."""
    text = GOOD.replace('"src/native.cc"', '["src/native.cc"]')
    layout = load(tmp_path, text.replace('"src/cuda.cu"', '["src/cuda.cu", "src/b.cc", "src/c.cc"]')).layout
    assert layout.modules == {"vec._native": "src/native.cc", "vec._cuda": "src/cuda.cu"}
    assert layout.companions == {"vec._cuda": ("src/b.cc", "src/c.cc")}


def test_a_device_may_simulate_another(tmp_path: Path) -> None:
    """It then needs the module that the other one needs."""
    devices = load(tmp_path, simulating('gpu-sim = "gpu"')).devices
    assert devices.simulates == {"gpu-sim": "gpu"}
    assert [devices.module(name) for name in ("cpu", "gpu", "gpu-sim")] == ["vec._native", "vec._cuda", "vec._cuda"]


def simulating(line: str) -> str:
    """The toy with a third device, and that line in devices.simulates."""
    text = GOOD.replace('known = ["cpu", "gpu"]', 'known = ["cpu", "gpu", "gpu-sim"]')
    return text.replace("[submission]", f"[devices.simulates]\n{line}\n\n[submission]", 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('tpu = "gpu"', "devices.simulates has 'tpu', which is not in devices.known"),
        ('gpu-sim = "tpu"', "devices.simulates.gpu-sim has value 'tpu'; expected a device whose module"),
        ('gpu-sim = "cpu"', "devices.simulates.gpu-sim has value 'cpu'; expected a device whose module, by devices.ne"),
        ('cpu = "gpu"', "devices.simulates.cpu has value 'gpu', so it needs the same module; expected no devices.nee"),
        ("gpu-sim = 1", "devices.simulates.gpu-sim has value 1; expected a string"),
    ],
)
def test_a_wrong_simulator_is_named(tmp_path: Path, line: str, words: str) -> None:
    """It must be known, run what is compiled from CUDA, and need nothing of its own."""
    assert words in complaint(tmp_path, simulating(line))


# -- what is wrong -----------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what was expected there."""
    with pytest.raises(UsageError, match=r"assignment\.toml is not there"):
        load_assignment(tmp_path)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    """What cannot be read is the user's to mend, too."""
    (tmp_path / "assignment.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_assignment(tmp_path)


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    """A file in another encoding."""
    (tmp_path / "assignment.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(UsageError, match="cannot be read"):
        load_assignment(tmp_path)


def test_broken_toml_is_named(tmp_path: Path) -> None:
    """With the parser's own words, which give the line."""
    assert "is not valid TOML: " in complaint(tmp_path, "name = \n")


KEYS = re.findall(r"^(\w+) = ", GOOD.partition("[tree.modules]")[0], re.MULTILINE)


@pytest.mark.parametrize("key", sorted({"bucket", "points", "about", *KEYS} - {"cpu", "gpu"}))
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    """Every key but `aliases` must be there: no default hides that one was forgotten."""
    text = re.sub(rf"^{key} = .*\n", "", GOOD, flags=re.MULTILINE)
    assert re.search(rf"[ .]{key} is missing; expected a", complaint(tmp_path, text))


@pytest.mark.parametrize("table", ["limits", "devices", "tree"])
def test_a_missing_table_is_named(tmp_path: Path, table: str) -> None:
    """So must every table."""
    text = re.sub(rf"\[{table}(\.\w+)?\]\n([^\[\n].*\n)*", "", GOOD)
    assert f"{table} is missing; expected a table" in complaint(tmp_path, text)


WRONG = {
    "points are 0": ("points = 4", "points = 0", "problem[0].points has value 0; expected a positive number"),
    "points are negative": ("points = 4", "points = -4", "has value -4; expected a positive number"),
    "points are text": ("points = 4", 'points = "4"', "has value '4'; expected a positive number"),
    "points are a bool": ("points = 4", "points = true", "has value True; expected a positive number"),
    "points are infinite": ("points = 4", "points = inf", "has value inf; expected a positive number"),
    "points are NaN": ("points = 4", "points = nan", "has value nan; expected a positive number"),
    "points are beyond a float": ("points = 4", f"points = 1{'0' * 400}", "expected a positive number"),
    "a limit is 0": ("case_cpu_seconds = 1", "case_cpu_seconds = 0", "limits.case_cpu_seconds has value 0"),
    "half a MiB": (
        "\nmemory_mib = 2048",
        "\nmemory_mib = 0.5",
        "limits.memory_mib has value 0.5; expected a positive whole",
    ),
    "no memory": ("\nmemory_mib = 2048", "\nmemory_mib = 0", "expected a positive whole number"),
    "a name with a blank": ('name = "add"', 'name = "add it"', "problem[0].name has value 'add it'; expected a name"),
    "a name with a pipe": ('name = "add"', 'name = "a|b"', "expected a name of a letter, then letters"),
    "an empty name": ('name = "add"', 'name = ""', "expected a name"),
    "a bucket with a slash": ('bucket = "reduction"', 'bucket = "a/b"', "problem[2].bucket has value 'a/b'"),
    "an alias with a blank": ('"multiply"', '"a b"', "problem[1].aliases has value ['a b']; expected names"),
    "the title is a number": (
        'title = "three functions on vectors"',
        "title = 3",
        "title has value 3; expected a string",
    ),
    "a list of numbers": (
        'known = ["cpu", "gpu"]',
        "known = [1]",
        "devices.known has value [1]; expected a list of str",
    ),
    "a text for a list": ('paths = ["."]', 'paths = "."', "tree.paths has value '.'; expected a list of strings"),
    "an absolute path": ('paths = ["."]', 'paths = ["/etc"]', "expected paths relative to the tree"),
    "a path out of the tree": (
        'paths = ["."]',
        'paths = ["a/../../b"]',
        "paths relative to the tree that do not leave it",
    ),
    "a source out of the tree": ('"src/native.cc"', '"../native.cc"', "tree.modules.vec._native has value '../nat"),
    "a companion out of the tree": ('"src/native.cc"', '["a.cc", "/b.cc"]', "tree.modules.vec._native has value ['a."),
    "a companion twice": ('"src/native.cc"', '["a.cc", "a.cc"]', "paths relative to the tree that do not leave it, n"),
    "no source": ('"src/native.cc"', "[]", "tree.modules.vec._native has value []; expected a string or a list"),
    "a companion that is a number": ('"src/native.cc"', '["a.cc", 1]', "tree.modules.vec._native has value ['a.cc', 1"),
    "a device of a reserved name": (
        'known = ["cpu", "gpu"]',
        'known = ["cpu", "gpu", "auto"]',
        "devices.known has 'auto'",
    ),
    "a module that is a number": ('"src/native.cc"', "1", "tree.modules.vec._native has value 1; expected a string"),
    "a name used twice": ('name = "add"', 'name = "total"', "the problem name 'total' is used twice"),
    "an alias of another's name": ('"multiply"', '"add"', "the problem name 'add' is used twice"),
    "an alias of its own name": ('"multiply"', '"scale"', "the problem name 'scale' is used twice"),
    "an unknown graded device": (
        'graded = ["cpu"',
        'graded = ["tpu"',
        "devices.graded has 'tpu', which is not in devices.",
    ),
    "no graded device": ('graded = ["cpu", "gpu"]', "graded = []", "devices.graded is empty"),
    "an unknown needing device": ("gpu = ", "gpuu = ", "devices.needs has 'gpuu', which is not in devices.known"),
    "a needed module misspelt": (
        'gpu = "vec._cuda"',
        'gpu = "vec._cdua"',
        "devices.needs.gpu has value 'vec._cdua', which is not in tree.modules",
    ),
    "a misspelt key": (
        'aliases = ["multiply"]',
        'alias = ["multiply"]',
        "problem[1].alias is not known; expected one of",
    ),
    "an unknown limit": ("[limits]", "[limits]\ncpu = 3", "limits.cpu is not known; expected one of"),
    "an unknown table": ("[limits]", "[extra]\n[limits]", "extra is not known; expected one of"),
    "an unknown key of a tree": ("[tree.env]", "[tree.extra]\n[tree.env]", "tree.extra is not known"),
    "the seed is 0": ("seed = 20240601", "seed = 0", "submission.seed has value 0; expected a positive whole number"),
    "the seed is text": ("seed = 20240601", 'seed = "1"', "submission.seed has value '1'; expected a positive whole"),
    "the server is a name": (
        'server = "http://127.0.0.1:8600/"',
        'server = "localhost:8600"',
        "submission.server has value 'localhost:8600'; expected an address without user or query, such as 'http",
    ),
    "the server has a user": ("http://127", "http://me:secret@127", "submission.server has value"),
    "the server has a query": (":8600/", ":8600/?a=b", "submission.server has value"),
    "the server has no host": ("http://127.0.0.1:8600/", "http:///x", "submission.server has value"),
    "the server's port is too large": (":8600", ":86000", "submission.server has value"),
    "the server's address is half IPv6": ("127.0.0.1", "[::1", "submission.server has value"),
    "an unknown key of submission": ("seed = 2", "sede = 1\nseed = 2", "submission.sede is not known; expected one of"),
    "no table for the submission cases": (
        '[submission]\nseed = 20240601\nserver = "http://127.0.0.1:8600/"\n',
        "",
        "problem 'add' has submission cases, but submission is missing; expected a table with seed and server",
    ),
    "no submission case": (
        '["short vectors", "long vectors"]',
        "[]",
        "problem[0].submission has value []; expected a list of titles: one at least, none twice, each a plain line",
    ),
    "a title twice": ('"long vectors"', '"short vectors"', "problem[0].submission has value ['short vectors', 'short"),
    "a title of 61 characters": ('"long vectors"', f'"{"x" * 61}"', "each a plain line of 1 to 60 characters"),
    "an empty title": ('"long vectors"', '""', "problem[0].submission has value"),
    "a title of two lines": ('"long vectors"', '"a\\nb"', "problem[0].submission has value"),
    "a title with a blank at its end": ('"long vectors"', '"a "', "problem[0].submission has value"),
    "a title that is a number": ('"long vectors"', "3", "problem[0].submission has value"),
    "a negative tolerance": (
        "rtol = 1e-3",
        "rtol = -1e-3",
        "problem[1].tolerance.rtol has value -0.001; expected a number from 0 to less than 1",
    ),
    "a tolerance that lets everything pass": ("rtol = 1e-3", "rtol = 1", "problem[1].tolerance.rtol has value 1"),
    "a tolerance that is NaN": ("atol = 0", "atol = nan", "problem[1].tolerance.atol has value nan"),
    "half a tolerance": ("rtol = 1e-3, ", "", "problem[1].tolerance.rtol is missing; expected a number"),
    "an unknown tolerance": ("rtol = 1e-3", "rtol = 1e-3, rotl = 1", "problem[1].tolerance.rotl is not known"),
    "a tolerance of an unknown device": (
        "atol = 0 }",
        "atol = 0, devices = { tpu = { rtol = 1e-3, atol = 0 } } }",
        "problem 'scale' has a tolerance for the device 'tpu'; expected one of: cpu, gpu",
    ),
    "half a tolerance of a device": (
        "atol = 0 }",
        "atol = 0, devices = { gpu = { rtol = 1e-3 } } }",
        "problem[1].tolerance.devices.gpu.atol is missing; expected a number",
    ),
    "a tolerance that is a number": (
        "tolerance = { rtol = 1e-3, atol = 0 }",
        "tolerance = 0.1",
        "problem[1].tolerance has value 0.1; expected a table",
    ),
    "an unknown key of devices": ("[devices.needs]", "[devices.extra]\n[devices.needs]", "devices.extra is not known"),
}


@pytest.mark.parametrize(("old", "new", "words"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_value_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    """With the file, the key, the value and what was expected."""
    assert GOOD.count(old) >= 1, "the toy has changed"
    message = complaint(tmp_path, GOOD.replace(old, new, 1))
    assert message.startswith(f"{tmp_path / 'assignment.toml'}: ")
    assert words in message


@pytest.mark.parametrize("problems", ["", "problem = []\n", "problem = 3\n", "problem = [3]\n"], ids=repr)
def test_there_must_be_a_problem(tmp_path: Path, problems: str) -> None:
    """None, or something else in its place."""
    assert "problem" in complaint(tmp_path, problems + GOOD.partition("[[problem]]")[0])


# -- parts -------------------------------------------------------------------------------------------------------

PARTS = """
[[part]]
title = "Vectors"
problems = ["add", "scale"]
tasks = ["vec/ops.py"]
extra = ["vec/more.py:*"]

[[part]]
title = "Sums"
problems = ["total"]
tasks = ["src/native.cc"]
"""


def test_parts_are_read_in_order(tmp_path: Path) -> None:
    """Title, problems, and where they are written; without any the assignment has none."""
    parts = load(tmp_path, GOOD + PARTS).parts
    assert [(part.title, part.problems, part.tasks, part.extra) for part in parts] == [
        ("Vectors", ("add", "scale"), ("vec/ops.py",), ("vec/more.py:*",)),
        ("Sums", ("total",), ("src/native.cc",), ()),
    ]
    assert load(tmp_path, GOOD).parts == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["total"]', '["sum"]', "a part names the problem 'sum'; expected one of: add, scale, total."),
        ('["total"]', '["total", "add"]', "the problem 'add' is in 2 parts; expected exactly one."),
        ('["total"]', "[]", "the problem 'total' is in 0 parts; expected exactly one."),
        ("tasks = [", "task = [", "tasks is missing; expected a list of strings."),
    ],
    ids=["unknown", "twice", "left out", "misspelt"],
)
def test_mistakes_in_parts(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Every problem is in exactly one part."""
    assert said in complaint(tmp_path, GOOD + PARTS.replace(old, new))
