"""The commands on the server's machine, as they are typed: what they print, store and refuse."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from gradebooks import ON_SQLITE, row, submit, verify, view
from servers import NOW, VALUES, Course, opened, set_up
from typer.testing import CliRunner

from grader.errors import UsageError
from grader.server import commands
from grader.server.desk import regrade
from grader.server.store import keys
from grader.server.store.models import Role, User

ADD = VALUES["add"]
Run = Callable[..., str]


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Course]:
    """One course for all commands here: each of them leaves what the next one finds."""
    with opened("sqlite", tmp_path_factory.mktemp("commands"), request) as database:
        yield set_up(database)


def command_line() -> typer.Typer:
    """The commands alone, without the engine's."""
    app = typer.Typer()
    app.add_typer(commands.roster, name="roster")
    app.add_typer(commands.regrade, name="regrade")
    for command in (commands.policy, commands.extend, commands.late_days, commands.withdraw):
        app.command()(command)
    return app


def run(course: Course, *arguments: object, database: str = "") -> str:
    """What the command prints. What it refuses is raised, as grader.cli has it."""
    url = database or course.database.url.render_as_string(hide_password=False)
    found = CliRunner().invoke(command_line(), [*map(str, arguments), "--database", url])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


def works(course: Course, key: str) -> str | None:
    with course.database.read() as session:
        found = keys.find(session, key)
        return found[0].login if found else None


def pending(course: Course) -> int:
    """Answers to add that somebody has to look at; their number."""
    submit(course, "ada", "add", ADD)
    with course.database.write() as session:
        found = regrade.publish(
            session,
            course.user(session, "prof"),
            "toy",
            "add",
            [ADD[0] + 1, *ADD[1:]],
            NOW,
        )
    assert found.state == "pending"
    return found.answer_id


# -- roster ----------------------------------------------------------------------------------------------------------


def test_add_prints_the_key_once(sqlite: Course) -> None:
    """The last line is the key, and it works."""
    said = run(sqlite, "roster", "add", "zoe", "--name", "Zoë", "--role", "grader").splitlines()
    assert said[0] == "zoe: added as grader. Their key, shown this once:"
    assert works(sqlite, said[1]) == "zoe"


def test_a_role_that_is_none_is_refused(sqlite: Course) -> None:
    """With those that are."""
    with pytest.raises(UsageError, match="--role has value 'king'; expected one of: student, grader, instructor"):
        run(sqlite, "roster", "add", "x", "--name", "X", "--role", "king")


