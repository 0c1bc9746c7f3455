from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.journal import Change
from services.common.store.store import Store
from services.common.survey.state import folded_survey
from services.sampler.session import following
from services.sampler.session.following import Followed, Following
from spotted.client import Spotted, SurveyHandle
from spotted.client.values import EventKind, Label
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError, UnavailableError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import store_pb2, survey_pb2
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted
from tests.spotted.client.surveys import COUNT, DETECTIONS, SPEC, serving, survey, vectors
from tests.waiting import until


@pytest.fixture
def client(store: Store) -> Iterator[Spotted]:
    with serving(store) as spotted:
        yield spotted


@pytest.fixture
def handle(client: Spotted, survey_id: str) -> SurveyHandle:
    made = client.create_survey(survey(f"{survey_id}-scored"))
    made.add_detections(DETECTIONS, vectors(), SPEC)
    return made


def grow(store: Store, survey_id: str) -> None:
    """Append an event to the survey's journal, so that it looks changed."""
    event = store_pb2.SurveyEvent(survey=survey_pb2.Survey(survey_id=survey_id))
    folded_survey(store, survey_id).change(lambda _: Change(event.SerializeToString(), b""), scope="test")


def individuals(handle: SurveyHandle) -> set[frozenset[str]]:
    return {frozenset(one.detection_ids) for one in handle.session("main").individuals()}


def same(first: str, second: str, annotator: str = "anna") -> Label:
    return Label(first, second, Answer.SAME, annotator)


def ids_asked(handle: SurveyHandle, annotator: str = "anna") -> set[str]:
    asked = handle.session("main").next_pairs(annotator, count=50, lease_s=0.001).pairs
    return {one.detection_id for pair in asked for one in (pair.first, pair.second)}


def rejoin(handle: SurveyHandle, detection_id: str) -> None:
    """Ask for questions, so that a round is planned that adds the detection."""
    ids_asked(handle, "ben")
    until(lambda: any(detection_id in group for group in individuals(handle)), "a round adds it")


def begun(handle: SurveyHandle) -> None:
    """A session in which d00, d04 and d08 are one animal, and d01 and d05 another."""
    handle.create_session("main", strategy="greedy")
    ids_asked(handle)
    handle.session("main").submit_labels([same("d00", "d04"), same("d04", "d08"), same("d01", "d05")])


def test_a_deleted_detection_leaves_individuals_progress_and_questions(handle: SurveyHandle) -> None:
    begun(handle)
    handle.delete_detections(["d04"])
    assert frozenset({"d01", "d05"}) in individuals(handle)
    assert {frozenset({"d00"}), frozenset({"d08"})} <= individuals(handle)
    assert not any("d04" in group for group in individuals(handle))
    progress = handle.session("main").progress()
    assert (progress.detections, progress.same, progress.individuals) == (COUNT - 1, 1, COUNT - 2)
    assert "d04" not in ids_asked(handle) | ids_asked(handle, "ben")
    with pytest.raises(NotFoundError, match="no detection 'd04'"):
        handle.session("main").submit_labels([same("d04", "d08")])


def test_labels_return_with_the_detection_and_its_image(handle: SurveyHandle) -> None:
    begun(handle)
    before = individuals(handle)
    handle.delete_detections(["d04"])
    assert individuals(handle) != before
    assert [one.first_detection_id for one in handle.session("main").labels()] == ["d01"]
    handle.add_detections([DETECTIONS[4]], vectors()[4:5], SPEC)
    rejoin(handle, "d04")
    assert individuals(handle) == before
    assert len(handle.session("main").labels()) == 3


def test_another_image_under_the_id_does_not_inherit_labels(handle: SurveyHandle) -> None:
    begun(handle)
    handle.delete_detections(["d04"])
    handle.add_detections([DETECTIONS[4]], -vectors()[4:5], SPEC)
    rejoin(handle, "d04")
    assert {frozenset({"d00"}), frozenset({"d04"}), frozenset({"d08"})} <= individuals(handle)
    handle.session("main").submit_labels([same("d04", "d09")])
    # back to the image of before: its labels count again, and those of the other image do not
    handle.update_detections([DETECTIONS[4]], embeddings=vectors()[4:5], spec=SPEC)
    rejoin(handle, "d04")
    assert frozenset({"d00", "d04", "d08"}) in individuals(handle)
    assert frozenset({"d09"}) in individuals(handle)


