"""Matched marks of the photographs of a composite, by the method that a survey would use.

Features are extracted from the photographs as they are, normalisers drawn from all of them without any name,
and each detection is matched with its best candidates by the product, as `spotted match-marks` does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.local.flanks import Flanks, pair_scores
from benchmarks.local.methods import HOTSPOTTER
from spotted.arrays import IntArray
from spotted.demo.composite import read_composite
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs

# candidates of each detection that are matched, as by `spotted match-marks`
CANDIDATES = 50


def matched(data: Path, survey: KnownSurvey, cache: Path, *, candidates: int = CANDIDATES) -> KnownSurvey:
    """A composite with the local scores of its shortlists; features and scores are kept in `cache`."""
    first, second = shortlists(survey.gallery, candidates)
    scores, marks = pair_scores(flanks_of(data, survey), HOTSPOTTER, first, second, cache)
    local = LocalPairs.of(first, second, scores, marks)
    return replace(survey, gallery=replace(survey.gallery, local=local))


def flanks_of(data: Path, survey: KnownSurvey) -> Flanks:
    """The photographs of a composite. Raises ValueError if one was left out."""
    captures = data / "captures" / survey.name
    pictures = read_composite(captures, data / "nyala", survey_id=survey.name).pictures
    if len(pictures) != len(survey.gallery):
        raise ValueError(f"{survey.name} has {len(survey.gallery)} of {len(pictures)} photographs")
    detections = [picture.detection for picture in pictures]
    return Flanks(
        tuple(picture.path for picture in pictures if picture.path is not None),
        tuple(one.individual_id for one in detections),
        tuple(one.encounter_id or one.detection_id for one in detections),
    )


def shortlists(gallery: Gallery, candidates: int) -> tuple[IntArray, IntArray]:
    """Each pair of a detection with one of its best candidates by the product, once."""
    pairs = [
        np.stack([np.full(len(ranked.rows), ranked.query), ranked.rows])
        for ranked in Ranker(gallery).top_k(np.arange(len(gallery)), candidates)
    ]
    low, high = np.unique(np.sort(np.concatenate(pairs, axis=1), axis=0), axis=1)
    return low, high
