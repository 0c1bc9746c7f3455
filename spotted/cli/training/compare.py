"""`spotted compare-backbones`: two backbones on the photographs of a survey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

from spotted.arrays import Float32Array
from spotted.cli.connection import connect
from spotted.cli.sessions.known_names import known_names
from spotted.cli.training.run_vectors import embed_by_run
from spotted.client import Spotted
from spotted.client.ingest import boxed, read_crops
from spotted.console import data_option, err, json_option, progress, show, table, with_unit
from spotted.errors import InvalidInputError
from spotted.evaluation.backbones import BackboneComparison, compare_backbones
from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import TOP, ScoreMetrics
from spotted.formats.picture import Picture
from spotted.formats.sources import recall
from spotted.ranking.gallery import Gallery
from spotted.reports.evaluation import score_document
from spotted.survey import Survey

# resampling of individuals, and the drawn queries
SEED = 0


@click.command("compare-backbones")
@click.argument("first")
@click.argument("second")
@click.argument("survey")
@click.option("--session", "session_id", default="", help="Take the individuals from this session's labels.")
@click.option("--other-encounters", is_flag=True, help="Exclude candidates from the query's own encounter.")
@data_option
@json_option
def compare(
    *,
    first: str,
    second: str,
    survey: str,
    directory: Path,
    as_json: bool,
    session_id: str,
    other_encounters: bool,
) -> None:
    """Compare two backbones on the photographs of an imported survey.

    FIRST and SECOND are backbones that the embedder has loaded, or folders of finished trainings, which
    need not be exported. Both embed all photographs, and nothing is stored. The table shows how often each
    finds an animal again by looks, and the difference with its 95 % interval over individuals; below it
    stands how far their rankings agree. Individuals from a --session that was answered with one of the two
    favour that one.
    """
    with err.status("reading files"):
        pictures = recall(directory, survey).read(survey).pictures
    with connect(directory) as spotted:
        vectors = [_embed(spotted, model_id, survey, pictures) for model_id in (first, second)]
        usable = [row for row in range(len(pictures)) if all(row in embedded for embedded in vectors)]
        detections = [boxed(pictures[row]) for row in usable]
        individuals = known_names(
            spotted.survey(survey), session_id, detections, "backbones cannot be compared"
        )
    period = Survey(survey, 0.0, 1.0)
    one, other = (
        Gallery.of(period, detections, np.stack([embedded[row] for row in usable])) for embedded in vectors
    )
    with err.status("comparing"):
        found = compare_backbones(
            one,
            other,
            individuals,
            np.random.default_rng(SEED),
            encounters=[d.encounter_id for d in detections] if other_encounters else None,
        )
    names = (first, second)
    document = _document(survey, names, found, failed=len(pictures) - len(usable))
    show(document, as_json=as_json, text=lambda: _print(survey, names, found, len(pictures) - len(usable)))


def _embed(
    spotted: Spotted, model_id: str, survey: str, pictures: Sequence[Picture]
) -> dict[int, Float32Array]:
    """The vector of each picture that can be embedded, by its row. model_id: of a backbone, or a folder."""
    if Path(model_id).is_dir():
        return embed_by_run(Path(model_id), pictures)
    row_of = {picture.detection.detection_id: row for row, picture in enumerate(pictures)}
    found: dict[int, Float32Array] = {}
    unread: list[tuple[str, str]] = []
    with progress(model_id, len(pictures)) as advance:
        for embedded in spotted.embed(read_crops(pictures, unread), model_id=model_id, survey_id=survey):
            if embedded.vector is not None:
                found[row_of[embedded.crop_id]] = embedded.vector
            advance(1)
        advance(len(unread))
    if not found:
        raise InvalidInputError(
            f"none of the {len(pictures)} photographs of {survey!r} could be embedded by {model_id}; see "
            f"`spotted embed {survey} --model {model_id}`"
        )
    return found


def _print(survey: str, names: Sequence[str], found: BackboneComparison, failed: int) -> None:
    queries = found.first
    title = f"{survey}: {queries.queries} queries of {with_unit(queries.individuals, 'individual')}"
    columns = ("backbone", *(f"top-{k}" for k in TOP), "mAP")
    rows = [
        (names[0], *_cells(found.first, _share)),
        (names[1], *_cells(found.second, _share)),
        ("difference", *_cells(found.gain, _difference)),
        ("95 % interval", *_cells(found.gain, _range)),
    ]
    table(title, columns, rows)
    click.echo(
        f"best candidate right with {names[0]} only: {found.only_first:.1%} of the queries, "
        f"with {names[1]} only: {found.only_second:.1%}"
    )
    agreement = found.agreement
    shared = ", ".join(f"{share:.1%} of the {k} best" for k, share in agreement.shared.items())
    click.echo(f"shared candidates: {shared}; rank correlation {agreement.correlation:.3f}")
    if failed:
        err.print(f"{with_unit(failed, 'photograph')} left out: they could not be embedded by both")


def _cells(metrics: ScoreMetrics, text: Callable[[Interval], str]) -> list[str]:
    return [text(one) for one in (*metrics.top.values(), metrics.mean_average_precision)]


def _share(one: Interval) -> str:
    return f"{one.value:.3f}"


def _difference(one: Interval) -> str:
    return f"{one.value:+.3f}"


def _range(one: Interval) -> str:
    return "unknown" if np.isnan(one.low) else f"{one.low:+.3f} to {one.high:+.3f}"


def _document(
    survey: str, names: Sequence[str], found: BackboneComparison, *, failed: int
) -> dict[str, object]:
    return {
        "survey_id": survey,
        "queries": found.first.queries,
        "individuals": found.first.individuals,
        "failed": failed,
        "backbones": [
            {"name": name, "score": score_document(metrics)}
            for name, metrics in zip(names, (found.first, found.second), strict=True)
        ],
        "difference": score_document(found.gain),
        "only_first": found.only_first,
        "only_second": found.only_second,
        "shared": {str(k): share for k, share in found.agreement.shared.items()},
        "rank_correlation": found.agreement.correlation,
    }
