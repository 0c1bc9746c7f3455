"""`spotted match`: list the best candidates of every detection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import Candidates
from spotted.console import (
    EnumChoice,
    data_option,
    err,
    json_option,
    option_word,
    progress,
    show,
    table,
    top_option,
    with_unit,
)
from spotted.formats.csv_candidates import COLUMNS, CandidateRow, candidate_row, write_candidates
from spotted.scoring.fusion import Fusion

LISTS_SHOWN = 3
# not shown if no candidate has a value
MARKS = {"local", "matched_marks"}


@click.command()
@click.argument("survey")
@top_option
@click.option("--detection", "detection_ids", multiple=True, help="Only this detection; can be repeated.")
@click.option(
    "--fusion",
    type=EnumChoice(Fusion),
    default=option_word(Fusion.PRODUCT),
    show_default=True,
    help="Score that ranks the candidates.",
)
@click.option(
    "--individuals", is_flag=True, help="List each known individual once, with its best photograph."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file to write all candidates to.",
)
@data_option
@json_option
def match(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    top: int,
    detection_ids: tuple[str, ...],
    fusion: Fusion,
    individuals: bool,
    output: Path | None,
) -> None:
    """List the best candidates of every detection.

    Candidates are the detections most likely to show the same animal. Each has its visual similarity, the
    feasibility of the journey (empty if unknown), the fused score that ranks it, the local score and number
    of matched marks (empty if the pair was not matched), and a description of the journey.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        if fallback := handle.score_spec(fusion).fallback:
            err.print(f"note: {fallback}", markup=False, soft_wrap=True)
        total = len(detection_ids) or handle.info().detection_count
        lists = []
        with progress("detections", total) as advance:
            for one in handle.candidates(
                detection_ids=detection_ids, top_k=top, fusion=fusion, group_by_individual=individuals
            ):
                lists.append(one)
                advance(1)
    rows = [row for one in lists for row in _rows(one)]
    if output is not None:
        with output.open("w", newline="") as file:
            write_candidates(file, rows)
    document: dict[str, object] = {
        "survey_id": survey,
        "candidates": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }

    def text() -> None:
        if not lists:
            err.print(f"note: no detection of {survey!r} is stored; run `spotted embed {survey}` first")
        shown = [row for one in lists[:LISTS_SHOWN] for row in _rows(one)] if not detection_ids else rows
        table(f"{survey}: best candidates", *_filled(shown))
        if output is not None:
            click.echo(
                f"{with_unit(len(rows), 'candidate')} of {with_unit(len(lists), 'detection')} written to "
                f"{output}"
            )
        elif len(shown) < len(rows):
            more = with_unit(len(lists) - LISTS_SHOWN, "more detection")
            click.echo(f"{more} not shown: -o FILE writes them all")

    show(document, as_json=as_json, text=text)


def _rows(one: Candidates) -> list[CandidateRow]:
    return [
        candidate_row(
            one.detection_id,
            rank,
            candidate.detection_id,
            fused=candidate.fused,
            visual=candidate.visual,
            feasibility=candidate.feasibility,
            reason=candidate.reason,
            local=candidate.local,
            matched_marks=candidate.matched_marks,
        )
        for rank, candidate in enumerate(one.candidates, start=1)
    ]


def _filled(rows: Sequence[CandidateRow]) -> tuple[list[str], list[list[object]]]:
    """The columns to show, without those of marks if no pair was matched, and their cells."""
    shown = [i for i, name in enumerate(COLUMNS) if name not in MARKS or any(row[i] for row in rows)]
    return [COLUMNS[i] for i in shown], [[row[i] for i in shown] for row in rows]
