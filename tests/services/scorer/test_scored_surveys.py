from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.common.process import now
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.common.survey.rows import HalfArray
from services.scorer.calibrations import CalibrationStore
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.scored_surveys import ScoredSurveys
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import PreconditionError
from spotted.ranking.products.on_device import DeviceProducts
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.known import COUNT, known_detections, known_vectors, plant_known, store_head
from tests.services.scorer.planted import DAY_S, END_S, START_S, Scorer, new_survey

FIRST = 20
# of float16 unit vectors: how many are adapted together may move the last digit
DIGIT = 1e-3

Outdate = Callable[[Scorer, Store, str], None]


@pytest.fixture
def scored_surveys(store: Store, surveys: Surveys) -> ScoredSurveys:
    """Ready surveys without a server before them."""
    return fresh(store, surveys)


def fresh(store: Store, surveys: Surveys, device: str = "cpu") -> ScoredSurveys:
    """ScoredSurveys that have read nothing yet."""
    return ScoredSurveys(
        surveys,
        HeadStore(store),
        CalibrationStore(store, now=now),
        matched=MatchedSurveys(store, surveys.snapshot),
        threads=3,
        device=device,
    )


def activate_head(scorer: Scorer, survey_id: str, digest: str) -> None:
    scorer.stub.ActivateHead(pb.ActivateHeadRequest(survey_id=survey_id, head_digest=digest))


def calibrate(scorer: Scorer, survey_id: str) -> str:
    """Fit a calibration on the known animals; answers its digest."""
    request = pb.FitCalibrationRequest(survey_id=survey_id, use_known_individuals=True)
    return scorer.stub.FitCalibration(request).survey.calibration_digest


def change(scorer: Scorer, survey_id: str, path: str, **fields: object) -> None:
    request = pb.UpdateSurveyRequest(
        survey=new_survey(survey_id, **fields), update_mask=FieldMask(paths=[path])
    )
    scorer.stub.UpdateSurvey(request)


