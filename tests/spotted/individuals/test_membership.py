from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer
from spotted.constraints.error_rates import ErrorRates
from spotted.individuals.membership import USUAL, GivenAnswer, find_contradicted, trust_members

S, D, N = Answer.SAME, Answer.DIFFERENT, Answer.NOT_COMPARABLE
# of one answer SAME
ONE = 1.0 / (1.0 + math.exp(-USUAL.log_odds(same=True)))


def said(*answers: tuple[str, Answer], who: str = "ana") -> list[GivenAnswer]:
    return [GivenAnswer(pair[0], pair[1], answer, who) for pair, answer in answers]


@given(st.integers(0, 2**32 - 1))
def test_a_detection_is_as_sure_as_the_best_of_all_chains(seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = "abcde"
    pairs = [(x, y) for x in members for y in members if x < y and rng.random() < 0.5]
    rates = {"ana": ErrorRates(0.1, 0.1), "ben": ErrorRates(0.01, 0.01)}
    answers = [GivenAnswer(x, y, S, str(rng.choice(["ana", "ben"]))) for x, y in pairs]
    sure = {frozenset(a[:2]): 1 / (1 + math.exp(-rates[a.annotator_id].log_odds(same=True))) for a in answers}
    trust = trust_members([members], answers, rates)
    degree = {one: sum(one in pair for pair in pairs) for one in members}
    best = min(members, key=lambda one: (-degree[one], one))
    for one in members:
        chains = [
            math.prod(sure.get(frozenset(step), 0.0) for step in pairwise(chain))
            for length in range(1, 6)
            for chain in permutations(members, length)
            if chain[0] == best and chain[-1] == one
        ]
        # groups that nothing joins were joined by a person or a file
        if max(chains):
            assert trust[one] == pytest.approx(max(chains))
        else:
            assert trust[one] > 0.0


def test_a_repeated_answer_adds_a_fifth_of_its_log_odds() -> None:
    twice = trust_members(["ab"], said(("ab", S), ("ba", S)), {})
    assert min(twice.values()) == pytest.approx(1 / (1 + math.exp(-1.2 * USUAL.log_odds(same=True))))
    assert min(trust_members(["ab"], said(("ab", S)), {}).values()) == pytest.approx(ONE)


def test_contradicted_detections_and_those_that_were_never_compared_are_left_out() -> None:
    answers = said(("ab", S), ("bc", S), ("ac", D), ("cd", S), ("de", S), ("fg", N), ("ag", N), ("xa", S))
    trust = trust_members(["abcf", "de", "g"], answers, {})
    # a and c by the answer inside, c and d by that across; f was only seen beside g, and x is nowhere
    assert {one for one, sure in trust.items() if not sure} == {"a", "c", "d", "f", "g"}
    assert find_contradicted({"a": 0, "b": 0}, answers) == set()


def test_what_people_or_files_joined_is_sure() -> None:
    assert set(trust_members(["abc", "d"], said(("ad", D)), {}).values()) == {1.0}
