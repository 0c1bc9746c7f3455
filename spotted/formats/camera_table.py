"""A survey from photographs that name their cameras, with an optional table of cameras.

Folders of photographs and catalogues contain camera ids and times, but no locations. A table of cameras, in
the form described in `spotted.formats.csv_survey`, adds them; cameras that it lacks have no location.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

from spotted.formats.csv_survey import read_cameras
from spotted.formats.imported_survey import ImportedSurvey, assemble, format_count
from spotted.formats.picture import Picture
from spotted.formats.row import PERIOD_TOLERANCE_S, Problems
from spotted.formats.timestamps import DAY_S, time_zone
from spotted.survey import Camera, Survey

ASSUMED_UTC = (
    "times without offset are taken as UTC: time gaps are right, hours of the day and clock changes are "
    "not; give the time zone of the cameras"
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
) -> ImportedSurvey:
    """The survey of photographs and the table of their cameras.

    zone: time zone of the days in the table.
    known_as: from a camera id of the table to that of the photographs.
    If neither a photograph nor a camera has a time, the survey gets an arbitrary day and a note says that
    times are unknown. Raises InvalidInputError that lists the first ten wrong values of the table.
    """
    known: dict[str, Camera] = {}
    positions: dict[str, tuple[float, float]] = {}
    if cameras is not None:
        problems = Problems()
        table, degrees = read_cameras(cameras, zone, problems)
        known = _renamed(table, known_as, cameras.name, problems)
        positions = {known_as(camera_id): position for camera_id, position in degrees.items()}
        problems.raise_any()
    all_notes = [*notes, *_camera_notes(known, positions, pictures, cameras)]
    seen = dict.fromkeys(p.detection.camera_id for p in pictures if p.detection.camera_id)
    all_cameras = {**{camera_id: Camera(camera_id) for camera_id in seen}, **known}
    if not _is_timed(known, pictures):
        all_notes.append(
            "no time is known, so only visual similarity can be measured; the survey has arbitrary dates"
        )
        survey = Survey(survey_id, 0.0, DAY_S, title, all_cameras)
        return ImportedSurvey(survey, tuple(pictures), tuple(all_notes))
    return assemble(survey_id, title, all_cameras, positions, pictures, all_notes)


def _renamed(
    table: Mapping[str, Camera], known_as: Callable[[str], str], file: str, problems: Problems
) -> dict[str, Camera]:
    renamed: dict[str, Camera] = {}
    for camera_id, camera in table.items():
        new = known_as(camera_id)
        if new in renamed:
            problems.add(f"{file} has the camera {new} twice, once as {camera_id!r}; remove one of the rows")
        renamed[new] = replace(camera, camera_id=new)
    return renamed


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
    outside = sum(_is_outside(picture, known) for picture in pictures)
    if outside:
        notes.append(
            f"{format_count(outside, 'photograph')} outside the period of the camera, which was extended"
        )
    return notes


def _is_outside(picture: Picture, known: Mapping[str, Camera]) -> bool:
    camera, time_s = known.get(picture.detection.camera_id), picture.detection.captured_at_s
    if camera is None or time_s is None or camera.clock_suspect:
        return False
    early = camera.start_s is not None and time_s < camera.start_s - PERIOD_TOLERANCE_S
    return early or (camera.end_s is not None and time_s > camera.end_s + PERIOD_TOLERANCE_S)


def _is_timed(known: Mapping[str, Camera], pictures: Sequence[Picture]) -> bool:
    periods = (s for camera in known.values() for s in (camera.start_s, camera.end_s))
    return any(s is not None for s in (*periods, *(p.detection.captured_at_s for p in pictures)))
