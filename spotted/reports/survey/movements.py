"""The map of one individual: relative places, the direction of time, and a scale bar."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise

import numpy as np

from spotted.arrays import Float64Array
from spotted.journeys import distance_text, too_fast
from spotted.outliers import largest_distance_m, outlying_places
from spotted.reports.survey.facts import FoundIndividual
from spotted.reports.survey.instants import seen_text
from spotted.reports.survey.wording import counted
from spotted.survey import Camera, Detection, detection_table

# size of the drawing; as wide as the screen of a phone, so that its letters are readable there
WIDTH, HEIGHT, MARGIN = 340.0, 240.0, 44.0
# a map shows at least this share of the survey's width, so that a short walk does not look long
LEAST_SHARE = 1 / 3
LONGEST_BAR = 110.0
STEPS = (5.0, 2.0, 1.0)
METRES_PER_KM = 1000.0
# a leg ends before the mark of its camera, and bends so that the way back is another line
SHORT_OF_MARK, BEND = 11.0, 0.14

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """A camera that saw the individual."""

    camera_id: str
    x: float
    y: float
    captures: int
    mark: str
    """Shape of the mark: "first", "last", "both" or "between"."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A journey between two cameras, drawn as a bent arrow."""

    start: Point
    bend: Point
    end: Point
    too_fast: bool
    """Whether it is faster than the survey allows, or than any animal."""


@dataclass(frozen=True, slots=True)
class MovementMap:
    """The map of one individual; its units are pixels from the upper left corner, north is up."""

    places: tuple[Place, ...]
    others: tuple[Point, ...]
    """Cameras that did not see it."""
    legs: tuple[Leg, ...]
    bar: float
    """Length of the scale bar; 0 without one."""
    bar_text: str
    alt: str
    """The finding of the map as a sentence."""
    unplaced: int
    """Captures at cameras without a position."""


def draw_movements(
    individual: FoundIndividual,
    cameras: Mapping[str, Camera],
    zone: tzinfo,
    *,
    limit_kmh: float | None = None,
) -> MovementMap | None:
    """The map of an individual; None if no camera that saw it has a position."""
    seen = individual.in_time()
    at_m = {c.camera_id: (c.x_m, c.y_m) for c in cameras.values() if c.x_m is not None and c.y_m is not None}
    placed = [d for d in seen if d.camera_id in at_m]
    if not placed:
        return None
    visited = np.array([at_m[d.camera_id] for d in placed], dtype=np.float64)
    scale = _scale(visited, np.array(list(at_m.values()), dtype=np.float64))
    middle = (visited.min(axis=0) + visited.max(axis=0)) / 2

    def xy(camera_id: str) -> Point:
        east, north = np.array(at_m[camera_id]) - middle
        return WIDTH / 2 + east * scale, HEIGHT / 2 - north * scale

    counts = Counter(d.camera_id for d in placed)
    bar, bar_text = _scale_bar(scale)
    others = [xy(one) for one in at_m if one not in counts]
    return MovementMap(
        places=tuple(Place(one, *xy(one), counts[one], _mark(one, placed)) for one in counts),
        others=tuple(one for one in others if 0 < one[0] < WIDTH and 0 < one[1] < HEIGHT),
        legs=tuple(_leg(xy(a), xy(b), fast=fast) for a, b, fast in _journeys(placed, cameras, limit_kmh)),
        bar=bar,
        bar_text=bar_text,
        alt=_alt(individual.name, placed, visited, zone),
        unplaced=len(seen) - len(placed),
    )


def _scale(visited: Float64Array, every: Float64Array) -> float:
    """Pixels of a metre: the visited places fit, and at least LEAST_SHARE of the survey; 0 for one place."""
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    whole = np.ptp(np.concatenate([visited, every[~outlying_places(every)]]), axis=0)
    wanted = np.maximum(np.ptp(visited, axis=0), LEAST_SHARE * whole)
    scales = np.divide(room, wanted, out=np.full(2, np.inf), where=wanted > 0)
    return float(scales.min()) if np.isfinite(scales.min()) else 0.0


def _scale_bar(scale: float) -> tuple[float, str]:
    """A round distance: its length in pixels and its text; 0 and "" if all places are one."""
    if scale == 0:
        return 0.0, ""
    longest_m = LONGEST_BAR / scale
    power = 10.0 ** math.floor(math.log10(longest_m))
    bar_m = next(step * power for step in STEPS if step * power <= longest_m)
    text = f"{bar_m:g} m" if bar_m < METRES_PER_KM else f"{bar_m / METRES_PER_KM:g} km"
    return bar_m * scale, text


def _mark(camera_id: str, placed: Sequence[Detection]) -> str:
    first, last = placed[0].camera_id == camera_id, placed[-1].camera_id == camera_id
    return "both" if first and last else "first" if first else "last" if last else "between"


def _journeys(
    placed: Sequence[Detection], cameras: Mapping[str, Camera], limit_kmh: float | None
) -> list[tuple[str, str, bool]]:
    """The journeys between cameras in the order of time, each once, and whether one of them was too fast."""
    at_m = detection_table(placed, cameras).position_m
    place_m = {d.camera_id: at_m[row] for row, d in enumerate(placed)}
    found: dict[tuple[str, str], bool] = {}
    for a, b in pairwise(d for d in placed if d.captured_at_s is not None):
        if a.camera_id != b.camera_id and a.captured_at_s is not None and b.captured_at_s is not None:
            way = (a.camera_id, b.camera_id)
            distance_m = math.dist(place_m[a.camera_id], place_m[b.camera_id])
            fast = too_fast(distance_m, b.captured_at_s - a.captured_at_s, limit_kmh)
            found[way] = found.get(way, False) or fast
    return [(a, b, fast) for (a, b), fast in found.items()]


def _leg(start: Point, end: Point, *, fast: bool) -> Leg:
    along = np.subtract(end, start)
    length = max(float(np.hypot(*along)), 1.0)
    bend = np.add(start, end) / 2 + BEND * np.array([-along[1], along[0]])
    towards = np.subtract(end, bend)
    stop = np.subtract(end, towards / max(float(np.hypot(*towards)), 1.0) * min(SHORT_OF_MARK, length / 2))
    return Leg(start, (float(bend[0]), float(bend[1])), (float(stop[0]), float(stop[1])), fast)


def _alt(name: str, placed: Sequence[Detection], visited: Float64Array, zone: tzinfo) -> str:
    first, last = placed[0], placed[-1]
    places = len({d.camera_id for d in placed})
    if places == 1:
        return f"Map of {name}: seen only at camera {first.camera_id}, {counted(len(placed), 'time')}."
    apart = distance_text(largest_distance_m(np.unique(visited, axis=0)))
    return (
        f"Map of {name}: seen at {places} cameras up to {apart} apart, first at {first.camera_id} "
        f"({seen_text(first.captured_at_s, zone)}), last at {last.camera_id} "
        f"({seen_text(last.captured_at_s, zone)})."
    )
