"""`python -m spotted.demo`: a whole survey from photographs to individuals, with the real services.

Without --data the survey is simulated and its animals are drawn. With --data DIR it matches each composite
survey of DIR: real photographs of DIR/<photographs>/index.csv assigned to real captures of DIR/captures/*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import numpy as np

from spotted.client import Spotted
from spotted.console import SpottedGroup, err, table
from spotted.demo.composite import read_composite
from spotted.demo.measuring import RECALLS, measure
from spotted.demo.pictures import draw
from spotted.errors import InvalidInputError
from spotted.evaluation.retrieval import hours
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.local.models import models_directory
from spotted.reports.page import SurveyFigures, write_report
from spotted.simulation.survey import Shot, SimulationParams, simulate_survey
from spotted.testing import local_services


@click.group(cls=SpottedGroup, invoke_without_command=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory of the reports.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of captures and photographs; without it the survey is simulated.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the simulated survey.")
def main(*, output: Path, data: Path | None, seed: int) -> None:
    """Match a simulated survey, or composite surveys of real data, and write a report of each."""
    surveys = composites(data) if data else [(simulated(output / "images", seed), "simulated")]
    with started() as spotted:
        for imported, label in surveys:
            directory = output / imported.survey.survey_id if data else output
            measured, figures = measure(spotted, imported, label)
            write_report(directory, measured, figures)
            _print(measured, directory)


def simulated(images: Path, seed: int) -> ImportedSurvey:
    """A simulated survey, with its pictures drawn into a directory."""
    survey = simulate_survey(SimulationParams(), np.random.default_rng(seed), survey_id=f"simulated-{seed}")
    by_image: defaultdict[str, list[Shot]] = defaultdict(list)
    for shot in survey.shots:
        by_image[shot.detection.image_id].append(shot)
    images.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Picture] = {}
    with err.status("drawing animals"):
        for image_id, shots in by_image.items():
            drawn = draw(shots, seed=seed)
            path = images / f"{image_id}.jpg"
            path.write_bytes(drawn.content)
            for shot, box in zip(shots, drawn.boxes, strict=True):
                pictures[shot.detection.detection_id] = Picture(shot.detection, path, box)
    notes = (f"simulated with seed {seed}: drawn animals, no real animal is involved",)
    return ImportedSurvey(survey.survey, tuple(pictures[i] for i in sorted(pictures)), notes)


def composites(data: Path) -> list[tuple[ImportedSurvey, str]]:
    """Every composite of a directory. Raises InvalidInputError if it has no captures or no photographs."""
    captures = sorted(p.parent for p in data.glob("captures/*/detections.csv"))
    photographs = sorted(p.parent for p in data.glob("*/index.csv"))
    if not captures or not photographs:
        raise InvalidInputError(
            f"{data} lacks captures/*/detections.csv or */index.csv; give a directory with captures and "
            "photographs"
        )
    return [
        (read_composite(taken, shown, survey_id=f"{shown.name}-x-{taken.name}"), "composite")
        for shown in photographs
        for taken in captures
    ]


@contextmanager
def started() -> Iterator[Spotted]:
    """The real services, with a status line while they start."""
    with ExitStack() as stack:
        with err.status("starting the store and the services"):
            spotted = stack.enter_context(local_services({"SPOTTED_MODELS": str(models_directory())}))
        yield spotted


def _print(measured: SurveyFigures, directory: Path) -> None:
    click.echo(
        f"\n{measured.survey_id} ({measured.label}): {measured.detections} detections, "
        f"{measured.individuals_found} individuals found, {measured.individuals_true} true"
    )
    rows = [(s, f"{measured.top1[s]:.3f}", f"{measured.top5[s]:.3f}") for s in measured.top1]
    table("the same animal among the best candidates", ("score", "top-1", "top-5"), rows)
    strategies = {
        "Spotted (learned)": measured.queries_to,
        **measured.strategies,
        "greedy, visual order": measured.greedy_visual_queries_to,
    }
    questions = [(name, *(asked[r] or "-" for r in RECALLS)) for name, asked in strategies.items()]
    working = [measured.queries_to[r] for r in RECALLS]
    questions.append(("hours of Spotted", *("-" if q is None else f"{hours(q):.1f}" for q in working)))
    table(
        "questions until a share of all matches is known",
        ("strategy", *(f"{float(r):.0%}" for r in RECALLS)),
        questions,
    )
    click.echo(f"report: {directory / 'report.html'}")


if __name__ == "__main__":
    main()
