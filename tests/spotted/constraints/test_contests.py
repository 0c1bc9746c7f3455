from __future__ import annotations

import itertools

import pytest

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.contests import find_contest
from spotted.constraints.verified import Verified


def answered(*asked: tuple[int, int, Answer]) -> Verified:
    """0-1-2-3-4-5 as one component, and further answers inside it."""
    state = Verified(6)
    chain = [(first, second, Answer.SAME) for first, second in itertools.pairwise(range(6))]
    for number, (first, second, answer) in enumerate([*chain, *asked]):
        state.apply(LabelledPair(str(number), first, second, answer), "ana", 0.99 if number < 5 else None)
    assert state.component_count == 1
    return state


def test_the_cut_of_a_contest_is_the_cheapest_of_all() -> None:
    partition = answered((1, 4, Answer.SAME), (0, 5, Answer.DIFFERENT)).partition
    strengths = partition.statements.strengths(range(6))

    def price(side: set[int]) -> float:
        return sum(strengths[a].get(b, 0.0) for a in side for b in range(6) if b not in side)

    inner = (chosen for k in range(5) for chosen in itertools.combinations(range(1, 5), k))
    contest = find_contest(partition.components, partition.statements, partition.settings, (0, 5), strengths)
    assert [contest] == partition.contests()
    assert price({*contest.near}) == pytest.approx(min(price({0, *chosen}) for chosen in inner))
    assert {*contest.near} | {*contest.far} == set(range(6))
    assert (contest.cheapest[0] in contest.near) != (contest.cheapest[1] in contest.near)


def test_every_answer_across_the_cut_counts() -> None:
    def log_odds(*asked: tuple[int, int, Answer]) -> float:
        partition = answered((1, 4, Answer.SAME), *asked, (0, 5, Answer.DIFFERENT)).partition
        strengths = partition.strengths(range(6))
        partition_and_settings = partition.components, partition.statements, partition.settings
        return find_contest(*partition_and_settings, (0, 5), strengths).log_odds

    assert log_odds((0, 2, Answer.SAME), (3, 5, Answer.SAME)) > log_odds() > 0
