"""Encounters as a spreadsheet for Wildbook's bulk import.

Columns and rules as in WildMeOrg/Wildbook (org.ecocean.api.bulk.BulkValidator): genus, specific epithet and
year are required; latitude and longitude come together; a row is an encounter with its media files.
Encounter.locationID is left to the importer, since each Wildbook has a list of its own.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from spotted.formats.captures.tables import csv_bytes
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.imported_survey import format_count
from spotted.formats.picture import Picture
from spotted.formats.timestamps import time_zone
from spotted.survey import Side

# Wildbook's pages name about 200 encounters for an import, and none of its code a limit
ROWS = 1000
COLUMNS = (
    "Encounter.year",
    "Encounter.month",
    "Encounter.day",
    "Encounter.hour",
    "Encounter.minutes",
    "Encounter.genus",
    "Encounter.specificEpithet",
    "Encounter.decimalLatitude",
    "Encounter.decimalLongitude",
    "Encounter.verbatimLocality",
    "Encounter.sex",
    "Encounter.otherCatalogNumbers",
    "Encounter.researcherComments",
    "MarkedIndividual.individualID",
)
MEDIA_COLUMN = "Encounter.mediaAsset"
BINOMIAL = 2


def wildbook_files(material: Material) -> ExportFiles:
    """`bulk_import.xlsx`, or numbered ones of at most ROWS encounters, and `media.csv`.

    An encounter is an individual in the photographs of one encounter and station, or in one photograph. Dates
    and times are those of the survey's zone. media.csv names the file to upload for each media asset: the
    name is the file's own, unless two folders have one of the same name.
    """
    encounters, left_out = _encounters(material)
    names = _media_names([p.path for group in encounters for p in group if p.path], material.root)
    zone = time_zone(material.timezone)
    rows = [_row(group, material, zone, names) for group in encounters]
    books = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)] or [[]]
    files = ["bulk_import.xlsx"]
    if len(books) > 1:
        files = [f"bulk_import_{number}.xlsx" for number in range(1, len(books) + 1)]
    contents = {file: _workbook(book) for file, book in zip(files, books, strict=True)}
    contents["media.csv"] = csv_bytes(["media_asset", "file"], [[name, path] for path, name in names.items()])
    notes = [
        f"Wildbook: {format_count(n, 'detection')} left out: {why}" for why, n in sorted(left_out.items())
    ]
    unnamed = sum(not row.get("Encounter.specificEpithet") for row in rows)
    if unnamed:
        notes.append(
            f"Wildbook: {format_count(unnamed, 'encounter')} without a species; fill in Encounter.genus and "
            "Encounter.specificEpithet, which Wildbook requires"
        )
    return ExportFiles(contents, tuple(notes))


def _encounters(material: Material) -> tuple[list[list[Picture]], Counter[str]]:
    """The photographs of each encounter in the order of time, and why detections are left out."""
    groups: defaultdict[tuple[str, str, str], list[Picture]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for picture in material.imported.pictures:
        one = picture.detection
        name = material.individuals.get(one.detection_id, "")
        if not name:
            left_out["without an individual"] += 1
        elif one.captured_at_s is None:
            left_out["without a time, which Wildbook requires"] += 1
        elif picture.path is None:
            left_out["without an image file"] += 1
        else:
            groups[one.encounter_id or one.detection_id, name, material.station(one.camera_id)].append(
                picture
            )
    ordered = [sorted(group, key=_moment) for group in groups.values()]
    return sorted(ordered, key=lambda group: _moment(group[0])), left_out


def _moment(picture: Picture) -> tuple[float, str]:
    return picture.detection.captured_at_s or 0.0, picture.detection.detection_id


def _row(
    group: Sequence[Picture], material: Material, zone: tzinfo, names: Mapping[str, str]
) -> dict[str, str | float | None]:
    first = group[0].detection
    taken = datetime.fromtimestamp(first.captured_at_s or 0.0, zone)
    name = material.individuals[first.detection_id]
    species = first.species.split()
    latitude, longitude = material.imported.positions_deg.get(first.camera_id, (None, None))
    sides = sorted({p.detection.side.name.lower() for p in group if p.detection.side is not Side.UNKNOWN})
    row: dict[str, str | float | None] = {
        "Encounter.year": taken.year,
        "Encounter.month": taken.month,
        "Encounter.day": taken.day,
        "Encounter.hour": taken.hour,
        "Encounter.minutes": taken.minute,
        "Encounter.genus": species[0] if len(species) >= BINOMIAL else None,
        "Encounter.specificEpithet": " ".join(species[1:]) or None,
        "Encounter.decimalLatitude": latitude,
        "Encounter.decimalLongitude": longitude,
        "Encounter.verbatimLocality": material.station(first.camera_id) or None,
        "Encounter.sex": material.sexes.get(name),
        "Encounter.otherCatalogNumbers": first.encounter_id or first.detection_id,
        "Encounter.researcherComments": f"side: {', '.join(sides)}" if sides else None,
        "MarkedIndividual.individualID": name,
    }
    media = dict.fromkeys(names[str(picture.path)] for picture in group)
    return row | {f"{MEDIA_COLUMN}{number}": asset for number, asset in enumerate(media)}


def _media_names(paths: Sequence[Path], root: Path) -> dict[str, str]:
    """The name of each file, by path: one that several folders have gets its folders in front."""
    different = dict.fromkeys(paths)
    common = Counter(path.name.casefold() for path in different)
    names: dict[str, str] = {}
    for path in different:
        inside = path.relative_to(root) if path.is_relative_to(root) else Path(*path.parts[1:])
        names[str(path)] = path.name if common[path.name.casefold()] == 1 else "_".join(inside.parts)
    return names


def _workbook(rows: Sequence[Mapping[str, str | float | None]]) -> bytes:
    # slow to import, and only this needs it
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    assets = max((sum(key.startswith(MEDIA_COLUMN) for key in row) for row in rows), default=1)
    columns = (*COLUMNS, *(f"{MEDIA_COLUMN}{number}" for number in range(assets)))
    book = Workbook(write_only=True)
    sheet = book.create_sheet("encounters")
    sheet.append(columns)
    for row in rows:
        cells = []
        for column in columns:
            cell = WriteOnlyCell(sheet, value=row.get(column))
            if isinstance(cell.value, str):
                # a name that begins with = is no formula
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
