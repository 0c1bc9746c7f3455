"""A survey from photographs that name their cameras, with an optional table of cameras.

Folders of photographs and catalogues contain camera ids and times, but no locations. A table of cameras, in
the form described in `spotted.formats.cameras.table`, adds them; cameras that it lacks have no location.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

from spotted.formats.cameras.periods import CameraTable
from spotted.formats.cameras.table import read_cameras
from spotted.formats.imported_survey import ImportedSurvey, assemble, format_count
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera

ASSUMED_UTC = (
    "times without offset are taken as UTC: time gaps are right, hours of the day and clock changes are "
    "not; give the time zone of the cameras, e.g. --timezone Africa/Harare"
)
NO_LOCATIONS = "no location is known, so only visual similarity can be measured; give a table of cameras"


def clock_zone(timezone: str | None) -> tuple[tzinfo, list[str]]:
    """The time zone of the cameras' clocks, and a note if it had to be assumed.

    Raises InvalidInputError for an unknown zone.
    """
    return (time_zone(timezone), []) if timezone else (UTC, [ASSUMED_UTC])


def survey_of_photographs(
    survey_id: str,
    title: str,
    pictures: Sequence[Picture],
    cameras: Path | None,
    zone: tzinfo,
    notes: Sequence[str],
    *,
    known_as: Callable[[str], str] = str,
    problems: Problems | None = None,
) -> ImportedSurvey:
    """The survey of photographs and the table of their cameras.

    zone: time zone of the days in the table.
    known_as: from a camera id of the table to that of the photographs.
    problems: the doubts of the reader, as in `assemble`.
    If neither a photograph nor a camera has a time, the survey gets an arbitrary day and a note says that
    times are unknown. Raises InvalidInputError that lists the wrong values of the table.
    """
    problems = Problems() if problems is None else problems
    table = CameraTable({})
    if cameras is not None:
        table = _renamed(read_cameras(cameras, zone, problems), known_as, cameras.name, problems)
        problems.raise_any()
    known, positions = table.cameras, table.positions
    pictures = [_in_period(picture, table, problems) for picture in pictures]
    all_notes = [*notes, *_camera_notes(known, positions, pictures, cameras), *table.notes()]
    seen = dict.fromkeys(p.detection.camera_id for p in pictures if p.detection.camera_id)
    all_cameras = {**{camera_id: Camera(camera_id) for camera_id in seen}, **known}
    return assemble(
        survey_id,
        title,
        all_cameras,
        positions,
        pictures,
        all_notes,
        problems=problems,
        stations=table.stations(),
        undated=True,
    )


def _renamed(
    table: CameraTable, known_as: Callable[[str], str], file: str, problems: Problems
) -> CameraTable:
    renamed: dict[str, Camera] = {}
    for camera_id, camera in table.cameras.items():
        new = known_as(camera_id)
        if new in renamed:
            problems.add(f"{file} has the camera {new} twice, once as {camera_id!r}; remove one of the rows")
        renamed[new] = replace(camera, camera_id=new)
    positions = {known_as(camera_id): position for camera_id, position in table.positions.items()}
    periods = {known_as(i): tuple(known_as(period) for period in ids) for i, ids in table.periods.items()}
    return CameraTable(renamed, positions, periods)


def _in_period(picture: Picture, table: CameraTable, problems: Problems) -> Picture:
    """A picture with the camera of the period that contains its time."""
    detection = picture.detection
    camera_id = table.camera_at(detection.camera_id, detection.captured_at_s)
    if camera_id == detection.camera_id:
        return picture
    if not camera_id:
        problems.doubt(
            f"{picture.source or detection.detection_id}: camera {detection.camera_id!r} was moved, and this "
            "photograph may be from before or after; its position is taken as unknown; write the times of "
            "the move in start and end",
            cause=("moved", detection.camera_id),
        )
    return replace(picture, detection=replace(detection, camera_id=camera_id))


def _camera_notes(
    known: Mapping[str, Camera],
    positions: Mapping[str, tuple[float, float]],
    pictures: Sequence[Picture],
    cameras: Path | None,
) -> list[str]:
    notes = []
    used = Counter(p.detection.camera_id for p in pictures if p.detection.camera_id)
    if cameras is None:
        notes.append(NO_LOCATIONS)
    else:
        notes.append(f"cameras: {cameras}")
        absent = [camera_id for camera_id in used if camera_id not in known]
        if absent:
            notes.append(
                f"{format_count(len(absent), 'camera')} of "
                f"{format_count(sum(used[c] for c in absent), 'photograph')} not in {cameras.name}, "
                f"such as {absent[0]!r}; their locations are unknown"
            )
        if not any(known[c].has_position or c in positions for c in used if c in known):
            notes.append(NO_LOCATIONS)
    return notes
