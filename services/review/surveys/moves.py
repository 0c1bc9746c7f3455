"""The movements of groups of detections on a relative layout."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from services.review.forms.instants import instant
from services.review.forms.photos import Json
from services.review.forms.questions import journey_form
from services.review.surveys.held import HeldSurvey, by_time
from services.review.surveys.layout import lay_out
from spotted.client.aio import AsyncSurveyHandle
from spotted.journeys import speed_kmh, too_fast
from spotted.survey import Detection

# cameras of one map: their distances are asked for in pairs
MOST_CAMERAS = 16
# questions to the scorer at once
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Group:
    """The detections of one animal, by one of them."""

    detection_id: str
    """The detection that it is shown for."""
    detections: Sequence[Detection]
    """All of them."""


async def map_form(survey: AsyncSurveyHandle, held: HeldSurvey, groups: Sequence[Group]) -> Json:
    """The cameras and movements of groups, without coordinates."""
    seen = [d for group in groups for d in group.detections if d.camera_id]
    counts: dict[str, int] = {}
    for detection in seen:
        counts[detection.camera_id] = counts.get(detection.camera_id, 0) + 1
    cameras = sorted(sorted(counts), key=lambda one: -counts[one])[:MOST_CAMERAS]
    await _ask_distances(survey, held, cameras)
    placed = _with_distances(held, cameras)
    distance_m = np.array([[_distance_m(held, a, b) or 0.0 for b in placed] for a in placed])
    layout = lay_out(distance_m.reshape(len(placed), len(placed)))
    bar = layout.scale_bar()
    return {
        "width_m": layout.width_m,
        "height": layout.height,
        "scale_bar": {"length": bar[0], "text": bar[1]} if bar else None,
        "without_position": len(counts) - len(placed),
        "cameras": [
            {"camera": camera, "x": float(x), "y": float(y)}
            for camera, (x, y) in zip(placed, layout.xy, strict=True)
        ],
        "groups": [_group_form(held, group) for group in groups],
    }


async def _ask_distances(survey: AsyncSurveyHandle, held: HeldSurvey, cameras: Sequence[str]) -> None:
    """Ask the scorer for the distances between cameras that are not known yet."""
    shown = {d.camera_id: d.detection_id for d in reversed(held.detections.values())}
    asked = [pair for pair in combinations(sorted(cameras), 2) if pair not in held.distances_m]
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(pair: tuple[str, str]) -> None:
        async with limit:
            explained = await survey.explain_pair(shown[pair[0]], shown[pair[1]])
        held.distances_m[pair], held.stations[pair] = explained.distance_m, explained.station

    await asyncio.gather(*map(ask, asked))


def _distance_m(held: HeldSurvey, first: str, second: str) -> float | None:
    if first == second:
        return 0.0
    return held.distances_m.get((min(first, second), max(first, second)))


def _station(held: HeldSurvey, start: Detection, end: Detection) -> str:
    first, second = sorted((start.camera_id, end.camera_id))
    return held.stations.get((first, second), "")


def _with_distances(held: HeldSurvey, cameras: Sequence[str]) -> list[str]:
    """The cameras that have a position, which those with a distance to another one have."""
    if len(cameras) < 2:  # noqa: PLR2004 - one camera needs no position
        return list(cameras)
    return [a for a in cameras if any(a != b and _distance_m(held, a, b) is not None for b in cameras)]


def _group_form(held: HeldSurvey, group: Group) -> Json:
    sightings = sorted(group.detections, key=by_time)
    timed = [d for d in sightings if d.camera_id and held.has_believed_time(d)]
    legs = [_leg_form(held, a, b) for a, b in pairwise(timed) if a.camera_id != b.camera_id]
    return {
        "detection_id": group.detection_id,
        "sightings": [
            {
                "detection_id": d.detection_id,
                "camera": d.camera_id,
                "captured_at": instant(d.captured_at_s, held.zone),
            }
            for d in sightings
        ],
        "legs": legs,
    }


def _leg_form(held: HeldSurvey, start: Detection, end: Detection) -> Json:
    gap_s = (end.captured_at_s or 0.0) - (start.captured_at_s or 0.0)
    distance_m = _distance_m(held, start.camera_id, end.camera_id)
    needed = None if distance_m is None else speed_kmh(distance_m, gap_s)
    return {
        "from": start.camera_id,
        "to": end.camera_id,
        "journey": journey_form(distance_m, gap_s, needed, held.limit_kmh, _station(held, start, end)),
        "too_fast": distance_m is not None and too_fast(distance_m, gap_s, held.limit_kmh),
    }
