from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from pyproj import Geod

from services.common.process import now
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.survey.state import DETECTION_BYTES
from services.scorer.__main__ import service
from services.scorer.surveys import BUDGET_BYTES, Surveys
from spotted import messages
from spotted.client.calls import our_errors
from spotted.errors import (
    AlreadyExistsError,
    ConcurrencyError,
    CoordinatesError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.known import plant_known, store_head
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


def test_a_new_survey_is_empty_and_of_revision_one(scorer: Scorer, survey_id: str) -> None:
    created = scorer.create(survey_id, cameras=())
    assert (created.revision, created.camera_count, created.detection_count) == (1, 0, 0)
    read = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id))
    assert read.survey == created
    assert read.score_spec.fusion == survey_pb2.FUSION_PRODUCT


def test_ids_that_name_no_survey_take_no_memory(store: Store, scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    surveys = Surveys(store, HeadStore(store), now=now)
    surveys.described(survey_id)
    for n in range(20):
        with pytest.raises(NotFoundError):
            surveys.described(f"{survey_id}-{n}")
    assert list(surveys._folded) == [survey_id]


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
    assert [answer.survey.revision for answer in first] == [1, 2, 4, 5, 6]
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


def test_a_survey_period_that_leaves_a_stored_detection_outside_is_refused(
    scorer: Scorer, survey_id: str
) -> None:
    added, _ = scorer.plant(survey_id, 20)
    trusted = [d.captured_at_s for d in added if d.camera_id != "CAM03" and d.captured_at_s is not None]
    for part, last_s, beyond_s in (
        ("end_time", max(trusted), max(trusted) - 1.0),
        ("start_time", min(trusted), min(trusted) + 1.0),
    ):
        with pytest.raises(PreconditionError, match=f"survey {survey_id!r}.*correct the detection first"):
            ask(scorer.stub.UpdateSurvey, period_update(survey_id, part, beyond_s))
        changed = ask(scorer.stub.UpdateSurvey, period_update(survey_id, part, last_s)).survey
        assert messages.seconds(getattr(changed, part)) == last_s


def test_a_clock_that_is_trusted_again_must_have_been_right(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    late = Detection("late", "CAM03", END_S + 1e6)
    assert scorer.add(survey_id, [late], vectors(1)).added == 1
    with pytest.raises(PreconditionError, match=r"'late' was captured.*after survey"), our_errors("scorer"):
        scorer.upsert(survey_id, Camera("CAM03", 9_000.0, 0.0, START_S, None))
    scorer.upsert(survey_id, Camera("CAM01", 5.0, 5.0, START_S, END_S))


def period_update(survey_id: str, part: str, seconds: float) -> pb.UpdateSurveyRequest:
    changed = survey_pb2.Survey(survey_id=survey_id, **{part: messages.timestamp(seconds)})  # type: ignore[arg-type] # a time by its name
    return pb.UpdateSurveyRequest(survey=changed, update_mask=FieldMask(paths=[part]))


def geo(camera_id: str, latitude: float, longitude: float) -> Camera:
    return Camera(camera_id, latitude_deg=latitude, longitude_deg=longitude)


def test_cameras_in_degrees_are_projected_and_their_distances_are_geodesics(
    scorer: Scorer, survey_id: str
) -> None:
    scorer.create(survey_id, cameras=())
    a, b = geo("A", -24.98, 31.59), geo("B", -22.45, 31.04)
    changed = scorer.upsert(survey_id, a, b)
    assert changed.coordinate_system.startswith("+proj=aeqd +lat_0=-23.7")
    listed = scorer.stub.ListCameras(pb.ListCamerasRequest(survey_id=survey_id)).cameras
    assert [messages.camera(c).latitude_deg for c in listed] == [-24.98, -22.45]
    assert all(c.HasField("position") for c in listed)
    # what was read may be sent again
    scorer.stub.UpsertCameras(pb.UpsertCamerasRequest(survey_id=survey_id, cameras=listed))
    seen = [Detection("a", "A", START_S), Detection("b", "B", START_S + DAY_S)]
    assert scorer.add(survey_id, seen, vectors(2)).added == 2
    pair = survey_pb2.Pair(first_detection_id="a", second_detection_id="b")
    found = scorer.stub.ExplainPair(pb.ExplainPairRequest(survey_id=survey_id, pair=pair)).distance_m
    _, _, expected = Geod(ellps="WGS84").inv(31.59, -24.98, 31.04, -22.45)
    assert found == pytest.approx(expected, rel=1e-3)
    read = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey
    assert read.coordinate_system == changed.coordinate_system


def test_a_camera_in_metres_beside_cameras_in_degrees_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id, cameras=())
    scorer.upsert(survey_id, geo("A", -24.98, 31.59))
    with pytest.raises(CoordinatesError, match="all in degrees"), our_errors("scorer"):
        scorer.upsert(survey_id, Camera("B", 5.0, 5.0))
    with pytest.raises(CoordinatesError, match="'Oslo' is more than 492 km"), our_errors("scorer"):
        scorer.upsert(survey_id, geo("A2", -24.9, 31.6), geo("A3", -24.8, 31.6), geo("Oslo", 59.9, 10.7))
    scorer.upsert(survey_id, Camera("A", 5.0, 5.0))
    read = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey
    assert (read.camera_count, read.coordinate_system) == (1, "")


def test_a_time_zone_is_kept_and_changed_and_changes_no_score(scorer: Scorer, survey_id: str) -> None:
    wanted = new_survey(survey_id, time_zone="Africa/Harare")
    created = scorer.stub.CreateSurvey(pb.CreateSurveyRequest(survey=wanted)).survey
    assert created.time_zone == "Africa/Harare"
    before = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).score_spec
    change = pb.UpdateSurveyRequest(
        survey=survey_pb2.Survey(survey_id=survey_id, time_zone="Europe/Oslo"),
        update_mask=FieldMask(paths=["time_zone"]),
    )
    assert scorer.stub.UpdateSurvey(change).survey.time_zone == "Europe/Oslo"
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).score_spec == before
    change.survey.time_zone = "+02:00"
    with pytest.raises(InvalidInputError, match="IANA"):
        ask(scorer.stub.UpdateSurvey, change)
    with pytest.raises(AlreadyExistsError, match="another time_zone"):
        ask(scorer.stub.CreateSurvey, pb.CreateSurveyRequest(survey=wanted))


