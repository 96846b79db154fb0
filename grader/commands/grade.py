"""`python -m grader grade`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grader import devices
from grader.assignment import load_assignment
from grader.commands import options as shared
from grader.errors import UsageError
from grader.judge import OWN_SUITE
from grader.run import RunOptions
from grader.sandbox.choice import AUTO, choose


def grade(
    trees: Annotated[
        list[Path],
        typer.Argument(metavar="TREE", help="Folders, zips, tars, or commits (REPOSITORY@COMMIT) to grade."),
    ],
    select: shared.Select = "",
    device: Annotated[
        list[str] | None, typer.Option(help="A device to grade on, or auto; may be repeated. Default: those graded.")
    ] = None,
    check: shared.Checks = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a run with its seed. Default: a new one.")] = None,
    isolation: Annotated[str, typer.Option(help="worker; none (in-process) is refused here.")] = "worker",
    sandbox: shared.SandboxKind = shared.SANDBOX,
    jobs: shared.Jobs = None,
    out: Annotated[Path, typer.Option(help="Where the reports go, a folder a tree.")] = Path("out"),
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME[=PATH]", help="One more report; may be repeated. PATH may hold {tree}."),
    ] = None,
    audience: Annotated[
        str,
        typer.Option(metavar="student|staff|released", help="Who will read the reports, and what they may see."),
    ] = shared.AUDIENCE,
    suite: shared.Suite = OWN_SUITE,
) -> None:
    """Grade trees: build, run the suite in isolated workers, and report the points."""
    from grader.grading import REPORTS, grade_trees
    from grader.intake import report_names
    from grader.progress import Progress
    from grader.report import formats
    from grader.report.audience import Audience, seen_by
    from grader.report.terminal import print_grade, print_summary
    from grader.report.workflow import inert
    from grader.standing import FILE

    if isolation != "worker":
        raise UsageError(
            f"--isolation has value {isolation!r}; grading needs 'worker'. For a debugger use `python -m grader repro` "
            "or `pytest --isolation none`."
        )
    processes = shared.checked_jobs(jobs)
    reader = Audience.named(audience)
    wanted = [formats.parse(text) for text in format_ or ()]
    box = choose(sandbox)
    assignment = load_assignment(suite)
    chosen, checks = devices.choose(assignment, device or ()), shared.checked_checks(check)
    devices.check_choice(assignment, chosen, checks)
    options = RunOptions(shared.checked_seed(seed), chosen, select.strip(), isolation, box.kind, checks, box.told)
    targets = formats.plan(wanted, report_names(trees), out, (*REPORTS, FILE))
    aside = formats.on_stdout(targets)  # a report that goes to stdout is alone there
    console = shared.console(stderr=aside)
    with inert(sys.stderr if aside else sys.stdout):
        shared.say(console, f"{assignment.name}: {assignment.title}; seed {options.seed}")
        for sentence in devices.explain(assignment, device or ()):
            shared.say(console, sentence)
        if sandbox == AUTO:
            shared.say(console, f"sandbox {box.told}")
        with Progress(console) as progress:
            grades = grade_trees(
                assignment,
                trees,
                options,
                jobs=processes,
                out=out,
                watch=progress.watch,
                shown=[str(tree) for tree in trees],
                audience=reader,
            )
        seen = [seen_by(item, reader) for item in grades]
        for item in seen:
            print_grade(console, item)
        print_summary(console, seen)
        folders = [str(out / item.tree) for item in grades] if len(grades) <= 3 else [str(out / "*")]
        shared.say(console, f"Reports (grade.json, report.json, summary.md): {', '.join(folders)}")
        for target in targets:
            if target.place is not None:
                shared.say(console, f"{target.format.name}: {target.place}")
    formats.write(targets, grades, reader)  # last: Autolab reads the last line of all that is printed
