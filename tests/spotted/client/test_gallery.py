from __future__ import annotations

import numpy as np

from services.common.store.store import Store
from services.scorer.__main__ import service
from spotted.client import EmbeddingSpec, Spotted
from spotted.client.gallery import load_gallery
from spotted.survey import Camera, Detection, Survey
from tests.services.serving import running

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=5)


def test_a_loaded_survey_scores_as_the_scorer_does(store: Store, survey_id: str) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 9000, (3, 2)).tolist()
    cameras = {f"c{i}": Camera(f"c{i}", x_m=x, y_m=y) for i, (x, y) in enumerate(places)}
    survey = Survey(survey_id, 0.0, 90_000.0, cameras=cameras)
    detections = [Detection(f"d{i}", f"c{i % 3}", float(i * 7_000)) for i in range(9)]
    with running(service(store)) as a, Spotted(embedder=a, scorer=a, sampler=a) as spotted:
        handle = spotted.create_survey(survey)
        handle.add_detections(detections, rng.normal(size=(9, 5)).astype(np.float32), SPEC)
        gallery, loaded = load_gallery(handle)
        pairs = [(i, j) for i in range(9) for j in range(i)]
        there = handle.score_pairs([(f"d{i}", f"d{j}") for i, j in pairs])
    assert loaded == detections
    here = gallery.score_pairs(np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]))
    np.testing.assert_array_equal(there, np.stack([here.visual, here.feasibility, here.fused], axis=1))
