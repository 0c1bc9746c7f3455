from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.component_evidence import Evidence
from spotted.constraints.risky_decisions import weakest_link
from spotted.constraints.trust_settings import TrustSettings, log_odds
from spotted.constraints.verified import Verified
from spotted.errors import InvalidInputError, PreconditionError
from spotted.facts.kinds import Fact, Source

ITEMS = 7
Pair = tuple[int, int]
# pair, answer, annotator, probability given beforehand
Step = tuple[Pair, Answer, str, float | None]
PAIRS = list(itertools.combinations(range(ITEMS), 2))
steps = st.tuples(
    st.sampled_from(PAIRS),
    st.sampled_from(list(Answer)),
    st.sampled_from(["ana", "ben"]),
    st.sampled_from([None, 0.02, 0.5, 0.9]),
)
histories = st.lists(steps, max_size=80)
images = st.lists(st.sampled_from(PAIRS), max_size=2)
# low bars, so that short histories merge, split and separate
EASY = TrustSettings(merge_above=0.9, wrong_pairs=2.0, large=3)


def folded(
    history: Iterable[Step], forbidden: Iterable[Pair] = (), items: int = ITEMS, rules: TrustSettings = EASY
) -> Verified:
    state = Verified(items, rules)
    for pair in forbidden:
        state.forbid(*pair)
    for number, (pair, answer, annotator, probability) in enumerate(history):
        state.apply(LabelledPair(f"label-{number}", *pair, answer), annotator, probability)
    return state


def add_label(state: Verified, pair: Pair, *, same: bool, probability: float | None = None) -> LabelEffect:
    label = LabelledPair(f"{pair}-{state.answered}", *pair, Answer.SAME if same else Answer.DIFFERENT)
    return state.apply(label, "ana", probability).effect


def chained(state: Verified, items: Sequence[int]) -> None:
    """Make items one component, of what all took for the same animal."""
    for pair in itertools.pairwise(items):
        while state.implied(*pair) is not Answer.SAME:
            add_label(state, pair, same=True, probability=0.99)


def ask_everything(state: Verified, truth: Sequence[int]) -> None:
    """Every open pair and every check, truly answered, until nothing is left to ask."""
    for _ in range(1_000):
        asked = [pair[:2] for pair in state.checks("ana", 1)]
        pairs = itertools.combinations(range(state.items), 2)
        pair = next(iter([*asked, *(pair for pair in pairs if not asked and state.is_open(*pair))]), None)
        if pair is None:
            return
        add_label(state, pair, same=truth[pair[0]] == truth[pair[1]], probability=0.5)
    pytest.fail("the questions do not end")


def summed(state: Verified, ours: int, theirs: int) -> Evidence:
    """All answers between two components, by a plain loop over image pairs."""
    total = Evidence()
    for pair in itertools.product(state.members(ours), state.members(theirs)):
        held = state.partition.statements.of(*pair)
        if held is not None:
            total.add_pair(held)
    return total


def require_sound(state: Verified, forbidden: Iterable[Pair]) -> None:
    """The partition and all that is known between its components, against plain loops."""
    parts = state.components()
    assert sorted(itertools.chain(*parts)) == list(range(state.items))
    assert state.component_count == len(parts)
    assert state.positives == sum(len(part) * (len(part) - 1) // 2 for part in parts)
    assert state.open_component_pairs == len(parts) * (len(parts) - 1) // 2 - len(state.separations())
    for a, b in forbidden:
        assert state.implied(a, b) is Answer.DIFFERENT
    links = {link for link in state.risky.riskiest() if link.merged}
    weakest = {link for part in parts if (link := weakest_link(state.partition, state.component_of(part[0])))}
    assert links == {link for link in weakest if link.risk >= state.partition.settings.audit_risk}
    pending = {(a, b): across for a, b, across in state.partition.pending()}
    separated = {(a, b) for a, b, _ in state.partition.separated()}
    for part, other in itertools.combinations(parts, 2):
        a, b = sorted((state.component_of(part[0]), state.component_of(other[0])))
        expected, waiting, apart = summed(state, a, b), pending.get((a, b)), state.partition.separation(a, b)
        assert waiting is None or apart is None
        assert apart is not None or (a, b) not in separated
        assert apart is None or not expected.asked or (a, b) in separated
        across = waiting or apart or Evidence()
        assert across.weight == pytest.approx(expected.weight, abs=1e-9)
        assert across.prior == pytest.approx(expected.prior, abs=1e-9)
        assert (across.asked, across.answers) == (expected.asked, expected.answers)
        assert (across.same, across.different) == (expected.same, expected.different)
        shared = sum((min(pair), max(pair)) in forbidden for pair in itertools.product(part, other))
        assert bool(across.forbidden) is bool(shared)


@settings(deadline=None)
@given(histories, images)
def test_whatever_is_answered_the_partition_is_sound(history: list[Step], forbidden: list[Pair]) -> None:
    require_sound(folded(history, forbidden), forbidden)


@pytest.mark.parametrize("seed", [*range(8), 31, 47, 59])
def test_long_sessions_with_many_errors_stay_sound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 14)
    state = Verified(14, EASY if seed % 2 else None)
    state.forbid(0, 1)
    for number in range(240):
        asked = state.checks("ana", 1) if rng.random() < 0.4 else []
        first, second = asked[0][:2] if asked else rng.choice(14, 2, replace=False).tolist()
        wrong = bool(rng.random() < (0.05, 0.2, 0.5)[seed % 3])
        same = bool(truth[first] == truth[second]) ^ wrong
        add_label(state, (first, second), same=same, probability=(None, 0.1, 0.5, 0.9)[rng.integers(4)])
        if number % 8 == 0:
            require_sound(state, [(0, 1)])


