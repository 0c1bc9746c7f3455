"""Single cells of a CSV replaced, every other byte unchanged."""

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


def find_delimiter(header: str) -> str:
    """The delimiter of a header line: the first of comma, semicolon and tab that occurs in it."""
    return next((mark for mark in DELIMITERS if mark in header), DELIMITERS[0])


@dataclass(frozen=True, slots=True)
class _Record:
    """One record as written: the bytes of its cells and its line end."""

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
    """The content of a CSV (gzip if named .gz) with the individuals of its detections filled in.

    individuals: individual id by detection id; a detection without one, or with "", keeps its cell.
    id_of: returns the detection id of a row from its texts in the columns `reads`; called in row order.
    Raises InvalidInputError if the file cannot be read or lacks one of the detections.
    """
    missing = set(individuals)

    def fill(cells: Mapping[str, str]) -> str | None:
        detection_id = id_of(cells)
        missing.discard(detection_id)
        return individuals.get(detection_id) or None

    zipped = path.suffix == ".gz"
    try:
        content = path.read_bytes()
        filled = fill_column(gzip.decompress(content) if zipped else content, column, fill, reads=reads)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}", field=path.name) from error
    except InvalidInputError as error:
        raise InvalidInputError(f"{path} {error}", field=path.name) from error
    if missing:
        shown = ", ".join(sorted(missing)[:SHOWN_IDS])
        raise InvalidInputError(
            f"{path} lacks {len(missing)} of the detections to write, such as {shown}; "
            "export from the files that were imported"
        )
    # no time in the gzip header, so that equal tables give equal files
    return gzip.compress(filled, mtime=0) if zipped else filled


def fill_column(
    content: bytes,
    column: str,
    fill: Callable[[Mapping[str, str]], str | None],
    *,
    reads: Sequence[str],
) -> bytes:
    r"""A CSV with the cells of one column replaced and every other byte unchanged.

    column: appended as the last one if the CSV lacks it.
    fill: from the texts of the columns named in `reads` to the new text, or None to keep the cell.
    The byte order mark, line ends, quotes, blank lines and a missing last line end stay as they are. A new
    text is quoted if it has to be, or if the cell that it replaces was.
    Raises InvalidInputError if a quotation mark is not closed.

    >>> table = b"id;animal\r\n1;\r\n2;Tau\r\n"
    >>> fill_column(table, "animal", lambda cells: {"1": "Asha"}.get(cells["id"]), reads=["id"])
    b'id;animal\r\n1;Asha\r\n2;Tau\r\n'
    """
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    body = content[len(mark) :]
    delimiter = find_delimiter(re.split(rb"[\r\n]", body, maxsplit=1)[0].decode()).encode()
    records = _records(body, delimiter)
    written = [mark]
    header = next(records, None)
    if header is None or header.blank:
        return content
    titles = [_text(cell) for cell in header.cells]
    absent = column not in titles
    target = len(titles) if absent else titles.index(column)
    if absent:
        header.cells.append(_cell(column, delimiter, header.cells[-1]))
    written += _bytes(header, delimiter)
    index_of = {title: titles.index(title) for title in reads if title in titles}
    for record in records:
        if not record.blank and len(record.cells) == len(titles):
            text = fill({title: _text(record.cells[index]) for title, index in index_of.items()})
            _put(record, target, text, delimiter)
        written += _bytes(record, delimiter)
    return b"".join(written)


def _put(record: _Record, index: int, text: str | None, delimiter: bytes) -> None:
    if index == len(record.cells):
        record.cells.append(_cell(text, delimiter, record.cells[-1]) if text else b"")
    elif text is not None and text != _text(record.cells[index]):
        record.cells[index] = _cell(text, delimiter, record.cells[index])


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
        raise InvalidInputError(f"line {line} has a quotation mark that is not closed; double it or close it")


def _bytes(record: _Record, delimiter: bytes) -> tuple[bytes, bytes]:
    return delimiter.join(record.cells), record.end


def _text(cell: bytes) -> str:
    text = cell.decode()
    return (text[1:-1].replace('""', '"') if text.startswith('"') else text).strip()


def _cell(text: str, delimiter: bytes, like: bytes) -> bytes:
    must = re.search(r'["\r\n]|^\s|\s$', text) or delimiter.decode() in text
    quoted = must or like.startswith(b'"')
    return ('"' + text.replace('"', '""') + '"' if quoted else text).encode()
