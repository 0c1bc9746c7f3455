"""Matched marks of the photographs of a composite, by the method that a survey would use.

Features are extracted from the photographs as they are, normalisers drawn from all of them without any name,
and each detection is matched with its best candidates by the product, as `spotted match-marks` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.calibration.labels import Amount
from benchmarks.calibration.outcomes import SPLITS, accuracy, fixed_gain, measured, pairs_of
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.local.flanks import Flanks, pair_scores
from benchmarks.local.methods import HOTSPOTTER
from spotted.arrays import FloatArray, IntArray
from spotted.calibration.evidence import PairEvidence
from spotted.demo.composite import read_composite
from spotted.matching.shortlists import default_candidates
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs


@dataclass(frozen=True, slots=True)
class MarksLine:
    """Gains over the product at TOP, means over splits."""

    survey: str
    labelled: str
    product: tuple[float, ...]
    """Identification accuracy of the product."""
    without: tuple[float, ...]
    """Gain of `calibrated` without marks."""
    marked: tuple[float, ...]
    """Gain of `calibrated` with marks."""
    unguarded: tuple[float, ...]
    """Gain of all evidence with marks, without a guard."""
    local: tuple[float, ...]
    """Gain of the local score, which needs no label."""
    whole: dict[str, tuple[float, ...]]
    """Accuracy in the whole survey, of the product and of the local score."""


def matched(data: Path, survey: KnownSurvey, cache: Path) -> KnownSurvey:
    """A composite with the local scores of its shortlists; features and scores are kept in `cache`."""
    candidates = default_candidates(len(survey.gallery), HOTSPOTTER.spec.matcher)
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


def marks_line(survey: KnownSurvey, amount: Amount, *, splits: int = SPLITS) -> MarksLine:
    """The gains on one composite with the local scores of its shortlists."""
    everyone = np.arange(len(survey.gallery))
    pairs = pairs_of(survey.gallery, *np.meshgrid(everyone, everyone, indexing="ij"))
    without = measured(survey, replace(pairs, local=None), amount, splits=splits)
    marked = measured(survey, pairs, amount, splits=splits)
    return MarksLine(
        survey.name,
        str(amount),
        without.product,
        without.gain,
        marked.gain,
        marked.unguarded,
        fixed_gain(survey, pairs, local_score, splits=splits),
        {
            "product": accuracy(survey, replace(pairs, local=None), local_score),
            "local": accuracy(survey, pairs, local_score),
        },
    )


def local_score(pairs: PairEvidence) -> FloatArray:
    """`Fusion.LOCAL` of pairs, and the product of pairs without marks."""
    return pairs.looks * np.nan_to_num(pairs.feasibility, nan=1.0)
