"""A folder of photographs: times from EXIF headers, stations from paths, places from a table of cameras."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import clock_zone, survey_of_photographs
from spotted.formats.catalogue import LONGEST_PATH
from spotted.formats.csv_table import read_table
from spotted.formats.image_kinds import PHOTOGRAPHS, missing_reader
from spotted.formats.imported_survey import ImportedSurvey, format_count, survey_slug
from spotted.formats.photographs.headers import ImageHeader, read_header
from spotted.formats.photographs.stations import StationPattern, folded, guess_pattern
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.row import absolute_path
from spotted.formats.timestamps import InstantError, utc_seconds
from spotted.survey import Detection

CAMERAS_FILE = "cameras.csv"
SHOWN_NAMES = 3


@dataclass(slots=True)
class _Reading:
    """State of one import, with what notes mention."""

    root: Path
    zone: tzinfo
    skipped: Counter[str] = field(default_factory=Counter)
    files_by_reason: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    models: Counter[str] = field(default_factory=Counter)
    serials: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    temperatures_c: list[float] = field(default_factory=list)
    without_offset: int = 0

    def doubts(self) -> Iterator[str]:
        """A line for each reason for which the time or the station of photographs is unknown."""
        for reason, files in self.files_by_reason.items():
            yield f"{format_count(len(files), 'photograph')} {reason}, such as {files[0]}"

    def notes(self) -> Iterator[str]:
        if self.skipped:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.skipped.most_common())
            yield f"{format_count(self.skipped.total(), 'file')} skipped: {kinds}"
        yield from self.doubts()
        if self.models:
            made = ", ".join(f"{name} ({count:,})" for name, count in self.models.most_common(SHOWN_NAMES))
            yield f"cameras by EXIF: {made}"
        if self.temperatures_c:
            yield f"temperatures by EXIF: {min(self.temperatures_c):g} to {max(self.temperatures_c):g} °C"
        several = [station for station, serials in self.serials.items() if station and len(serials) > 1]
        if several:
            numbers = ", ".join(sorted(self.serials[several[0]]))
            yield (
                f"{format_count(len(several), 'station')} with several cameras by their serial numbers, such "
                f"as {several[0]!r} ({numbers}); they count as one camera"
            )


def read_photographs(
    directory: str | os.PathLike[str],
    *,
    survey_id: str = "",
    station: str = "",
    cameras: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    strict: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ImportedSurvey:
    """The survey of a folder of photographs, each of which is a detection.

    survey_id: derived from the name of the folder by default.
    station: a pattern (see `StationPattern`) of paths in the folder; guessed by default. A note shows it.
    cameras: table of cameras (see `spotted.formats.csv_survey`), by default cameras.csv in the folder.
    timezone: IANA name or offset of the cameras' clocks, for times without offset; by default UTC and a note.
    strict: whether photographs whose header, time or station is unknown, and other doubts, stop the import.
    on_progress: called with the number of photographs read since the last call.
    The id of a detection is its path in the folder. A photograph without a time is kept, its time is unknown.
    Raises InvalidInputError if there is no photograph, or the pattern or the table is wrong.
    """
    root = absolute_path(directory)
    beside = root / CAMERAS_FILE
    table = absolute_path(cameras) if cameras else beside if beside.is_file() else None
    zone, assumed = clock_zone(timezone)
    reading = _Reading(root, zone)
    files = list(_photographs(reading))
    if not files:
        raise InvalidInputError(
            f"{root} contains no photograph; give a folder with JPEG, PNG, WebP, HEIC, AVIF or TIFF files"
        )
    pattern = StationPattern(station) if station else guess_pattern(files, _camera_ids(table))
    stations = [_station(file, pattern, reading) for file in files]
    pictures = []
    for file, camera_id in zip(files, stations, strict=True):
        pictures.append(_picture(file, camera_id, reading))
        on_progress(1)
    problems = Problems(strict=strict)
    for doubt in reading.doubts() if strict else ():
        problems.add(doubt)
    notes = [_pattern_note(pattern, stations), *(assumed if reading.without_offset else []), *reading.notes()]
    title, survey_id = root.name, survey_id or survey_slug(root.name)
    written = {folded(name): name for name in stations if name}

    def known_as(camera_id: str) -> str:
        return written.get(folded(camera_id), camera_id)

    return survey_of_photographs(
        survey_id, title, pictures, table, zone, notes, known_as=known_as, problems=problems
    )


def _photographs(reading: _Reading) -> Iterator[str]:
    """Paths of the photographs in the folder, with slashes, sorted at every level."""
    for directory, folders, names in os.walk(reading.root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "@", "__MACOSX")))
        above = Path(directory).relative_to(reading.root).as_posix()
        for name in sorted(names):
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - Path is slow for each of many names
            file = name if above == "." else f"{above}/{name}"
            if name.startswith("."):
                reading.skipped["hidden"] += 1
            elif suffix not in PHOTOGRAPHS:
                if name != CAMERAS_FILE:
                    reading.skipped[suffix or "without suffix"] += 1
            elif len(file) > LONGEST_PATH or not file.isprintable():
                reading.skipped[f"with more than {LONGEST_PATH} or unprintable characters in the path"] += 1
            else:
                yield file


def _station(file: str, pattern: StationPattern | None, reading: _Reading) -> str:
    station = pattern.station(file) if pattern else ""
    if pattern and not station:
        reading.files_by_reason["not matched by the pattern, station unknown"].append(file)
    return station


def _picture(file: str, station: str, reading: _Reading) -> Picture:
    path = reading.root / file
    header = read_header(path)
    missing = missing_reader(path.suffix)
    if missing:
        reading.files_by_reason[f"that cannot be read ({missing}), time unknown"].append(file)
    elif header.fault:
        reading.files_by_reason["that cannot be read, time unknown"].append(f"{file} ({header.fault})")
    if header.camera:
        reading.models[header.camera] += 1
    if header.serial:
        reading.serials[station].add(header.serial)
    if header.temperature_c is not None:
        reading.temperatures_c.append(header.temperature_c)
    time_s = _captured_at_s(file, header, reading)
    return Picture(Detection(file, station, time_s, image_id=file, image_uri=str(path)), path)


def _captured_at_s(file: str, header: ImageHeader, reading: _Reading) -> float | None:
    if not header.time:
        if not header.fault:
            reading.files_by_reason["without a time in EXIF, time unknown"].append(file)
        return None
    try:
        time_s = utc_seconds(header.time, reading.zone)
    except InstantError:
        reading.files_by_reason["with a time that does not exist, taken as unknown"].append(file)
        return None
    reading.without_offset += header.time[-6] not in {"+", "-"}
    return time_s


def _camera_ids(table: Path | None) -> list[str]:
    """The ids of a table of cameras; its faults are reported when it is read as a whole."""
    return [row.text("camera_id") for row in read_table(table, ("camera_id",), Problems())] if table else []


def _pattern_note(pattern: StationPattern | None, stations: Sequence[str]) -> str:
    if pattern is None:
        return (
            "no station is known from folders or file names; give a pattern, e.g. --station '{station}' for "
            "the first folder or --station '**/{station}_*' for the start of the file name"
        )
    names = list(dict.fromkeys(name for name in stations if name))
    listed = ", ".join(repr(name) for name in names[:SHOWN_NAMES]) + (", ..." * (len(names) > SHOWN_NAMES))
    found = f"{format_count(len(names), 'station')} ({listed})" if names else "no station"
    return f"stations by the pattern '{pattern.text}': {found}; --station PATTERN changes it"
