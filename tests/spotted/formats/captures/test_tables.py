from __future__ import annotations

import csv
from pathlib import Path

from spotted.formats.captures.history import build_capture_history
from spotted.formats.captures.tables import csv_bytes, format_position, history_table, occasion_columns
from spotted.survey import Camera, Detection, Survey

SURVEY = Survey("s", 0.0, 86_400.0 * 3 - 1, cameras={"C": Camera("C", 1.0, 2.0)})
HISTORY = build_capture_history(SURVEY, [Detection("1", "C", 90_000.0)], {"1": 'Asha, "the old"'})


def test_a_history_is_a_row_an_individual_and_a_column_an_occasion() -> None:
    assert occasion_columns(HISTORY) == ["o1", "o2", "o3"]
    rows = list(csv.reader(history_table(HISTORY).decode().splitlines()))
    assert rows == [["individual", "o1", "o2", "o3"], ['Asha, "the old"', "0", "1", "0"]]


def test_positions_are_to_the_millimetre_and_empty_if_unknown() -> None:
    assert format_position(HISTORY.cameras[0]) == ("1.000", "2.000")
    assert format_position(Camera("C", 1.0, None)) == ("", "")


def test_letters_of_all_languages_survive(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(csv_bytes(["name"], [["Ñandú\nII"], ["雪豹"]]))
    with path.open(encoding="utf-8", newline="") as handle:
        assert list(csv.reader(handle)) == [["name"], ["Ñandú\nII"], ["雪豹"]]
