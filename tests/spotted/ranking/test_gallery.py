from __future__ import annotations

import numpy as np
import pytest

from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import pair_similarity
from spotted.survey import Camera, Detection, Survey
from tests.spotted.surveys import random_gallery

COUNT = 40


@pytest.fixture
def gallery() -> Gallery:
    return random_gallery(COUNT, seed=7)


def test_a_survey_becomes_a_gallery_with_the_rows_of_its_detections() -> None:
    cameras = {"C1": Camera("C1", 0.0, 0.0), "C2": Camera("C2", 3000.0, 4000.0)}
    survey = Survey("ridge", 0.0, 864_000.0, cameras=cameras)
    detections = [Detection("b", "C1", 10.0, image_id="i"), Detection("a", "C2"), Detection("c", "", 30.0)]
    gallery = Gallery.of(survey, detections, np.eye(3), FeasibilityParams(decay=2.0))
    assert gallery.order.tolist() == [1, 0, 2]
    assert gallery.extent == survey.extent()
    assert gallery.params.decay == 2.0
    np.testing.assert_array_equal(gallery.table.time_s, [10.0, np.nan, 30.0])
    np.testing.assert_array_equal(gallery.table.position_m, [[0.0, 0.0], [3000.0, 4000.0], [np.nan, np.nan]])


@pytest.mark.parametrize("fusion", list(Fusion))
def test_pairs_are_scored_by_the_scoring_except_two_animals_in_one_image(
    gallery: Gallery, fusion: Fusion
) -> None:
    first, second = np.triu_indices(COUNT, 1)
    scores = gallery.score_pairs(first, second, fusion)
    visual = pair_similarity(gallery.embeddings, first, second)
    feasibility, fused = gallery.scoring(fusion).exact(visual, first, second)
    two_animals = geometry.same_image(gallery.table, first, second)
    assert two_animals.any()
    np.testing.assert_array_equal(scores.visual, visual)
    np.testing.assert_array_equal(scores.feasibility, feasibility)
    np.testing.assert_array_equal(scores.fused, np.where(two_animals, 0.0, fused))


def test_the_evidence_holds_the_exact_similarity(gallery: Gallery) -> None:
    first, second = np.array([1, 5]), np.array([9, 2])
    evidence = gallery.evidence(first, second)
    np.testing.assert_array_equal(evidence.visual, gallery.score_pairs(first, second).visual)
    assert evidence.visual.dtype == np.float64


def test_chosen_rows_keep_their_scores_and_the_order_of_their_ids(gallery: Gallery) -> None:
    rows = np.array([30, 2, 17, 5])
    chosen = gallery.at(rows)
    assert rows[np.argsort(chosen.order)].tolist() == sorted(rows.tolist(), key=gallery.order.__getitem__)
    first, second = np.triu_indices(len(rows), 1)
    np.testing.assert_array_equal(
        chosen.score_pairs(first, second).fused, gallery.score_pairs(rows[first], rows[second]).fused
    )


def test_the_first_rows_keep_their_scores_and_the_order_of_their_ids(gallery: Gallery) -> None:
    smaller = gallery.first(12)
    assert len(smaller) == 12
    assert np.argsort(smaller.order).tolist() == [row for row in np.argsort(gallery.order) if row < 12]
    pairs = np.triu_indices(12, 1)
    np.testing.assert_array_equal(smaller.score_pairs(*pairs).fused, gallery.score_pairs(*pairs).fused)
