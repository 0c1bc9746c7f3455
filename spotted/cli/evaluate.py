"""`spotted evaluate`: how often the best candidates include the same animal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from spotted.cli.connection import connect
from spotted.client.gallery import load_gallery
from spotted.client.survey_handle import SurveyHandle
from spotted.console import data_option, err, json_option, progress, show, table, with_unit
from spotted.counting import same_pairs
from spotted.errors import PreconditionError
from spotted.evaluation.comparison import TOP, ScoreMetrics, SurveyRanks, compare, rank_survey
from spotted.evaluation.given_names import NameAgreement, compare_names
from spotted.evaluation.hardest import HardQuery, find_hardest
from spotted.evaluation.paper_figures import compare_with_paper, find_paper_figures
from spotted.evaluation.partition import PartitionMetrics, measure_partition
from spotted.evaluation.reliability import measure_held_out
from spotted.evaluation.ruled_out import count_ruled_out
from spotted.evaluation.without_answers import WithoutAnswers, measure_without_answers
from spotted.facts import KnownIndividuals
from spotted.reports.evaluation import Evaluation, findings, format_interval, write_evaluation
from spotted.reports.evaluation_figures import draw_figures, draw_strips, read_image
from spotted.reports.page import Figure
from spotted.survey import Detection, Survey

# resampling of individuals for the intervals, and the split for the calibration
SEED = 0
# names that differ in the text; --json lists all
NAMES_SHOWN = 10


@click.command()
@click.argument("survey")
@click.option(
    "--session",
    "session_id",
    default="",
    metavar="SESSION",
    help="Also compare the individuals of this session with the known identities.",
)
@click.option("--other-encounters", is_flag=True, help="Exclude candidates from the query's own encounter.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write report.html and report.json to this directory.",
)
@data_option
@json_option
def evaluate(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    session_id: str,
    other_encounters: bool,
    output: Path | None,
) -> None:
    """Measure the rankings of a survey on its known identities.

    Visual, location and fused scores are compared, and the local score if marks were matched. Every detection
    queries all others. Top-k is the share of queries with a detection of the same animal among the k best
    candidates; mAP is the mean average precision of the whole ranking; ties are averaged over all their
    orders. Detections without an identity are candidates, but not queries. Groups that are found without any
    answer are compared with the known identities. With --session, pairwise and B-cubed precision and recall
    say how far the individuals of an annotation session agree with the known identities. The report adds
    intervals over individuals, strata, calibration, curves, maps and the hardest animals.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        gallery, detections = load_gallery(handle)
        stored, cameras = handle.info(), {c.camera_id: c for c in handle.cameras()}
        base = handle.detections_with_embeddings(base=True)[1] if stored.head_digest else None
        partition, names = _of_session(handle, session_id, detections) if session_id else (None, None)
    individuals = [d.individual_id for d in detections]
    if not same_pairs(individuals):
        raise PreconditionError(
            f"no individual of {survey!r} is known from two detections, so retrieval cannot be measured; "
            "import a survey whose observations have individualID"
        )
    with progress("queries", sum(bool(i) for i in individuals)) as advance:
        ranked = rank_survey(
            gallery,
            detections,
            adapted=bool(stored.head_digest),
            base=base,
            threads=os.cpu_count() or 1,
            on_progress=advance,
        )
    hard = find_hardest(ranked)
    with err.status("grouping"):
        without_answers = measure_without_answers(
            gallery, detections, np.random.default_rng(SEED), threads=os.cpu_count() or 1
        )
    with err.status("measuring"):
        evaluation = _evaluation(
            (survey, stored.display_name), ranked, detections, hard, other_encounters=other_encounters
        )
        evaluation = replace(evaluation, partition=partition, names=names, without_answers=without_answers)
    if output:
        placed = Survey(survey, 0.0, 0.0, stored.display_name, cameras)
        with err.status("drawing"):
            _write(output, evaluation, placed, ranked, detections, hard)
    show(evaluation.document(), as_json=as_json, text=lambda: _print(evaluation, output))


