from __future__ import annotations

import json
from dataclasses import replace

import pytest

from spotted.evaluation import retrieval
from spotted.fusion import Fusion
from spotted.loading import load_gallery
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def test_the_figures_are_those_of_the_library(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    document = json.loads(machine.run("evaluate", survey_id, "--json").stdout)
    gallery, detections = load_gallery(machine.spotted, survey_id)
    expected = retrieval(gallery, [d.individual_id for d in detections], fusion=Fusion.PRODUCT)
    fused = document["scores"]["fused"]
    assert fused["queries"] == expected.queries == len(DETECTIONS)
    assert fused["top"] == {str(k): share for k, share in expected.top.items()}
    assert fused["mean_average_precision"] == pytest.approx(expected.mean_average_precision)
    text = machine.run("evaluate", survey_id).stdout
    assert "12 queries among 12 detections" in text


def test_a_survey_without_known_animals_is_refused(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id))
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.add_detections(survey_id, unknown, vectors(), SPEC)
    done = machine.run("evaluate", survey_id)
    assert done.exit_code == 6
    assert "individualID" in done.stderr
