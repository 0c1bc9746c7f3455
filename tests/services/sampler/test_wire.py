from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.sampler import wire
from services.sampler.facts.asked import asked_about
from services.sampler.questions.next_questions import LeasedQuestion, QuestionBatch
from services.sampler.survey_values import SurveyFacts, Version
from spotted.client.session_messages import questions
from spotted.constraints.closure import Closure
from spotted.errors import InvalidInputError
from spotted.sampling.questions import Kind, Question, galleries, pair_question
from spotted.sampling.rounds import PairQuery
from spotted.survey import Camera, Detection
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter

CAMERAS = {"c": Camera("c", 0.0, 0.0), "d": Camera("d", 3000.0, 4000.0), "lost": Camera("lost")}


def label(**changed: object) -> pb.Label:
    fields = {
        "first_detection_id": "d1",
        "second_detection_id": "d2",
        "answer": pb.ANSWER_SAME,
        "annotator_id": "a",
    }
    return pb.Label(**{**fields, **changed})  # type: ignore[arg-type] # wrong values on purpose


def burst(*detection_ids: str, one_animal: bool = True, annotator: str = "a") -> pb.BurstAnswer:
    return pb.BurstAnswer(detection_ids=detection_ids, one_animal=one_animal, annotator_id=annotator)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"annotator_id": ""}, "labels[1].annotator_id"),
        ({"second_detection_id": "d1"}, "labels[1].second_detection_id"),
        ({"answer": 0}, "labels[1].answer"),
        ({"answer": 77}, "labels[1].answer"),
    ],
)
def test_a_wrong_label_is_named_by_its_place(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wire.labels_to_store(pb.SubmitLabelsRequest(labels=[label(), label(**changed)]))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (burst("d1", "d2", annotator=""), "bursts[1].annotator_id"),
        (burst("d1"), "bursts[1].detection_ids"),
        (burst(*map(str, range(101))), "bursts[1].detection_ids"),
        (burst("d1", "d2", "d1"), "bursts[1].detection_ids"),
    ],
)
def test_a_wrong_burst_is_named_by_its_place(wrong: pb.BurstAnswer, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[burst("d1", "d2"), wrong]))
    assert caught.value.field == field


@pytest.mark.parametrize(("labels", "bursts"), [(0, 0), (1001, 0), (950, 51)])
def test_no_answer_or_too_many_are_refused(labels: int, bursts: int) -> None:
    request = pb.SubmitLabelsRequest(labels=[label()] * labels, bursts=[burst("d1", "d2")] * bursts)
    with pytest.raises(InvalidInputError, match="use 1 to 1000"):
        wire.labels_to_store(request)


def test_more_than_a_hundred_bursts_are_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[burst("d1", "d2")] * 101))
    assert caught.value.field == "bursts"


def test_a_burst_of_one_animal_is_a_same_of_each_frame_with_the_first_after_all_labels() -> None:
    given = wire.labels_to_store(pb.SubmitLabelsRequest(labels=[label()], bursts=[burst("d5", "d4", "d3")]))
    assert [(one.first_detection_id, one.second_detection_id, one.answer) for one in given.labels] == [
        ("d1", "d2", pb.ANSWER_SAME),
        ("d5", "d4", pb.ANSWER_SAME),
        ("d5", "d3", pb.ANSWER_SAME),
    ]
    assert {one.annotator_id for one in given.labels} == {"a"}
    assert not given.mixed_bursts


def test_two_frames_of_two_animals_are_different_and_more_frames_say_nothing_of_a_pair() -> None:
    bursts = [burst("d1", "d2", one_animal=False), burst("d3", "d4", "d5", one_animal=False)]
    given = wire.labels_to_store(pb.SubmitLabelsRequest(bursts=bursts))
    (different,) = given.labels
    assert (different.first_detection_id, different.second_detection_id) == ("d1", "d2")
    assert different.answer == pb.ANSWER_DIFFERENT
    assert [list(mixed.detection_ids) for mixed in given.mixed_bursts] == [["d3", "d4", "d5"]]


