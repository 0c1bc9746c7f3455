from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import (
    declared_delimiter,
    fill_column,
    fill_individuals,
    find_delimiter,
    plain_text,
)

TEXTS = st.text(alphabet="ab\",;\n\r é\t'", max_size=6)


@st.composite
def awkward_tables(draw: st.DrawFn) -> tuple[list[list[bytes]], list[bytes], str]:
    """Cells as they are written, the end of each row, and the delimiter."""
    delimiter = draw(st.sampled_from(",;\t"))

    def written(text: str) -> bytes:
        bare = not any(mark in text for mark in '"\r\n' + delimiter)
        quoted = draw(st.booleans()) or not bare
        return ('"' + text.replace('"', '""') + '"' if quoted else text).encode()

    columns = draw(st.permutations(["id", "individualID", "other one", "comment"]))
    rows = [[written(column) for column in columns]]
    rows += [
        [written(f"o{number}" if c == "id" else draw(TEXTS)) for c in columns]
        for number in range(draw(st.integers(0, 5)))
    ]
    ends = [draw(st.sampled_from([b"\n", b"\r\n"])) for _ in rows]
    if draw(st.booleans()):
        ends[-1] = draw(st.sampled_from([b"", b"\n\n\n", b"\r\n\r\n"]))
    return rows, ends, delimiter


def joined(rows: list[list[bytes]], ends: list[bytes], delimiter: str) -> bytes:
    return b"".join(delimiter.encode().join(row) + end for row, end in zip(rows, ends, strict=True))