def test_a_new_image_takes_a_detection_out_and_lets_it_in_again(handle: SurveyHandle) -> None:
    begun(handle)
    moved = replace(DETECTIONS[0], image_id="another")
    handle.update_detections([moved], ["image_id"], embeddings=-vectors()[:1], spec=SPEC)
    kinds = [event.kind for event in handle.session("main").events()]
    assert kinds == [EventKind.CREATED, EventKind.PLANNED, EventKind.LABELLED, EventKind.LEFT]
    rejoin(handle, "d00")
    assert {frozenset({"d00"}), frozenset({"d04", "d08"})} <= individuals(handle)


def test_a_label_on_a_detection_that_left_can_be_retracted(handle: SurveyHandle) -> None:
    begun(handle)
    stored = handle.session("main").submit_labels([same("d02", "d06")]).outcomes[0]
    handle.delete_detections(["d06"])
    label_id = next(iter(e for e in handle.session("main").events() if e.kind is EventKind.LABELLED))
    assert label_id.labels
    handle.session("main").retract_labels([stored.label.label_id], "anna")
    handle.add_detections([DETECTIONS[6]], vectors()[6:7], SPEC)
    rejoin(handle, "d06")
    assert frozenset({"d06"}) in individuals(handle)


def test_corrected_times_are_shown_with_the_next_question(handle: SurveyHandle) -> None:
    handle.create_session("main", strategy="greedy")
    (pair,) = handle.session("main").next_pairs("anna").pairs
    corrected = replace(pair.first, captured_at_s=99_999.0, individual_id="corrected")
    handle.update_detections([corrected], ["captured_at_s", "individual_id"])
    (again,) = handle.session("main").next_pairs("anna").pairs
    assert again.first == corrected
    kinds = {event.kind for event in handle.session("main").events()}
    assert EventKind.LEFT not in kinds


def test_a_session_of_a_survey_with_departures_can_be_copied(handle: SurveyHandle) -> None:
    begun(handle)
    handle.delete_detections(["d04"])
    before = individuals(handle)
    handle.import_session("copy", handle.session("main").events())
    copied = {frozenset(one.detection_ids) for one in handle.session("copy").individuals()}
    assert copied == before


def test_calibration_is_fitted_to_the_labels_that_count(handle: SurveyHandle) -> None:
    begun(handle)
    handle.delete_detections(["d04"])
    labels = [
        (one.first_detection_id, one.second_detection_id, True) for one in handle.session("main").labels()
    ]
    # with too few labels nothing is fitted, and no label names a detection that is gone
    assert "too few" in handle.fit_calibration(labels).reason or handle.fit_calibration(labels).reason


def test_the_event_is_stored_once_by_several_replicas(store: Store, survey_id: str) -> None:
    animals = planted()
    scorer = ToyScorer(animals)
    replicas = [Sampler(store, scorer) for _ in range(3)]
    replicas[0].create(survey_id)
    replicas[0].ask(survey_id)
    del animals["d03"]
    scorer.changed["d03"] = None
    grow(store, survey_id)
    for replica in replicas:
        replica.sessions.follow(survey_id, "main")
    (left,) = events(replicas[0], survey_id, "left")
    assert list(left.left.detection_ids) == ["d03"]
    assert all("d03" not in {i for g in r.partition(survey_id) for i in g} for r in replicas)


def test_a_survey_that_did_not_change_is_not_read(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    sampler.ask(survey_id)
    sampler.sessions.follow(survey_id, "main")
    scorer.fails = AssertionError("the survey is read")
    assert sampler.sessions.follow(survey_id, "main") == Followed()


def test_a_scorer_that_does_not_answer_keeps_no_one_from_answering(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.0)
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    sampler.ask(survey_id)
    scorer.fails = UnavailableError("down")
    scorer.changed["d03"] = None
    grow(store, survey_id)
    assert sampler.ask(survey_id)
    scorer.fails, scorer.changes = None, 1
    sampler.sessions.follow(survey_id, "main")
    assert events(sampler, survey_id, "left")


def test_a_scorer_that_did_not_answer_is_not_asked_at_every_call(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    scorer.fails = UnavailableError("down")
    sampler.sessions.follow(survey_id, "main")
    scorer.fails = AssertionError("it is asked again")
    sampler.sessions.follow(survey_id, "main")


def test_a_survey_restored_under_the_id_is_read_from_its_beginning(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    sampler.ask(survey_id)
    follower = Following(store, scorer)
    folded = sampler.sessions.folded(survey_id, "main")

    def event(left: pb.DetectionsLeft) -> bytes:
        return sampler.sessions.event(left=left)

    follower.follow((survey_id, "main"), folded, event)
    scorer.uid, scorer.changes = "second", -10
    scorer.changed["d03"] = None
    grow(store, survey_id)
    follower.follow((survey_id, "main"), folded, event)
    assert np.isin("d03", folded.view(lambda state, _: list(state.detection_ids))).item() is False
