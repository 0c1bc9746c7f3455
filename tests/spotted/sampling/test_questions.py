from __future__ import annotations

import itertools
from collections.abc import Collection

from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.verified import Verified
from spotted.sampling.questions import (
    BURST_REASON,
    ONE_ANIMAL,
    Kind,
    Question,
    Taken,
    burst_questions,
    galleries,
    pair_question,
)
from spotted.sampling.rounds import Pair, PairQuery
from spotted.v1 import sampler_pb2 as pb

S, D, N = Answer.SAME, Answer.DIFFERENT, Answer.NOT_COMPARABLE
Said = tuple[int, int, Answer]


def folded(count: int, *said: Said) -> Constraints:
    constraints = Closure(count)
    for n, (first, second, answer) in enumerate(said):
        constraints.apply(LabelledPair(str(n), first, second, answer))
    return constraints


def queries(*pairs: Pair) -> list[PairQuery]:
    """The likeliest first."""
    return [PairQuery(*pair, "why", 1.0 - place / 100) for place, pair in enumerate(pairs)]


def laid_out(
    constraints: Constraints,
    asked: list[PairQuery],
    size: int,
    skipped: Collection[Pair] = frozenset(),
    *,
    planned: int | None = None,
    taken: Taken | None = None,
) -> list[Question]:
    """Galleries for the first `planned` queries, filled from all of them."""

    def about(component: int) -> list[PairQuery]:
        return [query for query in asked if component in map(constraints.component_of, query[:2])]

    return list(galleries(constraints, asked[:planned], about, size, refused=skipped, taken=taken))


def bursts(
    constraints: Constraints, *frames: tuple[int, ...], refused: tuple[tuple[int, ...], ...] = ()
) -> list[tuple[int, ...]]:
    asked = burst_questions(constraints, frames, {frozenset(one) for one in refused})
    return [question.items for question in asked]


def test_the_kinds_are_those_of_the_contract() -> None:
    assert [(kind.name, kind.value) for kind in Kind] == [
        (name.removeprefix("QUESTION_KIND_"), value) for name, value in pb.QuestionKind.items() if value
    ]


def test_a_pair_is_a_question_about_itself() -> None:
    query = PairQuery(2, 5, "why", 0.5, (1.0,))
    question = pair_question(query)
    assert (question.kind, question.items, question.pairs) == (Kind.PAIR, (2, 5), (query,))


def test_what_is_taken_is_taken_for_all_images_of_two_groups() -> None:
    constraints = folded(6, (0, 1, S), (2, 3, S))
    taken = Taken(constraints, [(0, 2)])
    assert not taken.free([(1, 3)])
    assert not taken.free([(4, 5), (2, 1)])
    assert taken.free([(0, 4), (2, 4)])
    taken.take([(4, 0)])
    assert not taken.free([(1, 4)])
    assert taken.free([(2, 4)])


def test_a_burst_asks_each_frame_with_the_first_in_their_order() -> None:
    (question,) = burst_questions(Closure(5), [(3, 1, 4)])
    assert (question.kind, question.items) == (Kind.BURST, (3, 1, 4))
    assert [(query.first, query.second) for query in question.pairs] == [(1, 3), (3, 4)]
    assert {(query.reason, query.score) for query in question.pairs} == {(BURST_REASON, 0.0)}


def test_a_burst_is_asked_until_it_is_known_to_be_one_animal_or_several() -> None:
    frames = (0, 1, 2)
    assert bursts(folded(4, (0, 1, S)), frames) == [frames]
    assert bursts(folded(4, (0, 1, S), (1, 2, S)), frames) == []
    assert bursts(folded(4, (1, 2, D)), frames) == []
    # two groups, known to be two animals by other photographs
    assert bursts(folded(4, (0, 3, S), (3, 2, D)), frames) == []


def test_a_burst_that_holds_several_animals_is_not_asked_again_however_its_frames_were_listed() -> None:
    assert bursts(Closure(6), (0, 1, 2), (3, 4, 5), refused=((2, 0, 1),)) == [(3, 4, 5)]
    # other frames are another question
    assert bursts(Closure(6), (0, 1), refused=((0, 1, 2),)) == [(0, 1)]


def test_a_burst_whose_frames_cannot_be_compared_is_no_question() -> None:
    assert bursts(folded(3, (0, 1, N)), (0, 1)) == []
    assert bursts(folded(3, (0, 1, N)), (0, 1, 2)) == [(0, 1, 2)]


def test_a_burst_that_waits_for_another_answer_is_left_to_checks() -> None:
    constraints = Verified(2)
    constraints.apply(LabelledPair("1", 0, 1, S), "anna", 0.1)
    assert constraints.pending_count == 1
    assert bursts(constraints, (0, 1)) == []


