from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.problems import SHOWN_PROBLEMS, Problems


def refusal(problems: Problems) -> str:
    with pytest.raises(InvalidInputError) as caught:
        problems.raise_any()
    return str(caught.value)


def test_one_wrong_value_is_the_message_and_none_is_silent() -> None:
    problems = Problems()
    problems.raise_any()
    problems.add("t.csv row 2 is wrong; correct it", "t.csv:2:a")
    assert refusal(problems) == "t.csv row 2 is wrong; correct it"
    assert problems.first_field == "t.csv:2:a"


def test_wrong_values_of_one_cause_are_one_line_with_their_number() -> None:
    problems = Problems()
    for row in range(355):
        problems.add(f"t.csv row {row} lacks a time zone", cause="zone")
    problems.add("t.csv row 9 is odd")
    assert refusal(problems).splitlines() == [
        "356 problems of 2 causes:",
        "  t.csv row 0 lacks a time zone (355 rows)",
        "  t.csv row 9 is odd",
    ]


def test_the_first_ten_causes_are_shown_and_all_values_counted() -> None:
    problems = Problems()
    for number in range(SHOWN_PROBLEMS + 2):
        problems.add(f"cause {number}")
    lines = refusal(problems).splitlines()
    assert lines[0] == "12 problems, the first 10:"
    assert len(lines) == 11


def test_doubtful_values_are_notes_and_stop_a_strict_import() -> None:
    tolerant, strict = Problems(), Problems(strict=True)
    for problems in (tolerant, strict):
        for row in range(3):
            problems.doubt(f"row {row} is doubtful", cause="doubt")
        problems.remark("row 4 is read so", cause="remark")
    tolerant.raise_any()
    assert tolerant.notes == ["row 0 is doubtful (3 rows)", "row 4 is read so"]
    assert refusal(strict) == "3 problems:\n  row 0 is doubtful (3 rows)"


@pytest.mark.parametrize(("doubtful", "refused"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_column_most_of_whose_times_are_not_believed_is_wrong(doubtful: int, *, refused: bool) -> None:
    problems = Problems()
    column = ("t.csv", "time")
    problems.times_read[column] = 4
    for row in range(doubtful):
        problems.doubt(f"row {row} is no time", cause=row % 2, outcome="; unknown", times_of=column)
    assert problems.notes[0].startswith("row 0 is no time; unknown")
    if refused:
        assert f"{doubtful} problems" in refusal(problems)
        assert "unknown" not in refusal(problems)
    else:
        problems.raise_any()