@given(awkward_tables(), st.booleans(), TEXTS)
def test_only_the_filled_cells_change(
    table: tuple[list[list[bytes]], list[bytes], str],
    mark: bool,  # noqa: FBT001 - drawn
    text: str,
) -> None:
    rows, ends, delimiter = table
    bom = b"\xef\xbb\xbf" if mark else b""
    content = bom + joined(rows, ends, delimiter)
    place = next(i for i, cell in enumerate(rows[0]) if cell.strip(b'"') == b"individualID")
    filled = fill_column(
        content, "individualID", lambda cells: text if cells["id"] == "o1" else None, reads=["id"]
    )
    parsed = list(csv.reader(io.StringIO(filled.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    before = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    if len(rows) > 2 and text != before[2][place].strip():
        assert parsed[2][place] == text
        # put the old bytes back: nothing else may differ
        start = content.index(joined(rows[:2], ends[:2], delimiter)) + len(
            joined(rows[:2], ends[:2], delimiter)
        )
        old_row = delimiter.encode().join(rows[2])
        tail = content[start + len(old_row) :]
        assert filled.startswith(content[:start])
        assert filled.endswith(tail)
        changed = filled[start : len(filled) - len(tail)]
        head = delimiter.encode().join(rows[2][:place]) + (delimiter.encode() if place else b"")
        rest = (delimiter.encode() if place < 3 else b"") + delimiter.encode().join(rows[2][place + 1 :])
        assert changed.startswith(head)
        assert changed.endswith(rest)
    else:
        assert filled == content


@given(awkward_tables())
def test_an_absent_column_is_appended_and_taking_it_away_gives_the_original(
    table: tuple[list[list[bytes]], list[bytes], str],
) -> None:
    rows, ends, delimiter = table
    content = joined(rows, ends, delimiter)
    filled = fill_column(content, "new", lambda cells: f"n-{cells['id']}", reads=["id"])
    parsed = list(csv.reader(io.StringIO(filled.decode(), newline=""), delimiter=delimiter))
    expected = ["new", *(f"n-o{number}" for number in range(len(rows) - 1))]
    assert [row[-1] for row in parsed if row] == expected
    written = [f'"{e}"' if row[-1].startswith(b'"') else e for e, row in zip(expected, rows, strict=True)]
    again = [[*row, text.encode()] for row, text in zip(rows, written, strict=True)]
    assert filled == joined(again, ends, delimiter)


def test_a_replaced_cell_keeps_its_quotes_and_gains_them_if_needed() -> None:
    content = b'id,who\r\na,"x"\r\nb,y\r\nc,z'
    new = {"a": "w", "b": 'the "old", one', "c": "z"}
    filled = fill_column(content, "who", lambda cells: new[cells["id"]], reads=["id"])
    assert filled == b'id,who\r\na,"w"\r\nb,"the ""old"", one"\r\nc,z'


def test_rows_with_texts_beyond_the_header_and_blank_lines_stay() -> None:
    content = b"id,who\n\n , \nb,x,y\n\n\n"
    assert fill_column(content, "who", lambda _: "new", reads=["id"]) == content


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n"])
def test_nothing_stays_nothing(content: bytes) -> None:
    assert fill_column(content, "who", lambda _: "new", reads=["id"]) == content


@pytest.mark.parametrize("content", [b'id,who\n"a"b,c\n', b'id,who\na,"c\n', b'id,who\na,"c"d'])
def test_quotes_that_do_not_pair_up_are_refused_by_line(content: bytes) -> None:
    with pytest.raises(InvalidInputError, match="line 2 has a quotation mark"):
        fill_column(content, "who", lambda _: "new", reads=["id"])


def test_cells_that_a_spreadsheet_dropped_or_added_at_the_end_of_a_row_do_not_count() -> None:
    content = b"id,note,who\na\nb,x,y,,\nc,x\n"
    new = {"a": "anna", "b": "ben"}
    filled = fill_column(content, "who", lambda cells: new.get(cells["id"]), reads=["id"])
    assert filled == b"id,note,who\na,,anna\nb,x,ben,,\nc,x\n"
    appended = fill_column(content, "new", lambda cells: new.get(cells["id"]), reads=["id"])
    assert appended == b"id,note,who,new\na,,,anna\nb,x,y,ben,\nc,x\n"


def test_a_declared_delimiter_is_kept_and_obeyed() -> None:
    content = b"\xef\xbb\xbfsep=;\r\nid;a, b, c, d;who\r\na;;\r\n"
    filled = fill_column(content, "who", lambda _: "anna", reads=["id"])
    assert filled == content.replace(b"a;;", b"a;;anna")
    assert [declared_delimiter(line) for line in ("sep=,\n", "SEP=\t", '"sep=;"\r\n', "sep=x", "id")] == [
        ",",
        "\t",
        ";",
        "",
        "",
    ]


def test_ids_are_read_as_people_see_them() -> None:
    content = "id,who\nZoe\u0308\u00a01,\n".encode()
    filled = fill_column(content, "who", lambda cells: cells["id"], reads=["id"])
    assert filled.decode() == "id,who\nZoe\u0308\u00a01,Zo\u00eb 1\n"


@given(st.text())
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("id,name", ","),
        ("id;name", ";"),
        ("id\tname", "\t"),
        ("id", ","),
        ("id;habitat, notes, more, yet more", ";"),
        ('id,"a;b;c;d;e"', ","),
        ("id;'a,b',c,d,e", ";"),
        ("x;y;a,b", ";"),
    ],
)
def test_the_delimiter_is_that_which_separates_the_columns(header: str, delimiter: str) -> None:
    assert find_delimiter(header, ["id", "name"]) == delimiter


def test_a_delimiter_that_a_descriptor_declares_counts_unless_the_table_contradicts() -> None:
    assert find_delimiter("id|a,b|c,d,e", ["id"], declared="|") == "|"
    assert find_delimiter("id;name", ["id", "name"], declared=",") == ";"
    filled = fill_column(b"id|who\na|\n", "who", lambda _: "x|y", reads=["id"], delimiter="|")
    assert filled == b'id|who\na|"x|y"\n'


def test_a_zipped_table_is_filled_and_zipped_again_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "o.csv.gz"
    path.write_bytes(gzip.compress(b"id,who\na,\n"))
    first, second = (
        fill_individuals(path, "who", {"a": "anna"}, lambda cells: cells["id"], reads=["id"])
        for _ in range(2)
    )
    assert gzip.decompress(first) == b"id,who\na,anna\n"
    assert first == second


def test_every_row_of_a_repeated_id_is_filled_and_an_unknown_id_is_named(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(b"id,who\na,\na,\nb,old\n")
    filled = fill_individuals(path, "who", {"a": "anna", "b": ""}, lambda cells: cells["id"], reads=["id"])
    assert filled == b"id,who\na,anna\na,anna\nb,old\n"
    with pytest.raises(InvalidInputError, match=r"o\.csv lacks 1 of the detections to write, such as z"):
        fill_individuals(path, "who", {"z": "zoe"}, lambda cells: cells["id"], reads=["id"])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"id,who\n\xe9,\n")
    (tmp_path / "broken.csv.gz").write_bytes(b"no zip")
    for name in ("latin.csv", "broken.csv.gz", "absent.csv"):
        with pytest.raises(InvalidInputError, match=f"{name} cannot be read"):
            fill_individuals(tmp_path / name, "who", {}, lambda cells: cells["id"], reads=["id"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_a_table_keeps_its_encoding_and_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id;animal;note\r\n1;;Zo\u00eb\r\n".encode(encoding))
    filled = fill_individuals(path, "animal", {"1": "\u00c5sa"}, lambda cells: cells["id"], reads=["id"])
    assert filled == "id;animal;note\r\n1;\u00c5sa;Zo\u00eb\r\n".encode(encoding)
