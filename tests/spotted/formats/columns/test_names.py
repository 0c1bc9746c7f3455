from __future__ import annotations

import pytest

from spotted.formats.columns.names import (
    CAMERA_FIELDS,
    DETECTION_FIELDS,
    FIELDS,
    STATION_FIELDS,
    plain_title,
    rank,
)


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("Station", "camera_id"),
        ("CAMERA_ID", "camera_id"),
        ("Estación", "camera_id"),
        ("DateTimeOriginal", "time"),
        ("Date/Time", "time"),
        ("Fecha y hora", "time"),
        ("File Name", "image"),
        ("RelativePath", "folder"),
        ("Animal ID", "individual_id"),
        ("Scientific name", "species"),
        ("Espèce", "species"),
    ],
)
def test_usual_titles_name_their_field_and_no_other(title: str, field: str) -> None:
    assert [name for name, usual in DETECTION_FIELDS.items() if rank(title, usual) is not None] == [field]


@pytest.mark.parametrize("title", ["Camera model", "Temperature", "Observer", "Count", "", "Station type"])
def test_other_titles_name_no_field(title: str) -> None:
    assert all(rank(title, usual) is None for usual in [*DETECTION_FIELDS.values(), *CAMERA_FIELDS.values()])


def test_no_title_names_two_fields_of_one_table() -> None:
    # most tables name the camera by its station
    cameras = {name: usual for name, usual in CAMERA_FIELDS.items() if name not in STATION_FIELDS}
    for fields in (DETECTION_FIELDS, cameras):
        titles = [plain_title(title).replace(" ", "") for usual in fields.values() for title in usual]
        assert len(titles) == len({*titles}) + sum(
            len(usual) - len({plain_title(t).replace(" ", "") for t in usual}) for usual in fields.values()
        )


def test_units_and_marks_of_a_title_do_not_count() -> None:
    assert plain_title("UTM_X (m)") == "utm x"
    assert {"camera_id", "time", "image", "start", "latitude"} <= set(FIELDS)
