"""What becomes of a bug and of a right solution, by the verdicts of a judge that is made up here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from proof.bugs import examine_bug
from proof.catalogue import Right
from proof.judge import Result
from proof.rights import examine_right
from proof.touched import Change, Seen, TouchMap
from proofs import ELEMENTWISE, bug, case

from grader.evidence import Margin
from grader.verdict import Case, Verdict

SEEDS = (11, 12, 13)
ADD, SCALE = case("test_add[cpu-3]"), case("test_scale[cpu-3]", "scale")
Verdicts = Callable[[str, int], tuple[Verdict, str]]


class Judge:
    """Gives the verdicts that it is told, and notes what was asked."""

    cpu_seconds = 0.0

    def __init__(self, verdicts: Verdicts) -> None:
        self.asked: list[tuple[str, int]] = []
        self._verdicts = verdicts

    @contextmanager
    def examine(self, tree: Any, **_: Any) -> Iterator[Judge]:
        """The tree is not looked at."""
        yield self

    def run(self, names: Sequence[str], seed: int, *, until_lost: bool = False) -> list[Result]:
        """As Examination's."""
        found: list[Result] = []
        for name in names:
            self.asked.append((name, seed))
            verdict, message = self._verdicts(name, seed)
            margins = (Margin("out", float(seed)),) if verdict is Verdict.FAIL else ()
            found.append(Result(name, seed, verdict, message, 0.1, margins))
            if until_lost and found[-1].lost:
                break
        return found


class Bench:
    """Two problems with a case each, both touched."""

    reference: Mapping[str, str] = {ELEMENTWISE: "def add(a, b):\n    return a + b\n"}
    cases: Sequence[Case] = (ADD, SCALE)
    problems = ("add", "scale")
    seen = TouchMap({SCALE.id: Seen(frozenset({f"{ELEMENTWISE}:add"}), frozenset(), 0.1)}, frozenset())

    def __init__(self, verdicts: Verdicts) -> None:
        self.judge = Judge(verdicts)

    def change(self, files: Mapping[str, str]) -> Change:
        """Of add."""
        return Change("", frozenset({f"{ELEMENTWISE}:add"}))

    def touched(self, change: Change, device: str) -> dict[str, list[Case]]:
        """Both cases."""
        return {"add": [ADD], "scale": [SCALE]}

    @contextmanager
    def built(self, *_: Any) -> Iterator[Any]:
        """A tree without a fault."""
        yield SimpleNamespace(fault="", unbuilt={}, absent={})


def fails(*names: str, seeds: Sequence[int] = SEEDS) -> Verdicts:
    """These cases answer wrongly, on these seeds."""
    return lambda name, seed: (Verdict.FAIL, "wrong") if name in names and seed in seeds else (Verdict.PASS, "")


def raises(what: str) -> Verdicts:
    """The case of `add` raises this."""
    return lambda name, seed: (Verdict.ERROR, f"add raised {what}") if name == ADD.id else (Verdict.PASS, "")


def examined(verdicts: Verdicts, **options: Any) -> Any:
    """A bug of `add`, with these verdicts."""
    return examine_bug(bug(), Bench(verdicts), SEEDS, **options)  # type: ignore[arg-type]


def test_a_bug_that_its_problem_notices_on_every_seed_is_caught():
    """With the error of the seed on which it is least."""
    outcome = examined(fails(ADD.id))
    assert outcome.good
    assert (outcome.caught[0].cases, outcome.caught[0].error, outcome.caught[0].raises) == ((ADD.id,) * 3, 11.0, False)


def test_a_change_that_no_case_notices_is_missed():
    """On every seed, and on a single one."""
    assert examined(fails()).caught[0].missed == SEEDS
    outcome = examined(fails(ADD.id, seeds=SEEDS[:2]))
    assert (outcome.good, outcome.caught[0].missed) == (False, SEEDS[2:])


def test_a_problem_that_is_not_named_may_not_lose():
    """On the first seed, and on as many others as it is told: the function is named that the case runs."""
    [lost] = examined(fails(ADD.id, SCALE.id)).unexpected
    assert (lost.problem, lost.through) == ("scale", f"{ELEMENTWISE}:add")

    def later(name: str, seed: int) -> tuple[Verdict, str]:
        return fails(ADD.id, SCALE.id)(name, seed) if seed == SEEDS[2] else fails(ADD.id)(name, seed)

    assert examined(later).good
    assert not examined(later, elsewhere=3).good


def test_what_is_no_program_proves_nothing():
    """A name that is not there raises in any case that runs it; another exception is a bug that raises."""
    assert "no program" in examined(raises("NameError: name 'np' is not defined")).invalid
    outcome = examined(raises("IndexError: 3"))
    assert outcome.good
    assert outcome.caught[0].raises


def test_a_right_solution_must_pass_every_case():
    """A case that was not run shows nothing; whole_suite: all of them on the first seed."""
    right = Right("backwards", "Goes backwards.", ("cpu",), bug().edits, {}, ())
    bench = Bench(fails())
    assert examine_right(right, bench, SEEDS, whole_suite=True).good  # type: ignore[arg-type]
    assert bench.judge.asked[:2] == [(ADD.id, 11), (SCALE.id, 11)]
    skipped = Bench(lambda name, seed: (Verdict.NOT_RUN, "no device") if seed == 13 else (Verdict.PASS, ""))
    outcome = examine_right(right, skipped, SEEDS)  # type: ignore[arg-type]
    assert (outcome.good, [result.seed for result in outcome.lost]) == (False, [13, 13])
