from __future__ import annotations

from spotted.formats.sheets.header import distinct_titles, find_header


def test_titles_stand_below_the_name_of_the_project() -> None:
    rows = {
        1: ["Leopards of the ridge", "", ""],
        2: ["", "", "2024"],
        4: ["Id", "Date", "Photo"],
        5: ["1", "", ""],
    }
    assert find_header(rows) == 4
    assert find_header({3: ["Id"], 4: ["1"]}) == 3
    assert find_header({}) == 0


def test_a_merged_title_counts_once() -> None:
    merged = ["Leopards"] * 4
    assert find_header({1: merged, 2: ["Id", "Date", "Time", "Photo"]}) == 2


def test_repeated_titles_are_numbered() -> None:
    titles, repeated = distinct_titles(["Time", " Photo\n name ", "Time", "", "", "Time"])
    assert titles == ["Time", "Photo name", "Time (2)", "", "", "Time (3)"]
    assert repeated == ["Time"]
