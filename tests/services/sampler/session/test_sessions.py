from __future__ import annotations

import gc
import itertools
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common import process
from services.common.store.store import Store
from services.common.telemetry import metrics
from services.sampler.session.defaults import with_settings
from services.sampler.session.leases import Leases
from services.sampler.session.progress import quick_progress
from services.sampler.session.sessions import Sessions
from services.sampler.session.settings_change import update_session
from spotted.constraints.verified import Verified
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_BELIEVED, KNOWN_INDIVIDUALS_IGNORED
from spotted.v1.store_pb2 import StoredSubmission
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted, true_partition


def sampler(store: Store, animals: dict[str, str] | None = None) -> Sampler:
    return Sampler(store, ToyScorer(planted() if animals is None else animals))


def label(pair: tuple[str, str], answer: pb.Answer.ValueType, annotator: str = "a") -> pb.Label:
    return pb.Label(
        first_detection_id=pair[0], second_detection_id=pair[1], answer=answer, annotator_id=annotator
    )


def retract(made: Sampler, survey_id: str, label_id: str, request_id: str = "") -> pb.Progress:
    retracted = pb.LabelsRetracted(label_ids=[label_id], annotator_id="a")
    return made.sessions.retract(survey_id, "main", retracted, request_id, quick_progress)


def test_a_session_writes_its_defaults_out(store: Store, survey_id: str) -> None:
    made = sampler(store)
    session = made.sessions.create(pb.Session(session_id="main", survey_id=survey_id, seed=3), "")
    assert (session.strategy.strategy_id, session.strategy.retrain, session.seed) == ("learned", False, 3)
    assert session.position == 1
    assert session.HasField("create_time")


