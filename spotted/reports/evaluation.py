"""The report of an evaluation: a JSON document and an HTML page that needs no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from spotted.evaluation.bootstrap import CONFIDENCE, FEWEST_INDIVIDUALS, REPEATS, Interval
from spotted.evaluation.comparison import Comparison, ScoreMetrics
from spotted.evaluation.given_names import NameAgreement
from spotted.evaluation.paper_figures import PaperComparison
from spotted.evaluation.partition import PartitionMetrics
from spotted.evaluation.reliability import Reliability
from spotted.evaluation.ruled_out import RuledOut
from spotted.evaluation.without_answers import WithoutAnswers
from spotted.journeys import distance_text, duration_text
from spotted.reports.page import Figure, write_page

TEMPLATE = "evaluation.html.j2"
Json = dict[str, object]
# candidates of a query that a person looks at
BEST = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All results of a survey.

    >>> nothing = Comparison(120, 30, {}, {}, {}, {}, {})
    >>> Evaluation("ridge", nothing, hardest=[("d1", "d7", 12)]).document()["hardest"]
    [{'query': 'd1', 'right': 'd7', 'above': 12}]
    """

    survey_id: str
    """Id of the survey."""
    comparison: Comparison
    """Retrieval metrics of all scores."""
    hardest: Sequence[tuple[str, str, int]]
    """Detection ids of a query and of the best of its animal, and the number of candidates above that."""
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    """By score; empty if it could not be measured."""
    not_calibrated: str = ""
    """Why reliability could not be measured, "" if it was."""
    other_encounters: bool = False
    """Whether strata and gains leave out candidates of the query's own encounter."""
    published: str = ""
    """Name of the published set that the survey is, "" if none."""
    paper: Sequence[PaperComparison] = ()
    """Comparison with the paper, for a published set."""
    partition: PartitionMetrics | None = None
    """Agreement of a session's individuals with the known ones, None without a session."""
    names: NameAgreement | None = None
    """Agreement of the names that people gave in the session with the known ones, None without a session."""
    without_answers: WithoutAnswers | None = None
    """How well individuals are found without any answer; None if it was not measured."""
    ruled_out: RuledOut | None = None
    """True matches that feasibility rules out; None if they were not counted."""
    notes: Sequence[str] = ()
    """Notes for the user."""

    def document(self) -> Json:
        """The numbers as JSON: a share of no query, or an interval of too few animals, is null."""
        compared = self.comparison
        return {
            "survey_id": self.survey_id,
            "detections": compared.detections,
            "individuals": compared.individuals,
            "scores": _by_score(compared.overall),
            "other_encounters": _by_score(compared.other_encounters),
            "strata_without_own_encounter": self.other_encounters,
            "strata": {
                by: {name: _by_score(metrics) for name, metrics in strata.items()}
                for by, strata in compared.strata.items()
            },
            "gains": {f"{a} over {b}": score_document(metrics) for (a, b), metrics in compared.gains.items()},
            "curves": {score: curve.tolist() for score, curve in compared.curves.items()},
            "calibration": {
                "reason": self.not_calibrated,
                "errors": {score: one.error for score, one in self.reliability.items()},
            },
            "hardest": [{"query": q, "right": r, "above": n} for q, r, n in self.hardest],
            "published": {
                "survey": self.published,
                "marks": [
                    {"what": row.metric, "ours": _interval(row.measured), "paper": row.paper}
                    for row in self.paper
                ],
            },
            "partition": None if self.partition is None else asdict(self.partition),
            "without_answers": _without_answers(self.without_answers),
            "names": None if self.names is None else asdict(self.names),
            "interval": {"confidence": CONFIDENCE, "repeats": REPEATS, "drawn": "individuals"},
            "ruled_out": None if self.ruled_out is None else asdict(self.ruled_out),
            "notes": list(self.notes),
        }


def _without_answers(found: WithoutAnswers | None) -> Json | None:
    if found is None:
        return None
    new = found.new_animals
    return {
        "grouping": asdict(found.grouping),
        "new_animals": None if new is None else {**asdict(new), "score": new.score},
    }


def write_evaluation(directory: Path, evaluation: Evaluation, figures: Sequence[Figure]) -> None:
    """Write report.json and report.html into a directory."""
    page = {
        "evaluation": evaluation,
        "compared": evaluation.comparison,
        "figures": figures,
        "findings": findings(evaluation),
        "shown": format_interval,
        "confidence": f"{CONFIDENCE:.0%}",
        "fewest": FEWEST_INDIVIDUALS,
    }
    write_page(directory, evaluation.document(), TEMPLATE, page)


def findings(evaluation: Evaluation) -> list[str]:
    """The findings of an evaluation as sentences, the most important one first."""
    out, scores = evaluation.ruled_out, evaluation.comparison.overall
    said = []
    if out is not None and out.ruled_out:
        said.append(
            f"Feasibility rules out {out.ruled_out} of {out.pairs} true matches ({100 * out.share:.0f} %), "
            f"so the fused score cannot find them. Half of them are at most {duration_text(out.gap_s)} and "
            f"{distance_text(out.distance_m)} apart. Try `spotted tune-feasibility {evaluation.survey_id}`, "
            "and check the clocks of the cameras."
        )
    elif out is not None and out.pairs:
        said.append(f"Feasibility rules out none of {out.pairs} true matches.")
    found = ", ".join(
        f"{100 * one.top[BEST].value:.0f} % by the {score} score"
        for score, one in scores.items()
        if not math.isnan(one.top[BEST].value)
    )
    if found:
        said.append(f"The same animal is among the {BEST} best candidates for {found}.")
    return said


def format_interval(interval: Interval) -> str:
    """A share with its interval.

    >>> format_interval(Interval(0.635, 0.571, 0.702))
    '0.635 (0.571 to 0.702)'
    """
    if math.isnan(interval.value):
        return "no query"
    if math.isnan(interval.low):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _by_score(metrics: Mapping[str, ScoreMetrics]) -> Json:
    return {score: score_document(one) for score, one in metrics.items()}


def score_document(metrics: ScoreMetrics) -> Json:
    """The metrics of one score as JSON."""
    return {
        "queries": metrics.queries,
        "individuals": metrics.individuals,
        "top": {str(k): share.value for k, share in metrics.top.items()},
        "mean_average_precision": metrics.mean_average_precision.value,
        "intervals": {
            **{f"top-{k}": _bounds(share) for k, share in metrics.top.items()},
            "mean_average_precision": _bounds(metrics.mean_average_precision),
        },
    }


def _interval(interval: Interval) -> Json:
    return {"value": interval.value, "interval": _bounds(interval)}


def _bounds(interval: Interval) -> list[float] | None:
    return None if math.isnan(interval.low) else [interval.low, interval.high]
