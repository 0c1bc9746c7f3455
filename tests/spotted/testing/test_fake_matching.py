from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.common.store.operations import Operations
from services.common.store.store import Store
from spotted.client import SurveyHandle
from spotted.client.operation_handle import OperationHandle
from spotted.client.values.surveys import LocalFeatureSpec
from spotted.errors import PreconditionError
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection
from spotted.testing import fake_services
from spotted.testing.fake_local_features import METHOD
from spotted.testing.fake_matching import FakeMarks
from tests.services.scorer.local.features import photograph
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors
from tests.waiting import until

LOCAL = LocalFeatureSpec(method="hotspotter", digest="a" * 64)
IDS = [d.detection_id for d in DETECTIONS]
FEATURES = {d.detection_id: photograph(i % 4, i // 4).to_bytes() for i, d in enumerate(DETECTIONS[:10])}


def matched(handle: SurveyHandle, result_of: Callable[[OperationHandle], str]) -> list[object]:
    """All that a survey says before and after its matching. result_of: of an operation, once it has ended."""
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    with pytest.raises(PreconditionError, match="0 detections with local features"):
        handle.match_local_features()
    before = [(one.detection_id, one.candidates) for one in handle.candidates(fusion=Fusion.LOCAL)]
    handle.add_local_features(FEATURES, LOCAL)
    ends = [result_of(handle.match_local_features(candidates=k)) for k in (3, 50, 50)]
    said: list[object] = [before, ends]

    def read() -> None:
        lists = list(handle.candidates(fusion=Fusion.LOCAL))
        said.append([(one.detection_id, one.candidates, one.fallback) for one in lists])
        pairs = [(a, b) for a in IDS for b in IDS if a < b]
        said.append(handle.score_pairs(pairs, Fusion.LOCAL).tolist())
        said.append(handle.score_matrix(fusion=Fusion.LOCAL).round(5).tolist())
        for second in ("d04", "d05", "d11"):
            pair = handle.explain_pair("d00", second, Fusion.LOCAL)
            said.append((pair.local, pair.matched_marks, pair.matched_points, pair.fused))
        said.append(handle.info().local_pair_count)
        scores = handle.local_scores().pairs
        said.append([scores.numbers.tolist(), scores.scores.tolist(), scores.marks.tolist()])

    read()
    # features of another photograph: their pairs are unknown
    handle.add_local_features({"d04": photograph(0, 7).to_bytes()}, LOCAL)
    read()
    said.append(result_of(handle.match_local_features(renew=True)))
    return said


def test_the_fake_matches_as_the_scorer_does(store: Store, survey_id: str) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    with fake_services() as fake, serving(store) as real:

        def stored_result(handle: OperationHandle) -> str:
            return str(until(lambda: operations.get(handle.operation_id).result, "the matching ends"))

        operations = Operations(store, now=store.now)
        ours = matched(fake.create_survey(survey(survey_id)), lambda handle: list(handle.watch())[-1].result)
        theirs = matched(real.create_survey(survey(survey_id)), stored_result)
    for one, other in zip(ours, theirs, strict=True):
        assert one == other


def test_equal_features_of_the_fake_embedder_share_a_mark() -> None:
    with fake_services() as spotted:
        handle = spotted.create_survey(survey("kruger"))
        handle.add_detections(DETECTIONS, vectors(), SPEC)
        handle.add_local_features({"d00": b"1", "d01": b"2", "d05": b"1"}, replace(LOCAL, method=METHOD))
        handle.match_local_features()
        (one,) = handle.candidates(detection_ids=["d00"], fusion=Fusion.LOCAL)
        found = {candidate.detection_id: candidate for candidate in one.candidates}
    assert (found["d05"].local, found["d05"].matched_marks) == (1.0, 1)
    assert (found["d06"].local, found["d06"].matched_marks) == (None, 0)


@pytest.mark.parametrize(
    ("method", "count", "why"), [("unknown", 2, "cannot be matched"), (METHOD, 1, "has 1 det")]
)
def test_features_that_cannot_be_matched_are_refused(method: str, count: int, why: str) -> None:
    with fake_services() as spotted:
        handle = spotted.create_survey(survey("kruger"))
        handle.add_detections(DETECTIONS, vectors(), SPEC)
        handle.add_local_features(dict.fromkeys(IDS[:count], b"1"), replace(LOCAL, method=method))
        with pytest.raises(PreconditionError, match=why):
            handle.match_local_features()
    assert FakeMarks().pairs({one: Detection(one) for one in "ab"}, {}) is None
