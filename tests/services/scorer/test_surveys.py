from __future__ import annotations

import hashlib
import uuid
from typing import Any

import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.common import keys
from services.common.store import Store
from services.scorer.__main__ import service
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.client.calls import our_errors
from spotted.errors import (
    AlreadyExistsError,
    ConcurrencyError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)
from spotted.survey import Camera, Float32Array
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.known import store_head
from tests.services.scorer.planted import (
    CAMERAS,
    DAY_S,
    DIMENSION,
    END_S,
    START_S,
    Scorer,
    add_request,
    ask,
    detections,
    new_survey,
    vectors,
)
from tests.services.serving import running


def unit(rows: Float32Array) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_a_new_survey_is_empty_and_of_revision_one(scorer: Scorer, survey_id: str) -> None:
    created = scorer.create(survey_id, cameras=())
    assert (created.revision, created.camera_count, created.detection_count) == (1, 0, 0)
    read = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id))
    assert read.survey == created
    assert read.score_spec.fusion == survey_pb2.FUSION_PRODUCT


def test_creating_an_equal_survey_again_answers_the_stored_one(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    again = scorer.stub.CreateSurvey(pb.CreateSurveyRequest(survey=new_survey(survey_id))).survey
    assert (again.revision, again.camera_count) == (2, len(CAMERAS))


def test_an_id_that_is_taken_by_other_content_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    other = new_survey(survey_id, display_name="Hluhluwe")
    with pytest.raises(AlreadyExistsError, match=f"{survey_id}.*display_name"):
        ask(scorer.stub.CreateSurvey, pb.CreateSurveyRequest(survey=other))
    assert scorer.create(survey_id).display_name == "Kruger, dry season"


def test_every_change_answers_a_repeated_request_as_the_first_time(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    digest, _ = store_head(store)
    creation = pb.CreateSurveyRequest(survey=new_survey(survey_id), request_id=str(uuid.uuid4()))
    first: list[Any] = [scorer.stub.CreateSurvey(creation)]
    cameras = [messages.camera_message(c) for c in CAMERAS]
    later: list[tuple[Any, Any]] = [
        (
            scorer.stub.UpsertCameras,
            pb.UpsertCamerasRequest(survey_id=survey_id, cameras=cameras, request_id=str(uuid.uuid4())),
        ),
        (
            scorer.stub.UpdateSurvey,
            pb.UpdateSurveyRequest(
                survey=new_survey(survey_id, display_name="wet season"),
                update_mask=FieldMask(paths=["display_name"]),
                request_id=str(uuid.uuid4()),
            ),
        ),
        (
            scorer.stub.DeleteDetections,
            pb.DeleteDetectionsRequest(
                survey_id=survey_id, detection_ids=["d0001", "ghost"], request_id=str(uuid.uuid4())
            ),
        ),
        (
            scorer.stub.ActivateHead,
            pb.ActivateHeadRequest(survey_id=survey_id, head_digest=digest, request_id=str(uuid.uuid4())),
        ),
    ]
    first.append(later[0][0](later[0][1]))
    scorer.add(survey_id, detections(5), vectors(5))
    first += [call(request) for call, request in later[1:]]
    end = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey
    again = [scorer.stub.CreateSurvey(creation), *(call(request) for call, request in later)]
    assert again == first
    assert [answer.survey.revision for answer in first] == [1, 2, 5, 6, 7]
    assert first[3].survey.detection_count == 4
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey == end
    assert first[-1].survey == end


def test_only_the_fields_in_the_mask_change(scorer: Scorer, survey_id: str) -> None:
    before = scorer.create(survey_id)
    asked = new_survey(survey_id, display_name="wet season", end_time=messages.timestamp(END_S + DAY_S))
    after = scorer.stub.UpdateSurvey(
        pb.UpdateSurveyRequest(survey=asked, update_mask=FieldMask(paths=["end_time"]))
    ).survey
    assert after.display_name == before.display_name
    assert messages.seconds(after.end_time) == END_S + DAY_S
    assert after.etag != before.etag


def test_a_stale_etag_changes_nothing(scorer: Scorer, survey_id: str) -> None:
    etag = scorer.create(survey_id).etag

    def rename(name: str) -> object:
        survey = new_survey(survey_id, display_name=name, etag=etag)
        return ask(
            scorer.stub.UpdateSurvey,
            pb.UpdateSurveyRequest(survey=survey, update_mask=FieldMask(paths=["display_name"])),
        )

    rename("first")
    with pytest.raises(ConcurrencyError, match="changed since it was read"):
        rename("second")
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey.display_name == "first"


def test_feasibility_settings_change_the_digest_and_come_back(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 6)

    def digest(**settings: float) -> str:
        survey = survey_pb2.Survey(
            survey_id=survey_id,
            feasibility=survey_pb2.FeasibilitySettings(**settings),  # type: ignore[arg-type] # numbers
        )
        scorer.stub.UpdateSurvey(
            pb.UpdateSurveyRequest(survey=survey, update_mask=FieldMask(paths=["feasibility"]))
        )
        return scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).score_spec.feasibility_digest

    assert digest(decay=2.0) != digest()
    assert digest(decay=1.0) == digest()
    with pytest.raises(InvalidInputError, match="max_speed_kmh is -1"), our_errors("scorer"):
        digest(max_speed_kmh=-1.0)


def test_surveys_are_listed_by_id_over_pages(scorer: Scorer, survey_id: str) -> None:
    wanted = [f"{survey_id}-{n}" for n in range(5)]
    for one in reversed(wanted):
        scorer.create(one, cameras=())
    listed: list[str] = []
    token = ""
    while True:
        page = scorer.stub.ListSurveys(pb.ListSurveysRequest(page_size=3, page_token=token))
        assert len(page.surveys) <= 3
        listed += [s.survey_id for s in page.surveys]
        token = page.next_page_token
        if not token:
            break
    assert listed == sorted(listed)
    assert [one for one in listed if one.startswith(survey_id)] == wanted


def test_a_camera_may_move_and_the_extent_with_it(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    get = pb.GetSurveyRequest(survey_id=survey_id)
    before = scorer.stub.GetSurvey(get).score_spec.feasibility_digest
    scorer.upsert(survey_id, Camera("CAM02", 30_000.0, 4_000.0, START_S, END_S))
    assert scorer.stub.GetSurvey(get).score_spec.feasibility_digest != before
    listed = scorer.stub.ListCameras(pb.ListCamerasRequest(survey_id=survey_id)).cameras
    assert [c.camera_id for c in listed] == [c.camera_id for c in CAMERAS]
    assert listed[1].position.x_m == 30_000.0
    assert not listed[3].HasField("position")


def test_a_period_that_leaves_a_stored_detection_outside_is_refused(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 20)
    first = min(d.captured_at_s for d in added if d.camera_id == "CAM01" and d.captured_at_s is not None)
    late = Camera("CAM01", 0.0, 0.0, first + 1.0, END_S)
    with (
        pytest.raises(PreconditionError, match=r"before camera 'CAM01' began.*widen the period"),
        our_errors("scorer"),
    ):
        scorer.upsert(survey_id, late)


def test_a_deleted_survey_is_gone_with_its_sessions(scorer: Scorer, store: Store, survey_id: str) -> None:
    scorer.plant(survey_id, 4)
    store.add_member(keys.sessions(survey_id), "session-1")
    neighbour = f"{survey_id}-too"
    scorer.create(neighbour)
    request = pb.DeleteSurveyRequest(survey_id=survey_id, request_id=str(uuid.uuid4()))
    scorer.stub.DeleteSurvey(request)
    left = store.names(keys.of_survey(survey_id))
    assert left == [keys.request(survey_id, "DeleteSurvey", request.request_id)]
    with pytest.raises(NotFoundError, match=survey_id):
        ask(scorer.stub.GetSurvey, pb.GetSurveyRequest(survey_id=survey_id))
    assert survey_id not in store.members(keys.SURVEYS)
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=neighbour)).survey.camera_count == 4


