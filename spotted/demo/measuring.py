"""One survey through the whole loop: scores, questions, individuals, and figures of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spotted.arrays import Float64Array
from spotted.client import Spotted, oracle
from spotted.client.gallery import load_gallery
from spotted.client.ingest import embed_pictures
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values import SubmittedLabels
from spotted.console import progress
from spotted.counting import count_of_share, same_pairs
from spotted.errors import PreconditionError
from spotted.evaluation import retrieval
from spotted.evaluation.comparison import SCORES
from spotted.facts import KnownIndividuals
from spotted.formats.imported_survey import ImportedSurvey
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.reports import plots
from spotted.reports.evaluation_figures import MAP_CAPTION, draw_feasibility
from spotted.reports.page import Figure, SurveyFigures
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

RECALLS = ("0.90", "0.95", "0.99")
MAIN, CONFSPAL, GREEDY, VISUAL = "learned", "confspal", "greedy", "greedy-visual"
STRIPS = 3
CANDIDATES = 5


def measure(spotted: Spotted, imported: ImportedSurvey, label: str) -> tuple[SurveyFigures, list[Figure]]:
    """Import, embed, score and annotate one survey with known individuals, and measure the results.

    Every session is answered from the truth until 99 % of all true pairs are known. Raises
    PreconditionError if a picture could not be stored.
    """
    survey_id = imported.survey.survey_id
    survey = _store(spotted, imported)
    gallery, detections = load_gallery(survey)
    individuals = [d.individual_id for d in detections]
    with progress(f"{survey_id}: ranking", len(SCORES)) as advance:
        retrieved = {}
        for score, fusion in SCORES.items():
            retrieved[score] = retrieval.measure_retrieval(
                gallery, individuals, fusion=fusion, ks=(1, CANDIDATES)
            )
            advance(1)
    curves = {
        strategy: _answer_session(survey, strategy, detections)
        for strategy in (MAIN, CONFSPAL, GREEDY, VISUAL)
    }
    questions = {strategy: _questions(curve) for strategy, curve in curves.items()}
    measured = SurveyFigures(
        survey_id=survey_id,
        label=label,
        detections=len(detections),
        cameras=len(imported.survey.cameras),
        individuals_true=len(set(individuals)),
        individuals_found=survey.session(MAIN).progress().individuals,
        top1={score: found.top[1] for score, found in retrieved.items()},
        top5={score: found.top[CANDIDATES] for score, found in retrieved.items()},
        queries_to=questions[MAIN],
        greedy_visual_queries_to=questions[VISUAL],
        strategies={"confspal": questions[CONFSPAL], "greedy, fused order": questions[GREEDY]},
        notes=imported.notes,
    )
    return measured, _figures(imported, gallery, detections, curves)


def _store(spotted: Spotted, imported: ImportedSurvey) -> SurveyHandle:
    survey = spotted.create_survey(imported.survey)
    with progress(f"{survey.survey_id}: photographs", len(imported.pictures)) as advance:
        intake = embed_pictures(spotted, survey, imported.pictures, on_progress=advance)
    if intake.failed:
        detection_id, message = intake.failed[0]
        raise PreconditionError(
            f"{len(intake.failed)} pictures of {survey.survey_id!r} could not be stored, "
            f"e.g. {detection_id}: {message}"
        )
    return survey


def _answer_session(survey: SurveyHandle, strategy: str, detections: Sequence[Detection]) -> Float64Array:
    """Share of all true pairs known after each question of a session, up to 99 %."""
    truth = {d.detection_id: d.individual_id for d in detections}
    total = same_pairs(list(truth.values()))
    found: list[int] = []
    session = survey.create_session(
        strategy,
        strategy=strategy,
        known_individuals=KnownIndividuals.IGNORED,
        ask_opposite_flanks=True,
    )
    with progress(f"{survey.survey_id}: questions, {strategy}", None) as advance:

        def on_answer(submitted: SubmittedLabels) -> None:
            found.append(submitted.progress.same_pairs)
            advance(1)

        until = count_of_share(float(RECALLS[-1]), total)
        oracle.answer_all(session, truth, until_same_pairs=until, on_answer=on_answer)
    return retrieval.recall_curve(np.array(found, dtype=np.int64), total)


def _questions(curve: Float64Array) -> dict[str, int | None]:
    reached = {recall: np.flatnonzero(curve >= float(recall) - 1e-9) for recall in RECALLS}
    return {recall: int(rows[0]) + 1 if len(rows) else None for recall, rows in reached.items()}


def _figures(
    imported: ImportedSurvey,
    gallery: Gallery,
    detections: Sequence[Detection],
    curves: dict[str, Float64Array],
) -> list[Figure]:
    individuals = [d.individual_id for d in detections]
    everyone = np.arange(len(detections))
    ranker = Ranker(gallery)
    visual, fused = (ranker.score_block(everyone, everyone, f) for f in (Fusion.VISUAL, Fusion.PRODUCT))
    figures = [
        Figure(
            "Matches found",
            "Share of all pairs of one animal that are known, answered or implied, against questions.",
            plots.matches_found(curves),
        ),
        draw_feasibility(gallery),
        Figure(
            "Scores before and after fusion",
            "All pairs, ordered by individual: good scores show bright blocks on the diagonal.",
            plots.similarity_matrices(visual, fused, individuals),
            folded=True,
        ),
        Figure(
            "Cameras and movements",
            MAP_CAPTION,
            plots.camera_map(
                imported.survey,
                [d.camera_id for d in detections],
                gallery.table.time_s,
                individuals,
            ),
        ),
    ]
    return figures + _strips(imported, gallery, detections)


def _strips(imported: ImportedSurvey, gallery: Gallery, detections: Sequence[Detection]) -> list[Figure]:
    """The best candidates of one detection of each of the animals seen most."""
    paths = {p.detection.detection_id: p.path for p in imported.pictures}
    individuals = [d.individual_id for d in detections]
    most_seen = sorted(set(individuals), key=lambda i: (-individuals.count(i), i))[:STRIPS]
    queries = np.array([individuals.index(individual) for individual in most_seen])
    figures = []
    for ranked in Ranker(gallery).top_k(queries, CANDIDATES):
        query = detections[ranked.query]
        pictures = [_thumbnail(query, paths, "query", same=None)]
        for row, score in zip(ranked.rows.tolist(), ranked.scores.fused.tolist(), strict=True):
            candidate = detections[row]
            same = candidate.individual_id == query.individual_id
            pictures.append(_thumbnail(candidate, paths, f"fused {score:.3f}", same=same))
        caption = (
            "The query, then its best candidates by fused score; a green frame with a tick shows the same "
            "animal, an orange one with a cross another."
        )
        figures.append(Figure(f"Candidates of {query.detection_id}", caption, plots.strip(pictures)))
    return figures


def _thumbnail(
    detection: Detection, paths: dict[str, Path | None], line: str, *, same: bool | None
) -> plots.Thumbnail:
    path = paths[detection.detection_id]
    # only detections with a photograph are stored, so there is one
    content = path.read_bytes() if path else b""
    return plots.Thumbnail(content, (line, detection.camera_id), same)
