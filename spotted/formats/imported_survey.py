"""The result of every reader: a survey, its pictures, and notes for the user."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spotted.errors import InvalidInputError
from spotted.formats.picture import Picture
from spotted.formats.projection import LARGEST_ERROR, project
from spotted.formats.timestamps import DAY_S
from spotted.survey import Camera, Detection, Side, Survey

# the largest latitude and longitude
LARGEST_DEG = (90.0, 180.0)
SIDES = {side.name.lower(): side for side in Side} | {
    "l": Side.LEFT,
    "r": Side.RIGHT,
    "f": Side.FRONT,
    "b": Side.BACK,
}


@dataclass(frozen=True, slots=True)
class ImportedSurvey:
    """A survey as files describe it."""

    survey: Survey
    """The survey and its cameras, positions in metres."""
    pictures: tuple[Picture, ...]
    """The detections in the order of the files, each with its image and box."""
    notes: tuple[str, ...]
    """Notes for the user, such as what was skipped and why."""

    @property
    def detections(self) -> tuple[Detection, ...]:
        """The detections without image and box."""
        return tuple(picture.detection for picture in self.pictures)


def assemble(
    survey_id: str,
    display_name: str,
    cameras: Mapping[str, Camera],
    positions_deg: Mapping[str, tuple[float, float]],
    pictures: Sequence[Picture],
    notes: Sequence[str],
) -> ImportedSurvey:
    """A survey from its parts: cameras projected to metres, camera periods that contain all detections.

    positions_deg: latitude and longitude by camera_id; other cameras keep their position in metres.
    The survey lasts from the first to the last instant of camera periods and of detections with trusted
    clocks. Raises InvalidInputError if there is no instant at all.

    >>> cameras = {"C1": Camera("C1", start_s=0.0, end_s=86_400.0)}
    >>> late = Picture(Detection("d1", "C1", captured_at_s=90_000.0), path=None)
    >>> imported = assemble("ridge", "Ridge", cameras, {}, [late], [])
    >>> imported.survey.end_s
    90000.0
    >>> imported.notes[0]
    "1 of 1 camera without position, such as 'C1'; feasibility unknown"
    """
    placed, place_notes = _placed(cameras, positions_deg)
    detections = [picture.detection for picture in pictures]
    start_s, end_s = _extent(placed, detections)
    fitted, opened = _fitted(placed, detections)
    survey = Survey(survey_id, start_s, end_s, display_name, fitted)
    quality = [*_camera_notes(fitted, opened), *_place_notes(survey, positions_deg)]
    quality += _picture_notes(pictures, fitted)
    return ImportedSurvey(survey, tuple(pictures), (*notes, *place_notes, *quality))


def survey_slug(text: str) -> str:
    """A survey id from any text: letters, digits and `._-`, at most 64 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:64].strip("-._") or "survey"