def test_a_gallery_stands_around_the_image_that_most_questions_are_about() -> None:
    asked = laid_out(Closure(6), queries((0, 1), (1, 2), (4, 5), (1, 3)), 7)
    assert [(question.kind, question.items) for question in asked] == [
        (Kind.GALLERY, (1, 0, 2, 3)),
        (Kind.PAIR, (4, 5)),
    ]
    gallery = asked[0]
    assert [(query.first, query.second) for query in gallery.pairs] == [(0, 1), (1, 2), (1, 3)]
    assert [query.score for query in gallery.pairs] == [1.0, 0.99, 0.97]
    assert {query.reason for query in gallery.pairs} == {ONE_ANIMAL}


def test_a_gallery_gathers_the_questions_about_all_images_of_its_anchor() -> None:
    constraints = folded(5, (0, 1, S))
    (gallery,) = laid_out(constraints, queries((0, 2), (1, 3), (1, 4)), 7)
    assert gallery.items == (0, 2, 3, 4)
    assert [(query.first, query.second) for query in gallery.pairs] == [(0, 2), (0, 3), (0, 4)]


def test_a_gallery_is_no_larger_than_it_may_be_and_the_rest_is_asked_after_it() -> None:
    asked = [q.items for q in laid_out(Closure(6), queries((0, 1), (0, 2), (0, 3), (0, 4), (0, 5)), 2)]
    assert asked == [(0, 1, 2), (0, 3, 4), (0, 5)]


def test_a_gallery_of_one_is_a_pair() -> None:
    assert [q.kind for q in laid_out(Closure(4), queries((0, 1), (0, 2)), 1)] == [Kind.PAIR] * 2
    assert [q.kind for q in laid_out(Closure(4), queries((0, 1), (2, 3)), 7)] == [Kind.PAIR] * 2


def test_what_an_annotator_skipped_is_in_no_gallery_and_its_question_stays_on_its_own_image() -> None:
    constraints = folded(5, (0, 1, S))
    # the anchor would be 0, whose image pair with 3 was skipped
    asked = laid_out(constraints, queries((0, 2), (1, 3), (1, 4)), 7, {(0, 3)})
    assert [question.items for question in asked] == [(0, 2, 4), (1, 3)]


def test_an_image_that_cannot_be_compared_with_the_anchor_is_asked_on_its_own() -> None:
    constraints = folded(5, (0, 1, S), (0, 3, N))
    asked = laid_out(constraints, queries((0, 2), (1, 3), (1, 4)), 7)
    assert [question.items for question in asked] == [(0, 2, 4), (1, 3)]


def test_a_gallery_is_filled_from_all_queries_of_the_round_and_not_only_from_the_next_ones() -> None:
    asked = queries((0, 1), (2, 3), (4, 5), (0, 4), (0, 5))
    assert [q.items for q in laid_out(Closure(6), asked, 7, planned=1)] == [(0, 1, 4, 5)]
    assert [q.items for q in laid_out(Closure(6), asked, 2, planned=1)] == [(0, 1, 4)]


def test_an_animal_is_in_a_gallery_once_and_never_if_it_is_asked_about_elsewhere() -> None:
    constraints = folded(6, (1, 2, S))
    asked = queries((0, 1), (0, 2), (0, 3), (0, 4))
    assert [q.items for q in laid_out(constraints, asked, 7)] == [(0, 1, 3, 4)]
    elsewhere = Taken(constraints, [(0, 3)])
    assert [q.items for q in laid_out(constraints, asked, 7, taken=elsewhere)] == [(0, 1, 4)]
    assert laid_out(constraints, queries((0, 2)), 7, taken=Taken(constraints, [(1, 0)])) == []


every = list(itertools.combinations(range(7), 2))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(every), st.sampled_from([S, D, N])), max_size=8),
    st.lists(st.sampled_from(every), unique=True),
    st.integers(1, 5),
    st.sets(st.sampled_from(every), max_size=5),
)
def test_every_question_is_asked_exactly_once_in_some_gallery_or_as_a_pair(
    said: list[tuple[Pair, Answer]], pairs: list[Pair], size: int, skipped: set[Pair]
) -> None:
    constraints = folded(7, *((*pair, answer) for pair, answer in said))

    def about(first: int, second: int) -> frozenset[int]:
        return frozenset((constraints.component_of(first), constraints.component_of(second)))

    apart = {about(*pair): pair for pair in pairs if constraints.is_open(*pair) and pair not in skipped}
    asked = laid_out(constraints, queries(*apart.values()), size, skipped)
    decided = [(query.first, query.second) for question in asked for query in question.pairs]
    assert sorted(map(sorted, (about(*pair) for pair in decided))) == sorted(map(sorted, apart))
    assert all(constraints.is_open(*pair) for pair in decided)
    assert not skipped & set(decided)
    for question in asked:
        assert len(question.items) <= max(size + 1, 2)
        if question.kind is Kind.GALLERY:
            assert len(question.items) > 2
            assert {question.items[0]} == set.intersection(*({q.first, q.second} for q in question.pairs))
