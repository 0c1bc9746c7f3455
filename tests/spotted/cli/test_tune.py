from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted import messages
from spotted.client.gallery import load_gallery
from spotted.evaluation.retrieval import measure_retrieval
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import sampler_pb2
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors

DAYS_S = 30 * 86_400


@pytest.fixture
def known(machine: Machine, survey_id: str) -> Machine:
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    return machine


@pytest.fixture
def roaming(machine: Machine, survey_id: str) -> Machine:
    """Animals that may be anywhere at any time, in a survey whose decay believes that they stay."""
    rng = np.random.default_rng(1)
    cameras = {f"c{i}": Camera(f"c{i}", x_m=2000.0 * i, y_m=0.0) for i in range(10)}
    machine.spotted.create_survey(
        Survey(survey_id, 0.0, float(DAYS_S), "roaming", cameras),
        feasibility=FeasibilityParams(decay=10.0, clock_uncertainty_s=60.0),
    )
    detections = [
        Detection(
            f"d{i:03}", f"c{rng.integers(10)}", float(rng.integers(DAYS_S)), individual_id=f"a{i // 4:02}"
        )
        for i in range(80)
    ]
    looks = np.repeat(rng.normal(size=(20, 8)), 4, axis=0) + 0.5 * rng.normal(size=(80, 8))
    machine.spotted.add_detections(survey_id, detections, looks.astype(np.float32), SPEC)
    return machine


def test_the_table_is_that_of_the_library(known: Machine, survey_id: str) -> None:
    document = json.loads(known.run("tune-feasibility", survey_id, "--json", "--steps", "3").stdout)
    assert [one["value"] for one in document["grid"]] == pytest.approx([0.05, 1.0, 20.0])
    gallery, detections = load_gallery(known.spotted, survey_id)
    for one in document["grid"]:
        params = replace(gallery.params, decay=one["value"])
        expected = measure_retrieval(
            replace(gallery, params=params), [d.individual_id for d in detections], ks=(1, 5, 20)
        )
        assert one["top"] == {str(k): share for k, share in expected.top.items()}
        assert one["mean_average_precision"] == pytest.approx(expected.mean_average_precision)
    assert document["queries"] == len(DETECTIONS)
    assert document["present"] == 1.0
    text = known.run("tune-feasibility", survey_id, "--steps", "3").stdout
    assert "12 queries among 12 detections" in text
    assert "present" in text


def test_a_proven_value_is_set_after_it_is_told(roaming: Machine, survey_id: str) -> None:
    before = json.loads(roaming.run("tune-feasibility", survey_id, "--json").stdout)
    assert (before["proven"], before["applied"]) == (True, False)
    assert messages.feasibility(roaming.spotted.survey(survey_id).feasibility).decay == 10.0
    done = roaming.run("tune-feasibility", survey_id, "--apply")
    assert done.exit_code == 0, done.stderr
    assert "every fused score of the survey changes" in done.stderr
    params = messages.feasibility(roaming.spotted.survey(survey_id).feasibility)
    # the other knobs stay
    assert params == FeasibilityParams(decay=before["best"], clock_uncertainty_s=60.0)
    assert before["best"] < 10.0


def test_a_gain_that_is_no_more_than_noise_is_not_set(known: Machine, survey_id: str) -> None:
    revision = known.spotted.survey(survey_id).revision
    done = known.run("tune-feasibility", survey_id, "--apply")
    assert "not more than noise; 1 is kept" in done.stdout or "is the best of the grid" in done.stdout
    assert known.spotted.survey(survey_id).revision == revision


def test_speed_limits_may_be_tried_too(roaming: Machine, survey_id: str) -> None:
    arguments = ("tune-feasibility", survey_id, "--knob", "max-speed", "--speed", "0.01", "--speed", "50")
    document = json.loads(roaming.run(*arguments, "--json").stdout)
    assert [one["value"] for one in document["grid"]] == [0.01, 50.0, None]
    assert document["present"] is None
    assert "no limit" in roaming.run(*arguments).stdout


def test_the_curve_is_a_picture(known: Machine, survey_id: str, tmp_path: Path) -> None:
    path = tmp_path / "curve.png"
    assert known.run("tune-feasibility", survey_id, "--steps", "3", "--plot", str(path)).exit_code == 0
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300


def test_without_identities_the_remedy_is_told(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id))
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.add_detections(survey_id, unknown, vectors(), SPEC)
    done = machine.run("tune-feasibility", survey_id)
    assert done.exit_code == 6
    assert "individualID" in done.stderr
    assert "--session" in done.stderr


def test_the_individuals_of_a_session_serve_as_labels(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id))
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.add_detections(survey_id, unknown, vectors(), SPEC)
    machine.spotted.create_session(survey_id, "main", strategy="greedy")
    arguments = ("tune-feasibility", survey_id, "--session", "main", "--json", "--steps", "3")
    early = machine.run(*arguments)
    assert early.exit_code == 6
    assert "spotted annotate" in early.stderr
    machine.spotted.next_pairs(survey_id, "main", "me")
    machine.spotted.submit_labels(
        survey_id,
        "main",
        [
            sampler_pb2.Label(
                label_id=f"l{first}",
                first_detection_id=first,
                second_detection_id=second,
                answer=sampler_pb2.ANSWER_SAME,
                annotator_id="me",
            )
            for first, second in (("d00", "d04"), ("d01", "d05"))
        ],
    )
    assert json.loads(machine.run(*arguments).stdout)["queries"] == 4
