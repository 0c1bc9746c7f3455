from __future__ import annotations

import json
from datetime import datetime

import pytest

from spotted.cli.surveys.listing import Listed
from spotted.client import Spotted, SurveyHandle
from spotted.client.values import Label
from spotted.constraints import Answer
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


def planted(machine: Machine, survey_id: str) -> SurveyHandle:
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(DETECTIONS, vectors(), SPEC)
    return handle


def shown(machine: Machine, survey_id: str) -> dict[str, object]:
    """A survey as it is listed; other tests have surveys in the store, too."""
    done = machine.run("list", "--json")
    assert done.exit_code == 0, done.stderr
    (found,) = [one for one in json.loads(done.stdout)["surveys"] if one["survey_id"] == survey_id]
    return dict(found)


def test_surveys_are_listed_with_what_they_hold(machine: Machine, survey_id: str) -> None:
    handle = planted(machine, survey_id)
    for session_id in ("main", "second"):
        handle.create_session(session_id)
    one = shown(machine, survey_id)
    info = handle.info()
    assert (one["survey_id"], one["sessions"], one["damage"]) == (survey_id, ["main", "second"], "")
    assert (one["cameras"], one["detections"]) == (info.camera_count, info.detection_count)
    text = machine.run("list").stdout
    assert text.startswith(f"{len(list(machine.spotted.surveys()))} survey")
    assert survey_id in text
    assert "main, second" in text


def test_the_last_change_is_that_of_the_survey_or_of_a_session(machine: Machine, survey_id: str) -> None:
    handle = planted(machine, survey_id)
    alone = shown(machine, survey_id)
    session = handle.create_session("main")
    begun = shown(machine, survey_id)
    first, second, *_ = [one.detection_id for one in DETECTIONS]
    session.submit_labels([Label(first, second, Answer.DIFFERENT, "anna")])
    answered = shown(machine, survey_id)
    times = [datetime.fromisoformat(str(one["changed_at"])) for one in (alone, begun, answered)]
    assert times == sorted(times)
    assert times[0] < times[2]
    (stored,) = [one for one in machine.spotted.surveys() if one.survey_id == survey_id]
    (its,) = handle.sessions()
    assert Listed(stored, (its,)).changed_at_s == its.updated_at_s
    assert Listed(stored, ()).changed_at_s == stored.updated_at_s
    # a single survey or session is read without it
    assert (handle.info().updated_at_s, session.info().updated_at_s) == (None, None)


def test_without_a_survey_the_next_step_is_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spotted, "surveys", lambda _: [])
    assert "next: spotted import DIR" in machine.run("list").stdout
    assert json.loads(machine.run("list", "--json").stdout)["surveys"] == []


def test_a_survey_that_is_deleted_meanwhile_is_left_out(
    machine: Machine, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(machine, survey_id)
    listed = list(machine.spotted.surveys())
    machine.spotted.survey(survey_id).delete()
    monkeypatch.setattr(Spotted, "surveys", lambda _: listed)
    done = machine.run("list")
    assert done.exit_code == 0, done.stderr
    assert survey_id not in done.stdout