def test_a_device_ranks_as_the_cpu_and_a_missing_one_is_refused_at_start(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    plant_known(scorer, survey_id)
    used: list[str] = []

    def counted(vectors: HalfArray, device: str) -> DeviceProducts:
        used.append(device)
        return DeviceProducts(vectors, device)

    monkeypatch.setattr("services.scorer.scored_surveys.DeviceProducts", counted)
    # torch's own name of the CPU, which takes the path of a device
    devices = ("cpu", "cpu:0")
    rankers = [fresh(store, surveys, device).get(survey_id).ranker for device in devices]
    for one, other in zip(*(ranker.top_k(np.arange(COUNT), 3) for ranker in rankers), strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.scores.fused, other.scores.fused)
    assert used == ["cpu:0"]
    with pytest.raises(PreconditionError, match="device 'cuda:77' cannot be used for ranking"):
        fresh(store, surveys, "cuda:77")


def test_lists_leave_memory_for_those_of_another_survey(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    other = f"{survey_id}-b"
    for each in (survey_id, other):
        scorer.plant(each, FIRST)
    crowded = ScoredSurveys(
        surveys,
        HeadStore(store),
        CalibrationStore(store, now=now),
        matched=MatchedSurveys(store, surveys.snapshot),
        lists_bytes=30 * FIRST * 20,
    )
    first = crowded.get(survey_id).candidate_table(5, Fusion.PRODUCT)
    assert first is not None
    assert first.size_bytes == 20 * FIRST * FIRST
    assert crowded.get(survey_id).candidate_table(5, Fusion.PRODUCT) is first
    second = crowded.get(other).candidate_table(5, Fusion.PRODUCT)
    assert second is not None
    # what was read last stays
    assert crowded.get(survey_id).candidate_table(5, Fusion.PRODUCT) is first
    again = crowded.get(other).candidate_table(5, Fusion.PRODUCT)
    assert again is not None
    assert again is not second
    np.testing.assert_array_equal(again.rows, second.rows)


def test_a_survey_is_made_ready_once_until_it_changes(
    scorer: Scorer, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    plant_known(scorer, survey_id)
    before = scored_surveys.get(survey_id)
    assert scored_surveys.get(survey_id) is before
    assert before.threads == 3
    scorer.upsert(survey_id, Camera("CAM05", 1.0, 1.0, START_S, END_S))
    after = scored_surveys.get(survey_id)
    assert after is not before
    assert after.snapshot.survey.revision == before.snapshot.survey.revision + 1
    assert scored_surveys.get(survey_id) is after


@pytest.mark.parametrize("seed", [None, 7], ids=["base", "head"])
def test_rows_added_later_leave_the_others_as_they_were(
    scorer: Scorer,
    store: Store,
    surveys: Surveys,
    scored_surveys: ScoredSurveys,
    survey_id: str,
    seed: int | None,
) -> None:
    detections, vectors = known_detections(), known_vectors()
    scorer.create(survey_id)
    scorer.add(survey_id, detections[:FIRST], vectors[:FIRST])
    expected = unit_rows(vectors)
    if seed is not None:
        digest, head = store_head(store, seed=seed)
        activate_head(scorer, survey_id, digest)
        expected = unit_rows(head.apply(expected))
    before = scored_surveys.get(survey_id).gallery.embeddings.copy()
    scorer.add(survey_id, detections[FIRST:], vectors[FIRST:])
    after = scored_surveys.get(survey_id).gallery.embeddings
    assert after.dtype == np.float16
    assert len(after) == COUNT
    np.testing.assert_array_equal(after[:FIRST], before)
    again = fresh(store, surveys).get(survey_id).gallery.embeddings
    np.testing.assert_allclose(after, again, atol=DIGIT)
    np.testing.assert_allclose(after.astype(np.float32), expected, atol=5e-3)


def test_removed_rows_and_another_head_adapt_all_rows_again(
    scorer: Scorer, store: Store, surveys: Surveys, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    detections, _ = plant_known(scorer, survey_id)
    digest, _ = store_head(store)
    other, _ = store_head(store, seed=8)

    def ready() -> npt.NDArray[np.floating]:
        found = scored_surveys.get(survey_id).gallery.embeddings
        again = fresh(store, surveys).get(survey_id).gallery.embeddings
        np.testing.assert_allclose(found, again, atol=DIGIT)
        return found

    activate_head(scorer, survey_id, digest)
    all_rows = ready()
    gone = [detections[row].detection_id for row in (3, 30)]
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=gone))
    np.testing.assert_allclose(ready(), np.delete(all_rows, [3, 30], axis=0), atol=DIGIT)
    # a removal and as many additions leave the number of rows unchanged
    scorer.stub.DeleteDetections(
        pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=[detections[0].detection_id])
    )
    scorer.add(survey_id, detections[3:4], known_vectors()[3:4])
    np.testing.assert_allclose(ready()[-1], all_rows[3], atol=DIGIT)
    activate_head(scorer, survey_id, other)
    assert np.abs(ready()[-1] - all_rows[3]).max() > 100 * DIGIT


def test_one_vector_is_adapted_as_the_stored_ones_are(
    scorer: Scorer, store: Store, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    _, vectors = plant_known(scorer, survey_id)
    base = unit_rows(vectors[5:6])[0]
    np.testing.assert_array_equal(scored_surveys.adapt(scored_surveys.get(survey_id), base), base)
    digest, _ = store_head(store)
    activate_head(scorer, survey_id, digest)
    scored = scored_surveys.get(survey_id)
    np.testing.assert_allclose(scored_surveys.adapt(scored, base), scored.gallery.embeddings[5], atol=2e-3)


def test_an_empty_survey_with_a_head_is_ready(
    scorer: Scorer, store: Store, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    plant_known(scorer, survey_id)
    digest, _ = store_head(store)
    activate_head(scorer, survey_id, digest)
    ids = [d.detection_id for d in known_detections()]
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=ids))
    assert len(scored_surveys.get(survey_id).gallery) == 0


def test_without_a_calibration_the_product_ranks_and_says_so(
    scorer: Scorer, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    plant_known(scorer, survey_id)
    scored = scored_surveys.get(survey_id)
    assert scored.gallery.calibration is None
    assert [scored.fusion(one) for one in Fusion] == [
        Fusion.PRODUCT,
        Fusion.VISUAL,
        Fusion.LOCATION,
        Fusion.PRODUCT,
        Fusion.PRODUCT,
    ]
    spec = scored.spec(Fusion.CALIBRATED)
    assert spec.fusion == survey_pb2.FUSION_PRODUCT
    assert "has no calibration" in spec.fallback
    assert "fit a calibration" in spec.fallback
    assert spec.calibration_digest == ""


def test_a_calibration_that_fits_is_used_and_named(
    scorer: Scorer, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    plant_known(scorer, survey_id)
    digest = calibrate(scorer, survey_id)
    scored = scored_surveys.get(survey_id)
    assert scored.gallery.calibration is not None
    assert scored.gallery.calibration.digest == digest
    usable = [one for one in Fusion if one is not Fusion.LOCAL]
    assert [scored.fusion(one) for one in usable] == usable
    spec = scored.spec(Fusion.CALIBRATED)
    assert (spec.fusion, spec.calibration_digest, spec.fallback) == (
        survey_pb2.FUSION_CALIBRATED,
        digest,
        "",
    )
    # other scores are made without it
    for fusion in (Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION):
        other = scored.spec(fusion)
        assert Fusion(other.fusion) is fusion
        assert (other.calibration_digest, other.fallback) == ("", "")


def outdate_by_feasibility(scorer: Scorer, _: Store, survey_id: str) -> None:
    settings = survey_pb2.FeasibilitySettings(decay=2.0)
    change(scorer, survey_id, "feasibility", feasibility=settings)


def outdate_by_extent(scorer: Scorer, _: Store, survey_id: str) -> None:
    change(scorer, survey_id, "end_time", end_time=messages.timestamp(END_S + DAY_S))


def outdate_by_head(scorer: Scorer, store: Store, survey_id: str) -> None:
    activate_head(scorer, survey_id, store_head(store)[0])


def restore(scorer: Scorer, survey_id: str) -> None:
    activate_head(scorer, survey_id, "")
    change(scorer, survey_id, "feasibility")
    change(scorer, survey_id, "end_time")


@pytest.mark.parametrize("outdate", [outdate_by_feasibility, outdate_by_extent, outdate_by_head])
def test_a_calibration_of_other_scores_is_not_used_until_they_are_back(
    scorer: Scorer,
    store: Store,
    surveys: Surveys,
    scored_surveys: ScoredSurveys,
    survey_id: str,
    outdate: Outdate,
) -> None:
    plant_known(scorer, survey_id)
    digest = calibrate(scorer, survey_id)
    outdate(scorer, store, survey_id)
    for scored in (scored_surveys.get(survey_id), fresh(store, surveys).get(survey_id)):
        spec = scored.spec(Fusion.CALIBRATED)
        assert scored.fusion(Fusion.CALIBRATED) is Fusion.PRODUCT
        assert scored.gallery.calibration is None
        assert "another head, feasibility or extent" in spec.fallback
        assert (spec.fusion, spec.calibration_digest) == (survey_pb2.FUSION_PRODUCT, "")
    restore(scorer, survey_id)
    spec = scored_surveys.get(survey_id).spec(Fusion.CALIBRATED)
    assert (spec.calibration_digest, spec.fallback) == (digest, "")


def test_a_display_name_and_new_detections_leave_the_calibration_in_use(
    scorer: Scorer, scored_surveys: ScoredSurveys, survey_id: str
) -> None:
    scorer.create(survey_id)
    scorer.add(survey_id, known_detections()[:-1], known_vectors()[:-1])
    digest = calibrate(scorer, survey_id)
    scorer.add(survey_id, known_detections()[-1:], known_vectors()[-1:])
    change(scorer, survey_id, "display_name", display_name="wet season")
    assert scored_surveys.get(survey_id).spec(Fusion.CALIBRATED).calibration_digest == digest