def test_a_repeated_deletion_answers_and_spares_the_survey_made_since(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 4)
    request = pb.DeleteSurveyRequest(survey_id=survey_id, request_id=str(uuid.uuid4()))
    scorer.stub.DeleteSurvey(request)
    scorer.stub.DeleteSurvey(request)
    with pytest.raises(NotFoundError):
        ask(scorer.stub.DeleteSurvey, pb.DeleteSurveyRequest(survey_id=survey_id))
    scorer.plant(survey_id, 3)
    scorer.stub.DeleteSurvey(request)
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey.detection_count == 3


def test_a_survey_made_anew_holds_nothing_of_the_old_one(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 6)
    scorer.stub.DeleteSurvey(pb.DeleteSurveyRequest(survey_id=survey_id))
    scorer.create(survey_id)
    answer = scorer.add(survey_id, detections(6), vectors(6, seed=3))
    assert (answer.added, answer.survey.detection_count) == (6, 6)


def test_a_head_scores_as_the_head_itself_does(scorer: Scorer, store: Store, survey_id: str) -> None:
    _, embeddings = scorer.plant(survey_id, 12)
    digest, head = store_head(store)
    answer = scorer.stub.ActivateHead(pb.ActivateHeadRequest(survey_id=survey_id, head_digest=digest))
    assert answer.score_spec.head_digest == digest == answer.survey.head_digest
    listed = scorer.stub.ListDetections(
        pb.ListDetectionsRequest(survey_id=survey_id, include_embeddings=True)
    )
    expected = unit(head.apply(unit(embeddings)))
    np.testing.assert_allclose(messages.array(listed.embeddings), expected, atol=5e-3)
    ids = [d.detection_id for d in listed.detections]
    pair = survey_pb2.Pair(first_detection_id=ids[0], second_detection_id=ids[1])
    scores = scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=[pair]))
    cosine = max(0.0, float(expected[0] @ expected[1]))
    assert messages.array(scores.visual)[0] == pytest.approx(cosine, abs=5e-3)


