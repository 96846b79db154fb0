"""The reports that are asked for by `--format NAME[=PATH]`: which there are, where each goes, and how it is written."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError, UsageError
from grader.report.audience import Audience, seen_by
from grader.report.autolab import to_autolab
from grader.report.check50 import to_check50
from grader.report.csv_table import to_csv
from grader.report.document import to_json
from grader.report.errors import ReportError
from grader.report.github_classroom import to_github_classroom, to_notices, to_output
from grader.report.gradescope import to_gradescope
from grader.report.html import to_html
from grader.report.junit import to_junit
from grader.report.markdown import to_markdown, to_markdowns
from grader.report.prairielearn import to_prairielearn
from grader.report.workflow import harmless
from grader.score import Grade

STDOUT = "-"  # as a PATH
_TREE = "{tree}"  # in a PATH


@dataclass(frozen=True)
class Format:
    """A format that `--format` knows."""

    name: str
    file: str  # where it goes unless a PATH says otherwise, in the folder of the tree's reports
    render: Callable[[Grade], str]
    together: Callable[[Sequence[Grade]], str] | None = None  # one document of several trees, where the format has that
    printed: Callable[[Grade], str] | None = None  # what goes to standard output, where that is something else
    # Whether the system that reads it shows all of it to students, so that it is never made for anybody else.
    for_students: bool = False
    for_class: bool = False  # whether it is about all trees of a run, and its file lies beside their folders


FORMATS = {
    item.name: item
    for item in (
        Format("json", "grade.json", to_json),
        Format("markdown", "summary.md", to_markdown, together=to_markdowns),
        Format("html", "report.html", to_html),
        Format("junit", "junit.xml", to_junit),
        Format("gradescope", "results.json", to_gradescope),
        Format("autolab", "autolab.txt", to_autolab, for_students=True),
        Format("prairielearn", "prairielearn.json", to_prairielearn, for_students=True),
        Format("check50", "check50.json", to_check50, for_students=True),
        Format("github_classroom", "github_classroom.txt", to_github_classroom, printed=to_notices, for_students=True),
        Format("csv", "grades.csv", lambda grade: to_csv([grade]), together=to_csv, for_class=True),
    )
}


@dataclass(frozen=True)
class Wanted:
    """What one `--format` asks for."""

    format: Format
    path: str  # as it was given; "" where it was not


@dataclass(frozen=True)
class Target:
    """One report that is to be written."""

    format: Format
    trees: tuple[str, ...]  # the names of the trees that it is about
    place: Path | None  # None: standard output
    appended: bool = False  # to what GitHub has made for this step


def parse(text: str) -> Wanted:
    """What `--format NAME[=PATH]` asks for. Raises UsageError for a name that there is not, and for an empty path."""
    name, mark, path = text.partition("=")
    if name not in FORMATS:
        raise UsageError(f"--format has value {text!r}; expected NAME or NAME=PATH, NAME one of: {', '.join(FORMATS)}.")
    if mark and not path:
        raise UsageError(f"--format has value {text!r}, with no path behind the =; leave the = away, or name a file.")
    return Wanted(FORMATS[name], path)


def plan(wanted: Sequence[Wanted], trees: Sequence[str], out: Path, kept: Sequence[str]) -> tuple[Target, ...]:
    """Where each report goes; what an earlier run left there is removed, should this one fail.

    trees: the names of the trees, as their folders in `out` are called. kept: files of these folders that every run
    writes. Raises UsageError where a file cannot be written, would be written twice, or would be that of several trees.
    """
    targets = [target for item in wanted for target in _targets(item, trees, out, kept)]
    taken = {(out / tree / name).resolve() for tree in trees for name in kept}
    for target in targets:
        place = target.place.resolve() if target.place is not None else None
        where = "standard output" if place is None else str(target.place)
        if place in taken:
            raise UsageError(
                f"--format {target.format.name} would be written to {where}, where another report goes; "
                f"name another file: {target.format.name}=PATH."
            )
        taken.add(place)  # type: ignore[arg-type]
    for target in targets:
        _prepare(target)
    return tuple(targets)


def on_stdout(targets: Sequence[Target]) -> bool:
    """Whether a report goes to standard output, so that nothing else should."""
    return any(target.place is None for target in targets)


def write(targets: Sequence[Target], grades: Sequence[Grade], audience: Audience) -> None:
    """Write all of them, those for standard output last. grades: in full.

    Raises ReportError, once the others are written, where one cannot be made, or its file not written any more.
    """
    by_tree = {grade.tree: grade for grade in grades}
    failed: list[tuple[Target, Exception]] = []
    for target in sorted(targets, key=lambda target: target.place is None):
        reader = Audience.STUDENT if target.format.for_students and audience is Audience.STAFF else audience
        try:
            _put(target, _text(target, [seen_by(by_tree[tree], reader) for tree in target.trees]))
        except BrokenPipeError:
            raise  # whoever reads standard output has enough
        except Exception as error:  # whatever it is, the other reports have no part in it
            failed.append((target, error))
    if failed:
        said = "\n".join(f"--format {target.format.name}: {_told(error)}" for target, error in failed)
        unforeseen = next((error for _, error in failed if not isinstance(error, GraderError)), None)
        raise ReportError(said) from unforeseen


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, GraderError) else "".join(traceback.format_exception_only(error)).strip()


def _text(target: Target, grades: Sequence[Grade]) -> str:
    item = target.format
    if item.name == "github_classroom" and target.appended:
        return to_output(grades[0])
    if target.place is None and item.printed is not None:
        return item.printed(grades[0])
    text = item.together(grades) if item.together and len(grades) > 1 else item.render(grades[0])
    return harmless(text) if target.place is None else text


# -- where ----------------------------------------------------------------------------------------------------------


def _targets(wanted: Wanted, trees: Sequence[str], out: Path, kept: Sequence[str]) -> Iterator[Target]:
    item, path = wanted.format, wanted.path
    if not path:
        if item.for_class:
            yield Target(item, tuple(trees), out / item.file)
        elif item.file not in kept:  # else it is written anyway
            yield from (Target(item, (tree,), out / tree / item.file) for tree in trees)
    elif _TREE in path:
        yield from (Target(item, (tree,), _path(path.replace(_TREE, tree))) for tree in trees)
    elif len(trees) > 1 and item.together is None:
        where = "standard output is" if path == STDOUT else f"{path!r} is"
        raise UsageError(
            f"--format {item.name} describes one tree, there are {len(trees)}, and {where} one place; "
            f"leave the path away, or put the tree's name into it: {item.name}=reports/{_TREE}-{item.file}."
        )
    elif path == STDOUT:
        yield Target(item, tuple(trees), None)
    else:
        yield Target(item, tuple(trees), _path(path), _is_appended(item, path))


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _is_appended(item: Format, path: str) -> bool:
    """Whether the path is one of those that GitHub gives a step: what is there already belongs to somebody else."""
    for variable, content, name in (
        (os.environ.get("GITHUB_STEP_SUMMARY"), "Markdown", "markdown"),
        (os.environ.get("GITHUB_OUTPUT"), "the outputs of a step", "github_classroom"),
    ):
        if variable and _path(path).resolve() == Path(variable).resolve():
            if item.name != name:
                raise UsageError(
                    f"--format {item.name} names {path!r}, which holds {content}; expected {name} or another file."
                )
            return True
    return False


def _prepare(target: Target) -> None:
    """Raise UsageError where the report could not be written; remove an earlier one."""
    if target.place is None:
        return
    with _user_errors(target):
        if target.place.is_dir():
            raise UsageError(f"--format {target.format.name} names {str(target.place)!r}, a folder; expected a file.")
        target.place.parent.mkdir(parents=True, exist_ok=True)
        if target.appended or _is_device(target.place):
            target.place.open("a").close()
        else:
            tempfile.TemporaryFile(dir=target.place.resolve().parent).close()
            target.place.resolve().unlink(missing_ok=True)


def _is_device(place: Path) -> bool:
    """Whether it is written to and not replaced: /dev/null, a named pipe."""
    return place.exists() and not place.is_file()


def _put(target: Target, text: str) -> None:
    data = text.encode("utf-8")  # as bytes: neither a locale nor a system's idea of a line's end has a say
    if target.place is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        if target.appended or _is_device(target.place):
            with target.place.open("ab") as file:
                file.write(data)
            return
        # Renamed into its place: a report is there in full or not at all. A link stays one.
        place = target.place.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f"{place.name}.new")
        new.write_bytes(data)
        new.replace(place)
    except OSError as error:
        raise GraderError(f"{error.filename} cannot be written: {error.strerror}.") from None


@contextlib.contextmanager
def _user_errors(target: Target) -> Iterator[None]:
    """What goes wrong with the file that the user named is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"--format {target.format.name} goes to {str(target.place)!r}, which cannot be written: {error.strerror}; "
            "name a file in a folder where reports may go."
        ) from None
