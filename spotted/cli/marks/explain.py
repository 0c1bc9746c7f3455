"""`spotted explain`: everything known about one pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.marks.heat import Photograph, drawn_heat
from spotted.client.values import PairExplanation
from spotted.console import EnumChoice, data_option, json_option, option_word, show, table
from spotted.errors import PreconditionError
from spotted.formats.image_kinds import read_sendable
from spotted.formats.imported_survey import format_count
from spotted.formats.sources import recall
from spotted.scoring.fusion import Fusion

COLUMNS = ("evidence", "value")


@click.command()
@click.argument("survey")
@click.argument("first")
@click.argument("second")
@click.option(
    "--fusion",
    type=EnumChoice(Fusion),
    default=option_word(Fusion.PRODUCT),
    show_default=True,
    help="Score to explain.",
)
@click.option(
    "--draw",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG file to draw both photographs with their matched marks into.",
)
@click.option(
    "--heat",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG file to draw both photographs with the parts that make their vectors alike into.",
)
@data_option
@json_option
def explain(
    *,
    survey: str,
    first: str,
    second: str,
    directory: Path,
    as_json: bool,
    fusion: Fusion,
    draw: Path | None,
    heat: Path | None,
) -> None:
    """Show everything known about the pair of detections FIRST and SECOND."""
    with connect(directory) as spotted:
        pair = spotted.survey(survey).explain_pair(first, second, fusion)
        photographs = _photographs(survey, directory, (first, second)) if draw or heat else []
        if heat is not None:
            heated, said = drawn_heat(spotted, survey, photographs, pair.score_spec)
            heat.write_bytes(heated)
            click.echo(f"{said} drawn into {heat}", err=True)
    if draw is not None:
        draw.write_bytes(_drawn(photographs, pair))
    document: dict[str, object] = {"survey_id": survey, "first": first, "second": second, **_values(pair)}
    show(
        document,
        as_json=as_json,
        text=lambda: table(f"{first} and {second}", COLUMNS, _rows(pair)),
    )
    if draw is not None:
        marks = format_count(pair.matched_marks, "matched mark")
        drawn = f"both photographs with {len(pair.matched_points):,} of {marks} drawn into {draw}"
        click.echo(drawn, err=True)


def _values(pair: PairExplanation) -> dict[str, object]:
    values = asdict(pair)
    del values["score_spec"]
    return values


def _rows(pair: PairExplanation) -> list[tuple[str, str]]:
    """The rows of the table; what is unknown is left out."""
    marks = "not matched" if pair.local is None else str(pair.matched_marks)
    cells = [
        ("visual similarity", f"{pair.visual:.4f}"),
        ("feasibility", None if pair.feasibility is None else f"{pair.feasibility:.4f}"),
        ("matched marks", marks),
        ("local score", None if pair.local is None else f"{pair.local:.4f}"),
        ("fused", f"{pair.fused:.4f}"),
        ("better than", f"{pair.percentile:.0f} % of all detections"),
        ("journey", pair.reason),
    ]
    return [(name, text) for name, text in cells if text is not None]


def _photographs(survey: str, directory: Path, ids: tuple[str, str]) -> list[Photograph]:
    """The photographs of detections. Raises PreconditionError if one is missing."""
    pictures = {p.detection.detection_id: p for p in recall(directory, survey).read(survey).pictures}
    found = []
    for detection_id in ids:
        picture = pictures.get(detection_id)
        if picture is None or picture.path is None:
            raise PreconditionError(
                f"the photograph of {detection_id!r} is not among the imported files; import it, "
                "or omit --draw and --heat"
            )
        found.append((read_sendable(picture.path), picture.box))
    return found


def _drawn(photographs: Sequence[Photograph], pair: PairExplanation) -> bytes:
    """Both photographs with their marks, as PNG."""
    from spotted.reports.matched_marks import draw_marks  # noqa: PLC0415 - only drawings need Pillow

    points = [(p.first_x, p.first_y, p.second_x, p.second_y) for p in pair.matched_points]
    return draw_marks(photographs[0], photographs[1], points)
