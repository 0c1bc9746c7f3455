from __future__ import annotations

import numpy as np
import pytest

from services.common.store.store import Store
from services.common.survey.state import SurveyState, described, etag, folded_survey, vector_digest
from spotted import messages
from spotted.errors import NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection
from spotted.v1 import corrections_pb2, store_pb2, survey_pb2

START_S, END_S = 1_700_000_000.0, 1_702_592_000.0
SURVEY = survey_pb2.Survey(
    survey_id="kruger",
    start_time=messages.timestamp(START_S),
    end_time=messages.timestamp(END_S),
    embedding=survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="c", dimension=2),
)
VECTORS = {"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (0.6, 0.8)}


def created() -> store_pb2.SurveyEvent:
    return store_pb2.SurveyEvent(survey=SURVEY)


def cameras(*kept: Camera) -> store_pb2.SurveyEvent:
    wanted = [messages.camera_message(c) for c in kept]
    return store_pb2.SurveyEvent(cameras=store_pb2.CamerasUpserted(cameras=wanted))


def added(*ids: str) -> store_pb2.SurveyEvent:
    return store_pb2.SurveyEvent(
        detections=store_pb2.DetectionsAdded(
            detections=[messages.detection_message(Detection(i, "CAM01", START_S)) for i in ids],
            embeddings=messages.tensor(np.array([VECTORS[i] for i in ids], np.float16)),
        )
    )


def deleted(*ids: str) -> store_pb2.SurveyEvent:
    return store_pb2.SurveyEvent(deleted=store_pb2.DetectionsDeleted(detection_ids=ids))


def updated(corrected: list[Detection], looks: str = "") -> store_pb2.SurveyEvent:
    return store_pb2.SurveyEvent(
        updated=corrections_pb2.DetectionsUpdated(
            detections=[messages.detection_message(d) for d in corrected],
            embeddings=messages.tensor(np.array([VECTORS[i] for i in looks], np.float16)) if looks else None,
        )
    )


def fold(*events: store_pb2.SurveyEvent) -> SurveyState:
    state = SurveyState()
    for event in events:
        state.apply(event.SerializeToString())
    return state


def test_rows_are_in_the_order_of_arrival() -> None:
    snapshot = fold(created(), added("b", "a"), added("c")).snapshot()
    assert [snapshot.row(i) for i in "bac"] == [0, 1, 2]
    assert [d.detection_id for d in snapshot.detections] == ["b", "a", "c"]
    np.testing.assert_array_equal(snapshot.base, np.array([VECTORS[i] for i in "bac"], np.float16))
    assert snapshot.gallery.order.tolist() == [1, 0, 2]


def test_a_detection_that_comes_back_is_last() -> None:
    snapshot = fold(created(), added("a", "b"), deleted("a", "ghost"), added("a")).snapshot()
    assert [snapshot.row(i) for i in "ba"] == [0, 1]
    np.testing.assert_array_equal(snapshot.base, np.array([VECTORS[i] for i in "ba"], np.float16))


def test_a_camera_of_an_equal_id_is_replaced() -> None:
    moved = Camera("CAM01", 3.0, 4.0)
    snapshot = fold(
        created(), cameras(Camera("CAM01", 9.0, 9.0), Camera("CAM02", 0.0, 0.0)), cameras(moved)
    ).snapshot()
    assert snapshot.cameras["CAM01"] == moved
    assert snapshot.gallery.extent.distance_m == 5.0
    assert snapshot.gallery.extent.span_s == END_S - START_S


def test_a_description_counts_what_there_is() -> None:
    state = fold(created(), cameras(Camera("CAM01")), added("a", "b", "c"), deleted("b"))
    message = state.described()
    assert (message.camera_count, message.detection_count, message.revision) == (1, 2, 4)
    assert message == state.snapshot().survey
    assert message == described(SURVEY, uid=state.uid, cameras=1, detections=2, revision=4)


def test_the_first_detections_fix_how_vectors_are_made() -> None:
    unspecified = created()
    unspecified.survey.ClearField("embedding")
    first = added("a")
    first.detections.spec.CopyFrom(SURVEY.embedding)
    state = fold(unspecified)
    before = state.described()
    state.apply(first.SerializeToString())
    assert not before.HasField("embedding")
    assert state.described().embedding == SURVEY.embedding
    assert state.described().etag == etag(SURVEY)


def test_a_snapshot_is_kept_until_the_next_event_and_then_stays_as_it_was() -> None:
    state = fold(created(), added("a"))
    snapshot = state.snapshot()
    assert state.snapshot() is snapshot
    state.apply(added("b").SerializeToString())
    assert state.snapshot() is not snapshot
    assert (snapshot.row("a"), snapshot.base.shape) == (0, (1, 2))
    assert snapshot.survey.detection_count == 1


def test_a_survey_without_detections_has_an_empty_gallery() -> None:
    snapshot = fold(created(), added("a"), deleted("a")).snapshot()
    assert (len(snapshot.gallery), snapshot.base.shape) == (0, (0, 2))


def test_an_unknown_detection_is_named_with_its_survey() -> None:
    with pytest.raises(NotFoundError, match=r"'ghost' is not in survey 'kruger'; .* `spotted embed kruger`"):
        fold(created(), added("a")).snapshot().row("ghost")


def test_a_recreated_or_restored_survey_has_another_uid() -> None:
    state = fold(created(), added("a"))
    assert state.uid == fold(created(), added("b"), deleted("b")).uid == state.described().uid
    later, restored = created(), created()
    later.create_time.FromSeconds(1)
    restored.import_id = "x"
    assert len({state.uid, fold(later).uid, fold(restored).uid}) == 3


def test_the_etag_follows_the_surveys_own_fields_only() -> None:
    renamed = survey_pb2.Survey()
    renamed.CopyFrom(SURVEY)
    renamed.display_name = "Kruger"
    assert etag(renamed) != etag(SURVEY)
    assert described(SURVEY, uid="u", cameras=1, detections=2, revision=3).etag == etag(SURVEY)


def test_the_feasibility_digest_follows_extent_and_settings_but_no_detection() -> None:
    near, far = Camera("CAM02", 100.0, 0.0), Camera("CAM02", 900.0, 0.0)
    origin = Camera("CAM01", 0.0, 0.0)

    def digest(*events: store_pb2.SurveyEvent) -> str:
        return fold(*events).snapshot().score_spec(Fusion.VISUAL).feasibility_digest

    first = digest(created(), cameras(origin, near))
    assert digest(created(), cameras(near, origin), added("a", "b")) == first
    assert digest(created(), cameras(origin, far)) != first
    slower = store_pb2.SurveyEvent(survey=SURVEY)
    slower.survey.feasibility.decay = 2.0
    assert digest(slower, cameras(origin, near)) != first


def test_a_digest_of_a_vector_depends_on_every_bit() -> None:
    vector = np.array([1.0, 0.0], np.float16)
    first = vector_digest(vector)
    assert vector_digest(vector.copy()) == first
    assert vector_digest(np.nextafter(vector, np.float16(2.0))) != first


def test_a_correction_replaces_fields_and_vectors_and_earlier_snapshots_stay() -> None:
    state = fold(created(), cameras(Camera("CAM01", 3.0, 4.0)), added("a", "b", "c"))
    before = state.snapshot()
    state.apply(updated([Detection("c"), Detection("a", "CAM01", END_S)], "b").SerializeToString())
    after = state.snapshot()
    assert [d.captured_at_s for d in after.detections] == [END_S, START_S, None]
    assert [d.camera_id for d in after.detections] == ["CAM01", "CAM01", ""]
    np.testing.assert_array_equal(after.base, np.array([VECTORS[i] for i in "abb"], np.float16))
    np.testing.assert_array_equal(after.gallery.table.time_s, [END_S, START_S, np.nan])
    np.testing.assert_array_equal(after.gallery.table.position_m[:, 0], [3.0, 3.0, np.nan])
    assert state.digests["c"] == state.digests["b"]
    assert after.generation == before.generation + 1
    # what was read earlier stays as it was
    assert [d.captured_at_s for d in before.detections] == [START_S] * 3
    np.testing.assert_array_equal(before.base, np.array([VECTORS[i] for i in "abc"], np.float16))
    np.testing.assert_array_equal(before.gallery.table.time_s, [START_S] * 3)


def test_a_correction_without_vectors_keeps_them_and_the_generation() -> None:
    state = fold(created(), added("a", "b"))
    before = state.snapshot()
    state.apply(updated([Detection("b", individual_id="leopard")]).SerializeToString())
    after = state.snapshot()
    assert after.generation == before.generation
    assert [d.individual_id for d in after.detections] == ["", "leopard"]
    assert np.shares_memory(after.base, before.base)


def test_a_survey_that_does_not_exist_is_named_with_the_remedy(store: Store, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match=f"{survey_id}.*create the survey first"):
        folded_survey(store, survey_id).view(lambda state, _: state.described())
