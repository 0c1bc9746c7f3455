"""What the paper reports of the published sets, to stand beside what is measured here (Spotted, figure 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import ADAPTED, FUSED, LOCATION, VISUAL, Comparison

TOP1, TOP5, TOP20 = 1, 5, 20


@dataclass(frozen=True, slots=True)
class Marks:
    """The paper's figures of one set: location alone, and the gain in top-5 over the best baseline."""

    survey: str
    location_top1: float
    location_top20: float
    top5_gain: float


PUBLISHED = (
    Marks("LeopardID102", 0.48, 0.97, 0.09),
    Marks("SpottedHyenaID109", 0.25, 0.81, 0.02),
    Marks("SpottedHyenaID415", 0.08, 0.56, 0.09),
)


@dataclass(frozen=True, slots=True)
class Beside:
    """One row: what is measured, ours, the paper's."""

    what: str
    ours: Interval
    paper: float


def marks_of(names: Iterable[str]) -> Marks | None:
    """The marks of the set whose name is in one of a survey's names, however written; None where none is."""
    plain = [re.sub("[^a-z0-9]", "", name.lower()) for name in names]
    return next((marks for marks in PUBLISHED if any(marks.survey.lower() in name for name in plain)), None)


def beside(comparison: Comparison, marks: Marks) -> list[Beside]:
    """Ours beside the paper's; our baseline is the better of looks and location (ours)."""
    overall = comparison.overall
    looks = VISUAL if VISUAL in overall else ADAPTED
    baseline = max((looks, LOCATION), key=lambda score: overall[score].top[TOP5].value)
    gain = comparison.gains[FUSED, baseline].top[TOP5]
    return [
        Beside("location alone, top-1", overall[LOCATION].top[TOP1], marks.location_top1),
        Beside("location alone, top-20", overall[LOCATION].top[TOP20], marks.location_top20),
        Beside(f"gain in top-5 over the better of looks and location ({baseline})", gain, marks.top5_gain),
    ]
