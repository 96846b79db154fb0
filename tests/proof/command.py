"""The command line of `python -m proof`."""

from __future__ import annotations

import argparse
import os
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from grader.assignment import load_assignment
from grader.errors import GraderError, UsageError
from grader.judge import OWN_SUITE, ROOT
from grader.suite import suite_hash
from proof.bench import Bench, build_tree, fault_of
from proof.bugs import BugOutcome, examine_bug
from proof.catalogue import Bug, Reference, Right, load_bugs, load_rights
from proof.judge import Judge
from proof.long_form import SEEDS as LONG
from proof.long_form import keep, load_rows
from proof.machine import commit, machine
from proof.mutant_list import LIST, Mutated, Survivor, joined, load_mutated, source_hash, written
from proof.mutants import MutantOutcome, chosen_files, mutant_job, mutant_lines, mutants_of
from proof.own_mutants import load_equivalents, load_runs, section
from proof.page import Run, page
from proof.page_mutants import mutation
from proof.plan import chosen, draw_seeds
from proof.rights import RightOutcome, examine_reference, examine_right
from proof.terminal import bug_lines, right_lines
from proof.trace import touch_map
from proof.trees import reference_files

SUBMISSIONS = ROOT / "tests" / "submissions"
SEEDS = 5  # a bug; with fewer the page stays as it is
REFERENCE = "reference"  # as a right solution's name
SIMULATED = 1  # seeds of the reference in the simulator, where its suite takes ten times as long
PAGE = ROOT / "docs" / "proof.md"
T = TypeVar("T")  # an outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is proved, 1 something is missed, unexpected or lost, 2 a mistake in a file or the command."""
    options = command_line().parse_args(arguments)
    try:
        return _run(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except GraderError as error:
        print(f"the harness is at fault: {error}", file=sys.stderr)
        return 3


def command_line() -> argparse.ArgumentParser:
    """What `python -m proof` takes."""
    parser = argparse.ArgumentParser(prog="python -m proof", description=(__doc__ or "").strip())
    parser.add_argument("--only", default="", help="only these bugs, by name or by area (a file's name); A,B,...")
    parser.add_argument("--right", default="", help="only these right solutions, or the reference; A,B,...")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time (default: the cores)")
    parser.add_argument("--seed", type=int, help="repeat a run: what all seeds are drawn from (default: a new one)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds a bug (default: {SEEDS})")
    parser.add_argument(
        "--elsewhere-seeds", type=int, default=1, help="of a bug's seeds, for problems it does not name (default: 1)"
    )
    parser.add_argument("--every-case", action="store_true", help="also count how many cases catch a bug")
    parser.add_argument(
        "--whole-suite", action="store_true", help="all cases for each bug: checks what is left out else"
    )
    parser.add_argument(
        "--right-seeds", type=int, default=1, help="seeds a right solution (default: 1); 20: the long form"
    )
    parser.add_argument("--every-device", action="store_true", help="right solutions on all of their devices")
    parser.add_argument("--reference-seeds", type=int, default=2, help="seeds of the reference (default: 2)")
    parser.add_argument(
        "--mutants",
        default="",
        metavar="FILE,...",
        help="mutants of these files of the reference (or all), nothing else",
    )
    parser.add_argument("--suite", type=Path, default=OWN_SUITE, help=argparse.SUPPRESS)
    return parser


def _run(options: argparse.Namespace) -> int:
    start = time.monotonic()
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    assignment = load_assignment(options.suite)
    reference = Reference(ROOT / "reference", assignment)
    bugs = load_bugs(SUBMISSIONS / "bugs", reference)
    rights = load_rights(SUBMISSIONS / "right", reference)
    if options.mutants:
        return _mutate(options, reference, seed)
    partial = bool(options.only or options.right)
    with_reference = not partial or REFERENCE in options.right.split(",")
    if partial:
        bugs, rights = _chosen(options, bugs, rights)
    # The simulator takes ten times as long as the CPU: the second device of a right solution is for the long form.
    if not options.every_device and options.right_seeds < LONG:
        rights = [replace(item, devices=item.devices[:1]) for item in rights]
    print(f"{len(bugs)} bugs, {len(rights)} right solutions, seed {seed}", flush=True)
    main_device = assignment.devices.graded[0]
    found = [*(bug.device for bug in bugs), *(name for item in rights for name in item.devices)]
    devices = tuple(dict.fromkeys([*([main_device] if with_reference else []), *found]))
    with _bench(reference, devices, complete=not partial) as bench:
        jobs: list[Callable[[], BugOutcome | RightOutcome]] = []
        if with_reference:
            jobs.append(_reference_job(bench, main_device, draw_seeds(seed, "reference", options.reference_seeds)))
            others = [] if partial else [name for name in devices if name != main_device]
            jobs += [_reference_job(bench, name, draw_seeds(seed, name, SIMULATED)) for name in others]
        jobs += [_right_job(item, bench, draw_seeds(seed, item.name, options.right_seeds)) for item in rights]
        # What takes longest comes first, so that no worker ends alone: what is compiled, and runs in the simulator.
        bugs.sort(key=lambda bug: (bug.device == main_device, all(edit.file.endswith(".py") for edit in bug.edits)))
        jobs += [_bug_job(item, bench, options, seed) for item in bugs]
        suite, made_with = suite_hash(options.suite), commit()
        outcomes = []
        for outcome in _all(jobs, options.jobs, _lines):
            outcomes.append(outcome)
            if isinstance(outcome, RightOutcome):
                keep(outcome, made_with, suite, seed)
    good = sum(outcome.good for outcome in outcomes)
    if not partial:
        _write_page(outcomes, reference, options, seed, time.monotonic() - start)
    print(_costs(outcomes))
    print(f"{good} of {len(outcomes)} are as they should be, in {time.monotonic() - start:.0f} s; seed {seed}")
    return 0 if good == len(outcomes) else 1


def _mutate(options: argparse.Namespace, reference: Reference, seed: int) -> int:
    """Run the mutants of some files, and write what survives into the list, file by file: it takes hours."""
    sources, holes = reference_files(reference), 0
    extra = {path for part in reference.assignment.parts for path in part.extra}
    files = chosen_files(sources, options.mutants.split(","), extra)
    seeds = draw_seeds(seed, "mutants", 3)
    with _bench(reference, reference.assignment.devices.graded[:1], complete=True) as bench:
        for path in files:
            own = mutants_of(path, sources[path])
            print(f"{path}: {len(own)} mutants, seed {seed}", flush=True)
            outcomes = list(_all([mutant_job(path, item, bench, seeds) for item in own], options.jobs, mutant_lines))
            if any(item.fault for item in outcomes):
                raise GraderError(f"some mutants of {path} could not be judged; {LIST.name} is as it was")
            fresh = Mutated(path, len(own), source_hash(sources[path]), _survivors(path, outcomes))
            known = joined(load_mutated(), [fresh])
            LIST.write_text(written(known), encoding="utf-8")
            alive = next(item.survivors for item in known if item.file == path)
            unexplained = sum(not one.why for one in alive)
            print(f"{path}: {len(alive)} of {len(own)} survive, {unexplained} without a reason", flush=True)
            holes += unexplained
    return 1 if holes else 0


def _survivors(path: str, outcomes: Sequence[MutantOutcome]) -> tuple[Survivor, ...]:
    lost = [item.mutant for item in outcomes if item.file == path and not item.good]
    return tuple(Survivor(path, item.old, item.new) for item in sorted(lost, key=lambda item: (item.line, item.new)))


def _write_page(
    outcomes: Sequence[BugOutcome | RightOutcome],
    reference: Reference,
    options: argparse.Namespace,
    seed: int,
    seconds: float,
) -> None:
    if options.seeds < SEEDS:
        print(f"{PAGE.relative_to(ROOT)} stays as it is: it is for runs with {SEEDS} seeds a bug, not {options.seeds}")
        return
    bugs = [item for item in outcomes if isinstance(item, BugOutcome)]
    rights = [item for item in outcomes if isinstance(item, RightOutcome)]
    cpu, cases = sum(item.cpu_seconds for item in outcomes), sum(item.runs for item in outcomes)
    run = Run(machine(), commit(), suite_hash(options.suite), seed, seconds, cpu, cases)
    now = {path: source_hash(text) for path, text in reference_files(reference).items()}
    more = [mutation(load_mutated(), now), section(load_equivalents(), load_runs())]
    PAGE.write_text(page(run, bugs, rights, load_rows(), more), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def _costs(outcomes: Sequence[BugOutcome | RightOutcome]) -> str:
    """CPU time by kind, in judges and workers; what was compiled is a child of this process."""
    seconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for item in outcomes:
        kind = "right solutions" if isinstance(item, RightOutcome) else f"bugs in {_language(item.bug)}"
        seconds[kind] += item.cpu_seconds
        count[kind] += 1
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own, children = (usage.ru_utime + usage.ru_stime for usage in spent)
    parts = [f"{count[kind]} {kind} {seconds[kind]:.0f} s" for kind in seconds]
    return (
        f"CPU time: {', '.join(parts)}, compilers and the reference's trace {children:.0f} s, this process {own:.0f} s"
    )


def _language(bug: Bug) -> str:
    suffixes = {Path(edit.file).suffix for edit in bug.edits}
    return "Python" if suffixes == {".py"} else "CUDA" if ".cu" in suffixes else "C++"


def _all(jobs: Sequence[Callable[[], T]], width: int, lines: Callable[[T], Sequence[str]]) -> Iterator[T]:
    with ThreadPoolExecutor(max(1, width)) as pool:
        pending = [pool.submit(job) for job in jobs]
        try:
            for number, done in enumerate(as_completed(pending), 1):
                outcome = done.result()
                print(f"{number}/{len(pending)}", "\n".join(lines(outcome)), flush=True)
                yield outcome
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _lines(outcome: BugOutcome | RightOutcome) -> Sequence[str]:
    return bug_lines(outcome) if isinstance(outcome, BugOutcome) else right_lines(outcome)


def _bug_job(bug: Bug, bench: Bench, options: argparse.Namespace, seed: int) -> Callable[[], BugOutcome]:
    seeds = draw_seeds(seed, bug.name, options.seeds)
    elsewhere = options.elsewhere_seeds
    every_case, whole_suite = options.every_case, options.whole_suite
    return lambda: examine_bug(bug, bench, seeds, elsewhere=elsewhere, every_case=every_case, whole_suite=whole_suite)


def _right_job(right: Right, bench: Bench, seeds: Sequence[int]) -> Callable[[], RightOutcome]:
    return lambda: examine_right(right, bench, seeds, whole_suite=len(seeds) >= LONG)


def _reference_job(bench: Bench, device: str, seeds: Sequence[int]) -> Callable[[], RightOutcome]:
    return lambda: examine_reference(bench, [device], seeds)


def _chosen(options: argparse.Namespace, bugs: list[Bug], rights: list[Right]) -> tuple[list[Bug], list[Right]]:
    names, unknown = chosen([name for name in options.only.split(",") if name], {bug.name: bug.area for bug in bugs})
    wanted = [name for name in options.right.split(",") if name not in ("", REFERENCE)]
    unknown += [name for name in wanted if name not in {item.name for item in rights}]
    if unknown:
        areas = ", ".join(sorted({bug.area for bug in bugs})) or "none yet"
        raise UsageError(
            f"there is no bug, area or right solution {unknown[0]!r}; the areas are: {areas}; "
            f"the right solutions: {', '.join(item.name for item in rights) or 'none yet'}."
        )
    return [bug for bug in bugs if bug.name in names], [item for item in rights if item.name in wanted]


@contextmanager
def _bench(reference: Reference, devices: Sequence[str], *, complete: bool) -> Iterator[Bench]:
    assignment, sources = reference.assignment, reference_files(reference)
    with tempfile.TemporaryDirectory(prefix="proof-") as name, Judge(assignment, devices) as judge:
        workspace = Path(name).resolve()
        with build_tree("reference", sources, devices, assignment, workspace) as tree:
            if fault := fault_of(tree, devices):
                raise GraderError(f"the reference does not compile: {fault}")
            seen = touch_map(assignment, tree, sources, devices, complete=complete)
        yield Bench(assignment, judge, sources, judge.cases(), seen, workspace)
