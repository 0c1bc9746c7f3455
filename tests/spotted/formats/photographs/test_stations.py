from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.photographs.stations import StationPattern, folded, guess_pattern


@pytest.mark.parametrize(
    ("pattern", "path", "station"),
    [
        ("{station}", "A1/x/y.jpg", "A1"),
        ("{station}", "y.jpg", ""),
        ("{station}/", "A1/y.jpg", "A1"),
        ("*/{station}", "North/A1/100RECNX/y.jpg", "A1"),
        ("*/{station}", "North/y.jpg", ""),
        ("{station}/{station}", "North/1/y.jpg", "North/1"),
        ("Cam {station}", "Cam 07/y.jpg", "07"),
        ("Cam {station}", "cam 07/y.jpg", ""),
        ("{station}__*", "A1__2024.jpg", "A1"),
        ("**/{station}_*", "deep/er/A1_7.jpg", "A1"),
        ("{station}-*", "A.1-left/y.jpg", "A.1"),
        ("*_{station}.jpg", "7_A1.jpg", "A1"),
    ],
)
def test_a_pattern_gives_the_station(pattern: str, path: str, station: str) -> None:
    assert StationPattern(pattern).station(path) == station


def test_a_pattern_without_a_station_is_refused_with_examples() -> None:
    with pytest.raises(InvalidInputError, match=r"\*/\{station\} for the second"):
        StationPattern("*/site")


@pytest.mark.parametrize(
    ("paths", "pattern"),
    [
        (["A/1.jpg", "B/1.jpg"], "{station}"),
        (["North/A/1.jpg", "South/B/1.jpg"], "*/{station}"),
        (["A/100RECNX/1.jpg", "A/101RECNX/1.jpg", "B/100RECNX/1.jpg"], "{station}"),
        (["A/2024-05-01/1.jpg", "B/2024-06-01/1.jpg"], "{station}"),
        (["A/Leopard/1.jpg", "A/Hyena/1.jpg", "B/Leopard/1.jpg"], "{station}"),
        (["A1__1.jpg", "A1__2.jpg", "B1__1.jpg", "B1__2.jpg"], "**/{station}__*"),
        (["CAM01_1.jpg", "CAM01_2.jpg", "CAM02_1.jpg", "CAM02_2.jpg"], "**/{station}_*"),
        (["IMG_0001.jpg", "IMG_0002.jpg"], None),
        (["DSC1_1.jpg", "DSC1_2.jpg"], None),
        ([], None),
    ],
)
def test_the_pattern_is_guessed_from_folders_or_else_from_file_names(
    paths: list[str], pattern: str | None
) -> None:
    guessed = guess_pattern(paths)
    assert (guessed and guessed.text) == pattern


def test_a_table_of_cameras_decides_which_folder_is_the_station() -> None:
    paths = [f"{station}/{animal}/1.jpg" for station, animal in (("S-1", "Leopard"), ("S-2", "Hyena"))]
    assert (guess_pattern(paths) or StationPattern("{station}?")).text == "*/{station}"
    by_table = guess_pattern(paths, ["s1", "S 2", "S3"])
    assert by_table == StationPattern("{station}")


def test_a_few_loose_photographs_do_not_hide_the_folders() -> None:
    paths = [f"{station}/{number}.jpg" for station in "AB" for number in range(10)]
    assert guess_pattern([*paths, "loose.jpg"]) == StationPattern("{station}")


def test_names_are_compared_without_case_and_separators() -> None:
    assert folded("Station A-01") == folded("station_a01")
    assert folded("A1") != folded("A11")
