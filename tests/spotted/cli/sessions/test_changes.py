from __future__ import annotations

import json
from dataclasses import replace

import pytest

from spotted.cli.sessions.changes import change_known, change_trust, create_session
from spotted.client import Label
from spotted.constraints import Trust
from spotted.constraints.answers import Answer
from spotted.facts import KnownIndividuals
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def half(machine: Machine, survey_id: str) -> Machine:
    """A survey of twelve detections of four animals, two of which have names."""
    known = {"a0", "a1"}
    detections = [d if d.individual_id in known else replace(d, individual_id="") for d in DETECTIONS]
    machine.spotted.create_survey(survey(survey_id)).add_detections(detections, vectors(), SPEC)
    return machine


def document(machine: Machine, *arguments: str) -> dict[str, object]:
    done = machine.run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    made: dict[str, object] = json.loads(done.stdout)
    return made


def test_a_session_is_created_with_its_settings(half: Machine, survey_id: str) -> None:
    done = half.run("session", "create", survey_id, "--known", "believed", "--camera", "c0")
    assert done.exit_code == 0, done.stderr
    assert "trust single, known names believed" in done.stdout
    # three detections of each of two named animals
    assert "8 individuals among 12 detections" in done.stdout
    made = document(half, "session", "create", survey_id, "--session", "b", "--trust", "verified")
    assert (made["trust"], made["known"], made["opposite_flanks"]) == ("verified", "believed", False)


def test_trust_changes_by_the_command_and_keeps_the_individuals(half: Machine, survey_id: str) -> None:
    session = half.spotted.survey(survey_id).create_session("main")
    session.submit_labels([Label("d02", "d06", Answer.SAME, "anna")])
    done = half.run("session", "trust", survey_id, "verified")
    assert done.exit_code == 0, done.stderr
    assert "trust verified" in done.stdout
    assert "7 individuals before, 7 now" in done.stdout
    assert session.info().trust is Trust.VERIFIED
    assert document(half, "session", "trust", survey_id, "single")["trust"] == "single"
    assert half.run("session", "trust", survey_id, "blind").exit_code == 2


def test_names_are_read_again_and_used_as_asked(half: Machine, survey_id: str) -> None:
    session = half.spotted.survey(survey_id).create_session("main")
    done = half.run("session", "known", survey_id, "ignored")
    assert "known names ignored" in done.stdout
    assert session.progress().individuals == 12
    assert document(half, "session", "known", survey_id, "suggested")["known"] == "suggested"
    asked = half.run("annotate", survey_id, answers="q\n")
    assert "both are named 'a0'" in asked.stdout


def test_a_further_annotator_reads_what_happens_before_the_first_question(
    half: Machine, survey_id: str
) -> None:
    for who in ("anna", "ben"):
        done = half.run("annotate", survey_id, "--annotator", who, "--limit", "1", answers="d\n")
        assert done.exit_code == 0, done.stderr
        assert ("Answers of anna are in this session" in done.stderr) is (who == "ben")
    assert f"spotted session trust {survey_id} verified --session main" in done.stderr
    again = half.run("annotate", survey_id, "--annotator", "ben", answers="q\n")
    assert "Answers of" not in again.stderr


def test_the_oracle_ignores_names_and_refuses_a_session_that_uses_them(
    machine: Machine, survey_id: str
) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    done = machine.run("annotate", survey_id, "--oracle")
    assert "0 questions answered" not in done.stdout
    handle = machine.spotted.survey(survey_id)
    assert handle.session("main").info().known_individuals is KnownIndividuals.IGNORED
    handle.create_session("named")
    refused = machine.run("annotate", survey_id, "--oracle", "--session", "named")
    assert refused.exit_code == 6
    assert f"spotted session known {survey_id} ignored --session named" in refused.stderr
    assert machine.run("annotate", survey_id, "--oracle", "--known", "believed").exit_code == 2
    compared = machine.run("evaluate", survey_id, "--session", "named")
    assert compared.exit_code == 6
    assert "compared with themselves" in compared.stderr


def test_every_command_of_a_session_has_help() -> None:
    assert all(command.help for command in (create_session, change_trust, change_known))
