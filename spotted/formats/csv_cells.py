"""Changes of single cells of a CSV that leave every other byte as it was."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError

DELIMITERS = ",;\t"
SHOWN_IDS = 5


def delimiter_of(header: str) -> str:
    """What separates the cells of a header line: a comma, or else a semicolon or tab that stands in it."""
    return next((mark for mark in DELIMITERS if mark in header), DELIMITERS[0])


@dataclass(frozen=True, slots=True)
class _Record:
    """One record as it is written: its cells, the ends of cells and of the record, all kept."""

    cells: list[bytes]
    end: bytes

    @property
    def blank(self) -> bool:
        return self.cells == [b""]


def fill_individuals(
    path: Path,
    column: str,
    individuals: Mapping[str, str],
    id_of: Callable[[Mapping[str, str]], str],
    *,
    reads: Sequence[str],
) -> bytes:
    """The content of a CSV, plain or gzip by its name, with the individuals of its detections filled in.

    individuals: individual id by detection id; a detection without one, or with "", keeps its cell.
    id_of: the detection id of a row from its texts of the columns `reads`, called in the rows' order.
    Raises InvalidInputError where the file cannot be read or lacks one of the detections.
    """
    waiting = set(individuals)

    def fill(cells: Mapping[str, str]) -> str | None:
        detection_id = id_of(cells)
        waiting.discard(detection_id)
        return individuals.get(detection_id) or None

    zipped = path.suffix == ".gz"
    try:
        content = path.read_bytes()
        filled = fill_column(gzip.decompress(content) if zipped else content, column, fill, reads=reads)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}", field=path.name) from error
    if waiting:
        shown = ", ".join(sorted(waiting)[:SHOWN_IDS])
        raise InvalidInputError(
            f"{path} lacks {len(waiting)} of the detections to write, such as {shown}; "
            "export to the files that were imported"
        )
    # without a time of its own, so that equal tables give equal files
    return gzip.compress(filled, mtime=0) if zipped else filled


def fill_column(
    content: bytes,
    column: str,
    fill: Callable[[Mapping[str, str]], str | None],
    *,
    reads: Sequence[str],
) -> bytes:
    """A CSV with the cells of one column replaced, all else byte for byte kept.

    column: appended as the last one where the CSV lacks it.
    fill: from the texts of the columns named in `reads` to the new text, or None to keep the cell.
    A byte order mark, line ends, quotes, blank lines and the lack of a last line end stay. A new text
    is quoted where it must be or where the cell it replaces was.
    Raises InvalidInputError where quotes do not pair up.
    """
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    body = content[len(mark) :]
    delimiter = delimiter_of(re.split(rb"[\r\n]", body, maxsplit=1)[0].decode()).encode()
    records = _records(body, delimiter)
    written = [mark]
    header = next(records, None)
    if header is None or header.blank:
        return content
    titles = [_text(cell) for cell in header.cells]
    absent = column not in titles
    where = len(titles) if absent else titles.index(column)
    if absent:
        header.cells.append(_cell(column, delimiter, header.cells[-1]))
    written += _bytes(header, delimiter)
    places = {title: titles.index(title) for title in reads if title in titles}
    for record in records:
        if not record.blank and len(record.cells) == len(titles):
            text = fill({title: _text(record.cells[place]) for title, place in places.items()})
            _put(record, where, text, delimiter)
        written += _bytes(record, delimiter)
    return b"".join(written)


def _put(record: _Record, where: int, text: str | None, delimiter: bytes) -> None:
    if where == len(record.cells):
        record.cells.append(_cell(text, delimiter, record.cells[-1]) if text else b"")
    elif text is not None and text != _text(record.cells[where]):
        record.cells[where] = _cell(text, delimiter, record.cells[where])


def _records(body: bytes, delimiter: bytes) -> Iterator[_Record]:
    mark = re.escape(delimiter)
    cell = re.compile(
        rb'("(?:[^"]++|"")*+"|(?:[^"\r\n'
        + mark
        + rb"][^\r\n"
        + mark
        + rb"]*+)?)("
        + mark
        + rb"|\r\n|\r|\n|\Z)"
    )
    cells: list[bytes] = []
    position = 0
    for found in cell.finditer(body):
        if found.start() != position:
            break
        position = found.end()
        cells.append(found[1])
        if found[2] != delimiter:
            yield _Record(cells, found[2])
            cells = []
    if position != len(body):
        line = len(re.findall(rb"\r\n|\r|\n", body[:position])) + 1
        raise InvalidInputError(
            f"line {line} has a quotation mark without its partner; double it or close it"
        )


def _bytes(record: _Record, delimiter: bytes) -> tuple[bytes, bytes]:
    return delimiter.join(record.cells), record.end


def _text(cell: bytes) -> str:
    text = cell.decode()
    return (text[1:-1].replace('""', '"') if text.startswith('"') else text).strip()


def _cell(text: str, delimiter: bytes, like: bytes) -> bytes:
    must = re.search(r'["\r\n]|^\s|\s$', text) or delimiter.decode() in text
    quoted = must or like.startswith(b'"')
    return ('"' + text.replace('"', '""') + '"' if quoted else text).encode()
