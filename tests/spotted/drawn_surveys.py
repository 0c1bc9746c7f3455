"""Small simulated surveys with their pictures drawn into a directory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spotted.demo.pictures import draw
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.simulation.survey import SimulationParams, simulate_survey


def drawn_survey(directory: Path, survey_id: str, params: SimulationParams) -> ImportedSurvey:
    """One picture for each detection; no two animals share an image."""
    made = simulate_survey(params, np.random.default_rng(0), survey_id=survey_id)
    pictures = []
    for shot in made.shots:
        drawn = draw([shot], seed=0)
        path = directory / f"{shot.detection.detection_id}.jpg"
        path.write_bytes(drawn.content)
        pictures.append(Picture(shot.detection, path, drawn.boxes[0]))
    return ImportedSurvey(made.survey, tuple(pictures), ("a note",))
