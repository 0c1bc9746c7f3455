from __future__ import annotations

from pathlib import Path

from spotted.boxes.cropping import FractionBox
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.survey import Detection, Side, Survey
from spotted.training.photographs.imported import photographs_of


def test_detections_with_a_photograph_are_taken_as_they_are() -> None:
    detection = Detection("d1", "C1", 5.0, "i1", Side.LEFT, "e1", "Asha", species="lion")
    pictures = (
        Picture(detection, Path("a.jpg"), (0.1, 0.2, 0.3, 0.4)),
        Picture(Detection("d2"), Path("b.jpg")),
        Picture(Detection("d3"), None),
    )
    first, second = photographs_of(ImportedSurvey(Survey("s", 0.0, 1.0), pictures, ()))
    assert (first.photograph_id, first.path, first.box) == (
        "d1",
        Path("a.jpg"),
        FractionBox(0.1, 0.2, 0.3, 0.4),
    )
    assert (first.name, first.species, first.side, first.encounter) == ("Asha", "lion", Side.LEFT, "e1")
    assert (first.camera, first.captured_at_s) == ("C1", 5.0)
    assert (second.box, second.name) == (None, "")
