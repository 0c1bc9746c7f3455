"""How much one wrong camera, period or clock changes the ranking of a whole survey.

    python -m benchmarks.robustness --data ../shared/data

Composites: real places and times of captures, photographs of other animals. Each camera in turn is moved
away from the others, gets a period that starts too early or ends too late, or a clock that is wrong, and the
survey is put together again as an import does it. The figure is the change of the top-5 of fused scores, in
points, over all queries and over those that the wrong camera did not take, whose change comes only through
what all scores share: the extent by which distances and gaps are normalised. The bar is for one wrong place
or period; photographs of a wrong clock have wrong gaps of their own, whatever the others have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np

from benchmarks.common import known_surveys, report
from benchmarks.common.options import data_option, models_option
from benchmarks.common.report import Bar
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import Float64Array, FloatArray, IntArray
from spotted.demo.__main__ import composites
from spotted.evaluation.outcomes import find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.formats.imported_survey import ImportedSurvey, assemble
from spotted.formats.picture import Picture
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera

TOP = 5
MOST_POINTS = 1.0
DAY_S, KM = 86_400.0, 1000.0
KINDS = ("place", "period", "clock")
# kilometres away from the middle of the cameras, and days before and after the survey
DISTANCES_KM = (3.0, 10.0, 30.0, 100.0, 1000.0, 10_000.0)
LONGER_DAYS = (30.0, 180.0, 365.0, 7300.0, 25_550.0)
# from a summer time to a clock that was reset to the year 2000
CLOCKS_DAYS = (1.0 / 24.0, 0.5, 1.0, 30.0, 365.0, -3650.0)
Parts = tuple[dict[str, Camera], list[Picture]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake about one camera."""

    kind: str
    """place, period or clock."""
    title: str
    """The mistake."""
    make: Callable[[Parts, str], Parts]
    """The cameras and pictures with the mistake at one camera."""


@dataclass(frozen=True, slots=True)
class Line:
    """One mistake, made at each camera of a survey in turn; changes of top-5 in points."""

    survey: str
    kind: str
    fault: str
    cameras: int
    worst: float
    """The largest change, over all queries."""
    worst_camera: str
    worst_others: float
    """The largest change, over the queries of other cameras."""
    mean: float
    """The mean of the absolute changes over all queries."""


def faults() -> Iterator[Fault]:
    """All mistakes."""
    for distance_km in DISTANCES_KM:
        yield Fault("place", f"{distance_km:,.0f} km outwards", _moved(distance_km * KM))
    for days in LONGER_DAYS:
        yield Fault("period", f"starts {days:,.0f} days early", _longer(before_s=days * DAY_S))
        yield Fault("period", f"ends {days:,.0f} days late", _longer(after_s=days * DAY_S))
    for days in CLOCKS_DAYS:
        title = f"{days:+,.0f} days" if abs(days) >= 1 else f"{24 * days:+.0f} hour"
        yield Fault("clock", title, _shifted(days * DAY_S))


def measure(
    imported: ImportedSurvey, embeddings: FloatArray, wrong: Sequence[Fault], most_cameras: int = 0
) -> list[Line]:
    """A line for each mistake. most_cameras: cameras tried at most, evenly chosen; 0: all."""
    survey = imported.survey
    cameras = {
        i: replace(camera, start_s=survey.start_s, end_s=survey.end_s) for i, camera in survey.cameras.items()
    }
    parts = (cameras, list(imported.pictures))
    query, before = _hits(parts, embeddings)
    taken_by = np.array([picture.detection.camera_id for picture in imported.pictures])[query]
    tried = _spread(sorted(cameras), most_cameras)
    lines = []
    for fault in wrong:
        changes = np.zeros((len(tried), 2))
        for row, camera_id in enumerate(tried):
            change = 100.0 * (_hits(fault.make(parts, camera_id), embeddings)[1] - before)
            changes[row] = change.mean(), change[taken_by != camera_id].mean()
        worst, others = np.abs(changes).argmax(axis=0).tolist()
        lines.append(
            Line(
                survey.survey_id,
                fault.kind,
                fault.title,
                len(tried),
                float(changes[worst, 0]),
                tried[worst],
                float(changes[others, 1]),
                float(np.abs(changes[:, 0]).mean()),
            )
        )
    return lines