@settings(deadline=None)
@given(histories, images)
def test_a_fold_is_deterministic(history: list[Step], forbidden: list[Pair]) -> None:
    once, again = folded(history, forbidden), folded(history, forbidden)
    assert once.component_ids().tolist() == again.component_ids().tolist()
    assert once.separations().tolist() == again.separations().tolist()
    assert once.contradictions == again.contradictions
    assert once.checks("ana", 5) == again.checks("ana", 5)
    # looking for checks changes nothing
    assert once.checks("ana", 5) == once.checks("ana", 5)


@settings(deadline=None)
@given(histories)
def test_every_component_hangs_together_by_same_answers(history: list[Step]) -> None:
    state = folded(history)
    links = [pair for pair, answer, _, _ in history if answer is Answer.SAME]
    for part in state.components():
        reached = {part[0]}
        for _ in part:
            reached |= {item for pair in links for item in pair if {*pair} & reached and {*pair} <= {*part}}
        assert reached == set(part)


@settings(deadline=None)
@given(histories)
def test_every_contradiction_is_explained_by_labels_that_speak_against_it(history: list[Step]) -> None:
    state = folded(history)
    answers = {f"label-{number}": step[1] for number, step in enumerate(history)}
    for found in state.contradictions:
        others = [answers[label_id] for label_id in found.explanation.label_ids]
        different = others.count(Answer.DIFFERENT)
        assert others
        assert set(others) <= {Answer.SAME, Answer.DIFFERENT}
        assert different == (0 if found.label.answer is Answer.DIFFERENT else 1)


@settings(deadline=None)
@given(histories)
def test_decisions_still_hold(history: list[Step]) -> None:
    state = folded(history)
    made = state.decisions()
    for first, second, merged in zip(made.first, made.second, made.merged, strict=True):
        assert state.implied(int(first), int(second)) is (Answer.SAME if merged else Answer.DIFFERENT)
    assert made.merged.sum() <= ITEMS - state.component_count


@settings(deadline=None)
@given(histories, st.integers(0, 79))
def test_a_label_that_is_retracted_leaves_no_trace(history: list[Step], index: int) -> None:
    wrong: Step = ((0, 1), Answer.SAME, "ana", 0.9)
    with_it = [*history[:index], wrong, *history[index:]]
    del with_it[min(index, len(history))]
    assert folded(with_it).component_ids().tolist() == folded(history).component_ids().tolist()


@pytest.mark.parametrize("seed", range(8))
def test_perfect_annotators_reach_the_partition_of_plain_constraints(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 14).tolist()
    plain = Closure(len(truth))
    for first, second in itertools.combinations(range(len(truth)), 2):
        answer = Answer.SAME if truth[first] == truth[second] else Answer.DIFFERENT
        plain.apply(LabelledPair(f"{first}-{second}", first, second, answer))
    state = Verified(len(truth))
    ask_everything(state, truth)
    assert state.components() == plain.components()
    assert state.positives == plain.positives
    assert state.open_component_pairs == plain.open_component_pairs == 0
    assert not state.contradictions


