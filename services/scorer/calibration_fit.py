"""A calibration fitted to the labels of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.scorer.scored_surveys import ScoredSurvey
from spotted.calibration.model import Calibration
from spotted.matching.calibrating import fit_to_known


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """The answers known about pairs of a survey."""

    pairs: Sequence[tuple[str, str, bool]]
    """(detection id, detection id, whether they show one animal)."""
    use_known_individuals: bool
    """Whether the individual ids of detections count too."""


def fit(scored: ScoredSurvey, known: KnownAnswers) -> tuple[Calibration, str]:
    """A calibration of a survey's scores, and a message saying which labels are missing, "" if none.

    Raises NotFoundError for an unknown detection.
    """
    snapshot = scored.snapshot
    answers = [(snapshot.row(one), snapshot.row(other), same) for one, other, same in known.pairs]
    individuals = [d.individual_id if known.use_known_individuals else "" for d in snapshot.detections]
    return fit_to_known(scored.gallery, individuals, answers)
