from __future__ import annotations

import itertools

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.components import Components
from spotted.constraints.partition import Partition
from spotted.constraints.statements import GivenAnswer
from spotted.constraints.verified import Verified

Pair = tuple[int, int]


def add_label(state: Verified, pair: Pair, *, same: bool, probability: float) -> LabelEffect:
    answer = Answer.SAME if same else Answer.DIFFERENT
    label = LabelledPair(f"label-{state.answered}", *pair, answer)
    return state.apply(label, "ana", probability).effect


def split_in_two() -> Verified:
    """0-1-2 and 3-4-5, once joined by a wrong answer, and 6, which is not 0."""
    state = Verified(8)
    add_label(state, (2, 3), same=True, probability=0.6)
    for pair in [(0, 1), (1, 2), (3, 4), (4, 5)]:
        add_label(state, pair, same=True, probability=0.95)
    add_label(state, (0, 6), same=False, probability=0.02)
    assert state.component_count == 3
    assert state.implied(5, 6) is Answer.DIFFERENT
    outcomes = [add_label(state, pair, same=False, probability=0.5) for pair in [(0, 5), (1, 4), (0, 4)]]
    assert LabelEffect.SPLIT in outcomes
    return state


def test_a_split_leaves_the_parts_that_answers_hold_together() -> None:
    state = split_in_two()
    assert state.components() == [(0, 1, 2), (3, 4, 5), (6,), (7,)]
    assert state.positives == 6
    assert state.implied(0, 5) is not Answer.SAME


def test_a_split_keeps_only_the_separations_that_answers_speak_for() -> None:
    state = split_in_two()
    assert state.implied(2, 6) is Answer.DIFFERENT
    assert state.implied(5, 6) is None
    assert state.is_open(5, 6)
    assert state.open_component_pairs == 6 - len(state.separations())


def test_a_split_keeps_every_answer() -> None:
    state = split_in_two()
    held = dict(state.partition.statements.pairs())
    assert (2, 3) in held
    assert {(0, 1), (1, 2), (3, 4), (4, 5), (0, 6), (0, 5)} <= set(held)


def test_decisions_that_a_split_undid_are_not_reported() -> None:
    state = split_in_two()
    made = state.decisions()
    merged = {(a, b) for a, b, is_merge in zip(made.first, made.second, made.merged, strict=True) if is_merge}
    assert merged == {(0, 1), (1, 2), (3, 4), (4, 5)}


def test_a_split_keeps_images_of_two_animals_apart() -> None:
    state = Verified(6)
    state.forbid(5, 4)
    for pair in [(1, 2), (0, 1), (2, 3), (3, 5)]:
        add_label(state, pair, same=True, probability=0.95)
    assert state.implied(0, 4) is Answer.DIFFERENT
    for pair in [(0, 5), (0, 3), (1, 5), (1, 3)]:
        add_label(state, pair, same=False, probability=0.5)
    assert state.implied(5, 4) is Answer.DIFFERENT
    assert state.implied(0, 4) is None


def test_a_merge_brings_together_what_was_answered_of_both_halves() -> None:
    state = Verified(3)
    assert add_label(state, (0, 2), same=True, probability=0.1) is LabelEffect.PENDING
    assert add_label(state, (1, 2), same=True, probability=0.1) is LabelEffect.PENDING
    assert add_label(state, (0, 1), same=True, probability=0.95) is LabelEffect.MERGED
    # each answer alone was too little; both are about one animal now
    assert state.component_count == 1
    assert state.positives == 3


def test_crossing_answers_are_those_between_two_components() -> None:
    state = split_in_two()
    ours, theirs = state.component_of(0), state.component_of(5)
    expected = {
        pair
        for pair in itertools.product(state.members(ours), state.members(theirs))
        if state.partition.statements.of(*pair)
    }
    assert {
        key for key, _ in state.partition.statements.crossing(state.partition.components, ours, theirs)
    } == expected
    assert (2, 3) in expected


def test_changes_are_reported_once() -> None:
    state = split_in_two()
    assert state.component_of(0) in state.partition.take_changed()
    assert state.partition.take_changed() == []


def test_items_can_be_added_to_a_partition() -> None:
    state = Verified(1)
    state.add_items(2)
    assert add_label(state, (0, 2), same=True, probability=0.95) is LabelEffect.MERGED
    assert state.components() == [(0, 2), (1,)]


def test_a_partition_changes_the_components_that_it_is_given() -> None:
    components = Components(3)
    partition = Partition(components)
    assert partition.opinion(0, 1) is None
    label = LabelledPair("a", 0, 1, Answer.SAME)
    partition.add_answer(GivenAnswer(label, "ana", again=False), 0.97)
    assert components.implied(0, 1) is Answer.SAME
    assert partition.opinion(0, 1) is True
    partition.forbid(1, 2)
    assert components.implied(0, 2) is Answer.DIFFERENT
    assert [other for other, _ in partition.facts.separating(2)] == [1]
    verdicts = partition.statements.verdicts(components)
    assert [(verdict.annotator_id, verdict.is_same) for verdict in verdicts] == [("ana", True)]
