"""Composite surveys: real cameras and capture times joined with real photographs from elsewhere.

No open data set has photographs, positions and times together. A composite assigns each captured animal the
photographs of one photographed animal: both are ordered by their number of detections and joined by rank,
animals of equal number in the order in which they first appear. Each detection takes the next unused
photograph, encounter by encounter, so that both flanks of an encounter stay together; detections beyond the
photographs are dropped and counted. Results on a composite must always be called so.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.csv_survey import read_csv_survey
from spotted.formats.csv_table import read_table
from spotted.formats.imported_survey import SIDES, ImportedSurvey, format_count
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from spotted.survey import Side, Survey

PHOTOGRAPH_COLUMNS = ("path", "identity", "side", "encounter")
# local times of captures have no zone; taken as UTC, their gaps are right
TIMEZONE = "UTC"
# directories whose source is known, to be named in notes
SOURCES = {
    "nyala": "Dlamini & van Zyl 2020, tvanzyl/wildlife_reidentification",
    "nagarahole_tigers": "Dorazio & Karanth 2017",
    "belize_jaguars": "Distiller et al. 2020",
}


@dataclass(frozen=True, slots=True)
class _Photograph:
    path: Path
    side: Side
    encounter: str


def read_composite(
    captures: str | os.PathLike[str], photographs: str | os.PathLike[str], *, survey_id: str
) -> ImportedSurvey:
    """The composite of a directory of captures and one of photographs.

    captures: cameras.csv (camera_id, x_m, y_m) and detections.csv (individual_id, camera_id, timestamp).
    photographs: index.csv (path, identity, side, encounter), paths relative to the directory.
    The extent of the survey is that of its detections: first to last capture, and the cameras with a capture,
    so that figures are comparable with those of a plain script. Times are taken as UTC. Captures and
    photographs without a known animal are left out.
    Raises InvalidInputError like the readers of these files, and if no animal has a photograph.
    """
    directory, index = Path(captures), Path(photographs)
    captured = read_csv_survey(directory / "cameras.csv", directory / "detections.csv", timezone=TIMEZONE)
    albums = _assigned(captured, _photographs(index))
    pictures: list[Picture] = []
    used: Counter[str] = Counter()
    known = [picture for picture in captured.pictures if picture.detection.individual_id]
    for picture in known:
        animal = picture.detection.individual_id
        album = albums.get(animal, [])
        if used[animal] < len(album):
            pictures.append(_with_photograph(picture, album[used[animal]], len(pictures) + 1))
            used[animal] += 1
    if not pictures:
        raise InvalidInputError(f"no photograph in {index} for any captured animal in {directory}")
    join = f"cameras and times of {_named(directory)}, photographs of {_named(index)}, joined artificially"
    counts = (
        f"{format_count(len(pictures), 'detection')} of {format_count(len(used), 'animal')}, "
        f"{len(known) - len(pictures)} beyond the photographs dropped, "
        f"{len(captured.pictures) - len(known)} of unknown animals left out"
    )
    notes = (f"composite: {join}", counts)
    return ImportedSurvey(_survey(captured, pictures, survey_id), tuple(pictures), notes)


def _named(directory: Path) -> str:
    """The name of a directory, with its source if that is known."""
    source = SOURCES.get(directory.name)
    return f"{directory.name} ({source})" if source else directory.name


def _survey(captured: ImportedSurvey, pictures: list[Picture], survey_id: str) -> Survey:
    used = {p.detection.camera_id for p in pictures}
    instants = [p.detection.captured_at_s for p in pictures if p.detection.captured_at_s is not None]
    cameras = {i: c for i, c in captured.survey.cameras.items() if i in used}
    return Survey(survey_id, min(instants), max(instants), "composite", cameras)


def _photographs(directory: Path) -> dict[str, list[_Photograph]]:
    """The photographs of each known animal, encounter by encounter, animals in the order of the index."""
    problems = Problems()
    albums: defaultdict[str, list[_Photograph]] = defaultdict(list)
    for row in read_table(directory / "index.csv", PHOTOGRAPH_COLUMNS, problems):
        photograph = _photograph(row, directory)
        if row.text("identity"):
            albums[row.text("identity")].append(photograph)
    problems.raise_any()
    for album in albums.values():
        album.sort(key=lambda p: (_natural(p.encounter), p.side))
    return albums


def _photograph(row: Row, directory: Path) -> _Photograph:
    side = row.text("side").lower()
    if side and side not in SIDES:
        row.wrong("side", "is not a side; write left, right, front, back or unknown")
    if not row.text("path"):
        row.wrong("path", "is missing; every photograph needs one")
    return _Photograph(directory / row.text("path"), SIDES.get(side, Side.UNKNOWN), row.text("encounter"))


def _natural(text: str) -> tuple[int, str]:
    """Sort key: numbers in numeric order, then other texts."""
    return (int(text), "") if text.isdecimal() else (2**63, text)


def _assigned(captured: ImportedSurvey, albums: dict[str, list[_Photograph]]) -> dict[str, list[_Photograph]]:
    """Captured animal -> photographs assigned to it. Both sorts are stable, so ties keep their order."""
    counts = Counter(d.individual_id for d in captured.detections if d.individual_id)
    animals = sorted(counts, key=lambda animal: -counts[animal])
    largest = sorted(albums.values(), key=lambda album: -len(album))
    return dict(zip(animals, largest, strict=False))


def _with_photograph(picture: Picture, photograph: _Photograph, number: int) -> Picture:
    detection = replace(
        picture.detection,
        detection_id=f"D{number:05}",
        image_id=f"D{number:05}",
        side=photograph.side,
        encounter_id="",
        image_uri=str(photograph.path),
    )
    return Picture(detection, photograph.path)