@pytest.mark.parametrize("bridge", [(0, 6), (3, 8), (5, 11)])
def test_one_wrong_same_between_two_animals_of_six_is_split_again(bridge: Pair) -> None:
    truth = [0] * 6 + [1] * 6
    # a session this short affords one audit with the usual share
    state = Verified(12, TrustSettings(check_share=0.1))
    # the wrong answer comes first, while both are single images
    while state.implied(*bridge) is not Answer.SAME:
        add_label(state, bridge, same=True, probability=0.95)
    chained(state, [bridge[0], *(item for item in range(6) if item != bridge[0])])
    chained(state, [bridge[1], *(item for item in range(6, 12) if item != bridge[1])])
    assert state.component_count == 1
    ask_everything(state, truth)
    assert state.components() == [tuple(range(6)), tuple(range(6, 12))]
    assert state.implied(0, 6) is Answer.DIFFERENT


def test_two_large_components_need_same_on_two_image_pairs() -> None:
    state = Verified(12)
    chained(state, range(6))
    chained(state, range(6, 12))
    for _ in range(3):
        assert add_label(state, (0, 6), same=True, probability=0.97) is LabelEffect.PENDING
    assert add_label(state, (1, 7), same=True) is LabelEffect.MERGED


def test_a_merge_needs_more_for_larger_components() -> None:
    rules = TrustSettings()
    assert rules.merge_bar(1) == pytest.approx(log_odds(rules.merge_above))
    assert rules.merge_bar(10_000) == pytest.approx(math.log(10_000 / rules.wrong_pairs))


def test_a_posterior_is_that_of_bayes() -> None:
    state = Verified(3, TrustSettings(merge_above=0.999999, prior_ceiling=0.999, prior_floor=0.001))
    chained(state, [0, 1])
    add_label(state, (0, 2), same=True, probability=0.3)
    add_label(state, (1, 2), same=False)
    error = state.partition.settings.error_rate
    same = 0.3 * (1 - error) * error
    different = 0.7 * error * (1 - error)
    ((_, _, across),) = state.partition.pending()
    assert across.log_odds(state.partition.settings) == pytest.approx(math.log(same / different))


def test_a_second_answer_to_one_image_pair_counts_little() -> None:
    state = Verified(2, TrustSettings(merge_above=0.999999, settle_above=0.999999))
    add_label(state, (0, 1), same=True)
    ((_, _, across),) = state.partition.pending()
    once = across.weight
    add_label(state, (1, 0), same=True)
    assert across.weight == pytest.approx(once * (1 + state.partition.settings.repeat))
    add_label(state, (0, 1), same=False)
    add_label(state, (0, 1), same=False)
    assert across.weight == pytest.approx(0.0, abs=1e-9)


def test_a_different_answer_is_pending_if_same_was_likely() -> None:
    state = Verified(2)
    assert add_label(state, (0, 1), same=False, probability=0.9) is LabelEffect.PENDING
    assert state.implied(0, 1) is None
    assert not state.is_open(0, 1)
    assert state.open_component_pairs == 1


def test_a_different_answer_separates_if_it_was_likely() -> None:
    state = Verified(2)
    assert add_label(state, (0, 1), same=False, probability=0.02) is LabelEffect.SEPARATED
    assert len(state.separations()) == 1


def test_same_across_separated_components_reopens_them() -> None:
    state = Verified(4)
    chained(state, [0, 1])
    chained(state, [2, 3])
    assert add_label(state, (0, 2), same=False, probability=0.1) is LabelEffect.SEPARATED
    assert add_label(state, (1, 3), same=True) is LabelEffect.REOPENED
    assert len(state.separations()) == 0
    (found,) = state.contradictions
    assert (found.label.first, found.label.second) == (1, 3)
    assert len(found.explanation.label_ids) == 3


def test_a_split_needs_more_than_one_wrong_different() -> None:
    state = Verified(6)
    chained(state, range(6))
    add_label(state, (1, 4), same=True)
    assert add_label(state, (0, 5), same=False) is LabelEffect.CONFLICT
    (contest,) = state.partition.contests()
    assert contest.pair == (0, 5)
    assert contest.log_odds > 0
    assert [found.label.first for found in state.contradictions] == [0]


def test_labels_about_other_animals_may_come_in_any_order() -> None:
    apart: list[Step] = [((0, 1), Answer.SAME, "ana", 0.9), ((2, 3), Answer.DIFFERENT, "ana", 0.1)]
    apart += [((4, 5), Answer.SAME, "ben", 0.97), ((5, 6), Answer.SAME, "ben", 0.97)]
    expected = folded(apart)
    for order in itertools.permutations(apart):
        state = folded(order)
        assert state.components() == expected.components()
        assert len(state.separations()) == len(expected.separations())


