"""Photographs of imported surveys."""

from __future__ import annotations

from spotted.boxes.cropping import FractionBox
from spotted.formats.imported_survey import ImportedSurvey
from spotted.training.photographs.photograph import Photograph


def photographs_of(imported: ImportedSurvey) -> list[Photograph]:
    """The detections of a survey that have an image file, in the order of the files."""
    return [
        Photograph(
            photograph_id=picture.detection.detection_id,
            path=picture.path,
            box=None if picture.box is None else FractionBox(*picture.box),
            name=picture.detection.individual_id,
            species=picture.detection.species,
            side=picture.detection.side,
            encounter=picture.detection.encounter_id,
            camera=picture.detection.camera_id,
            captured_at_s=picture.detection.captured_at_s,
        )
        for picture in imported.pictures
        if picture.path is not None
    ]