def test_creating_again_is_the_same_session_and_other_content_is_refused(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    first = made.create(survey_id)
    assert made.create(survey_id) == first
    with pytest.raises(AlreadyExistsError, match="another strategy and seed;"):
        made.create(survey_id, "random", seed=9)
    with pytest.raises(AlreadyExistsError, match="another known_individuals;"):
        made.create(survey_id, known_individuals=KNOWN_INDIVIDUALS_IGNORED)


def test_a_survey_without_detections_has_nothing_to_ask(store: Store, survey_id: str) -> None:
    with pytest.raises(PreconditionError, match="has no detections"):
        sampler(store, {}).create(survey_id)


def test_an_unknown_survey_or_strategy_is_refused_and_leaves_no_session(store: Store, survey_id: str) -> None:
    made = sampler(store)
    with pytest.raises(NotFoundError):
        made.create("nosuch")
    with pytest.raises(InvalidInputError, match="greedy-visual"):
        made.create(survey_id, "guess")
    assert made.sessions.list_ids(survey_id) == []


def test_a_label_of_an_unknown_pair_stores_nothing_of_its_call(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    good, bad = label(pair, pb.ANSWER_SAME), label((pair[0], "dx"), pb.ANSWER_SAME)
    with pytest.raises(NotFoundError, match="'dx'"):
        made.sessions.submit(survey_id, "main", pb.LabelsGiven(labels=[good, bad]), "", quick_progress)
    assert not any(event.HasField("labelled") for event in made.sessions.events(survey_id, "main"))


def test_a_repeated_request_stores_once_and_answers_the_same(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    first = made.answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    again = sampler(store).answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    assert again == first
    assert sum(event.HasField("labelled") for event in made.sessions.events(survey_id, "main")) == 1


def test_a_submission_is_stored_as_a_labelled_event_and_a_message_of_its_own(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    outcome = made.answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    event = made.sessions.events(survey_id, "main")[-1]
    assert event.WhichOneof("event") == "labelled"
    assert [stored.label_id for stored in event.labelled.labels] == [outcome.label.label_id]
    first_answer = made.sessions.folded(survey_id, "main").journal.answered("SubmitLabels:main", "r")
    assert first_answer is not None
    assert StoredSubmission.FromString(first_answer) == StoredSubmission(label_ids=[outcome.label.label_id])


def test_a_repeated_submission_returns_the_first_outcomes_and_is_counted_once(
    store: Store, survey_id: str
) -> None:
    made = sampler(store, {"d1": "a", "d2": "a", "d3": "b"})
    made.create(survey_id)
    made.ask(survey_id)
    counted = metrics.LABELS_BY_ANSWER[pb.ANSWER_SAME]
    before = counted._value.get()
    first = made.answer(survey_id, ("d1", "d2"), pb.ANSWER_SAME, request_id="r")
    made.answer(survey_id, ("d2", "d3"), pb.ANSWER_DIFFERENT)
    # another pair and answer under the same id: the first answer counts
    assert made.answer(survey_id, ("d1", "d3"), pb.ANSWER_SAME, request_id="r") == first
    assert sampler(store).answer(survey_id, ("d1", "d2"), pb.ANSWER_SAME, request_id="r") == first
    assert counted._value.get() == before + 1


def test_a_repeat_that_could_not_be_stored_now_is_answered_as_the_first_time(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    first = made.answer(survey_id, pair, pb.ANSWER_SAME, request_id="r")
    assert made.answer(survey_id, (pair[0], "dx"), pb.ANSWER_SAME, request_id="r") == first


def test_ids_that_name_no_session_take_no_memory(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.sessions.get(survey_id, "main")
    for n in range(20):
        with pytest.raises(NotFoundError):
            made.sessions.get(survey_id, f"nosuch-{n}")
        with pytest.raises(NotFoundError):
            made.sessions.events(survey_id, f"nosuch-{n}")
    assert list(made.sessions._folded) == [(survey_id, "main")]


def test_outcomes_show_merges_separations_and_what_was_implied(store: Store, survey_id: str) -> None:
    made = sampler(store, {"d1": "a", "d2": "a", "d3": "b"})
    made.create(survey_id)
    made.ask(survey_id)
    merged = made.answer(survey_id, ("d1", "d2"), pb.ANSWER_SAME)
    apart = made.answer(survey_id, ("d2", "d3"), pb.ANSWER_DIFFERENT)
    implied = made.answer(survey_id, ("d1", "d3"), pb.ANSWER_DIFFERENT, "ben")
    conflict = made.answer(survey_id, ("d1", "d3"), pb.ANSWER_SAME, "cleo")
    effects = [outcome.effect for outcome in (merged, apart, implied, conflict)]
    assert effects == [
        pb.LABEL_EFFECT_MERGED,
        pb.LABEL_EFFECT_SEPARATED,
        pb.LABEL_EFFECT_IMPLIED,
        pb.LABEL_EFFECT_CONFLICT,
    ]
    assert merged.implied_same_pairs == 1
    assert [label.annotator_id for label in conflict.conflict.explanation] == ["ben"]


def test_retracting_a_label_that_does_not_stand_is_refused(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    with pytest.raises(NotFoundError, match="no label '9-1'"):
        retract(made, survey_id, "9-1")


def test_an_answer_comes_with_the_progress_after_it(store: Store, survey_id: str) -> None:
    made = sampler(store, {"d1": "a", "d2": "a", "d3": "b"})
    made.create(survey_id)
    made.ask(survey_id)
    labels = [label(("d1", "d2"), pb.ANSWER_SAME), label(("d2", "d3"), pb.ANSWER_DIFFERENT)]
    outcomes, progress = made.sessions.submit(
        survey_id, "main", pb.LabelsGiven(labels=labels), "", quick_progress
    )
    assert [outcome.label.label_id for outcome in outcomes] == ["3-1", "3-2"]
    assert (progress.same, progress.different, progress.position) == (1, 1, 3)
    assert retract(made, survey_id, "3-1").same == 0


def test_an_answer_ends_the_lease_of_its_pair_only(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    first, second = made.ask(survey_id, count=2)
    leases = Leases(store)
    assert {lease.pair for lease in leases.live(survey_id, "main")} == {first, second}
    made.answer(survey_id, (first[1], first[0]), pb.ANSWER_SKIP)
    assert [lease.pair for lease in leases.live(survey_id, "main")] == [second]


def test_a_pair_that_another_process_brought_in_can_be_answered(store: Store, survey_id: str) -> None:
    here, there = sampler(store), sampler(store)
    here.create(survey_id)
    here.sessions.get(survey_id, "main")
    there.sessions.get(survey_id, "main")
    (pair,) = here.ask(survey_id)
    # the detections of the session came after this process last read it
    assert there.answer(survey_id, pair, pb.ANSWER_SAME).effect == pb.LABEL_EFFECT_MERGED


def test_a_recreated_session_is_not_answered_as_the_old_one(store: Store, survey_id: str) -> None:
    here, there = sampler(store), sampler(store)
    here.create(survey_id)
    (pair,) = here.ask(survey_id)
    here.answer(survey_id, pair, pb.ANSWER_SAME)
    there.sessions.delete(survey_id, "main", "")
    with pytest.raises(NotFoundError, match="create the session first"):
        here.answer(survey_id, pair, pb.ANSWER_SAME)
    there.create(survey_id, "random")
    # the detections of the new session are added for the label
    assert here.answer(survey_id, pair, pb.ANSWER_DIFFERENT).label.label_id == "3-1"


def test_annotators_who_answer_at_once_on_two_replicas_lose_nothing(store: Store, survey_id: str) -> None:
    replicas = [sampler(store), sampler(store)]
    replicas[0].create(survey_id)
    replicas[0].ask(survey_id)
    pairs = list(itertools.combinations(planted(), 2))[:96]

    def answer(annotator: int) -> list[str]:
        made = replicas[annotator % 2]
        given = [made.answer(survey_id, p, pb.ANSWER_SKIP, f"a{annotator}") for p in pairs[annotator::8]]
        return [outcome.label.label_id for outcome in given]

    with ThreadPoolExecutor(8) as threads:
        label_ids = [i for ids in threads.map(answer, range(8)) for i in ids]
    states = [made.sessions.folded(survey_id, "main").view(lambda s, _: dict(s.labels)) for made in replicas]
    assert states[0] == states[1]
    assert sorted(states[0]) == sorted(label_ids) == sorted(f"{n}-1" for n in range(3, 99))


def test_a_repeated_retraction_is_answered_alike(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    label_id = made.answer(survey_id, pair, pb.ANSWER_SAME).label.label_id
    first = retract(made, survey_id, label_id, "r")
    assert retract(made, survey_id, label_id, "r") == first
    with pytest.raises(NotFoundError, match="or it was retracted"):
        retract(made, survey_id, label_id, "other")


def test_events_are_numbered_from_one(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.ask(survey_id)
    events = made.sessions.events(survey_id, "main")
    assert [event.position for event in events] == [1, 2]
    assert [event.WhichOneof("event") for event in events] == ["created", "planned"]


def test_a_deleted_session_is_gone_and_the_repeat_of_its_deletion_succeeds(
    store: Store, survey_id: str
) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.sessions.delete(survey_id, "main", "r")
    made.sessions.delete(survey_id, "main", "r")
    with pytest.raises(NotFoundError):
        made.sessions.get(survey_id, "main")
    with pytest.raises(NotFoundError):
        made.sessions.events(survey_id, "main")
    assert made.sessions.list_ids(survey_id) == []
    assert made.sessions.existing(survey_id, ["main"]) == []
    made.create(survey_id, "random")
    assert made.sessions.get(survey_id, "main").strategy.strategy_id == "random"


def test_what_leaves_memory_is_freed_at_once(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id, trust=pb.TRUST_VERIFIED)
    for _ in range(3):
        made.answer(survey_id, made.ask(survey_id)[0], pb.ANSWER_SAME)
    folded = made.sessions.folded(survey_id, "main")
    state, constraints = (weakref.ref(each) for each in (folded.peek(), folded.peek().constraints))
    assert isinstance(constraints(), Verified)
    gc.collect()
    gc.disable()
    try:
        made.sessions.delete(survey_id, "main", "")
        del folded
        assert (state(), constraints()) == (None, None)
    finally:
        gc.enable()


def test_verified_trust_keeps_what_stands_here_and_at_a_replica_that_replays(
    store: Store, survey_id: str
) -> None:
    animals = {"d1": "a", "d2": "b", "d3": "c"}
    here, there = sampler(store, animals), sampler(store, animals)
    here.create(survey_id, "learned", trust=pb.TRUST_UNSPECIFIED)
    here.ask(survey_id)
    there.sessions.get(survey_id, "main")
    # one SAME of these would not suffice as evidence
    unlikely = here.unlikeliest(survey_id)
    (third,) = animals.keys() - set(unlikely)
    assert here.answer(survey_id, unlikely, pb.ANSWER_SAME).effect == pb.LABEL_EFFECT_MERGED
    assert there.answer(survey_id, (unlikely[0], third), pb.ANSWER_SKIP).effect == pb.LABEL_EFFECT_CLOSED

    def progress() -> list[pb.Progress]:
        replicas = here, there, sampler(store, animals)
        seen = [made.sessions.folded(survey_id, "main").view(quick_progress) for made in replicas]
        assert seen[0] == seen[1] == seen[2]
        return seen

    changes = pb.Session(survey_id=survey_id, session_id="main", trust=pb.TRUST_VERIFIED)
    stored, after = update_session(there.sessions, changes, ["trust"], "", quick_progress)
    assert (stored.trust, after.individuals) == (pb.TRUST_VERIFIED, 2)
    label_id = there.answer(survey_id, (unlikely[1], third), pb.ANSWER_NOT_COMPARABLE, "ben").label.label_id
    both = progress()[0]
    assert (both.trust, both.individuals, both.pending) == (pb.TRUST_VERIFIED, 2, 0)
    retract(here, survey_id, label_id)
    alone = progress()[0]
    assert (alone.trust, alone.individuals, alone.pending) == (pb.TRUST_VERIFIED, 2, 0)


def test_a_session_opened_again_with_another_trust_is_refused(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id, trust=pb.TRUST_UNSPECIFIED)
    with pytest.raises(AlreadyExistsError, match="another trust"):
        made.create(survey_id, trust=pb.TRUST_VERIFIED)


def test_labels_are_stored_before_the_first_question(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    with pytest.raises(NotFoundError, match=f"{survey_id!r} has no detection 'dx'"):
        made.answer(survey_id, ("d00", "dx"), pb.ANSWER_SAME)
    assert made.sessions.get(survey_id, "main").position == 1
    same = made.answer(survey_id, ("d00", "d05"), pb.ANSWER_SAME)
    assert (same.effect, same.label.label_id) == (pb.LABEL_EFFECT_MERGED, "3-1")
    assert made.answer(survey_id, ("d05", "d00"), pb.ANSWER_SAME).effect == pb.LABEL_EFFECT_IMPLIED
    assert [len(event.read.added_detection_ids) for event in events(made, survey_id, "read")] == [20]
    # the first round adds none of them again
    made.ask(survey_id)
    (planned,) = events(made, survey_id, "planned")
    assert list(planned.planned.added_detection_ids) == []
    assert made.finish(survey_id, made.sessions.scorer.animals) > 0  # type: ignore[attr-defined] # a toy
    assert made.partition(survey_id) == true_partition(planted())


def test_a_label_of_a_detection_that_came_since_adds_it(store: Store, survey_id: str) -> None:
    animals = planted()
    made = sampler(store, animals)
    made.create(survey_id)
    made.ask(survey_id)
    animals["d99"] = animals["d00"]
    burst = pb.LabelsGiven(mixed_bursts=[pb.DetectionSet(detection_ids=["d99", "d01", "d02"])])
    made.sessions.submit(survey_id, "main", burst, "", quick_progress)
    (read,) = events(made, survey_id, "read")
    assert list(read.read.added_detection_ids) == ["d99"]


def test_names_are_those_of_the_creation_until_they_are_read_again(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted(), more={i: {"individual_id": "Mvula"} for i in ("d00", "d05")})
    made = Sampler(store, scorer)
    assert made.create(survey_id).known_individuals == KNOWN_INDIVIDUALS_BELIEVED
    assert made.sessions.get(survey_id, "main").position == 2
    assert frozenset({"d00", "d05"}) in made.partition(survey_id)
    scorer.more["d10"] = {"individual_id": "Mvula"}
    made.ask(survey_id)
    assert frozenset({"d00", "d05"}) in made.partition(survey_id)
    changes = pb.Session(survey_id=survey_id, session_id="main")
    update_session(made.sessions, with_settings(changes), ["known_individuals"], "", quick_progress)
    assert frozenset({"d00", "d05", "d10"}) in made.partition(survey_id)
    assert Sampler(store, scorer).partition(survey_id) == made.partition(survey_id)


def test_names_of_a_survey_are_not_read_if_they_are_ignored(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted(), more={i: {"individual_id": "Mvula"} for i in planted()})
    made = Sampler(store, scorer)
    assert made.create(survey_id, known_individuals=KNOWN_INDIVIDUALS_IGNORED).position == 1
    assert made.finish(survey_id, scorer.animals) > 0
    assert made.partition(survey_id) == true_partition(scorer.animals)


def test_a_mixed_burst_of_unknown_frames_stores_nothing(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.ask(survey_id)
    frames = pb.DetectionSet(detection_ids=["d00", "d01", "dx"])
    with pytest.raises(NotFoundError, match="no detection 'dx'"):
        made.sessions.submit(survey_id, "main", pb.LabelsGiven(mixed_bursts=[frames]), "", quick_progress)
    assert not any(event.HasField("labelled") for event in made.sessions.events(survey_id, "main"))


def test_a_mixed_burst_ends_its_leases_and_adds_no_label(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    made.ask(survey_id)
    leases = Leases(store)
    generation = made.sessions.folded(survey_id, "main").generation
    leases.acquire(
        (survey_id, "main"), generation, "anna", [("d00", "d05"), ("d05", "d10"), ("d01", "d02")], 60.0
    )
    held = {lease.pair for lease in leases.live(survey_id, "main")}
    frames = pb.DetectionSet(detection_ids=["d05", "d00", "d10"])
    given = pb.LabelsGiven(mixed_bursts=[frames])
    outcomes, progress = made.sessions.submit(survey_id, "main", given, "", quick_progress)
    assert (outcomes, progress.individuals) == ([], 20)
    ended = held - {lease.pair for lease in leases.live(survey_id, "main")}
    assert ended == {("d00", "d05"), ("d05", "d10")}


def test_sessions_beyond_the_memory_budget_are_dropped_and_folded_again(store: Store, survey_id: str) -> None:
    made = sampler(store)
    made.create(survey_id)
    (pair,) = made.ask(survey_id)
    made.answer(survey_id, pair, pb.ANSWER_SAME)
    other = pb.Session(session_id="other", survey_id=survey_id)
    made.sessions.create(other, "")
    small = Sessions(store, ToyScorer(planted()), now=process.now, budget_bytes=1)
    assert small.get(survey_id, "main") == made.sessions.get(survey_id, "main")
    small.get(survey_id, "other")
    assert list(small._folded) == [(survey_id, "other")]
    assert small.get(survey_id, "main") == made.sessions.get(survey_id, "main")