def format_count(count: int, noun: str) -> str:
    """A number with its noun: 1 camera, 1,200 cameras."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _placed(
    cameras: Mapping[str, Camera], positions_deg: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, Camera], list[str]]:
    if not positions_deg:
        return dict(cameras), []
    degrees = np.array(list(positions_deg.values()), dtype=np.float64)
    projection = project(degrees[:, 0], degrees[:, 1])
    metres = dict(zip(positions_deg, projection.position_m.tolist(), strict=True))
    placed = {
        camera_id: replace(camera, x_m=metres[camera_id][0], y_m=metres[camera_id][1])
        if camera_id in metres
        else camera
        for camera_id, camera in cameras.items()
    }
    notes = [f"latitude and longitude projected to {projection.title}"]
    if projection.distance_error > LARGEST_ERROR:
        notes.append(
            f"distances are wrong by up to {projection.distance_error:.1%} because the survey is so wide"
        )
    return placed, notes


def _extent(cameras: Mapping[str, Camera], detections: Sequence[Detection]) -> tuple[float, float]:
    instants = [s for camera in cameras.values() for s in (camera.start_s, camera.end_s) if s is not None]
    known = [d for d in detections if d.captured_at_s is not None]
    trusted = [d for d in known if d.camera_id not in cameras or not cameras[d.camera_id].clock_suspect]
    instants += [d.captured_at_s for d in trusted if d.captured_at_s is not None]
    instants = instants or [d.captured_at_s for d in known if d.captured_at_s is not None]
    if not instants:
        raise InvalidInputError(
            "the survey has no date: give the period of a camera or the time of a detection"
        )
    start_s, end_s = min(instants), max(instants)
    # time gaps are normalised by the span of the survey, which must not be zero; one instant gets a day
    return start_s, end_s if end_s > start_s else start_s + DAY_S


def _fitted(
    cameras: Mapping[str, Camera], detections: Sequence[Detection]
) -> tuple[dict[str, Camera], list[str]]:
    """Cameras whose period contains their detections, and the ids of those whose period was removed.

    Within the tolerance a period is extended; with a suspect clock it is removed, since its times prove
    nothing.
    """
    fitted, opened = dict(cameras), set[str]()
    for detection in detections:
        camera = fitted.get(detection.camera_id)
        time_s = detection.captured_at_s
        if camera is None or time_s is None:
            continue
        early = camera.start_s is not None and time_s < camera.start_s
        late = camera.end_s is not None and time_s > camera.end_s
        if (early or late) and camera.clock_suspect:
            fitted[camera.camera_id] = replace(camera, start_s=None, end_s=None)
            opened.add(camera.camera_id)
        elif early:
            fitted[camera.camera_id] = replace(camera, start_s=time_s)
        elif late:
            fitted[camera.camera_id] = replace(camera, end_s=time_s)
    return fitted, sorted(opened)


def _camera_notes(cameras: Mapping[str, Camera], opened: Sequence[str]) -> Iterator[str]:
    of_all = f"of {format_count(len(cameras), 'camera')}"
    unplaced = [camera_id for camera_id, camera in cameras.items() if not camera.has_position]
    if unplaced:
        yield (f"{len(unplaced)} {of_all} without position, such as {unplaced[0]!r}; feasibility unknown")
    suspect = sum(camera.clock_suspect for camera in cameras.values())
    if suspect:
        yield f"{suspect} {of_all} with a suspect clock"
    if opened:
        yield (
            f"{format_count(len(opened), 'camera')} with a suspect clock and images outside the period, "
            f"such as {opened[0]!r}; the period is ignored"
        )


def _place_notes(survey: Survey, positions_deg: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    """One note for each camera whose position is most likely wrong."""
    outlying = survey.outlying_cameras()
    others = [c for c in survey.cameras.values() if c.has_position and c.camera_id not in outlying]
    for camera_id in outlying:
        camera = survey.cameras[camera_id]
        nearest_m = min(
            math.dist((camera.x_m or 0, camera.y_m or 0), (o.x_m or 0, o.y_m or 0)) for o in others
        )
        if camera_id in positions_deg:
            latitude, longitude = positions_deg[camera_id]
            position = f"latitude {latitude:g}, longitude {longitude:g}"
        else:
            position = f"x {camera.x_m:g} m, y {camera.y_m:g} m"
        yield (
            f"camera {camera_id!r} lies {nearest_m / 1000:,.0f} km from all others ({position}); it does not "
            "count in the extent of the survey; if the position is wrong (a lost minus sign, swapped or "
            "missing values), correct it and import again"
        )


def _picture_notes(pictures: Sequence[Picture], cameras: Mapping[str, Camera]) -> Iterator[str]:
    of_all = f"of {format_count(len(pictures), 'detection')}"
    if not pictures:
        yield "no detection found"
    untimed = sum(picture.detection.captured_at_s is None for picture in pictures)
    if untimed:
        yield f"{untimed} {of_all} without a time; feasibility unknown"
    pathless = sum(picture.path is None for picture in pictures)
    if pathless:
        yield f"{pathless} {of_all} without the path of an image; they cannot be embedded"
    absent = [path for path in dict.fromkeys(p.path for p in pictures) if path and not path.is_file()]
    if absent:
        yield f"{format_count(len(absent), 'image file')} missing, such as {absent[0]}"
    idle = len(cameras.keys() - {picture.detection.camera_id for picture in pictures})
    if idle:
        yield f"{idle} of {format_count(len(cameras), 'camera')} without detections"
    regions = Counter((p.detection.image_id, p.box) for p in pictures if p.detection.image_id)
    shared = sum(count for count in regions.values() if count > 1)
    if shared:
        yield (
            f"{shared} {of_all} with the same image and box as another one, although each counts as one "
            "animal; draw one box per animal"
        )