def test_not_comparable_closes_the_image_pair_and_nothing_else() -> None:
    state = Verified(3)
    chained(state, [0, 1])
    ruling = state.apply(LabelledPair("x", 0, 2, Answer.NOT_COMPARABLE), "ana", 0.5)
    assert ruling.effect is LabelEffect.CLOSED
    assert not state.is_open(0, 2)
    assert state.is_open(1, 2)
    assert state.answered == 1


def test_two_animals_of_one_image_stay_two_whatever_is_answered() -> None:
    state = Verified(3)
    state.forbid(0, 1)
    chained(state, [0, 2])
    for _ in range(20):
        add_label(state, (1, 2), same=True, probability=0.97)
    assert state.implied(1, 2) is Answer.DIFFERENT
    assert state.explain(1, 2, Answer.SAME).facts == (Fact(Source.IMAGE, 1, 0),)


def test_items_that_were_merged_cannot_be_forbidden() -> None:
    state = Verified(2)
    chained(state, [0, 1])
    with pytest.raises(PreconditionError, match="share an image"):
        state.forbid(0, 1)


def test_what_contradicts_nothing_has_no_explanation() -> None:
    state = Verified(2)
    with pytest.raises(PreconditionError, match="contradicts no label"):
        state.explain(0, 1, Answer.SAME)


def test_items_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="add the items first"):
        Verified(2).apply(LabelledPair("x", 0, 2, Answer.SAME))


def test_a_careless_annotator_loses_weight() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 6, 60)
    state = Verified(60)
    for number in range(1_500):
        first, second = rng.choice(60, 2, replace=False).tolist()
        same = bool(truth[first] == truth[second])
        who = "careful" if rng.random() < 0.7 else "careless"
        said = same ^ bool(who == "careless" and rng.random() < 0.2)
        label = LabelledPair(str(number), first, second, Answer.SAME if said else Answer.DIFFERENT)
        state.apply(label, who, 0.3)
    careful, careless = (state.error_rates(who) for who in ("careful", "careless"))
    assert careful.false_same < 0.02 < careless.false_same
    assert careful.false_different < 0.02 < careless.false_different
    assert state.repeat_agreement().alike > 0.8


@settings(max_examples=150)
@given(histories, st.sampled_from(PAIRS), st.booleans(), st.integers(0, 80))
def test_no_answer_outweighs_what_a_person_decided(
    history: list[Step],
    decided: Pair,
    same: bool,  # noqa: FBT001 - drawn by hypothesis
    after: int,
) -> None:
    answer = Answer.SAME if same else Answer.DIFFERENT
    state = folded(history[:after])
    state.apply(LabelledPair("decided", *decided, answer, certain=True), "carla")
    assert state.implied(*decided) is answer
    for number, (pair, said, annotator, probability) in enumerate(history[after:]):
        state.apply(LabelledPair(f"later-{number}", *pair, said), annotator, probability)
        assert state.implied(*decided) is answer
    state.partition.weigh_again()
    assert state.implied(*decided) is answer
    assert state.answered == sum(said in (Answer.SAME, Answer.DIFFERENT) for _, said, _, _ in history)
    assert "carla" not in state.partition.annotators.answers()


@pytest.mark.parametrize(
    ("decided", "said"), [(Answer.SAME, Answer.DIFFERENT), (Answer.DIFFERENT, Answer.SAME)]
)
def test_an_answer_against_a_decision_is_listed_as_a_contradiction_and_not_asked_again(
    decided: Answer, said: Answer
) -> None:
    state = Verified(3, EASY)
    state.apply(LabelledPair("decided", 0, 1, decided, certain=True), "carla")
    assert state.apply(LabelledPair("against", 0, 1, said), "ana").effect is LabelEffect.CONFLICT
    (contradiction,) = state.contradictions
    assert contradiction.label.label_id == "against"
    assert contradiction.explanation.label_ids == ("decided",)
    assert state.partition.pending_count == 0
    assert not state.partition.contests()


def test_two_large_groups_are_joined_by_one_decision() -> None:
    state = Verified(12, TrustSettings())
    chained(state, range(6))
    chained(state, range(6, 12))
    assert add_label(state, (0, 6), same=True, probability=0.5) is LabelEffect.PENDING
    outcome = state.apply(LabelledPair("decided", 1, 7, Answer.SAME, certain=True), "carla")
    assert outcome.effect is LabelEffect.MERGED
    assert state.decisions().first.size == 11 - 1
