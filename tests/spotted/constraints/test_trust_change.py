from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.trust import Trust
from spotted.constraints.trust_change import fold_labels, verified_from
from spotted.constraints.verified import GivenLabel

ITEMS = 7
PAIRS = [*itertools.combinations(range(ITEMS), 2)]
ANSWERS = [Answer.SAME, Answer.DIFFERENT, Answer.NOT_COMPARABLE]
# as unlikely as questions get: one weighed answer would not decide
UNLIKELY = 0.01


def labels(*given: tuple[tuple[int, int], Answer]) -> list[GivenLabel]:
    return [
        (LabelledPair(str(number), *pair, answer), "ana", UNLIKELY)
        for number, (pair, answer) in enumerate(given)
    ]


@given(
    st.lists(st.tuples(st.sampled_from(PAIRS), st.sampled_from(ANSWERS)), max_size=25),
    st.dictionaries(st.integers(0, ITEMS - 1), st.sampled_from("ab")),
)
def test_every_individual_is_kept_whatever_was_answered(
    answers: list[tuple[tuple[int, int], Answer]], names: dict[int, str]
) -> None:
    assumed = Assumptions(names=names)
    before = Closure(ITEMS)
    assume(before, assumed)
    said = labels(*answers)
    effects = [before.apply(label).effect for label, _, _ in said]
    verified = verified_from(said, ITEMS, assumed)
    assert verified.components() == before.components()
    if LabelEffect.CONFLICT not in effects:
        assert [verified.implied(*pair) for pair in PAIRS] == [before.implied(*pair) for pair in PAIRS]
        assert verified.pending_count == 0
        assert [*map(list, zip(*_decisions(verified), strict=True))] == [
            *map(list, zip(*_decisions(before), strict=True))
        ]
    assert verified.closed_pairs().tolist() == before.closed_pairs().tolist()


def _decisions(constraints: object) -> list[list[int]]:
    made = constraints.decisions()  # type: ignore[attr-defined] # of either kind
    return [made.first.tolist(), made.second.tolist(), made.merged.tolist()]


def test_a_label_against_another_stays_a_conflict() -> None:
    chain = [((0, 1), Answer.SAME), ((1, 2), Answer.SAME), ((2, 3), Answer.DIFFERENT)]
    verified = verified_from(
        labels(*chain, ((0, 2), Answer.DIFFERENT), ((0, 3), Answer.SAME)), ITEMS, Assumptions()
    )
    assert verified.components()[0] == (0, 1, 2)
    assert {conflict.label.label_id for conflict in verified.contradictions} == {"3", "4"}
    # both are asked about again
    assert len(verified.checks("ben", 5)) >= 2


ELEVEN = [((i, i + 11), Answer.SAME) for i in range(11)] + [((i, i + 22), Answer.SAME) for i in range(10)]


@pytest.mark.parametrize("answer", [Answer.SAME, Answer.NOT_COMPARABLE])
def test_a_second_annotator_who_agrees_leaves_eleven_individuals_eleven(answer: Answer) -> None:
    verified = verified_from(labels(*ELEVEN), 32, Assumptions())
    assert verified.component_count == 11
    verified.apply(LabelledPair("ben", 0, 22, answer), "ben")
    assert verified.component_count == 11


def test_a_decision_holds_until_it_is_contradicted_and_is_then_weighed() -> None:
    said = labels(((0, 1), Answer.SAME), ((2, 3), Answer.DIFFERENT), ((0, 2), Answer.DIFFERENT))
    verified = verified_from(said, ITEMS, Assumptions())
    assert verified.apply(LabelledPair("b", 2, 4, Answer.DIFFERENT), "ben").effect is not LabelEffect.SPLIT
    assert verified.implied(2, 3) is Answer.DIFFERENT
    # against a separation: asked again
    assert verified.apply(LabelledPair("c", 2, 3, Answer.SAME), "ben").effect is LabelEffect.REOPENED
    assert verified.implied(0, 2) is Answer.DIFFERENT
    # against a merge that only an unlikely question made, on another pair of images
    verified.apply(LabelledPair("d", 1, 4, Answer.SAME), "ben", 0.97)
    assert verified.implied(0, 4) is Answer.SAME
    assert verified.apply(LabelledPair("e", 0, 4, Answer.DIFFERENT), "carl").effect is LabelEffect.SPLIT


def test_evidence_that_merges_bring_does_not_unsettle_what_was_accepted() -> None:
    said = labels(((0, 1), Answer.DIFFERENT), ((1, 2), Answer.SAME), ((3, 0), Answer.SAME))
    verified = verified_from(said, ITEMS, Assumptions())
    verified.apply(LabelledPair("b", 2, 4, Answer.SAME), "ben", 0.97)
    assert verified.implied(4, 3) is Answer.DIFFERENT


FIRST = (LabelledPair("a", 0, 1, Answer.SAME), "anna", 0.1)
LATER = (LabelledPair("b", 2, 3, Answer.SAME), "ben", 0.1)


def test_under_single_trust_every_label_decides() -> None:
    folded = fold_labels(Trust.SINGLE, 5, Assumptions(names={3: "Mvula", 4: "Mvula"}), [FIRST], [LATER])
    assert folded.components() == [(0, 1), (2, 3, 4)]


def test_under_verified_trust_only_the_accepted_ones_decide_at_once() -> None:
    folded = fold_labels(Trust.VERIFIED, 4, Assumptions(), [FIRST], [LATER])
    assert folded.components() == [(0, 1), (2,), (3,)]
    assert folded.undecided().tolist() == [[2, 3]]
