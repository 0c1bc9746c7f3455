"""Small workbooks in the formats of .ods and .xls, made of their parts."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

Cell = str | float | datetime
_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)
_MANIFEST = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
# of a compound file in one piece; below it streams lie elsewhere
LEAST_STREAM = 4096
# a built-in format of dates and times, and the first day of spreadsheets
DATE_FORMAT, EPOCH = 22, datetime.fromisoformat("1899-12-30")


def write_ods(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    """One sheet of OpenDocument."""
    body = "".join(f"<table:table-row>{''.join(map(_element, row))}</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMES} office:version="1.2">'
        f'<office:body><office:spreadsheet><table:table table:name="Sheet1">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {_MANIFEST}/>")
        archive.writestr("content.xml", content)
    return path


def _element(cell: Cell) -> str:
    if isinstance(cell, str):
        return f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
    if isinstance(cell, datetime):
        value = f'office:value-type="date" office:date-value="{cell.isoformat()}"'
    else:
        value = f'office:value-type="float" office:value="{cell}"'
    return f"<table:table-cell {value}><text:p>shown</text:p></table:table-cell>"


def write_xls(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    """One sheet of Excel 97 (BIFF8) in a compound file."""
    cells = b"".join(_record(n, at, cell) for n, row in enumerate(rows) for at, cell in enumerate(row))
    begin, end = struct.pack("<HHHHIH", 0x0600, 5, 0, 0, 0, 0), _biff(0x000A, b"")
    formats = b"".join(_biff(0x00E0, struct.pack("<HHH14x", 0, code, 0)) for code in (0, DATE_FORMAT))
    name = b"\x06\x00Sheet1"
    start = len(_biff(0x0809, begin)) + len(formats) + len(_biff(0x0085, bytes(6) + name)) + len(end)
    sheet = _biff(0x0809, struct.pack("<HHHHIH", 0x0600, 0x10, 0, 0, 0, 0)) + cells + end
    book = _biff(0x0809, begin) + formats + _biff(0x0085, struct.pack("<IH", start, 0) + name) + end + sheet
    path.write_bytes(_compound(book.ljust(LEAST_STREAM, b"\0")))
    return path


def _record(row: int, column: int, cell: Cell) -> bytes:
    if isinstance(cell, str):
        text = cell.encode("utf-16-le")
        return _biff(0x0204, struct.pack("<HHHHB", row, column, 0, len(cell), 1) + text)
    is_date = isinstance(cell, datetime)
    days = (cell - EPOCH).total_seconds() / 86_400 if isinstance(cell, datetime) else cell
    return _biff(0x0203, struct.pack("<HHHd", row, column, int(is_date), days))


def _biff(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _compound(stream: bytes) -> bytes:
    """A compound file with one stream: header, table of sectors, directory, stream."""
    count = -(-len(stream) // SECTOR)
    table = [FAT, END, *range(3, 2 + count), END]
    sectors = struct.pack(f"<{len(table)}I", *table).ljust(SECTOR, b"\xff")
    directory = _entry("Root Entry", 5, child=1, start=END, size=0)
    directory += _entry("Workbook", 2, child=FREE, start=2, size=len(stream)) + bytes(2 * 128)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    numbers = (0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, LEAST_STREAM, END, 0, END, 0)
    header += struct.pack("<HHHHH6xIIIIIIIII", *numbers)
    header += struct.pack("<I", 0).ljust(4 * 109, b"\xff")
    return header + sectors + directory + stream.ljust(count * SECTOR, b"\0")


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    fields = struct.pack("<HBBIII36xIQ", len(text), kind, 1, FREE, FREE, child, start, size)
    return text.ljust(64, b"\0") + fields
