from __future__ import annotations

from pathlib import Path

import pytest

from spotted.demo.composite import read_composite
from spotted.errors import InvalidInputError
from spotted.survey import Extent, Side


def write(
    directory: Path, captures: list[tuple[str, str, str]], photographs: list[tuple[str, str, str, str]]
) -> None:
    (directory / "captures").mkdir()
    (directory / "photos").mkdir()
    (directory / "captures" / "cameras.csv").write_text("camera_id,x_m,y_m\nA,0,0\nB,3000,4000\nIdle,9e5,0\n")
    lines = "".join(f"{animal},{camera},{time}\n" for animal, camera, time in captures)
    (directory / "captures" / "detections.csv").write_text(f"individual_id,camera_id,timestamp\n{lines}")
    index = "".join(",".join(row) + "\n" for row in photographs)
    (directory / "photos" / "index.csv").write_text(f"path,identity,side,encounter\n{index}")


CAPTURES = [
    ("tiger-1", "A", "2000-01-01T02:00"),
    ("tiger-2", "B", "2000-01-01T03:00"),
    ("tiger-2", "A", "2000-01-02T03:00"),
    ("tiger-2", "B", "2000-01-03T03:00"),
]
PHOTOGRAPHS = [
    ("p/one.jpg", "nyala-1", "left", "7"),
    ("p/12l.jpg", "nyala-2", "left", "12"),
    ("p/3r.jpg", "nyala-2", "right", "3"),
    ("p/3l.jpg", "nyala-2", "left", "3"),
]


def test_the_most_captured_animal_gets_the_most_photographed_one(tmp_path: Path) -> None:
    write(tmp_path, CAPTURES, PHOTOGRAPHS)
    made = read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")
    lent = [(d.individual_id, Path(d.image_uri).name, d.side) for d in made.detections]
    assert lent == [
        ("tiger-1", "one.jpg", Side.LEFT),
        ("tiger-2", "3l.jpg", Side.LEFT),
        ("tiger-2", "3r.jpg", Side.RIGHT),
        ("tiger-2", "12l.jpg", Side.LEFT),
    ]


def test_the_extent_is_that_of_the_detections(tmp_path: Path) -> None:
    write(tmp_path, CAPTURES, PHOTOGRAPHS)
    made = read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")
    assert made.survey.extent() == Extent(5_000.0, 49 * 3600.0, made.survey.start_s)


def test_detections_beyond_the_photographs_are_dropped_and_counted(tmp_path: Path) -> None:
    write(tmp_path, CAPTURES, PHOTOGRAPHS[:3])
    made = read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")
    assert len(made.pictures) == 3
    assert any("3 detections of 2 animals, 1 beyond the photographs dropped" in note for note in made.notes)
    assert any("composite" in note and "joined artificially" in note for note in made.notes)


def test_captures_without_any_photograph_are_refused(tmp_path: Path) -> None:
    write(tmp_path, CAPTURES, [])
    with pytest.raises(InvalidInputError, match="no photograph in"):
        read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")


def test_what_shows_no_known_animal_is_left_out_and_lent_to_none(tmp_path: Path) -> None:
    unknown = [("", "A", f"2000-01-0{day}T01:00") for day in range(1, 8)]
    strangers = [(f"p/stranger{number}.jpg", "", "left", "1") for number in range(7)]
    write(tmp_path, [*unknown, *CAPTURES], [*strangers, *PHOTOGRAPHS])
    made = read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")
    assert {d.individual_id for d in made.detections} == {"tiger-1", "tiger-2"}
    assert not any("stranger" in d.image_uri for d in made.detections)
    assert any("0 beyond the photographs dropped, 7 of unknown animals left out" in n for n in made.notes)


def test_a_photograph_without_a_path_is_refused_by_row(tmp_path: Path) -> None:
    write(tmp_path, CAPTURES, [*PHOTOGRAPHS, ("", "nyala-2", "left", "1")])
    with pytest.raises(InvalidInputError, match="row 6, path '' is missing"):
        read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")


def test_an_encounter_may_be_any_text_and_numbers_come_first(tmp_path: Path) -> None:
    # \u00b2 counts as a digit, but is no number
    albums = [
        ("p/b.jpg", "n", "left", "\u00b2"),
        ("p/a.jpg", "n", "left", "10"),
        ("p/c.jpg", "n", "left", "9"),
    ]
    write(tmp_path, CAPTURES[1:], albums)
    made = read_composite(tmp_path / "captures", tmp_path / "photos", survey_id="c")
    assert [Path(d.image_uri).name for d in made.detections] == ["c.jpg", "a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("captures", "detections", "animals", "dropped"),
    [("nagarahole_tigers", 355, 86, 0), ("belize_jaguars", 270, 29, 64)],
)
def test_the_published_composites_have_their_stated_size(
    real_files: Path, captures: str, detections: int, animals: int, dropped: int
) -> None:
    made = read_composite(real_files / "captures" / captures, real_files / "nyala", survey_id="c")
    assert len(made.pictures) == detections
    assert len({d.individual_id for d in made.detections}) == animals
    assert any(f"{dropped} beyond the photographs dropped" in note for note in made.notes)
    assert any("Dlamini & van Zyl 2020" in note for note in made.notes)
    assert all(picture.path is not None and picture.path.is_file() for picture in made.pictures)
