from __future__ import annotations

from pathlib import Path

import pytest

from spotted.local.log_lines import LAST_LINES, last_lines, last_message

SERVICE = "2026-11-30 09:20:01,123 scorer ERROR"


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        ("", "(nothing)"),
        ("a\nb\n", "b"),
        ('{"message": "m"}\n', "m"),
        ("[1]\n", "[1]"),
        (f"{SERVICE} INVALID_INPUT: no such device; use cpu\n", "no such device; use cpu"),
        (f"{SERVICE} waiting for the store: refused\n", "waiting for the store: refused"),
        ("17:M 30 Nov 2026 09:20:01.123 # Fatal error, can't open the file\n", "can't open the file"),
        ("ModuleNotFoundError: No module named 'onnx'\n", "ModuleNotFoundError: No module named 'onnx'"),
    ],
)
def test_the_last_message_is_shown_without_time_process_and_level(
    tmp_path: Path, content: str, reported: str
) -> None:
    (tmp_path / "log").write_text(content)
    assert last_message(tmp_path / "log") == reported


def test_a_log_that_does_not_exist_says_nothing(tmp_path: Path) -> None:
    assert last_message(tmp_path / "absent") == "(nothing)"
    assert last_lines(tmp_path / "absent") == []


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"{number}\n" for number in range(2 * LAST_LINES)))
    assert last_lines(tmp_path / "log") == [str(n) for n in range(LAST_LINES, 2 * LAST_LINES)]
