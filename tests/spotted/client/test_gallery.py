from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client import EmbeddingSpec, Spotted, SurveyHandle
from spotted.client.gallery import load_gallery
from spotted.client.values.surveys import LocalFeatureSpec
from spotted.errors import ConcurrencyError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Survey
from spotted.testing import fake_services
from tests.services.serving import running
from tests.spotted.client.surveys import DETECTIONS, survey, vectors
from tests.spotted.client.surveys import SPEC as FAKE_SPEC

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=5)


def test_a_loaded_survey_scores_as_the_scorer_does(store: Store, survey_id: str) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 9000, (3, 2)).tolist()
    cameras = {f"c{i}": Camera(f"c{i}", x_m=x, y_m=y) for i, (x, y) in enumerate(places)}
    stored = Survey(survey_id, 0.0, 90_000.0, cameras=cameras)
    detections = [Detection(f"d{i}", f"c{i % 3}", float(i * 7_000)) for i in range(9)]
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        handle = spotted.create_survey(stored)
        handle.add_detections(detections, rng.normal(size=(9, 5)).astype(np.float32), SPEC)
        gallery, loaded = load_gallery(handle)
        pairs = [(i, j) for i in range(9) for j in range(i)]
        there = handle.score_pairs([(f"d{i}", f"d{j}") for i, j in pairs])
    assert loaded == detections
    here = gallery.score_pairs(np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]))
    np.testing.assert_array_equal(there, np.stack([here.visual, here.feasibility, here.fused], axis=1))


def test_a_loaded_survey_has_the_local_scores_unless_it_changes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = {"d00": b"1", "d01": b"2", "d05": b"1"}
    with fake_services() as spotted:
        handle = spotted.create_survey(survey("kruger"))
        handle.add_detections(DETECTIONS, vectors(), FAKE_SPEC)
        handle.add_local_features(features, LocalFeatureSpec(method="fake", digest="a" * 64))
        handle.match_local_features()
        gallery, loaded = load_gallery(handle)
        pairs = [(one, other) for one in features for other in features if one < other]
        there = handle.score_pairs(pairs, Fusion.LOCAL)
        row = {d.detection_id: i for i, d in enumerate(loaded)}
        ends = np.array([(row[a], row[b]) for a, b in pairs])
        here = gallery.score_pairs(ends[:, 0], ends[:, 1], Fusion.LOCAL)
        np.testing.assert_array_equal(there[:, 2], here.fused)
        product = gallery.score_pairs(ends[:, 0], ends[:, 1], Fusion.PRODUCT)
        assert (here.fused > product.fused).tolist() == [{a, b} == {"d00", "d05"} for a, b in pairs]
        read = handle.local_scores()
        monkeypatch.setattr(SurveyHandle, "local_scores", lambda _: replace(read, revision=read.revision + 1))
        with pytest.raises(ConcurrencyError, match="changed while it was read"):
            load_gallery(handle)