def test_import_writes_keys_to_a_file_of_ones_own(
    sqlite: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its owner can read it, it is never written over, and nobody who is new is without a key in it."""
    monkeypatch.chdir(tmp_path)
    Path("fall.csv").write_text("login,name\nn1,Neu\nn2,Nova\nada,Ada\n")
    said = run(sqlite, "roster", "import", "fall.csv")
    assert said.startswith("2 added, 1 updated, 0 unchanged, 0 deactivated\n")
    file = Path("fall-keys.csv")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = [line.split(",") for line in file.read_text().splitlines()]
    assert [(login, works(sqlite, key)) for login, _, key in rows[1:]] == [("n1", "n1"), ("n2", "n2")]
    kept = file.read_bytes()
    Path("fall.csv").write_text("login,name\nn3,Neu\n")
    with pytest.raises(UsageError, match=r"fall-keys\.csv is there already, and may hold keys"):
        run(sqlite, "roster", "import", "fall.csv")
    assert file.read_bytes() == kept
    with sqlite.database.read() as session:
        assert session.query(User).filter_by(login="n3").count() == 0


def test_an_import_without_anybody_new_leaves_no_file(sqlite: Course, tmp_path: Path) -> None:
    """Nor does one that is refused."""
    file, out = tmp_path / "r.csv", tmp_path / "keys.csv"
    file.write_text("login,name\nprof,Knuth\n")
    assert "keys" not in run(sqlite, "roster", "import", file, "--keys", out)
    file.write_text("login,name\nnew,New\n?,X\n,Y\n")
    with pytest.raises(UsageError, match=r"Line 3: .*\nLine 4: "):
        run(sqlite, "roster", "import", file, "--keys", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "out", "said"),
    [("missing.csv", "k.csv", "missing.csv cannot be read: No such file"), ("r.csv", "no/k.csv", "cannot be written")],
)
def test_files_that_cannot_be_are_refused(sqlite: Course, tmp_path: Path, file: str, out: str, said: str) -> None:
    """Before anybody is stored."""
    (tmp_path / "r.csv").write_text("login,name\nnever,Never\n")
    with pytest.raises(UsageError, match=said):
        run(sqlite, "roster", "import", tmp_path / file, "--keys", tmp_path / out)
    assert "never" not in run(sqlite, "roster", "list")


def test_list_shows_people_and_the_beginnings_of_keys(sqlite: Course) -> None:
    """Never a key; names are made fit for a terminal."""
    with sqlite.database.write() as session:
        session.add(User(login="rtl", name="a\u202eb", role=Role.STUDENT, active=False, created_at=NOW))
    said = run(sqlite, "roster", "list")
    assert "rtl" in said
    assert "a\\u202eb" in said
    assert "student, left" in said
    assert sqlite.keys["bob"][:10] in said
    assert sqlite.keys["bob"] not in said
    assert len(run(sqlite, "roster", "list", "--search", "builder").splitlines()) == 2


def test_rotate_and_revoke(sqlite: Course) -> None:
    """A new key for the old ones; then none."""
    key = run(sqlite, "roster", "rotate", "eve").splitlines()[-1]
    assert (works(sqlite, sqlite.keys["eve"]), works(sqlite, key)) == (None, "eve")
    assert run(sqlite, "roster", "revoke", "eve") == "eve: 1 key revoked\n"
    assert works(sqlite, key) is None
    with pytest.raises(UsageError, match=r"There is nobody with the login 'evil'\."):
        run(sqlite, "roster", "rotate", "evil")
    with pytest.raises(UsageError, match=r"There is nobody with the login 'Eve'; did you mean 'eve'\?"):
        run(sqlite, "roster", "rotate", "Eve")


# -- rules -----------------------------------------------------------------------------------------------------------


def test_policy_shows_and_changes(sqlite: Course) -> None:
    """What is not said stays; none takes a limit away."""
    assert "due        never" in run(sqlite, "policy", "second")
    options = ("--due", "2026-12-03 23:59-05:00", "--grace", 10, "--max-late-days", 2, "--penalty", 12.5)
    said = run(sqlite, "policy", "second", *options, "--attempts-per-hour", 5, "--counts", "last")
    assert "due        2026-12-04 04:59 UTC" in said
    assert "closes     2026-12-06 05:09 UTC" in said
    assert "penalty    12.5 % for each late day that the bank does not pay" in said
    assert "counts     the last attempt" in said
    said = run(sqlite, "policy", "second", "--due", "none", "--attempts-per-hour", "none", "--official", "verified")
    assert "due        never" in said
    assert "attempts   no limit" in said
    assert "counts     the last attempt" in said
    assert "official   verified grades" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--due", "2026-12-03 23:59"), "--due has the value '2026-12-03 23:59'; expected a time with its offset"),
        (("--open", "soon"), "--open has the value 'soon'"),
        (("--attempts-per-hour", "many"), "--attempts-per-hour has value 'many'; expected a number, or none"),
        (("--grace", "-1"), "Grace has the value -1"),
        (("--counts", "worst"), "Counts has the value 'worst'"),
        (("--by", "bob", "--grace", "1"), "--by has value 'bob', who has the role student; expected an instructor"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_rules_that_cannot_be_are_refused(sqlite: Course, options: tuple[str, ...], said: str) -> None:
    """In one sentence that names the option or the value."""
    with pytest.raises(UsageError, match=said):
        run(sqlite, "policy", "toy", *options)


def test_extend_and_take_back(sqlite: Course) -> None:
    """For several at once."""
    run(sqlite, "policy", "toy", "--due", "2026-12-03 23:59Z")
    said = run(sqlite, "extend", "toy", "ada", "bob", "--until", "2026-12-05 23:59Z", "--reason", "flu")
    assert said == "ada, bob: may submit toy until 2026-12-05 23:59 UTC\n"
    assert row(sqlite, "bob").extended_until is not None
    assert run(sqlite, "extend", "toy", "bob", "--until", "none") == "bob: have no extension any more\n"
    assert row(sqlite, "bob").extended_until is None


def test_late_days_shows_and_sets(sqlite: Course) -> None:
    """Everybody has as many."""
    assert run(sqlite, "late-days", 4) == "4 late days for each student, over all assignments\n"
    assert run(sqlite, "late-days") == "4 late days for each student, over all assignments\n"


# -- verified grades ---------------------------------------------------------------------------------------------------


def test_a_verified_grade_is_withdrawn(sqlite: Course) -> None:
    """With a reason; once."""
    number = verify(sqlite, {"add": 4.0}, student="bob")
    with pytest.raises(UsageError, match=rf"Verified grade {number} is not withdrawn without a reason"):
        run(sqlite, "withdraw", number, "--reason", " ")
    said = run(sqlite, "withdraw", number, "--reason", "ada's tree", "--by", "prof")
    assert said == f"verified grade {number} of bob in toy: withdrawn\n"
    assert [grade.withdrawal.reason for grade in view(sqlite, "bob").verified if grade.withdrawal] == ["ada's tree"]
    with pytest.raises(UsageError, match=rf"Verified grade {number} was withdrawn before, by prof on "):
        run(sqlite, "withdraw", number, "--reason", "again")
    with pytest.raises(UsageError, match=r"There is no verified grade 999; a student's page shows the numbers"):
        run(sqlite, "withdraw", 999, "--reason", "none")


# -- answers ---------------------------------------------------------------------------------------------------------


def test_regrade_lists_previews_and_applies(course: Course) -> None:
    """What waits is found by its number; nothing changes without --yes where nobody can be asked."""
    number = pending(course)
    listed = [line.split() for line in run(course, "regrade", "list", "toy").splitlines()]
    assert listed[1][:5] == [str(number), "toy/add", "version", "2", "pending"]
    said = run(course, "regrade", "preview", number)
    assert "1 verdict and the points of 1 student would change" in said
    assert "4 -> 2.67" in said
    assert regrade.KNOCK_ON not in said
    run(course, "late-days", 2)
    assert run(course, "regrade", "preview", number) == f"{said}{regrade.KNOCK_ON}\n"
    with pytest.raises(UsageError, match=r"Apply version 2 of add\? Nobody is there to answer; say --yes\."):
        run(course, "regrade", "apply", number)
    assert row(course, "ada").total == 4.0
    assert "of 1 student changed" in run(course, "regrade", "apply", number, "--yes")
    assert row(course, "ada").total == pytest.approx(8 / 3)
    with pytest.raises(UsageError, match="Version 2 is active already"):  # and does not ask first
        run(course, "regrade", "apply", number, "--yes")


@ON_SQLITE
def test_it_must_be_on_record_who_decides(course: Course) -> None:
    """With two instructors, one has to be named."""
    number = pending(course)
    with course.database.write() as session:
        session.add(User(login="dean", name="Dean", role=Role.INSTRUCTOR, created_at=NOW))
    with pytest.raises(UsageError, match="there is not just one instructor; say --by LOGIN"):
        run(course, "regrade", "apply", number, "--yes")
    assert "changed" in run(course, "regrade", "apply", number, "--yes", "--by", "dean")


def test_answers_that_are_not_there_are_refused(sqlite: Course) -> None:
    """By their number."""
    with pytest.raises(UsageError, match="There are no answers with the number 99"):
        run(sqlite, "regrade", "preview", 99)


# -- the database ----------------------------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_not_made(sqlite: Course, tmp_path: Path) -> None:
    """A mistyped name must not become an empty gradebook."""
    with pytest.raises(UsageError, match=r"there is no database sqlite:///.*start `python -m grader serve` once"):
        run(sqlite, "roster", "list", database=f"sqlite:///{tmp_path}/typo.sqlite3")
    assert not list(tmp_path.iterdir())


def test_the_environment_names_the_database(sqlite: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no option does."""
    monkeypatch.setenv("GRADER_DATABASE", sqlite.database.url.render_as_string(hide_password=False))
    found = CliRunner().invoke(command_line(), ["late-days"])
    assert found.exit_code == 0
    assert "late days for each student" in found.stdout
