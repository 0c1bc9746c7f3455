from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from spotted.cli.evaluate import evaluate
from spotted.client import oracle
from spotted.client.gallery import load_gallery
from spotted.errors import PreconditionError
from spotted.evaluation.retrieval import measure_retrieval
from spotted.facts import KnownIndividuals
from spotted.scoring.fusion import Fusion
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def test_the_figures_are_those_of_the_library(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    document = json.loads(machine.run("evaluate", survey_id, "--json").stdout)
    gallery, detections = load_gallery(machine.spotted.survey(survey_id))
    expected = measure_retrieval(gallery, [d.individual_id for d in detections], fusion=Fusion.PRODUCT)
    fused = document["scores"]["fused"]
    assert fused["queries"] == expected.queries == len(DETECTIONS)
    assert fused["top"] == {str(k): share for k, share in expected.top.items()}
    assert fused["mean_average_precision"] == pytest.approx(expected.mean_average_precision)
    text = machine.run("evaluate", survey_id).stdout
    assert "12 queries among 12 detections" in text


def test_the_report_is_written_beside_the_table(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    done = machine.run("evaluate", survey_id, "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "cannot be read" in done.stderr
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["scores"]["fused"]["queries"] == len(DETECTIONS)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Cameras and movements" in page
    # four animals are too few for an interval
    assert document["scores"]["fused"]["intervals"]["top-1"] is None


def test_own_encounters_can_be_left_out(machine: Machine, survey_id: str) -> None:
    within = [replace(d, encounter_id="one" if d.individual_id == "a0" else "") for d in DETECTIONS]
    machine.spotted.create_survey(survey(survey_id)).add_detections(within, vectors(), SPEC)
    done = machine.run("evaluate", survey_id, "--other-encounters")
    assert "9 queries among 12 detections" in done.stdout
    document = json.loads(machine.run("evaluate", survey_id, "--other-encounters", "--json").stdout)
    assert document["scores"]["fused"]["queries"] == 12
    assert document["other_encounters"]["fused"]["queries"] == 9


def test_individuals_of_a_session_are_compared_with_the_known_ones(machine: Machine, survey_id: str) -> None:
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    session = handle.create_session("main", known_individuals=KnownIndividuals.IGNORED)
    truth = {d.detection_id: d.individual_id for d in DETECTIONS}
    assert "partition" in (plain := json.loads(machine.run("evaluate", survey_id, "--json").stdout))
    assert plain["partition"] is None
    oracle.answer_all(session, truth)
    named = next(session.individuals())
    known = next(one.individual_id for one in DETECTIONS if one.detection_id in named.detection_ids)
    session.individual(named.individual_id).update("anna", display_name=known.upper())
    done = machine.run("evaluate", survey_id, "--session", "main", "--json")
    partition = json.loads(done.stdout)["partition"]
    assert partition == {
        "detections": len(DETECTIONS),
        "pair_precision": 1.0,
        "pair_recall": 1.0,
        "b_cubed_precision": 1.0,
        "b_cubed_recall": 1.0,
        "adjusted_rand": 1.0,
    }
    text = machine.run("evaluate", survey_id, "--session", "main").stdout
    count = len(named.detection_ids)
    assert f"names given in the session: {count} of {count} detections agree" in text
    assert "pair precision 1.000, pair recall 1.000" in text


def test_a_survey_without_known_animals_is_refused(machine: Machine, survey_id: str) -> None:
    unknown = [replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.create_survey(survey(survey_id)).add_detections(unknown, vectors(), SPEC)
    done = CliRunner().invoke(evaluate, [survey_id, "--data", str(machine.directory)])
    assert isinstance(done.exception, PreconditionError)
    assert "individualID" in str(done.exception)
