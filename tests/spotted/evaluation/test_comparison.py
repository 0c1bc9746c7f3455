from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.errors import PreconditionError
from spotted.evaluation.comparison import (
    ADAPTED,
    CALIBRATED,
    FUSED,
    FUSED_WITHOUT_HEAD,
    LOCATION,
    SCORES,
    VISUAL,
    compare,
    rank_survey,
)
from spotted.evaluation.retrieval import measure_retrieval
from tests.spotted.compared_surveys import compared, surveyed
from tests.spotted.plain_ranking import exact_gallery


def test_overall_figures_are_those_of_each_score_alone() -> None:
    gallery, detections = surveyed()
    individuals, encounters = ([getattr(d, f) for d in detections] for f in ("individual_id", "encounter_id"))
    found = compared()
    for within, left_out in ((found.overall, None), (found.other_encounters, encounters)):
        for score, fusion in SCORES.items():
            alone = measure_retrieval(gallery, individuals, fusion=fusion, encounters=left_out)
            assert within[score].queries == alone.queries
            assert {k: share.value for k, share in within[score].top.items()} == pytest.approx(alone.top)
            assert within[score].mean_average_precision.value == pytest.approx(alone.mean_average_precision)


def test_a_stratum_is_the_survey_without_the_animals_other_detections() -> None:
    gallery, detections = surveyed()
    found = compared().strata["encounter"]["another"][FUSED]
    # within "another", right candidates are of other encounters; those of the query's own stay only where
    # they show another animal
    individuals = [d.individual_id for d in detections]
    kept_apart = [
        f"{d.encounter_id}/{d.individual_id}" if d.encounter_id and d.individual_id else ""
        for d in detections
    ]
    alone = measure_retrieval(gallery, individuals, encounters=kept_apart)
    assert found.queries == alone.queries
    assert {k: share.value for k, share in found.top.items()} == pytest.approx(alone.top)


def test_leaving_out_own_encounters_empties_the_stratum_of_the_same() -> None:
    found = compared(other_encounters=True)
    assert found.strata["encounter"]["the same"] == {}
    assert found.strata["encounter"]["another"] == found.other_encounters


def test_a_gain_is_the_difference_and_its_interval_is_paired() -> None:
    found = compared()
    gain = found.gains[FUSED, LOCATION]
    for k, share in gain.top.items():
        difference = found.overall[FUSED].top[k].value - found.overall[LOCATION].top[k].value
        assert share.value == pytest.approx(difference)
        assert share.low <= share.value <= share.high


def test_curves_rise_and_hold_the_figures() -> None:
    found = compared()
    for score, curve in found.curves.items():
        assert (np.diff(curve) >= -1e-12).all()
        assert curve[4] == pytest.approx(found.overall[score].top[5].value)


def test_a_head_stands_beside_the_backbone() -> None:
    gallery, detections = surveyed()
    base = surveyed(seed=9)[0].embeddings.astype(np.float32)
    after = rank_survey(gallery, detections, adapted=True, base=base)
    assert set(after.ranks) == {VISUAL, FUSED_WITHOUT_HEAD, ADAPTED, LOCATION, FUSED}
    before = rank_survey(replace(gallery, embeddings=base), detections)
    plain, beside = before.ranks, after.ranks
    assert beside[VISUAL].above.tolist() == plain[VISUAL].above.tolist()
    assert beside[FUSED_WITHOUT_HEAD].above.tolist() == plain[FUSED].above.tolist()
    gains = compare(after, np.random.default_rng(0)).gains
    assert (FUSED, FUSED_WITHOUT_HEAD) in gains
    alone = rank_survey(gallery, detections, adapted=True)
    assert set(alone.ranks) == {ADAPTED, LOCATION, FUSED}


def test_a_calibration_is_one_more_score() -> None:
    gallery, detections = surveyed()
    calibrated = replace(gallery, calibration=exact_gallery(2, 0).calibration)
    assert CALIBRATED in compare(rank_survey(calibrated, detections), np.random.default_rng(0)).overall


def test_without_known_individuals_the_remedy_is_named() -> None:
    gallery, detections = surveyed()
    unknown = [replace(d, individual_id="") for d in detections]
    with pytest.raises(PreconditionError, match="individualID"):
        rank_survey(gallery, unknown)


def test_equal_seeds_give_equal_intervals() -> None:
    assert compared().overall == compared().overall
