"""Results of the paper on the published sets (Spotted, figure 4), to compare with measured ones.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import ADAPTED, FUSED, LOCATION, VISUAL, Comparison

TOP1, TOP5, TOP20 = 1, 5, 20


@dataclass(frozen=True, slots=True)
class PaperFigures:
    """Results of the paper on one set."""

    survey: str
    """Name of the set."""
    location_top1: float
    """Top-1 by location only."""
    location_top20: float
    """Top-20 by location only."""
    top5_gain: float
    """Gain in top-5 of the fused score over the best baseline."""


PUBLISHED = (
    PaperFigures("LeopardID102", 0.48, 0.97, 0.09),
    PaperFigures("SpottedHyenaID109", 0.25, 0.81, 0.02),
    PaperFigures("SpottedHyenaID415", 0.08, 0.56, 0.09),
)


@dataclass(frozen=True, slots=True)
class PaperComparison:
    """One metric as measured and in the paper.

    >>> row = PaperComparison("location only, top-1", Interval(0.45, 0.40, 0.50), paper=0.48)
    >>> row.measured.low <= row.paper <= row.measured.high
    True
    """

    metric: str
    """Name of the metric."""
    measured: Interval
    """Value on this survey."""
    paper: float
    """Value in the paper."""


def find_paper_figures(names: Iterable[str]) -> PaperFigures | None:
    """The results of the set whose name occurs in one of the names of a survey; None if none does.

    >>> figures = find_paper_figures(["leopard-id-102 north"])
    >>> figures and (figures.survey, figures.location_top20)
    ('LeopardID102', 0.97)
    """
    plain = [re.sub("[^a-z0-9]", "", name.lower()) for name in names]
    return next((one for one in PUBLISHED if any(one.survey.lower() in name for name in plain)), None)


def compare_with_paper(comparison: Comparison, figures: PaperFigures) -> list[PaperComparison]:
    """Measured values and those of the paper; the baseline is the better of visual and location."""
    overall = comparison.overall
    visual = VISUAL if VISUAL in overall else ADAPTED
    baseline = max((visual, LOCATION), key=lambda score: overall[score].top[TOP5].value)
    gain = comparison.gains[FUSED, baseline].top[TOP5]
    return [
        PaperComparison("location only, top-1", overall[LOCATION].top[TOP1], figures.location_top1),
        PaperComparison("location only, top-20", overall[LOCATION].top[TOP20], figures.location_top20),
        PaperComparison(
            f"gain in top-5 over the better of visual and location ({baseline})", gain, figures.top5_gain
        ),
    ]
