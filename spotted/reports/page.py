"""The report of a simulated or composite survey: a JSON document and an HTML page that needs no network."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import jinja2

from spotted.evaluation.retrieval import ANSWERS_PER_MINUTE, hours

TEMPLATE = "report.html.j2"
Questions = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """The figures of one survey.

    >>> figures = SurveyFigures(
    ...     survey_id="ridge",
    ...     label="simulated",
    ...     detections=300,
    ...     cameras=40,
    ...     individuals_true=40,
    ...     individuals_found=41,
    ...     top1={"fused": 0.9},
    ...     top5={"fused": 0.97},
    ...     queries_to={"0.95": 520},
    ...     greedy_visual_queries_to={"0.95": 1400},
    ... )
    >>> figures.document()["hours_to"]
    {'0.95': 1.5}
    """

    survey_id: str
    """Id of the survey."""
    label: str
    """Kind of survey: "simulated" or "composite"."""
    detections: int
    """Number of detections."""
    cameras: int
    """Number of cameras."""
    individuals_true: int
    """Number of individuals in truth."""
    individuals_found: int
    """Number of individuals in the final partition."""
    top1: Mapping[str, float]
    """Top-1 share by score: visual, location, fused."""
    top5: Mapping[str, float]
    """Top-5 share by score."""
    queries_to: Questions
    """Questions of the session by recall ("0.90", "0.95", "0.99"), None if it was not reached."""
    greedy_visual_queries_to: Questions
    """Questions of the baseline by recall."""
    strategies: Mapping[str, Questions] = field(default_factory=dict)
    """Questions of further strategies, by name and recall."""
    notes: Sequence[str] = ()
    """Notes for the reader."""

    def document(self) -> dict[str, object]:
        """The figures as JSON."""
        hours_to = {recall: _hours(asked) for recall, asked in self.queries_to.items()}
        return {
            "survey_id": self.survey_id,
            "label": self.label,
            "detections": self.detections,
            "cameras": self.cameras,
            "individuals_true": self.individuals_true,
            "individuals_found": self.individuals_found,
            "top1": _shares(self.top1),
            "top5": _shares(self.top5),
            "queries_to": dict(self.queries_to),
            "greedy_visual_queries_to": dict(self.greedy_visual_queries_to),
            "strategies": {name: dict(asked) for name, asked in self.strategies.items()},
            "hours_to": hours_to,
            "answers_per_minute": ANSWERS_PER_MINUTE,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a report.

    >>> Figure("Map", "Cameras of the survey", image=b"JPEG bytes").source
    'data:image/jpeg;base64,SlBFRyBieXRlcw=='
    """

    title: str
    """Heading above the figure."""
    caption: str
    """Text below the figure."""
    image: bytes
    """PNG or JPEG."""
    alt: str = ""
    """The finding of the figure, for who cannot see it; "" for the caption."""
    folded: bool = False
    """Whether it is a detail that a page shows on request."""

    @property
    def source(self) -> str:
        """The image as a data URI."""
        kind = "png" if self.image.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.image).decode()}"


def write_report(directory: Path, measured: SurveyFigures, figures: Sequence[Figure]) -> None:
    """Write report.json and report.html into a directory."""
    page = {
        "measured": measured,
        "finding": finding(measured),
        "figures": figures,
        "hours": _hours,
        "share": _shown,
        "rate": ANSWERS_PER_MINUTE,
    }
    write_page(directory, measured.document(), TEMPLATE, page)


def finding(measured: SurveyFigures) -> str:
    """The most important result as a sentence: what the questions of Spotted spare.

    >>> finding(SurveyFigures("s", "simulated", 9, 2, 3, 3, {}, {}, {"0.95": 520}, {"0.95": 1300}))
    '520 questions find 95 % of all matches; in the order of visual similarity it takes 1300.'
    """
    reached = [recall for recall, asked in measured.queries_to.items() if asked is not None]
    if not reached:
        return "The questions did not find enough matches to compare."
    recall = "0.95" if "0.95" in reached else reached[-1]
    plain = measured.greedy_visual_queries_to.get(recall)
    takes = "more than were asked" if plain is None else plain
    return (
        f"{measured.queries_to[recall]} questions find {100 * float(recall):.0f} % of all matches; in the "
        f"order of visual similarity it takes {takes}."
    )


def write_page(
    directory: Path, document: Mapping[str, object], template: str, page: Mapping[str, object]
) -> None:
    """Write a document as report.json, and a filled-in template of this package as report.html."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_text(
        json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
    (directory / "report.html").write_text(fill_template(template, page), encoding="utf-8")


def fill_template(template: str, page: Mapping[str, object]) -> str:
    """A template of this package, filled in."""
    loader = jinja2.FunctionLoader(lambda part: resources.files("spotted.reports").joinpath(part).read_text())
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, loader=loader
    )
    return environment.get_template(template).render(page)


def _shares(by_score: Mapping[str, float]) -> dict[str, float | None]:
    """Shares by score, None if there was no query, since JSON has no NaN."""
    return {score: None if math.isnan(share) else share for score, share in by_score.items()}


def _shown(share: float) -> str:
    return "no query" if math.isnan(share) else f"{share:.3f}"


def _hours(questions: int | None) -> float | None:
    return None if questions is None else round(hours(questions), 2)
