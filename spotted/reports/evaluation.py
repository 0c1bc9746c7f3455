"""The report of an evaluation: one JSON document and one page that needs no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spotted.evaluation.bootstrap import CONFIDENCE, FEWEST_INDIVIDUALS, REPEATS, Interval
from spotted.evaluation.comparison import Comparison, Found
from spotted.evaluation.paper_figures import Beside
from spotted.evaluation.reliability import Reliability
from spotted.reports.page import Figure, write_page

TEMPLATE = "evaluation.html.j2"
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is measured of a survey.

    hardest: detection ids of a query, the best of its animal, and the number of candidates above that one.
    reliability: by score; not_calibrated: why there is none, "" where there is.
    other_encounters: whether strata and gains leave out candidates of the query's own encounter.
    marks: beside the paper's, for a published set.
    """

    survey_id: str
    comparison: Comparison
    hardest: Sequence[tuple[str, str, int]]
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    not_calibrated: str = ""
    other_encounters: bool = False
    published: str = ""
    marks: Sequence[Beside] = ()
    notes: Sequence[str] = ()

    def document(self) -> Json:
        """The figures as JSON has them: a share of no query, or an interval of too few animals, is null."""
        compared = self.comparison
        return {
            "survey_id": self.survey_id,
            "detections": compared.detections,
            "individuals": compared.individuals,
            "scores": _by_score(compared.overall),
            "other_encounters": _by_score(compared.other_encounters),
            "strata_without_own_encounter": self.other_encounters,
            "strata": {
                by: {name: _by_score(found) for name, found in strata.items()}
                for by, strata in compared.strata.items()
            },
            "gains": {f"{a} over {b}": _found(found) for (a, b), found in compared.gains.items()},
            "curves": {score: curve.tolist() for score, curve in compared.curves.items()},
            "calibration": {
                "reason": self.not_calibrated,
                "errors": {score: one.error for score, one in self.reliability.items()},
            },
            "hardest": [{"query": q, "right": r, "above": n} for q, r, n in self.hardest],
            "published": {
                "survey": self.published,
                "marks": [{"what": m.what, "ours": _interval(m.ours), "paper": m.paper} for m in self.marks],
            },
            "interval": {"confidence": CONFIDENCE, "repeats": REPEATS, "drawn": "individuals"},
            "notes": list(self.notes),
        }


def write_evaluation(directory: Path, evaluation: Evaluation, figures: Sequence[Figure]) -> None:
    """Write report.json and report.html into a directory."""
    page = {
        "evaluation": evaluation,
        "compared": evaluation.comparison,
        "figures": figures,
        "shown": shown,
        "confidence": f"{CONFIDENCE:.0%}",
        "fewest": FEWEST_INDIVIDUALS,
    }
    write_page(directory, evaluation.document(), TEMPLATE, page)


def shown(interval: Interval) -> str:
    """A share with its interval, such as "0.635 (0.571-0.702)"."""
    if math.isnan(interval.value):
        return "no query"
    if math.isnan(interval.low):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _by_score(found: Mapping[str, Found]) -> Json:
    return {score: _found(one) for score, one in found.items()}


def _found(found: Found) -> Json:
    return {
        "queries": found.queries,
        "individuals": found.individuals,
        "top": {str(k): share.value for k, share in found.top.items()},
        "mean_average_precision": found.mean_average_precision.value,
        "intervals": {
            **{f"top-{k}": _bounds(share) for k, share in found.top.items()},
            "mean_average_precision": _bounds(found.mean_average_precision),
        },
    }


def _interval(interval: Interval) -> Json:
    return {"value": interval.value, "interval": _bounds(interval)}


def _bounds(interval: Interval) -> list[float] | None:
    return None if math.isnan(interval.low) else [interval.low, interval.high]