def test_base_embeddings_are_scored_again_after_the_head(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    scorer.plant(survey_id, 12)
    before = scorer.candidates(survey_id)
    digest, _ = store_head(store)
    scorer.stub.ActivateHead(pb.ActivateHeadRequest(survey_id=survey_id, head_digest=digest))
    assert scorer.candidates(survey_id) != before
    scorer.stub.ActivateHead(pb.ActivateHeadRequest(survey_id=survey_id))
    assert scorer.candidates(survey_id) == before


def test_a_head_of_another_backbone_is_refused(scorer: Scorer, store: Store, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    other = survey_pb2.EmbeddingSpec(
        backbone_digest="e" * 64, preprocessing_digest="c" * 64, dimension=DIMENSION
    )
    digest, _ = store_head(store, other)
    request = pb.ActivateHeadRequest(survey_id=survey_id, head_digest=digest)
    with pytest.raises(DigestMismatchError, match=f"head {digest[:12]}"):
        ask(scorer.stub.ActivateHead, request)
    unknown = hashlib.sha256(b"no head").hexdigest()
    with pytest.raises(NotFoundError, match=unknown):
        ask(scorer.stub.ActivateHead, pb.ActivateHeadRequest(survey_id=survey_id, head_digest=unknown))


def test_a_scorer_that_starts_anew_has_everything(store: Store, survey_id: str) -> None:
    with running(service(store)) as address:
        first = Scorer(address)
        first.plant(survey_id, 30)
        before = first.candidates(survey_id), first.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id))
        first.channel.close()
    with running(service(store)) as address:
        second = Scorer(address)
        after = second.candidates(survey_id), second.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id))
        second.channel.close()
    assert after == before


def test_two_replicas_see_each_others_writes(scorer: Scorer, store: Store, survey_id: str) -> None:
    with running(service(store)) as address:
        other = Scorer(address)
        scorer.create(survey_id)
        added, embeddings = detections(10), vectors(10)
        for i in range(10):
            writer = scorer if i % 2 else other
            writer.add(survey_id, added[i : i + 1], embeddings[i : i + 1])
        assert other.candidates(survey_id) == scorer.candidates(survey_id)
        assert len(other.candidates(survey_id)) == 10
        scorer.stub.DeleteSurvey(pb.DeleteSurveyRequest(survey_id=survey_id))
        with pytest.raises(NotFoundError):
            ask(other.stub.GetSurvey, pb.GetSurveyRequest(survey_id=survey_id))
        other.channel.close()


def test_a_snapshot_never_changes(scorer: Scorer, surveys: Surveys, survey_id: str) -> None:
    scorer.plant(survey_id, 5)
    snapshot = surveys.snapshot(survey_id)
    ids, base = [d.detection_id for d in snapshot.detections], snapshot.base.copy()
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=ids[:2]))
    request = add_request(survey_id, detections(9)[5:], vectors(9)[5:])
    scorer.stub.AddDetections(iter([request]))
    assert surveys.snapshot(survey_id) is not snapshot
    assert [snapshot.row(i) for i in ids] == list(range(5))
    with pytest.raises(NotFoundError):
        snapshot.row("d0005")
    np.testing.assert_array_equal(snapshot.base, base)
