"""The result of every reader: a survey, its pictures, and notes for the user."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spotted.errors import InvalidInputError
from spotted.formats.doubts.names import name_notes
from spotted.formats.doubts.places import place_notes
from spotted.formats.doubts.stations import settle_stations
from spotted.formats.doubts.timeline import Times
from spotted.formats.doubts.times import settle_times
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.projection import LARGEST_ERROR, project
from spotted.formats.timestamps import DAY_S
from spotted.survey import Camera, Detection, Side, Survey

UNDATED = "no time is known, so only visual similarity can be measured; the survey has arbitrary dates"

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
    positions_deg: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Latitude and longitude by camera id, as far as the files give them."""
    clock_doubts: Mapping[str, str] = field(default_factory=dict)
    """The note by id of each camera whose clock is taken as wrong."""

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
    *,
    problems: Problems | None = None,
    stations: Mapping[str, str] | None = None,
    undated: bool = False,
) -> ImportedSurvey:
    """A survey from its parts: cameras projected to metres, camera periods that contain all detections.

    positions_deg: latitude and longitude by camera_id; other cameras keep their position in metres.
    problems: the doubts of the reader, to which times that contradict each other are added (see
        `spotted.formats.doubts.times`); they become notes, or stop a strict import.
    stations: the station of each camera that is a period of another one, unless the camera has a station.
    undated: whether a survey without any instant gets an arbitrary day, and a note, instead of an error.
    The survey lasts from the first to the last instant of camera periods and of detections with trusted
    clocks. Raises InvalidInputError if there is no instant at all, unless `undated`, or if `problems` are
    strict and not empty.

    >>> cameras = {"C1": Camera("C1", start_s=0.0, end_s=86_400.0)}
    >>> late = Picture(Detection("d1", "C1", captured_at_s=90_000.0), path=None)
    >>> imported = assemble("ridge", "Ridge", cameras, {}, [late], [])
    >>> imported.survey.end_s
    90000.0
    >>> imported.notes[1]
    "1 of 1 camera without position, such as 'C1'; feasibility unknown"
    """
    problems = Problems() if problems is None else problems
    placed, projection_notes = _placed(cameras, positions_deg)
    placed, station_notes = settle_stations(placed, stations or {}, problems)
    times = (
        Times(placed, list(pictures), 0.0, DAY_S, [UNDATED])
        if undated and not _is_timed(cameras, pictures)
        else settle_times(placed, pictures)
    )
    for doubt in times.doubts:
        problems.doubt(doubt)
    problems.raise_any()
    survey = Survey(survey_id, times.start_s, times.end_s, display_name, times.cameras)
    quality = [*problems.notes, *station_notes, *times.notes, *_camera_notes(times.cameras)]
    quality += [*place_notes(survey, positions_deg), *_picture_notes(times.pictures, times.cameras)]
    quality += name_notes(times.pictures)
    return ImportedSurvey(
        survey,
        tuple(times.pictures),
        (*notes, *projection_notes, *quality),
        dict(positions_deg),
        dict(times.clocks),
    )


def trust_clocks(imported: ImportedSurvey, camera_ids: Collection[str]) -> ImportedSurvey:
    """A survey in which the times of some cameras are confirmed: they count as those of all others.

    Raises InvalidInputError for a camera that the survey lacks.
    """
    cameras, survey = dict(imported.survey.cameras), imported.survey
    instants = [survey.start_s, survey.end_s]
    for camera_id in camera_ids:
        if camera_id not in cameras:
            raise InvalidInputError(
                f"--trust-clock {camera_id}: the files have no such camera; their cameras are "
                f"{', '.join(sorted(cameras))}",
                field="trust_clock",
            )
        detections = (d for d in imported.detections if d.camera_id == camera_id)
        own = [d.captured_at_s for d in detections if d.captured_at_s is not None]
        instants += own
        cameras[camera_id] = _trusted(cameras[camera_id], own)
    before = {imported.clock_doubts.get(i) for i in camera_ids} | {*_camera_notes(survey.cameras)}
    kept = [note for note in imported.notes if note not in before]
    survey = replace(survey, start_s=min(instants), end_s=max(instants), cameras=cameras)
    return replace(imported, survey=survey, notes=(*kept, *_camera_notes(cameras)))


def _trusted(camera: Camera, instants: Sequence[float]) -> Camera:
    """A camera with a right clock; its period contains its detections."""
    start_s = None if camera.start_s is None else min([camera.start_s, *instants])
    end_s = None if camera.end_s is None else max([camera.end_s, *instants])
    return replace(camera, start_s=start_s, end_s=end_s, clock_suspect=False)


def survey_slug(text: str) -> str:
    """A survey id from any text: letters, digits and `._-`, at most 64 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:64].strip("-._") or "survey"


def format_count(count: int, noun: str) -> str:
    """A number with its noun: 1 camera, 1,200 cameras."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _is_timed(cameras: Mapping[str, Camera], pictures: Sequence[Picture]) -> bool:
    periods = (s for camera in cameras.values() for s in (camera.start_s, camera.end_s))
    return any(s is not None for s in (*periods, *(p.detection.captured_at_s for p in pictures)))


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


def _camera_notes(cameras: Mapping[str, Camera]) -> Iterator[str]:
    of_all = f"of {format_count(len(cameras), 'camera')}"
    unplaced = [camera_id for camera_id, camera in cameras.items() if not camera.has_position]
    if unplaced:
        yield (f"{len(unplaced)} {of_all} without position, such as {unplaced[0]!r}; feasibility unknown")
    endless = [i for i, camera in cameras.items() if camera.start_s is None and camera.end_s is None]
    if endless and not any(cameras[i].clock_suspect for i in endless):
        yield f"{len(endless)} {of_all} without a period, such as {endless[0]!r}; effort unknown"
    suspect = sum(camera.clock_suspect for camera in cameras.values())
    if suspect:
        yield f"{suspect} {of_all} with a suspect clock"


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
