"""Small random surveys for the tests of the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.model import Calibration
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.similarity import unit_rows
from spotted.survey import DetectionTable, Extent

# weights of every term that counts, of the sign that a fit gives them
CALIBRATION = Calibration(
    kind=CalibrationKind.EVIDENCE,
    placed=(-4.0, 1.2, 3.0, 1.0, 0.1, 0.5, 0.8, 0.5, 0.4, -0.6),
    unplaced=(-3.0, 1.0, 3.0, 1.0, 0.1, 0.5),
    scale=(1.0,) * 9,
    same_pairs=40,
    different_pairs=400,
    individuals=12,
    share=0.02,
    held_out_ece=0.01,
)
EXTENT = Extent(distance_m=20_000.0, span_s=30 * 86_400.0, start_s=0.0)


def random_table(count: int, seed: int) -> DetectionTable:
    """Detections at a few cameras: unknown places and times, times outside EXTENT, images of several."""
    rng = np.random.default_rng(seed)
    cameras = rng.uniform(0, 14_000, size=(6, 2))
    cameras[5] = np.nan
    camera = rng.integers(0, 6, count)
    time = rng.integers(0, 40, count).astype(np.float64) * 50_000.0
    time[rng.random(count) < 0.1] = np.nan
    time[7::11] += 3e8
    image = np.where(rng.random(count) < 0.3, rng.integers(0, 5, count), -1)
    return DetectionTable(
        position_m=cameras[camera],
        time_s=time,
        image=image,
        side=rng.integers(0, 3, count),
        location_uncertainty_m=rng.uniform(0, 300, count),
        clock_suspect=rng.random(count) < 0.2,
    )


def random_gallery(
    count: int, seed: int, *, dimension: int = 8, params: FeasibilityParams | None = None
) -> Gallery:
    """A survey with some equal embeddings, so that ties happen."""
    rng = np.random.default_rng(seed + 1)
    looks = rng.normal(size=(max(1, count // 2), dimension))
    embeddings = unit_rows(looks[rng.integers(0, len(looks), count)]).astype(np.float16)
    return Gallery(
        embeddings,
        random_table(count, seed),
        rng.permutation(count),
        EXTENT,
        params or FeasibilityParams(),
        CALIBRATION,
    )


def matched_gallery(
    count: int, seed: int, share: float, *, params: FeasibilityParams | None = None
) -> Gallery:
    """A gallery of which a share of the pairs was matched, half of them without a common mark."""
    gallery = random_gallery(count, seed, params=params)
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(count, 1)
    chosen = rng.random(len(first)) < share
    marks = rng.integers(0, 2, chosen.sum()) * rng.integers(4, 90, chosen.sum())
    scores = rng.random(len(marks)).astype(np.float32)
    pairs = LocalPairs.of(second[chosen], first[chosen], scores, marks.astype(np.uint16))
    return replace(gallery, local=pairs)
