"""`spotted evaluate`: how often the same animal is among the best candidates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from spotted.cli.connection import connected
from spotted.client.gallery import load_gallery
from spotted.console import data_option, err, json_option, progress, show, table
from spotted.counting import same_pairs
from spotted.errors import PreconditionError
from spotted.evaluation.comparison import TOP, Found, Rankings, compare, rankings
from spotted.evaluation.hardest import Hard, find_hardest
from spotted.evaluation.paper_figures import beside, marks_of
from spotted.evaluation.reliability import held_out
from spotted.reports.evaluation import Evaluation, shown, write_evaluation
from spotted.reports.evaluation_figures import figures, read_image, strips
from spotted.reports.page import Figure
from spotted.survey import Detection, Survey

# of individuals for the intervals, and of halves for the calibration
SEED = 0


@click.command()
@click.argument("survey")
@data_option
@json_option
@click.option("--other-encounters", is_flag=True, help="Leave out candidates of the query's own encounter.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write report.html and report.json into this directory.",
)
def evaluate(
    *, survey: str, directory: Path, as_json: bool, other_encounters: bool, output: Path | None
) -> None:
    """Measure visual, location and fused ranking against the identities that the survey knows.

    Every detection queries all others. Top-k is the share of queries with a detection of the same animal
    among the k best candidates; mAP is the mean average precision of the whole ranking; candidates that score
    the same are taken in all orders alike. Detections without an identity are candidates, but ask nothing.
    The report adds intervals over individuals, strata, calibration, curves, maps and the hardest animals.
    """
    with connected(directory) as spotted:
        gallery, detections = load_gallery(spotted, survey)
        stored, cameras = spotted.survey(survey), {c.camera_id: c for c in spotted.cameras(survey)}
        base = spotted.detections_with_embeddings(survey, base=True)[1] if stored.head_digest else None
    individuals = [d.individual_id for d in detections]
    if not same_pairs(individuals):
        raise PreconditionError(
            f"no individual of {survey!r} is known from two detections, so there is nothing to find again; "
            "import a survey whose observations have individualID"
        )
    with progress("queries", sum(bool(i) for i in individuals)) as advance:
        ranked = rankings(
            gallery,
            detections,
            adapted=bool(stored.head_digest),
            base=base,
            threads=os.cpu_count() or 1,
            told=advance,
        )
    hard = find_hardest(ranked)
    with err.status("measuring"):
        evaluation = _evaluation(
            (survey, stored.display_name), ranked, detections, hard, other_encounters=other_encounters
        )
    if output:
        placed = Survey(survey, 0.0, 0.0, stored.display_name, cameras)
        with err.status("drawing"):
            _write(output, evaluation, placed, ranked, detections, hard)
    show(evaluation.document(), as_json=as_json, text=lambda: _say(evaluation, output))


def _evaluation(
    names: Sequence[str],
    ranked: Rankings,
    detections: Sequence[Detection],
    hard: Sequence[Hard],
    *,
    other_encounters: bool,
) -> Evaluation:
    rng = np.random.default_rng(SEED)
    compared = compare(ranked, rng, other_encounters=other_encounters)
    judged, reason = held_out(ranked, rng)
    marks = marks_of(names)
    return Evaluation(
        survey_id=names[0],
        comparison=compared,
        hardest=[
            (detections[one.query].detection_id, detections[one.right].detection_id, one.above)
            for one in hard
        ],
        reliability=judged,
        not_calibrated=reason,
        other_encounters=other_encounters,
        published=marks.survey if marks else "",
        marks=beside(compared, marks) if marks else (),
    )


def _write(
    output: Path,
    evaluation: Evaluation,
    survey: Survey,
    ranked: Rankings,
    detections: Sequence[Detection],
    hard: Sequence[Hard],
) -> None:
    drawn: list[Figure] = figures(survey, ranked, evaluation.comparison, evaluation.reliability, detections)
    pictures, missing = strips(ranked, hard, detections, read_image)
    write_evaluation(output, evaluation, [*drawn, *pictures])
    if missing:
        err.print(f"{missing} of the hardest animals are not shown: their image files are out of reach")


def _say(evaluation: Evaluation, output: Path | None) -> None:
    compared = evaluation.comparison
    found = compared.other_encounters if evaluation.other_encounters else compared.overall
    queries = max((one.queries for one in found.values()), default=0)
    title = f"{evaluation.survey_id}: {queries} queries among {compared.detections} detections"
    columns = ("score", *(f"top-{k}" for k in TOP), "mAP", "top-5 and its interval")
    table(title, columns, [_row(score, one) for score, one in found.items()])
    if output:
        click.echo(f"report: {output / 'report.html'}")


def _row(score: str, found: Found) -> tuple[str, ...]:
    shares = (found.top[k].value for k in TOP)
    precision = found.mean_average_precision.value
    return (score, *(f"{share:.3f}" for share in shares), f"{precision:.3f}", shown(found.top[5]))
