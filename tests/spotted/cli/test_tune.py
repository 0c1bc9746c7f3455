from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.cli.tune import SPEEDS_KMH
from spotted.client import Label
from spotted.client.gallery import load_gallery
from spotted.constraints.answers import Answer
from spotted.evaluation.retrieval import measure_retrieval
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, Survey
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors

DAYS_S = 30 * 86_400


@pytest.fixture
def known(machine: Machine, survey_id: str) -> Machine:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    return machine


@pytest.fixture
def roaming(machine: Machine, survey_id: str) -> Machine:
    """Animals that roam at random, in a survey whose decay assumes that they stay in place."""
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
    machine.spotted.survey(survey_id).add_detections(detections, looks.astype(np.float32), SPEC)
    return machine


def test_the_table_is_that_of_the_library(known: Machine, survey_id: str) -> None:
    document = json.loads(known.run("tune-feasibility", survey_id, "--json", "--steps", "3").stdout)
    assert [one["value"] for one in document["grid"]] == pytest.approx([0.05, 1.0, 20.0])
    gallery, detections = load_gallery(known.spotted.survey(survey_id))
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
    assert "current" in text


def test_a_significant_gain_is_applied_with_a_note(roaming: Machine, survey_id: str) -> None:
    before = json.loads(roaming.run("tune-feasibility", survey_id, "--json").stdout)
    assert (before["proven"], before["applied"]) == (True, False)
    assert roaming.spotted.survey(survey_id).info().feasibility.decay == 10.0
    done = roaming.run("tune-feasibility", survey_id, "--apply")
    assert done.exit_code == 0, done.stderr
    assert "every fused score of the survey changes" in done.stderr
    params = roaming.spotted.survey(survey_id).info().feasibility
    # the other knobs stay
    assert params == FeasibilityParams(decay=before["best"], clock_uncertainty_s=60.0)
    assert before["best"] < 10.0


def test_a_gain_that_is_not_significant_is_not_applied(known: Machine, survey_id: str) -> None:
    revision = known.spotted.survey(survey_id).info().revision
    done = known.run("tune-feasibility", survey_id, "--apply")
    assert "not significant; 1 was kept" in done.stdout or "is the best of the grid" in done.stdout
    assert known.spotted.survey(survey_id).info().revision == revision


def test_speed_limits_may_be_tried_too(roaming: Machine, survey_id: str) -> None:
    arguments = ("tune-feasibility", survey_id, "--knob", "max-speed", "--speed", "0.01", "--speed", "50")
    document = json.loads(roaming.run(*arguments, "--json").stdout)
    assert [one["value"] for one in document["grid"]] == [0.01, 50.0, None]
    assert document["present"] is None
    assert "no limit" in roaming.run(*arguments).stdout


def test_the_default_speed_limits_are_those_of_walking_animals(known: Machine, survey_id: str) -> None:
    document = json.loads(known.run("tune-feasibility", survey_id, "--knob", "max-speed", "--json").stdout)
    assert [one["value"] for one in document["grid"]] == [*SPEEDS_KMH, None]


def test_the_curve_is_a_picture(known: Machine, survey_id: str, tmp_path: Path) -> None:
    path = tmp_path / "curve.png"
    assert known.run("tune-feasibility", survey_id, "--steps", "3", "--plot", str(path)).exit_code == 0
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300


def test_without_identities_the_remedy_is_named(machine: Machine, survey_id: str) -> None:
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.create_survey(survey(survey_id)).add_detections(unknown, vectors(), SPEC)
    done = machine.run("tune-feasibility", survey_id)
    assert done.exit_code == 6
    assert "individualID" in done.stderr
    assert "--session" in done.stderr


def test_the_individuals_of_a_session_serve_as_labels(machine: Machine, survey_id: str) -> None:
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(unknown, vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy")
    arguments = ("tune-feasibility", survey_id, "--session", "main", "--json", "--steps", "3")
    early = machine.run(*arguments)
    assert early.exit_code == 6
    assert "spotted annotate" in early.stderr
    session.next_pairs("me")
    pairs = [("d00", "d04"), ("d01", "d05")]
    session.submit_labels([Label(first, second, Answer.SAME, "me") for first, second in pairs])
    assert json.loads(machine.run(*arguments).stdout)["queries"] == 4