def test_what_was_said_about_a_burst_is_kept_with_its_labels_or_with_the_closed_burst() -> None:
    bursts = [burst("d1", "d2", "d3"), burst("d4", "d5", "d6", one_animal=False)]
    for one in bursts:
        one.note, one.confidence = "torn ear", pb.CONFIDENCE_GUESS
    given = wire.labels_to_store(pb.SubmitLabelsRequest(bursts=bursts))
    kept: list[pb.Label | pb.DetectionSet] = [*given.labels, *given.mixed_bursts]
    assert len(kept) == 3
    assert {(one.note, one.confidence) for one in kept} == {("torn ear", pb.CONFIDENCE_GUESS)}
    assert given.mixed_bursts[0].annotator_id == "a"


@pytest.mark.parametrize(("field", "value"), [("note", "\x1b"), ("note", "n" * 1001), ("confidence", 9)])
def test_a_wrong_remark_on_a_burst_is_named(field: str, value: object) -> None:
    wrong = burst("d1", "d2")
    setattr(wrong, field, value)
    with pytest.raises(InvalidInputError) as caught:
        wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[wrong]))
    assert caught.value.field == f"bursts[0].{field}"


def test_the_frames_of_a_burst_keep_the_versions_that_were_asked_about() -> None:
    same, mixed = burst("d1", "d2", "d3"), burst("d3", "d4", "d5", one_animal=False)
    same.versions.extend([2, 0, 1])
    mixed.versions.extend([0, 1, 0])
    given = wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[same, mixed, burst("d6", "d7")]))
    assert [asked_about(one) for one in given.labels] == [
        [("d1", 2), ("d2", 0)],
        [("d1", 2), ("d3", 1)],
        [("d6", None), ("d7", None)],
    ]
    assert asked_about(given.mixed_bursts[0]) == [("d3", 0), ("d4", 1), ("d5", 0)]
    same.versions.pop()
    with pytest.raises(InvalidInputError) as caught:
        wire.labels_to_store(pb.SubmitLabelsRequest(bursts=[same]))
    assert caught.value.field == "bursts[0].versions"


def asking(**changed: object) -> pb.NextPairsRequest:
    fields = {"annotator_id": "a"} | changed
    return pb.NextPairsRequest(**fields)  # type: ignore[arg-type] # any of its fields


def test_a_lease_lasts_ten_minutes_unless_it_is_said_and_a_day_at_most() -> None:
    assert wire.question_request(asking()).lease_s == 600.0
    assert wire.question_request(asking(lease_duration=Duration(seconds=5))).lease_s == 5.0
    with pytest.raises(InvalidInputError, match="lease_duration"):
        wire.question_request(asking(lease_duration=Duration(seconds=90_000)))


def test_one_question_is_asked_unless_it_is_said_and_a_hundred_at_most() -> None:
    assert [wire.question_request(asking(count=n)).count for n in (0, 7, 500)] == [1, 7, 100]


def test_a_gallery_has_seven_candidates_unless_it_is_said_and_thirty_at_most() -> None:
    assert [wire.question_request(asking(gallery_size=n)).gallery_size for n in (0, 3, 500)] == [7, 3, 30]


def test_pairs_can_always_be_shown() -> None:
    assert wire.question_request(asking()).kinds == {Kind.PAIR}
    shows = [pb.QUESTION_KIND_BURST, pb.QUESTION_KIND_GALLERY]
    assert wire.question_request(asking(shows=shows)).kinds == set(Kind)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shows": [0]},
        {"shows": [pb.QUESTION_KIND_PAIR, 77]},
        {"shows": [pb.QUESTION_KIND_GALLERY], "audit": True},
        {"shows": [pb.QUESTION_KIND_BURST], "audit": True},
    ],
)
def test_an_unknown_kind_and_an_audit_of_more_than_pairs_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wire.question_request(asking(**wrong))
    assert caught.value.field == "shows"
    assert wire.question_request(asking(shows=[pb.QUESTION_KIND_PAIR], audit=True)).audit


