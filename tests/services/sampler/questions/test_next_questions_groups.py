"""Bursts, galleries and audits."""

from __future__ import annotations

import pytest

from services.common.store.store import Store
from services.sampler import wire
from services.sampler.session.leases import Leases
from services.sampler.session.progress import quick_progress
from spotted.sampling.questions import Kind
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted, true_partition

BURSTS, GALLERIES = frozenset({Kind.PAIR, Kind.BURST}), frozenset({Kind.PAIR, Kind.GALLERY})


def burst_answer(
    sampler: Sampler, survey_id: str, ids: tuple[str, ...], *, one_animal: bool
) -> list[pb.LabelOutcome]:
    answer = pb.BurstAnswer(detection_ids=ids, one_animal=one_animal, annotator_id="anna")
    given = wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[answer]))
    return sampler.sessions.submit(survey_id, "main", given, "", quick_progress)[0]


def frames(*ids: str) -> ToyScorer:
    """Six photographs of two animals; these of the first camera were taken in one minute."""
    animals = {f"d{n}": "ab"[n % 2] for n in range(8)}
    return ToyScorer(animals, times_s={i: 9e6 + 5.0 * n for n, i in enumerate(ids)})


def test_a_burst_of_one_animal_is_one_event_of_a_same_with_each_further_frame(
    store: Store, survey_id: str
) -> None:
    sampler = Sampler(store, frames("d0", "d2", "d4"))
    sampler.create(survey_id, "learned")
    (burst,) = sampler.asked(survey_id, kinds=BURSTS).questions
    assert (burst.question.kind, burst.detection_ids) == (Kind.BURST, ("d0", "d2", "d4"))
    assert len(Leases(store).live(survey_id, "main")) == 2
    outcomes = burst_answer(sampler, survey_id, burst.detection_ids, one_animal=True)
    assert [o.effect for o in outcomes] == [pb.LABEL_EFFECT_MERGED] * 2
    (event,) = events(sampler, survey_id, "labelled")
    assert [label.second_detection_id for label in event.labelled.labels] == ["d2", "d4"]
    assert frozenset({"d0", "d2", "d4"}) in sampler.partition(survey_id)
    assert Leases(store).live(survey_id, "main") == []


def test_a_burst_of_several_animals_is_asked_as_pairs_from_then_on(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, frames("d0", "d2", "d4"))
    sampler.create(survey_id, "learned")
    (burst,) = sampler.asked(survey_id, kinds=BURSTS).questions
    assert burst_answer(sampler, survey_id, burst.detection_ids, one_animal=False) == []
    assert len(sampler.partition(survey_id)) == 8
    assert Leases(store).live(survey_id, "main") == []
    for replica in (sampler, Sampler(store, frames("d0", "d2", "d4"))):
        asked = replica.asked(survey_id, kinds=BURSTS, count=100).questions
        assert {one.question.kind for one in asked} == {Kind.PAIR}


def test_no_to_a_burst_of_two_frames_separates_two_animals(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, frames("d0", "d2"))
    sampler.create(survey_id, "learned")
    (burst,) = sampler.asked(survey_id, kinds=BURSTS).questions
    (outcome,) = burst_answer(sampler, survey_id, burst.detection_ids, one_animal=False)
    assert outcome.effect == pb.LABEL_EFFECT_SEPARATED
    assert {q.question.kind for q in sampler.asked(survey_id, kinds=BURSTS).questions} == {Kind.PAIR}


@pytest.mark.parametrize("kinds", [BURSTS, GALLERIES, BURSTS | GALLERIES])
@pytest.mark.parametrize("trust", [pb.TRUST_SINGLE, pb.TRUST_VERIFIED])
def test_true_answers_to_groups_end_in_the_true_individuals(
    store: Store, survey_id: str, kinds: frozenset[Kind], trust: pb.Trust.ValueType
) -> None:
    animals = planted(animals=4, each=4)
    scorer = ToyScorer(animals, times_s={"d00": 9e6, "d04": 9e6 + 5, "d08": 9e6 + 9})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "learned", trust=trust)
    for _ in range(400):
        asked = sampler.asked(survey_id, kinds=kinds, gallery_size=4)
        if not asked.questions:
            break
        (leased,) = asked.questions
        assert len(leased.detection_ids) <= 5
        first, *others = leased.detection_ids
        for other in others:
            sampler.answer_truly(survey_id, (first, other), animals)
    assert asked.finished
    assert sampler.partition(survey_id) == true_partition(animals)


def test_a_gallery_is_leased_as_a_whole_and_any_part_of_it_may_be_answered(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=3, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    (gallery,) = sampler.asked(survey_id, kinds=GALLERIES, gallery_size=3).questions
    anchor, *candidates = gallery.detection_ids
    assert (gallery.question.kind, len(candidates)) == (Kind.GALLERY, 3)
    held = {lease.pair: lease.annotator_id for lease in Leases(store).live(survey_id, "main")}
    assert held == {(min(anchor, c), max(anchor, c)): "anna" for c in candidates}
    again = sampler.asked(survey_id, kinds=GALLERIES, gallery_size=3).questions
    assert [one.detection_ids for one in again] == [gallery.detection_ids]
    sampler.answer(survey_id, (anchor, candidates[1]), pb.ANSWER_DIFFERENT)
    left = {lease.pair for lease in Leases(store).live(survey_id, "main")}
    assert left == {(min(anchor, c), max(anchor, c)) for c in (candidates[0], candidates[2])}
    # what is left of it comes first
    (rest,) = sampler.asked(survey_id, kinds=GALLERIES, gallery_size=7).questions
    assert rest.detection_ids == (anchor, candidates[0], candidates[2])


def test_an_audit_is_drawn_once_and_asked_alike_by_a_replica_that_replays(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=4, each=3)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id, seed=4)
    sampler.ask(survey_id)
    first = [q.detection_ids for q in sampler.asked(survey_id, audit=True, count=5).questions]
    replica = Sampler(store, ToyScorer(animals))
    assert [q.detection_ids for q in replica.asked(survey_id, audit=True, count=5).questions] == first
    (drawn,) = events(sampler, survey_id, "audit")
    assert drawn.audit.open_pairs == 12 * 11 // 2
    # what another holds is not asked, and no further audit is drawn meanwhile
    others = [q.detection_ids for q in replica.asked(survey_id, "ben", audit=True, count=5).questions]
    assert len(others) == 5
    assert not set(others) & set(first)
    assert len(events(sampler, survey_id, "audit")) == 1


def test_audits_follow_one_another_until_every_pair_is_known(store: Store, survey_id: str) -> None:
    animals = planted(animals=2, each=3)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    sampler.ask(survey_id)
    while (asked := sampler.asked(survey_id, audit=True)).questions:
        first, second = sorted(asked.questions[0].detection_ids)
        sampler.answer_truly(survey_id, (first, second), animals)
    assert asked.finished
    assert sampler.partition(survey_id) == true_partition(animals)


def test_an_audit_pair_that_another_holds_leaves_the_audit_unfinished(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer({"d1": "a", "d2": "b"}))
    sampler.create(survey_id)
    assert sampler.ask(survey_id, "anna")
    asked = sampler.asked(survey_id, "ben", audit=True)
    assert (asked.questions, asked.finished) == ((), False)
