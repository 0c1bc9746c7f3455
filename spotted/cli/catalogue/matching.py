"""`spotted catalogue match`: the animals of the catalogue that photographs may show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from spotted.cli.catalogue.group import catalogue
from spotted.cli.connection import connect
from spotted.client.values import CatalogueMatch, MatchedSurvey
from spotted.console import (
    EnumChoice,
    data_option,
    err,
    json_option,
    option_word,
    show,
    table,
    top_option,
    with_unit,
)
from spotted.scoring.fusion import Fusion

COLUMNS = ("photographs", "rank", "animal", "photograph", "fused", "visual", "feasibility", "reason")
QUERIES_SHOWN = 3


@catalogue.command("match")
@click.argument("survey")
@click.option("--detection", "detection_ids", multiple=True, help="Only this detection; can be repeated.")
@click.option("--as-one", is_flag=True, help="The detections are photographs of one animal: one question.")
@click.option(
    "--encounter", "encounter_ids", multiple=True, help="All detections of this encounter as one question."
)
@click.option("--encounters", is_flag=True, help="Every encounter of the survey as one question.")
@click.option("--comparable-sides", is_flag=True, help="Leave out pairs of opposite flanks.")
@click.option(
    "--fusion",
    type=EnumChoice(Fusion),
    default=option_word(Fusion.PRODUCT),
    show_default=True,
    help="Score that ranks the animals.",
)
@top_option
@data_option
@json_option
def match(
    *,
    survey: str,
    detection_ids: tuple[str, ...],
    as_one: bool,
    encounter_ids: tuple[str, ...],
    encounters: bool,
    comparable_sides: bool,
    fusion: Fusion,
    top: int,
    directory: Path,
    as_json: bool,
) -> None:
    """List the animals of the catalogue that photographs of SURVEY may show.

    Animals are ranked by their best photograph in another survey. Journeys between surveys count if the
    cameras of both have latitude and longitude; otherwise only looks count.
    """
    if as_one and not detection_ids:
        raise click.UsageError("--as-one needs --detection")
    if encounters and (detection_ids or encounter_ids):
        raise click.UsageError("--encounters asks about all of them; omit --detection and --encounter")
    with connect(directory) as spotted:
        found = list(
            spotted.catalogue().match(
                survey,
                detection_ids=detection_ids,
                as_one=as_one,
                encounter_ids=encounter_ids,
                each_encounter=encounters,
                top_k=top,
                fusion=fusion,
                comparable_sides_only=comparable_sides,
            )
        )
    named = bool(detection_ids or encounter_ids)
    shown = found if named else found[:QUERIES_SHOWN]

    def text() -> None:
        for note in _notes(found):
            err.print(f"note: {note}", markup=False, soft_wrap=True)
        table(f"{survey}: animals of the catalogue", COLUMNS, [row for one in shown for row in _rows(one)])
        if len(shown) < len(found):
            click.echo(f"{with_unit(len(found) - len(shown), 'more question')} not shown: --json shows all")

    document: dict[str, object] = {"survey_id": survey, "matches": [asdict(one) for one in found]}
    show(document, as_json=as_json, text=text)


def _rows(one: CatalogueMatch) -> Iterator[tuple[object, ...]]:
    asked = one.encounter_id or ", ".join(one.detection_ids)
    for rank, animal in enumerate(one.animals, start=1):
        best = animal.best
        yield (
            asked,
            rank,
            animal.display_name or animal.entry_id,
            f"{best.survey_id}/{best.detection_id}",
            f"{best.fused:.4f}",
            f"{best.visual:.4f}",
            "" if best.feasibility is None else f"{best.feasibility:.4f}",
            best.reason,
        )


def _notes(found: list[CatalogueMatch]) -> Iterator[str]:
    """Notes without which the scores could be misread."""
    if not found:
        yield "nothing was asked about; the survey has no such photographs"
        return
    if found[0].fallback:
        yield found[0].fallback
    if not found[0].surveys:
        yield "the catalogue has no animal of another survey; add some with `spotted catalogue add`"
    for one in found[0].surveys:
        yield from _survey_notes(one)


def _survey_notes(one: MatchedSurvey) -> Iterator[str]:
    if one.reason:
        yield f"{one.survey_id}: journeys are not compared: {one.reason}"
    if one.missing:
        yield f"{one.survey_id}: {with_unit(one.missing, 'photograph')} of the catalogue no longer there"
