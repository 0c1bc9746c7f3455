from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest
from click.testing import CliRunner

from spotted.cli.calibrate import calibrate
from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.scoring.fusion import Fusion
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import KNOWN, SPEC, known_vectors, survey


@pytest.fixture
def known(machine: Machine, survey_id: str) -> Machine:
    """A survey with known identities."""
    machine.spotted.create_survey(survey(survey_id)).add_detections(KNOWN, known_vectors(), SPEC)
    return machine


@pytest.fixture
def answered(machine: Machine, survey_id: str) -> Machine:
    """A survey without identities, and a session with the same knowledge as answers."""
    handle = machine.spotted.create_survey(survey(survey_id))
    unknown = [replace(d, individual_id="") for d in KNOWN]
    handle.add_detections(unknown, known_vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy")
    session.next_pairs("me")
    labels = []
    for first, second in combinations(KNOWN, 2):
        answer = Answer.SAME if first.individual_id == second.individual_id else Answer.DIFFERENT
        labels.append(Label(first.detection_id, second.detection_id, answer, "me"))
    # this answer says nothing about the animals, so nothing is learned from it
    labels[0] = replace(labels[0], answer=Answer.NOT_COMPARABLE)
    for start in range(0, len(labels), 100):
        session.submit_labels(labels[start : start + 100])
    return machine


def order(document: str) -> list[tuple[str, str]]:
    """Detections and their candidates as `spotted match` lists them."""
    return [(c["detection_id"], c["candidate_id"]) for c in json.loads(document)["candidates"]]


def test_known_identities_teach_probabilities(known: Machine, survey_id: str) -> None:
    done = known.run("calibrate", survey_id, "--known", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    stored = known.spotted.survey(survey_id).info()
    assert document["survey_id"] == survey_id
    assert document["calibration_digest"] == stored.calibration_digest != ""
    assert (document["reason"], document["same_pairs"], document["different_pairs"]) == ("", 36, 240)
    assert document["individuals"] == 6
    assert document["kind"] in {"product", "evidence"}
    again = known.run("calibrate", survey_id, "--known")
    assert f"calibration {stored.calibration_digest[:12]} of {survey_id}" in again.stdout
    assert f"error {document['held_out_error']:.3f} on held-out individuals" in again.stdout
    assert f"next: spotted match {survey_id} --fusion calibrated" in again.stdout


def test_the_answers_of_a_session_teach_the_same(answered: Machine, survey_id: str) -> None:
    document = json.loads(answered.run("calibrate", survey_id, "--session", "main", "--json").stdout)
    # the pair that was not comparable is implied by the others
    assert (document["same_pairs"], document["different_pairs"]) == (36, 240)
    learned = document["calibration_digest"]
    assert learned == answered.spotted.survey(survey_id).info().calibration_digest
    by_hand = answered.spotted.survey(survey_id).fit_calibration(
        [
            (a.detection_id, b.detection_id, a.individual_id == b.individual_id)
            for a, b in combinations(KNOWN, 2)
        ],
    )
    assert by_hand.survey.calibration_digest == learned


def test_answers_and_identities_teach_together(known: Machine, survey_id: str) -> None:
    known.spotted.survey(survey_id).create_session("early", strategy="greedy")
    without = known.run("calibrate", survey_id, "--session", "early")
    assert without.exit_code == 0
    assert "0 same and 0 different pairs are known" in without.stdout
    assert "ranks as by the product; its probabilities come from other surveys" in without.stdout
    assert known.spotted.survey(survey_id).info().calibration_digest
    both = json.loads(known.run("calibrate", survey_id, "--session", "early", "--known", "--json").stdout)
    assert both["same_pairs"] == 36


def test_a_survey_starts_without_labels_and_keeps_what_it_learned(known: Machine, survey_id: str) -> None:
    started = json.loads(known.run("calibrate", survey_id, "--json").stdout)
    assert (started["kind"], started["same_pairs"], started["held_out_gain"]) == ("starting", 0, None)
    matched = known.run("match", survey_id, "--fusion", "calibrated", "--json")
    assert "note:" not in matched.stderr
    assert order(matched.stdout) == order(known.run("match", survey_id, "--json").stdout)
    learned = json.loads(known.run("calibrate", survey_id, "--known", "--json").stdout)
    again = known.run("calibrate", survey_id)
    assert again.stdout.strip().endswith("the survey keeps its calibration")
    stored = known.spotted.survey(survey_id).info().calibration_digest
    assert stored == learned["calibration_digest"] != started["calibration_digest"]


def test_a_calibration_may_be_turned_off(known: Machine, survey_id: str) -> None:
    known.run("calibrate", survey_id, "--known")
    assert known.spotted.survey(survey_id).info().calibration_digest
    done = known.run("calibrate", survey_id, "--off")
    assert done.exit_code == 0
    assert "calibration is off" in done.stdout
    assert known.spotted.survey(survey_id).info().calibration_digest == ""


@pytest.mark.parametrize("arguments", [("--off", "--known"), ("--off", "--session", "main")])
def test_labels_for_no_calibration_are_wrong_usage(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(calibrate, ["any", *arguments])
    assert done.exit_code == 2
    assert "--off cannot be combined with --session and --known" in done.stderr


def test_unknown_surveys_and_sessions_are_not_found(known: Machine, survey_id: str) -> None:
    assert known.run("calibrate", "nosuch", "--known").exit_code == 4
    assert known.run("calibrate", survey_id, "--session", "nosuch").exit_code == 4


def test_without_a_calibration_the_product_is_listed_with_a_note(known: Machine, survey_id: str) -> None:
    calibrated = known.run("match", survey_id, "--fusion", "calibrated", "--json")
    assert calibrated.exit_code == 0
    assert "note: this survey has no calibration, the product is used" in calibrated.stderr
    product = known.run("match", survey_id, "--json")
    assert product.stderr == ""
    assert calibrated.stdout == product.stdout


def test_with_a_calibration_probabilities_are_listed_without_a_note(known: Machine, survey_id: str) -> None:
    known.run("calibrate", survey_id, "--known")
    done = known.run("match", survey_id, "--fusion", "calibrated", "--top", "3", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    expected = [
        (one.detection_id, candidate.detection_id, f"{candidate.fused:.4f}")
        for one in known.spotted.survey(survey_id).candidates(top_k=3, fusion=Fusion.CALIBRATED)
        for candidate in one.candidates
    ]
    rows = json.loads(done.stdout)["candidates"]
    assert [(row["detection_id"], row["candidate_id"], row["fused"]) for row in rows] == expected