def bars_of(lines: Sequence[Line]) -> list[Bar]:
    """The largest change by a wrong place and by a wrong period, on each survey."""
    bars = []
    for survey in dict.fromkeys(line.survey for line in lines):
        for kind in KINDS[:2]:
            worst = max((abs(x.worst) for x in lines if (x.survey, x.kind) == (survey, kind)), default=0.0)
            bars.append(Bar(f"{survey}: points of top-5 by one wrong {kind}", worst, most=MOST_POINTS))
    return bars


@click.command(help=__doc__)
@data_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@click.option("--cameras", default=0, show_default=True, help="Cameras tried in each survey; 0: all.")
def main(*, data: Path, models: Path, model: str, cameras: int) -> None:
    """Measure, print and judge."""
    started = time.perf_counter()
    backbone = load_backbone(models, model)
    lines: list[Line] = []
    for imported, kind in composites(data):
        known = known_surveys.embedded(imported, kind, backbone)
        if len(known.gallery) != len(imported.pictures):
            raise click.ClickException(f"not every photograph of {known.name} can be used; restore them")
        lines += measure(imported, known.gallery.embeddings, list(faults()), cameras)
    bars = bars_of(lines)
    rows = [(f"{x.survey}, {x.kind}: {x.fault}", x.cameras, x.worst, x.worst_others, x.mean) for x in lines]
    report.show("change of fused top-5, points", ("wrong", "cameras", "worst", "others", "mean"), rows)
    seconds = round(time.perf_counter() - started, 1)
    report.write("robustness", {"seconds": seconds, "lines": [asdict(one) for one in lines]}, bars)
    raise SystemExit(report.judge(bars))


def _hits(parts: Parts, embeddings: FloatArray) -> tuple[IntArray, Float64Array]:
    """Each query, and its expected hits among its first five candidates by fused score."""
    cameras, pictures = parts
    made = assemble("survey", "", cameras, {}, pictures, ())
    gallery = Gallery.of(made.survey, made.detections, embeddings)
    names = [detection.individual_id for detection in made.detections]
    pairs = find_relevant_pairs(names, [""] * len(names), gallery.table.image)
    ranked = rank_pairs(gallery, (pairs.query, pairs.candidate), [Fusion.PRODUCT])[Fusion.PRODUCT]
    outcome = measure_queries(ranked, pairs.same, np.zeros(len(pairs.query), dtype=np.bool_), depth=TOP)
    return outcome.query, outcome.at((TOP,))[:, 0]


def _moved(distance_m: float) -> Callable[[Parts, str], Parts]:
    def make(parts: Parts, camera_id: str) -> Parts:
        places = [(c.x_m, c.y_m) for c in parts[0].values() if c.x_m is not None and c.y_m is not None]
        middle = np.median(places, axis=0)
        camera = parts[0][camera_id]
        away = np.array([camera.x_m or 0.0, camera.y_m or 0.0]) - middle
        length = float(np.hypot(*away))
        direction = away / length if length else np.array([1.0, 0.0])
        x_m, y_m = (middle + direction * (length + distance_m)).tolist()
        return {**parts[0], camera_id: replace(camera, x_m=x_m, y_m=y_m)}, parts[1]

    return make


def _longer(*, before_s: float = 0.0, after_s: float = 0.0) -> Callable[[Parts, str], Parts]:
    def make(parts: Parts, camera_id: str) -> Parts:
        camera = parts[0][camera_id]
        start_s, end_s = (camera.start_s or 0.0) - before_s, (camera.end_s or 0.0) + after_s
        return {**parts[0], camera_id: replace(camera, start_s=start_s, end_s=end_s)}, parts[1]

    return make


def _shifted(by_s: float) -> Callable[[Parts, str], Parts]:
    def make(parts: Parts, camera_id: str) -> Parts:
        return parts[0], [
            _late(one, by_s) if one.detection.camera_id == camera_id else one for one in parts[1]
        ]

    return make


def _late(picture: Picture, by_s: float) -> Picture:
    time_s = picture.detection.captured_at_s
    return replace(
        picture,
        detection=replace(picture.detection, captured_at_s=None if time_s is None else time_s + by_s),
    )


def _spread(ids: Sequence[str], most: int) -> list[str]:
    """Some of the ids, evenly chosen."""
    if not most or most >= len(ids):
        return list(ids)
    return [ids[index] for index in np.linspace(0, len(ids) - 1, most).round().astype(int).tolist()]


if __name__ == "__main__":
    main()
