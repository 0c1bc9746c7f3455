"""The report of a measured survey: one JSON document and one page that needs no network."""

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
class Measured:
    """The figures of one survey.

    label: "simulated" or "composite", what the survey is.
    top1, top5: by score: visual, location, fused.
    queries_to, greedy_visual_queries_to: by recall ("0.90", "0.95", "0.99"), None where it was not reached.
    strategies: further strategies by name, questions by recall.
    """

    survey_id: str
    label: str
    detections: int
    cameras: int
    individuals_true: int
    individuals_found: int
    top1: Mapping[str, float]
    top5: Mapping[str, float]
    queries_to: Questions
    greedy_visual_queries_to: Questions
    strategies: Mapping[str, Questions] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def document(self) -> dict[str, object]:
        """The figures as JSON has them."""
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
    """A picture of the report and what it shows. image: PNG or JPEG."""

    title: str
    caption: str
    image: bytes

    @property
    def source(self) -> str:
        """The picture inside the page."""
        kind = "png" if self.image.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.image).decode()}"


def write_report(directory: Path, measured: Measured, figures: Sequence[Figure]) -> None:
    """Write report.json and report.html into a directory."""
    page = {
        "measured": measured,
        "figures": figures,
        "hours": _hours,
        "share": _shown,
        "rate": ANSWERS_PER_MINUTE,
    }
    write_page(directory, measured.document(), TEMPLATE, page)


def write_page(
    directory: Path, document: Mapping[str, object], template: str, page: Mapping[str, object]
) -> None:
    """Write a document as report.json, and a template of this package, filled in, as report.html."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_text(
        json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
    loader = jinja2.FunctionLoader(lambda part: resources.files("spotted").joinpath(part).read_text())
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, loader=loader
    )
    filled = environment.get_template(template).render(page)
    (directory / "report.html").write_text(filled, encoding="utf-8")


def _shares(by_score: Mapping[str, float]) -> dict[str, float | None]:
    """Shares by score, None where no detection could be asked about: JSON has no NaN."""
    return {score: None if math.isnan(share) else share for score, share in by_score.items()}


def _shown(share: float) -> str:
    return "no query" if math.isnan(share) else f"{share:.3f}"


def _hours(questions: int | None) -> float | None:
    return None if questions is None else round(hours(questions), 2)
