from __future__ import annotations

import csv
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.catalogue import read_catalogue
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.picture import Picture
from spotted.survey import Detection, Side, Survey
from tests.spotted.photograph_folder import write_photograph


def survey_of(*pictures: Picture) -> ImportedSurvey:
    return ImportedSurvey(Survey("ridge", 0.0, 1.0), pictures, ())


def test_a_survey_written_as_a_catalogue_reads_back_as_itself(tmp_path: Path) -> None:
    path = write_photograph(tmp_path / "in" / "A" / "1.jpg", size=(40, 20))
    pictures = (
        Picture(Detection("d1", "A", 3600.0, side=Side.LEFT), path, (0.25, 0.5, 0.5, 0.25)),
        Picture(Detection("d2", "A", None, individual_id="Asha"), path),
    )
    write_as_catalogue(survey_of(*pictures), tmp_path / "in", tmp_path / "out", {"d1": "Bela"})
    again = read_catalogue(tmp_path / "out", images_root=tmp_path / "in")
    assert [(p.detection.detection_id, p.path, p.box) for p in again.pictures] == [
        (p.detection.detection_id, p.path, p.box) for p in pictures
    ]
    assert [(d.individual_id, d.captured_at_s, d.side) for d in again.detections] == [
        ("Bela", 3600.0, Side.LEFT),
        ("Asha", None, Side.UNKNOWN),
    ]


def test_a_survey_without_boxes_has_no_column_for_them(tmp_path: Path) -> None:
    write_as_catalogue(
        survey_of(Picture(Detection("d1"), tmp_path / "a.jpg")), tmp_path, tmp_path / "out", {}
    )
    with (tmp_path / "out" / "catalogue.csv").open() as handle:
        (row,) = csv.DictReader(handle)
    assert row["path"] == "a.jpg"
    assert "bbox" not in row


def test_a_detection_that_the_survey_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="such as d9; export from the files"):
        write_as_catalogue(survey_of(), tmp_path, tmp_path / "out", {"d9": "x"})
