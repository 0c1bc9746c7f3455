"""Single cells of a CSV replaced, every other byte unchanged."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError

DELIMITERS = ",;\t"
# byte order marks; those of UTF-32 begin with those of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SHOWN_IDS = 5


# spaces of other widths, which spreadsheets and web pages put between words, and marks without width
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " ") | dict.fromkeys("\u200b\ufeff\u2060", ""))
# a first line that names the delimiter for spreadsheets; it is not a row
_DECLARED = re.compile(r"\ufeff?\"?sep=([,;\t])\"?[\r\n]*", re.IGNORECASE)


def plain_text(text: str) -> str:
    """A text as a reader sees it: composed letters (NFC), plain spaces, none around it.

    >>> plain_text("Zoe\u0308\u00a0 ") == "Zo\u00eb"
    True
    """
    # most texts are ASCII, and tables have many
    plain = text if text.isascii() else unicodedata.normalize("NFC", text.translate(_SPACES))
    return plain.strip()


def find_encoding(head: bytes) -> tuple[bytes, str]:
    """The byte order mark with which a text starts, b"" without one, and its encoding, UTF-8 by default.

    >>> find_encoding("id;animal".encode("utf-16-le")), find_encoding(b"id;animal")
    ((b'', 'utf-16-le'), (b'', 'utf-8'))
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return mark, encoding
    # letters of titles take one of the two bytes
    if head[1:2] == b"\0":
        return b"", "utf-16-le"
    return b"", "utf-16-be" if head[:1] == b"\0" else "utf-8"


def declared_delimiter(line: str) -> str:
    """The delimiter that a first line such as `sep=;` declares, "" if the line is something else."""
    found = _DECLARED.fullmatch(line)
    return found[1] if found else ""


def find_delimiter(header: str, columns: Sequence[str] = (), *, declared: str = "") -> str:
    """The delimiter of a header line: comma, semicolon or tab, whichever separates most of `columns`.

    Delimiters that separate equally many of them are decided by what a descriptor declares, then by the
    number of titles, then by that order, so that a comma inside a title does not count.

    >>> find_delimiter("id;latitude;habitat, notes, remarks, weather", ["id", "latitude"])
    ';'
    """

    def merit(mark: str) -> tuple[int, bool, int]:
        titles = [title.strip() for title in next(csv.reader([header], delimiter=mark), [])]
        return len(set(columns) & set(titles)), mark == declared, len(titles)

    # max keeps the first of equal ones
    return max(dict.fromkeys(DELIMITERS + declared), key=merit)


@dataclass(frozen=True, slots=True)
class _Record:
    """One record as written: the bytes of its cells and its line end."""

    cells: list[bytes]
    end: bytes

    @property
    def blank(self) -> bool:
        return not any(cell.strip(b' \t"') for cell in self.cells)


def fill_individuals(
    path: Path,
    column: str,
    individuals: Mapping[str, str],
    id_of: Callable[[Mapping[str, str]], str],
    *,
    reads: Sequence[str],
    delimiter: str = "",
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
        content = gzip.decompress(content) if zipped else content
        mark, encoding = find_encoding(content)
        if encoding == "utf-8":
            filled = fill_column(content, column, fill, reads=reads, delimiter=delimiter)
        else:
            text = content[len(mark) :].decode(encoding).encode()
            filled = fill_column(text, column, fill, reads=reads, delimiter=delimiter)
            filled = mark + filled.decode().encode(encoding)
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
    delimiter: str = "",
) -> bytes:
    r"""A CSV with the cells of one column replaced and every other byte unchanged.

    column: appended as the last one if the CSV lacks it.
    delimiter: as a descriptor declares it; by default it is found in the header.
    fill: from the texts of the columns named in `reads` to the new text, or None to keep the cell.
    The byte order mark, a line `sep=;`, line ends, quotes, blank lines, missing and surplus empty cells and a
    missing last line end stay as they are. A new text is quoted if it has to be, or if the cell that it
    replaces was.
    Raises InvalidInputError if a quotation mark is not closed.

    >>> table = b"id;animal\r\n1;\r\n2;Tau\r\n"
    >>> fill_column(table, "animal", lambda cells: {"1": "Asha"}.get(cells["id"]), reads=["id"])
    b'id;animal\r\n1;Asha\r\n2;Tau\r\n'
    """
    head, body, mark = _opened(content, (column, *reads), delimiter)
    records = _records(body, mark)
    written = [head]
    header = next(records, None)
    if header is None or header.blank:
        return content
    titles = [_text(cell) for cell in header.cells]
    absent = column not in titles
    target = len(titles) if absent else titles.index(column)
    if absent:
        header.cells.append(_cell(column, mark, header.cells[-1]))
    written += _bytes(header, mark)
    index_of = {title: titles.index(title) for title in reads if title in titles}
    for record in records:
        if not record.blank and not any(cell.strip() for cell in record.cells[len(titles) :]):
            known = {title: index for title, index in index_of.items() if index < len(record.cells)}
            text = fill(
                {title: _text(record.cells[known[title]]) if title in known else "" for title in index_of}
            )
            _put(record, target, text, mark, pads=absent)
        written += _bytes(record, mark)
    return b"".join(written)


def _opened(content: bytes, columns: Sequence[str], given: str) -> tuple[bytes, bytes, bytes]:
    """The text before the header, the table from its header on, and the delimiter."""
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    found = re.compile(rb"[^\r\n]*(\r\n|\r|\n)?").match(content, len(mark))
    first = found[0] if found else b""
    declared = declared_delimiter(first.decode())
    head = mark + first if declared else mark
    delimiter = declared or find_delimiter(first.decode().strip("\r\n"), columns, declared=given)
    return head, content[len(head) :], delimiter.encode()


def _put(record: _Record, index: int, text: str | None, delimiter: bytes, *, pads: bool) -> None:
    missing = index - len(record.cells)
    if missing < 0 and text is not None and text != _text(record.cells[index]):
        record.cells[index] = _cell(text, delimiter, record.cells[index])
    elif missing >= 0 and (text or (pads and missing == 0)):
        # cells that a spreadsheet dropped from the end of the row
        record.cells.extend([b""] * missing)
        record.cells.append(_cell(text, delimiter, record.cells[-1]) if text else b"")


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
    return plain_text(text[1:-1].replace('""', '"') if text.startswith('"') else text)


def _cell(text: str, delimiter: bytes, like: bytes) -> bytes:
    must = re.search(r'["\r\n]|^\s|\s$', text) or delimiter.decode() in text
    quoted = must or like.startswith(b'"')
    return ('"' + text.replace('"', '""') + '"' if quoted else text).encode()