def test_a_deleted_survey_is_gone_with_its_sessions(scorer: Scorer, store: Store, survey_id: str) -> None:
    scorer.plant(survey_id, 4)
    store.add_member(keys.sessions(survey_id), "session-1")
    neighbour = f"{survey_id}-too"
    scorer.create(neighbour)
    request = pb.DeleteSurveyRequest(survey_id=survey_id, request_id=str(uuid.uuid4()))
    scorer.stub.DeleteSurvey(request)
    left = store.names(keys.of_survey(survey_id))
    assert keys.request(survey_id, "DeleteSurvey", request.request_id) in left
    # answers to requests are kept for a day
    assert all(":request:" in name for name in left)
    with pytest.raises(NotFoundError, match=survey_id):
        ask(scorer.stub.GetSurvey, pb.GetSurveyRequest(survey_id=survey_id))
    assert survey_id not in store.fields(keys.surveys(""))
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


def test_a_survey_created_again_holds_nothing_of_the_old_one(scorer: Scorer, survey_id: str) -> None:
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
    expected = unit_rows(head.apply(unit_rows(embeddings)))
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


def test_a_restarted_scorer_has_everything(store: Store, survey_id: str) -> None:
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


def lean(store: Store, budget_bytes: int) -> Surveys:
    """Surveys with room for so much."""
    return Surveys(store, HeadStore(store), now=now, budget_bytes=budget_bytes)


def test_the_survey_used_longest_ago_leaves_memory_first(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = [f"{survey_id}-{letter}" for letter in "abc"]
    for one in ids:
        scorer.plant(one, 40)
    plenty = lean(store, BUDGET_BYTES)
    expected = {one: plenty.snapshot(one) for one in ids}
    assert list(plenty._folded) == ids
    size = plenty.folded(ids[0]).peek().size_bytes
    assert size > 40 * DETECTION_BYTES
    # room for two and a half; a size counts from the next survey on that is asked for
    surveys = lean(store, 5 * size // 2)
    for asked, left in (
        ("a", "a"),
        ("b", "ab"),
        ("c", "abc"),
        ("c", "bc"),
        ("b", "cb"),
        ("a", "cba"),
        ("a", "ba"),
        ("c", "bac"),
        ("a", "ca"),
    ):
        found = surveys.snapshot(f"{survey_id}-{asked}")
        assert list(surveys._folded) == [f"{survey_id}-{letter}" for letter in left]
        known = expected[f"{survey_id}-{asked}"]
        assert (found.survey, found.detections) == (known.survey, known.detections)
        np.testing.assert_array_equal(found.base, known.base)


def test_the_survey_asked_for_stays_however_large_it_is(scorer: Scorer, store: Store, survey_id: str) -> None:
    scorer.plant(survey_id, 40)
    surveys = lean(store, 0)
    first = surveys.snapshot(survey_id)
    assert surveys.snapshot(survey_id) is first
    scorer.plant(f"{survey_id}-too", 3)
    surveys.snapshot(f"{survey_id}-too")
    assert list(surveys._folded) == [f"{survey_id}-too"]


def test_a_scorer_without_room_answers_as_one_with_plenty(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = [f"{survey_id}-{number}" for number in range(3)]
    for one in ids:
        plant_known(scorer, one)
        scorer.stub.FitCalibration(pb.FitCalibrationRequest(survey_id=one, use_known_individuals=True))
    with running(service(store, budget_bytes=0)) as address:
        poor = Scorer(address)
        for one in ids * 2:
            asked = {"top_k": 6, "fusion": survey_pb2.FUSION_CALIBRATED}
            assert poor.candidates(one, **asked) == scorer.candidates(one, **asked)
        poor.channel.close()


def test_nothing_is_lost_when_surveys_leave_while_others_write(store: Store, survey_id: str) -> None:
    ids = [f"{survey_id}-{number}" for number in range(3)]
    with running(service(store, budget_bytes=0)) as address, ThreadPoolExecutor() as threads:
        poor = Scorer(address)
        for one in ids:
            poor.create(one)
        added, embeddings = detections(80), vectors(80)

        def write(one: str, half: int) -> int:
            """Every second detection, a few at a time, while other surveys are asked for."""
            rows = range(half, 80, 2)
            answer = poor.add(one, [added[r] for r in rows], embeddings[list(rows)], chunk=5)
            return answer.added

        writers = [threads.submit(write, one, half) for one in ids for half in (0, 1)]
        while not all(writer.done() for writer in writers):
            for one in ids:
                poor.candidates(one, top_k=1)
        assert [writer.result() for writer in writers] == [40] * 6
        poor.channel.close()
    surveys = lean(store, BUDGET_BYTES)
    for one in ids:
        found = surveys.snapshot(one)
        assert len(found.detections) == found.survey.detection_count == 80
        assert {d.detection_id: d for d in found.detections} == {d.detection_id: d for d in added}
        halves = unit_rows(embeddings).astype(np.float16)
        for row, detection in enumerate(added):
            np.testing.assert_array_equal(found.base[found.row(detection.detection_id)], halves[row])
