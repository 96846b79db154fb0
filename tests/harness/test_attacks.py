"""Every attack of the collection, in every kind of box that it is for: it earns nothing, and touches nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
from attacks import HONEST, Attack, Outcome, Rounds, collection, obstacle

from grader.verdict import LOST, Verdict

PAIRS = [(attack, kind) for attack in collection() for kind in attack.kinds]
EVERY = pytest.mark.parametrize(("attack", "kind"), PAIRS, ids=[f"{kind}-{attack.name}" for attack, kind in PAIRS])

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the boxes, and what looks around them, are Linux's")


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    """The rounds of this run: what was not selected is not graded."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = {(p["attack"].name, p["kind"]): (p["attack"], p["kind"]) for p in chosen if _is_pair(p)}
    possible = [pair for pair in wanted.values() if obstacle(*pair) is None]
    return Rounds(possible, tmp_path_factory.mktemp("attacks"))


def _is_pair(params: dict[str, object]) -> bool:
    return isinstance(params.get("attack"), Attack) and "kind" in params


@pytest.fixture
def outcome(attack: Attack, kind: str, rounds: Rounds) -> Outcome:
    """What became of the attack; what it needs and is not to be had here is said."""
    if (why := obstacle(attack, kind)) is not None:
        pytest.skip(why)
    return rounds.outcome(attack, kind)


@EVERY
def test_attack_scores_what_it_deserves(attack: Attack, kind: str, outcome: Outcome) -> None:
    """The score, every verdict and every message are those of the tree without the attack."""
    grade = outcome.grade
    for item in grade.problems:
        verdicts = [result.verdict.value for result in item.results]
        wanted = attack.verdicts.get(item.problem.name, verdicts)
        assert verdicts == (wanted if isinstance(wanted, list) else [wanted] * len(verdicts)), _messages(outcome)
        words = attack.says.get(item.problem.name, "")
        assert all(words in result.message for result in item.results if result.verdict in LOST), _messages(outcome)
    assert grade.score == attack.score, _messages(outcome)
    assert attack.fault in (grade.fault or "")
    assert bool(attack.fault) == bool(grade.fault), grade.fault
    assert attack.notes in grade.environment["notes"]


@EVERY
def test_honest_trees_beside_and_after_it_score_everything(attack: Attack, kind: str, outcome: Outcome) -> None:
    """No case of the honest trees in the same run is lost, and none is left out."""
    assert [grade.tree for grade in outcome.honest] == list(HONEST)
    for grade in outcome.honest:
        assert (grade.fault, grade.score) == (None, grade.max_score)
        assert grade.max_score > 0
        assert {result.verdict for item in grade.problems for result in item.results} == {Verdict.PASS}


@EVERY
def test_attack_touches_nothing(attack: Attack, kind: str, outcome: Outcome) -> None:
    """Checkout, secret, ports, processes, memory and files are as they were, and reports hold plain text."""
    assert outcome.harm == ()


def _messages(outcome: Outcome) -> str:
    lines: Sequence[str] = [
        f"{result.case.id}: {result.verdict.value} {result.message}"
        for item in outcome.grade.problems
        for result in item.results
    ]
    return "\n".join(lines)
