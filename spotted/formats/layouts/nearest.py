"""The layouts that files without a known one come nearest to, and what they lack, for messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.catalogue import CATALOGUE_FILE
from spotted.formats.columns import resolve_columns
from spotted.formats.columns.names import DETECTION_FIELDS, plain_title, rank
from spotted.formats.layouts.camtrapr import RECORD_COLUMNS, STATION_COLUMNS
from spotted.formats.layouts.contents import WORKBOOKS
from spotted.formats.layouts.programs import tables_in
from spotted.formats.sheets import read_titles

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout by the files and columns that it needs."""

    title: str
    """Name of the layout."""
    files: tuple[str, ...] = ()
    """Names of files."""
    columns: tuple[str, ...] = ()
    """Titles of one table."""
    fields: tuple[str, ...] = ()
    """Fields of one table, whatever their titles."""
    otherwise: str = ""
    """Further content that it needs, as a text."""


# the likelier of two equally near ones first
KNOWN = (
    Layout("any table", fields=("camera_id", "time", "image")),
    Layout("photographs", otherwise="JPEG, PNG, WebP, HEIC, AVIF or TIFF files"),
    Layout("Camtrap DP", files=("datapackage.json", "deployments.csv", "media.csv", "observations.csv")),
    Layout("Wildlife Insights", files=("deployments.csv", "images.csv")),
    Layout("records of camtrapR", columns=RECORD_COLUMNS),
    Layout("stations of camtrapR without records", columns=STATION_COLUMNS, otherwise="a table of records"),
    Layout("two CSV tables", files=("cameras.csv", "detections.csv")),
    Layout("a catalogue of wildlife-datasets", files=(CATALOGUE_FILE,), columns=("path", "identity")),
    Layout("TrapTagger", columns=("site", "timestamp", "image", "image_labels")),
    Layout("Timelapse", columns=("File", "RelativePath", "DateTime")),
    Layout("Wildbook's bulk import", columns=("Encounter.mediaAsset0", "Encounter.year")),
    Layout("COCO or LILA", otherwise="JSON with images, annotations and categories"),
)


def nearest_layouts(root: Path) -> list[str]:
    r"""A line for each of the likeliest layouts of a file or directory, with what it lacks.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "records.csv").write_text("Station,DateTimeOriginal,FileName\n")
    ...     nearest_layouts(Path(folder))[1]
    'records of camtrapR, but the column Directory is missing'
    """
    names = {path.name.lower() for path in root.iterdir()} if root.is_dir() else {root.name.lower()}
    tables = [titles for path in tables_in(root) for titles in read_titles(path)]
    lines = []
    for order, layout in enumerate(KNOWN):
        lacking = [(part, text) for part, text in _parts(layout, names, tables) if text]
        count = sum(1 for _ in _parts(layout, names, tables))
        lines.append((len(lacking) / count, order, f"{layout.title}, but {_listed(lacking)}"))
    return [line for _, _, line in sorted(lines)[:SHOWN]]


def why_unread(tables: Sequence[Path]) -> list[str]:
    """Why the only table is not read as one with titles of its own."""
    if len(tables) == 1 and tables[0].suffix.lower() not in WORKBOOKS:
        try:
            resolve_columns(tables[0])
        except InvalidInputError as error:
            return [str(error)]
    return []


def _parts(layout: Layout, names: set[str], tables: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """The needs of a layout, by kind, each with its name if it is missing, else ""."""
    yield from (("file", "" if file in names else file) for file in layout.files)
    wanted = [(title, title) for title in layout.columns] + [(field, "") for field in layout.fields]
    missing = min(
        ([_missing(field, title, titles) for field, title in wanted] for titles in tables),
        key=lambda lacks: sum(map(bool, lacks)),
        default=[title or _field(field) for field, title in wanted],
    )
    yield from (("column", text) for text in missing)
    if layout.otherwise:
        yield "", layout.otherwise


def _missing(field: str, title: str, titles: Sequence[str]) -> str:
    """The column if a table lacks it, else ""."""
    if title:
        return "" if plain_title(title) in map(plain_title, titles) else title
    usual = DETECTION_FIELDS[field] + (DETECTION_FIELDS["date"] if field == "time" else ())
    return "" if any(rank(one, usual) is not None for one in titles) else _field(field)


def _field(field: str) -> str:
    return f"for the {'camera' if field == 'camera_id' else field}"


def _listed(lacking: Sequence[tuple[str, str]]) -> str:
    """The missing parts as a clause."""
    clauses = []
    for kind in dict.fromkeys(kind for kind, _ in lacking):
        texts = [text for own, text in lacking if own == kind]
        counted = f"the {kind}{'s' if len(texts) > 1 else ''} " if kind else ""
        clauses.append(f"{counted}{', '.join(texts)} {'are' if len(texts) > 1 or not kind else 'is'} missing")
    return " and ".join(clauses) or "its content is another one"