def _of_session(
    survey: SurveyHandle, session_id: str, detections: Sequence[Detection]
) -> tuple[PartitionMetrics, NameAgreement]:
    """Agreement of the individuals of a session, and of their names, with the known ones.

    Detections that are in no individual stand by themselves.

    Raises PreconditionError if the session believes the known ones, which would then agree with themselves.
    """
    session = survey.session(session_id)
    if session.info().known_individuals is KnownIndividuals.BELIEVED:
        raise PreconditionError(
            f"session {session_id!r} believes the known names, which would be compared with themselves; "
            "compare a session that was created with --known ignored"
        )
    of = {detection_id: one for one in session.individuals() for detection_id in one.detection_ids}
    found = [of.get(d.detection_id) for d in detections]
    known = [d.individual_id for d in detections]
    partition = measure_partition([one.individual_id if one else "" for one in found], known)
    return partition, compare_names([one.display_name if one else "" for one in found], known)


def _evaluation(
    names: Sequence[str],
    ranked: SurveyRanks,
    detections: Sequence[Detection],
    hard: Sequence[HardQuery],
    *,
    other_encounters: bool,
) -> Evaluation:
    rng = np.random.default_rng(SEED)
    compared = compare(ranked, rng, other_encounters=other_encounters)
    judged, reason = measure_held_out(ranked, rng)
    marks = find_paper_figures(names)
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
        paper=compare_with_paper(compared, marks) if marks else (),
        ruled_out=count_ruled_out(ranked),
    )


def _write(
    output: Path,
    evaluation: Evaluation,
    survey: Survey,
    ranked: SurveyRanks,
    detections: Sequence[Detection],
    hard: Sequence[HardQuery],
) -> None:
    drawn: list[Figure] = draw_figures(
        survey, ranked, evaluation.comparison, evaluation.reliability, detections
    )
    pictures, missing = draw_strips(ranked, hard, detections, read_image)
    write_evaluation(output, evaluation, [*drawn, *pictures])
    if missing:
        err.print(f"the report leaves out {missing} of the hardest animals: their image files cannot be read")


def _print(evaluation: Evaluation, output: Path | None) -> None:
    compared = evaluation.comparison
    found = compared.other_encounters if evaluation.other_encounters else compared.overall
    queries = max((one.queries for one in found.values()), default=0)
    title = f"{evaluation.survey_id}: {queries} queries among {compared.detections} detections"
    columns = ("score", *(f"top-{k}" for k in TOP), "mAP", "top-5 with 95 % interval")
    for sentence in findings(evaluation):
        click.echo(sentence)
    table(title, columns, [_row(score, one) for score, one in found.items()])
    if (part := evaluation.partition) is not None:
        click.echo(
            f"individuals of the session, {part.detections} known detections: "
            f"pair precision {part.pair_precision:.3f}, pair recall {part.pair_recall:.3f}, "
            f"B-cubed precision {part.b_cubed_precision:.3f}, B-cubed recall {part.b_cubed_recall:.3f}"
        )
    if (found_alone := evaluation.without_answers) is not None:
        _print_without_answers(found_alone)
    if (names := evaluation.names) is not None and names.detections:
        click.echo(f"names given in the session: {names.agreeing} of {names.detections} detections agree")
        for one in names.others[:NAMES_SHOWN]:
            click.echo(f"  {one.given} is known as {one.known} ({with_unit(one.detections, 'detection')})")
    if output:
        click.echo(f"report: {output / 'report.html'}")


def _row(score: str, found: ScoreMetrics) -> tuple[str, ...]:
    shares = (found.top[k].value for k in TOP)
    precision = found.mean_average_precision.value
    return (score, *(f"{share:.3f}" for share in shares), f"{precision:.3f}", format_interval(found.top[5]))


def _print_without_answers(found: WithoutAnswers) -> None:
    part, new = found.grouping, found.new_animals
    click.echo(
        f"unreviewed groups, without any answer: adjusted Rand index {part.adjusted_rand:.3f}, pair "
        f"precision {part.pair_precision:.3f}, pair recall {part.pair_recall:.3f}"
    )
    if new is not None:
        click.echo(
            f"naming by half of the individuals: balanced accuracy {new.known:.3f} on known individuals, "
            f"{new.new:.3f} on new ones, geometric mean {new.score:.3f}"
        )