def test_an_unknown_trust_is_refused() -> None:
    request = pb.CreateSessionRequest()
    request.session.session_id, request.session.survey_id = "s", "v"
    for trust in pb.Trust.values():
        request.session.trust = trust
        assert wire.new_session(request).trust == trust
    request.session.trust = 77  # type: ignore[assignment] # an open enum takes any number
    with pytest.raises(InvalidInputError) as caught:
        wire.new_session(request)
    assert caught.value.field == "session.trust"


def test_a_session_keeps_what_the_caller_may_set_and_nothing_else() -> None:
    asked = pb.Session(session_id="s", survey_id="v", seed=4, position=99)
    made = wire.new_session(pb.CreateSessionRequest(session=asked))
    assert (made.session_id, made.survey_id, made.seed, made.position) == ("s", "v", 4, 0)
    for wrong in (pb.Session(survey_id="v"), pb.Session(session_id="a/b", survey_id="v")):
        with pytest.raises(InvalidInputError):
            wire.new_session(pb.CreateSessionRequest(session=wrong))


WRONG_SETTINGS = {
    "session.known_individuals": pb.Session(known_individuals=9),  # type: ignore[arg-type] # not a value
    "session.filter.captured_from.nanos": pb.Session(
        filter=CandidateFilter(captured_from=Timestamp(nanos=-1))
    ),
    "session.filter.captured_before": pb.Session(
        filter=CandidateFilter(captured_before=Timestamp(seconds=1 << 60))
    ),
    "session.ask_opposite_flanks": pb.Session(
        filter=CandidateFilter(comparable_sides_only=True), ask_opposite_flanks=True
    ),
    "session.trust": pb.Session(trust=9),  # type: ignore[arg-type] # as above
}


@pytest.mark.parametrize("field", WRONG_SETTINGS)
def test_settings_that_are_not_valid_are_refused_by_name(field: str) -> None:
    session = pb.Session(survey_id="v", session_id="s")
    session.MergeFrom(WRONG_SETTINGS[field])
    mask = FieldMask(paths=["trust"])
    for refused in (
        lambda: wire.new_session(pb.CreateSessionRequest(session=session)),
        lambda: wire.changed_session(pb.UpdateSessionRequest(session=session, update_mask=mask)),
    ):
        with pytest.raises(InvalidInputError) as caught:
            refused()
        assert caught.value.field == field


def test_a_change_names_the_fields_that_can_change() -> None:
    session = pb.Session(survey_id="v", session_id="s", filter=CandidateFilter(camera_ids=["c"]))
    request = pb.UpdateSessionRequest(session=session, update_mask=FieldMask(paths=["filter", "trust"]))
    changes, paths = wire.changed_session(request)
    assert paths == ["filter", "trust"]
    assert (changes.filter, changes.trust) == (session.filter, pb.TRUST_SINGLE)
    for wrong in ([], ["seed"], ["trust", "strategy"]):
        request.update_mask.paths[:] = wrong
        with pytest.raises(InvalidInputError, match="trust, known_individuals, filter") as caught:
            wire.changed_session(request)
        assert caught.value.field == "update_mask"


def test_leases_are_given_back_by_a_named_annotator() -> None:
    assert wire.releasing(pb.ReleaseLeasesRequest(annotator_id="anna")) == "anna"
    with pytest.raises(InvalidInputError) as caught:
        wire.releasing(pb.ReleaseLeasesRequest(annotator_id="a b"))
    assert caught.value.field == "annotator_id"


