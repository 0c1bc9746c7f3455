"""`spotted cluster`: groups of detections by probabilities only, which no person looked at."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from spotted.arrays import IntArray
from spotted.cli.connection import connect
from spotted.client import SurveyHandle
from spotted.console import data_option, err, json_option, next_step, progress, show, table, with_unit
from spotted.errors import PreconditionError
from spotted.ranking.unreviewed_groups import THRESHOLD, UnreviewedGroups, group_unreviewed
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

COLUMNS = ("detection_id", "unreviewed_group", "detections", "support")
# candidates of each detection whose probabilities count, and groups in the text
CANDIDATES, GROUPS_SHOWN, IDS_SHOWN = 50, 10, 5
Row = tuple[str, str, int, float | None]


@click.command()
@click.argument("survey")
@click.option(
    "--threshold",
    default=THRESHOLD,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Least mean probability between two groups that are joined.",
)
@click.option(
    "--candidates",
    default=CANDIDATES,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Candidates of each detection whose probabilities count.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file to write the group of every detection to.",
)
@data_option
@json_option
def cluster(
    *, survey: str, directory: Path, as_json: bool, threshold: float, candidates: int, output: Path | None
) -> None:
    """Group detections that may show one animal, without any review.

    Groups are joined while the mean probability between them is at least the threshold (average linkage). The
    probabilities are those of the survey's calibration; run `spotted calibrate SURVEY` first, which needs no
    answer. No person looked at the groups: they are neither individuals nor answers, and no session, name,
    export or capture history uses them. How many of their pairs are expected to be wrong is shown.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        if fallback := handle.score_spec(Fusion.CALIBRATED).fallback:
            raise PreconditionError(f"{fallback}: run `spotted calibrate {survey}`, which needs no answer")
        detections = list(handle.detections())
        found = _grouped(handle, detections, candidates, threshold)
    rows = _rows(detections, found)
    if output is not None:
        with output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows((*row[:3], "" if row[3] is None else f"{row[3]:.4f}") for row in rows)
    document: dict[str, object] = {
        "survey_id": survey,
        "reviewed": False,
        "threshold": threshold,
        "joined_pairs": found.joined_pairs,
        "expected_wrong_pairs": found.expected_wrong,
        "detections": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }
    show(document, as_json=as_json, text=lambda: _print(survey, rows, found, output))


def _grouped(
    handle: SurveyHandle, detections: Sequence[Detection], candidates: int, threshold: float
) -> UnreviewedGroups:
    row = {one.detection_id: index for index, one in enumerate(detections)}
    first, second, probability = [], [], []
    with progress("detections", len(detections)) as advance:
        for one in handle.candidates(top_k=candidates, fusion=Fusion.CALIBRATED):
            # a detection that was added or deleted meanwhile is left out
            known = [c for c in one.candidates if c.detection_id in row and one.detection_id in row]
            first += [row[one.detection_id] for _ in known]
            second += [row[c.detection_id] for c in known]
            probability += [c.fused for c in known]
            advance(1)
    return group_unreviewed(
        len(detections),
        np.array(first, np.int64),
        np.array(second, np.int64),
        np.array(probability),
        image=_images(detections),
        threshold=threshold,
    )


def _images(detections: Sequence[Detection]) -> IntArray:
    """A number for each image, -1 if it is unknown."""
    number = {one.image_id: index for index, one in enumerate(detections) if one.image_id}
    return np.array([number.get(one.image_id, -1) for one in detections], np.int64)


def _rows(detections: Sequence[Detection], found: UnreviewedGroups) -> list[Row]:
    sizes = np.bincount(found.group, minlength=1)
    columns = zip(detections, found.group.tolist(), found.support.tolist(), strict=True)
    return [
        (
            one.detection_id,
            f"unreviewed-{group + 1:05}",
            int(sizes[group]),
            None if math.isnan(support) else support,
        )
        for one, group, support in columns
    ]


def _print(survey: str, rows: Sequence[Row], found: UnreviewedGroups, output: Path | None) -> None:
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row[1], []).append(row)
    groups = sorted((m for m in members.values() if len(m) > 1), key=lambda m: (-len(m), m[0][1]))
    shown = [
        (m[0][1], len(m), f"{np.mean([row[3] for row in m]):.2f}", ", ".join(r[0] for r in m[:IDS_SHOWN]))
        for m in groups[:GROUPS_SHOWN]
    ]
    single = len(members) - len(groups)
    title = f"{survey}: {with_unit(len(groups), 'unreviewed group')}, {with_unit(single, 'single detection')}"
    table(title, ("group", "detections", "support", f"first {IDS_SHOWN}"), shown)
    click.echo(
        f"No person looked at these groups. By their probabilities, about {found.expected_wrong:.0f} of "
        f"{found.joined_pairs} pairs in them show two animals."
    )
    if output is not None:
        click.echo(f"the group of {with_unit(len(rows), 'detection')} written to {output}")
    elif len(groups) > GROUPS_SHOWN:
        err.print(f"{len(groups) - GROUPS_SHOWN} more groups not shown: -o FILE writes them all")
    next_step(f"spotted annotate {survey}")
