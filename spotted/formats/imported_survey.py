"""What an import brings, whatever the files were: a survey, its pictures, and notes for the person."""

from __future__ import annotations

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
    """A survey as files describe it.

    pictures: the detections in the order of the files, each with its image and box.
    notes: what the person should know, such as what was skipped and why.
    """

    survey: Survey
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]

    @property
    def detections(self) -> tuple[Detection, ...]:
        """The detections alone."""
        return tuple(picture.detection for picture in self.pictures)


def assemble(
    survey_id: str,
    display_name: str,
    cameras: Mapping[str, Camera],
    positions_deg: Mapping[str, tuple[float, float]],
    pictures: Sequence[Picture],
    notes: Sequence[str],
) -> ImportedSurvey:
    """A survey from its parts: cameras projected to metres, periods that hold all detections.

    positions_deg: latitude and longitude by camera_id; cameras without one keep the position they have.
    The survey lasts from the first to the last instant of camera periods and of detections by trusted
    clocks. Raises InvalidInputError where nothing says when it was.
    """
    placed, place_notes = _placed(cameras, positions_deg)
    detections = [picture.detection for picture in pictures]
    start_s, end_s = _extent(placed, detections)
    fitted, opened = _fitted(placed, detections)
    survey = Survey(survey_id, start_s, end_s, display_name, fitted)
    quality = [*_camera_notes(fitted, opened), *_picture_notes(pictures, fitted)]
    return ImportedSurvey(survey, tuple(pictures), (*notes, *place_notes, *quality))


def survey_slug(text: str) -> str:
    """A survey id from any text: letters, digits and `._-`, at most 64 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:64].strip("-._") or "survey"


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 camera, 2 cameras."""
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
        notes.append(f"the survey is so wide that distances are up to {projection.distance_error:.1%} off")
    return placed, notes


def _extent(cameras: Mapping[str, Camera], detections: Sequence[Detection]) -> tuple[float, float]:
    instants = [s for camera in cameras.values() for s in (camera.start_s, camera.end_s) if s is not None]
    known = [d for d in detections if d.captured_at_s is not None]
    trusted = [d for d in known if d.camera_id not in cameras or not cameras[d.camera_id].clock_suspect]
    instants += [d.captured_at_s for d in trusted if d.captured_at_s is not None]
    instants = instants or [d.captured_at_s for d in known if d.captured_at_s is not None]
    if not instants:
        raise InvalidInputError(
            "neither a camera's period nor a detection's time says when the survey was; give one of them"
        )
    start_s, end_s = min(instants), max(instants)
    # gaps are normalised by the survey's span, which must not be zero; a lone detection spans a day
    return start_s, end_s if end_s > start_s else start_s + DAY_S


def _fitted(
    cameras: Mapping[str, Camera], detections: Sequence[Detection]
) -> tuple[dict[str, Camera], list[str]]:
    """Cameras whose period holds their detections, and the ids of those that had to be opened.

    Within the tolerance a period is widened; that of a suspect clock is opened, since its times say
    nothing about it.
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
    of_all = f"of {counted(len(cameras), 'camera')}"
    unplaced = [camera_id for camera_id, camera in cameras.items() if not camera.has_position]
    if unplaced:
        yield (f"{len(unplaced)} {of_all} without position, such as {unplaced[0]!r}; feasibility unknown")
    suspect = sum(camera.clock_suspect for camera in cameras.values())
    if suspect:
        yield f"{suspect} {of_all} with a suspect clock"
    if opened:
        yield (
            f"{counted(len(opened), 'camera')} with a suspect clock and images outside the period, such as "
            f"{opened[0]!r}; the period is left open"
        )


def _picture_notes(pictures: Sequence[Picture], cameras: Mapping[str, Camera]) -> Iterator[str]:
    of_all = f"of {counted(len(pictures), 'detection')}"
    if not pictures:
        yield "no detection was found"
    untimed = sum(picture.detection.captured_at_s is None for picture in pictures)
    if untimed:
        yield f"{untimed} {of_all} without a time; feasibility unknown"
    pathless = sum(picture.path is None for picture in pictures)
    if pathless:
        yield f"{pathless} {of_all} without an image; they cannot be embedded"
    absent = [path for path in dict.fromkeys(p.path for p in pictures) if path and not path.is_file()]
    if absent:
        yield f"{counted(len(absent), 'image file')} missing, such as {absent[0]}"
    idle = len(cameras.keys() - {picture.detection.camera_id for picture in pictures})
    if idle:
        yield f"{idle} of {counted(len(cameras), 'camera')} without detections"
    regions = Counter((p.detection.image_id, p.box) for p in pictures if p.detection.image_id)
    shared = sum(count for count in regions.values() if count > 1)
    if shared:
        yield (
            f"{shared} {of_all} share image and box with another one, though each is taken for an animal of "
            "its own; draw one box an animal"
        )
