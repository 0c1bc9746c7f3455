from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.facts.scope import Scope
from spotted.sampling.audit import bound, draw


def constraints_of(items: int, *labels: tuple[int, int, Answer]) -> Constraints:
    made = Closure(items)
    for number, (first, second, answer) in enumerate(labels):
        made.apply(LabelledPair(str(number), first, second, answer))
    return made


def random_constraints(rng: np.random.Generator, items: int, answers: int) -> Constraints:
    truth = rng.integers(0, max(2, items // 3), items)
    made = Closure(items)
    for number in range(answers):
        a, b = rng.choice(items, 2, replace=False).tolist()
        same = Answer.SAME if truth[a] == truth[b] else Answer.DIFFERENT
        made.apply(LabelledPair(str(number), a, b, same if rng.random() < 0.8 else Answer.NOT_COMPARABLE))
    return made


def component_pairs(constraints: Constraints, pairs: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    of = constraints.component_of
    return [(min(of(a), of(b)), max(of(a), of(b))) for a, b in pairs]


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(0, 60))
def test_all_open_component_pairs_are_drawn_once_by_an_open_image_pair(
    seed: int, items: int, answers: int
) -> None:
    rng = np.random.default_rng(seed)
    constraints = random_constraints(rng, items, answers)
    drawn = draw(constraints, rng, items**2)
    pairs = [(a, b) for b in range(items) for a in range(b)]
    askable = {*component_pairs(constraints, tuple(p for p in pairs if constraints.is_open(*p)))}
    assert len(drawn) == len(askable)
    assert {*component_pairs(constraints, drawn)} == askable
    assert all(a < b and constraints.is_open(a, b) for a, b in drawn)


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(0, 60), st.integers(0, 10))
def test_as_many_are_drawn_as_are_wanted_and_there(seed: int, items: int, answers: int, count: int) -> None:
    constraints = random_constraints(np.random.default_rng(seed), items, answers)
    every = draw(constraints, np.random.default_rng(seed), items**2)
    assert len(draw(constraints, np.random.default_rng(seed), count)) == min(count, len(every))


def test_component_pairs_are_equally_likely_whatever_their_sizes() -> None:
    same, different = Answer.SAME, Answer.DIFFERENT
    constraints = constraints_of(6, (0, 1, same), (1, 2, same), (3, 4, different))
    rng = np.random.default_rng(0)
    seen = Counter(
        pair for _ in range(3000) for pair in component_pairs(constraints, draw(constraints, rng, 2))
    )
    assert len(seen) == constraints.open_component_pairs == 5
    # two of five, 3000 times; five standard deviations are 134
    assert all(abs(times - 1200) < 134 for times in seen.values())


def test_every_image_of_a_component_may_stand_for_it() -> None:
    constraints = constraints_of(4, (0, 1, Answer.SAME), (2, 3, Answer.SAME))
    rng = np.random.default_rng(1)
    seen = Counter(pair for _ in range(400) for pair in draw(constraints, rng, 1))
    assert {*seen} == {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert min(seen.values()) > 60


def test_pairs_on_a_screen_or_not_comparable_are_replaced_or_left_out() -> None:
    constraints = constraints_of(4, (0, 1, Answer.SAME), (1, 2, Answer.NOT_COMPARABLE))
    rng = np.random.default_rng(2)
    for _ in range(30):
        drawn = draw(constraints, rng, 9, excluding={(2, 3)})
        assert len(drawn) == 2
        assert (0, 2) in drawn
        assert {*drawn} - {(0, 2)} <= {(0, 3), (1, 3)}


@pytest.mark.parametrize("items", [0, 1])
def test_nothing_is_drawn_if_there_is_no_pair(items: int) -> None:
    assert draw(Closure(items), np.random.default_rng(0), 5) == ()


def test_a_seed_draws_the_same_again_and_large_surveys_are_quick() -> None:
    constraints = Closure(50_000)
    first, second = (draw(constraints, np.random.default_rng(7), 300) for _ in range(2))
    assert first == second
    assert len({*first}) == 300


def chance(hits: int, pairs: int, positives: int, audited: int) -> float:
    """The chance of at most this many hits, in whole numbers."""
    ways = sum(
        math.comb(positives, k) * math.comb(pairs - positives, audited - k)
        for k in range(hits + 1)
        if 0 <= audited - k <= pairs - positives
    )
    return ways / math.comb(pairs, audited)


@st.composite
def audits(draws: st.DrawFn) -> tuple[int, int, int]:
    pairs = draws(st.integers(0, 40))
    audited = draws(st.integers(0, pairs))
    return audited, draws(st.integers(0, audited)), pairs


# no chance of these small urns equals what they leave, so that no rounding decides
confidences = st.sampled_from([0.531, 0.903, 0.951])


@given(audits(), confidences)
def test_bound_is_the_largest_number_of_positives_that_this_few_hits_allow(
    audit: tuple[int, int, int], confidence: float
) -> None:
    audited, hits, pairs = audit
    possible = range(hits, pairs - audited + hits + 1)
    allowed = [m for m in possible if chance(hits, pairs, m, audited) > 1 - confidence]
    assert bound(audited, hits, pairs, confidence=confidence) == max(allowed) - hits


def test_no_hits_leave_about_three_times_the_pairs_over_the_audits() -> None:
    assert bound(3_000, 0, 1_000_000) == pytest.approx(3 * 1_000_000 / 3_000, rel=0.01)


def test_all_pairs_audited_leave_none_and_no_audit_leaves_all() -> None:
    assert bound(50, 3, 50) == 0
    assert bound(0, 0, 50) == 50


def test_bound_holds_in_95_of_100_audits() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        hits = int(rng.hypergeometric(20, 980, 150))
        held += bound(150, hits, 1000) >= 20 - hits
    assert held / 400 >= 0.95


@pytest.mark.parametrize(("audited", "hits", "pairs"), [(3, 4, 9), (10, 1, 9), (3, -1, 9)])
def test_counts_that_do_not_fit_are_refused(audited: int, hits: int, pairs: int) -> None:
    with pytest.raises(InvalidInputError, match="hits are among the audits"):
        bound(audited, hits, pairs)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="not between 0 and 1"):
        bound(1, 0, 9, confidence=confidence)


@given(st.integers(0, 2**32), st.integers(2, 12))
def test_names_flanks_and_filters_close_pairs_of_an_audit_and_no_other(seed: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    constraints = Closure(items)
    names = {item: str(rng.integers(3)) for item in range(items) if rng.random() < 0.5}
    scope = Scope(flank=rng.integers(0, 3, items), outside=rng.integers(0, 2, items))
    assume(constraints, Assumptions(names=names, scope=scope))
    pairs = [(a, b) for b in range(items) for a in range(b)]
    askable = {*component_pairs(constraints, tuple(p for p in pairs if constraints.is_open(*p)))}
    drawn = draw(constraints, rng, items**2)
    assert {*component_pairs(constraints, drawn)} == askable
    assert len(drawn) == len(askable)
    assert all(constraints.is_open(*pair) for pair in drawn)


def test_an_audit_of_few_detections_in_a_large_survey_finds_their_pairs() -> None:
    constraints = Closure(20_000)
    outside = np.ones(20_000, dtype=np.int64)
    outside[[7, 900, 15_000]] = 0
    constraints.restrict(Scope(outside=outside))
    assert {*draw(constraints, np.random.default_rng(0), 300)} == {(7, 900), (7, 15_000), (900, 15_000)}
