"""The composites with matched marks of all pairs, and one flank of nyala without places and times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.calibration.marks import flanks_of, shortlists
from benchmarks.common import known_surveys
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.local.flanks import Flanks, pair_scores, read_flanks, vectors_of
from benchmarks.local.methods import HOTSPOTTER
from services.embedder.inference.backbones import Backbone
from spotted.arrays import Float32Array
from spotted.matching.shortlists import default_candidates
from spotted.ranking.gallery import Gallery
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection, Survey


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSurvey:
    """A survey with known individuals, and the matched marks of all pairs."""

    known: KnownSurvey
    """Its gallery has no marks."""
    flanks: Flanks
    """Photographs of its rows."""
    encounters: tuple[str, ...]
    """The encounter of each row, "" if all others are its candidates."""
    pairs: LocalPairs
    """Local scores of all pairs."""

    @property
    def gallery(self) -> Gallery:
        """The gallery without marks."""
        return self.known.gallery

    @property
    def names(self) -> list[str]:
        """The individual of each row, "" if unknown."""
        return ["" if one < 0 else str(one) for one in self.known.individuals.tolist()]

    @property
    def placed(self) -> bool:
        """Whether places and times are known."""
        return bool(np.isfinite(self.gallery.table.position_m).any())

    def matched(self, candidates: int = 0) -> Gallery:
        """The gallery in which each detection was matched with its best candidates by the product.

        candidates: their number, 0: as many as `spotted match-marks` matches.
        """
        k = candidates or default_candidates(len(self.gallery), HOTSPOTTER.spec.matcher)
        first, second = shortlists(self.gallery, k)
        scores, marks = self.pairs.scores_of(first, second), self.pairs.marks_of(first, second)
        local = LocalPairs.of(first, second, scores, marks.astype(np.uint16))
        return replace(self.gallery, local=local)

    def vectors(self, backbone: Backbone) -> Float32Array:
        """The unit vectors of its photographs by another backbone."""
        return vectors_of(self.flanks, backbone)


def matched_surveys(data: Path, backbone: Backbone, cache: Path, share: float) -> Iterator[MatchedSurvey]:
    """The left flanks of a share of the nyala, and the composites."""
    flanks = read_flanks(data / "nyala", "left", share=share)
    yield matched_survey(flank_survey(flanks, vectors_of(flanks, backbone)), flanks, flanks.encounters, cache)
    for captures in known_surveys.COMPOSITES:
        survey = known_surveys.composite(data, captures, backbone)
        # all other detections are candidates, as in the other figures of composites
        yield matched_survey(survey, flanks_of(data, survey), ("",) * len(survey.gallery), cache)


def flank_survey(flanks: Flanks, vectors: Float32Array) -> KnownSurvey:
    """Photographs of one flank with their vectors (n, D), without places and times."""
    detections = [
        Detection(path.stem, individual_id=animal, encounter_id=encounter)
        for path, animal, encounter in zip(flanks.paths, flanks.animals, flanks.encounters, strict=True)
    ]
    gallery = Gallery.of(Survey("nyala", 0.0, 0.0), detections, vectors)
    individuals = np.unique(flanks.animals, return_inverse=True)[1]
    return KnownSurvey("nyala, left flanks", "catalogue", gallery, individuals)


def matched_survey(
    known: KnownSurvey, flanks: Flanks, encounters: tuple[str, ...], cache: Path
) -> MatchedSurvey:
    """A survey with the marks of all pairs; features and scores are kept in `cache`."""
    first, second = np.triu_indices(len(flanks.paths), 1)
    scores, marks = pair_scores(flanks, HOTSPOTTER, first, second, cache)
    return MatchedSurvey(known, flanks, encounters, LocalPairs.of(first, second, scores, marks))
