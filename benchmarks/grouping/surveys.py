"""The composites with the local scores of all pairs, and one flank of nyala without places and times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.calibration.marks import flanks_of, shortlists
from benchmarks.common import known_surveys
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.local.flanks import Flanks, local_scores, read_flanks, vectors_of
from benchmarks.local.methods import HOTSPOTTER
from services.embedder.inference.backbones import Backbone
from spotted.arrays import Float64Array
from spotted.ranking.gallery import Gallery
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection, Survey

CANDIDATES = 50


@dataclass(frozen=True, slots=True, eq=False)
class MatchedSurvey:
    """A survey with known individuals and matched marks."""

    known: KnownSurvey
    """Its gallery has the local scores of its shortlists."""
    encounters: tuple[str, ...]
    """The encounter of each row, "" if unknown."""
    local: Float64Array
    """(n, n) local scores of all pairs."""

    @property
    def names(self) -> list[str]:
        """The individual of each row, "" if unknown."""
        return ["" if one < 0 else str(one) for one in self.known.individuals.tolist()]

    @property
    def without(self) -> Gallery:
        """The gallery without marks."""
        return replace(self.known.gallery, local=None)


def matched_surveys(data: Path, backbone: Backbone, cache: Path, share: float) -> Iterator[MatchedSurvey]:
    """The composites, and a share of the animals of the left flanks of nyala."""
    for captures in known_surveys.COMPOSITES:
        survey = known_surveys.composite(data, captures, backbone)
        yield _matched(
            survey, local_scores(flanks_of(data, survey), HOTSPOTTER, cache), ("",) * len(survey.gallery)
        )
    flanks = read_flanks(data / "nyala", "left", share=share)
    yield _matched(
        _flank_survey(flanks, backbone), local_scores(flanks, HOTSPOTTER, cache), flanks.encounters
    )


def _flank_survey(flanks: Flanks, backbone: Backbone) -> KnownSurvey:
    detections = [
        Detection(path.stem, individual_id=animal, encounter_id=encounter)
        for path, animal, encounter in zip(flanks.paths, flanks.animals, flanks.encounters, strict=True)
    ]
    gallery = Gallery.of(Survey("nyala", 0.0, 0.0), detections, vectors_of(flanks, backbone))
    individuals = np.unique(flanks.animals, return_inverse=True)[1]
    return KnownSurvey("nyala, left flanks", "catalogue", gallery, individuals)


def _matched(survey: KnownSurvey, found: Float64Array, encounters: tuple[str, ...]) -> MatchedSurvey:
    first, second = shortlists(survey.gallery, CANDIDATES)
    scores = found[first, second].astype(np.float32)
    local = LocalPairs.of(first, second, scores, (scores > 0).astype(np.uint16))
    return MatchedSurvey(replace(survey, gallery=replace(survey.gallery, local=local)), encounters, found)
