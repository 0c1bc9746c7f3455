"""`spotted evaluate`: how often the same animal is among the best candidates."""

from __future__ import annotations

from pathlib import Path

import click

from spotted import evaluation
from spotted.cli.console import data_option, json_option, progress, show, table
from spotted.client import Spotted
from spotted.errors import PreconditionError
from spotted.fusion import Fusion
from spotted.loading import load_gallery

SCORES = {"visual": Fusion.VISUAL, "location": Fusion.LOCATION, "fused": Fusion.PRODUCT}


@click.command()
@click.argument("survey")
@data_option
@json_option
@click.option("--other-encounters", is_flag=True, help="Leave out candidates of the query's own encounter.")
def evaluate(*, survey: str, directory: Path, as_json: bool, other_encounters: bool) -> None:
    """Measure visual, location and fused ranking against the identities that the survey knows.

    Every detection queries all others. Top-k is the share of queries with a detection of the same animal
    among the k best candidates; mAP is the mean average precision of the whole ranking. Detections without
    an identity are candidates, but ask nothing.
    """
    with Spotted.local(directory) as spotted:
        gallery, detections = load_gallery(spotted, survey)
    individuals = [d.individual_id for d in detections]
    if not evaluation.same_pairs(individuals):
        raise PreconditionError(
            f"no individual of {survey!r} is known from two detections, so there is nothing to find again; "
            "import a survey whose observations have individualID"
        )
    encounters = [d.encounter_id for d in detections] if other_encounters else None
    with progress("queries", len(SCORES) * sum(bool(i) for i in individuals)) as advance:
        measured = {
            score: evaluation.retrieval(
                gallery, individuals, fusion=fusion, encounters=encounters, told=advance
            )
            for score, fusion in SCORES.items()
        }
    document: dict[str, object] = {
        "survey_id": survey,
        "detections": len(detections),
        "individuals": len({i for i in individuals if i}),
        "scores": {
            score: {"queries": m.queries, "top": m.top, "mean_average_precision": m.mean_average_precision}
            for score, m in measured.items()
        },
    }
    rows = [
        (score, *(f"{m.top[k]:.3f}" for k in evaluation.TOP), f"{m.mean_average_precision:.3f}")
        for score, m in measured.items()
    ]
    title = f"{survey}: {measured['fused'].queries} queries among {len(detections)} detections"
    columns = ("score", *(f"top-{k}" for k in evaluation.TOP), "mAP")
    show(document, as_json=as_json, text=lambda: table(title, columns, rows))
