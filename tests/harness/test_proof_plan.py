"""Seeds, the order of cases on further seeds, and what --only names."""

from __future__ import annotations

from proof.plan import batches, chosen, draw_seeds, worth_running
from proofs import case


def test_seeds_depend_on_the_run_and_the_purpose():
    """The same again for the same, others for others, none twice."""
    seeds = draw_seeds(7, "conv", 100)
    assert seeds == draw_seeds(7, "conv", 100)
    assert len(set(seeds)) == 100
    assert seeds[:5] == draw_seeds(7, "conv", 5)
    assert draw_seeds(8, "conv", 5) != seeds[:5] != draw_seeds(7, "rnn", 5)
    assert all(0 < seed < 1 << 31 for seed in seeds)


def test_what_caught_it_before_comes_first():
    """One by one, the cheapest first; then all others together."""
    cases = [case("a"), case("b"), case("c"), case("d")]
    a, b, c, d = (item.id for item in cases)
    assert batches(cases, {b, d}, {b: 0.5, d: 0.1}) == [[d], [b], [a, c]]
    assert batches(cases, {a, b, c, d}, {}) == [[a], [b], [c], [d]]
    assert batches(cases, set(), {}) == [[a, b, c, d]]


def test_where_points_may_be_lost_few_cases_are_run():
    """A problem that must lose points, or must not lose any, has all of its cases run."""
    cases = [case(str(number)) for number in range(20)]
    assert worth_running(cases, must_lose=True, may_lose=True) == cases
    assert worth_running(cases, must_lose=False, may_lose=False) == cases
    assert len(worth_running(cases, must_lose=False, may_lose=True)) == 8


def test_only_names_bugs_and_areas():
    """A name that is neither is told."""
    bugs = {"no_compact": "ops", "no_bias": "rnn", "wrong_gate": "rnn"}
    assert chosen(["rnn", "no_compact"], bugs) == (set(bugs), [])
    assert chosen(["no_bias", "lstm"], bugs) == ({"no_bias"}, ["lstm"])
