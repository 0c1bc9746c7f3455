from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from services.scorer import list_cache
from spotted import messages
from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.ranker import Ranker
from spotted.survey import Camera, Side
from spotted.v1 import corrections_pb2, survey_pb2
from spotted.v1 import scorer_pb2 as pb
from tests.services.scorer.local.matched import add_features, match, weigh_marks
from tests.services.scorer.planted import SPEC, START_S, Scorer, detections, vectors

COUNT = 80


@pytest.fixture
def rebuilt(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of detections ranked each time that a table was built."""
    counts: list[int] = []
    whole = CandidateTable.of

    def of(ranker: Ranker, *args: object, **options: object) -> CandidateTable:
        counts.append(len(ranker))
        return whole(ranker, *args, **options)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(CandidateTable, "of", of)
    return counts


def one_by_one(scorer: Scorer, survey_id: str, **asked: object) -> list[pb.CandidateList]:
    """The lists of all detections, each requested by itself."""
    pages = scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id, page_size=1000))
    ids = [d.detection_id for d in pages.detections]
    return [one for i in ids for one in scorer.candidates(survey_id, top_k=6, detection_ids=[i], **asked)]


def test_lists_follow_any_history_without_being_rebuilt(
    scorer: Scorer, survey_id: str, rebuilt: list[int]
) -> None:
    added, embeddings = detections(COUNT), vectors(COUNT)
    scorer.create(survey_id)
    rng = np.random.default_rng(0)
    present: list[int] = []
    for step in range(8):
        waiting = [row for row in range(COUNT) if row not in present]
        if step % 3 == 2:
            gone = sorted(rng.choice(present, 9, replace=False).tolist())
            ids = [added[row].detection_id for row in gone]
            scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=ids))
            present = [row for row in present if row not in gone]
        else:
            # those that went may come back
            chosen = rng.choice(waiting, 14, replace=False).tolist()
            scorer.add(survey_id, [added[row] for row in chosen], embeddings[chosen])
            present += chosen
        for fusion in (survey_pb2.FUSION_PRODUCT, survey_pb2.FUSION_VISUAL):
            assert scorer.candidates(survey_id, top_k=6, fusion=fusion) == one_by_one(
                scorer, survey_id, fusion=fusion
            )
    # the first reading of each of the two scores, and nothing after it
    assert rebuilt == [14, 14]


def test_a_correction_ranks_only_what_it_may_change(
    scorer: Scorer, survey_id: str, rebuilt: list[int]
) -> None:
    added, embeddings = scorer.plant(survey_id, 40)
    scorer.candidates(survey_id, top_k=6)
    sides = [replace(d, side=Side.RIGHT, camera_id="CAM03", captured_at_s=None) for d in added[7:10]]
    for paths, rows in ((["side", "camera_id", "captured_at"], None), ([], -embeddings[7:10])):
        request = corrections_pb2.UpdateDetectionsRequest(
            survey_id=survey_id,
            detections=[messages.detection_message(d) for d in sides],
            embeddings=None if rows is None else messages.tensor(rows),
            spec=None if rows is None else SPEC,
        )
        request.update_mask.paths.extend(paths)
        # corrected detections between old ones, removed ones before them and new ones after them
        gone = [added[2 if rows is None else 4].detection_id]
        scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=gone))
        assert scorer.stub.UpdateDetections(request).updated == 3
        scorer.add(survey_id, [replace(added[0], detection_id=f"new-{len(paths)}")], embeddings[:1])
        assert scorer.candidates(survey_id, top_k=6) == one_by_one(scorer, survey_id)
    assert rebuilt == [40]


def test_calibrated_lists_follow_the_marks(
    scorer: Scorer, store: Store, survey_id: str, rebuilt: list[int]
) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    added, embeddings = scorer.plant(survey_id, 24)
    ids = [d.detection_id for d in added]
    weigh_marks(scorer, store, survey_id)
    fusion = survey_pb2.FUSION_CALIBRATED

    def check() -> None:
        asked = scorer.candidates(survey_id, top_k=6, fusion=fusion)
        assert asked == one_by_one(scorer, survey_id, fusion=fusion)

    check()
    add_features(scorer, survey_id, {i: n for n, i in enumerate(ids[:16])})
    check()
    match(scorer, store, survey_id)
    check()
    # new scores may change any list
    assert rebuilt == [24, 24]
    # pairs of a detection with other features are unknown until they are matched
    add_features(scorer, survey_id, {ids[3]: 77})
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=ids[5:7]))
    scorer.add(survey_id, [replace(added[0], detection_id="new")], embeddings[:1])
    check()
    assert rebuilt == [24, 24]


def test_lists_are_rebuilt_if_every_score_changes(scorer: Scorer, survey_id: str, rebuilt: list[int]) -> None:
    scorer.plant(survey_id, 20)
    scorer.candidates(survey_id)
    scorer.upsert(survey_id, Camera("CAM09", 90_000.0, 0.0, START_S))
    assert scorer.candidates(survey_id, top_k=6) == one_by_one(scorer, survey_id)
    assert scorer.candidates(survey_id, top_k=6) == one_by_one(scorer, survey_id)
    assert rebuilt == [20, 20]


def test_shorter_lists_are_read_from_longer_ones_and_longer_ones_made(
    scorer: Scorer, survey_id: str, rebuilt: list[int]
) -> None:
    scorer.plant(survey_id, 40)
    long = scorer.candidates(survey_id, top_k=30)
    short = scorer.candidates(survey_id, top_k=3)
    assert [list(one.candidates) for one in short] == [list(one.candidates[:3]) for one in long]
    assert len(rebuilt) == 1


def test_lists_too_long_to_keep_are_ranked_each_time(
    scorer: Scorer, survey_id: str, rebuilt: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_cache, "MOST", 100)
    scorer.plant(survey_id, 20)
    assert scorer.candidates(survey_id, top_k=6) == one_by_one(scorer, survey_id)
    assert rebuilt == []


def test_a_survey_created_again_under_its_id_has_its_own_lists(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 20)
    scorer.candidates(survey_id)
    scorer.stub.DeleteSurvey(pb.DeleteSurveyRequest(survey_id=survey_id))
    scorer.plant(survey_id, 25, seed=4)
    assert scorer.candidates(survey_id, top_k=6) == one_by_one(scorer, survey_id)
