from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from spotted.client import Spotted
from spotted.counting import same_pairs
from spotted.demo.measuring import RECALLS, measure
from spotted.errors import PreconditionError
from spotted.formats.imported_survey import ImportedSurvey
from spotted.local import processes
from spotted.simulation.survey import SimulationParams
from tests.spotted.drawn_surveys import drawn_survey

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spotted(
    tmp_path_factory: pytest.TempPathFactory,
    models: Path,
    forked_services: None,  # noqa: ARG001 - how they start
) -> Iterator[Spotted]:
    directory = tmp_path_factory.mktemp("run")
    processes.up(directory, port=0, environment={"SPOTTED_MODELS": str(models)})
    with Spotted.local(directory) as client:
        yield client
    processes.down(directory)


def survey(directory: Path, survey_id: str) -> ImportedSurvey:
    params = SimulationParams(animals=6, cameras=6, detections=40, company=0.0)
    return drawn_survey(directory, survey_id, params)


def test_a_small_survey_is_measured_from_photographs_to_individuals(spotted: Spotted, tmp_path: Path) -> None:
    imported = survey(tmp_path, "small")
    measured, figures = measure(spotted, imported, "simulated")
    assert measured.detections == len(imported.pictures)
    assert measured.individuals_true == 6
    assert 6 <= measured.individuals_found <= measured.detections
    for scores in (measured.top1, measured.top5):
        assert set(scores) == {"visual", "location", "fused"}
        assert all(0.0 <= share <= 1.0 for share in scores.values())
    truth = [p.detection.individual_id for p in imported.pictures]
    for asked in (measured.queries_to, measured.greedy_visual_queries_to):
        questions = [asked[recall] or 0 for recall in RECALLS]
        assert questions == sorted(questions)
        # one question can join at most everything that is left, and no pair is asked twice
        assert 1 <= questions[0] <= questions[-1] <= len(truth) * (len(truth) - 1) // 2
    assert same_pairs(truth) > 0
    for figure in figures:
        Image.open(io.BytesIO(figure.image)).verify()


def test_a_picture_that_cannot_be_used_stops_the_measurement_with_its_name(
    spotted: Spotted, tmp_path: Path
) -> None:
    imported = survey(tmp_path, "broken")
    path = imported.pictures[3].path
    assert path is not None
    path.write_bytes(b"not an image")
    with pytest.raises(PreconditionError, match=imported.pictures[3].detection.detection_id):
        measure(spotted, imported, "simulated")