@pytest.mark.parametrize("ids", [[], ["1-1", "1-1"]])
def test_labels_to_retract_are_named_once_each(ids: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        wire.labels_to_retract(pb.RetractLabelsRequest(label_ids=ids, annotator_id="a"))


def leased(second: Detection) -> LeasedQuestion:
    first = Detection("d1", "c", 0.0)
    facts = SurveyFacts(Version("u", 1), {d.detection_id: d for d in (first, second)}, CAMERAS)
    return LeasedQuestion(pair_question(PairQuery(0, 1, "why", 0.5)), ("d1", "d2"), 50.0, facts)


def test_a_question_shows_the_distance_the_gap_and_the_speed() -> None:
    asked = QuestionBatch((leased(Detection("d2", "d", 1800.0)),), finished=False)
    (pair,) = wire.next_pairs_response(asked).pairs
    assert (pair.distance_m, pair.gap_s, pair.needed_speed_kmh) == (5000.0, 1800.0, 10.0)
    assert (pair.first.detection_id, pair.second.detection_id, pair.reason) == ("d1", "d2", "why")
    assert pair.lease_expire_time.seconds == 50


@pytest.mark.parametrize(("period_s", "known"), [((0.0, 1800.0), True), ((0.0, 1799.0), False)])
def test_a_gap_to_a_time_outside_the_survey_is_unknown(period_s: tuple[float, float], *, known: bool) -> None:
    asked = leased(Detection("d2", "d", 1800.0))
    asked = replace(asked, facts=replace(asked.facts, period_s=period_s))
    (pair,) = wire.next_pairs_response(QuestionBatch((asked,), finished=False)).pairs
    assert (pair.HasField("gap_s"), pair.HasField("needed_speed_kmh"), pair.distance_m) == (
        known,
        known,
        5000.0,
    )


@pytest.mark.parametrize("second", [Detection("d2", "lost", 5.0), Detection("d2", "d")])
def test_what_is_unknown_is_unset(second: Detection) -> None:
    (pair,) = wire.next_pairs_response(QuestionBatch((leased(second),), finished=False)).pairs
    assert not pair.HasField("needed_speed_kmh")
    assert pair.HasField("distance_m") == (second.camera_id == "d")
    assert pair.HasField("gap_s") == (second.captured_at_s is not None)


def test_a_gallery_has_an_anchor_and_a_score_for_each_candidate_and_a_burst_has_neither() -> None:
    facts = SurveyFacts(Version("u", 1), {f"d{n}": Detection(f"d{n}", "c") for n in range(2)}, CAMERAS)
    queries = PairQuery(0, 1, "which?", 0.75), PairQuery(1, 2, "which?", 0.25)
    ids = ("d1", "d0", "gone")
    questions = [Question(kind, (1, 0, 2), queries) for kind in (Kind.GALLERY, Kind.BURST)]
    asked = QuestionBatch(
        tuple(LeasedQuestion(question, ids, 50.0, facts) for question in questions), finished=False
    )
    response = wire.next_pairs_response(asked)
    gallery, frames = response.groups
    assert not response.pairs
    assert (gallery.kind, frames.kind) == (pb.QUESTION_KIND_GALLERY, pb.QUESTION_KIND_BURST)
    assert (gallery.anchor.detection_id, gallery.anchor.camera_id) == ("d1", "c")
    # of a detection that was deleted since, its id is all that is known
    assert [one.detection_id for one in gallery.detections] == ["d0", "gone"]
    assert list(gallery.scores) == [0.75, 0.25]
    assert not frames.HasField("anchor")
    assert [one.detection_id for one in frames.detections] == list(ids)
    assert list(frames.scores) == []
    assert {one.reason for one in response.groups} == {"which?"}
    assert {one.lease_expire_time.seconds for one in response.groups} == {50}


@pytest.mark.parametrize("measured", [(True, True), (True, False), (False, False)])
def test_the_scores_of_a_gallery_are_chances_if_all_of_them_are(measured: tuple[bool, bool]) -> None:
    facts = SurveyFacts(Version("u", 1), {}, CAMERAS)
    planned = [PairQuery(0, n, "", 0.5, calibrated=one) for n, one in enumerate(measured, 1)]
    (gallery,) = galleries(Closure(3), planned, lambda _: planned, size=4)
    asked = (gallery, *map(pair_question, planned))
    leases = [LeasedQuestion(one, tuple("abc"[i] for i in one.items), 50.0, facts) for one in asked]
    found = questions(wire.next_pairs_response(QuestionBatch(tuple(leases), finished=False)))
    assert [one.calibrated for one in found.groups] == [all(measured)]
    assert tuple(one.calibrated for one in found.pairs) == measured
